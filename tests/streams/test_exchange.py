"""Instances of a task share the keys: who owns what, and how batches are divided."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, agg
from actorstream.errors import PlanError
from actorstream.log.client import Done, Epoch, History, StateRange
from actorstream.model.identity import KEY_GROUPS, encode, key_group
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.exchange import Exchange, groups_of, owner_of
from actorstream.streams.frames import rows_to_frame
from actorstream.streams.plan.nodes import KeyBy
from tests.streams.makers import Event, event

NUMBERS = st.integers(1, KEY_GROUPS)


@given(NUMBERS)
def test_each_group_has_one_owner(instances: int) -> None:
    """Instances own runs of groups, one after the other, and none is without."""
    owned = [groups_of(one, instances) for one in range(instances)]

    assert [group for groups in owned for group in groups] == list(range(KEY_GROUPS))
    assert all(owned)
    assert all(owner_of(group, instances) == one for one, groups in enumerate(owned) for group in groups)


@pytest.mark.parametrize("columnar", [False, True])
@given(keys=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30), instances=st.integers(1, 9))
def test_records_go_to_the_owner_of_their_key_in_their_order(columnar: bool, keys: list[str], instances: int) -> None:
    """With what is known of them; from rows, and from columns."""
    events = [event(second, key) for second, key in enumerate(keys)]
    values: Any = {"frame": rows_to_frame(events, Event)} if columnar else {"rows": events}
    batch = Batch(**values, kind=Event, times=list(range(len(keys))), offsets=range(len(keys)))

    parts = dict(Exchange(KeyBy(name="key", fields=("key",)), instances).parts(batch))

    for owner, part in parts.items():
        mine = [place for place, key in enumerate(keys) if owner_of(key_group(encode(key)), instances) == owner]
        assert part.rows() == [events[place] for place in mine]
        assert list(part.times) == list(part.offsets) == mine
    assert sum(map(len, parts.values())) == len(keys)


def test_a_base_replaces_the_groups_that_it_has() -> None:
    """Ranges of several instances stay until bases have replaced all their groups."""
    history = History()
    history.apply(Epoch(1, 1, {"task": 1}, {}, (), 1, "plan", "start", 0), 0)
    low, high = (0, 127), (128, 255)

    history.apply(Done(1, 1, "plan", 0, state={"s": (StateRange(0, 255, 0, 4),)}), 1)
    history.apply(Done(1, 2, "plan", 0, state={"s": (StateRange(*low, 4, 5), StateRange(*high, 5, 6))}), 2)
    history.apply(Done(1, 3, "plan", 0, state={"s": (StateRange(*low, 6, 8, base=True),)}), 3)
    one = history.state["s"]
    history.apply(Done(1, 4, "plan", 0, state={"s": (StateRange(*high, 8, 9, base=True),)}), 4)

    assert [(wanted.start, wanted.end) for wanted in one] == [(0, 4), (5, 6), (6, 8)]
    assert [(wanted.start, wanted.end) for wanted in history.state["s"]] == [(6, 8), (8, 9)]


@pytest.mark.parametrize("parallelism", [0, -1, 257, 1.5, True, "2"])
def test_a_parallelism_that_cannot_be_is_refused(parallelism: Any) -> None:
    """The line that wrote it is named."""
    keyed = App("job").stream([1]).key_by(lambda n: n, name="n")

    with pytest.raises(PlanError, match=r"aggregate at test_exchange.py:\d+: parallelism is .* from 1 to 256"):
        keyed.aggregate(n_=agg.count(), parallelism=parallelism)


def test_a_task_has_as_many_instances_as_its_operator_says() -> None:
    """An exchange is dropped only between equal numbers."""
    app = App("job")
    counts = app.stream([event(0)], event_time="at").key_by("key").aggregate(n=agg.count(), name="a", parallelism=3)
    same = counts.key_by("key").aggregate(n=agg.count(), name="b", parallelism=3)
    same.key_by("key").aggregate(n=agg.count(), name="c", parallelism=2).to(app.topic("out"))

    drawn = app.explain()

    assert "task a, 3 instances" in drawn
    assert "task b" not in drawn
    assert "task c, 2 instances" in drawn
