"""The provenance of a run in rows of a name and a value, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from papertrial.store.run_folder import RECIPE
from papertrial.store.run_records import Provenance, RunSummary


def provenance_rows(
    kept: Provenance, summary: RunSummary | None, scoring: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return the provenance of a run as rows of a name and a value.

    Args:
        kept: the run's provenance.
        summary: the run's results, for the rows of a single run; None for one seed of several,
            whose command and times are not those of the others.
        scoring: what `scoring_rows` returned.
    """
    there, git = kept.environment, kept.environment.git
    versions = {name: str(value) for name, value in there.versions.items() if value}
    commit = "none" if git is None else git.commit
    changed = " (with uncommitted changes)" if git and git.dirty else ""
    rows = {
        **versions,
        "device": " ".join(filter(None, (there.device, there.device_name))),
        "threads": str(there.threads),
        "platform": there.platform,
        "machine": f"{there.machine}, {there.cpus} CPUs",
        "git commit": commit + changed,
        "training hash": kept.training_hash,
    }
    for split, about in kept.data.items():
        if about.fingerprint:
            rows[f"{split} data"] = f"{about.rows:,} rows, SHA-256 {about.fingerprint}"
    for one in kept.dependencies:
        copy = "" if one.copied else f", not copied: {one.path}"
        rows[f"{one.kind} {one.name}"] = f"SHA-256 {one.sha256}{copy}"
    rows |= {f"package {name}": version for name, version in kept.packages.items()}
    if kept.init_from is not None:
        run = kept.init_from
        rows["started from"] = f"{run.run}, weights SHA-256 {run.weights_sha256}"
    for start in kept.initial_weights:
        rows[f"weights of {start.key}"] = "; ".join(start.notes)
        if start.key != "init_from":
            rows[f"weights of {start.key}"] += f"; {start.source}, SHA-256 {start.sha256}"
    if kept.frozen is not None:
        rows["frozen"] = kept.frozen
    rows |= scoring
    if summary is not None:
        rows |= {
            "recipe hash": kept.recipe_hash,
            "command": _as_typed(there.command),
            "started": kept.started,
            "ended": kept.ended or "",
            "seconds": f"{summary.seconds.total:.1f}",
        }
    first = ["papertrial", *(name for name in rows if name != "papertrial")]
    return tuple((name, rows[name]) for name in first if rows.get(name))


def _as_typed(line: str) -> str:
    """Return the command in a run's provenance with the bare name of its program."""
    try:
        words = shlex.split(line)
    except ValueError:
        return line
    if not words:
        return line
    program = Path(words[0])
    name = "python -m papertrial" if program.name == "__main__.py" else shlex.quote(program.name)
    return " ".join([name, *map(shlex.quote, words[1:])])


def train_again(path: Path, kept: Provenance) -> str:
    """Return the command that repeats a run, with the threads and device of its provenance."""
    there = kept.environment
    words = ["papertrial", "train", str(path / RECIPE), "--threads", str(there.threads)]
    device = there.device.partition(":")[0]
    return shlex.join([*words, "--device", device])
