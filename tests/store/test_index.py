"""The index of a folder of runs, read from JSON files only, whatever they contain."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from papertrial.record import Record
from papertrial.store.index import IndexEntry, details, is_entry, scan
from papertrial.store.run_records import (
    ClaimBesideRun,
    Environment,
    Provenance,
    ReportedStep,
    RunSummary,
    Seconds,
)
from papertrial.store.verification_records import ClaimLine, SeedRecord, VerificationState

METRICS: dict[str, Any] = {
    "train": {"loss": 0.1, "accuracy": 0.9},
    "test": {"loss": 0.2, "accuracy": 0.8, "f1": 0.7, "confusion_matrix": [[1, 0], [0, 1]],
             "auroc": None, "f1_per_class": {"a": 0.5}},
}  # fmt: skip
CLAIM = ClaimBesideRun(
    metric="accuracy", split="test", kind="mean", side="about", value=0.8, printed=None, runs=None,
    best_epoch_on_test=False, ours=0.8, not_judged=None,
)  # fmt: skip
VERDICT = ClaimLine(
    metric="accuracy", split="test", kind="mean", value=0.8, tolerance=0.02, n=6, mean=0.81,
    sd=0.01, low=0.79, high=0.82, holds_within=0.02, verdict="REPRODUCED", why="it holds",
    verdict_median=None, decided_at=6,
)  # fmt: skip
STEP = ReportedStep(
    rule="last", step=5, epoch=1, last_step=5, last_epoch=1, last_metrics=None, planned_steps=5,
    test_evaluations=0, optimistic=False,
)  # fmt: skip


def changed(record: Record, **changes: Any) -> Record:
    return type(record).model_validate({**dict(record), **changes})


def write(folder: Path, name: str, record: Record) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(record.to_json())


def made(
    root: Path, name: str, recipe: str = "digits", *, pid: int = 1, host: str = "", **changes: Any
) -> Path:
    """Write the folder of a run as `papertrial train` does, as far as it is read."""
    folder, day = root / recipe / name, name[:8]
    there = Environment(
        device="cpu", device_name=None, cpu_capability=None, threads=2, versions={}, platform="",
        machine="", host=host, pid=pid, cpus=2, command="", folder="", git=None,
    )  # fmt: skip
    kept = Provenance(
        recipe=recipe, seed=0, recipe_hash="ab", training_hash="cd", data={}, environment=there,
        started=f"{day[:4]}-{day[4:6]}-{day[6:]}T10:00:00.000+00:00", state="finished",
        ended="2026-03-01T10:00:09.000+00:00",
    )  # fmt: skip
    kept = changed(kept, **changes)
    write(folder, "provenance.json", kept)
    (folder / "recipe.yaml").write_text(f"name: {recipe}\n")
    if kept.state == "finished":
        summary = RunSummary(
            recipe=recipe, seed=0, device="cpu", classes=("a", "b"), metrics=METRICS, report=STEP,
            claims=(CLAIM,), epoch_seconds=(1.0,),
            seconds=Seconds(data=0.1, train=1.0, evaluate=0.1, total=1.2),
        )  # fmt: skip
        write(folder, "metrics.json", summary)
    return folder


STATE = VerificationState(
    state="finished", recipe="digits", started="2026-02-01T00:00:00+00:00", preregistration="ab",
    commands=("papertrial verify digits",), workers=1, pid=1, host="", seeds=(5, 6),
    verdict="REPRODUCED", claims=(VERDICT,),
)  # fmt: skip


def verified(root: Path, name: str = "20260201T000000Z-01234567-verify", **changes: Any) -> Path:
    """Write the folder of a verification with one seed's run in it."""
    folder = root / "digits" / name
    made(folder / "seeds", "s5", recipe=".", seed=5, started="2026-02-02T00:00:00+00:00")
    (folder / "preregistration.json").write_text("{}")
    write(folder, "verification.json", changed(STATE, **changes))
    return folder


def ended(folder: Path, records: Sequence[SeedRecord], rest: str = "") -> None:
    """Write the lines of outcomes.jsonl."""
    lines = [record.to_json(indent=None) + "\n" for record in records]
    (folder / "outcomes.jsonl").write_text("".join(lines) + rest)


def test_runs_are_listed_the_newest_first_with_their_numbers(tmp_path: Path) -> None:
    old = made(tmp_path, "20260101T100000Z-01234567-s0")
    new = made(tmp_path, "20260301T100000Z-01234567-s7", seed=7)
    other = made(tmp_path, "20260201T100000Z-89abcdef-s0", recipe="films")
    entries = scan(tmp_path)
    assert [entry.path for entry in entries] == [new, other, old]
    assert [(e.kind, e.recipe, e.seeds, e.state) for e in entries] == [
        ("run", "digits", (7,), "finished"),
        ("run", "films", (0,), "finished"),
        ("run", "digits", (0,), "finished"),
    ]
    assert entries[0].metrics == {
        "train": {"loss": 0.1, "accuracy": 0.9},
        "test": {"loss": 0.2, "accuracy": 0.8, "f1": 0.7},
    }
    assert entries[0].headline == ("test", "accuracy")
    assert entries[0].number("f1") == ("test", 0.7)
    assert entries[0].number("auroc") is None
    started = datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.UTC)
    assert (entries[0].started, entries[0].error) == (started, "")
    assert scan(tmp_path / "films") == [entries[1]]  # a recipe's own folder


@pytest.mark.parametrize("state", ["running", "failed", "interrupted"])
def test_runs_that_did_not_finish_are_listed_without_numbers(tmp_path: Path, state: str) -> None:
    error = "" if state == "running" else "the loss is nan"
    made(tmp_path, "20260101T100000Z-01234567-s0", state=state, error=error)
    (entry,) = scan(tmp_path)
    assert (entry.state, entry.error, entry.metrics) == (state, error, {})
    assert entry.headline is None


def test_a_verification_is_one_entry_and_its_runs_are_inside(tmp_path: Path) -> None:
    folder = verified(tmp_path)
    (entry,) = scan(tmp_path)
    assert (entry.path, entry.kind, entry.seeds) == (folder, "verification", (5, 6))
    assert (entry.state, entry.verdict) == ("finished", "REPRODUCED")
    assert entry.verdicts == (VERDICT,)
    assert entry.has("accuracy")
    assert not entry.has("f1")
    inner, outer = scan(tmp_path, inside=True)
    assert (inner.path, inner.kind, inner.seeds) == (folder / "seeds" / "s5", "run", (5,))
    assert outer == entry


def gone() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.skipif(os.name != "posix", reason="processes cannot be looked up on Windows")
def test_a_running_folder_has_stopped_if_its_process_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, day = platform.node(), "20260101T10000{}Z-01234567-s0"
    lives = made(tmp_path, day.format(1), state="running", pid=os.getpid(), host=here)
    stopped = made(tmp_path, day.format(2), state="running", pid=gone(), host=here)
    far = made(tmp_path, day.format(3), state="running", pid=gone(), host=f"not-{here}")
    odd = made(tmp_path, day.format(4), state="running", pid=10**18, host=here)
    folder = verified(
        tmp_path, state="running", pid=gone(), host=here, seeds=None, verdict=None, claims=None
    )
    ended(
        folder,
        [
            SeedRecord(
                seed=5, state="finished", weights="0", runs=("seeds/s5",), versions={"torch": "2"}
            ),
            SeedRecord(seed=6, state="diverged"),
        ],
        '{"format": 1, "seed": 7, "state": "fini',
    )
    entries = {entry.path: entry for entry in scan(tmp_path)}
    states = {path: entry.state for path, entry in entries.items()}
    assert states == {lives: "running", stopped: "stopped", far: "running", odd: "running",
                      folder: "stopped"}  # fmt: skip
    assert entries[folder].seeds == (5,)  # those finished so far

    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)  # another user's process
    assert {entry.state for entry in scan(tmp_path)} == {"running"}


def test_deviations_are_part_of_the_verdict(tmp_path: Path) -> None:
    verified(tmp_path, deviations=("no dropout",))
    (entry,) = scan(tmp_path)
    assert entry.verdict == "REPRODUCED WITH DEVIATIONS"


def newer(record: type[Record]) -> str:
    return json.dumps({"format": record.FORMAT + 1})


DAMAGED = [
    ("provenance.json", None, "provenance.json cannot be read"),
    ("provenance.json", "{", "provenance.json is damaged"),
    ("provenance.json", "[]", "it is not a JSON object"),
    ("provenance.json", "{}", "provenance.json is damaged or of an older papertrial"),
    ("provenance.json", "[" * 100_000, "provenance.json is damaged"),
    ("provenance.json", "\udce9", "provenance.json is damaged"),
    ("provenance.json", '{"format": 1, "state": "done"}', "provenance.json is damaged"),
    ("provenance.json", newer(Provenance), "newer version"),
    ("recipe.yaml", None, "recipe.yaml is missing"),
    ("metrics.json", None, "metrics.json cannot be read"),
    ("metrics.json", '{"format": 1, "metrics": []}', "metrics.json is damaged"),
    ("metrics.json", '{"format": 1, "metrics": {"test": {"loss": NaN}}}', "metrics.json is"),
    ("metrics.json", newer(RunSummary), "newer version"),
]


@pytest.mark.parametrize(("file", "content", "message"), DAMAGED)
def test_damaged_folders_are_listed_as_such(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = made(tmp_path, "20260101T100000Z-01234567-s0")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content.encode(errors="surrogateescape"))
    (entry,) = scan(tmp_path)
    assert (entry.path, entry.recipe, entry.state) == (folder, "digits", "damaged")
    assert message in entry.error
    assert entry.started == datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.UTC)  # by its name
    found = details(folder)
    assert (found.state, found.claims, found.report) == ("damaged", (), None)
    assert (found.provenance is None) == (file == "provenance.json")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("verification.json", None, "verification.json cannot be read"),
        ("verification.json", "7", "it is not a JSON object"),
        ("verification.json", newer(VerificationState), "newer version"),
        ("preregistration.json", None, "preregistration.json is missing"),
        ("outcomes.jsonl", '{"format": 1}\n', "outcomes.jsonl line 1 is damaged"),
        ("outcomes.jsonl", f"{newer(SeedRecord)}\n", "outcomes.jsonl line 1 has format"),
    ],
)
def test_damaged_verifications_are_listed_as_such(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = verified(tmp_path, state="interrupted", seeds=None)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    (entry,) = scan(tmp_path)
    assert (entry.kind, entry.state) == ("verification", "damaged")
    assert message in entry.error


def test_a_time_that_cannot_be_read_is_that_of_the_name(tmp_path: Path) -> None:
    made(tmp_path, "20260101T100000Z-01234567-s0", started="at ten", ended="later")
    (entry,) = scan(tmp_path)
    assert entry.started == datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.UTC)
    assert (entry.state, entry.ended) == ("finished", None)


def test_other_folders_and_files_are_ignored(tmp_path: Path) -> None:
    assert scan(tmp_path / "nowhere") == []
    (tmp_path / "notes" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "notes" / "a.txt").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path)
    made(tmp_path / "notes" / "deep", "20260101T100000Z-01234567-s0")
    assert scan(tmp_path) == []
    (tmp_path / "digits" / "20260101T100000Z-01234567-s0").mkdir(parents=True)
    (entry,) = scan(tmp_path)  # made by a training that ended before it wrote anything
    assert entry.state == "damaged"
    assert is_entry(entry.path)
    assert not is_entry(tmp_path / "notes")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf_8_are_listed(tmp_path: Path) -> None:
    recipe = os.fsdecode(b"r\xff")
    (tmp_path / recipe / "20260101T100000Z-01234567-s0").mkdir(parents=True)
    (tmp_path / recipe / "20260101T100000Z-01234567-s0" / os.fsdecode(b"\xfe")).touch()
    (entry,) = scan(tmp_path)
    assert (entry.state, entry.recipe) == ("damaged", "r\ufffd")
    assert "\ufffd" in entry.to_plain()["path"]
    assert [file.name for file in details(entry.path).files] == ["\ufffd"]


def test_headlines_are_accuracy_or_rmse_or_another_metric() -> None:
    def of(**metrics: dict[str, float]) -> tuple[str, str] | None:
        return IndexEntry(path=Path(), kind="run", recipe="r", metrics=metrics).headline

    assert of(test={"loss": 1, "mse": 1, "rmse": 1}) == ("test", "rmse")
    assert of(train={"accuracy": 1}, validation={"loss": 1, "f1": 1}) == ("validation", "f1")
    assert of(train={"loss": 1}) == ("train", "loss")
    assert of() is None


def test_entries_are_plain_json(tmp_path: Path) -> None:
    made(tmp_path, "20260101T100000Z-01234567-s0")
    verified(tmp_path)
    verification, run = (entry.to_plain() for entry in scan(tmp_path))
    for plain in (verification, run):
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert list(plain) == ["path", "kind", "recipe", "seeds", "state", "started", "ended",
                               "metrics", "verdict", "verdicts", "error"]  # fmt: skip
    assert run["started"] == "2026-01-01T10:00:00+00:00"
    assert (verification["seeds"], verification["ended"]) == ([5, 6], None)
    assert verification["verdicts"][0]["mean"] == 0.81


def test_details_have_all_of_a_run_and_of_a_verification(tmp_path: Path) -> None:
    run = made(tmp_path, "20260101T100000Z-01234567-s0")
    found = details(run)
    assert (found.claims, found.report) == ((CLAIM,), STEP)
    plain = found.to_plain()
    assert plain["claims"][0]["ours"] == 0.8
    assert plain["report"]["optimistic"] is False
    assert plain["provenance"]["environment"]["threads"] == 2
    assert plain["provenance"]["seed"] == 0
    assert not {"recipe", "state", "error"} & set(plain["provenance"])
    assert [file["name"] for file in plain["files"]] == [
        "metrics.json", "provenance.json", "recipe.yaml",
    ]  # fmt: skip
    assert plain["files"][2]["bytes"] == len("name: digits\n")
    found = details(verified(tmp_path))
    assert found.verdicts == (VERDICT,)
    assert found.to_plain()["provenance"] == {
        "started": "2026-02-01T00:00:00+00:00", "preregistration": "ab",
        "commands": ["papertrial verify digits"], "workers": 1, "pid": 1, "host": "",
        "ended": None, "deviations": [], "earlier": [], "headline": None,
    }  # fmt: skip
    assert "seeds/s5/metrics.json" in [file.name for file in found.files]
