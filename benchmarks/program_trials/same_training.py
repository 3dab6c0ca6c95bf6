"""Verify a training as a recipe, and as a program that is papertrial's own `train`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from program_trials.launched import Launcher

Metrics = Mapping[str, Mapping[str, Any]]  # the keys of a claim, by metric


def verify_twice(
    folder: Path, shipped: str, overrides: Sequence[str], claims: Metrics, words: Sequence[str]
) -> tuple[Launcher, Launcher, dict[str, Any], dict[str, Any]]:
    """Verify the same claims of a shipped recipe in both ways; return launchers and answers.

    Args:
        folder: where both run.
        shipped: name of the recipe.
        overrides: of the recipe, such as "epochs=1".
        claims: value, tolerance and so on of each test metric; all are of kind `expected`.
        words: options of both commands.
    """
    (folder / "program").mkdir(parents=True)
    shown = subprocess.run(
        [sys.executable, "-m", "papertrial", "show", shipped, *overrides, "claims=[]"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (folder / "program" / "recipe.yaml").write_text(shown)
    stated = [{"metric": name, "kind": "expected", **claim} for name, claim in claims.items()]
    own = [{key: value for key, value in claim.items() if key != "samples"} for claim in stated]
    recipe = f"{shown}claims: {json.dumps(own)}\n"
    (folder / "as-recipe.yaml").write_text(recipe.replace("claims: []\n", "", 1))
    command = ["{python}", "-m", "papertrial", "train", "recipe.yaml", "seed={seed}"]
    command += ["--threads", "{threads}", "--device", "{device}", "--data", "{data}"]
    program = {
        "name": f"{shipped}-as-program",
        "program": {
            "command": [*command, "--runs", "{out}", "--json"],
            "folder": "./program",
            "scores": {
                name: {"json": "{out}/*/*/metrics.json", "key": f"metrics.test.{name}"}
                for name in claims
            },
        },
        "claims": stated,
    }
    (folder / "as-program.yaml").write_text(json.dumps(program))
    found = []
    for way in ("as-recipe", "as-program"):
        (folder / way).mkdir()
        launcher = Launcher(folder / way, [f"../{way}.yaml", *words])
        found.append((launcher, launcher.verify()))
    (recipe_run, recipe_answer), (program_run, program_answer) = found
    return recipe_run, program_run, recipe_answer, program_answer


def verdicts(answer: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return what must be the same of each claim: metric, verdict, number of seeds, interval."""
    keys = ("metric", "verdict", "verdict_median", "n", "mean", "sd", "low", "high")
    return [tuple(claim[key] for key in keys) for claim in answer["claims"]]
