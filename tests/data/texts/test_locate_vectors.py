"""Word vectors by name or by path."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.texts.locate_vectors import NAMED, find_vectors


def touched(path: Path) -> Path:
    path.touch()
    return path


def test_named_vectors_are_found_unpacked_or_packed(tmp_path: Path) -> None:
    assert find_vectors("glove.6B.100d", tmp_path) is None
    assert find_vectors(str(tmp_path / "no.txt"), tmp_path) is None
    archive = touched(tmp_path / "glove.6B.zip")
    assert find_vectors("glove.6B.100d", tmp_path) == (archive, "glove.6B.100d.txt")
    unpacked = touched(tmp_path / "glove.6B.100d.txt")
    assert find_vectors("glove.6B.100d", tmp_path) == (unpacked, None)
    assert find_vectors(str(unpacked), tmp_path / "elsewhere") == (unpacked, None)
    assert set(NAMED) == {f"glove.6B.{size}d" for size in (50, 100, 200, 300)}
