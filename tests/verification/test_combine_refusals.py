"""What cannot be combined, each by name: seeds, claims, recipes, code, data, edits, folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import RunError
from papertrial.store.verification_folder import OUTCOMES, VerificationFolder
from papertrial.verification.combine import combine

Labs = Any  # tests/verification/conftest.py
A = (0.80, 1.10, 1.00, 1.20, 0.90)
B = (1.30, 1.50, 1.10, 1.40, 1.20)
SEEDS = {"seeds": [5, 6, 7, 8, 9], "max_seeds": 5}


def refused(labs: Labs, *paths: Path, match: str) -> None:
    with pytest.raises(RunError, match=match):
        combine(paths, runs=labs.folder / "runs")
    assert not list((labs.folder / "runs").glob("*/*-combined"))


def first(labs: Labs) -> Path:
    return labs.verified(labs.tree(max_seeds=5), A, "a")


def rewrite(path: Path, **changes: Any) -> None:
    """Change what was registered, and all places that have its hash, as a careful cheat does."""
    file = path / "preregistration.json"
    kept = json.loads(file.read_text())
    kept.update(changes)
    file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    state = json.loads((path / "verification.json").read_text())
    state["preregistration"] = VerificationFolder(path).sha256
    (path / "verification.json").write_text(json.dumps(state))
    records = [json.loads(line) for line in (path / OUTCOMES).read_text().splitlines()]
    for record in records:
        record.update(
            {key: changes[key] for key in ("data", "versions", "packages") if key in changes}
        )
    (path / OUTCOMES).write_text("".join(json.dumps(record) + "\n" for record in records))


def sent(labs: Labs, path: Path, name: str = "sent") -> Path:
    return labs.sent(path, name)  # its name does not have the hash


def test_overlapping_seeds(labs: Labs) -> None:
    other = labs.verified(labs.tree(seeds=[4, 5, 6, 7, 0], max_seeds=5), B, "b")
    refused(labs, first(labs), other, match=r"have the same seeds, 0, 4, which would count twice")


def test_another_tolerance(labs: Labs) -> None:
    claim = {"metric": "mse", "value": 1.0, "tolerance": 0.5, "kind": "expected"}
    other = labs.verified(labs.tree(claim, **SEEDS), B, "b")
    refused(labs, first(labs), other, match=r"claims\.0\.tolerance is 0\.4 and 0\.5")


def test_another_number_of_claims(labs: Labs) -> None:
    claims = [
        {"metric": "mse", "value": value, "tolerance": 0.4, "kind": "expected"} for value in (1, 2)
    ]
    other = labs.verified(labs.tree(*claims, **SEEDS), B, "b")
    refused(labs, first(labs), other, match="they registered other claims or another rule: claims")


@pytest.mark.parametrize(
    ("verify", "match"),
    [
        ({"alpha": 0.1}, r"alpha is 0\.05 and 0\.1"),
        ({"statistic": "median"}, "statistic is 'mean' and 'median'"),
        ({"labs": {"combine": "own-sd"}}, r"verify\.labs\.combine is same-setup and own-sd"),
    ],
)
def test_another_rule(labs: Labs, verify: dict[str, Any], match: str) -> None:
    other = labs.verified(labs.tree(**SEEDS, **verify), B, "b")
    refused(labs, first(labs), other, match=match)


def test_another_recipe(labs: Labs) -> None:
    other = labs.verified({**labs.tree(**SEEDS), "name": "curve"}, B, "b")
    refused(labs, first(labs), other, match="they are verifications of line and of curve")


def test_another_training(labs: Labs) -> None:
    other = labs.verified({**labs.tree(**SEEDS), "epochs": 3}, B, "b")
    refused(labs, first(labs), other, match=r"train differently \(another training hash\): a sett")


def test_other_code_of_the_recipe(labs: Labs) -> None:
    paths = []
    for name, body in (("a", "pass"), ("b", "x = 1")):
        file = labs.folder / name / "net.py"
        file.parent.mkdir()
        file.write_text(f"from torch import nn\n\n\nclass Net(nn.Linear):\n    {body}\n")
        tree = labs.tree(**(SEEDS if name == "b" else {"max_seeds": 5}))
        model = {"use": f"{file}:Net", "in_features": 1, "out_features": 1}
        paths.append(labs.verified({**tree, "model": model}, A, name))
    refused(labs, *paths, match=r"another training hash\): code/net\.py has the SHA-256")


def test_other_deviations(labs: Labs) -> None:
    other = labs.verified({**labs.tree(**SEEDS), "deviations": ["no dropout"]}, B, "b")
    refused(labs, first(labs), other, match="the recipes name other deviations")


@pytest.mark.parametrize(
    ("key", "name", "value", "match"),
    [
        ("versions", "papertrial source", "0" * 64, "papertrial source is 0000"),
        ("versions", "numpy", "1.0", r"the version of numpy is 1\.0, registered as"),
        ("packages", "torch", "1.0", r"the package torch is 1\.0, registered as"),
    ],
)
def test_other_code(labs: Labs, key: str, name: str, value: str, match: str) -> None:
    other = sent(labs, labs.verified(labs.tree(**SEEDS), B, "b"))
    kept = json.loads((other / "preregistration.json").read_text())[key]
    rewrite(other, **{key: {**kept, name: value}})
    refused(labs, first(labs), other, match=match)


def test_other_data(labs: Labs) -> None:
    other = sent(labs, labs.verified(labs.tree(**SEEDS), B, "b"))
    data = json.loads((other / "preregistration.json").read_text())["data"]
    rewrite(other, data=[{**data[0], "test": "ab" * 32}])
    refused(labs, first(labs), other, match="the data: test is abababababab, registered as")


def test_other_hardware_is_allowed_and_shown(labs: Labs) -> None:
    other = sent(labs, labs.verified(labs.tree(**SEEDS), B, "b"))
    versions = json.loads((other / "preregistration.json").read_text())["versions"]
    build = f"{versions['torch'].partition('+')[0]}+cu999"
    rewrite(other, device="cuda", threads=4, versions={**versions, "torch": build})
    done = combine([first(labs), other], runs=labs.folder / "out")
    lines = done.laboratories.lines
    assert {(line.device, line.threads) for line in lines} == {("cpu", 1), ("cuda", 4)}


def test_the_same_folder_twice(labs: Labs) -> None:
    one = first(labs)
    refused(labs, one, one.parent / ".." / "line" / one.name, match="is given twice")


def test_a_copy_of_a_folder(labs: Labs) -> None:
    one = first(labs)
    refused(labs, one, sent(labs, one), match="are the same verification")


def test_an_edited_registration(labs: Labs) -> None:
    one, other = first(labs), labs.verified(labs.tree(**SEEDS), B, "b")
    file = other / "preregistration.json"
    file.write_text(file.read_text().replace('"alpha": 0.05', '"alpha": 0.06'))
    refused(labs, one, other, match=r"preregistration\.json was edited after it was registered")


def damage(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def done(path: Path) -> None:
        (path / file).write_text(change((path / file).read_text()))

    return done


def without_last(text: str) -> str:
    return "".join(line + "\n" for line in text.splitlines()[:-1])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (damage("preregistration.json", lambda text: text[:200]), "edited after|is damaged"),
        (
            damage(OUTCOMES, lambda text: text.replace("1.3", "1.0", 1)),
            r"says that the mean of test \w+ is .*, but outcomes\.jsonl gives",
        ),
        (damage(OUTCOMES, lambda text: text.replace('"seed": 5', '"seed": 50')), "seed 50 is not"),
        (damage(OUTCOMES, lambda text: text.replace('"seed": 6', '"seed": 5')), "seed 5 is in it"),
        (damage(OUTCOMES, lambda text: text.replace('"seeds/s5-0"', '"a", "b"')), "other sides"),
        (damage(OUTCOMES, without_last), r"says .* on the seeds .* but outcomes\.jsonl gives"),
        (
            damage("verification.json", lambda text: text.replace("UNDECIDED", "REPRODUCED")),
            r"says REPRODUCED on the seeds .* but outcomes\.jsonl gives UNDECIDED",
        ),
        (damage("recipe.yaml", lambda text: text.replace("tolerance: 0.4", "tolerance: 0.5")),
         r"recipe\.yaml is not the recipe that was registered"),
    ],
)  # fmt: skip
def test_damaged_records(labs: Labs, change: Callable[[Path], None], match: str) -> None:
    one, other = first(labs), labs.verified(labs.tree(**SEEDS), B, "b")
    change(other)
    refused(labs, one, other, match=match)


def test_a_laboratory_without_its_state(labs: Labs) -> None:
    one, other = first(labs), labs.verified(labs.tree(**SEEDS), B, "b")
    (other / "verification.json").unlink()
    refused(labs, one, other, match=r"verification\.json is missing; add it")


def test_a_laboratory_without_seeds(labs: Labs) -> None:
    other = labs.verified(labs.tree(**SEEDS), (), "b", state="interrupted")
    refused(
        labs, first(labs), other, match="has no seed that ended in the registered order; resume"
    )
    made = labs.register(2)
    paths = [labs.verified(path, (), f"lab{i}", "failed") for i, (path, _) in
             enumerate(made.laboratories)]  # fmt: skip
    refused(labs, *paths, match="or leave it out with --without 1")


def test_laboratories_of_two_registrations(labs: Labs) -> None:
    one, _ = labs.together(A, B)
    refused(labs, one, labs.verified(labs.tree(seeds=[20, 21, 22, 23, 24], max_seeds=5), B, "b"),
            match="not parts of one common registration")  # fmt: skip


def test_two_verifications_of_one_laboratory(labs: Labs) -> None:
    made = labs.register(2)
    recipe = made.laboratories[0][0]
    one, other = (labs.verified(recipe, A, name) for name in "ab")
    refused(labs, one, other, match="have the same seeds|are both laboratory 1|same verification")


def test_seeds_that_were_not_handed_out(labs: Labs) -> None:
    made = labs.register(2)
    recipe = made.laboratories[1][0]
    recipe.write_text(recipe.read_text().replace("  - 9\n", "  - 19\n"))
    one = labs.verified(made.laboratories[0][0], A, "a")
    other = labs.verified(recipe, B, "b")
    refused(labs, one, other, match=r"but labs\.json hands out 5 to 9 to laboratory 2")


def test_an_edited_common_registration(labs: Labs) -> None:
    paths = labs.together(A, B)
    (file,) = (labs.folder / "runs").glob("line/*-labs/labs.json")
    file.write_text(file.read_text().replace('"threads": 1', '"threads": 2'))
    with pytest.raises(RunError, match=r"labs\.json was edited after it was registered"):
        combine(paths, runs=labs.folder / "runs")
    with pytest.raises(RunError, match="it was edited, or it is another registration"):
        combine(paths, runs=labs.folder / "out", registration=file)


def test_a_registration_that_laboratories_do_not_name(labs: Labs) -> None:
    other = labs.verified(labs.tree(**SEEDS), B, "b")
    with pytest.raises(RunError, match="is not the registration of these laboratories"):
        combine([first(labs), other], registration=labs.folder / "labs.json")


@pytest.mark.parametrize("given", ["nowhere", "nowhere/labs.json", "registration.json", "a"])
def test_a_registration_that_does_not_exist(labs: Labs, given: str) -> None:
    paths = labs.together(A, B)
    (labs.folder / "a").mkdir()
    (labs.folder / "registration.json").write_text("{}")
    with pytest.raises(RunError, match=r"there is no file .*; give labs\.json, or its folder"):
        combine(paths, registration=labs.folder / given)
