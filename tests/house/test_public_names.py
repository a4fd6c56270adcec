"""What the packages offer to others: sorted, complete, there, and described."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

from tests.house.source import PACKAGE, Module

OFFERING = [module for module in PACKAGE if module.is_package and "__all__" in module.text]

offering = pytest.mark.parametrize("module", OFFERING, ids=lambda module: module.name)


@offering
def test_all_is_sorted(module: Module) -> None:
    """`__all__` is in the order of `sorted()`, without repetitions."""
    names = importlib.import_module(module.name).__all__

    assert list(names) == sorted(set(names))


@offering
def test_all_is_complete(module: Module) -> None:
    """`__all__` names all that the package's `__init__.py` imports, and nothing else."""
    names = importlib.import_module(module.name).__all__

    assert set(names) == set(_bound_by_imports(module.tree))


@offering
def test_every_public_name_is_described(module: Module) -> None:
    """Every class and function that a package offers has a docstring of its own, not an inherited one."""
    package = importlib.import_module(module.name)
    offered = {name: getattr(package, name) for name in package.__all__}

    described = [value for value in offered.values() if inspect.isclass(value) or inspect.isfunction(value)]

    assert [value.__qualname__ for value in described if not value.__doc__] == []


def test_the_packages_for_users_offer_names() -> None:
    """Once `actorstream` offers names, `actorstream.actors` and `actorstream.testing` do, too."""
    names = {module.name for module in OFFERING}

    assert "actorstream" not in names or {"actorstream.actors", "actorstream.testing"} <= names


def _bound_by_imports(tree: ast.Module) -> list[str]:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    names = [alias.asname or alias.name for node in imports for alias in node.names]
    return [name for name in names if name not in ("annotations", "TYPE_CHECKING")]
