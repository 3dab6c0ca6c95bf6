"""Run folders: made once, files whole or not at all, read back, errors with a clear message."""

from __future__ import annotations

import json
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import RunError
from papertrial.store.provenance import environment
from papertrial.store.run_folder import PROVENANCE, RECIPE, RECORDS, RunFolder, check_writable
from papertrial.store.run_records import EvaluationLine, Provenance, SplitData, StepLine

ADVICE = "; choose another folder with --runs DIR, or free space"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "linear", "0123456789abcdef", 7)


STEP = StepLine(
    epoch=0, step=1, loss=0.5, headline="rmse", score=None, lr=0.1, samples_per_second=2.0
)
GOOD = STEP.to_json(indent=None).encode()
PROVENANCE_MADE = Provenance(
    recipe="linear",
    seed=7,
    recipe_hash="0" * 64,
    training_hash="1" * 64,
    data={"train": SplitData(rows=3, fingerprint="2" * 64)},
    environment=environment("cpu", device_name=None, cpu_capability="AVX2", threads=1),
    started="2026-11-20T16:55:03.000+00:00",
    state="finished",
)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Make every write beyond `size` bytes fail, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def finish(run: RunFolder, state: Any = "finished") -> None:
    run.write(RECIPE, "name: linear\n")
    plain = {"format": 1, **PROVENANCE_MADE.to_plain(), "state": state}
    run.write(PROVENANCE, json.dumps(plain))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_is_named_by_recipe_time_hash_and_seed(run: RunFolder, tmp_path: Path) -> None:
    assert run.path.is_dir()
    assert run.path.parent == tmp_path / "runs" / "linear"
    assert re.fullmatch(r"\d{8}T\d{6}Z-01234567-s7", run.path.name)


def test_runs_of_one_recipe_and_seed_in_one_second_have_folders_of_their_own(
    tmp_path: Path,
) -> None:
    runs = [RunFolder.create(tmp_path, "linear", "0" * 64, 0) for _ in range(12)]
    assert len({run.path for run in runs}) == 12
    assert {re.sub(r"^\d{8}T\d{6}Z-0{8}-s0", "", run.path.name) for run in runs} >= {"", "-2"}


@pytest.mark.parametrize("blocked", ["runs", "runs/linear"])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path, blocked: str) -> None:
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("")
    with pytest.raises(RunError) as caught:
        RunFolder.create(tmp_path / "runs", "linear", "0" * 64, 0)
    assert str(caught.value).startswith(f"cannot write {tmp_path}/runs/linear/")
    assert str(caught.value).endswith(f": Not a directory{ADVICE}")


def test_create_makes_nothing_where_nothing_can_be_made() -> None:
    with pytest.raises(RunError, match=r"cannot write /proc/papertrial/linear/.*--runs DIR"):
        RunFolder.create(Path("/proc/papertrial"), "linear", "0" * 64, 0)


def test_check_writable_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file", "File exists"),
        ("file/runs", "Not a directory"),
        ("dangling", "File exists"),
        ("x" * 300, "File name too long"),
    ],
)
def test_check_writable_tells_before_anything_is_trained(
    tmp_path: Path, place: str, why: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError) as caught:
        check_writable(tmp_path / place)
    assert str(caught.value) == f"cannot write {tmp_path / place}: {why}{ADVICE}"


@pytest.mark.parametrize("place", ["/proc", "/proc/papertrial/runs"])
def test_check_writable_tries_a_file(place: str) -> None:
    with pytest.raises(RunError, match=f"cannot write {place}: .*--runs DIR"):
        check_writable(Path(place))


def test_a_file_is_written_with_its_folders_and_read_back(run: RunFolder) -> None:
    run.write("code/net.py", b"\x00\xff")
    run.write("recipe.yaml", "é\n")
    assert contents(run.path) == {"code/net.py": b"\x00\xff", "recipe.yaml": "é\n".encode()}
    assert run.read("code/net.py") == b"\x00\xff"


def test_a_file_is_replaced_and_never_changed_in_place(run: RunFolder) -> None:
    run.write("metrics.json", "old")
    os.link(run.path / "metrics.json", run.path / "link")
    with (run.path / "metrics.json").open("rb") as reader:
        run.write("metrics.json", "new and longer")
        assert reader.read() == b"old"
    assert contents(run.path) == {"metrics.json": b"new and longer", "link": b"old"}


@pytest.mark.parametrize("before", [{}, {"model.safetensors": b"old"}])
def test_a_write_that_fails_half_way_leaves_what_was_there(
    run: RunFolder, before: dict[str, bytes]
) -> None:
    for name, content in before.items():
        run.write(name, content)
    with largest_file(4096), pytest.raises(RunError) as caught:
        run.write("model.safetensors", b"x" * 10_000)
    assert str(caught.value) == (
        f"cannot write {run.path}/model.safetensors: File too large{ADVICE}"
    )
    assert contents(run.path) == before


@pytest.mark.parametrize(("name", "why"), [("code", "Is a directory"), ("code/a/b", "File exists")])
def test_a_write_in_the_place_of_something_else_is_told(
    run: RunFolder, name: str, why: str
) -> None:
    run.write("code/a", "a")
    with pytest.raises(RunError) as caught:
        run.write(name, "b")
    assert str(caught.value) == f"cannot write {run.path / name}: {why}{ADVICE}"
    assert contents(run.path) == {"code/a": b"a"}


def test_a_record_is_written_whole_and_read_back(run: RunFolder) -> None:
    run.write_record(PROVENANCE, PROVENANCE_MADE)
    assert run.provenance == PROVENANCE_MADE
    assert run.read(PROVENANCE).endswith(b"}\n")
    assert json.loads(run.read(PROVENANCE))["format"] == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_json_lacks_is_refused_and_nothing_is_written(run: RunFolder, number: float) -> None:
    run.append_record(RECORDS, STEP)
    before = contents(run.path)
    with pytest.raises(ValueError, match="JSON"):  # a copy is not validated
        run.append_record(RECORDS, STEP.model_copy(update={"loss": number}))
    with pytest.raises(ValueError, match="JSON"):
        run.write_record("metrics.json", STEP.model_copy(update={"loss": number}))
    assert contents(run.path) == before


def test_what_cannot_be_read_is_told(run: RunFolder) -> None:
    (run.path / "code").mkdir()
    for name, why in [
        ("model.safetensors", "No such file or directory"),
        ("code", "Is a directory"),
    ]:
        with pytest.raises(RunError) as caught:
            run.read(name)
        assert str(caught.value) == f"the run {run.path} has no readable {name}: {why}"


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe\xff", b"{'a': 1}"])
def test_damaged_json_is_refused_by_name(run: RunFolder, content: bytes) -> None:
    run.write("metrics.json", content)
    with pytest.raises(RunError, match=f"^{run.path}/metrics.json is damaged: "):
        run.summary  # noqa: B018


def test_a_finished_run_opens(run: RunFolder) -> None:
    finish(run)
    assert RunFolder.open(run.path).path == run.path


@pytest.mark.parametrize("state", ["running", "failed", "interrupted"])
def test_a_run_that_did_not_finish_does_not_open(run: RunFolder, state: Any) -> None:
    finish(run, state)
    with pytest.raises(RunError) as caught:
        RunFolder.open(run.path)
    assert (
        str(caught.value)
        == f"the run {run.path} did not finish: its state is {state!r}; train again"
    )


@pytest.mark.parametrize("content", ["[]", "null", "3", '"finished"', "", "{"])
def test_a_damaged_provenance_does_not_open(run: RunFolder, content: str) -> None:
    finish(run)
    run.write(PROVENANCE, content)
    with pytest.raises(RunError, match=r"provenance\.json is damaged"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("name", ["nowhere", "file", "x" * 300])
def test_what_is_no_folder_does_not_open(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        RunFolder.open(tmp_path / name)
    assert str(caught.value).startswith(f"there is no run folder {tmp_path / name}; ")


@pytest.mark.parametrize("missing", [PROVENANCE, RECIPE])
def test_a_folder_without_a_run_does_not_open(run: RunFolder, missing: str) -> None:
    finish(run)
    (run.path / missing).unlink()
    with pytest.raises(RunError) as caught:
        RunFolder.open(run.path)
    assert str(caught.value).startswith(f"{run.path} is not a run folder: ")


def test_the_folder_above_runs_names_the_latest_of_them(tmp_path: Path) -> None:
    for name in ("20260101T000000Z-a-s0", "20260301T000000Z-a-s0", "20260201T000000Z-a-s0"):
        (tmp_path / name).mkdir()
        finish(RunFolder(tmp_path / name))
    with pytest.raises(RunError, match=f"did you mean {tmp_path}/20260301T000000Z-a-s0\\?$"):
        RunFolder.open(tmp_path)


LINES = [
    STEP,
    EvaluationLine(split="é\u2028\n", step=2, metrics={"a": [[1, 2]], "b": None, "c": {"x": 0.5}}),
    STEP.model_copy(update={"step": 3}),
]


def test_lines_come_back_as_they_were_appended(run: RunFolder) -> None:
    for line in LINES:
        run.append_record(RECORDS, line)
    assert list(run.lines()) == LINES
    assert len(run.read(RECORDS).split(b"\n")) == len(LINES) + 1


def test_lines_cut_short_anywhere_keep_all_whole_ones(run: RunFolder) -> None:
    for line in LINES:
        run.append_record(RECORDS, line)
    whole = run.read(RECORDS)
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole) + 1):
        (run.path / RECORDS).write_bytes(whole[:size])
        assert list(run.lines()) == LINES[: sum(end <= size for end in ends)]


def test_a_last_line_cut_inside_a_letter_is_left_out(run: RunFolder) -> None:
    run.write(RECORDS, GOOD + b'\n{"b": "\xc3')
    assert list(run.lines()) == [STEP]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (GOOD + b'\n{"b\n', 2),
        (b'{"a\n' + GOOD + b"\n", 1),
        (GOOD + b'\n{"b{"c": 1}\n' + GOOD + b"\n", 2),
        (b"\xff\n", 1),
        (GOOD + b"\n3\n", 2),
        (GOOD + b'\n{"format": 1, "kind": "step"}\n', 2),
        (GOOD.replace(b'"format": 1', b'"format": 2') + b"\n", 1),
    ],
)
def test_a_damaged_line_that_is_not_cut_short_is_told(
    run: RunFolder, content: bytes, line: int
) -> None:
    run.write(RECORDS, content)
    with pytest.raises(
        RunError, match=f"^{run.path}/metrics.jsonl line {line} (is damaged|has format 2)"
    ):
        list(run.lines())


def test_evaluations_are_the_values_of_one_metric_on_one_split(run: RunFolder) -> None:
    for split, metrics in [("test", {"a": 0.5, "b": 2.0}), ("validation", {"a": 0.9})]:
        run.append_record(RECORDS, EvaluationLine(split=split, step=1, metrics=metrics))
    run.append_record(RECORDS, STEP)
    run.append_record(RECORDS, EvaluationLine(split="test", step=2, metrics={"a": None}))
    assert list(run.evaluations("test", "a")) == [0.5, None]
    assert list(run.evaluations("validation", "b")) == []


def test_a_run_without_lines_is_refused(run: RunFolder) -> None:
    with pytest.raises(RunError, match=r"has no readable metrics\.jsonl"):
        list(run.lines())


@pytest.mark.parametrize(
    ("blocked", "why"), [("metrics.jsonl", "Is a directory"), (".", "File too large")]
)
def test_an_append_that_fails_is_told(run: RunFolder, blocked: str, why: str) -> None:
    (run.path / blocked).mkdir(exist_ok=True)
    with largest_file(100), pytest.raises(RunError) as caught:
        run.append_record(RECORDS, STEP.model_copy(update={"headline": "x" * 1000}))
    assert str(caught.value) == f"cannot write {run.path}/metrics.jsonl: {why}{ADVICE}"
