"""What a job's log adds up to, where lanes change their producer ids."""

from __future__ import annotations

from actorstream.log.decisions import PRODUCER_EPOCH_MAX, SLOTS, Cut, Done, Epoch, History


def epoch(number: int, lanes: dict[str, int]) -> Epoch:
    """An epoch that gives these lanes new ids."""
    return Epoch(number, 10 * number, {}, lanes, ("t",), number, "plan", "test", 0)


def test_ids_that_a_lane_gave_up_are_opened_too() -> None:
    """What they left undecided is aborted by the next epoch; else it would hold up readers for ever."""
    history = History()
    history.apply(epoch(1, {"lane": 100}), 0)
    history.apply(epoch(2, {"lane": 200}), 1)

    openings = history.openings("job", "t-0")

    found = {one: opening.producer_epoch for opening in openings for one in opening.producer_ids}
    assert found == {**dict.fromkeys(range(100, 100 + SLOTS), 1), **dict.fromkeys(range(200, 200 + SLOTS), 0)}


def test_what_was_committed_is_told_by_the_ids_of_its_epoch() -> None:
    """A marker that is still owed when the lane has got new ids must end the transaction of the old ones."""
    history = History()
    history.apply(epoch(1, {"lane": 100}), 0)
    history.apply(Done(1, 10, "plan", 0, sinks={"t-0": {"lane": Cut(0, 4, 4)}}), 1)
    history.apply(epoch(2, {"lane": 200}), 2)

    assert [(one.producer_id, one.producer_epoch) for one in history.settled("t-0")] == [(100, 0)]
    opening = next(one for one in history.openings("job", "t-0") if 100 in one.producer_ids)
    assert [one.last_offset for one in opening.settled] == [4]


def test_the_epoch_of_ids_long_given_up_fits_a_batch() -> None:
    """A record batch has sixteen bits for it."""
    history = History()
    history.apply(epoch(1, {"lane": 100}), 0)
    history.apply(epoch(PRODUCER_EPOCH_MAX + 10, {"lane": 200}), 1)

    openings = {one.producer_ids[0]: one.producer_epoch for one in history.openings("job", "t-0")}

    assert openings == {100: PRODUCER_EPOCH_MAX, 200: 0}
