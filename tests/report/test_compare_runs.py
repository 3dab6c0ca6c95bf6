"""What was the same for all runs, and what was not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import papertrial as pt
from papertrial.report.run_parts import RunParts, parts_of_runs

Digits = Callable[..., pt.Run]


def test_what_did_not_vary_is_listed(parts: RunParts, seeds: list[pt.Run]) -> None:
    kept = json.loads((seeds[0].path / "provenance.json").read_text())
    assert parts.fixed == (
        "split: test 50 % and validation 20 % split off the training rows, the last rows",
        *(f"{name} set: {rows} rows, fingerprint {kept['data'][split]['fingerprint'][:12]}"
          for name, split, rows in (("training", "train", 718), ("validation", "validation", 180),
                                    ("test", "test", 899))),
        f"recipe, all but the seed: training hash {kept['training_hash'][:12]}",
        f"CPU threads: {kept['environment']['threads']}",
        "device: cpu",
    )  # fmt: skip
    rows = dict(parts.provenance)
    assert parts.provenance[0] == ("papertrial", pt.__version__)
    assert rows["torch"] == kept["environment"]["versions"]["torch"]
    assert rows["test data"] == f"899 rows, SHA-256 {kept['data']['test']['fingerprint']}"
    assert "command" not in rows  # each seed had its own


def test_runs_that_differ_in_more_than_their_seed_give_warnings(
    seeds: list[pt.Run], digits: Digits
) -> None:
    other = digits("seed=5", "data.splits.draw=random", "data.splits.seed=9")
    found = parts_of_runs([seeds[0], other])
    assert "the runs did not have the same test part" in found.warnings
    assert any(w.startswith("the runs did not have the same recipe: ") for w in found.warnings)
    assert not any("test set" in line for line in found.fixed)


def test_which_of_the_gpus_it_was_does_not_matter_but_versions_do(
    seeds: list[pt.Run], tmp_path: Path
) -> None:
    runs = []
    for number, run in enumerate(seeds):
        path = Path(shutil.copytree(run.path, tmp_path / str(number)))
        kept = json.loads((path / "provenance.json").read_text())
        kept["environment"] |= {"device": f"cuda:{number}", "device_name": "NVIDIA H200"}
        kept["environment"]["versions"]["torch"] = f"2.{number}"
        (path / "provenance.json").write_text(json.dumps(kept))
        runs.append(pt.load_run(path))
    found = parts_of_runs(runs)
    assert found.warnings == ("the runs did not have the same version of torch: 2.0, 2.1",)
    assert found.fixed[-1] == "device: cuda, NVIDIA H200"
