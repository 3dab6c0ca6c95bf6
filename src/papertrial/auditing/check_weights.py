"""Check the stored weights of the seeds: their SHA-256, names and shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.finding import Finding, findings_of, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.seed_run import SeedRun, why_unreadable
from papertrial.errors import PapertrialError, RunError
from papertrial.store.run_folder import WEIGHTS, RunFolder
from papertrial.store.verification_folder import OUTCOMES

_HEADER = 8  # bytes at the start of a safetensors file: how long the JSON after them is


def check_weights(recorded: Recorded, sides: list[SeedRun]) -> Iterator[Finding]:
    """Compare the stored weights of each seed with their SHA-256 in outcomes.jsonl."""
    messages = []
    for seed, record in recorded.finished.items():
        digest, mine = hashlib.sha256(), [side for side in sides if side.seed == seed]
        for side in mine:
            try:
                for model in side.run.models:
                    digest.update(RunFolder(model.path).read(WEIGHTS))
            except PapertrialError as error:
                messages.append(f"{side}: {why_unreadable(error)}")
        if len(mine) == len(recorded.digests) and digest.hexdigest() != record.weights:
            messages.append(
                f"seed {seed}: the SHA-256 of {WEIGHTS} is {digest.hexdigest()}, {OUTCOMES} has "
                f"{record.weights}: one was changed"
            )
    agrees = f"{WEIGHTS} of {len(recorded.finished)} seeds have the recorded SHA-256"
    yield from findings_of("weights", messages, agrees)


def check_weight_shapes(sides: list[SeedRun]) -> Iterator[Finding]:
    """Compare names, shapes and types of the stored weights across the seeds of each side."""
    if not sides:
        return
    messages, firsts = list[str](), dict[int, tuple[SeedRun, dict[str, str]]]()
    models = list[SeedRun]()
    for side in sides:
        try:
            models += side.models
        except RunError as error:
            messages.append(f"{side}: {error}")
    for side in models:
        try:
            has = _weight_shapes(side.run.path / WEIGHTS)
        except RunError as error:
            messages.append(f"{side}: {error}")
            continue
        first, had = firsts.setdefault(side.arm, (side, has))
        messages += (
            f"{side}: {name} is {has.get(name, 'absent')}, {had.get(name, 'absent')} in {first}"
            for name in dict.fromkeys((*had, *has))
            if had.get(name) != has.get(name)
        )
    counts = ", ".join(str(len(had)) for _, had in firsts.values())
    agrees = f"{counts} tensors, of the same names and shapes in all {len(sides)} runs"
    yield from findings_of("parameters", messages, agrees)


def _weight_shapes(path: Path) -> dict[str, str]:
    """Return the type and shape of each stored weight, from the header of its safetensors file.

    Raises:
        RunError: it is absent or damaged.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_HEADER), "little")
            header: dict[str, dict[str, object]] = json.loads(
                file.read(min(length, path.stat().st_size))
            )
        return {
            name: f"{about['dtype']} {about['shape']}"
            for name, about in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path.name} is damaged: {shortened(str(error))}") from error
