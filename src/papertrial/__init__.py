"""papertrial: put a paper's numbers on trial.

import papertrial as pt

recipe = pt.load_recipe("fashion-mnist-quickstart", ["optimizer.lr=0.01"])
run = pt.train(recipe)
run.metrics["test"]["accuracy"]
pt.load_run(run.path).predict("shoe.png")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from papertrial.errors import PapertrialError
    from papertrial.experiment import Run, load_run, train
    from papertrial.recipe.load import load_recipe
    from papertrial.recipe.schema import Recipe

__version__ = "0.1.0"
__all__ = ["PapertrialError", "Recipe", "Run", "load_recipe", "load_run", "train"]

# Names are imported when they are first used: `import papertrial` must not import torch.
_HOMES = {
    "PapertrialError": "papertrial.errors",
    "Recipe": "papertrial.recipe.schema",
    "load_recipe": "papertrial.recipe.load",
    **dict.fromkeys(("Run", "load_run", "train"), "papertrial.experiment"),
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'papertrial' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
