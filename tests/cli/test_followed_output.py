from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from papertrial.cli.followed_output import FollowedOutput

Invoke = Callable[..., Result]


def output(folder: Path, attempt: str = "s3") -> Path:
    path = folder / "seeds" / attempt / "stdout.txt"
    path.parent.mkdir(parents=True)
    return path


def test_lines_are_shown_once_and_whole(tmp_path: Path) -> None:
    followed, path = FollowedOutput(3), output(tmp_path)
    path.write_bytes(b"one\ntw")
    assert list(followed.new_lines(tmp_path)) == ["one"]
    path.write_bytes(b"one\ntwo\r50 %\rthree")
    assert list(followed.new_lines(tmp_path)) == ["two", "50 %"]
    assert list(followed.new_lines(tmp_path)) == []
    assert list(followed.new_lines(tmp_path, ended=True)) == ["three"]


def test_only_the_followed_seed_counts_and_its_newest_attempt(tmp_path: Path) -> None:
    followed = FollowedOutput(3)
    output(tmp_path, "s31").write_bytes(b"another seed\n")
    assert list(followed.new_lines(tmp_path)) == []
    first = output(tmp_path, "s3")
    first.write_bytes(b"first\n")
    assert list(followed.new_lines(tmp_path)) == ["first"]
    second = output(tmp_path, "s3-2")
    second.write_bytes(b"second\n")
    os.utime(first, ns=(0, 0))
    assert list(followed.new_lines(tmp_path)) == ["second"]


def test_output_that_is_too_fast_is_shown_with_a_gap(tmp_path: Path) -> None:
    followed, path = FollowedOutput(3), output(tmp_path)
    path.write_bytes(b"x\n" * 600_000)
    lines = list(followed.new_lines(tmp_path))
    assert len(lines) == 1001
    assert str(path) in lines[-1]
    with path.open("ab") as file:
        file.write(b"last\n")
    assert list(followed.new_lines(tmp_path)) == ["last"]


def test_a_seed_that_is_not_in_the_verification_cannot_be_followed(
    invoke: Invoke, tmp_path: Path
) -> None:
    words = ("verify", "shell-script", "--seeds", "3,4,5,6,7", "--follow", "2")
    done = invoke(*words, cwd=tmp_path)
    assert done.exit_code == 2
    assert "--follow 2" in done.stderr
    assert "3 to 7" in done.stderr
    assert not (tmp_path / "runs").exists()
