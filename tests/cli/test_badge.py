"""`papertrial badge`: what it writes, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import papertrial as pt

Invoke = Callable[..., Result]


def test_it_prints_or_writes_the_badge(invoke: Invoke, verified: Path, tmp_path: Path) -> None:
    printed = invoke("badge", verified)
    assert printed.exit_code == 0, printed.stderr
    done = invoke("badge", verified, "-o", "a/b.svg", "--endpoint", "b.json", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert (tmp_path / "a" / "b.svg").read_text() == printed.stdout
    verdict = pt.load_verification(verified).verdict
    assert f"<title>papertrial: {verdict}</title>" in printed.stdout
    assert json.loads((tmp_path / "b.json").read_text())["message"] == verdict
    alone = invoke("badge", verified, "--endpoint", "c.json", "--label", "mine", cwd=tmp_path)
    assert alone.stdout == ""
    assert json.loads((tmp_path / "c.json").read_text())["label"] == "mine"


@pytest.mark.parametrize("words", [["."], ["VERIFIED", "-o", "file/b.svg"]])
def test_what_it_cannot_read_or_write_is_one_message(
    invoke: Invoke, verified: Path, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    words = [str(verified) if word == "VERIFIED" else word for word in words]
    done = invoke("badge", *words, cwd=tmp_path)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
