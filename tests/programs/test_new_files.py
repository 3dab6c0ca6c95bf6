"""Files that were written since a moment."""

from __future__ import annotations

import os
from pathlib import Path

from papertrial.programs.new_files import moment, new_files


def test_only_what_was_written_since(tmp_path: Path) -> None:
    for name in (
        "old.txt",
        "changed.txt",
        ".git/index",
        ".ruff_cache/x",
        "inner/new.txt",
        "skipped/new.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    since = moment(tmp_path)
    for path in tmp_path.rglob("*.txt"):
        os.utime(path, ns=(since - 1, since - 1))
    for name in ("changed.txt", ".git/index", ".ruff_cache/x", "inner/new.txt", "skipped/new.txt"):
        (tmp_path / name).write_text("four")
    (tmp_path / "link").symlink_to("old.txt")
    found = new_files(tmp_path, since, [tmp_path / "skipped"])
    assert found.files == ("changed.txt", "inner/new.txt", "link")
    assert found.bytes == 4 + 4 + len("old.txt")
    assert found.complete
    assert not (tmp_path / ".moment").exists()


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert new_files(tmp_path / "nowhere", 0).files == ()
