"""One training as a recipe, and as a program whose command is `papertrial train`."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path

import papertrial as pt
from papertrial.claims.judge import judge
from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.programs.code_files import file_hashes
from papertrial.programs.run_program import run_program
from papertrial.programs.seed_values import placeholder_values
from papertrial.progress import finish
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_spec import to_program_spec

# A linear model on two clouds of points. Files with parts need no scikit-learn, a slow import.
TRAINED = {
    "name": "points",
    "task": "table-classification",
    "data": {"source": "table", "path": "points", "table": {"target": "label"}, "batch_size": 20},
    "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 2,
    "metrics": ["loss", "accuracy"],
}
METRICS = ("accuracy", "loss")
SEED = 3
CLAIMS = [
    {"metric": "accuracy", "value": 0.7, "tolerance": 0.02, "kind": "expected"},
    {"metric": "loss", "value": 0.5, "kind": "at-most"},
]


def as_program(folder: Path) -> ProgramRecipe:
    """The recipe of a program that trains recipe.yaml in its folder."""
    words = ["{python}", "-m", "papertrial", "train", "recipe.yaml", "seed={seed}", "--json"]
    options = ["--threads", "{threads}", "--device", "{device}", "--runs", "{out}"]
    tree = {
        "name": "as-program",
        "program": {
            "command": [*words, *options],
            "folder": str(folder),
            "scores": {
                name: {"json": "{out}/*/*/metrics.json", "key": f"metrics.test.{name}"}
                for name in METRICS
            },
        },
        "claims": CLAIMS,
    }
    recipe = load_recipe(tree)
    assert isinstance(recipe, ProgramRecipe)
    return recipe


def write_recipe(folder: Path) -> Path:
    """Write the recipe of the training, and its data."""
    draw = random.Random(0)
    (folder / "points").mkdir(parents=True)
    for part in ("train", "test"):
        rows = [
            f"{draw.gauss(x, 1):.3f},{draw.gauss(x, 1):.3f},{label}\n"
            for _ in range(20)
            for x, label in ((-1, "a"), (1, "b"))
        ]
        (folder / "points" / f"{part}.csv").write_text("x,y,label\n" + "".join(rows))
    (folder / "recipe.yaml").write_text(json.dumps({**TRAINED, "claims": CLAIMS}))
    return folder / "recipe.yaml"


def test_the_scores_and_the_verdicts_are_the_same(tmp_path: Path) -> None:
    source = tmp_path / "source"
    path = write_recipe(source)
    trained = load_recipe(path, [f"seed={SEED}"])
    program = as_program(source)
    run = finish(
        run_program(
            to_program_spec(program.program),
            placeholder_values(SEED, "cpu", 1, tmp_path),
            home=tmp_path / "home",
            source=source,
            hashes=file_hashes(source),
            token=uuid.uuid4().hex,
        )
    )
    ours = pt.train(trained, runs=tmp_path / "runs", device="cpu", threads=1).metrics["test"]
    assert {name: score.value for name, score in run.scores.items()} == {
        name: ours[name] for name in METRICS
    }

    draw = random.Random(0)
    scores = [((draw.gauss(0.7, 0.004),), (draw.gauss(0.6, 0.004),)) for _ in range(8)]
    found = [
        judge(
            Rule(tuple(to_judged_claim(claim, recipe) for claim in recipe.claims), tuple(range(8))),
            [SeedOutcome(seed, "finished", row) for seed, row in enumerate(scores)],
        )
        for recipe in (trained, program)
    ]
    assert len({ruling.verdict for ruling in found[0]}) == 2
    assert [(one.verdict, one.decided_at, one.low, one.high) for one in found[0]] == [
        (one.verdict, one.decided_at, one.low, one.high) for one in found[1]
    ]
