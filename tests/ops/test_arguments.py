"""A mistake in the arguments is told in a line, with status 2, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorstream.ops.cli import main
from tests.ops.programs import NUMBERS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "required: FILE[:APP]"),
        (["run", "job.py", "--until", "noon"], "invalid choice: 'noon'"),
        (["run", "job.py", "--workers", "0"], "0 is less than 1"),
        (["consume", "t", "--max", "few"], "invalid number value: 'few'"),
        (["topics"], "required: COMMAND"),
        (["explain", "job.py", "--format", "svg"], "invalid choice: 'svg'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which, and where to read more."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert said in err
    assert "--help" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--checkpoint", "soon"], "the checkpoint interval is 'soon'; write it as one of \"250ms\""),
        (["--workers", "65"], "workers is 65"),
    ],
)
def test_a_run_that_cannot_be_is_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad duration shows how to write one; nothing is made in the data directory."""
    file, data = tmp_path / "job.py", tmp_path / "data"
    file.write_text(NUMBERS)

    status = main(["run", str(file), "--data", str(data), *arguments])

    assert status == 2
    assert said in capsys.readouterr().err
    assert not data.exists()


def test_a_bad_retention_shows_how_to_write_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a data directory is made."""
    data = tmp_path / "data"

    assert main(["topics", "create", "t", "--retention", "a while", "--data", str(data)]) == 2
    assert "retention of 't' is 'a while'; write it as one of" in capsys.readouterr().err
    assert not data.exists()


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """With a line on each."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    for command in ("demo", "run", "explain", "topics", "groups", "checkpoints", "actors", "produce", "consume"):
        assert f"\n    {command}" in help_text
