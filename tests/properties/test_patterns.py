"""Patterns against a reference that tries every sequence of records, and runs that differ only in how records come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, Match, pattern
from actorstream.streams.pattern import Pattern, Step
from tests.properties.programs import Reading, reading, run_with, second_of, to_given
from tests.properties.reference import Given
from tests.streams.makers import Pieces, cut

LETTERS = "abcd"


class Seen(NamedTuple):
    """A match, as the tests compare it."""

    key: str
    start: int
    end: int
    taken: tuple[tuple[int, str], ...]  # (place of the record in its key's order, step)


def is_letter(letter: str) -> Callable[[Any], bool]:
    """Whether a reading's value stands for this letter, or, of a capital letter, for any other."""
    if letter.isupper():
        return lambda one: LETTERS[one.value % 4] != letter.lower()
    return lambda one: LETTERS[one.value % 4] == letter


class Shape(NamedTuple):
    """A step of a random pattern."""

    letter: str
    directly: bool
    times: tuple[str, int, int]
    in_a_row: bool
    optional: bool
    excluded: str


seldom = st.sampled_from([False, False, False, True])

shapes = st.builds(
    Shape,
    st.sampled_from("abcdABC"),
    seldom,
    st.sampled_from(
        [("once", 1, 1)] * 4
        + [("times", 2, 2), ("times", 1, 2), ("at_least", 1, 0), ("at_least", 2, 0), ("up_to", 2, 2)]
    ),
    seldom,
    seldom,
    st.sampled_from(["", "", "", "c", "d"]),
)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern[Any]:
    """A pattern of up to four steps."""
    drawn = draw(st.lists(shapes, min_size=1, max_size=4))
    made: Any = None
    for number, shape in enumerate(drawn):
        if made is None:
            made = pattern(is_letter(shape.letter), name=str(number))
        else:
            method = made.next if shape.directly else made.then
            made = method(is_letter(shape.letter), name=str(number))
        said, least, most = shape.times
        if said == "times":
            made = made.times(least, most, in_a_row=shape.in_a_row)
        elif said == "at_least":
            made = made.at_least(least, in_a_row=shape.in_a_row)
        elif said == "up_to":
            made = made.up_to(most, in_a_row=shape.in_a_row)
        if shape.optional and 0 < number < len(drawn) - 1:
            made = made.optional()
        if shape.excluded:
            made = made.without(is_letter(shape.excluded), name=f"no{number}")
    return made.within(f"{draw(st.integers(1, 12))}s")


# --- the reference ---------------------------------------------------------------------------------------------------


def matches(given: Pattern[Any], records: list[Reading], *, overlap: bool, key: str) -> list[Seen]:
    """The matches in one key's records, which are in order: every sequence is tried, and the best is taken."""
    within = given.within_us // 1_000_000  # type: ignore[operator]
    times = [second_of(one.at) for one in records]
    candidates = []
    for first in range(len(records)):
        found = []
        for path in sequences(given.steps, records, first):
            if times[path[-1][0]] > times[first] + within:
                continue
            last = given.steps[-1]
            if not last.excluded:
                found.append(((times[path[-1][0]], 0, path[-1][0]), path))
                continue
            end = times[first] + within
            later = [one for place, one in enumerate(records) if place > path[-1][0] and times[place] <= end]
            if not any(condition.function(one) for one in later for condition in last.excluded):
                found.append(((end, 1, first), path))
        if found:
            candidates.append(min(found, key=lambda one: (one[0], [*one[1], (10**9, 0)])))
    return list(chosen(candidates, times, overlap, key))


def chosen(candidates: list[Any], times: list[int], overlap: bool, key: str) -> Iterator[Seen]:
    """Those that count, in order of their end, and of their begin where they end with the same record."""
    passed = -1
    for (end, *_), path in sorted(candidates, key=lambda one: (one[0], one[1][0][0])):
        if overlap or path[0][0] > passed:
            passed = max(passed, path[-1][0])
            yield Seen(key, times[path[0][0]], end, tuple((place, str(step)) for place, step in path))


def sequences(steps: Sequence[Step], records: list[Reading], first: int) -> Iterator[list[tuple[int, int]]]:
    """All ways of taking records by the steps, beginning with record `first`."""

    def take(path: list[tuple[int, int]], place: int, step: int, count: int) -> Iterator[list[tuple[int, int]]]:
        """`place` is taken as the `count`th record of `step`, if it may be."""
        if place == len(records) or not steps[step].condition.function(records[place]):
            return
        path = [*path, (place, step)]
        own = steps[step]
        if own.most is None or count < own.most:
            for following in range(place + 1, place + 2 if own.in_a_row else len(records)):
                yield from take(path, following, step, count + 1)
        if count < own.least:
            return
        for awaited in range(step + 1, len(steps)):
            forbidden = [one for passed in steps[step:awaited] for one in passed.excluded]
            for following in range(place + 1, place + 2 if steps[awaited].directly else len(records)):
                between = records[place + 1 : following]
                if following < len(records) and not any(c.function(one) for one in between for c in forbidden):
                    yield from take(path, following, awaited, 1)
            if not steps[awaited].optional:
                return
        yield path

    yield from take([], first, 0, 1)


# --- the job ---------------------------------------------------------------------------------------------------------


def in_order(records: Sequence[Given]) -> dict[str, list[Reading]]:
    """Each key's records in order of time; equal times as they came."""
    found: dict[str, list[Reading]] = {}
    for number, one in enumerate(records):
        found.setdefault(one.key, []).append(reading(one).replace(weight=float(number)))
    return {key: sorted(every, key=lambda one: one.at) for key, every in found.items()}


def searched(app: App, source: Any, given: Pattern[Any], overlap: bool, delay: int, instances: int = 1) -> Any:
    """A stream of what the matches took: (key, start, end, ((number, step), ...))."""
    stream = app.stream(source, event_time="at", max_delay=f"{delay}s", name="readings")

    def seen(match: Match[str, Reading]) -> Any:
        names = [step.condition.name for step in given.steps]
        taken = [[one.weight, name] for name in names for one in match.all(name)]
        return [match.key, second_of(match.start), second_of(match.end), taken]

    return stream.key_by("key").match(given, overlap=overlap).apply(seen, parallelism=instances)


def expected(records: Sequence[Given], given: Pattern[Any], overlap: bool) -> dict[str, list[Any]]:
    """What the job should give, by key."""
    found = {}
    for key, every in in_order(records).items():
        found[key] = [
            [key, one.start, one.end, [[every[place].weight, step] for place, step in one.taken]]
            for one in matches(given, every, overlap=overlap, key=key)
        ]
    return found


records_of = st.lists(
    st.builds(Given, st.sampled_from("xy"), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=11
)


@settings(max_examples=300)
@given(
    records=records_of, sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), one=patterns(), overlap=st.booleans()
)
def test_matches_are_those_of_trying_every_sequence(
    records: list[Given], sizes: list[int], one: Pattern[Any], overlap: bool
) -> None:
    """For each key, in order, wherever batches begin; and over all keys in order of their ends."""
    app = App("job")
    numbered = [reading(given).replace(weight=float(number)) for number, given in enumerate(records)]
    results = searched(app, Pieces(cut(numbered, sizes), kind=Reading), one, overlap, delay=10)

    found = app.collect(results)

    for key, every in expected(records, one, overlap).items():
        assert [result for result in found if result[0] == key] == every
    assert [result[2] for result in found] == sorted(result[2] for result in found)


@settings(max_examples=60)
@given(
    records=records_of,
    one=patterns(),
    overlap=st.booleans(),
    delay=st.integers(0, 4),
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=4),
)
def test_late_records_are_those_behind_their_watermark(
    records: list[Given], one: Pattern[Any], overlap: bool, delay: int, sizes: list[int]
) -> None:
    """They go to `late`, and the matches are those of the others."""
    late, kept, latest = [], [], -(10**9)
    for record in records:
        latest = max(latest, record.second)
        (late if record.second < latest - delay else kept).append(record)
    app = App("job")
    numbered = iter(range(len(kept)))
    given_late = [any(record is other for other in late) for record in records]
    values = [
        reading(given).replace(weight=-1.0 if is_late else float(next(numbered)))
        for given, is_late in zip(records, given_late, strict=True)
    ]
    results = searched(app, Pieces(cut(values, sizes), kind=Reading), one, overlap, delay)

    assert [to_given(value) for value in app.collect(results.late)] == late
    found = app.collect(results)
    for key, every in expected(kept, one, overlap).items():
        assert [result for result in found if result[0] == key] == every


@settings(max_examples=60)
@given(records=records_of, one=patterns(), overlap=st.booleans(), delay=st.integers(0, 3), seed=st.integers(0, 10_000))
def test_partitions_may_interleave_as_they_like(
    records: list[Given], one: Pattern[Any], overlap: bool, delay: int, seed: int
) -> None:
    """Records of a key lie in several partitions, and come in any order of events, to one instance or to three."""
    outputs = []
    for order, at_once, instances in ((None, 4096, 1), (seed, 1, 1), (seed, 4096, 3)):
        app = App("job")
        inputs = app.topic("inputs", Reading, partitions=3, key="value")
        outputs_topic = app.topic("outputs", list)
        searched(app, inputs, one, overlap, delay, instances).to(outputs_topic)
        numbered = [reading(given).replace(weight=float(number)) for number, given in enumerate(records)]
        outputs.append(run_with(app, {inputs: numbered}, seed=order, slice_records=at_once)["outputs"])

    assert outputs[0] == outputs[1]
    assert sorted(outputs[0], key=lambda one: one[0]) == sorted(outputs[2], key=lambda one: one[0])
