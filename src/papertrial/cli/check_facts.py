"""The facts of a check as the lines that `papertrial check` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from papertrial.cli.size_and_duration import duration, size
from papertrial.numbers import as_written, percent, plural

if TYPE_CHECKING:
    from papertrial.checks.check_result import CheckFacts
    from papertrial.checks.program_facts import ProgramFacts, RunFacts, ScoreFacts, SeedFacts
    from papertrial.runs.build_optimizers import GroupSize

_SHOWN = 5  # files of a folder
_STREAMS = {
    "init": "initial weights",
    "order": "batches",
    "augment": "augmentation",
    "model": "draws of the model",
    "splits": "splits",
}


def fact_lines(facts: CheckFacts) -> list[str]:
    """Return the lines on what a check measured."""
    return _program_lines(facts.program) if facts.program else _training_lines(facts)


def _training_lines(facts: CheckFacts) -> list[str]:
    lines = []
    if facts.rows is not None:
        lines.append("samples: " + ", ".join(f"{n:,} {name}" for name, n in facts.rows.items()))
    lines += facts.notes or []
    lines += [note.text for note in facts.reading or ()]
    if facts.unknown_words is not None:
        shares = ", ".join(f"{percent(share)} {n}" for n, share in facts.unknown_words.items())
        lines.append(f"unknown words: {shares}")
    words = facts.vocabulary
    if words is not None and words.coverage is not None:
        lines.append(f"vectors: {words.vectors} cover {percent(words.coverage)} of the words")
    cost, first = facts.cost, facts.first_loss
    if cost is not None:
        trained = cost.trainable_parameters
        all_ = "all" if trained == cost.parameters else f"{trained:,}"
        lines.append(f"parameters: {cost.parameters:,}, {all_} of them trainable")
    lines += [line for one in facts.weights for line in one.lines]
    if facts.frozen is not None:
        lines.append(facts.frozen.text)
    lines += map(_group_line, facts.groups or ())
    if first is not None and first.value is not None:
        guess = "" if first.expected is None else f" (random guessing: {first.expected:.4f})"
        lines.append(f"first loss: {first.value:.4f}{guess}")
    if facts.streams is not None:
        moved = facts.streams.moved
        rest = [text for name, text in _STREAMS.items() if name not in moved]
        unmoved = f"; not {', '.join(rest)}" if rest else ""
        lines.append(
            f"seed changes: {', '.join(_STREAMS[name] for name in moved) or 'nothing'}{unmoved}"
        )
    if cost is not None:
        took = duration(cost.seconds)
        lines.append(
            f"estimate: {took} for the whole run on {facts.device}; {size(cost.bytes)} of memory "
            "for one step and the data, in addition to torch itself"
        )
    return lines


def _group_line(group: GroupSize) -> str:
    tensors = plural(group.tensors, "tensor")
    options = ", ".join(f"{name}: {value}" for name, value in group.options.items())
    name = group.optimizer.rpartition(".")[2].rpartition(":")[2]
    return (
        f"{group.where}: {plural(group.parameters, 'parameter')} in {tensors}, {name}"
        f"{f' with {options}' if options else ''}"
    )


def _program_lines(facts: ProgramFacts) -> list[str]:
    lines = []
    if facts.code is not None:
        code = facts.code
        commit = f"commit {code.commit[:12]}" if code.commit else "not in a Git repository"
        changed = f", {plural(len(code.changed), 'file')} changed" if code.changed else ""
        lines.append(f"code: {code.folder}, {plural(code.files, 'file')}, {commit}{changed}")
    if facts.interpreter is not None:
        found = facts.interpreter
        python = f", Python {found.version} with {plural(found.packages, 'package')}"
        lines.append(f"interpreter: {found.path}{python if found.version else ''}")
    for name, score in (facts.scores or {}).items():
        lines += _score_lines(name, score)
    if facts.seed is not None:
        lines += _seed_lines(facts.seed)
    if facts.run is not None:
        lines += _run_lines(facts.run, "seed" if facts.seed is None or facts.seed.taken else "run")
    for root, files in (facts.written or {}).items():
        more = ", ..." if len(files) > _SHOWN else ""
        lines.append(
            f"changed meanwhile in {root}, perhaps by other processes: "
            f"{', '.join(files[:_SHOWN])}{more}"
        )
    if facts.not_seen is not None:
        lines.append(f"not seen: {facts.not_seen}")
    return lines


def _score_lines(name: str, score: ScoreFacts) -> list[str]:
    line = "" if score.line is None else f" line {score.line}"
    value = as_written(score.value)
    shown = (
        f"{as_written(round(100 * score.value, 10))} %, as {value}"
        if score.unit == "percent"
        else value
    )
    matches = "" if score.matches == 1 else f"; {score.which} of {score.matches:,} values"
    return [f"{name}: {shown}, from {score.file}{line}: {score.text}{matches}"]


def _seed_lines(facts: SeedFacts) -> list[str]:
    lines = []
    first = facts.tried[0]
    if facts.deterministic is not None:
        same = "the same scores: deterministic" if facts.deterministic else "different scores"
        lines.append(f"seed {first} twice: {same}" if facts.taken else f"two runs: {same}")
    if facts.differ is not None:
        others = [seed for seed in dict.fromkeys(facts.tried) if seed != first]
        listed = ", ".join(map(str, [first, *others]))
        differ = "different scores" if facts.differ else "the same scores"
        lines.append(f"seeds {listed}: {differ}")
    return lines


def _run_lines(run: RunFacts, noun: str) -> list[str]:
    quick = f" with {' '.join(run.quick)}" if run.quick else ""
    stopped = ", when it was stopped" if run.stopped else ""
    files = plural(run.produced_files, "file")
    lines = [
        f"one {noun}{quick}: {duration(run.seconds)}{stopped}, {size(run.peak_memory)} of memory "
        f"for its largest process; it wrote {files} with {size(run.produced_bytes)}"
    ]
    if run.least_seconds is not None and run.most_seconds is not None:
        least, most = run.seeds
        lines.append(
            f"estimate: {duration(run.least_seconds)} to {duration(run.most_seconds)} for a "
            f"verification, {least} to {most} {noun}s with one worker"
        )
    return lines
