"""Rules that a linter does not know: each finds, in one module, the places that break it.

A finder yields (node, what it is); the tests in this directory run the finders over the package, and over planted
faults, because a rule that finds nothing proves nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.source import Module

Finding = tuple[ast.AST, str]

FORBIDDEN_MODULES = frozenset({"random", "secrets", "time"})
FORBIDDEN_NAMES = frozenset(
    {
        "asyncio.sleep",
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "os.getrandom",
        "os.urandom",
        "uuid.uuid1",
        "uuid.uuid4",
    }
)

CHANGES_IN_PLACE = re.compile(
    "add|append|appendleft|clear|discard|extend|insert|pop|popitem|popleft|remove|reverse|setdefault|sort|update"
)
QUEUES = ("LifoQueue", "PriorityQueue", "Queue", "SimpleQueue")
CONTAINERS = frozenset({"bytearray", "dict", "list", "set"})
MEANT_TO_CHANGE = re.compile(
    "Condition|Counter|Event|R?Lock|OrderedDict|Semaphore|Weak.*|count|cycle|defaultdict|deque|local|.*Queue"
)
EXCUSE = "process-wide:"
"""A comment that begins so, on a statement or above it, says why a process really has one of these."""


def clocks_and_chance(module: Module) -> Iterator[Finding]:
    """Calls and imports that ask the machine for the time, for chance, or to sleep."""
    for node, name in (*module.imports(), *module.uses()):
        if name in FORBIDDEN_NAMES or _comes_from_forbidden_module(module, name):
            yield node, name


def hashes_and_addresses(module: Module) -> Iterator[Finding]:
    """`hash()` and `id()`, except where Python itself asks for them."""
    for call in _calls_outside(module.tree, ("__hash__", "__repr__")):
        if isinstance(call.func, ast.Name) and call.func.id in ("hash", "id"):
            yield call, ast.unparse(call)


def walks_over_sets(module: Module) -> Iterator[Finding]:
    """Loops over a set as it is made."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and _is_set(node.iter):
            yield node.iter, ast.unparse(node.iter)


def unbounded_queues(module: Module) -> Iterator[Finding]:
    """Queues of the standard library that are made without their greatest size."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) in QUEUES and not node.args and not node.keywords:
            yield node, ast.unparse(node)


def changing_state(module: Module) -> Iterator[Finding]:
    """Statements that give a module state which changes, without an excuse."""
    for statement in _state(module):
        if EXCUSE not in module.remark(statement):
            yield statement, ast.unparse(statement).split("\n")[0]


def _comes_from_forbidden_module(module: Module, name: str) -> bool:
    """A local variable may be called `time`; only names that an import brought in count."""
    first = name.split(".")[0]
    return first in FORBIDDEN_MODULES and any(name_.split(".")[0] == first for _, name_ in module.imports())


def _calls_outside(node: ast.AST, excepted: tuple[str, ...]) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and child.name in excepted:
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_outside(child, excepted)


def _is_set(node: ast.expr) -> bool:
    return isinstance(node, ast.Set | ast.SetComp) or (
        isinstance(node, ast.Call) and _called(node) in ("set", "frozenset")
    )


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _state(module: Module) -> Iterator[ast.stmt]:
    """The statements by which a module has state that changes."""
    for statement in _module_level(module.tree.body):
        target, value = _assignment(statement)
        if value is not None and target != "__all__" and _can_change(value) and _does_change(module, target, value):
            yield statement
    yield from (node for node in ast.walk(module.tree) if isinstance(node, ast.Global))


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _module_level(
                [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
            )


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]), statement.value
    if isinstance(statement, ast.AnnAssign):
        return ast.unparse(statement.target), statement.value
    return "", None


def _can_change(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _called(value) in CONTAINERS or bool(MEANT_TO_CHANGE.fullmatch(_called(value)))
    return isinstance(value, ast.Dict | ast.DictComp | ast.List | ast.ListComp | ast.Set | ast.SetComp)


def _does_change(module: Module, name: str, value: ast.expr) -> bool:
    """Whether it is not a constant: by its kind, by its name, or because something in the module changes it."""
    if isinstance(value, ast.Call) and MEANT_TO_CHANGE.fullmatch(_called(value)):
        return True
    return not re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) or any(_changes(node, name) for node in ast.walk(module.tree))


def _changes(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id=changed), ctx=ast.Store() | ast.Del()):
            return changed == name
        case ast.AugAssign(target=ast.Name(id=changed)):
            return changed == name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=changed), attr=method)):
            return changed == name and CHANGES_IN_PLACE.fullmatch(method) is not None
        case _:
            return False
