"""Which other verifications trained the same seeds, and what is said about it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.recipe.load import to_tree
from papertrial.store.verification_folder import (
    OUTCOMES,
    PREREGISTRATION,
    VerificationFolder,
)
from papertrial.store.verification_records import EarlierLook, Preregistration, SeedRecord
from papertrial.verification.earlier_looks import add_earlier_looks, find_earlier_looks
from papertrial.verification.looks_in_words import headline_on_looks, looks_at, notes_on_looks
from papertrial.verification.registration import register

CLAIM = "{metric: accuracy, kind: single-run, value: 0.94, tolerance: %s}"


def put(
    root: Path,
    name: str,
    *overrides: str,
    tolerance: float = 0.005,
    seeds: int = 5,
    recipe: str = "digits-mlp",
    weights: str = "w{}",
    **changes: Any,
) -> VerificationFolder:
    """Write what a verification has after some of its seeds have ended."""
    loaded = pt.load_recipe("digits-mlp", [f"claims=[{CLAIM % tolerance}]", *overrides])
    loaded = pt.load_recipe({**to_tree(loaded), **changes})
    terms = register(loaded, threads=1, device="cpu").terms
    minute = len(list(root.glob("*/*")))  # so that no two registrations are equal
    registered = Preregistration(
        **dict(terms),
        registered=datetime.datetime(2026, 1, 1, 0, minute, tzinfo=datetime.UTC),
        data=({"test": "ab"},),
        rows=({"test": 360},),
        versions={},
        packages={},
    )
    path = root / recipe / name
    path.mkdir(parents=True)
    folder = VerificationFolder(path)
    folder.write(PREREGISTRATION, registered.to_bytes())
    for seed in terms.seeds[:seeds]:
        folder.append_record(
            OUTCOMES,
            SeedRecord(
                seed=seed,
                state="finished",
                scores=((0.94,),),
                weights=weights.format(seed),
                runs=(f"seeds/s{seed}",),
                versions={"torch": "2"},
            ),
        )
    return folder


def looks(root: Path, this: VerificationFolder) -> tuple[EarlierLook, ...]:
    return find_earlier_looks(root, this.registered.terms, this)


def test_another_tolerance_on_the_same_seeds_is_a_second_look(tmp_path: Path) -> None:
    first = put(tmp_path, "a", seeds=7)
    (look,) = looks(tmp_path, put(tmp_path, "b", tolerance=0.01))
    assert look == EarlierLook(
        verification="digits-mlp/a",
        preregistration=first.sha256,
        seeds=(0, 1, 2, 3, 4, 5, 6),
        alpha=0.05,
        differs=("tolerance",),
        counts=True,
    )


@pytest.mark.parametrize(
    ("override", "differs"),
    [
        ("verify.alpha=0.01", "alpha"),
        ("verify.statistic=median", "statistic"),
        ("verify.prior=2", "prior"),
        ("verify.horizon=fixed", "horizon"),
        ("verify.max_diverged=0.5", "max diverged"),
        ("claims=[{metric: accuracy, kind: at-least, value: 0.95}]", "claims"),
    ],
)
def test_every_part_of_the_rule_counts(override: str, differs: str, tmp_path: Path) -> None:
    put(tmp_path, "a")
    (look,) = looks(tmp_path, put(tmp_path, "b", override))
    assert (look.differs, look.counts) == ((differs,), True)


def test_the_same_rule_on_the_same_seeds_does_not_count(tmp_path: Path) -> None:
    put(tmp_path, "a")
    (look,) = looks(tmp_path, put(tmp_path, "b"))
    assert (look.differs, look.counts) == ((), False)


def test_the_same_rule_counts_where_the_training_came_out_differently(tmp_path: Path) -> None:
    put(tmp_path, "a", weights="other {}")
    (look,) = looks(tmp_path, put(tmp_path, "b"))
    assert (look.differs, look.counts) == (("scores",), True)


def test_a_larger_maximum_counts_only_under_a_fixed_horizon(tmp_path: Path) -> None:
    put(tmp_path, "a", "verify.max_seeds=8")
    (look,) = looks(tmp_path, put(tmp_path, "b", "verify.max_seeds=20"))
    assert (look.differs, look.counts) == (("seeds",), False)
    fixed = "verify.horizon=fixed"
    other = tmp_path / "other"
    put(other, "a", "verify.max_seeds=8", fixed)
    (look,) = looks(other, put(other, "b", "verify.max_seeds=20", fixed))
    assert look.counts
    # Another order is another sequence of looks.
    put(tmp_path, "c", "verify.seeds=[4,3,2,1,0]", "verify.max_seeds=5")
    assert [look.counts for look in looks(tmp_path, put(tmp_path, "d"))] == [False, False, True]


def test_other_seeds_another_training_and_no_ended_seed_are_no_look(tmp_path: Path) -> None:
    put(tmp_path, "a", "seed=100")
    put(tmp_path, "b", epochs=1)
    put(tmp_path, "c", seeds=0)
    assert looks(tmp_path, put(tmp_path, "d")) == ()


def test_another_name_and_another_other_side_do_not_hide_a_look(tmp_path: Path) -> None:
    put(tmp_path, "a", "name=renamed", recipe="renamed")
    (look,) = looks(tmp_path, put(tmp_path, "b", tolerance=0.01))
    assert (look.verification, look.counts) == ("renamed/a", True)


def test_copies_and_damaged_verifications_are_skipped(tmp_path: Path) -> None:
    damaged = put(tmp_path, "a")
    (damaged.path / OUTCOMES).write_text("nothing\n{}\n")
    this = put(tmp_path, "b")
    copy = put(tmp_path, "c")
    copy.write(PREREGISTRATION, this.read(PREREGISTRATION))
    assert looks(tmp_path, this) == ()


def test_repetitions_among_earlier_ones_count_once(tmp_path: Path) -> None:
    put(tmp_path, "a", tolerance=0.02)
    put(tmp_path, "b", tolerance=0.02)
    put(tmp_path, "c", tolerance=0.03)
    assert [look.counts for look in looks(tmp_path, put(tmp_path, "d"))] == [True, False, True]


def look(name: str = "r/a", **changes: Any) -> EarlierLook:
    given = {"preregistration": "ab", "seeds": (0, 1, 2), "alpha": 0.05, "counts": True}
    given |= {"differs": ("tolerance",), **changes}
    return EarlierLook.model_validate({"verification": name, **given})


def test_the_headline_counts_looks_and_adds_their_errors() -> None:
    assert headline_on_looks((), 0.05) == ""
    second = headline_on_looks((look(),), 0.05)
    assert "second look at these seeds" in second
    assert second.endswith("2 x 5 % = 10 %.")
    third = headline_on_looks((look(), look(alpha=0.1)), 0.05)
    assert "third look" in third
    assert "5 % + 5 % + 10 % = 20 %" in third
    many = headline_on_looks((look(),) * 24, 0.05)
    assert "look number 25" in many
    assert many.endswith("= 100 %.")
    same = headline_on_looks((look(counts=False, differs=()),), 0.05)
    assert "not an independent repetition" in same
    assert "%" not in same


def test_only_looks_at_the_seeds_of_the_verdict_are_named() -> None:
    early, late = look("r/a", seeds=(0, 1)), look("r/b", seeds=(9,))
    assert looks_at(range(5), (early, late)) == (early,)


def test_notes_name_the_verification_and_other_seeds() -> None:
    assert notes_on_looks((), 0.05) == ()
    first, last = notes_on_looks((look(),), 0.05)
    assert "seeds 0 to 2" in first
    assert "r/a" in first
    assert "tolerance" in first
    assert "second look" in last
    assert "seed=3" in last
    assert "--seeds-from" in last
    *_, last = notes_on_looks((look(counts=False, differs=()),), 0.05)
    assert "not an independent repetition" in last


def test_what_was_known_before_is_kept_after_its_folder_is_gone() -> None:
    gone, here, again = look("r/a"), look("r/b"), look("r/b", seeds=(0, 1, 2, 3))
    assert add_earlier_looks((gone, here), (again,)) == (gone, again)
