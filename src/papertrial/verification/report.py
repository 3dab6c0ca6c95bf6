"""The report of a verification: its runs, the result for each claim, and all attempts."""

from __future__ import annotations

import shlex
from pathlib import Path

from papertrial.claims.labels import labels
from papertrial.claims.run_trial import Look
from papertrial.errors import RunError
from papertrial.judging.conclusion import Conclusion
from papertrial.programs.run_program import read_program_run
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.report.program_parts import parts_of_programs
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.runs.run import load_run
from papertrial.store.registration_files import KeptFiles
from papertrial.store.report_record import (
    Attempt,
    HashedRegistration,
    Report,
    SeedRow,
)
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import FILES, VerificationFolder, all_verification_folders
from papertrial.store.verification_records import Preregistration, RegisteredClaim, SeedRecord
from papertrial.verification.assemble_report import assemble_report
from papertrial.verification.earlier_looks import differing_parts
from papertrial.verification.registration import Registration
from papertrial.vocabulary import score_name


def verification_report(
    folder: VerificationFolder,
    recipe: AnyRecipe,
    asked: Registration,
    look: Look,
    conclusion: Conclusion,
    data: str | Path | None,
) -> Report:
    """Return the whole report of a verification, as report.json keeps it.

    Args:
        folder: of the verification.
        recipe: what was verified.
        asked: what was registered.
        look: the last one.
        conclusion: the results and the verdict, from `conclude`.
        data: the data folder, from which mistakes are shown.

    Raises:
        RunError: a file of the folder is absent or damaged.
    """
    used = {outcome.seed for outcome in look.outcomes}
    records = {record.seed: record for record in folder.outcomes()}
    finished = [o for o in look.outcomes if o.state == "finished"]
    places = {o.seed: folder.path / records[o.seed].runs[0] for o in finished}
    if isinstance(recipe, ProgramRecipe):
        ran = {seed: read_program_run(place) for seed, place in places.items()}
        kept = folder.read_record(FILES, KeptFiles)
        parts = parts_of_programs(recipe, ran, folder.registered, kept)
    else:
        runs = [load_run(place) for place in places.values()]
        parts = parts_of_runs(runs, data=data) if runs else RunParts()
    order = sorted(records, key=lambda seed: _registered_place(asked, seed))
    return assemble_report(
        recipe,
        asked,
        look,
        conclusion,
        parts,
        seeds=[_seed_row(asked, records[seed], used=seed in used) for seed in order],
        preregistration=HashedRegistration(sha256=folder.sha256, registered=folder.registered),
        command=_rerun(folder, asked, data),
        path=str(folder.path),
        attempts=attempts(folder, asked, look, conclusion),
    )


def named_scores(asked: Registration, record: SeedRecord) -> dict[str, float]:
    """Return a seed's number for each claim by the report's labels; none if it did not finish."""
    claims = asked.rule.claims
    return dict(zip(labels(claims), record.numbers(claims), strict=False))


def _seed_row(asked: Registration, record: SeedRecord, *, used: bool) -> SeedRow:
    return SeedRow(
        seed=record.seed,
        state=record.state,
        error=record.error,
        seconds=record.seconds,
        run=record.runs[0] if record.runs else None,
        scores=named_scores(asked, record),
        used=used,
    )


def _rerun(folder: VerificationFolder, asked: Registration, data: str | Path | None) -> str:
    """Return the report's command to verify again with the same threads and kind of device."""
    given = asked.terms
    command = ["papertrial", "verify", str(folder.path / RECIPE), "--again"]
    command += ["--threads", str(given.threads), "--device", given.device]
    command += ["--runs", str(folder.path.parent.parent)]
    return shlex.join(command if data is None else [*command, "--data", str(data)])


def attempts(
    this: VerificationFolder, asked: Registration, look: Look, conclusion: Conclusion
) -> tuple[Attempt, ...]:
    """Return the attempts that the report lists: all verifications of the recipe, oldest first.

    Verifications under another name are among them if they trained the same seeds. The verdict of
    this one is not in its folder yet, so `conclusion` gives it.
    """
    found, used = [], [outcome.seed for outcome in look.outcomes]
    named = {one.verification for one in conclusion.earlier}
    for folder in all_verification_folders(this.path.parent.parent):
        mine, home = folder.path == this.path, folder.path.parent.name
        if home != asked.terms.recipe and f"{home}/{folder.path.name}" not in named:
            continue
        try:
            state, registered = folder.state, folder.registered
            records = folder.outcomes()
            ended = {record.seed for record in records}
            found.append(
                Attempt(
                    path=str(folder.path),
                    preregistration=folder.sha256,
                    started=state.started if state else None,
                    state="finished" if mine else state.state if state else "not started",
                    verdict=conclusion.verdict if mine else state.verdict if state else None,
                    n=sum(record.state == "finished" for record in records),
                    rule=_attempted_rule(registered),
                    this=mine,
                    shared=() if mine else tuple(seed for seed in used if seed in ended),
                    differs=() if mine else differing_parts(asked.terms, registered.terms),
                )
            )
        except RunError as error:
            found.append(_damaged(folder, error, this=mine))
    return tuple(found)


def _damaged(folder: VerificationFolder, error: RunError, *, this: bool) -> Attempt:
    return Attempt(
        path=str(folder.path),
        preregistration="",
        started=None,
        state=f"damaged: {error}",
        verdict=None,
        n=0,
        rule="",
        this=this,
    )


def _attempted_rule(registered: Preregistration) -> str:
    """Return the claims and the rule of an attempt as one line of the verification report."""
    claims = [
        f"{score_name(claim.split, claim.metric)} {claim.kind} {claim.value:g} {_allowed(claim)}"
        + (" about new samples" if claim.judged.is_about_new_samples else "")
        for claim in registered.claims
    ]
    how = (
        f"{registered.statistic}, {registered.horizon}, at most {registered.maximum} seeds, "
        f"alpha {registered.alpha}"
    )
    if registered.sd is not None:
        how += f", SD {registered.sd.meaning} {registered.sd.value:g}"
    others = (("counted", registered.exact), ("not judged", registered.not_judged))
    more = [f"{len(claims)} {words}" for words, claims in others if claims]
    return "; ".join([*claims, how, *more])


def _allowed(claim: RegisteredClaim) -> str:
    """Return the tolerance of an attempt's claim, or by when its target must be reached."""
    if claim.reach is not None:
        return f"by {claim.reach.at(claim.reach.by)}, {claim.reach.reading}"
    return f"tolerance {claim.tolerance:g}"


def _registered_place(asked: Registration, seed: int) -> int:
    """Return a seed's place in the report: that in the registered order; unknown seeds are last."""
    seeds = asked.rule.seeds
    return seeds.index(seed) if seed in seeds else len(seeds)
