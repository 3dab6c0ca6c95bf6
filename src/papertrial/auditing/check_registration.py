"""Checks of what was fixed beforehand: its bytes, the recipe that it names, and the seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from papertrial.auditing.finding import Finding, differing, noted, shown
from papertrial.auditing.record import Kept
from papertrial.claims.run_trial import Look
from papertrial.errors import PapertrialError, RunError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import Recipe
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import (
    OUTCOMES,
    PREREGISTRATION,
    REPORT_JSON,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.verification.registration import register

_NAMED = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})-verify")  # as VerificationFolder.new does
# What a recipe fixes. The sentences beside it only explain, and another version may word them anew.
_FIXED = (
    "recipe", "recipe_hash", "training_hash", "versus", "files", "claims", "exact", "not_judged",
    "alpha", "statistic", "prior", "first_look", "horizon", "max_diverged", "seeds", "maximum",
    "reported_epoch",
)  # fmt: skip


def check_bytes(folder: VerificationFolder) -> Iterator[Finding]:
    """Compare the SHA-256 of preregistration.json with every place that keeps it."""
    sha, told = folder.sha256, dict[str, Any]()
    state = folder.state
    told[VERIFICATION] = state.get("preregistration")
    messages = []
    if (folder.path / REPORT_JSON).is_file():
        kept = read_object(folder, REPORT_JSON).get("preregistration")
        kept = kept if isinstance(kept, dict) else {}
        told[REPORT_JSON] = kept.get("sha256")
        if kept.get("registered") != folder.registered:
            messages.append(f"what {REPORT_JSON} shows as registered is not {PREREGISTRATION}")
    elif state.get("state") == "finished":
        messages.append(f"there is no {REPORT_JSON}, though the verification finished")
    messages += [
        f"the SHA-256 of {PREREGISTRATION} is {sha}, {name} has {kept}: one was changed"
        for name, kept in told.items()
        if kept != sha
    ]
    name = _NAMED.match(folder.path.resolve().name)
    if name and name[1] != sha[:8]:
        messages.append(f"the folder is named for {name[1]}, {PREREGISTRATION} has {sha[:8]}")
    yield from differing("registration", messages, f"SHA-256 {sha}, also in {', '.join(told)}")


def check_recipe(kept: Kept) -> Iterator[Finding]:
    """Register the folder's recipe once more, and compare with what was registered."""
    registered, messages = kept.registered, []
    homes = kept.homes()
    for home, digest in zip(homes[1:], kept.digests[1:], strict=True):
        name = (home / RECIPE).relative_to(kept.folder.path)
        try:
            same = training_hash(load_recipe(home / RECIPE, check=False)) == digest
        except PapertrialError as error:
            messages.append(f"{name} cannot be read: {error}")
            continue
        if not same:
            messages.append(f"{name} is not the other side that was registered")
    agrees = f"{RECIPE} gives the registered rule and hashes; training {kept.digests[0]}"
    try:
        recipe = load_recipe(homes[0] / RECIPE, check=False)
        absent = _absent(recipe)
        if absent:
            messages += _unlike_rule(kept, recipe)
            agrees = f"{RECIPE} gives the registered rule, and training {kept.digests[0]}"
            told = f"its other side, {', '.join(absent)}, is not here, so its hash was not taken"
            yield noted("recipe", f"{RECIPE}: {told}")
        else:
            again = register(recipe, threads=registered["threads"], device=registered["device"])
            fixed = {key: registered[key] for key in _FIXED if key in registered}
            messages += _unlike(fixed, again.registered)
    except PapertrialError as error:
        messages.append(f"{RECIPE} cannot be registered again: {error}")
    yield from differing("recipe", messages, agrees)


def _absent(recipe: Recipe) -> list[str]:
    """Return the files of the other sides of differences that are not on this machine."""
    named = [claim.versus.recipe for claim in recipe.claims if claim.versus is not None]
    files = [name for name in named if name is not None and Path(name).is_absolute()]
    return [name for name in dict.fromkeys(files) if not Path(name).is_file()]


def _unlike_rule(kept: Kept, recipe: Recipe) -> Iterator[str]:
    """Compare the claims and the training alone: what can be where another side is not here."""
    judged = [c for c in recipe.claims if c.not_judged is None and c.kind != "exact"]
    if tuple(map(to_judged_claim, judged)) != kept.rule.claims:
        yield f"{RECIPE} has other claims than those registered"
    if training_hash(recipe) != kept.digests[0]:
        yield f"{RECIPE} is another training than the one registered"


def _unlike(registered: Any, again: Any, where: str = "") -> Iterator[str]:
    """Yield in words where two trees of plain values are unlike."""
    if isinstance(registered, Mapping) and isinstance(again, Mapping):
        for key, value in registered.items():
            yield from _unlike(value, again.get(key), f"{where}.{key}" if where else key)
    elif isinstance(registered, list) and isinstance(again, list) and len(registered) == len(again):
        for i, (one, other) in enumerate(zip(registered, again, strict=True)):
            yield from _unlike(one, other, f"{where}.{i}")
    elif registered != again:
        yield f"{where} is registered as {shown(registered)}; {RECIPE} has {shown(again)}"


def check_seeds(kept: Kept) -> Iterator[Finding]:
    """Find seeds that were not registered, or that ended twice."""
    seeds = [outcome.seed for outcome in kept.outcomes]
    messages = [
        f"seed {seed} is in {OUTCOMES}, but not among the registered ones"
        for seed in seeds
        if seed not in kept.rule.seeds
    ]
    messages += [
        f"seed {seed} has more than one record in {OUTCOMES}"
        for seed in sorted(set(seeds))
        if seeds.count(seed) > 1
    ]
    messages += [
        f"seed {outcome.seed} is in {OUTCOMES} as {outcome.state!r}, which no seed can be"
        for outcome in kept.outcomes
        if outcome.state not in ("finished", "diverged", "crashed")
    ]
    lost = [o for o in kept.outcomes if o.state in ("diverged", "crashed")]
    failed = f"; {', '.join(f'seed {o.seed} {o.state}' for o in lost)}" if lost else ""
    told = ", ".join(map(str, sorted(seeds))) or "none"
    agrees = f"{len(seeds)} of {len(kept.rule.seeds)} registered seeds ended: {told}{failed}"
    yield from differing("seeds", messages, agrees)


def check_unused(kept: Kept, look: Look) -> Iterator[Finding]:
    """Tell of registered seeds that ended, but that no verdict was taken of."""
    used = {outcome.seed for outcome in look.outcomes}
    for seed in dict.fromkeys(outcome.seed for outcome in kept.outcomes):
        if seed in kept.rule.seeds and seed not in used:
            yield noted("seeds", f"seed {seed} ended, but no verdict was taken of it")


def read_object(folder: VerificationFolder, name: str) -> dict[str, Any]:
    """Read a JSON object; RunError where it is none."""
    value = folder.read_json(name)
    if not isinstance(value, dict):
        raise RunError(f"{folder.path / name} is damaged: it is no JSON object")
    return value
