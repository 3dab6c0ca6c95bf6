"""Reports as one plain dict, made from run folders, and written as JSON, Markdown and HTML.

What the dict holds is what `papertrial.report` renders; a part of which nothing is known is None or
empty.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from papertrial.errors import RunError
from papertrial.numbers import as_written, number
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.schema import Recipe
from papertrial.report.mistakes import mistakes
from papertrial.report.run_results import (
    by_class,
    curves,
    judged_split,
    provenance,
    spreads,
    task_of,
)
from papertrial.runs.run import Run
from papertrial.store.run_folder import RECIPE, RunFolder
from papertrial.store.run_records import Provenance
from papertrial.store.verification_folder import (
    PREREGISTRATION,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_MD,
    VerificationFolder,
)

_LEAST = ("kind", "recipe", "headline", "warnings")  # without these nothing is a report
_HASH = 12  # letters of a fingerprint that a sentence shows; provenance has all of them


def parts_of_runs(runs: Sequence[Run], *, data: str | Path | None = None) -> dict[str, Any]:
    """Return what the folders of finished runs say, as parts of a report.

    Args:
        runs: seeds of one recipe, or one run.
        data: the data folder, for the samples that the first run is wrong about.

    Returns:
        "curves", "confusion", "per_class", "mistakes", "metrics", "fixed", "provenance" and
        "not_covered" as a report has them, and "warnings", which a report has of other parts too.

    Raises:
        RunError: there is no run, or a file of one is absent or damaged.
    """
    if not runs:
        raise RunError("a report is made of finished runs, and there is none")
    classes = by_class(runs)
    worst, unseen = mistakes(runs[0], data=data)
    fixed, differing = _fixed(runs)
    return {
        "curves": curves(runs),
        "confusion": classes.confusion,
        "per_class": classes.per_class,
        "mistakes": worst,
        "metrics": spreads(runs),
        "fixed": fixed,
        "provenance": _provenance(runs[0], alone=len(runs) == 1),
        "not_covered": _not_covered(runs),
        "warnings": [*differing, *unseen],
    }


def run_report(run: Run, *, data: str | Path | None = None) -> dict[str, Any]:
    """Return the report of a single run: the same parts as a verification's, without a verdict.

    Args:
        run: a finished run.
        data: the data folder; None for the usual one.

    Raises:
        RunError: a file of the run is absent or damaged.
    """
    recipe, parts = run.recipe, parts_of_runs([run], data=data)
    warnings = [*_chosen(run), *parts.pop("warnings")]
    found = list(zip(recipe.claims, run.summary.claims, strict=False))
    return {
        "kind": "run",
        "recipe": recipe.name,
        "task": recipe.task,
        "paper": recipe.paper.model_dump(),
        "headline": _headline(run),
        "verdict": None,
        "deviations": list(recipe.deviations),
        "warnings": warnings,
        "claims": [_claim(run, claim, told.ours) for claim, told in found if _trained(claim)],
        "exact": [_count(claim, told.ours) for claim, told in found if not _trained(claim)],
        "seeds": [],
        "varied": None,
        "diverged": None,
        **parts,
        "attempts": [],
        "preregistration": None,
        "command": _rerun(run),
        "path": str(run.path),
    }


def write_report(folder: Path, report: dict[str, Any]) -> Path:
    """Write a report into a folder as report.json, report.md and report.html, each whole or not.

    Returns:
        the path of report.html.

    Raises:
        RunError: the folder cannot be written to.
    """
    from papertrial.report.render.html import render_html  # noqa: PLC0415  (matplotlib is slow to import)
    from papertrial.report.render.markdown import render_markdown  # noqa: PLC0415

    report = json.loads(json.dumps(report, allow_nan=False))  # as it will be read
    pages = {REPORT_MD: render_markdown(report), REPORT_HTML: render_html(report)}
    kept = RunFolder(folder)
    kept.write_json(REPORT_JSON, report)
    for name, text in pages.items():
        kept.write(name, text)
    return folder / REPORT_HTML


def kept_report(folder: Path) -> dict[str, Any]:
    """Read the report that lies in a folder.

    Raises:
        RunError: there is none, because the verification is not finished or its file is gone, or
            it is damaged.
    """
    path = folder / REPORT_JSON
    if not path.is_file() and (folder / PREREGISTRATION).is_file():
        state = VerificationFolder(folder).state.get("state", "not started")
        if state != "finished":
            rule = f"the verification {folder} is not finished (its state is {state!r}), so it has "
            again = "no report yet; the same `papertrial verify` command goes on with it"
            raise RunError(rule + again)
    report = RunFolder(folder).read_json(REPORT_JSON)
    lacking = [key for key in _LEAST if not isinstance(report, dict) or key not in report]
    if lacking:
        raise RunError(f"{path} is damaged: it is no report, it lacks {', '.join(lacking)}")
    kept: dict[str, Any] = report
    return kept


def rendered_again(folder: Path) -> dict[str, str]:
    """Return what the report that lies in a folder renders to, by file name; nothing is written.

    Raises:
        RunError: there is none, or it is damaged.
    """
    from papertrial.report.render.html import render_html  # noqa: PLC0415
    from papertrial.report.render.markdown import render_markdown  # noqa: PLC0415

    report = kept_report(folder)
    try:
        return {REPORT_HTML: render_html(report), REPORT_MD: render_markdown(report)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        rule = f"{folder / REPORT_JSON} is damaged: {type(error).__name__}: {error}"
        raise RunError(rule) from error


def _trained(claim: Claim) -> bool:
    return claim.kind != "exact"


def _headline(run: Run) -> str:
    claims = list(zip(run.recipe.claims, run.summary.claims, strict=False))
    judged = [(claim, kept) for claim, kept in claims if _trained(claim) and not kept.not_judged]
    told = [kept for _, kept in judged if kept.ours is not None]
    split = judged_split(run)
    metric = next(
        (name for name in (task_of(run).headline, *run.metrics[split])
         if isinstance(run.metrics[split].get(name), int | float)),
        None,
    )  # fmt: skip
    if told:
        split, metric = told[0].split, told[0].metric
    found = run.metrics[split][metric] if metric else None
    score = f": {split} {metric} {number(found)}" if isinstance(found, int | float) else ""
    mark = " (optimistic)" if run.summary.report.optimistic and split == "test" else ""
    can_be = told or any(claim.is_gain for claim, _ in judged)
    end = "; `papertrial verify` gives one." if can_be else "."
    name = f"{run.recipe.name}, one run (seed {run.recipe.seed})"
    return f"{name}{score}{mark}. One run is no verdict{end}"


def _count(claim: Claim, ours: float | None) -> dict[str, Any]:
    """Set a claimed number of parameters or samples beside that of the run; no verdict is given."""
    return {
        "metric": claim.metric,
        "split": None if claim.metric == "parameters" else claim.split,
        "value": claim.number,
        "printed": claim.printed,
        "ours": ours,
        "verdict": None,
        "why": "" if claim.not_judged is None else f"not judged: {claim.not_judged}",
        "where": claim.where,
        "url": claim.url,
    }


def _chosen(run: Run) -> list[str]:
    """Say how the run's numbers were chosen, where a reader must know it."""
    report, lines = run.summary.report, list[str]()
    if report.optimistic:
        last = (report.last_metrics or run.metrics)["test"]
        numbers = [f"{k} {number(v)}" for k, v in last.items() if isinstance(v, int | float)]
        lines.append(
            "OPTIMISTIC: the epoch was chosen by the test split, so its test numbers are better "
            f"than the model is; test at the last epoch: {', '.join(numbers)}"
        )
    elif report.test_evaluations:
        lines.append(
            f"the test split was looked at {report.test_evaluations} times before the end; it "
            "chose nothing"
        )
    return lines


def _claim(run: Run, claim: Claim, ours: float | None) -> dict[str, Any]:
    """Set a claim beside what one run gave, which decides nothing."""
    band = to_judged_claim(claim).band if claim.not_judged is None else (-math.inf, math.inf)
    said = describe(claim).partition("; tolerance")[0]
    return {
        "metric": claim.metric,
        "split": claim.split,
        "kind": claim.kind,
        "side": claim.judged_side,
        "value": claim.number,
        "printed": claim.printed,
        "reported": said.removeprefix(f"{claim.split} {claim.metric} "),
        "tolerance": claim.allowed,
        "band": [side if math.isfinite(side) else None for side in band],
        "where": claim.where,
        "url": claim.url,
        "unverified": claim.unverified,
        "n": 0 if ours is None else 1,
        "mean": ours,
        **dict.fromkeys(("sd", "low", "high", "level", "holds_within")),
        **dict.fromkeys(("verdict", "verdict_median", "decided_at")),
        "why": "needs the other side: `papertrial verify`" if claim.is_gain else "",
        "optimistic": claim.best_epoch_on_test and ours is not None,
        "not_judged": claim.not_judged,
        "runs": claim.runs,
        "prediction": None,
        "place": None,
        "scores": [] if ours is None else [[run.recipe.seed, ours]],
        "intervals": [],
        "plus_minus": None,
        "pairing": None,
    }


def _fixed(runs: Sequence[Run]) -> tuple[list[str], list[str]]:
    """Return sentences on what was the same for all runs, and warnings where it was not."""
    kept = [provenance(run) for run in runs]
    fixed, differing = [*_cut(runs[0].recipe)], []
    for split in kept[0].data:
        seen = [one.data.get(split) for one in kept]
        if any(one != seen[0] for one in seen):
            differing.append(f"the runs did not have the same {split} part")
            continue
        name = {"train": "training", "test": "test"}.get(split, split)
        part = kept[0].data[split]
        mark = part.fingerprint[:_HASH]
        fixed.append(f"{name} set: {part.rows:,} rows, fingerprint {mark}")
    told = {
        "recipe, all but the seed": ("recipe", [_digest(one) for one in kept]),
        "CPU threads": ("number of threads", [str(one.environment.threads) for one in kept]),
        "device": ("device", [_device(one) for one in kept]),
    }
    for name, (what, values) in told.items():
        if len(set(values)) == 1:
            fixed.append(f"{name}: {values[0]}")
        else:
            shown = ", ".join(dict.fromkeys(values))
            differing.append(f"the runs did not have the same {what}: {shown}")
    for package in dict.fromkeys(name for one in kept for name in one.environment.versions):
        values = [str(one.environment.versions.get(package)) for one in kept]
        if len(set(values)) > 1:
            shown = ", ".join(dict.fromkeys(values))
            differing.append(f"the runs did not have the same version of {package}: {shown}")
    return fixed, differing


def _digest(kept: Provenance) -> str:
    return f"training hash {kept.training_hash[:_HASH]}"


def _device(kept: Provenance) -> str:
    """Return the kind of device and its name; which of several GPUs does not matter."""
    kind = kept.environment.device.partition(":")[0]
    return ", ".join(filter(None, (kind, kept.environment.device_name)))


def _cut(recipe: Recipe) -> list[str]:
    """Say how the parts of the set were made."""
    cuts, lines = recipe.data.splits, []
    drawn = {"test": cuts.test, "validation": cuts.validation}
    parts = [f"{name} {_portion(size)}" for name, size in drawn.items() if size is not None]
    if not parts:
        lines.append("split: the parts are the source's own")
    else:
        how = "the last rows"
        if cuts.draw == "random":
            classes = ", in class proportions" if cuts.stratify else ""
            how = f"drawn at random with split seed {cuts.seed}{classes}"
        lines.append(f"split: {' and '.join(parts)} taken off the training rows, {how}")
    if recipe.data.limit is not None:
        rows = f"at most {recipe.data.limit:,} rows of each part"
        lines.append(f"limit: {rows}, drawn with split seed {cuts.seed}")
    return lines


def _portion(size: float | int) -> str:
    return f"{size:,} rows" if isinstance(size, int) else f"{as_written(100 * size)} %"


def _provenance(run: Run, *, alone: bool) -> list[list[str]]:
    """Return rows of name and value on where a run comes from; those of all seeds if not alone."""
    kept = provenance(run)
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
        rows[f"{split} data"] = f"{about.rows:,} rows, SHA-256 {about.fingerprint}"
    for one in kept.dependencies:
        copy = "" if one.copied else f", not copied: {one.path}"
        rows[f"{one.kind} {one.name}"] = f"SHA-256 {one.sha256}{copy}"
    rows |= {f"package {name}": version for name, version in kept.packages.items()}
    if kept.init_from is not None:
        start = kept.init_from
        rows["started from"] = f"{start.run}, weights SHA-256 {start.weights_sha256}"
    if alone:
        rows |= {
            "recipe hash": kept.recipe_hash,
            "command": _command(there.command),
            "started": kept.started,
            "ended": kept.ended or "",
            "seconds": f"{run.summary.seconds.total:.1f}",
        }
    first = ["papertrial", *(name for name in rows if name != "papertrial")]
    return [[name, rows[name]] for name in first if rows.get(name)]


def _not_covered(runs: Sequence[Run]) -> list[str]:
    """Return what could not be traced of the files that runs depend on, or was not copied."""
    told = (note for run in runs for note in provenance(run).not_covered)
    return list(dict.fromkeys(told))


def _command(line: str) -> str:
    """Return a command as it is typed: by its name, wherever it is installed."""
    try:
        words = shlex.split(line)
    except ValueError:
        return line
    if not words:
        return line
    program = Path(words[0])
    name = "python -m papertrial" if program.name == "__main__.py" else shlex.quote(program.name)
    return " ".join([name, *map(shlex.quote, words[1:])])


def _rerun(run: Run) -> str:
    """Return the command that trains the run again, with as many threads on such a device."""
    there = provenance(run).environment
    words = ["papertrial", "train", str(run.path / RECIPE), "--threads", str(there.threads)]
    device = there.device.partition(":")[0]
    return shlex.join([*words, "--device", device])
