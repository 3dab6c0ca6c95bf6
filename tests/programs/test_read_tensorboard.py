"""Scores in TensorBoard's event files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from papertrial.errors import PapertrialError, ProgramFailedError
from papertrial.programs import read_tensorboard
from papertrial.programs.read_scores import check_source, read_score
from papertrial.programs.read_tensorboard import shortest
from papertrial.programs.spec import TensorboardScore, Which


def write_events(folder: Path, *scalars: tuple[str, int, float]) -> None:
    writer = EventFileWriter(str(folder))
    for tag, step, value in scalars:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.add_event(Event(summary=summary, step=step, wall_time=1.0))
    writer.close()


def test_tensorboard_scalars(tmp_path: Path) -> None:
    write_events(tmp_path / "tb" / "a", ("f1", 1, 93.1), ("loss", 1, 2), ("f1", 2, 93.2))
    source = TensorboardScore("tb", "f1", unit="percent", which=Which("last"))
    score = read_score(source, tmp_path, tmp_path / "tb")
    assert score.curve == ((1, 0.931), (2, 0.932))  # as the program had them, not in float32
    assert (score.value, score.source) == (0.932, "tb")
    with pytest.raises(ProgramFailedError, match='did you mean "loss"'):
        read_score(TensorboardScore("tb", "los"), tmp_path, tmp_path / "tb")
    write_events(tmp_path / "tb" / "b", ("f1", 1, 0.5))
    with pytest.raises(ProgramFailedError, match="two folders"):
        read_score(source, tmp_path, tmp_path / "tb")


@pytest.mark.parametrize("text", ["0.932", "93.2", "1e-07", "3.28", "16777216", "-0.1", "nan"])
def test_single_precision_gives_the_shortest_decimal(text: str) -> None:
    stored = struct.unpack("<f", struct.pack("<f", float(text)))[0]
    assert str(float(shortest(stored))) == str(float(text))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    check_source(TensorboardScore("tb", "f1"))
    monkeypatch.setattr(read_tensorboard.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PapertrialError, match=r"pip install 'papertrial\[tensorboard\]'"):
        check_source(TensorboardScore("tb", "f1"))
