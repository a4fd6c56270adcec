"""`simulate`: an app under faults, from many seeds, each compared with a run where nothing went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from actorstream.host.logs import silence
from actorstream.model.topic import Topic
from actorstream.streams.app import App
from actorstream.testing.compare import difference
from actorstream.testing.faults import Faults
from actorstream.testing.inputs import Inputs, checked_inputs
from actorstream.testing.life import Life, SimulationFailed
from actorstream.testing.outside import Outside
from actorstream.testing.run import Output
from actorstream.testing.seeds import chosen
from actorstream.testing.subject import Audit, Subject

Check = Callable[[Mapping[Topic[Any], Sequence[Any]], Output], Any]
"""Given inputs and committed output: raises, or returns False, if they do not fit together."""


def simulate(
    app: App,
    inputs: Inputs | None = None,
    *,
    nodes: int = 0,
    seeds: Iterable[int] = range(200),
    faults: Faults | None = None,
    check: Check | None = None,
    outside: Outside | None = None,
    audit: Audit | None = None,
) -> Counter[str]:
    """Run `app` over the same inputs from many seeds, under faults, and compare what it committed.

    Each topic's committed output must equal that of a run without faults: per key the same sequence, over all keys the
    same records, floats to 1e-9. Somebody reads all output while the job runs: what was once read must never be taken
    back or changed.

    Args:
        nodes: simulated nodes on which the tasks of the job live, beside that of the log; 0: all in one process. What
            they say to each other goes through the real codec. The run without faults that all others must equal is
            that of one process.
        seeds: each gives one order of events and one schedule of faults; pytest's `--seeds` and `--seed` come first.
        faults: by default all, and with `nodes` those of nodes as well.
        check: for apps whose values depend on the order of arrival: judges the output instead of the comparison.
        audit: looks at what is committed while the job runs, again and again; raises, or returns False, if it is wrong.
        outside: where the app's two-phase sinks really write; without it they are kept in memory. Compared as all
            values together.

    Returns:
        How often each fault happened; also how many "epochs" were begun, and how many "aborted" transactions readers
        met.

    Raises:
        SimulationFailed: a seed's output differs, or its run got stuck.

    Example:
        >>> from actorstream import App
        >>> app = App("doubling")
        >>> numbers, doubles = app.topic("numbers", int), app.topic("doubles", int)
        >>> app.stream(numbers).map(lambda n: n * 2).to(doubles)
        >>> happened = simulate(app, {numbers: range(20)}, seeds=range(5))
    """
    given = checked_inputs(app, inputs)
    with silence():
        subject = Subject(app, given, outside, audit)
        expected = Life(subject, 0, Faults.none(), 0).live()
        undisturbed = Life(subject, 0, Faults.none(), 0, nodes).live() if nodes else expected
        _judge(given, undisturbed, expected, check, 0)
        run_seed = partial(_live, subject, nodes, faults or Faults.all(nodes=nodes), undisturbed.steps)
        happened: Counter[str] = Counter()
        for number, seed in enumerate(chosen(seeds)):
            life = run_seed(seed)
            _judge(given, life, expected, check, seed)
            happened.update(life.happened)
            if number == 0 and run_seed(seed).digest != life.digest:
                what = "the same seed gave two different runs: the app's code is not deterministic"
                raise SimulationFailed(seed, what, life.trace)
        return happened


def _live(subject: Subject, nodes: int, faults: Faults, steps: int, seed: int) -> Life:
    return Life(subject, seed, faults, steps, nodes).live()


def _judge(
    inputs: Mapping[Topic[Any], Sequence[Any]], life: Life, expected: Life, check: Check | None, seed: int
) -> None:
    """Raise if what was committed is not what it must be."""
    if check is not None:
        written = {topic: [value for part in parts for _, value in part] for topic, parts in life.written.items()}
        if check(inputs, Output(written)) is False:
            raise SimulationFailed(seed, "check(inputs, output) said no", life.trace)
        return
    places = [(f"topic {topic.name!r}", expected.written[topic], life.written[topic]) for topic in life.written]
    places.append(("outside", [_unkeyed(expected.outside)], [_unkeyed(life.outside)]))
    for where, wanted, found in places:
        what = difference(wanted, found)
        if what is not None:
            raise SimulationFailed(seed, f"{where}, {what}", life.trace)


def _unkeyed(values: Sequence[Any]) -> list[tuple[bytes | None, Any]]:
    return [(None, value) for value in values]
