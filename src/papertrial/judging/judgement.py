"""The result of `judge`: the verdict on claims by scores that existed before the rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from papertrial.claims.verdict import Verdict
from papertrial.judging.words import NOT_REGISTERED
from papertrial.report.report_files import write_report
from papertrial.store.answers import JudgeAnswer
from papertrial.store.report_record import ClaimResult, Report
from papertrial.store.verification_folder import REPORT_HTML
from papertrial.store.verification_records import ClaimLine


@dataclass(frozen=True)
class Judgement:
    """The verdict on claims by scores that existed before the rule.

    Attributes:
        verdict: on all claims together.
        headline: the sentence that says so.
        claims: a line on each claim.
        seeds: of the runs that the verdict rests on, or their numbers from 1.
        scores: the name of the table.
        recipe: the name of the recipe with the claims; None without one.
        warnings: what a reader should know about the claims and the scores.
        report: everything that is known, as `write` stores it.
        folder: where the report was written; None if it was not.
    """

    verdict: Verdict
    headline: str
    claims: tuple[ClaimLine, ...]
    seeds: tuple[int, ...] = field(repr=False)
    scores: str
    recipe: str | None
    warnings: tuple[str, ...] = field(repr=False)
    report: Report = field(repr=False)
    folder: Path | None = None
    deviations: tuple[str, ...] = ()

    registered = False  # in advance

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The interval of the first claim's number; None where a side is open."""
        return self.claims[0].low, self.claims[0].high

    @property
    def results(self) -> tuple[ClaimResult, ...]:
        """All that is known of each claim: evidence, scores, and how it was decided."""
        return self.report.claims

    @property
    def note(self) -> str:
        """That the rule was not registered in advance, and what that costs."""
        known = self.report.unregistered
        texts = () if known is None else known.text
        return " ".join([f"{NOT_REGISTERED[0].upper()}{NOT_REGISTERED[1:]}.", *texts])

    @property
    def page(self) -> Path | None:
        """The report that was written; None if it was not."""
        return None if self.folder is None else self.folder / REPORT_HTML

    def write(self, folder: str | Path) -> Path:
        """Write the report into a folder: report.html, report.md and report.json.

        Returns:
            the path of report.html.

        Raises:
            RunError: the folder cannot be written to.
        """
        path = Path(folder)
        return write_report(path, self.report.model_copy(update={"path": str(path)}))

    def to_json(self) -> dict[str, object]:
        """Return the values that `papertrial judge --json` prints: those of `verify`, and more."""
        return JudgeAnswer(
            recipe=self.recipe,
            verdict=self.verdict,
            report=None if self.page is None else str(self.page),
            verification=None,
            preregistration=None,
            seeds=self.seeds,
            claims=self.claims,
            headline=self.headline,
            deviations=self.deviations,
            registered=self.registered,
            note=self.note,
            scores=self.scores,
            warnings=self.warnings,
        ).to_plain()
