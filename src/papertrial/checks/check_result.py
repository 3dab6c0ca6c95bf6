"""The result of `papertrial.check`: the problems that it found and the facts that it measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from papertrial.checks.program_facts import ProgramFacts
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.reading_note import ReadingNote

if TYPE_CHECKING:  # torch, which a program does not need
    from papertrial.checks.class_balance import ClassBalance
    from papertrial.checks.cost import Cost
    from papertrial.checks.leaks import SharedSamples
    from papertrial.checks.loss_fit import FirstLoss
    from papertrial.checks.seed_streams import SeedStreams
    from papertrial.runs.build_optimizers import GroupSize
    from papertrial.store.run_records import InitialWeights, VocabularyFacts
    from papertrial.training.freeze import Frozen


@dataclass
class CheckFacts:
    """What a check measured. A fact is None if an error kept it from being measured.

    Attributes:
        device: where the model was tried, such as "cpu" or "cuda:0".
        rows: number of samples by split.
        notes: remarks on what was checked.
        reading: what reading the data left out, converted, guessed or filled.
        leaks: samples that are in more than one split.
        balance: class counts; None for regression.
        unknown_words: share of the tokens of each split that are unknown words; None without texts,
            or if the tokenizer has no token for them.
        vocabulary: size of a text vocabulary and its coverage by word vectors; None without texts.
        weights: what was loaded of files of weights; () without any.
        frozen: what of the model is not trained; None if the recipe freezes nothing.
        batch: shape of the first training batch, [B, ...].
        first_loss: loss of the untrained model on that batch.
        streams: which random streams the seed moves.
        groups: the sizes of the parameter groups; None without groups.
        cost: estimated time and memory of the whole run.
        program: what is known of a program, in place of all others; None for a trained recipe.
    """

    device: str | None = None
    rows: dict[str, int] | None = None
    notes: list[str] | None = None
    reading: tuple[ReadingNote, ...] | None = None
    leaks: SharedSamples | None = None
    balance: ClassBalance | None = None
    unknown_words: dict[str, float] | None = None
    vocabulary: VocabularyFacts | None = None
    weights: tuple[InitialWeights, ...] = ()
    frozen: Frozen | None = None
    batch: list[int] | None = None
    first_loss: FirstLoss | None = None
    streams: SeedStreams | None = None
    groups: tuple[GroupSize, ...] | None = None
    cost: Cost | None = None
    program: ProgramFacts | None = None

    def to_json(self) -> dict[str, object]:
        """Return the facts that the check measured as a JSON object, without the others."""
        facts: dict[str, object] = {
            "device": self.device,
            "rows": self.rows,
            "notes": self.notes,
            "reading": None if self.reading is None else [n.to_plain() for n in self.reading],
            "leaks": self.leaks and self.leaks.to_json(),
            "balance": self.balance and asdict(self.balance),
            "unknown_words": self.unknown_words,
            "vocabulary": self.vocabulary and self.vocabulary.to_plain(),
            "weights": [one.to_plain() for one in self.weights] or None,
            "frozen": self.frozen and asdict(self.frozen),
            "batch": self.batch,
            "streams": self.streams and asdict(self.streams),
            "groups": self.groups and [asdict(group) for group in self.groups],
            "program": self.program and self.program.to_json(),
        }
        measured = {name: fact for name, fact in facts.items() if fact is not None}
        if self.first_loss is not None:
            measured["first_loss"] = self.first_loss.value
            measured["expected_first_loss"] = self.first_loss.expected
        return measured | (asdict(self.cost) if self.cost is not None else {})


@dataclass
class CheckResult:
    """The problems that a check found, and the facts that it measured.

    Attributes:
        recipe: the recipe's file or name, as it was given.
        problems: errors and warnings, in the order of the checks.
        facts: what was measured.
    """

    recipe: str
    problems: list[Diagnosis] = field(default_factory=list)
    facts: CheckFacts = field(default_factory=CheckFacts)

    @property
    def ok(self) -> bool:
        """Whether the check found no error; warnings do not count."""
        return not any(problem.severity == "error" for problem in self.problems)

    def to_json(self) -> dict[str, object]:
        """Return the result of the check as a JSON object: {"ok", "problems", "facts"}."""
        problems = [problem.to_json() for problem in self.problems]
        return {"ok": self.ok, "problems": problems, "facts": self.facts.to_json()}
