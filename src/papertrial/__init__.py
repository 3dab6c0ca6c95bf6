"""papertrial: put a paper's numbers on trial.

import papertrial as pt

recipe = pt.load_recipe("fashion-mnist-quickstart", ["optimizer.lr=0.01"])
pt.check("fashion-mnist-quickstart").problems
run = pt.train(recipe)
run.metrics["test"]["accuracy"]
pt.load_run(run.path).predict("shoe.png")
pt.verify(recipe).verdict
pt.judge([3.274, 3.276, 3.279, 3.272, 3.275, 3.277], metric="loss", value=3.28, kind="at-most")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from papertrial.version import __version__ as __version__

if TYPE_CHECKING:
    from papertrial.acceptance.accept import accept
    from papertrial.acceptance.acceptance import Acceptance
    from papertrial.auditing.audit import Audit, audit
    from papertrial.checks.check_recipe import check
    from papertrial.checks.check_result import CheckResult
    from papertrial.errors import PapertrialError
    from papertrial.judging.judge_scores import judge
    from papertrial.judging.judgement import Judgement
    from papertrial.recipe.load import load_recipe
    from papertrial.recipe.schema import Recipe
    from papertrial.runs.evaluate import Evaluation, evaluate_run
    from papertrial.runs.run import Run, load_run
    from papertrial.runs.train import train
    from papertrial.verification.combine import Combination, combine
    from papertrial.verification.preregister import RegisteredVerification, preregister
    from papertrial.verification.register_labs import RegisteredLabs, register_labs
    from papertrial.verification.verify import Verification, load_verification, verify

__all__ = [
    "Acceptance", "Audit", "CheckResult", "Combination", "Evaluation", "Judgement",
    "PapertrialError", "Recipe", "RegisteredLabs", "RegisteredVerification", "Run", "Verification",
    "accept", "audit", "check", "combine", "evaluate_run", "judge", "load_recipe", "load_run",
    "load_verification", "preregister", "register_labs", "train", "verify",
]  # fmt: skip

# Names are imported when they are first used: `import papertrial` must not import torch.
_HOMES = {
    "PapertrialError": "papertrial.errors",
    "Judgement": "papertrial.judging.judgement",
    "judge": "papertrial.judging.judge_scores",
    "Recipe": "papertrial.recipe.schema",
    "load_recipe": "papertrial.recipe.load",
    "Acceptance": "papertrial.acceptance.acceptance",
    "accept": "papertrial.acceptance.accept",
    **dict.fromkeys(("Audit", "audit"), "papertrial.auditing.audit"),
    "CheckResult": "papertrial.checks.check_result",
    "check": "papertrial.checks.check_recipe",
    **dict.fromkeys(("Evaluation", "evaluate_run"), "papertrial.runs.evaluate"),
    "train": "papertrial.runs.train",
    **dict.fromkeys(("Run", "load_run"), "papertrial.runs.run"),
    **dict.fromkeys(("Combination", "combine"), "papertrial.verification.combine"),
    **dict.fromkeys(("RegisteredLabs", "register_labs"), "papertrial.verification.register_labs"),
    **dict.fromkeys(
        ("RegisteredVerification", "preregister"), "papertrial.verification.preregister"
    ),
    **dict.fromkeys(
        ("Verification", "load_verification", "verify"), "papertrial.verification.verify"
    ),
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'papertrial' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
