"""Recorded reads: the user's own files, read by this thread, with their content."""

from __future__ import annotations

import hashlib
import linecache
import os
import threading
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from papertrial.recipe.reads import MOST, Read, note_reads, watch_reads, watched


def paths(reads: list[Read]) -> list[str]:
    return [read.path.name for read in reads]


def test_what_is_opened_for_reading_is_seen_with_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("before", "a.txt", "b.pt", "c.txt", "after"):
        (tmp_path / name).write_text(name)
    torch.save(torch.ones(2), tmp_path / "b.pt")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before").read_text()
    with watch_reads() as read:
        (tmp_path / "a.txt").read_text()
        torch.load("b.pt")
        os.close(os.open("c.txt", os.O_RDONLY))
        (tmp_path / "a.txt").read_text()
        (tmp_path / "written").write_text("x")
    (tmp_path / "after").read_text()
    assert paths(read) == ["a.txt", "b.pt", "c.txt"]
    assert [one.given for one in read] == [str(tmp_path / "a.txt"), "b.pt", "c.txt"]
    assert read[0].content.sha256 == hashlib.sha256(b"a.txt").hexdigest()
    assert read[0].content.bytes == 5


def test_packages_the_system_and_other_threads_are_not_seen(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    thread = threading.Thread(target=(tmp_path / "theirs").read_text)
    with watch_reads() as read:
        Path(torch.__file__).read_bytes()
        Path(os.__file__).read_bytes()
        Path("/proc/self/status").read_bytes()
        with pytest.raises(FileNotFoundError):
            (tmp_path / "absent").read_text()
        thread.start()
        thread.join()
    assert read == []


def test_source_lines_for_messages_are_not_seen(tmp_path: Path) -> None:
    for name in ("warned.py", "read.py"):
        (tmp_path / name).write_text("a = 1")
    with watch_reads() as read:
        assert linecache.getline(str(tmp_path / "warned.py"), 1) == "a = 1\n"
        with tokenize.open(tmp_path / "read.py") as file:
            assert file.read() == "a = 1"
    assert paths(read) == ["read.py"]


def test_a_read_in_a_nested_watch_is_recorded_by_both(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    with watch_reads() as outer:
        (tmp_path / "a").read_text()
        with watch_reads() as inner:
            (tmp_path / "b").read_text()
        (tmp_path / "c").read_text()
    assert paths(inner) == ["b"]
    assert sorted(paths(outer)) == ["a", "b", "c"]
    with watch_reads() as later:
        note_reads(inner)
    assert later == inner


def test_a_generator_is_watched_and_its_consumer_is_not(tmp_path: Path) -> None:
    for name in ("first", "last", "theirs"):
        (tmp_path / name).write_text(name)
    closed = []

    def steps() -> Iterator[int]:
        try:
            (tmp_path / "first").read_text()
            yield 1
            (tmp_path / "first").read_text()
            (tmp_path / "last").read_text()
            return "done"
        finally:
            closed.append(True)

    found: list[Read] = []
    events = watched(steps(), found)  # type: ignore[arg-type]
    assert next(events) == 1
    (tmp_path / "theirs").read_text()
    with pytest.raises(StopIteration) as end:
        next(events)
    assert end.value.value == "done"
    assert paths(found) == ["first", "last"]
    events = watched(steps(), [])  # type: ignore[arg-type]
    next(events)
    events.close()
    assert closed == [True, True]


def test_of_many_files_the_first_are_kept(tmp_path: Path) -> None:
    for i in range(MOST + 5):
        (tmp_path / str(i)).write_text("x")
    with watch_reads() as read:
        for i in range(MOST + 5):
            (tmp_path / str(i)).read_text()
    assert paths(read) == [str(i) for i in range(MOST)]


def test_files_of_a_data_set_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for i in range(MOST + 5):
        (tmp_path / "data" / str(i)).write_text("x")
    (tmp_path / "weights").write_text("x")

    def steps() -> Iterator[int]:
        for i in range(MOST + 5):
            (tmp_path / "link" / str(i)).read_text()
        (tmp_path / "weights").read_text()
        yield 1

    found: list[Read] = []
    assert list(watched(steps(), found, [tmp_path / "link"])) == [1]  # type: ignore[arg-type]
    assert paths(found) == ["weights"]
