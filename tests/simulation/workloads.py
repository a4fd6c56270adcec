"""Jobs of every kind, each small, with input for which the right answer is known or easily found again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from actorstream import (
    App,
    Gap,
    Key,
    Match,
    Record,
    State,
    Timer,
    ValueState,
    Window,
    agg,
    pattern,
    rows,
    session,
    sliding,
    tumbling,
)
from actorstream.connectors import files
from actorstream.host import Entropy
from actorstream.model.topic import Topic
from actorstream.testing.faults import Faults
from actorstream.testing.outside import Outside
from actorstream.testing.run import Output
from actorstream.testing.seeds import CHOSEN
from actorstream.testing.subject import Audit

START = datetime(2024, 1, 1, tzinfo=UTC)


class Workload(NamedTuple):
    """What `simulate` is given."""

    app: App
    inputs: Mapping[Topic[Any], Sequence[Any]]
    outside: Outside | None = None
    audit: Audit | None = None


def assert_everything_happened(happened: Counter[str], seeds: int) -> None:
    """Every fault, every reading, recovery and aborted output; unless it was only to be seen what one seed does."""
    if CHOSEN.only is None:
        assert all(happened[fault] > 0 for fault in (*Faults.all().rates(), "look"))
        assert happened["epochs"] > 2 * seeds


class Event(Record):
    """Something that happened: whose, how much, when."""

    key: str
    value: int
    at: datetime


class Transfer(Record):
    """Money from one account to another."""

    source: int
    target: int
    amount: int


class Balance(Record):
    """What an account holds after a transfer."""

    account: int
    balance: int


class Place(Record):
    """A row of a table."""

    id: int
    name: str


class Count(Record):
    """How often there was a word so far."""

    word: str
    n: int


def events(count: int, keys: int = 4, late: float = 0.1) -> list[Event]:
    """Events a second apart, most of them in order, some far too late."""
    entropy = Entropy(count)
    found = []
    for second in range(count):
        back = entropy.between(20, 60) if entropy.chance(late) else entropy.below(3)
        at = START + timedelta(seconds=max(second - back, 0))
        found.append(Event(f"k{entropy.below(keys)}", second, at))
    return found


def pass_through() -> Workload:
    """Map and filter, from three partitions to four."""
    app = App("pass")
    numbers = app.topic("numbers", int, partitions=3, key=lambda n: n % 7)
    evens = app.topic("evens", int, partitions=4, key=lambda n: n // 2 % 7)
    app.stream(numbers).map(lambda n: n * 2).filter(lambda n: n % 3 != 0).to(evens)
    return Workload(app, {numbers: range(240)})


def words() -> Workload:
    """Running counts of words, from two partitions."""
    app = App("words")
    lines = app.topic("lines", str, partitions=2)
    counts = app.topic("counts", Count, partitions=2, key="word")
    split = app.stream(lines).flat_map(lambda line: line.split())
    split.key_by(lambda word: word, name="word").aggregate(Count, name="counting", n=agg.count()).to(counts)
    every = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "while", "the", "cat", "sleeps"]
    return Workload(app, {lines: [" ".join(every[at % 7 : at % 7 + 5]) for at in range(80)]})


ACCOUNTS, OPENING = 6, 100


def bank() -> Workload:
    """Transfers: whenever somebody looks, the accounts hold together what they held at first."""
    app = App("bank")
    transfers = app.topic("transfers", Transfer)
    balances = app.topic("balances", Balance, key="account")

    def legs(transfer: Transfer) -> list[tuple[int, int]]:
        return [(transfer.source, -transfer.amount), (transfer.target, transfer.amount)]

    accounts = app.stream(transfers).flat_map(legs).key_by(lambda leg: leg[0], name="account")

    @accounts.process
    def book(leg: tuple[int, int], held: Annotated[ValueState[int], State(default=OPENING)]) -> Balance:
        held.set((held.get() or 0) + leg[1])
        return Balance(leg[0], held.get() or 0)

    book.to(balances)

    def audit(output: Output) -> bool:
        held = dict.fromkeys(range(ACCOUNTS), OPENING)
        held.update({one.account: one.balance for one in output[balances]})
        return sum(held.values()) == ACCOUNTS * OPENING

    entropy = Entropy(5)
    every = [Transfer(entropy.below(ACCOUNTS), entropy.below(ACCOUNTS), entropy.below(30)) for _ in range(200)]
    return Workload(app, {transfers: [one for one in every if one.source != one.target]}, audit=audit)


def timers() -> Workload:
    """Sessions by timers in event time: each key's events until ten seconds without one."""
    app = App("timers")
    clicks = app.topic("clicks", Event)
    sessions = app.topic("sessions", Count, key="word")

    @app.stream(clicks, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="key").process
    def session(
        event: Event, held: ValueState[int], due: ValueState[datetime], quiet: Timer, key: Key[str]
    ) -> Iterator[Count]:
        previous = due.get()
        if previous is not None:
            quiet.cancel(previous)
        held.set((held.get() or 0) + event.value)
        due.set(event.at + timedelta(seconds=10))
        quiet.at(event.at + timedelta(seconds=10))
        yield from ()

    @session.on_timer
    def ended(
        time: datetime, held: ValueState[int], due: ValueState[datetime], quiet: Timer, key: Key[str]
    ) -> Iterator[Count]:
        yield Count(key, held.get() or 0)
        held.clear()
        due.clear()

    session.to(sessions)
    return Workload(app, {clicks: events(200, keys=12)})


def expiring() -> Workload:
    """Each key's events as long as no ten seconds lie between two, by a time-to-live."""
    app = App("expiring")
    clicks = app.topic("clicks", Event)
    streaks = app.topic("streaks", Count, key="word")

    @app.stream(clicks, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="key").process
    def streak(event: Event, length: Annotated[ValueState[int], State(ttl="10s", default=0)], key: Key[str]) -> Count:
        length.set((length.get() or 0) + 1)
        return Count(key, length.get() or 0)

    streak.to(streaks)
    return Workload(app, {clicks: events(200, keys=12)})


def windows() -> Workload:
    """Members of windows, and what came too late for them, from two partitions."""
    app = App("windows")
    readings = app.topic("readings", Event, partitions=2, key="key")
    members = app.topic("members", dict, key="key")
    late = app.topic("late", Event, key="key")
    keyed = app.stream(readings, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="key")

    @keyed.window(tumbling("10s"))
    def gathered(window: Window[str, Event]) -> dict[str, Any]:
        return {"key": window.key, "start": window.start.isoformat(), "values": sorted(one.value for one in window)}

    gathered.to(members)
    gathered.late.to(late)
    return Workload(app, {readings: events(240, late=0.4)})


def summaries() -> Workload:
    """Every aggregate that keeps more than a number, over windows and running, from two partitions."""
    app = App("summaries")
    readings = app.topic("readings", Event, partitions=2, key="key")
    windows, running = app.topic("of-windows", dict, key="key"), app.topic("so-far", dict, key="key")
    keyed = app.stream(readings, event_time="at", max_delay="60s").key_by("key")

    def every() -> dict[str, Any]:
        return {
            "first": agg.first("value"),
            "last": agg.last("value"),
            "all": agg.collect("value"),
            "different": agg.distinct(lambda event: event.value % 5),
            "about": agg.approx_distinct("value"),
            "median": agg.quantile("value", 0.5),
            "top": agg.top(2, by=lambda event: event.value % 7),
            "own": agg.of(int, lambda n, event: n + event.value, lambda one, other: one + other, lambda n: n),
        }

    def shown(row: Any) -> dict[str, Any]:
        return {name: json.loads(msgspec.json.encode(getattr(row, name))) for name in row.__struct_fields__}

    keyed.window(sliding("20s", every="10s")).aggregate(name="in windows", **every()).map(shown, name="a").to(windows)
    keyed.aggregate(name="over all", **every()).map(shown, name="b").to(running)
    return Workload(app, {readings: events(160)})


def patterns() -> Workload:
    """Small values and then a large one of a key, and what nothing followed, from two partitions; some are late."""
    app = App("patterns")
    readings = app.topic("readings", Event, partitions=2, key="value")
    rising_values, lone_values = app.topic("rising", dict, key="key"), app.topic("lone", dict, key="key")
    late = app.topic("late", Event, key="value")
    keyed = app.stream(readings, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="key")
    small = pattern(lambda event: event.value % 5 == 0, name="small").up_to(3)
    rising = small.then(lambda event: event.value % 5 > 2, name="large").within("20s")
    lonely = small.without(lambda event: event.value % 2 == 0, name="even").within("6s")

    def shown(match: Match[str, Event]) -> dict[str, Any]:
        return {"key": match.key, "end": match.end.isoformat(), "values": [one.value for one in match]}

    keyed.match(rising, overlap=True).apply(shown, name="rising").to(rising_values)
    lone = keyed.match(lonely).apply(shown, name="lone")
    lone.to(lone_values)
    lone.late.to(late)
    return Workload(app, {readings: events(240, late=0.2)})


class Numbered(Record):
    """What a device sends."""

    device: str
    number: int


def gaps() -> Workload:
    """Numbers of devices, some missing, some late, some twice, from three partitions."""
    app = App("gaps")
    sent = app.topic("sent", Numbered, partitions=3, key="device", sequence="number")
    found = app.topic("found", Gap, key="key")
    app.stream(sent).gaps.to(found)
    entropy = Entropy(8)
    numbers = [number - entropy.below(4) if entropy.chance(0.5) else number for number in range(4, 64)]
    return Workload(app, {sent: [Numbered(f"d{device}", number) for number in numbers for device in range(5)]})


def sessions() -> Workload:
    """Visits that join and are corrected, what came too late for them, and threes, from two partitions."""
    app = App("sessions")
    clicks = app.topic("clicks", Event, partitions=2, key="key")
    visits = app.topic("visits", dict, key="key")
    late = app.topic("late", Event, key="key")
    threes = app.topic("threes", dict, key="key")
    keyed = app.stream(clicks, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="key")

    counted = keyed.window(session("5s"), allowed_lateness="30s").aggregate(
        name="visits", n=agg.count(), total=agg.sum("value")
    )
    counted.map(lambda row: {"key": row.key, "start": row.start, "n": row.n, "total": row.total}).to(visits)
    counted.late.to(late)

    @keyed.window(rows(3))
    def three(window: Window[str, Event]) -> dict[str, Any]:
        return {"key": window.key, "end": window.end.isoformat(), "values": [one.value for one in window]}

    three.to(threes)
    return Workload(app, {clicks: events(240, keys=8, late=0.3)})


def lookup() -> Workload:
    """A join with a table that is read first."""
    app = App("lookup")
    places = app.topic("places", Place, key="id")
    visits = app.topic("visits", int, partitions=2, key=lambda visit: visit % 9)
    named = app.topic("named", str, partitions=2, key=lambda text: text.split(":")[0])
    table = app.table(places, key="id")
    joined = (
        app.stream(visits)
        .key_by(lambda visit: visit % 9, name="place")
        .join(table, lambda visit, place: f"{visit % 9}:{visit}:{place.name if place else '-'}", name="naming")
    )
    joined.to(named)
    rows = [Place(number % 8, f"name {number}") for number in range(40)]
    return Workload(app, {places: rows, visits: range(150)})


def both() -> Workload:
    """Two streams made one, and a running sum of each key."""
    app = App("both")
    lefts, rights = app.topic("lefts", int, partitions=2), app.topic("rights", int)
    sums = app.topic("sums", Count, key="word")
    together = app.stream(lefts).map(lambda n: ("left", n)).union(app.stream(rights).map(lambda n: ("right", n)))

    @together.key_by(lambda pair: f"{pair[0]}{pair[1] % 2 if pair[0] == 'right' else pair[1] % 3}", name="k").process
    def summed(pair: tuple[str, int], count: ValueState[int], key: Key[str]) -> Count:
        count.set((count.get() or 0) + 1)
        return Count(key, count.get() or 0)

    summed.to(sums)
    return Workload(app, {lefts: range(120), rights: range(90)})


def chain() -> Workload:
    """Two operators with state, one after the other: how often there was each count."""
    app = App("chain")
    letters = app.topic("letters", str)
    seen = app.topic("seen", Count, key="word")
    counts = (
        app.stream(letters).key_by(lambda letter: letter, name="word").aggregate(Count, name="first", n=agg.count())
    )

    @counts.key_by(lambda count: count.n % 5, name="fifth").process
    def second(count: Count, sum_: ValueState[int], key: Key[int]) -> Count:
        sum_.set((sum_.get() or 0) + count.n)
        return Count(str(key), sum_.get() or 0)

    second.to(seen)
    entropy = Entropy(3)
    return Workload(app, {letters: [chr(97 + entropy.below(8)) for _ in range(200)]})


class PartFilesOutside:
    """The part files in a directory, as whoever lists it sees them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def clear(self) -> None:
        """Begin anew."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def read(self) -> Sequence[Any]:
        """All values in files that are not hidden."""
        lines = [line for path in sorted(self._directory.glob("part-*")) for line in path.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def leftovers(self) -> Sequence[str]:
        """Parts that are still hidden."""
        return [path.name for path in sorted(self._directory.glob(".part-*"))]


def part_files(directory: Path) -> Workload:
    """From three partitions into files."""
    app = App("parts")
    numbers = app.topic("numbers", int, partitions=3)
    app.stream(numbers).map(lambda n: {"n": n}).to(files.jsonl(directory))
    return Workload(app, {numbers: range(150)}, PartFilesOutside(directory))


def shared() -> Workload:
    """Windows, a table join and running counts, each over three instances that share the keys."""
    app = App("shared")
    readings = app.topic("readings", Event, partitions=2, key="key")
    places = app.topic("places", Place, key="id")
    counts = app.topic("counts", Count, partitions=2, key="word")
    sums = app.topic("sums", dict, key="key")
    named = app.topic("named", dict, key="key")
    keyed = app.stream(readings, event_time="at", max_delay="2s").key_by("key")
    keyed.aggregate(name="counting", parallelism=3, n=agg.count()).map(
        lambda row: Count(row.key, row.n), name="counted"
    ).to(counts)
    keyed.window(tumbling("60s")).aggregate(name="summing", parallelism=3, sum=agg.sum("value")).map(
        lambda row: {"key": row.key, "start": row.start.isoformat(), "sum": row.sum}, name="summed"
    ).to(sums)
    table = app.table(places, key=lambda place: f"k{place.id}")
    keyed.join(
        table,
        lambda one, place: {"key": one.key, "value": one.value, "name": place and place.name},
        name="naming",
        parallelism=3,
    ).to(named)
    rows = [Place(number % 8, f"name {number}") for number in range(40)]
    return Workload(app, {places: rows, readings: events(120, keys=12)})


def generated() -> Workload:
    """A generator with offsets, counted by key."""
    app = App("generated")
    counts = app.topic("counts", Count, key="word")

    @app.source
    def numbers(offset: int | None) -> Iterator[tuple[int, int]]:
        for number in range(0 if offset is None else offset + 1, 120):
            yield number, number

    by = numbers.key_by(lambda n: str(n % 3), name="word")
    by.aggregate(Count, name="counting", n=agg.count()).to(counts)
    return Workload(app, {})


IN_TOPICS = [
    pass_through,
    words,
    bank,
    timers,
    expiring,
    windows,
    sessions,
    patterns,
    gaps,
    summaries,
    lookup,
    both,
    chain,
    shared,
    generated,
]
"""All that write to topics."""
