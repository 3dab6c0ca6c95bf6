"""Compare runs of one recipe: what was the same for all of them, and what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papertrial.numbers import as_written
from papertrial.recipe.data_section import Splits
from papertrial.recipe.schema import Recipe
from papertrial.store.run_records import Provenance

_HASH = 12  # characters of a fingerprint that a sentence shows; the provenance has all of them


@dataclass(frozen=True)
class Compared:
    """What was the same for all runs, as "name: value", and a warning for each difference."""

    fixed: tuple[str, ...]
    differing: tuple[str, ...]


def compare_runs(recipe: Recipe, kept: Sequence[Provenance]) -> Compared:
    """Compare the splits, the setting and the versions of runs.

    Args:
        recipe: the recipe of the first run.
        kept: the provenance of each run.
    """
    fixed, differing = _split_lines(recipe), list[str]()
    for split, part in kept[0].fixed_data.items():
        if any(one.fixed_data.get(split) != part for one in kept):
            differing.append(f"the runs did not have the same {split} part")
            continue
        if not part.fingerprint:
            continue
        name = {"train": "training", "all": "whole"}.get(split, split)
        mark = part.fingerprint[:_HASH]
        fixed.append(f"{name} set: {part.rows:,} rows, fingerprint {mark}")
    settings = {
        "recipe, all but the seed": ("recipe", [_training_hash(one) for one in kept]),
        "CPU threads": ("number of threads", [str(one.environment.threads) for one in kept]),
        "device": ("device", [_device(one) for one in kept]),
    }
    for name, (what, values) in settings.items():
        if len(set(values)) == 1:
            fixed.append(f"{name}: {values[0]}")
        else:
            differing.append(_difference(what, values))
    for package in dict.fromkeys(name for one in kept for name in one.environment.versions):
        values = [str(one.environment.versions.get(package)) for one in kept]
        if len(set(values)) > 1:
            differing.append(_difference(f"version of {package}", values))
    return Compared(tuple(fixed), tuple(differing))


def _difference(what: str, values: Sequence[str]) -> str:
    return f"the runs did not have the same {what}: {', '.join(dict.fromkeys(values))}"


def _training_hash(kept: Provenance) -> str:
    return f"training hash {kept.training_hash[:_HASH]}"


def _device(kept: Provenance) -> str:
    """Return the device by which runs are compared: kind and name, not which of several GPUs."""
    kind = kept.environment.device.partition(":")[0]
    return ", ".join(filter(None, (kind, kept.environment.device_name)))


def _split_lines(recipe: Recipe) -> list[str]:
    """Return how the splits that the compared runs have in common were made."""
    cuts, lines = recipe.data.splits, list[str]()
    seed = "the training seed" if cuts.seed == "each" else f"split seed {cuts.seed}"
    if cuts.folds is not None:
        lines.append(f"folds: {_folds(cuts, seed)}")
    drawn = {"test": cuts.test, "validation": cuts.validation}
    parts = [f"{name} {_portion(size)}" for name, size in drawn.items() if size is not None]
    if not parts and cuts.folds is None:
        lines.append("split: the parts are those of the source")
    elif parts:
        how = "the last rows"
        if cuts.draw != "last":
            classes = ", in class proportions" if cuts.stratify and cuts.group is None else ""
            what = "" if cuts.group is None else f", in whole groups of {cuts.group}"
            how = f"drawn at random with {seed}{classes}{what}"
        lines.append(f"split: {' and '.join(parts)} split off the training rows, {how}")
    if recipe.data.limit is not None:
        rows = f"at most {recipe.data.limit:,} rows of each part"
        lines.append(f"limit: {rows}, drawn with {seed}")
    return lines


def _folds(cuts: Splits, seed: str) -> str:
    """Return how the folds of the compared runs were cut, in words."""
    draws = {
        "random": f"drawn at random with {seed}",
        "in-order": "of consecutive rows",
        "last": "each a block of rows, after a training on all rows before it",
    }
    words = [str(cuts.folds), draws[cuts.draw]]
    if cuts.repeats > 1:
        words.append(f"repeated {cuts.repeats} times")
    if cuts.stratify:
        words.append("in class proportions")
    if cuts.group is not None:
        words.append(f"in whole groups of {cuts.group}")
    if cuts.fold is not None:
        words.append(f"of which fold {cuts.fold} alone is trained")
    return ", ".join(words)


def _portion(size: float | int) -> str:
    return f"{size:,} rows" if isinstance(size, int) else f"{as_written(100 * size)} %"
