"""What a folder of runs holds, told from JSON files alone, whatever they hold."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from papertrial.store.index import Entry, details, is_entry, scan

METRICS = {
    "train": {"loss": 0.1, "accuracy": 0.9},
    "test": {"loss": 0.2, "accuracy": 0.8, "f1": 0.7, "confusion_matrix": [[1, 0], [0, 1]],
             "auroc": None},
}  # fmt: skip


def made(root: Path, name: str, recipe: str = "digits", **changes: Any) -> Path:
    """Write the folder of a run as `papertrial train` does, as far as it is read."""
    folder = root / recipe / name
    folder.mkdir(parents=True)
    day = name[:8]
    kept = {
        "recipe": recipe,
        "seed": 0,
        "started": f"{day[:4]}-{day[4:6]}-{day[6:]}T10:00:00.000+00:00",
        "state": "finished",
        "ended": "2026-03-01T10:00:09.000+00:00",
        **changes,
    }
    (folder / "provenance.json").write_text(json.dumps(kept))
    (folder / "recipe.yaml").write_text(f"name: {recipe}\n")
    if kept["state"] == "finished":
        claims = [{"metric": "accuracy", "split": "test", "value": 0.8, "ours": 0.8}]
        summary = {"metrics": METRICS, "report": {"optimistic": False}, "claims": claims}
        (folder / "metrics.json").write_text(json.dumps(summary))
    return folder


def verified(root: Path, name: str = "20260201T000000Z-01234567-verify") -> Path:
    """Write the folder of a verification with one seed's run in it."""
    folder = root / "digits" / name
    made(folder / "seeds", "s5", recipe=".", seed=5, started="2026-02-02T00:00:00+00:00")
    (folder / "preregistration.json").write_text("{}")
    verdict = {"metric": "accuracy", "split": "test", "value": 0.8, "verdict": "REPRODUCED",
               "n": 6, "mean": 0.81}  # fmt: skip
    state = {
        "state": "finished", "started": "2026-02-01T00:00:00+00:00", "ended": None,
        "recipe": "digits", "seeds": [5, 6], "preregistration": "ab", "verdict": "REPRODUCED",
        "claims": [verdict],
    }  # fmt: skip
    (folder / "verification.json").write_text(json.dumps(state))
    return folder


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
    assert entry.verdicts[0]["mean"] == 0.81
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


@pytest.mark.skipif(os.name != "posix", reason="processes are not asked for on Windows")
def test_what_is_told_to_run_has_stopped_where_its_process_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, day = platform.node(), "20260101T10000{}Z-01234567-s0"
    lives = made(tmp_path, day.format(1), state="running", pid=os.getpid(), host=here)
    ended = made(tmp_path, day.format(2), state="running", pid=gone(), host=here)
    far = made(tmp_path, day.format(3), state="running", pid=gone(), host=f"not-{here}")
    untold = made(tmp_path, day.format(4), state="running")
    odd = made(tmp_path, day.format(5), state="running", pid=10**30, host=here)
    folder = verified(tmp_path)
    kept = json.loads((folder / "verification.json").read_text())
    kept = {key: kept[key] for key in ("started", "recipe")}
    kept |= {"state": "running", "pid": gone(), "host": here}
    (folder / "verification.json").write_text(json.dumps(kept))
    lines = [{"seed": 5, "state": "finished"}, {"seed": 6, "state": "diverged"}]
    torn = '{"seed": 7, "state": "fini'
    text = "".join(json.dumps(line) + "\n" for line in lines) + torn
    (folder / "outcomes.jsonl").write_text(text)
    entries = {entry.path: entry for entry in scan(tmp_path)}
    states = {path: entry.state for path, entry in entries.items()}
    assert states == {lives: "running", ended: "stopped", far: "running", untold: "running",
                      odd: "running", folder: "stopped"}  # fmt: skip
    assert entries[folder].seeds == (5,)  # those finished so far

    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)  # another user's process
    assert {entry.state for entry in scan(tmp_path)} == {"running"}


def test_deviations_are_part_of_the_verdict(tmp_path: Path) -> None:
    folder = verified(tmp_path)
    kept = json.loads((folder / "verification.json").read_text())
    (folder / "verification.json").write_text(json.dumps({**kept, "deviations": ["no dropout"]}))
    (entry,) = scan(tmp_path)
    assert entry.verdict == "REPRODUCED WITH DEVIATIONS"


DAMAGED = [
    ("provenance.json", None, "provenance.json cannot be read"),
    ("provenance.json", "{", "provenance.json is damaged"),
    ("provenance.json", "[]", "it is no JSON object"),
    ("provenance.json", "[" * 100_000, "provenance.json is damaged"),
    ("provenance.json", "\udce9", "provenance.json is damaged"),
    ("provenance.json", '{"state": ["finished"]}', "its state is ['finished']"),
    ("provenance.json", '{"state": "done"}', "its state is 'done'"),
    ("recipe.yaml", None, "there is no recipe.yaml"),
    ("metrics.json", None, "metrics.json cannot be read"),
    ("metrics.json", '{"metrics": []}', "it has no metrics"),
    ("metrics.json", '{"metrics": {"test": {"loss": NaN}}}', "NaN is no JSON"),
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
    told = details(folder)
    assert told["state"] == "damaged"
    assert (told["claims"], told["report"]) == ([], None)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("verification.json", None, "verification.json cannot be read"),
        ("verification.json", "7", "it is no JSON object"),
        ("preregistration.json", None, "there is no preregistration.json"),
    ],
)
def test_damaged_verifications_are_listed_as_such(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = verified(tmp_path)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    (entry,) = scan(tmp_path)
    assert (entry.kind, entry.state) == ("verification", "damaged")
    assert message in entry.error


def test_odd_values_are_left_out(tmp_path: Path) -> None:
    folder = made(tmp_path, "20260101T100000Z-01234567-s0", seed="0", started=5)
    metrics = {"metrics": {"test": {"loss": True, "f1": "a", "mae": 2, "mse": 1e308}, "train": 3}}
    (folder / "metrics.json").write_text(json.dumps(metrics).replace("1e+308", "1e999"))
    (entry,) = scan(tmp_path)
    assert (entry.state, entry.seeds) == ("finished", ())
    assert entry.metrics == {"test": {"mae": 2}}
    assert entry.headline == ("test", "mae")
    assert entry.started == datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.UTC)


def test_other_folders_and_files_are_left_alone(tmp_path: Path) -> None:
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


def test_headlines_are_accuracy_or_rmse_or_what_there_is() -> None:
    def of(**metrics: dict[str, float]) -> tuple[str, str] | None:
        return Entry(Path(), "run", "r", metrics=metrics).headline

    assert of(test={"loss": 1, "mse": 1, "rmse": 1}) == ("test", "rmse")
    assert of(train={"accuracy": 1}, validation={"loss": 1, "f1": 1}) == ("validation", "f1")
    assert of(train={"loss": 1}) == ("train", "loss")
    assert of() is None


def test_entries_are_plain_json(tmp_path: Path) -> None:
    made(tmp_path, "20260101T100000Z-01234567-s0")
    verified(tmp_path)
    for entry in scan(tmp_path):
        told = entry.to_json()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        assert list(told) == ["path", "kind", "recipe", "seeds", "state", "started", "ended",
                              "metrics", "verdict", "verdicts", "error"]  # fmt: skip


def test_details_tell_all_of_a_run_and_of_a_verification(tmp_path: Path) -> None:
    run = made(tmp_path, "20260101T100000Z-01234567-s0", threads=2)
    told = details(run)
    assert told["claims"] == [{"metric": "accuracy", "split": "test", "value": 0.8, "ours": 0.8}]
    assert told["report"] == {"optimistic": False}
    assert told["provenance"]["threads"] == 2
    assert [file["name"] for file in told["files"]] == [
        "metrics.json", "provenance.json", "recipe.yaml",
    ]  # fmt: skip
    assert told["files"][2]["bytes"] == len("name: digits\n")
    told = details(verified(tmp_path))
    assert told["verdicts"][0]["verdict"] == "REPRODUCED"
    assert told["provenance"] == {
        "started": "2026-02-01T00:00:00+00:00", "ended": None, "preregistration": "ab",
    }  # fmt: skip
    assert "seeds/s5/metrics.json" in [file["name"] for file in told["files"]]
