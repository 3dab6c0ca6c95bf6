"""Reading what a run stored."""

from __future__ import annotations

import pytest
import safetensors.torch

import papertrial as pt
from papertrial.errors import RunError
from papertrial.report.run_report import run_report


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("predictions/test.safetensors", b"no", "predictions/test.safetensors is damaged"),
        ("predictions/test.safetensors", None, "has no readable predictions/test.safetensors"),
        ("preprocess.json", b"{", "preprocess.json is damaged"),
        ("preprocess.json", b"{}", "preprocess.json is damaged"),
        ("metrics.jsonl", b"[1]\n", "line 1 is damaged"),
    ],
)
def test_a_damaged_run_has_no_report(
    copy: pt.Run, file: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (copy.path / file).unlink()
    else:
        (copy.path / file).write_bytes(content)
    with pytest.raises(RunError, match=message):
        run_report(copy)


def test_predictions_of_other_lengths_are_refused(copy: pt.Run) -> None:
    file = copy.path / "predictions" / "test.safetensors"
    kept = safetensors.torch.load_file(file)
    safetensors.torch.save_file({**kept, "ids": kept["ids"][1:].contiguous()}, file)
    with pytest.raises(RunError, match=r"test\.safetensors is damaged.*targets and ids"):
        run_report(copy)
