"""The GPU check as far as it goes without a GPU: its skip, its failures, its rows on the CPU."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = ("bench", "gpu_check", "gpu_rows", "plain_loops")


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The scripts, which import each other as files of one folder do."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def check(modules: dict[str, ModuleType]) -> ModuleType:
    return modules["gpu_check"]


@pytest.fixture
def rows(modules: dict[str, ModuleType]) -> ModuleType:
    return modules["gpu_rows"]


Main = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def main(check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Main:
    """Run the script in this process; return its exit code and what it wrote."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "new" / "check.json"
        monkeypatch.setattr(sys, "argv", ["gpu_check.py", *words, "--json", str(path)])
        with pytest.raises(SystemExit) as end:
            check.main()
        return int(end.value.code or 0), json.loads(path.read_text())

    return run


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_skips_with_the_reason(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "gpu_check.py"), "--json", str(tmp_path / "c.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gpu_check: skipped: no CUDA device here")
    assert json.loads((tmp_path / "c.json").read_text()).keys() == {"skipped"}


def test_out_names_the_folder_of_the_json(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OUT", str(tmp_path))
    assert check.default_path() == tmp_path / "gpu_check.json"
    monkeypatch.delenv("OUT")
    assert check.default_path() == BENCHMARKS / "gpu_check.json"


def test_modules_that_are_missing_are_named_by_their_packages(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check.missing(check.MODULES) == []
    wanted = {"nowhere": "", "nowhere.below": "no-where", "json": ""}
    assert check.missing(wanted) == ["nowhere", "no-where"]
    monkeypatch.setattr(check, "MODULES", wanted)
    monkeypatch.setattr(sys, "argv", ["gpu_check.py"])
    with pytest.raises(SystemExit, match="missing modules: nowhere, no-where"):
        check.main()


def test_an_old_torch_is_refused(check: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu130")
    with pytest.raises(SystemExit, match=r"needs torch 2\.11 or newer, got 2\.9\.1"):
        check.no_device("cpu")


def test_a_bound_that_does_not_hold_fails_the_check(
    main: Main,
    rows: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def good(setting: Any) -> Iterator[Any]:
        yield rows.at_most("good", 1.0, 1.0, "s")

    def bad(setting: Any) -> Iterator[Any]:
        yield rows.at_most("bad", 1.5, 1.0, "s")

    monkeypatch.setattr(rows, "SECTIONS", (good,))
    code, found = main("--device", "cpu")
    assert (code, found["ok"], found["device"]) == (0, True, "cpu")
    monkeypatch.setattr(rows, "SECTIONS", (bad, good))
    code, found = main("--device", "cpu")
    assert (code, found["ok"]) == (1, False)
    assert [row["ok"] for row in found["rows"]] == [False, True, True]
    assert "FAILED" in capsys.readouterr().out


def test_a_section_that_fails_is_a_row_and_the_next_goes_on(
    main: Main, rows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(setting: Any) -> Iterator[Any]:
        yield rows.Row("before", 1.0)
        raise ValueError("no such thing")

    def good(setting: Any) -> Iterator[Any]:
        yield rows.Row("after", 2.0)

    monkeypatch.setattr(rows, "SECTIONS", (broken, good))
    code, found = main("--device", "cpu")
    assert code == 1
    assert [row["name"] for row in found["rows"][:3]] == ["before", "broken", "after"]
    assert found["rows"][1]["note"] == "ValueError: no such thing"


def test_the_rows_of_steps_and_trainings_on_the_cpu(
    main: Main, rows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "SEED_SD", {"digits-mlp": 0.0027})
    monkeypatch.setattr(rows, "SMALL", {"digits-mlp": ["epochs=2"]})
    monkeypatch.setattr(rows, "SECTIONS", (rows.trainings, rows.steps))
    code, found = main("--device", "cpu", "--small")
    values = {row["name"].removeprefix("digits-mlp: "): row["value"] for row in found["rows"]}
    assert code == 0, found
    assert values["test accuracy, cpu"] > 0.3
    assert values["their difference"] == 0  # the CPU beside itself
    assert (values["same weights twice"], values["bf16 changes the bits"]) == ("yes", "yes")
    assert values["data on"] == "cpu"


def test_a_loss_that_is_read_in_each_step_is_found(rows: ModuleType) -> None:
    setting = rows.Setting("cpu", True)
    recipe = setting.recipe("digits-mlp", "optimizer={use: torch.optim.SGD, lr: 0.01}")
    device = torch.device("cpu")
    parts = rows.finish(rows.prepare(recipe, rows.data_folder(), device))
    rows.advance(parts, 2)
    assert rows.waits_in_steps(parts) == []
    loss = parts.objective.loss

    def reading(output: Tensor, target: Tensor) -> Tensor:
        value: Tensor = loss(output, target)
        value.item()
        return value

    parts.objective.loss = reading
    found = rows.waits_in_steps(parts)
    assert [name for name, _ in found].count("aten::item") == rows.PROFILED
    assert all(seconds > 0 for _, seconds in found)


@pytest.mark.usefixtures("fashion_mnist")
@pytest.mark.parametrize("kind", ["bare", "tutorial"])
def test_the_plain_loops_time_every_epoch(
    modules: dict[str, ModuleType], rows: ModuleType, kind: str
) -> None:
    loop = getattr(modules["plain_loops"], kind)
    seconds = loop(rows.data_folder(), torch.device("cpu"), 2, 128)
    assert len(seconds) == 2
    assert all(s > 0 for s in seconds)


def test_every_second_pair_begins_with_the_other_side(modules: dict[str, ModuleType]) -> None:
    calls = []

    def measured(side: str, value: float) -> Callable[[], float]:
        def measure() -> float:
            calls.append(side)
            return value

        return measure

    found = modules["bench"].alternate(measured("ours", 1.0), measured("theirs", 2.0), 3)
    assert found == [(1.0, 2.0)] * 3
    assert calls == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
