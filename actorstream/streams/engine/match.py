"""`match`: patterns in the records of each key, in order of event time.

Theory of operation. A record is asked all conditions of the pattern when it comes, once; what fits none matters only
where a step is to come directly after another. Then it waits until the watermark has passed its time: no record that is
still to come, and is not late, can be before it then. So records are matched in order of (time, source, partition,
offset), however they came, and what waits for a time that is over is told after the records of that time. The matches
go out in that order, too.

What a match may still begin with is kept by key: the automaton's `Partials`, and the records that they took. Both go
when `within` is over. A heap of one deadline a key says when that is.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from itertools import repeat
from operator import itemgetter
from typing import Any, NoReturn

from actorstream.errors import Mistake, OperatorError
from actorstream.model.identity import decode
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.buckets import Buckets
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.failure import failed, show
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.matching import BEGINS, Automaton, Found, Partials
from actorstream.streams.engine.pausable import PIECE_RECORDS, Pause, Work
from actorstream.streams.engine.stage import PassStage
from actorstream.streams.pattern import Match
from actorstream.streams.plan.nodes import KeyBy, MatchPattern
from actorstream.streams.store.table import StateTable

Entry = tuple[Instant, bytes, str, int, int, int, Any]  # (time, key, source, partition, offset, bits, value)
_ORDER = itemgetter(0, 1, 2, 3, 4)  # All but the bits and the value.

_TAKEN_BETWEEN_LOOKS = 64  # Records that a key's runs take before those that no thread needs any more are dropped.
_KEYS_AT_A_TIME = 1_024  # Deadlines that pass before a pause, if they give little.


class MatchStage(GuardedStage):
    """See the module. Under a policy the matches themselves go on, to a stage that calls the function (`call`)."""

    def __init__(self, node: MatchPattern, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self.late = PassStage(f"{node.name}.late")
        self.late_records = 0  # since the task began
        key = node.inputs[0]
        assert isinstance(key, KeyBy)
        self._node, self._key = node, key
        self._encoder = KeyEncoder(key)
        self._automaton = Automaton(node.pattern, overlap=node.overlap)
        self._conditions = node.pattern.conditions
        self._waiting = Buckets("waiting", tuple[int, str, int, int, int, node.value_type])  # type: ignore[name-defined]
        self._partials: StateTable[Partials] = StateTable("partial", Partials)
        self._taken: StateTable[dict[int, Any]] = StateTable("taken", dict[int, node.value_type])  # type: ignore[name-defined]
        self.tables = [self._waiting.table, self._partials, self._taken]
        self._names = tuple(step.condition.name for step in node.pattern.steps)
        self._watermark: Instant = START_OF_TIME
        self._results: list[tuple[Instant, Any]] = []  # what has not been emitted yet, and its times
        self._deadlines: list[tuple[Instant, bytes]] = []  # heap: when to look at a key next
        self._has_deadline: dict[bytes, None] = {}

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        if not len(batch):
            return
        batch = self._in_time(batch)
        if not len(batch):
            return
        mark = max(self._watermark, as_list(batch.marks)[-1])
        due: list[Entry] = []
        batch, bits = yield from self._asked(batch)
        for entry in self._entries(batch, bits):
            if entry[0] < mark:
                due.append(entry)
            else:
                self._waiting.add(entry[1], (entry[0], *entry[2:]))
        yield from self._pass(mark, due)

    def _in_time(self, batch: Batch) -> Batch:
        """The records that are not late; the others go to `late`."""
        passed = self._watermark
        times, own = as_list(batch.times), as_list(batch.own)
        late = [
            place for place, (time, mark) in enumerate(zip(times, own, strict=True)) if time < mark or time < passed
        ]
        if not late:
            return batch
        self.late_records += len(late)
        self.late.emit(batch.choose(late))
        is_late = dict.fromkeys(late)
        return batch.choose([place for place in range(len(times)) if place not in is_late])

    def _entries(self, batch: Batch, bits: list[int]) -> Iterator[Entry]:
        """What may matter of a batch; a key that cannot be restored is told now, not when its match is found."""
        rows = batch.rows()
        if not rows:
            return iter(())
        keys = self._encoder.encode_all(keys_of(batch, self._key))
        decode(keys[0], self._node.key_type)
        # What an operator made has no offsets: then the order in which it came, which sorting keeps, is its order.
        offsets = [0] * len(rows) if batch.offsets is None else as_list(batch.offsets)
        origin = batch.origin
        entries = zip(
            as_list(batch.times),
            keys,
            repeat(origin.source),
            repeat(origin.partition),
            offsets,
            bits,
            rows,
            strict=False,
        )
        return (entry for entry in entries if entry[5])

    def _asked(self, batch: Batch) -> Generator[Pause, None, tuple[Batch, list[int]]]:
        """All conditions of each record; without those records for which one failed, by a policy that goes on."""
        bits = [self._automaton.common] * len(batch)
        for number, condition in enumerate(self._conditions):
            bit = 1 << number
            gone, fits = yield from self.guard.each(condition.function, batch, batch.rows())
            if gone:
                left = kept(gone, len(batch))
                batch, bits = batch.choose(left), [bits[place] for place in left]
            bits = [known | bit if fit else known for known, fit in zip(bits, fits, strict=True)]
        return batch, bits

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        yield from self._pass(watermark, [])
        self.pass_on(watermark)

    def _pass(self, watermark: Instant, due: list[Entry]) -> Work:
        """Match what is before `watermark`: `due`, and what has waited."""
        due.extend((entry[0], key, *entry[1:]) for key, entry in self._waiting.take_before(watermark))
        due.sort(key=_ORDER)
        for entry in due:
            if self._deadlines and self._deadlines[0][0] < entry[0]:
                yield from self._expire(entry[0])
            self._match(entry)
            if len(self._results) >= PIECE_RECORDS:
                self._emit_results()
                yield
        yield from self._expire(watermark)
        self._watermark = max(self._watermark, watermark)
        self._emit_results()

    def _match(self, entry: Entry) -> None:
        time, key, *_, bits, value = entry
        if not bits & BEGINS and key not in self._has_deadline:
            return  # It has no partial match.
        partials = self._partials.get(0, key) or Partials()
        if not bits & (partials.concern | BEGINS):
            return
        number = partials.count
        taken = self._taken.get(0, key) or {}
        found = self._automaton.take(partials, time, bits)
        for one in found:
            self._call(key, one, {**taken, number: value})
        if partials.have_taken(number):
            taken[number] = value
            self._check_bound(key, partials, taken)
            if number % _TAKEN_BETWEEN_LOOKS == 0:
                needed = dict.fromkeys(partials.needed())
                taken = {one: value for one, value in taken.items() if one in needed}
        self._keep(key, partials, taken)

    def _expire(self, time: Instant) -> Work:
        """Runs whose time ends before `time` end, in order of that."""
        looked = 0
        while self._deadlines and self._deadlines[0][0] < time:
            deadline, key = heapq.heappop(self._deadlines)
            del self._has_deadline[key]
            partials = self._partials.get(0, key)
            if partials is None:
                continue
            taken = self._taken.get(0, key) or {}
            for one in self._automaton.expire(partials, deadline):
                self._call(key, one, taken)
            self._keep(key, partials, taken)
            looked += 1
            if len(self._results) >= PIECE_RECORDS or looked % _KEYS_AT_A_TIME == 0:
                self._emit_results()
                yield

    # --- what is kept ----------------------------------------------------------------------------------------------

    def _keep(self, key: bytes, partials: Partials, taken: dict[int, Any]) -> None:
        """Keep what a match may still need, and look again when the first run's time is over."""
        runs = partials.runs
        if not runs:
            self._partials.delete(0, key)
            self._taken.delete(0, key)
            return
        while (oldest := next(iter(taken))) < runs[0].first:  # The first run's first record is there.
            del taken[oldest]
        self._partials.put(0, key, partials)
        self._taken.put(0, key, taken)
        self._look_at(key, self._automaton.deadline(runs[0]))

    def _look_at(self, key: bytes, deadline: Instant) -> None:
        if key not in self._has_deadline:
            self._has_deadline[key] = None
            heapq.heappush(self._deadlines, (deadline, key))

    def _check_bound(self, key: bytes, partials: Partials, taken: dict[int, Any]) -> None:
        most = self._node.partial_max
        if partials.size > most:
            self._refuse(key, f"{partials.size:,} partial matches")
        if len(taken) > most and (needed := len(dict.fromkeys(partials.needed()))) > most:
            self._refuse(key, f"{needed:,} records in partial matches")

    def _refuse(self, key: bytes, what: str) -> NoReturn:
        user_key = decode(key, self._node.key_type)
        raise OperatorError(
            self.name,
            f"the records of key {user_key!r}",
            cause=f"{what} of {self._node.pattern}, and partial_max is {self._node.partial_max:,}; let fewer records "
            "fit the first step, make `within` shorter, or give match a larger partial_max=",
        )

    # --- results ---------------------------------------------------------------------------------------------------

    def _call(self, key: bytes, found: Found, taken: dict[int, Any]) -> None:
        """Call the function with a match, and gather what it gives."""
        steps: list[list[Any]] = [[] for _ in self._names]
        for number, step in found.path:
            steps[step].append(taken[number])
        values = dict(zip(self._names, steps, strict=True))
        match: Match[Any, Any] = Match.of(decode(key, self._node.key_type), found.start, found.end, values)
        if not self.guard.is_plain:
            self._results.append((found.end, match))
            return
        try:
            self._results.extend((found.end, result) for result in emitted(self._node.function(match)))
        except (Mistake, OperatorError):
            raise
        except Exception as error:
            raise failed(self.name, show(match), error) from error

    def _emit_results(self) -> None:
        results, self._results = self._results, []
        if results:
            times = [time for time, _ in results]
            self.emit(Batch([value for _, value in results], kind=self._node.type, times=times, own=times, marks=times))

    # --- recovery --------------------------------------------------------------------------------------------------

    def restored(self) -> None:
        super().restored()
        self._watermark = START_OF_TIME
        self._waiting.rebuild()
        self._results = []
        self._deadlines, self._has_deadline = [], {}
        for key, partials in self._partials.items(0):
            self._look_at(key, self._automaton.deadline(partials.runs[0]))

    def resume_at(self, watermark: Instant) -> None:
        """After `restored`: what is before this was matched."""
        self._watermark = watermark
