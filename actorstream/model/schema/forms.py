"""What a description is made of, and the check that a piece of JSON is one.

A description is `{"format": 1, "type": <form>, "records": {<name>: <record>}}`. A form has a `kind`; what else it has
depends on that:

| kind | has |
|---|---|
| any, null, bool, int, float, str, bytes, datetime, date, time, timedelta, uuid, decimal | |
| list, set, frozenset, array | `items`: one form (an array is a tuple of any length) |
| tuple | `items`: a form for each place |
| dict | `items`: the form of the keys, the form of the values |
| union | `items`: the alternatives |
| literal | `values`: texts, numbers, null |
| enum | `values`, and `name`: the class it was |
| record | `name`: which of the records |

`limits` holds constraints by their names in `msgspec.Meta`. A record lists its fields in order; a field that is not
`required` mostly has a `default`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from actorstream.errors import BadInput, UnsupportedFormat

FORMAT = 1
"""The newest format of a description that this version reads, and the one that it writes."""

DEPTH_MAX = 100
"""How deep forms may lie in forms."""

FORMS_MAX = 100_000
"""How many forms a description may have."""

PLAIN = (
    *("any", "null", "bool", "int", "float", "str", "bytes"),
    *("datetime", "date", "time", "timedelta", "uuid", "decimal"),
)
"""The kinds that have nothing inside."""

ITEMS_OF = {"list": 1, "set": 1, "frozenset": 1, "array": 1, "dict": 2}
"""How many forms lie inside the kinds that have a fixed number of them."""

_RESERVED = ("__", "_record_")


class Form(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A type."""

    kind: str
    items: tuple[Form, ...] = ()
    values: tuple[str | int | None, ...] = ()
    name: str = ""
    limits: dict[str, int | float | str | bool] = {}


class FieldForm(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A field of a record. `key` is its name in JSON, where that is another one."""

    name: str
    type: Form
    required: bool | UnsetType = UNSET  # Always written; unset only while it is read.
    default: Any = UNSET
    key: str = ""

    @property
    def json_name(self) -> str:
        """Its name in JSON."""
        return self.key or self.name


class RecordForm(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A record: a JSON object, or with `array_like` a JSON array."""

    fields: tuple[FieldForm, ...]
    array_like: bool = False
    forbid_unknown_fields: bool = False
    tag_field: str = ""
    tag: str | int | None = None


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type, with the records that are part of it."""

    format: int
    type: Form
    records: dict[str, RecordForm] = {}


def read(description: Any) -> Description:
    """A description that is known to be one.

    Raises:
        UnsupportedFormat: a newer version wrote it.
        BadInput: it is none.
    """
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
        raise UnsupportedFormat("the schema of a topic", found, FORMAT)
    try:
        known = msgspec.convert(description, Description)
    except (msgspec.ValidationError, RecursionError) as error:
        raise bad(str(error)) from error
    if known.format != FORMAT:
        raise bad(f"its format is {known.format}")
    check(known)
    return known


def check(description: Description) -> None:
    """Refuse what has the shape of a description but no meaning.

    Raises:
        BadInput: says what.
    """
    todo = [(description.type, 0)]
    for name, record in description.records.items():
        _check_record(name, record)
        todo += [(field.type, 0) for field in record.fields]
    count = 0
    while todo:
        form, depth = todo.pop()
        count += 1
        if depth > DEPTH_MAX or count > FORMS_MAX:
            raise bad(f"it has more than {FORMS_MAX} parts, or parts that lie more than {DEPTH_MAX} deep")
        _check_form(form, description)
        todo += [(item, depth + 1) for item in form.items]


def _check_record(name: str, record: RecordForm) -> None:
    names = [field.name for field in record.fields]
    keys = [field.json_name for field in record.fields]
    if not all(one.isidentifier() and not one.startswith(_RESERVED) for one in (name, *names)):
        raise bad(f"the record {name!r} or one of its fields has a name that Python does not admit")
    if len(dict.fromkeys(names)) < len(names) or len(dict.fromkeys(keys)) < len(keys):
        raise bad(f"the record {name!r} has two fields of one name")
    if bool(record.tag_field) != (record.tag is not None):
        raise bad(f"the record {name!r} has a tag without a field for it, or a field for it without a tag")
    if any(field.required is UNSET for field in record.fields):
        raise bad(f"a field of the record {name!r} does not say whether it is required")


def _check_form(form: Form, description: Description) -> None:
    if form.kind in PLAIN:
        fits = not form.items and not form.values
    elif form.kind in ("literal", "enum"):
        fits = bool(form.values) and not form.items
    elif form.kind == "record":
        fits = form.name in description.records
    elif form.kind in ("tuple", "union"):
        fits = form.kind == "tuple" or bool(form.items)
    else:
        fits = len(form.items) == ITEMS_OF.get(form.kind, -1)
    if not fits:
        raise bad(f"the part of kind {form.kind!r} has too much, too little, or is unknown")


def bad(reason: str) -> BadInput:
    """The error for a description that is none."""
    return BadInput(f"the schema of a topic cannot be read: {reason}. Was its file changed by hand?")
