"""What every file must be: described, of a readable size, and used."""

from __future__ import annotations

import ast

from tests.house.source import AROUND, PACKAGE, Module, entry_points

LINES_MAX = 450


def test_every_module_says_what_it_is() -> None:
    """A module, of the package or beside it, begins with a docstring."""
    silent = [
        module.at(module.tree, "no docstring") for module in PACKAGE + AROUND if not ast.get_docstring(module.tree)
    ]

    assert silent == []


def test_no_file_grows_past_one_noun() -> None:
    """A file ends before line 450."""
    counts = {module: module.text.count("\n") for module in PACKAGE + AROUND}

    assert [module.at(module.tree, f"{count} lines") for module, count in counts.items() if count > LINES_MAX] == []


def test_a_package_file_only_re_exports() -> None:
    """An `__init__.py` holds a docstring, imports and `__all__`, and nothing else."""
    more = [
        module.at(statement, "is more than a re-export")
        for module in PACKAGE
        if module.is_package
        for statement in module.tree.body[1:]
        if not _re_exports(statement)
    ]

    assert more == []


def test_no_module_imports_itself_into_secrecy() -> None:
    """No module imports a private name (one underscore) from another module."""
    private = [
        module.at(node, name)
        for module in PACKAGE
        for node, name in module.imports()
        if name.startswith("actorstream.") and name.rpartition(".")[2].startswith("_") and not name.endswith("__")
    ]

    assert private == []


def test_no_module_loads_pickles() -> None:
    """Nothing imports a library that runs code from the bytes it reads."""
    unsafe = {"cloudpickle", "dill", "marshal", "pickle", "shelve"}

    found = [module.at(n, name) for module in PACKAGE for n, name in module.imports() if name.split(".")[0] in unsafe]

    assert found == []


def test_every_module_has_an_importer() -> None:
    """Every module is imported by another one, or is where somebody enters."""
    imported = entry_points()
    for module in PACKAGE:
        imported.update(_imported_modules(module))

    unused = [module.at(module.tree, "nobody imports it") for module in PACKAGE if _waits_for(module, imported)]

    assert unused == []


def test_every_message_is_used() -> None:
    """Every message of a `messages.py` is mentioned by a module other than its own."""
    mentioned: dict[str, set[str]] = {}
    for module in PACKAGE:
        for _, name in (*module.uses(), *module.imports()):
            mentioned.setdefault(name.rpartition(".")[2], set()).add(module.name)

    unused = [
        module.at(node, node.name)
        for module in PACKAGE
        if module.path.name == "messages.py"
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not mentioned.get(node.name, set()) - {module.name}
    ]

    assert unused == []


def _re_exports(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return [ast.unparse(target) for target in statement.targets] == ["__all__"]
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _imported_modules(module: Module) -> set[str]:
    """`from a.b import c` may mean the module a.b.c, and in any case a.b."""
    names = {name for _, name in module.imports()}
    return (names | {name.rpartition(".")[0] for name in names}) - {module.name}


def _waits_for(module: Module, imported: set[str]) -> bool:
    """Connectors are for users to import, each by its module's name."""
    is_for_users = module.path.parent.name == "connectors"
    return not module.is_package and not is_for_users and module.name not in imported
