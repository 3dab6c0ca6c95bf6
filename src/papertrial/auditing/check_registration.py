"""Check what was fixed before the first seed: its bytes, the recipe that it names, the seeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.compare_json import unlike
from papertrial.auditing.finding import Finding, findings_of, noted, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.errors import PapertrialError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.report.report_files import read_report
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import (
    FOLDER_NAME,
    OUTCOMES,
    PREREGISTRATION,
    REPORT_JSON,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.store.verification_records import Terms
from papertrial.verification.registration import register

# What a recipe fixes. The sentences only explain, and another version may word them otherwise; the
# method, threads and device are not the recipe's.
_FIXED = (
    "recipe", "recipe_hash", "training_hash", "versus", "files", "claims", "exact", "not_judged",
    "alpha", "statistic", "prior", "sd", "first_look", "horizon", "max_diverged", "seeds",
    "seeds_from", "maximum", "reported_epoch",
)  # fmt: skip


def check_registration_bytes(folder: VerificationFolder) -> Iterator[Finding]:
    """Compare the SHA-256 of preregistration.json with every file that keeps it."""
    sha, state, messages = folder.sha256, folder.state, list[str]()
    kept: dict[str, str | None] = {**folder.recorded_digests()}
    named = kept.pop(FOLDER_NAME, None)
    if state is None and (folder.path / OUTCOMES).is_file():
        messages.append(f"there is no {VERIFICATION}, though seeds ended")
    if (folder.path / REPORT_JSON).is_file():
        shown = read_report(folder.path).preregistration
        kept[REPORT_JSON] = None if shown is None else shown.sha256
        if shown is None or shown.registered != folder.registered:
            messages.append(f"what {REPORT_JSON} shows as registered is not {PREREGISTRATION}")
    elif state is not None and state.state == "finished":
        messages.append(f"there is no {REPORT_JSON}, though the verification finished")
    messages += [
        f"the SHA-256 of {PREREGISTRATION} is {sha}, but {name} has {digest}: one was changed"
        for name, digest in kept.items()
        if digest != sha
    ]
    if named is not None and named != sha[:8]:
        messages.append(f"the folder is named for {named}, but {PREREGISTRATION} has {sha[:8]}")
    also = f", also in {', '.join(kept)}" if kept else ""
    yield from findings_of("registration", messages, f"SHA-256 {sha}{also}")


def check_registered_recipe(recorded: Recorded) -> Iterator[Finding]:
    """Register the folder's recipe again, and compare with what was registered."""
    registered, messages = recorded.registered, list[str]()
    homes = recorded.homes()
    for home, digest in zip(homes[1:], recorded.digests[1:], strict=True):
        name = (home / RECIPE).relative_to(recorded.folder.path)
        try:
            same = training_hash(load_recipe(home / RECIPE, check=False)) == digest
        except PapertrialError as error:
            messages.append(f"{name} cannot be read: {error}")
            continue
        if not same:
            messages.append(f"{name} is not the other side that was registered")
    agrees = f"{RECIPE} gives the registered rule and hashes; training {recorded.digests[0]}"
    try:
        recipe = load_recipe(homes[0] / RECIPE, check=False)
        absent = _absent_recipes(recipe)
        if absent:
            messages += _unlike_rule(recorded, recipe)
            agrees = f"{RECIPE} gives the registered rule, and training {recorded.digests[0]}"
            missing = f"its other side, {', '.join(absent)}, is not here"
            yield noted("recipe", f"{RECIPE}: {missing}, so its hash was not computed")
        else:
            again = register(recipe, threads=registered.threads, device=registered.device)
            messages += _unlike_registration(registered, again.terms)
    except PapertrialError as error:
        messages.append(f"{RECIPE} cannot be registered again: {error}")
    yield from findings_of("recipe", messages, agrees)


def _absent_recipes(recipe: AnyRecipe) -> list[str]:
    """Return the other recipes that a registered recipe names but that are not on this machine."""
    named = [claim.versus.recipe for claim in recipe.claims if claim.versus is not None]
    files = [name for name in named if name is not None and Path(name).is_absolute()]
    return [name for name in dict.fromkeys(files) if not Path(name).is_file()]


def _unlike_rule(recorded: Recorded, recipe: AnyRecipe) -> Iterator[str]:
    """Compare only claims and our training with the registered ones, for when a side is absent."""
    judged = [c for c in recipe.claims if c.not_judged is None and c.kind != "exact"]
    claims = [to_judged_claim(claim, recipe) for claim in judged]
    if claims != [claim.judged for claim in recorded.registered.claims]:
        yield f"{RECIPE} has other claims than those registered"
    if training_hash(recipe) != recorded.digests[0]:
        yield f"{RECIPE} is another training than the one registered"


def _unlike_registration(registered: Terms, again: Terms) -> Iterator[str]:
    had, has = registered.to_plain(), again.to_plain()
    for key in _FIXED:
        for one in unlike(had[key], has[key], where=key):
            now = f"{RECIPE} has {shortened(one.second)}"
            yield f"{one.where} is registered as {shortened(one.first)}; {now}"


def check_registered_seeds(recorded: Recorded) -> Iterator[Finding]:
    """Check that every seed in outcomes.jsonl was registered, and is there once.

    If the seeds were drawn from a text, draw them again.
    """
    seeds, messages = [outcome.seed for outcome in recorded.outcomes], list[str]()
    text, registered = recorded.registered.seeds_from, recorded.rule.seeds
    if text is not None and draw_seeds(text, len(registered)) != registered:
        messages.append(f"the registered seeds are not those that the text {text!r} gives")
    messages += [
        f"seed {seed} is in {OUTCOMES}, but was not registered"
        for seed in seeds
        if seed not in recorded.rule.seeds
    ]
    messages += [
        f"seed {seed} has more than one record in {OUTCOMES}"
        for seed in sorted(set(seeds))
        if seeds.count(seed) > 1
    ]
    lost = [o for o in recorded.outcomes if o.state != "finished"]
    failed = f"; {', '.join(f'seed {o.seed} {o.state}' for o in lost)}" if lost else ""
    listed = ", ".join(map(str, sorted(seeds))) or "none"
    agrees = f"{len(seeds)} of {len(recorded.rule.seeds)} registered seeds ended: {listed}{failed}"
    agrees += "" if text is None else f"; all are drawn from the registered text {text!r}"
    yield from findings_of("seeds", messages, agrees)
