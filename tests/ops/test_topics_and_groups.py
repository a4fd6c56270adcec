"""`topics`, `groups` and `checkpoints`: looking at a data directory, and changing its topics."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from actorstream import App, Record
from actorstream.log.client import open_consumer, open_producer
from actorstream.ops.cli import main


class Sample(Record):
    at: datetime
    label: str | None = None


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data directory in which a job has run: 3 values in, 3 out, and a group that read one."""
    directory = str(tmp_path / "data")
    app = App("labels")
    samples, labels = app.topic("samples", Sample, partitions=2), app.topic("labels")
    app.stream(samples).map(lambda sample: sample.label).to(labels)
    with open_producer(directory) as producer:
        for label in ("a", "b", None):
            producer.send(samples, Sample(datetime(2024, 1, 1), label), key="one")
    app.run(data=directory, until="caught_up")
    with open_consumer(labels, data=directory, group="readers") as records:
        next(iter(records))
    return directory


def test_topics_are_listed_with_what_they_hold(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The log's own topics are not among them."""
    listed = rows(printed(capsys, "topics", "list", "--data", data))

    assert listed[0] == ["TOPIC", "PARTITIONS", "OFFSETS", "TYPE", "KEPT"]
    assert [row[:2] for row in listed[1:]] == [["labels", "1"], ["samples", "2"]]
    assert listed[2][2:] == ["3", "Sample", "for", "ever"]


def test_a_topic_is_described_with_its_fields_and_partitions(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Types are written as in Python."""
    described = printed(capsys, "topics", "describe", "samples", "--data", data)

    assert described.startswith("samples: Sample, written by producers, kept for ever\n")
    assert ["at", "datetime"] in rows(described)
    assert ["label", "str", "|", "None"] in rows(described)
    assert sum(int(row[2]) for row in rows(described)[-2:]) == 3


def test_a_topic_is_made_once(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Making it again in the same way changes nothing."""
    create = ["topics", "create", "new", "--partitions", "3", "--retention", "7d", "--compacted", "--data", data]

    assert [main(create), main(create)] == [0, 0]

    assert "created\ntopic 'new' was there already" in capsys.readouterr().err
    listed = printed(capsys, "topics", "list", "--data", data)
    assert ["new", "3", "0", "any", "JSON", "for", "7d,", "compacted"] in rows(listed)


def test_a_topic_made_in_another_way_is_told(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The number of partitions cannot change."""
    assert main(["topics", "create", "samples", "--partitions", "5", "--data", data]) == 2

    assert "topic 'samples' has 2 partitions" in capsys.readouterr().err


def test_a_deleted_topic_is_gone(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its records."""
    assert main(["topics", "delete", "samples", "--data", data]) == 0

    assert "samples" not in printed(capsys, "topics", "list", "--data", data)
    assert main(["topics", "delete", "samples", "--data", data]) == 2
    assert "there is no topic 'samples'. There are: labels." in capsys.readouterr().err


@pytest.mark.parametrize("command", [["topics", "delete"], ["produce"]])
def test_what_jobs_write_for_themselves_is_not_a_persons_to_change(
    command: list[str], data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job's log keeps its promises only if nobody else writes into it."""
    assert main([*command, "__job.labels", "--data", data]) == 2

    assert "one of the log's own" in capsys.readouterr().err


def test_groups_are_listed_with_jobs(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A job's position is that of its last checkpoint."""
    listed = rows(printed(capsys, "groups", "list", "--data", data))

    assert listed[1] == ["labels", "job", "samples", "0"]
    assert listed[2][:3] == ["readers", "consumers", "labels"]
    assert int(listed[2][3]) >= 2


def test_a_group_is_described_by_partition(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Offset and lag of a consumer group, and of a job."""
    readers = rows(printed(capsys, "groups", "describe", "readers", "--data", data))
    job = rows(printed(capsys, "groups", "describe", "labels", "--data", data))

    assert readers[0] == ["TOPIC", "PARTITION", "OFFSET", "LAG"]
    assert readers[1][:3] == ["labels", "0", "1"]
    assert sorted(int(row[2]) for row in job[1:]) == [0, 3]


def test_an_unknown_group_is_told_with_those_that_there_are(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Jobs are among them."""
    assert main(["groups", "describe", "nobody", "--data", data]) == 2

    assert "there is no group 'nobody'. There are: labels, readers" in capsys.readouterr().err


def test_checkpoints_show_what_a_job_has_committed(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its state, its checkpoints, where its sources are."""
    listed = printed(capsys, "checkpoints", "list", "--data", data)

    assert listed.startswith("job labels: finished; epoch 2, checkpoint 1\n")
    assert ["CHECKPOINT", "EPOCH", "DECIDED", "AGE", "OUTPUTS"] in rows(listed)
    assert ["SOURCE", "SPLIT", "OFFSET", "LAG"] in rows(listed)


def test_a_directory_without_jobs_has_no_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is said in words."""
    data = str(tmp_path / "data")
    main(["topics", "create", "t", "--data", data])

    assert printed(capsys, "checkpoints", "list", "--data", data) == "no job has run here yet\n"
