"""The disk in memory: what it may lose in a crash, and what it may not."""

from __future__ import annotations

from actorstream.host import Entropy, MemoryDisk
from actorstream.host.disk import make_durable_dir, read_bytes, replace_bytes


def written(disk: MemoryDisk, path: str, data: bytes) -> None:
    """A file with durable content under a name that nobody has made durable."""
    file = disk.open(path, create=True)
    file.append(data)
    file.sync()


def test_a_rename_that_was_not_synced_leaves_the_file_under_one_of_its_names() -> None:
    """Over many crashes both names occur; never none, never both."""
    found = set()
    for seed in range(50):
        disk = MemoryDisk()
        replace_bytes(disk, "old", b"content")
        disk.rename("old", "new")

        disk.crash_host(Entropy(seed))

        assert [read_bytes(disk, name) for name in disk.list("")] == [b"content"]
        found.update(disk.list(""))
    assert found == {"old", "new"}


def test_a_replaced_file_has_its_old_content_or_its_new_content() -> None:
    """Whenever the crash comes, and although the old file's name is taken over."""
    found = set()
    for seed in range(50):
        disk = MemoryDisk()
        replace_bytes(disk, "file", b"old")
        written(disk, "file.new", b"new")
        disk.rename("file.new", "file")

        disk.crash_host(Entropy(seed))

        found.add(read_bytes(disk, "file"))
    assert found == {b"old", b"new"}


def test_a_removal_that_was_not_synced_may_come_back() -> None:
    """A name that was removed is there again after some crashes, with its content."""
    found = set()
    for seed in range(50):
        disk = MemoryDisk()
        replace_bytes(disk, "file", b"content")
        disk.remove("file")

        disk.crash_host(Entropy(seed))

        found.add(disk.exists("file"))
    assert found == {True, False}


def test_a_directory_that_was_not_synced_takes_its_files_with_it() -> None:
    """Content and name within it may be durable; without the directory's own name they are gone."""
    found = set()
    for seed in range(50):
        disk = MemoryDisk()
        disk.make_dir("a/b")
        replace_bytes(disk, "a/b/file", b"content")

        disk.crash_host(Entropy(seed))

        found.add(disk.exists("a/b/file"))
        assert disk.exists("a/b/file") <= disk.exists("a/b") <= disk.exists("a")
    assert found == {True, False}


def test_a_directory_made_durable_stays() -> None:
    """All its parents are named durably, too, also those that were made before without it."""
    for seed in range(50):
        disk = MemoryDisk()
        disk.make_dir("a")
        make_durable_dir(disk, "a/b/c")
        replace_bytes(disk, "a/b/c/file", b"content")

        disk.crash_host(Entropy(seed))

        assert read_bytes(disk, "a/b/c/file") == b"content"


def test_a_crash_keeps_count_of_the_space_that_is_used() -> None:
    """After crashes of processes and hosts the used bytes are those of the files that are there."""
    for seed in range(50):
        disk, entropy = MemoryDisk(), Entropy(seed)
        for name in ("one", "two", "three"):
            written(disk, name, b"content")
            disk.open(name).append(b"not synced")
        disk.rename("one", "two")
        disk.crash_process(entropy)
        assert disk.used_bytes == sum(disk.open(name).size() for name in disk.list(""))

        disk.crash_host(entropy)

        assert disk.used_bytes == sum(disk.open(name).size() for name in disk.list(""))
