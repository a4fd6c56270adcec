"""In which form lines are given: as values, or as frames of some of their fields.

Where columns are wanted, mostly only a few are, and only these fields are decoded and checked. Decoding lines to
Records of these fields and taking their columns apart costs half the processor time that Polars takes to parse JSON,
and a value that does not fit is refused in the same words in both forms.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from actorstream.connectors.files.format import BadLine, Part
from actorstream.model.record import Record
from actorstream.streams.frames import rows_to_frame


class Form:
    """See the module.

    Args:
        kind: what each value must fit.
        columns: None: values. Else `kind` is a Record type, and these are fields of it.
    """

    def __init__(self, kind: Any, columns: tuple[str, ...] | None) -> None:
        self.kind = kind if columns is None else narrowed(kind, columns)
        self.columns = columns

    def of(self, values: list[Any]) -> Any:
        """Values of `kind`, as they were asked for.

        Raises:
            BadInput: a value does not fit its column.
        """
        return values if self.columns is None else rows_to_frame(values, self.kind, self.columns)

    def checked(self, values: list[Any]) -> list[Any]:
        """The values themselves, if `of` would take them; raises as it does."""
        self.of(values)
        return values

    def formed(self, found: Part | BadLine) -> Part | BadLine:
        """What `sift` found, in this form."""
        return found if isinstance(found, BadLine) else Part(self.of(list(found.values)), found.mark)


def narrowed(kind: type[Record], columns: tuple[str, ...]) -> type[Record]:
    """A Record type with only some of the fields; one that checks values as a whole stays as it is."""
    config = kind.__struct_config__
    has_form = config.tag is not None or config.forbid_unknown_fields or config.array_like
    if has_form or hasattr(kind, "__post_init__"):
        return kind
    fields = [_same_field(one) for one in msgspec.structs.fields(kind) if one.name in columns]
    # What was just decoded holds itself nowhere, so the collector of cycles need not look at it.
    made = msgspec.defstruct(kind.__name__, fields, bases=(Record,), frozen=True, kw_only=True, gc=False)
    return cast("type[Record]", made)


def _same_field(field: msgspec.structs.FieldInfo) -> tuple[str, Any, Any]:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.name, field.type, msgspec.field(name=field.encode_name, default_factory=field.default_factory)
    return field.name, field.type, msgspec.field(name=field.encode_name, default=field.default)
