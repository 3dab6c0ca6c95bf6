"""Decisions on a series of ideas: levels, final decisions, the same scores, edited ledgers."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import papertrial as pt
from papertrial.acceptance.show_ledger import show_ledger
from papertrial.claims.online_budget import OnlineBudget
from papertrial.errors import ClaimError, RunError, ScoresError
from papertrial.store.ledger import Ledger
from papertrial.store.verification_folder import VerificationFolder

Write = Callable[..., Path]
SD = 0.004
BUDGET = OnlineBudget(0.05, 100)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of scores whose mean is `mean`; the first n of 40 that a number draws."""

    def made(name: str, mean: float, n: int, draw: int) -> Path:
        scores = mean + SD * np.random.default_rng(draw).standard_normal(40)
        rows = [f"{seed},{score:.5f}" for seed, score in enumerate(scores[:n])]
        path = tmp_path / name
        path.write_text("\n".join(["seed,accuracy", *rows, ""]))
        return path

    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_a_gain_is_accepted_a_loss_rejected_and_noise_undecided(write: Write, ledger: Path) -> None:
    base = write("base.csv", 0.9, 15, 0)
    good = pt.accept(ledger, base, write("good.csv", 0.93, 12, 1), metric="accuracy")
    assert (good.decision, good.idea, good.n, good.accepted) == ("ACCEPTED", 1, 12, 1)
    assert good.level == BUDGET.level(1, 0)
    assert good.e_value >= good.e_needed == 1 / good.level
    assert good.low is not None
    assert 0 < good.low < good.gain < (good.high or 0)
    bad = pt.accept(ledger, base, write("bad.csv", 0.88, 8, 2))
    assert (bad.decision, bad.idea, bad.more_seeds) == ("REJECTED", 2, None)
    null = pt.accept(ledger, base, write("null.csv", 0.901, 8, 3))
    assert (null.decision, null.idea) == ("UNDECIDED", 3)
    assert null.level == BUDGET.level(3, 1)  # an acceptance doubles the level
    assert null.budget_left == pytest.approx(0.05 * (1 - 3 / 200))
    assert show_ledger(ledger).decisions[-1].candidate.name.endswith("null.csv")


def test_lower_losses_and_a_minimum_gain(write: Write, tmp_path: Path) -> None:
    base, other = write("base.csv", 0.93, 12, 0), write("other.csv", 0.9, 12, 1)
    for path in (base, other):
        path.write_text(path.read_text().replace("accuracy", "loss"))
    enough = pt.accept(tmp_path / "1", base, other, metric="loss", at_least_by=0.01)
    assert (enough.decision, enough.better) == ("ACCEPTED", "lower")
    assert enough.gain == pytest.approx(0.03, abs=0.005)
    assert pt.accept(tmp_path / "2", base, other, metric="loss", at_least_by=0.03).decision == (
        "UNDECIDED"
    )
    asked = pt.accept(tmp_path / "3", base, other, metric="loss", at_least_by=0.06)
    assert asked.decision == "REJECTED"


def test_an_idea_keeps_its_share_and_is_judged_again_with_new_seeds(
    write: Write, ledger: Path
) -> None:
    base = write("base.csv", 0.9, 20, 0)
    first = pt.accept(ledger, base, write("idea.csv", 0.912, 5, 1), metric="accuracy")
    assert first.decision == "UNDECIDED"
    assert first.more_seeds is not None
    pt.accept(ledger, base, write("other.csv", 0.9, 5, 2))
    size = ledger.stat().st_size
    again = pt.accept(ledger, base, write("idea.csv", 0.912, 5, 1))
    assert (again.new, again.idea, again.decision) == (False, 1, "UNDECIDED")
    assert "decided before" in again.notes[0]
    assert ledger.stat().st_size == size
    more = pt.accept(ledger, base, write("renamed.csv", 0.912, 15, 1))
    assert (more.new, more.idea, more.level, more.decision) == (True, 1, first.level, "ACCEPTED")
    assert more.ideas == 2  # no further share was spent
    final = pt.accept(ledger, base, write("idea.csv", 0.912, 20, 1))
    assert (final.new, final.n) == (False, 15)


def test_fewer_seeds_than_before_are_not_judged_again(write: Write, ledger: Path) -> None:
    base = write("base.csv", 0.9, 20, 0)
    pt.accept(ledger, base, write("idea.csv", 0.903, 10, 1), metric="accuracy")
    few = pt.accept(ledger, base, write("idea.csv", 0.903, 6, 1))
    assert (few.new, few.n) == (False, 10)


def test_the_same_scores_count_again_once_others_were_accepted(write: Write, ledger: Path) -> None:
    base = write("base.csv", 0.9, 20, 0)
    idea = write("idea.csv", 0.9075, 10, 1)
    before = pt.accept(ledger, base, idea, metric="accuracy")
    assert before.decision == "UNDECIDED"
    for draw in range(2, 22):
        found = pt.accept(ledger, base, write(f"{draw}.csv", 0.95, 12, draw))
        assert found.decision == "ACCEPTED"
    again = pt.accept(ledger, base, idea)
    assert (again.new, again.idea, again.e_value) == (True, 1, before.e_value)
    assert again.level == pytest.approx(21 * before.level)
    assert again.decision == "ACCEPTED"


def test_the_accepted_candidate_becomes_the_baseline(write: Write, ledger: Path) -> None:
    base, good = write("base.csv", 0.9, 15, 0), write("good.csv", 0.93, 15, 1)
    pt.accept(ledger, base, good, metric="accuracy")
    next_ = pt.accept(ledger, good, write("next.csv", 0.93, 15, 2))
    assert (next_.idea, next_.decision) == (2, "UNDECIDED")


def test_a_baseline_in_another_order_is_found(write: Write, ledger: Path) -> None:
    base, idea = write("base.csv", 0.9, 8, 0), write("idea.csv", 0.9, 8, 1)
    pt.accept(ledger, base, idea, metric="accuracy")
    head, *rows = base.read_text().splitlines()
    base.write_text("\n".join([head, *reversed(rows)]))
    with pytest.raises(RunError, match="idea 1 are among these in another order"):
        pt.accept(ledger, base, idea)


@pytest.mark.parametrize(
    "changed",
    [{"alpha": 0.1}, {"ideas": 5}, {"metric": "loss"}, {"at_least_by": 0.1}, {"samples": 9}],
)
def test_other_terms_than_those_of_the_ledger_are_refused(
    write: Write, ledger: Path, changed: dict[str, object]
) -> None:
    base, idea = write("base.csv", 0.9, 8, 0), write("idea.csv", 0.9, 8, 1)
    pt.accept(ledger, base, idea, metric="accuracy")
    before = ledger.read_bytes()
    with pytest.raises(RunError, match=f"opened with {next(iter(changed))} ="):
        pt.accept(ledger, base, idea, **changed)  # type: ignore[arg-type]
    assert ledger.read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({}, "--metric"),
        ({"metric": "bleu"}, "--lower-is-better or --higher-is-better"),
        ({"metric": "accuracy", "better": "lower"}, "higher values of accuracy are better"),
        ({"metric": "accuracy", "alpha": 0.7}, "alpha"),
        ({"metric": "accuracy", "ideas": 0}, "1 idea"),
        ({"metric": "accuracy", "at_least_by": -1.0}, "minimum gain"),
        ({"metric": "accuracy", "at_least_by": math.inf}, "minimum gain"),
        ({"metric": "accuracy", "at_least_by": math.nan}, "minimum gain"),
        ({"metric": "accuracy", "alpha": math.nan}, "alpha"),
        ({"metric": "accuracy", "samples": 0}, "1 sample"),
    ],
)
def test_wrong_terms_of_a_new_ledger_are_refused_and_nothing_is_written(
    write: Write, ledger: Path, asked: dict[str, object], named: str
) -> None:
    base, idea = write("base.csv", 0.9, 8, 0), write("idea.csv", 0.9, 8, 1)
    for path in (base, idea):
        path.write_text(path.read_text().replace("accuracy", str(asked.get("metric"))))
    with pytest.raises((ClaimError, RunError), match=named):
        pt.accept(ledger, base, idea, **asked)  # type: ignore[arg-type]
    assert not ledger.exists()


def test_four_seeds_are_too_few_and_open_no_ledger(write: Write, ledger: Path) -> None:
    with pytest.raises(ClaimError, match="at least 5 seeds"):
        pt.accept(
            ledger,
            write("base.csv", 0.9, 8, 0),
            write("idea.csv", 0.95, 4, 1),
            metric="accuracy",
        )
    assert not ledger.exists()


def test_steps_of_a_small_test_set_count(write: Write, tmp_path: Path) -> None:
    base, idea = write("base.csv", 0.9, 10, 0), write("idea.csv", 0.915, 10, 1)
    exact = pt.accept(tmp_path / "1", base, idea, metric="accuracy")
    coarse = pt.accept(tmp_path / "2", base, idea, metric="accuracy", samples=50)
    assert coarse.e_value < exact.e_value
    assert Ledger(tmp_path / "2").read().decisions[0].step == 0.02  # type: ignore[union-attr]


def test_two_verifications_are_compared(verified: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(verified, other)
    folder = VerificationFolder.load(other)
    lines = [json.loads(line) for line in (other / "outcomes.jsonl").read_text().splitlines()]
    for line in lines:
        line["scores"][0][0] *= 0.9
    (other / "outcomes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = pt.accept(tmp_path / "ledger", verified, other, metric="mse")
    assert (found.better, found.seeds) == ("lower", tuple(o.seed for o in folder.outcomes()))
    assert found.gain > 0
    with pytest.raises(RunError, match="same content"):
        pt.accept(tmp_path / "ledger", verified, verified)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("decision", "ACCEPTED"),
        ("e_value", 5000.0),
        ("level", 0.05),
        ("accepted_before", 3),
        ("gain", 0.5),
        ("low", 0.5),
        ("budget_left", 0.05),
        ("idea", 5),
    ],
)
def test_an_edited_last_line_is_found(write: Write, ledger: Path, key: str, value: object) -> None:
    base = write("base.csv", 0.9, 8, 0)
    for draw in (1, 2):
        found = pt.accept(ledger, base, write(f"{draw}.csv", 0.9, 8, draw), metric="accuracy")
        assert found.decision == "UNDECIDED"
    lines = ledger.read_text().splitlines()
    lines[-1] = json.dumps({**json.loads(lines[-1]), key: value})
    ledger.write_text("\n".join([*lines, ""]))
    with pytest.raises(RunError, match=rf"line 3 was edited: .*{key}"):
        show_ledger(ledger)
    with pytest.raises(RunError, match=key):
        pt.accept(ledger, base, write("3.csv", 0.9, 8, 3))


def test_a_level_of_0_in_the_last_line_is_found(write: Write, ledger: Path) -> None:
    pt.accept(ledger, write("a.csv", 0.9, 8, 0), write("b.csv", 0.9, 8, 1), metric="accuracy")
    lines = ledger.read_text().splitlines()
    lines[-1] = json.dumps({**json.loads(lines[-1]), "level": 0.0})
    ledger.write_text("\n".join([*lines, ""]))
    with pytest.raises(RunError, match="line 2 is damaged: level"):
        show_ledger(ledger)


def test_lines_cut_off_at_the_end_are_found_by_the_hash(write: Write, ledger: Path) -> None:
    base = write("base.csv", 0.9, 8, 0)
    heads = [
        pt.accept(ledger, base, write(f"{d}.csv", 0.9, 8, d), metric="accuracy").head
        for d in (1, 2, 3)
    ]
    for head in heads:
        assert show_ledger(ledger, head).head == heads[-1]
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(lines[:-1]))
    assert show_ledger(ledger, heads[1]).ideas == 2
    with pytest.raises(RunError, match="cut off"):
        show_ledger(ledger, heads[2])
    with pytest.raises(RunError, match="there is no ledger"):
        show_ledger(ledger.parent / "none")


def test_coarse_scores_are_not_taken_for_exact_ones(tmp_path: Path) -> None:
    """On 100 samples, the candidate has one more right in 95 % of its runs, so that it gains .0095.

    In two of three series all 8 differences are .01, which seem to be exact.
    """
    decisions, equal = [], 0
    for draw in range(40):
        more = np.random.default_rng(draw).random(8) < 0.95
        equal += bool(more.all())
        for name, row in (("a", [90] * 8), ("b", 90 + more)):
            rows = [f"{seed},{right / 100}" for seed, right in enumerate(row)]
            (tmp_path / name).write_text("\n".join(["seed,accuracy", *rows]))
        done = pt.accept(
            tmp_path / f"{draw}.jsonl",
            tmp_path / "a",
            tmp_path / "b",
            metric="accuracy",
            at_least_by=0.0095,
            ideas=1,
        )
        decisions.append(done.decision)
    assert equal > 20
    assert set(decisions) == {"UNDECIDED"}


def test_percentages_and_fractions_of_an_accuracy_are_never_compared(
    write: Write, ledger: Path
) -> None:
    base, idea = write("base.csv", 0.9, 8, 0), write("idea.csv", 0.9, 8, 1)
    head, *rows = idea.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    found = pt.accept(ledger, base, idea, metric="accuracy")
    idea.write_text("\n".join([head, *(f"{seed},{100 * Decimal(x)}" for seed, x in cells)]))
    with pytest.raises(ScoresError, match="unit: percent"):
        pt.accept(ledger, base, idea)
    with pytest.raises(ScoresError, match=r"base.csv are at most 1 percent"):
        pt.accept(ledger, base, idea, unit="percent")
    idea.write_text("\n".join([head, *(f"{seed},{100 * Decimal(x)} %" for seed, x in cells)]))
    again = pt.accept(ledger, base, idea)
    assert (again.new, again.gain) == (False, found.gain)
