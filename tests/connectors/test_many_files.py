"""Directories, globs and files that come while they are read."""

from __future__ import annotations

import os

import pytest

from actorstream.connectors import files
from actorstream.errors import BadInput, PlanError


def write(directory, **contents: str):
    """Files of JSON lines, by name."""
    for name, text in contents.items():
        (directory / f"{name}.jsonl").write_text(text)


def test_a_directory_is_read_in_name_order(tmp_path, read_all):
    """Its files of the format; hidden ones, other ones and directories are left alone."""
    write(tmp_path, b="2\n", a="1", c="3\n")
    (tmp_path / ".d.jsonl").write_text("4\n")
    (tmp_path / "readme.txt").write_text("no JSON")
    (tmp_path / "e.jsonl").mkdir()

    assert read_all(files.jsonl(tmp_path), limit=1).values == [1, 2, 3]


def test_a_glob_is_read_in_name_order(tmp_path, read_all):
    """Across directories too."""
    for name in ("y", "x"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, b=f'"{name}b"\n', a=f'"{name}a"\n')

    assert read_all(files.jsonl(tmp_path / "*" / "a.jsonl")).values == ["xa", "ya"]
    assert read_all(files.jsonl(str(tmp_path / "**" / "*.jsonl"))).values == ["xa", "xb", "ya", "yb"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path, read_all):
    """If it is there."""
    (tmp_path / "a[1].jsonl").write_text("1\n")

    assert read_all(files.jsonl(tmp_path / "a[1].jsonl")).values == [1]


def test_a_restart_goes_on_in_the_right_file(tmp_path, read_all):
    """From every position; also when the whole directory has moved."""
    (tmp_path / "old").mkdir()
    write(tmp_path / "old", a="1\n2\n", b="", c="3\n4")
    got = read_all(files.jsonl(tmp_path / "old"), limit=1)
    os.rename(tmp_path / "old", tmp_path / "new")

    assert got.values == [1, 2, 3, 4]
    for count, position in got.positions:
        assert read_all(files.jsonl(tmp_path / "new"), position).values == got.values[count:]


def test_an_empty_directory_has_no_values(tmp_path, read_all):
    """That is no mistake."""
    assert read_all(files.jsonl(tmp_path)).values == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.jsonl", "there is no file .*missing.jsonl .*correct the path"),
        ("*.jsonl", "no file matches .*; correct the pattern"),
        ("other", "has no file that ends in .jsonl or .ndjson or .json, but 'x.txt'"),
        ("other/x.txt/y", "there is no file"),
        ("/dev/null", "is neither a file nor a directory"),
    ],
)
def test_a_path_without_files_is_one_clear_line(tmp_path, path: str, message: str):
    """When the source is opened."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("")

    with pytest.raises(BadInput, match=message):
        files.jsonl(tmp_path / path).open(None)


def test_a_path_that_is_none_is_refused():
    """Such as a file's content."""
    with pytest.raises(PlanError, match="is no path"):
        files.jsonl(["a.jsonl"])  # type: ignore[arg-type]


def test_following_reads_what_is_added(tmp_path):
    """Lines once they are whole, then further files."""
    write(tmp_path, a="1\n2")
    reader = files.jsonl(tmp_path, follow=True).open(None)

    assert reader.read(10).values == [1]
    assert reader.read(10).values == []
    write(tmp_path, a="1\n22\n3")
    assert reader.read(10).values == [22]
    write(tmp_path, b="4\n")
    assert reader.read(10).values == [3]  # The line is whole now, because a file came after it.
    assert reader.read(10).values == [4]
    assert reader.read(10).values == []
    reader.close()


def test_following_may_begin_with_nothing(tmp_path):
    """A glob that matches nothing yet, an empty directory."""
    for path in (tmp_path, tmp_path / "*.jsonl"):
        reader = files.jsonl(path, follow=True).open(None)
        assert reader.read(10).values == []
        write(tmp_path, a="1\n")
        assert reader.read(10).values == [1]
        (tmp_path / "a.jsonl").unlink()


def test_a_file_that_is_gone_after_it_was_read_does_not_matter(tmp_path):
    """Somebody cleans up."""
    write(tmp_path, a="1\n")
    reader = files.jsonl(tmp_path, follow=True).open(None)
    assert reader.read(10).values == [1]
    write(tmp_path, b="2\n")
    assert reader.read(10).values == [2]

    (tmp_path / "a.jsonl").unlink()
    write(tmp_path, c="3\n")

    assert reader.read(10).values == [3]


def test_a_file_that_comes_too_late_is_refused(tmp_path, read_all):
    """It would be left out in silence; while reading, and on a restart."""
    write(tmp_path, b="1\n")
    source = files.jsonl(tmp_path, follow=True)
    reader = source.open(None)
    position = reader.read(10).position

    write(tmp_path, a="0\n")

    with pytest.raises(BadInput, match=r"a.jsonl came while b.jsonl was being read, and sorts before it"):
        reader.read(10)
    with pytest.raises(BadInput, match=r"a.jsonl came while b.jsonl was being read"):
        source.open(position)


def test_a_file_that_is_gone_before_it_was_read_to_its_end_is_refused(tmp_path, read_all):
    """On a restart in its middle."""
    write(tmp_path, a="1\n2\n", b="3\n")
    _, position = read_all(files.jsonl(tmp_path), limit=1).positions[0]
    (tmp_path / "a.jsonl").unlink()

    with pytest.raises(BadInput, match=r"a.jsonl is gone, and the job has read it only in part"):
        files.jsonl(tmp_path).open(position)


def test_a_followed_file_that_becomes_shorter_is_refused(tmp_path):
    """What was read is no longer there."""
    path = tmp_path / "a.jsonl"
    path.write_text("1\n2\n")
    reader = files.jsonl(path, follow=True).open(None)
    reader.read(10)

    path.write_text("1\n")

    with pytest.raises(BadInput, match="has become shorter than the 4 bytes that were read of it"):
        reader.read(10)
