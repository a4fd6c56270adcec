"""Tells what of a type's values another type would refuse."""

from __future__ import annotations

from typing import Any, Literal

from actorstream.model.schema.forms import Description, FieldForm, Form, RecordForm, read

# What is written of the first fits each of the others: in JSON, in MessagePack, in keys.
_JSON = {
    "int": ("float", "decimal"),
    "float": ("decimal",),
    "datetime": ("str",),
    "date": ("str",),
    "time": ("str",),
    "timedelta": ("str",),
    "uuid": ("str",),
    "bytes": ("str",),
}
_MSGPACK = {kind: wider for kind, wider in _JSON.items() if kind not in ("datetime", "bytes")}
_WIDER: dict[str, dict[str, tuple[str, ...]]] = {"json": _JSON, "msgpack": _MSGPACK, "key": {}}
_ARRAYS = ("list", "set", "frozenset", "array")
_LOWER = ("gt", "ge", "min_length")
_UPPER = ("lt", "le", "max_length")


def difference(
    old: dict[str, Any], new: dict[str, Any], *, form: Literal["json", "msgpack", "key"] = "json"
) -> list[str]:
    """What changed so that a value written under `old` may be refused, or misread, under `new`: a line for each change.

    New fields with a default, fields that are gone, and types that admit more are no such change.

    Args:
        old: the description of what was written.
        new: the description of what reads it.
        form: how values are written: as in a topic, as in a state, or as the key of a state.

    Raises:
        UnsupportedFormat: a newer version wrote one of them.
        BadInput: one of them is no description.

    Example:
        >>> from actorstream.model.schema import describe
        >>> difference(describe(list[int | None]), describe(list[int]))
        ['each item was int or null, is int']
    """
    comparer = _Comparer(read(old), read(new), _WIDER[form])
    comparer.compare("", comparer.old.type, comparer.new.type)
    return comparer.lines


class _Comparer:
    """Walks two descriptions side by side; a pair of records is compared once, where it is met first."""

    def __init__(self, old: Description, new: Description, wider: dict[str, tuple[str, ...]]) -> None:
        self.old, self.new, self._wider = old, new, wider
        self.lines: list[str] = []
        self._compared: dict[tuple[str, str], bool] = {}

    def compare(self, path: str, old: Form, new: Form) -> None:
        """Add a line for each change."""
        if new.kind == "any":
            return
        if old.kind == new.kind == "record":
            self._compare_records(path, old.name, new.name)
        elif old.kind == new.kind == "tuple" and len(old.items) == len(new.items):
            for number, (one, other) in enumerate(zip(old.items, new.items, strict=True)):
                self.compare(_inside(path, f"item {number}"), one, other)
        elif _is_array(old) and _is_array(new) and not _is_narrower(old, new):
            self.compare(_inside(path, "each item"), old.items[0], new.items[0])
        elif old.kind == new.kind == "dict" and not _is_narrower(old, new):
            self.compare(_inside(path, "each key"), old.items[0], new.items[0])
            self.compare(_inside(path, "each value"), old.items[1], new.items[1])
        else:
            self._compare_alternatives(path, old, new)

    def _compare_alternatives(self, path: str, old: Form, new: Form) -> None:
        """Each old alternative needs a new one that admits all of it. If one does in part, that part is looked into."""
        olds, news = _alternatives(old), _alternatives(new)
        refused = [one for one in olds if not any(self._admits(one, other) for other in news)]
        if not refused:
            return
        for one in refused:
            partner = [
                other for other in news if other.kind == one.kind and one.kind in ("record", "tuple", *_ARRAYS, "dict")
            ]
            if not partner or (len(olds) == len(news) == 1):
                self.lines.append(f"{path or 'a value'} was {_show(old)}, is {_show(new)}")
                return
            self.compare(path, one, partner[0])

    def _admits(self, old: Form, new: Form) -> bool:
        """Whether every value of `old`, which is no union, fits `new`, which is none either."""
        if new.kind == "any":
            return True
        if new.values:
            return old.values == new.values or (old.kind == "null" and new.values == (None,))
        if old.values:
            (value,) = old.values
            old = Form("str" if isinstance(value, str) else "null" if value is None else "int")
        if old.kind == new.kind and not old.items and old.kind != "record":
            return not _is_narrower(old, new)
        if new.kind in self._wider.get(old.kind, ()):
            return not new.limits
        if old.kind in ("record", "tuple", "dict", *_ARRAYS):
            probe = _Comparer(self.old, self.new, self._wider)
            probe._compared = dict(self._compared)
            return _same_shape(old, new) and not _is_narrower(old, new) and probe._is_quiet(old, new)
        return False

    def _is_quiet(self, old: Form, new: Form) -> bool:
        self.compare("", old, new)
        return not self.lines

    def _compare_records(self, path: str, old_name: str, new_name: str) -> None:
        if (old_name, new_name) in self._compared:
            return
        self._compared[old_name, new_name] = True
        old, new = self.old.records[old_name], self.new.records[new_name]
        if (old.array_like, old.tag_field, old.tag) != (new.array_like, new.tag_field, new.tag):
            self.lines.append(
                f"{path or 'a value'} was {_show_record(old_name, old)}, is {_show_record(new_name, new)}"
            )
        elif old.array_like:
            self._compare_places(path, old, new)
        else:
            self._compare_names(path, old, new)

    def _compare_names(self, path: str, old: RecordForm, new: RecordForm) -> None:
        before = {field.json_name: field for field in old.fields}
        after = {field.json_name: field for field in new.fields}
        for name, field in after.items():
            self._compare_fields(_inside(path, name), before.get(name), field)
        if new.forbid_unknown_fields:
            gone = [name for name in before if name not in after]
            self.lines += [f"{_inside(path, name)} is gone, and fields that are not known are refused" for name in gone]

    def _compare_places(self, path: str, old: RecordForm, new: RecordForm) -> None:
        """Records that are JSON arrays: a field is known by its place alone."""
        for number, field in enumerate(new.fields):
            before = old.fields[number] if number < len(old.fields) else None
            self._compare_fields(_inside(path, field.name), before, field)
        if new.forbid_unknown_fields and len(old.fields) > len(new.fields):
            self.lines.append(f"{path or 'a value'} had {len(old.fields)} places, has {len(new.fields)}")

    def _compare_fields(self, path: str, old: FieldForm | None, new: FieldForm) -> None:
        if old is None:
            if new.required:
                self.lines.append(f"{path} is new and has no default")
            return
        if new.required and not old.required:
            self.lines.append(f"{path} had a default, has none")
        self.compare(path, old.type, new.type)


def _is_array(form: Form) -> bool:
    return form.kind in _ARRAYS


def _same_shape(old: Form, new: Form) -> bool:
    if old.kind == new.kind == "tuple":
        return len(old.items) == len(new.items)
    return old.kind == new.kind or (_is_array(old) and _is_array(new))


def _alternatives(form: Form) -> list[Form]:
    """The types of which any may hold; each value of a Literal or an Enum is one."""
    if form.kind == "union":
        return [one for item in form.items for one in _alternatives(item)]
    return [Form("literal", values=(value,)) for value in form.values] or [form]


def _is_narrower(old: Form, new: Form) -> bool:
    """Whether the new limits refuse what the old ones admit."""
    for name, limit in new.limits.items():
        before = old.limits.get(name)
        if before is None:
            return True
        if name in _LOWER and limit > before:  # type: ignore[operator]
            return True
        if name in _UPPER and limit < before:  # type: ignore[operator]
            return True
        if name not in (*_LOWER, *_UPPER) and limit != before:
            return True
    return False


def _inside(path: str, name: str) -> str:
    if name.startswith(("each ", "item ")):
        return f"{name} of {path}" if path else name
    return f"{path}.{name}" if path else name


def _show(form: Form) -> str:
    """A type as a person would name it."""
    items = form.items
    match form.kind:
        case "list" | "array":
            shown = f"list of {_show(items[0])}"
        case "set" | "frozenset":
            shown = f"set of {_show(items[0])}"
        case "tuple":
            shown = f"({', '.join(map(_show, items))})"
        case "dict":
            shown = f"dict of {_show(items[0])} to {_show(items[1])}"
        case "union":
            shown = " or ".join(map(_show, items))
        case "literal" | "enum":
            shown = f"one of {', '.join(map(repr, form.values))}"
        case "record":
            shown = form.name
        case _:
            shown = form.kind
    limits = ", ".join(f"{name}={value!r}" for name, value in form.limits.items())
    return f"{shown} ({limits})" if limits else shown


def _show_record(name: str, record: RecordForm) -> str:
    shape = "array" if record.array_like else "object"
    tag = f" with {record.tag_field}={record.tag!r}" if record.tag_field else ""
    return f"{name} as an {shape}{tag}"
