"""Laboratories whose records are written and not trained: scores that a test chooses."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from papertrial.claims.run_trial import replay_trial
from papertrial.claims.verdict import overall
from papertrial.recipe.load import load_recipe
from papertrial.record import finite_or_none
from papertrial.store.report_record import Report
from papertrial.store.verification_folder import (
    OUTCOMES,
    PREREGISTRATION,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.store.verification_records import ClaimLine, SeedRecord, VerificationState
from papertrial.verification import combine as combine_module
from papertrial.verification.preregister import preregister
from papertrial.verification.register_labs import RegisteredLabs, register_labs

Scores = Sequence[float | tuple[float, ...] | None]  # None for a seed that diverged


def only_json(folder: Path, report: Report) -> None:
    """Write the report as JSON alone, which is quicker than to draw it."""
    (folder / "report.json").write_text(report.to_json())


@dataclass(frozen=True)
class Labs:
    """A recipe that learns from a small table, and laboratories that say they verified it."""

    folder: Path

    def tree(self, *claims: dict[str, Any], **verify: Any) -> dict[str, Any]:
        table = self.folder / "line.csv"
        if not table.is_file():
            x = np.random.default_rng(0).normal(size=40)
            table.write_text("x,y\n" + "".join(f"{a},{a + 1}\n" for a in x))
        about = {"metric": "mse", "value": 1.0, "tolerance": 0.4, "kind": "expected"}
        return {
            "name": "line",
            "task": "regression",
            "data": {
                "source": "table", "path": str(table), "batch_size": 8,
                "table": {"target": "y"}, "splits": {"test": 0.5},
            },
            "model": {"use": "torch.nn.Linear", "args": [1, 1]},
            "loss": "torch.nn.MSELoss",
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
            "epochs": 2,
            "metrics": ["mse"],
            "claims": list(claims) or [about],
            "verify": {"max_seeds": 10, **verify},
        }  # fmt: skip

    def register(
        self, labs: int, tree: dict[str, Any] | None = None, **more: Any
    ) -> RegisteredLabs:
        recipe = load_recipe(tree or self.tree())
        return register_labs(recipe, labs, runs=self.folder / "runs", device="cpu", **more)

    def verified(
        self, recipe: Path | dict[str, Any], scores: Scores, name: str, state: str = "finished"
    ) -> Path:
        """Return the folder of a verification that was registered and has these scores."""
        kept = preregister(load_recipe(recipe), runs=self.folder / name, device="cpu")
        folder = VerificationFolder(kept.path)
        registered = folder.registered
        for seed, score in zip(registered.seeds, scores, strict=False):
            if score is None:
                record = SeedRecord(seed=seed, state="diverged", error="the loss is NaN")
            else:
                rows = score if isinstance(score, tuple) else (score,)
                n = len(registered.claims)
                record = SeedRecord(
                    seed=seed,
                    state="finished",
                    scores=(rows,) * n,
                    weights=hashlib.sha256(f"{seed} {score}".encode()).hexdigest(),
                    runs=tuple(f"seeds/s{seed}-{side}" for side in range(len(registered.data))),
                    data=registered.data,
                    versions=registered.versions,
                    packages=registered.packages,
                )
            folder.append_record(OUTCOMES, record)
        self.conclude(kept.path, state)
        return kept.path

    def conclude(self, path: Path, state: str = "finished") -> None:
        """Write verification.json as `verify` does at its end, or where it stops."""
        folder = VerificationFolder(path)
        registered = folder.registered
        look = replay_trial(registered.rule, [record.outcome for record in folder.outcomes()])
        counted = tuple(
            ClaimLine(
                metric=claim.metric, split=claim.split, kind="exact", value=claim.number,
                tolerance=0.0, n=0, mean=int(claim.number), sd=None, low=None, high=None,
                holds_within=None, verdict="REPRODUCED", why="counted", verdict_median=None,
                decided_at=None,
            )
            for claim in registered.exact
        )  # fmt: skip
        judged = tuple(
            ClaimLine(
                metric=claim.metric, split=claim.split, kind=claim.kind, value=claim.value,
                tolerance=claim.tolerance, n=len(ruling.scores),
                **{k: finite_or_none(getattr(ruling, k))
                   for k in ("mean", "sd", "low", "high", "holds_within")},
                verdict=ruling.verdict, why="", verdict_median=None, decided_at=None,
            )
            for claim, ruling in zip(registered.rule.claims, look.rulings, strict=True)
        )  # fmt: skip
        verdicts = [*(r.verdict for r in look.rulings), *("REPRODUCED" for _ in counted)]
        ended = {
            "ended": "2026-11-27T12:00:00+00:00",
            "seeds": tuple(outcome.seed for outcome in look.outcomes),
            "verdict": overall(verdicts),
            "headline": "a headline",
            "claims": (*judged, *counted),
        }
        folder.write_record(
            VERIFICATION,
            VerificationState(
                state=state, recipe=registered.recipe, started="2026-11-27T11:00:00+00:00",
                preregistration=folder.sha256, commands=("papertrial verify",), workers=1, pid=1,
                host="somewhere", **(ended if state == "finished" else {}),
            ),
        )  # fmt: skip

    def together(self, *scores: Scores, **more: Any) -> list[Path]:
        """Return laboratories that were registered together, with the scores of each."""
        tree = more.pop("tree", None) or self.tree(max_seeds=5 * len(scores))
        made = self.register(len(scores), tree, **more)
        return [
            self.verified(path, one, f"lab{i}")
            for i, ((path, _), one) in enumerate(zip(made.laboratories, scores, strict=True), 1)
        ]

    def sent(self, path: Path, name: str) -> Path:
        """Return a copy of what a laboratory may send at least: four files."""
        copy = self.folder / name
        copy.mkdir()
        for file in (PREREGISTRATION, OUTCOMES, VERIFICATION, "recipe.yaml"):
            shutil.copy(path / file, copy / file)
        return copy


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labs:
    monkeypatch.setattr(combine_module, "write_report", only_json)
    return Labs(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def _reports_have_no_plots(request: pytest.FixtureRequest) -> None:
    """Write reports without drawings, which take a second each, where no test looks at them."""
    if request.path.name not in ("test_verifying_programs.py", "test_verifying_target.py"):
        request.getfixturevalue("without_plots")
