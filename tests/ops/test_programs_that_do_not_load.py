"""What is wrong with a program's file is told in a few lines, with status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorstream.ops.cli import main
from tests.ops.programs import NUMBERS

TWO = NUMBERS + 'second = App("second")\n'


@pytest.mark.parametrize(
    ("source", "which", "said"),
    [
        pytest.param(None, "", "job.py: there is no such file", id="no file"),
        pytest.param("def f(:\n", "", "job.py:1: syntax error: invalid syntax\n  def f(:\n        ^", id="syntax"),
        pytest.param("x = 1\nbroken = nowhere\n", "", "job.py:2 in <module>: broken = nowhere", id="an error in it"),
        pytest.param("import nothing_like_this\n", "", "No module named 'nothing_like_this'", id="a missing library"),
        pytest.param("raise SystemExit(3)\n", "", "error   SystemExit: 3", id="it ends Python"),
        pytest.param("\0PAR1\xff", "", "job.py is no Python file", id="not Python"),
        pytest.param("x = 1\n", "", "job.py holds no App at module level", id="no App"),
        pytest.param(TWO, "", "job.py holds several Apps: app, second; say which", id="two Apps"),
        pytest.param(NUMBERS, ":nope", "job.py has no 'nope'; its Apps are: app", id="unknown App"),
        pytest.param(
            NUMBERS, ":numbers", "numbers is a Topic, not an App; its Apps are: app", id="no App of that name"
        ),
        pytest.param("from actorstream import App\napp = App('x')\n", "", "nothing to run", id="nothing to run"),
        pytest.param(NUMBERS + "app.stream(numbers, event_time='at')\n", "", "'at'", id="a plan that does not fit"),
    ],
)
@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_program_that_does_not_load_is_told_in_a_few_lines(
    command: str, source: str | None, which: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the file, the line where there is one, and what to do; nothing is made in the data directory."""
    file = tmp_path / "job.py"
    if source is not None:
        file.write_bytes(source.encode("latin-1"))
    data = tmp_path / "data"

    status = main([command, f"{file}{which}", "--data", str(data)])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) <= 6
    assert not data.exists()


def test_a_directory_is_no_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so."""
    assert main(["explain", str(tmp_path)]) == 2
    assert "is a directory; name the Python file in it" in capsys.readouterr().err


def test_one_of_two_apps_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`FILE:APP` names a variable of the file."""
    file = tmp_path / "two.py"
    file.write_text(TWO)

    status = main(["explain", f"{file}:app", "--stage", "logical"])

    assert status == 0
    assert capsys.readouterr().out.startswith("doubling: logical plan")


def test_the_same_app_under_two_names_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An alias makes nothing ambiguous."""
    file = tmp_path / "alias.py"
    file.write_text(NUMBERS + "other = app\n")

    assert main(["explain", str(file)]) == 0
    assert "task numbers, 2 instances" in capsys.readouterr().out


def test_files_beside_the_program_can_be_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As they can when Python runs the file."""
    (tmp_path / "beside_the_program.py").write_text("NAME = 'from-beside'\n")
    file = tmp_path / "importing.py"
    file.write_text(NUMBERS.replace('App("doubling")', "App(beside_the_program.NAME)"))
    file.write_text("import beside_the_program\n" + file.read_text())

    assert main(["explain", str(file), "--stage", "logical"]) == 0
    assert capsys.readouterr().out.startswith("from-beside: ")


def test_the_program_is_not_the_main_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file does only as a script is not done."""
    file = tmp_path / "script.py"
    file.write_text(NUMBERS + "if __name__ == '__main__':\n    app.run()\n")

    assert main(["explain", str(file)]) == 0
    assert "doubling" in capsys.readouterr().out
