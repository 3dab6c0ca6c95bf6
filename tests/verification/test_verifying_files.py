"""Verifications of code and files: one network each, whatever is changed in between; and audits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.auditing.audit import Audit, audit
from papertrial.claims.events import SeedEnded
from papertrial.errors import RunError
from papertrial.progress import finish
from papertrial.recipe.content import LARGEST
from papertrial.store.report_record import Report
from papertrial.verification import run_seeds as run_seeds_module
from papertrial.verification import verify as verify_module
from papertrial.verification.verify import verifying
from papertrial.workers.pool import Done, Failed, Yielded

NET = """import torch
from layers import WIDTH
class Net(torch.nn.Sequential):
    def __init__(self, weights=None):
        last = torch.nn.Linear(WIDTH, 1)
        super().__init__(torch.nn.Linear(10, WIDTH), last)
        if weights:
            last.bias.data += torch.load(weights)
        EXTRA
"""
RECIPE = """name: files
task: regression
data: {source: diabetes, splits: {test: 60}, batch_size: 64, limit: 100}
model: {use: ./net.py:Net, weights: w.pt}
loss: torch.nn.MSELoss
optimizer: {use: torch.optim.SGD, lr: 0.00001}
epochs: 1
claims: [{metric: mse, value: 1.0, tolerance: 0.5, kind: expected}]
verify: {max_seeds: 5}
"""


class Here:
    """One worker, in this process."""

    idle = 1

    def __init__(self, job: Any, arguments: list[Any], log: Path | None = None) -> None:
        self._job, self._place = job, arguments[0]

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None: ...

    def submit(self, task: Any) -> int:
        self.idle, self._task = 0, task
        self._steps = self._job(task, self._place)
        return 0

    def wait(self) -> Any:
        try:
            return Yielded(0, self._task, next(self._steps))
        except StopIteration as end:
            self.idle = 1
            return Done(0, self._task, end.value)
        except Exception as error:
            self.idle = 1
            return Failed(0, self._task, error)


def only_json(folder: Path, report: Report) -> None:
    """Write the report as JSON alone, which is quicker than to draw it."""
    (folder / "report.json").write_text(report.to_json())


def differences(made: Audit) -> list[str]:
    """What an audit finds to differ, but for the pages that are not written here."""
    return [str(one) for one in made.findings if not one.ok and one.check != "report"]


@pytest.fixture(scope="module", autouse=True)
def in_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_seeds_module, "Workers", Here)
        patch.setattr(verify_module, "write_report", only_json)
        yield


def write(folder: Path, width: int = 3, bias: float = 0.0, extra: str = "pass") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "net.py").write_text(NET.replace("EXTRA", extra))
    (folder / "layers.py").write_text(f"WIDTH = {width}\n")
    (folder / "r.yaml").write_text(RECIPE)
    torch.save(torch.tensor(bias), folder / "w.pt")
    return folder / "r.yaml"


def verified(recipe: Path, after_first: Callable[[Path], None] | None = None) -> Path:
    """Verify; after the first seed do something with the verification's folder."""
    runs = recipe.parent.parent / "runs"

    def events() -> Any:
        for event in (steps := verifying(pt.load_recipe(recipe), runs=runs, device="cpu")):
            if isinstance(event, SeedEnded) and event.seed == 0 and after_first is not None:
                after_first(max((runs / "files").glob("*-verify"), key=lambda p: p.stat().st_ctime))
            yield event
        return steps

    finish(events())
    return max((runs / "files").glob("*-verify"), key=lambda path: path.stat().st_ctime)


def stop(_: Path) -> None:
    raise KeyboardInterrupt


def states(runs: Path) -> list[str]:
    found = sorted((runs / "files").glob("*-verify/verification.json"))
    return sorted(json.loads(path.read_text())["state"] for path in found)


CHANGES: dict[str, Callable[[Path], Path]] = {
    "a sibling": lambda folder: write(folder, width=4),
    "a file of an argument": lambda folder: write(folder, bias=1.0),
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_file_is_another_verification(what: str, tmp_path: Path) -> None:
    recipe = write(tmp_path / "own")
    with pytest.raises(KeyboardInterrupt):
        verified(recipe, stop)
    CHANGES[what](tmp_path / "own")
    second = verified(recipe)
    assert states(tmp_path / "runs") == ["finished", "interrupted"]
    assert differences(audit(second, retrain=False)) == []
    # What was stopped is resumed with what it had, when that is there again.
    write(tmp_path / "own")
    verified(recipe)
    assert states(tmp_path / "runs") == ["finished", "finished"]


def test_originals_that_change_between_two_seeds_change_nothing(tmp_path: Path) -> None:
    recipe = write(tmp_path / "own")
    path = verified(recipe, lambda _: shutil.rmtree(tmp_path / "own"))
    made = audit(path, seed=1)
    assert differences(made) == []
    told = [str(finding) for finding in made.findings]
    assert any(
        "files: 3 files of code and arguments, in the folder and in 5 runs" in t for t in told
    )
    assert any("parameters: 4 tensors" in t for t in told)
    kept = json.loads((path / "files.json").read_text())
    assert {one["name"]: one["path"] for one in kept["files"]} == {
        f"code/{name}": f"{tmp_path}/own/{name}" for name in ("net.py", "layers.py", "w.pt")
    }


@pytest.mark.parametrize("name", ["layers.py", "w.pt"])
def test_a_copy_that_changes_between_two_seeds_stops_it(name: str, tmp_path: Path) -> None:
    def edit(folder: Path) -> None:
        (folder / "code" / name).write_bytes((folder / "code" / name).read_bytes() + b"\n")

    with pytest.raises(RunError, match=rf"not the recipe that was registered: .*code/{name} has"):
        verified(write(tmp_path / "own"), edit)
    (path,) = (tmp_path / "runs" / "files").glob("*-verify")
    records = [json.loads(line) for line in (path / "outcomes.jsonl").read_text().splitlines()]
    assert [record["seed"] for record in records] == [0]  # no seed failed for it


def test_what_is_read_at_run_time_is_compared_between_seeds(tmp_path: Path) -> None:
    hard = tmp_path / "hard.pt"
    torch.save(torch.tensor(1.0), hard)
    recipe = write(tmp_path / "own", extra=f"torch.load({str(hard)!r})")

    def edit(_: Path) -> None:
        torch.save(torch.tensor(2.0), hard)

    with pytest.raises(RunError, match=r"hard\.pt, which the recipe's code reads at run time, has"):
        verified(recipe, edit)


def test_an_audit_says_which_file_that_is_read_at_run_time_has_changed(tmp_path: Path) -> None:
    hard = tmp_path / "hard.pt"
    torch.save(torch.tensor(1.0), hard)
    path = verified(write(tmp_path / "own", extra=f"torch.load({str(hard)!r})"))
    assert differences(audit(path, retrain=False)) == []
    torch.save(torch.tensor(2.0), hard)
    (found,) = [text for text in differences(audit(path, retrain=False)) if "hard.pt" in text]
    assert "at run time, has changed" in found
    hard.unlink()  # on another machine it is elsewhere
    assert [one for one in differences(audit(path, retrain=False)) if "has changed" in one] == []


def test_a_large_file_that_changes_between_two_seeds_stops_it(tmp_path: Path) -> None:
    recipe = write(tmp_path / "own")
    code = tmp_path / "own" / "net.py"
    code.write_text(code.read_text().replace("torch.load(weights)", "torch.load(weights)[0]"))
    many = LARGEST // 4 + 1
    torch.save(torch.zeros(many), tmp_path / "own" / "w.pt")

    def edit(_: Path) -> None:
        torch.save(torch.ones(many), tmp_path / "own" / "w.pt")

    with pytest.raises(RunError, match=r"not the recipe that was registered: .*own/w\.pt has"):
        verified(recipe, edit)
    assert states(tmp_path / "runs") == ["failed"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, in_process: None) -> Path:
    return verified(write(tmp_path_factory.mktemp("done") / "own", extra="exec('1')"))


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / finished.name))


def differing(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in audit(folder, retrain=False, seed=0).differences:
        found.setdefault(finding.check, []).append(finding.message)
    return found


def test_an_audit_tells_what_is_not_covered(finished: Path) -> None:
    made = audit(finished, retrain=False, seed=0)
    assert differences(made) == []
    notes = [finding.message for finding in made.findings if finding.warning]
    assert "not covered: net.py:9: runs code from a string (exec)" in notes
    report = json.loads((finished / "report.json").read_text())
    assert report["not_covered"] == ["net.py:9: runs code from a string (exec)"]


def test_an_audit_finds_an_edited_copy_of_the_verification(copied: Path) -> None:
    (copied / "code" / "layers.py").write_text("WIDTH = 5\n")
    found = differing(copied)
    assert set(found) >= {"recipe", "files"}
    assert any("code/layers.py has the SHA-256" in message for message in found["files"])


@pytest.mark.parametrize("name", ["layers.py", "w.pt"])
def test_an_audit_finds_an_edited_copy_of_a_run(name: str, copied: Path) -> None:
    path = copied / "seeds" / "s1" / "code" / name
    path.write_bytes(path.read_bytes() + b"\n")
    (message,) = differing(copied)["files"]
    assert message.startswith(f"seed 1: code/{name} has the SHA-256")


def test_an_audit_finds_a_record_that_was_edited_with_its_copy(copied: Path) -> None:
    (copied / "seeds/s1/code/layers.py").write_text("WIDTH = 5\n")
    path = copied / "seeds/s1/provenance.json"
    kept = json.loads(path.read_text())
    (one,) = [one for one in kept["dependencies"] if one["name"] == "code/layers.py"]
    one["sha256"] = "0" * 64
    path.write_text(json.dumps(kept))
    found = differing(copied)["files"]
    assert any("code/layers.py is recorded as 000000000000, but registered as" in m for m in found)


def test_an_audit_compares_the_shapes_of_all_seeds(copied: Path) -> None:
    path = copied / "seeds/s2/model.safetensors"
    weights = safetensors.torch.load_file(path)
    weights["1.weight"] = torch.zeros(1, 9)
    weights["more"] = torch.zeros(2)
    del weights["0.bias"]
    safetensors.torch.save_file(weights, path)
    assert sorted(differing(copied)["parameters"]) == [
        "seed 2: 0.bias is absent, F32 [3] in seed 0",
        "seed 2: 1.weight is F32 [1, 9], F32 [1, 3] in seed 0",
        "seed 2: more is F32 [2], absent in seed 0",
    ]
