"""One named state of one operator in one task.

Theory of operation. At the bottom lies the base: encoded values, all of a decided checkpoint, in a `StateStore`. Above
it lie sealed layers, one for each checkpoint in flight, and on top the open one, where live objects are changed.
Sealing encodes what was touched since the last seal, and that encoding is what the changelog gets and what the base
will get: a live object is never shared with a layer, so a rollback only has to forget. A checkpoint that is decided
merges its layer into the base; a rollback drops the layers and the live objects, and nothing is loaded again.

Where the base is outside of memory, few live objects are kept: beyond `LIVE_MAX` those that nobody changed since the
last seal are forgotten. A live None says that the base is known to have nothing.

Entries are addressed by a namespace (an int: 0, or where a window's pane begins) and a key's encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from actorstream.errors import BadInput, PlanError
from actorstream.model.codec import Codec, is_exact
from actorstream.model.identity import KEY_GROUPS, key_group
from actorstream.model.schema import build, describe
from actorstream.streams.store.changes import Change
from actorstream.streams.store.state_store import Layer, MemoryStore, Namespace, StateStore

T = TypeVar("T")

LIVE_MAX = 65_536
"""Live values of a state outside of memory that are kept besides those that changed since the last checkpoint."""

UPGRADE_PIECE = 4_096
"""Entries of such a state that are upgraded at a time."""

_Before = tuple[bool, bytes | None]
"""An entry as it was: whether it was touched in the open layer, and, if so, its encoding (None: taken away)."""


class _Sealed(NamedTuple):
    """What changed before a checkpoint that is in flight: to look keys up, and to be written."""

    checkpoint: int
    layer: Layer
    changes: list[Change]


class StateTable(Generic[T]):
    """See the module.

    Args:
        name: the state's, in its operator.
        kind: the type that values are declared to have.
        upgrade: makes of a value of an older type one of this type, or None.

    Guarantees: after `rollback` the table is what it was when the last committed layer was sealed.
    Leaves to others: writing changes down (`changelog`), and which checkpoints are decided.
    """

    weight = 1  # As how many entries one counts, where it is asked how much was written.

    def __init__(self, name: str, kind: Any = Any, upgrade: Callable[[Any], T | None] | None = None) -> None:
        self.name = name
        self._kind = kind
        self._upgrade = upgrade
        self.is_upgraded = False  # Until a decided checkpoint holds all of what was upgraded.
        self._upgraded_in: int | None = None  # The first checkpoint in flight that does.
        codec = Codec(name, kind)
        self._encode: Callable[[T], bytes] = codec.encode
        self._decode: Callable[[bytes], T] = codec.decode
        self._encode_all: Callable[[list[T]], list[bytes]] = codec.encode_all
        self._decode_all: Callable[[list[bytes]], list[T]] = codec.decode_all
        self._base: StateStore = MemoryStore()
        self._sealed: list[_Sealed] = []
        self._live: dict[Namespace, dict[bytes, T | None]] = {}
        self._live_max = LIVE_MAX
        self._reads = 0  # Live values that were read since the last look at how many there are.
        self._touched: dict[Namespace, dict[bytes, None]] = {}
        self._before: dict[tuple[Namespace, bytes], _Before] | None = None  # While a call is on trial; see `begin`.

    def keep_in(self, store: StateStore, live_max: int = LIVE_MAX) -> None:
        """Keep the base there. To be said before anything is in it."""
        assert not self._live
        assert not self._sealed
        self._base, self._live_max = store, live_max

    # --- the open layer --------------------------------------------------------------------------------------------

    def get(self, namespace: Namespace, key: bytes) -> T | None:
        """The live value, or None. Whoever changes it in place must `put` it back."""
        if self._before is not None:
            self._remember(namespace, key)
        live = self._live.get(namespace)
        if live is not None and key in live:
            return live[key]
        if key in self._touched.get(namespace, ()):
            return None  # Deleted in this layer.
        encoded = self._encoded(namespace, key)
        if encoded is None:
            return None
        value = self._decode(encoded)
        self._live.setdefault(namespace, {})[key] = value
        if self._base.is_outside:
            self._has_read(1)
        return value

    def fetch(self, namespace: Namespace, keys: Iterable[bytes]) -> None:
        """These keys are about to be asked for: read those that are not in memory all at once."""
        if not self._base.is_outside:
            return
        every = dict.fromkeys(keys)
        missing = self._missing(namespace, every)
        if self._has_read(len(missing)):
            missing = self._missing(namespace, every)
        if not missing:
            return
        found = self._base.get_all(namespace, missing)
        for sealed in self._sealed:
            newer = sealed.layer.get(namespace, {})
            found = [newer.get(key, encoded) for key, encoded in zip(missing, found, strict=True)]
        live = self._live.setdefault(namespace, {})
        there = [encoded for encoded in found if encoded is not None]
        values = self._decode_all(there)
        if len(there) == len(found):
            live.update(zip(missing, values, strict=True))
        else:
            left = iter(values)
            live.update((key, None if one is None else next(left)) for key, one in zip(missing, found, strict=True))

    def _missing(self, namespace: Namespace, keys: Iterable[bytes]) -> list[bytes]:
        """Those whose live value is not known."""
        live, touched = self._live.get(namespace, {}), self._touched.get(namespace, {})
        return [key for key in keys if key not in live and key not in touched]

    def get_all(self, namespace: Namespace, keys: Sequence[bytes]) -> list[T | None]:
        """The live values of some keys, in their order."""
        if not self._base.is_outside:
            return [self.get(namespace, key) for key in keys]
        self.fetch(namespace, keys)
        return list(map(self._live.get(namespace, {}).get, keys))  # What is not there was deleted in this layer.

    def _has_read(self, count: int) -> bool:
        """So many live values more; gives whether these are too many, and those that did not change are forgotten."""
        self._reads += count
        if self._reads <= self._live_max:
            return False
        self._reads = count
        for namespace, live in list(self._live.items()):
            touched = self._touched.get(namespace, {})
            self._live[namespace] = {key: live[key] for key in touched if key in live}
        return True

    def copy_of(self, namespace: Namespace, key: bytes, *, decided: bool) -> T | None:
        """A copy of a value, as it is now, or as of the last decided checkpoint."""
        if decided:
            encoded = self._base.get(namespace, key)
        elif key in self._touched.get(namespace, ()):
            encoded = self._encoding(self._live.get(namespace, {}).get(key))
        else:
            encoded = self._encoded(namespace, key)
        return None if encoded is None else self._decode(encoded)

    def put(self, namespace: Namespace, key: bytes, value: T) -> None:
        """Keep `value`."""
        if self._before is not None:
            self._remember(namespace, key)
        self._live.setdefault(namespace, {})[key] = value
        self._touched.setdefault(namespace, {})[key] = None

    def put_all(self, namespace: Namespace, values: Mapping[bytes, T | None]) -> None:
        """Keep these; what is None is taken away."""
        self._touched.setdefault(namespace, {}).update(dict.fromkeys(values))
        live = self._live.setdefault(namespace, {})
        live.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del live[key]

    def delete(self, namespace: Namespace, key: bytes) -> None:
        """Take an entry away."""
        if self._before is not None:
            self._remember(namespace, key)
        live = self._live.get(namespace)
        if live is not None:
            live.pop(key, None)
        self._touched.setdefault(namespace, {})[key] = None

    def delete_namespace(self, namespace: Namespace) -> None:
        """Take all entries of a namespace away."""
        for key in self.keys(namespace):
            self._touched.setdefault(namespace, {})[key] = None
        self._live.pop(namespace, None)

    def keys(self, namespace: Namespace) -> list[bytes]:
        """The keys of a namespace, in no promised order."""
        found = dict.fromkeys(self._base.keys(namespace))
        for sealed in self._sealed:
            for key, encoded in sealed.layer.get(namespace, {}).items():
                _set(found, key, encoded is not None)
        live = self._live.get(namespace, {})
        for key in self._touched.get(namespace, ()):
            _set(found, key, key in live)
        return list(found)

    def items(self, namespace: Namespace) -> Iterator[tuple[bytes, T]]:
        """The entries of a namespace, live, in no promised order."""
        if self._base.is_outside and not self._is_covered(namespace):
            live = self._live.get(namespace, {})
            for key, encoded in self._base.items(namespace):
                value = live.get(key)
                yield key, self._decode(encoded) if value is None else value
            return
        for key in self.keys(namespace):
            value = self.get(namespace, key)
            assert value is not None
            yield key, value

    def namespaces(self) -> list[Namespace]:
        """The namespaces that have entries, sorted."""
        base = dict.fromkeys(self._base.namespaces())
        above = [*self._touched, *(where for sealed in self._sealed for where in sealed.layer)]
        found = dict.fromkeys([*base, *above])
        return sorted(one for one in found if (self.keys(one) if self._is_covered(one) else one in base))

    def _is_covered(self, namespace: Namespace) -> bool:
        """Whether anything of a namespace may have changed since the last decided checkpoint."""
        return namespace in self._touched or any(namespace in sealed.layer for sealed in self._sealed)

    # --- a call on trial -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """From now on remember what each entry is that is asked for or changed, until `keep` or `undo`."""
        self._before = {}

    def keep(self) -> None:
        """What was changed since `begin` stays."""
        self._before = None

    def undo(self) -> None:
        """All entries are again what they were at `begin`, also those whose live value was changed in place."""
        before, self._before = self._before, None
        assert before is not None
        for (namespace, key), (was_touched, encoded) in before.items():
            self._live.get(namespace, {}).pop(key, None)
            touched = self._touched.get(namespace, {})
            if not was_touched:
                touched.pop(key, None)
                if not touched:
                    self._touched.pop(namespace, None)
            elif encoded is not None:
                self._live.setdefault(namespace, {})[key] = self._decode(encoded)
                self._touched.setdefault(namespace, {})[key] = None

    def _remember(self, namespace: Namespace, key: bytes) -> None:
        assert self._before is not None
        if (namespace, key) in self._before:
            return
        if key not in self._touched.get(namespace, ()):
            self._before[namespace, key] = (False, None)
        else:
            live = self._live.get(namespace, {})
            self._before[namespace, key] = (True, self._encoding(live.get(key)))

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def seal(self, checkpoint: int) -> list[Change]:
        """Close the open layer as that of `checkpoint`, and give its changes for the changelog."""
        layer: Layer = {}
        for namespace, keys in self._touched.items():
            live = self._live.get(namespace, {})
            layer[namespace] = dict(zip(keys, self._encodings([live.get(key) for key in keys]), strict=True))
        self._touched = {}
        if self._base.is_outside and sum(map(len, self._live.values())) > self._live_max:
            self._live.clear()  # The layer has what they were.
            self._reads = 0
        if self.is_upgraded and self._upgraded_in is None:
            self._upgraded_in = checkpoint
        changes = [
            Change(key_group(key), namespace, key, value)
            for namespace, entries in layer.items()
            for key, value in entries.items()
        ]
        if changes:
            self._sealed.append(_Sealed(checkpoint, layer, changes))
        return changes

    def is_touched(self) -> bool:
        """Whether anything changed since the last seal."""
        return bool(self._touched) or (self.is_upgraded and self._upgraded_in is None)

    def commit(self, checkpoint: int) -> None:
        """The checkpoint is decided: merge its layer, and those before it, into the base."""
        if self._upgraded_in is not None and self._upgraded_in <= checkpoint:
            self.is_upgraded, self._upgraded_in = False, None
        while self._sealed and self._sealed[0].checkpoint <= checkpoint:
            self._base.write(self._sealed.pop(0).changes)

    def rollback(self) -> None:
        """Forget everything that no decided checkpoint holds."""
        self._upgraded_in = None
        self._sealed.clear()
        self._live.clear()
        self._touched.clear()

    def wanted(self, changes: Sequence[Change], groups: range) -> list[Change]:
        """Those of some changes that concern whoever owns these key groups."""
        return [change for change in changes if change.group in groups]

    def load(self, changes: Iterable[Change]) -> None:
        """Apply changes of decided checkpoints, in their order, to an otherwise untouched table."""
        assert not self._live
        assert not self._touched
        assert not self._sealed
        self._base.write(changes)

    def upgrade(self, old: dict[str, Any]) -> None:
        """What was loaded is of type `old` (`schema_of`): make it of this one, if it is another and may be upgraded.

        From then on `is_upgraded` asks for a base, because what the changelog holds is of the older type.

        Raises:
            BadInput: the upgrade function failed, or gave what cannot be kept.
        """
        if self._upgrade is None or not old or old == schema_of(self._kind):
            return
        decode = Codec(self.name, build(old)).decode
        every = self._base.entries(0, KEY_GROUPS - 1)
        while piece := list(islice(every, UPGRADE_PIECE)):
            self._base.write([self._upgraded(one, decode) for one in piece])
        self.is_upgraded = True

    def _upgraded(self, entry: Change, decode: Callable[[bytes], Any]) -> Change:
        assert self._upgrade is not None
        assert entry.value is not None
        value = decode(entry.value)
        try:
            made = self._upgrade(value)
        except Exception as error:
            raise BadInput(
                f"the upgrade function of state {self.name!r} failed on {value!r}: {type(error).__name__}: {error}"
            ) from error
        return Change(entry.group, entry.namespace, entry.key, self._encoding(made))

    def drop_groups(self, first: int, last: int) -> None:
        """Forget what was loaded of some key groups, both included: what is loaded next takes its place."""
        self._base.drop_groups(first, last)

    def entries(self, first_group: int = 0, last_group: int = KEY_GROUPS - 1) -> list[Change]:
        """All entries of some key groups, both included, as of the last seal, as changes to an empty table."""
        above: dict[tuple[Namespace, bytes], Change] = {}
        for sealed in self._sealed:
            for one in sealed.changes:
                if first_group <= one.group <= last_group:
                    above[one.namespace, one.key] = one
        below = [one for one in self._base.entries(first_group, last_group) if (one.namespace, one.key) not in above]
        return below + [one for one in above.values() if one.value is not None]

    def size(self, groups: range) -> int:
        """How many entries of some key groups the base holds; see `StateStore.size`."""
        return self._base.size(groups)

    @property
    def is_outside(self) -> bool:
        """Whether the base is outside of memory."""
        return self._base.is_outside

    def _encoding(self, value: T | None) -> bytes | None:
        return None if value is None else self._encode(value)

    def _encodings(self, values: list[T | None]) -> list[bytes | None]:
        there = [value for value in values if value is not None]
        encoded = self._encode_all(there)
        if len(there) == len(values):
            return [*encoded]
        left = iter(encoded)
        return [None if value is None else next(left) for value in values]

    def _encoded(self, namespace: Namespace, key: bytes) -> bytes | None:
        for sealed in reversed(self._sealed):
            entries = sealed.layer.get(namespace, {})
            if key in entries:
                return entries[key]
        return self._base.get(namespace, key)


def schema_of(kind: Any) -> dict[str, Any]:
    """The description of a type that says all of what its values are; else an empty one."""
    if not is_exact(kind):
        return {}
    try:
        return describe(kind)
    except PlanError:  # Only JSON can be described; such values are kept all the same.
        return {}


def _set(found: dict[bytes, None], key: bytes, there: bool) -> None:
    if there:
        found[key] = None
    else:
        found.pop(key, None)
