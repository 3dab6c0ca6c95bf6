"""Valid reports: of images, of hostile texts, undecided, of one run."""

from __future__ import annotations

import base64
import datetime
import io
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from papertrial.recipe.claims import Claim
from papertrial.record import Part
from papertrial.report.render.html import render_html
from papertrial.store.report_record import (
    Attempt,
    ClaimResult,
    ClassScores,
    CollapsedSeeds,
    ConfusionMatrix,
    Curve,
    Evidence,
    ExactResult,
    FailedSeeds,
    HashedRegistration,
    Mistake,
    PaperSource,
    RankAmongOurs,
    Report,
    SeedRow,
    Spread,
    WorstCase,
)
from papertrial.store.verification_records import Preregistration, RegisteredClaim

P = TypeVar("P", bound=Part)

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
HOSTILE = "<script>alert(1)</script> a | b\n\n# heading `code` [x](javascript:alert(2)) @someone"


def changed_record(record: P, **overrides: Any) -> P:
    """A record with other values, which are checked as those of a new one."""
    return type(record).model_validate({**dict(record), **overrides})


@pytest.fixture(scope="session")
def changed() -> Callable[..., Any]:
    """`changed(record, key=value)` is a valid record with other values."""
    return changed_record


def picture(seed: int) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


EVIDENCE = Evidence(
    after=((5, 4.06, 0.21), (6, 12.6, 0.21), (7, 24.83, 0.21), (8, 41.2, 0.21)), level=0.05,
    level_against=0.05, supports=20.0, opposes=20.0, refuted_within=None,
)  # fmt: skip
COLLAPSE = CollapsedSeeds(
    seeds=(), of=8, upper=0.312, text="0 of 8 seeds collapsed: the rate may be up to 31.2 %."
)
WORST = WorstCase(verdict="UNDECIDED", text="With 0 for the failed seed, it would be UNDECIDED.")


def claim(value: float, scores: list[float], **others: Any) -> ClaimResult:
    mean, sd = float(np.mean(scores)), float(np.std(scores, ddof=1))
    intervals: list[tuple[int, float | None, float | None]]
    intervals = [(n, None, None) for n in range(1, 5)]
    for n, wide in ((5, 2.29), (6, 1.70), (7, 1.42), (8, 1.25)):
        middle = float(np.mean(scores[:n]))
        intervals.append((n, middle - wide * sd, middle + wide * sd))
    _, low, high = intervals[-1]
    below = sum(score < value for score in scores)
    made = ClaimResult(
        metric="accuracy", split="test", kind="single-run", side="about", value=value,
        printed=f"{100 * value:.1f}%", reported=f"{100 * value:.1f} % (a single run)",
        tolerance=0.02, band=(value - 0.0205, value + 0.0205),
        where="English build (pytorch/tutorials)", url="https://example.org/quickstart",
        unverified=False, n=len(scores), mean=mean, sd=sd, low=low, high=high, level=0.05,
        holds_within=max(abs(low - value), abs(high - value)), verdict="REPRODUCED",
        verdict_median="UNDECIDED", decided_at=7,
        why="The whole interval lies in what counts as the same.", optimistic=False, runs=1,
        prediction=(mean - 2.5 * sd, mean + 2.5 * sd),
        place=RankAmongOurs(
            below=below, above=len(scores) - below, equal=0, z=(value - mean) / sd),
        scores=tuple(enumerate(scores)), intervals=tuple(intervals), evidence=EVIDENCE,
        collapse=COLLAPSE, worst_case=WORST,
        decision=(("What was claimed", "A single run."), ("The result", "24.8 reached 20.")),
    )  # fmt: skip
    return changed_record(made, **others)


def curve(split: str, metric: str, start: float, end: float) -> Curve:
    mean = [start + (end - start) * (1 - 0.4**epoch) for epoch in range(1, 6)]
    return Curve(
        split=split, metric=metric, x_label="epoch", x=(1, 2, 3, 4, 5), mean=tuple(mean),
        low=tuple(m - 0.02 for m in mean), high=tuple(m + 0.015 for m in mean), seeds=8,
    )  # fmt: skip


def confusion(classes: tuple[str, ...]) -> ConfusionMatrix:
    k = len(classes)
    shares = np.random.default_rng(0).dirichlet(np.full(k, 0.15), k) * 0.35
    matrix = (1000 * (shares + 0.65 * np.eye(k))).round(1).tolist()
    return ConfusionMatrix(split="test", classes=classes, matrix=tuple(map(tuple, matrix)), seeds=8)


def registered_claim(metric: str, value: float, runs: int | None, **stated: Any) -> RegisteredClaim:
    """A registered claim with a tolerance of 0.02, and what the recipe states of it."""
    return RegisteredClaim(
        metric=metric, split="test", kind="mean", value=value, tolerance=0.02, low=value,
        high=value, runs=runs, side="about", best_epoch_on_test=False, paired=True,
        reported_sd=None, about="test-set", versus=None,
        stated=Claim.model_validate({"metric": metric, "value": value, **stated}),
    )  # fmt: skip


REGISTERED = Preregistration(
    method=2, recipe="fashion-mnist-quickstart", recipe_hash="12" * 32, training_hash="ef" * 32,
    versus=(), files=({"code/net.py": "34" * 32},), threads=1, device="cpu",
    claims=(
        registered_claim("accuracy", 0.646, 1, tolerance=0.02),
        registered_claim("f1", 0.658, 5, tolerance=0.02),
    ),
    exact=(), not_judged=(), alpha=0.05, statistic="mean", prior=1.0, sd=None, first_look=5,
    horizon="anytime", max_diverged=0.2, seeds=tuple(range(15)), seeds_from=None,
    maximum=15,
    reported_epoch="last", several_claims="Holm's procedure", diverged="no finite numbers",
    deterministic="compared as it is",
    registered=datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    data=({"train": "56" * 32, "test": "78" * 32},),
    rows=({"train": 60_000, "test": 10_000},), versions={"torch": "2.11.0"}, packages={},
)  # fmt: skip


@pytest.fixture(scope="session")
def verification() -> Report:
    """Two judged claims and one that is not, eight seeds and one that diverged, ten classes."""
    scores = [0.6483, 0.6391, 0.6522, 0.6468, 0.6437, 0.6551, 0.6409, 0.6496]
    first = claim(0.646, scores)
    second = claim(
        0.658, [score - 0.05 for score in scores], metric="f1", kind="best-of", runs=5,
        reported="65.8 % (best of 5 runs)", verdict="NOT REPRODUCED", optimistic=True,
        why="The whole interval lies below what counts as the same.", unverified=True, url=None,
    )  # fmt: skip
    left_out = changed_record(
        claim(0.9, scores), split="validation", n=0, mean=None, sd=None, low=None, high=None,
        holds_within=None, verdict=None, verdict_median=None, decided_at=None, why="",
        prediction=None, place=None, scores=(), intervals=(), evidence=None, collapse=None,
        worst_case=None, decision=(("The result", "Not judged."),),
        not_judged="the setting differs: epochs",
    )  # fmt: skip
    seeds = [
        SeedRow(seed=i, state="finished", error="", seconds=31.4 + i, run=f"seeds/s{i}",
                scores={"test accuracy": score, "test f1": score - 0.05}, used=True)
        for i, score in enumerate(scores)
    ]  # fmt: skip
    seeds.append(
        SeedRow(seed=8, state="diverged", error="the loss is nan in epoch 2", seconds=12.0,
                run="seeds/s8", scores={}, used=False))  # fmt: skip
    return Report(
        kind="verification", recipe="fashion-mnist-quickstart", task="image-classification",
        paper=PaperSource(
            title="PyTorch Quickstart", url="https://example.org/quickstart",
            where="the output of the last epoch", notes="It does not set a seed."),
        headline="fashion-mnist-quickstart reproduces one of its two reported numbers within two "
                 "points; the other lies above what 8 seeds give.",
        verdict="NOT REPRODUCED",
        deviations=("We shuffle the training set.", "Batches of 128 in place of 64."),
        warnings=("The tolerance 0.02 is wider than half of the gain over the baseline, 0.03.",),
        claims=(first, second, left_out),
        exact=(ExactResult(metric="parameters", split=None, value=669706, ours=669706,
                           verdict="REPRODUCED", why="", where=None, url=None,
                           decision=(("The result", "Our count equals it."),)),),
        seeds=tuple(seeds), varied="the training seed: initial weights, order of the samples.",
        fixed=("the split", "the test set: 10,000 rows, fingerprint 4f5c"),
        diverged=FailedSeeds(count=1, of=9, upper=0.429, highest=0.2, held=True),
        curves=(curve("train", "loss", 2.2, 1.0), curve("validation", "loss", 2.2, 1.1),
                curve("validation", "accuracy", 0.1, 0.65)),
        confusion=confusion(CLASSES),
        per_class=tuple(
            ClassScores.model_validate({
                "class": name, "precision": 0.61234, "recall": 0.6, "f1": 0.606, "support": 1000})
            for name in CLASSES),
        mistakes=tuple(
            Mistake(seed=0, split="test", row=17 + i, id=f"row {17 + i}", truth="Shirt",
                    predicted="Coat", confidence=0.998 - i / 50, image=picture(i), text=None)
            for i in range(6)),
        metrics={"test": {
            "accuracy": Spread(mean=0.6469, sd=0.0054, low=0.6391, high=0.6551),
            "loss": Spread(mean=1.0812, sd=0.0094, low=1.0651, high=1.0951)}},
        attempts=(
            Attempt(path="runs/q/a-verify", preregistration="ab" * 32, started="2025-01-01",
                    state="interrupted", verdict=None, n=3, rule="", this=False),
            Attempt(path="runs/q/b-verify", preregistration="cd" * 32, started="2025-01-02",
                    state="finished", verdict="NOT REPRODUCED", n=8, rule="", this=True)),
        preregistration=HashedRegistration(sha256="cd" * 32, registered=REGISTERED),
        provenance=(("papertrial", "0.1.0"), ("torch", "2.11.0"), ("device", "cpu, 1 thread")),
        not_covered=("net.py:4: runs code from a text (exec)",),
        command="papertrial verify fashion-mnist-quickstart --max-seeds 15",
        path="runs/q/b-verify",
    )  # fmt: skip


@pytest.fixture(scope="session")
def verification_html(verification: Report) -> str:
    """Its page, made once: most of its time goes to drawing."""
    return render_html(verification)


@pytest.fixture(scope="session")
def hostile(verification: Report) -> Report:
    """A text task whose every text tries to be markup."""
    first, *others = verification.claims
    hostile_claim = changed_record(
        first,
        where=HOSTILE,
        why=HOSTILE,
        reported=HOSTILE,
        url="javascript:alert(4)",
        decision=((HOSTILE, HOSTILE),),
    )
    *seeds, last = verification.seeds
    wrong = Mistake(
        seed=0, split="test", row=3, id=HOSTILE, truth=HOSTILE, predicted="neg", confidence=0.9,
        text=HOSTILE, image="https://example.org/tracker.png",
    )  # fmt: skip
    return changed_record(
        verification, task="text-classification", headline=HOSTILE, varied=HOSTILE,
        fixed=(HOSTILE,), deviations=(HOSTILE,), warnings=(HOSTILE,),
        command=f"papertrial {HOSTILE}", confusion=confusion((HOSTILE, "$5 & <b>")),
        provenance=((HOSTILE, HOSTILE),), not_covered=(HOSTILE,),
        paper=PaperSource(title=HOSTILE, url="javascript:alert(3)", notes=HOSTILE),
        mistakes=(wrong,), claims=(hostile_claim, *others),
        seeds=(*seeds, changed_record(last, error=HOSTILE)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def hostile_html(hostile: Report) -> str:
    """The page of `hostile`."""
    return render_html(hostile)


@pytest.fixture(scope="session")
def undecided(verification: Report) -> Report:
    """Three seeds: before the first look, so no bound is known."""
    first = verification.claims[0]
    open_claim = changed_record(
        first, kind="at-least", side="at-least", band=(0.626, None), n=3, low=None, high=None,
        holds_within=None, verdict="UNDECIDED", decided_at=None, verdict_median="UNDECIDED",
        scores=first.scores[:3], intervals=first.intervals[:3], place=None, prediction=None,
        evidence=None, collapse=None, worst_case=None,
    )  # fmt: skip
    return changed_record(
        verification, verdict="UNDECIDED", claims=(open_claim,),
        headline="Not decided: 3 of at least 5 seeds are finished.", deviations=(), warnings=(),
        exact=(), confusion=None, per_class=(), mistakes=(), curves=(), diverged=None, attempts=(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def run(verification: Report) -> Report:
    """One run: the same page without a verdict."""
    curves = tuple(
        changed_record(drawn, seeds=1, low=drawn.mean, high=drawn.mean)
        for drawn in verification.curves
    )
    assert verification.confusion is not None
    return changed_record(
        verification, kind="run", verdict=None, claims=(), exact=(), seeds=(), varied=None,
        headline="One run of fashion-mnist-quickstart: test accuracy 0.6482.", diverged=None,
        attempts=(), preregistration=None, deviations=(), warnings=(), curves=curves,
        confusion=changed_record(verification.confusion, seeds=1),
        metrics={"test": {"accuracy": Spread(value=0.64823), "loss": Spread(value=1.087374)}},
        command="papertrial train fashion-mnist-quickstart",
    )  # fmt: skip
