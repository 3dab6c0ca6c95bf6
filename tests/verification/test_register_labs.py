"""Several laboratories registered together: seeds, files, what a laboratory is refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import Any

import pytest

import papertrial as pt
from papertrial.errors import ClaimError, PapertrialError, RunError
from papertrial.recipe.digest import training_hash
from papertrial.store.laboratory_folders import LabsFolder
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification import conditions
from papertrial.verification.preregister import preregister

Labs = Any  # tests/verification/conftest.py


def test_seeds_are_handed_out_in_blocks(labs: Labs) -> None:
    made = labs.register(3, labs.tree(max_seeds=17))
    seeds = [seeds for _, seeds in made.laboratories]
    assert seeds == [(0, 1, 2, 3, 4, 5), (6, 7, 8, 9, 10, 11), (12, 13, 14, 15, 16)]
    file = made.path / "labs.json"
    assert made.registration == hashlib.sha256(file.read_bytes()).hexdigest()
    assert made.path.name.endswith(f"-{made.registration[:8]}-labs")
    kept = LabsFolder(made.path).registration
    assert kept.registered.seeds == tuple(range(17))
    assert (kept.laboratories, kept.combine) == (tuple(seeds), "same-setup")
    assert "laboratory 3: seeds 12 to 16" in made.lines


def test_each_laboratory_has_a_recipe_that_trains_the_same(labs: Labs) -> None:
    made = labs.register(2)
    whole = training_hash(pt.load_recipe(labs.tree()))
    for number, (path, seeds) in enumerate(made.laboratories, 1):
        recipe = pt.load_recipe(path)
        assert training_hash(recipe) == whole
        assert recipe.verify.seeds == seeds
        found = preregister(recipe, runs=labs.folder / f"lab{number}", device="cpu")
        registered = VerificationFolder(found.path).registered
        assert registered.labs is not None
        assert registered.labs.part is not None
        part = registered.labs.part
        assert (part.number, part.of, part.registration) == (number, 2, made.registration)
        assert any(f"this is number {number} of 2" in line for line in found.lines)


def test_it_is_found_again_unless_it_was_edited(labs: Labs) -> None:
    made = labs.register(2)
    again = labs.register(2)
    assert (again.path, again.is_new, made.is_new) == (made.path, False, True)
    assert labs.register(2, again=True).path != made.path
    assert labs.register(2, labs.tree(alpha=0.04)).is_new
    newest = labs.register(2)
    file = newest.path / "labs.json"
    file.write_text(file.read_text().replace('"same-setup"', '"own-sd"'))
    with pytest.raises(RunError, match=r"labs.json was edited after it was registered"):
        labs.register(2)


def test_seeds_from_a_text(labs: Labs) -> None:
    made = labs.register(2, labs.tree(max_seeds=10, seeds={"from": "a text", "count": 10}))
    registered = LabsFolder(made.path).registration.registered
    assert registered.seeds_from == "a text"
    assert tuple(s for _, seeds in made.laboratories for s in seeds) == registered.seeds


def test_the_digest_for_time_stamps(labs: Labs) -> None:
    made = labs.register(2, ots=True)
    assert made.digest is not None
    assert made.digest.read_text() == f"{made.registration}  labs.json\n"
    assert made.to_json()["digest"] == str(made.digest)
    assert json.dumps(made.to_json())


@pytest.mark.parametrize(
    ("count", "verify", "message"),
    [
        (3, {}, "3 laboratories with at least 5 seeds each need 15 seeds, got 10"),
        (1, {}, "--labs must be at least 2, got 1"),
        (2, {"labs": {"combine": "lab-means"}}, "lab-means needs at least 5 laboratories, got 2"),
        (2, {"labs": {"combine": "own-sd"}, "horizon": "fixed"}, "verify.horizon: fixed"),
    ],
)
def test_what_cannot_be_registered(
    labs: Labs, count: int, verify: dict[str, object], message: str
) -> None:
    with pytest.raises(ClaimError, match=message):
        labs.register(count, labs.tree(**verify))
    assert not list((labs.folder / "runs").glob("line/*-labs"))


def test_claims_that_need_no_seed_are_not_for_laboratories(labs: Labs) -> None:
    with pytest.raises(ClaimError, match="there are no seeds to hand out"):
        labs.register(2, labs.tree({"metric": "parameters", "value": 2, "kind": "exact"}))


def test_the_recipe_of_one_laboratory_is_not_registered_for_several(labs: Labs) -> None:
    path, _ = labs.register(2).laboratories[0]
    with pytest.raises(ClaimError, match=r"is the recipe of one laboratory \(verify.labs.part\)"):
        pt.register_labs(pt.load_recipe(path), 2, runs=labs.folder / "runs", device="cpu")


def test_a_laboratory_with_other_versions_is_refused_before_it_trains(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = labs.register(2).laboratories[0]
    real = conditions.library_versions()
    build = f"{str(real['torch']).partition('+')[0]}+cu999"
    monkeypatch.setattr(conditions, "library_versions", lambda: {**real, "torch": build})
    preregister(pt.load_recipe(path), runs=labs.folder / "a", device="cpu")  # only another build
    monkeypatch.setattr(conditions, "library_versions", lambda: {**real, "torch": "1.0"})
    with pytest.raises(RunError, match=r"the version of torch is 1\.0, registered as"):
        preregister(pt.load_recipe(path), runs=labs.folder / "b", device="cpu")


def test_a_laboratory_with_other_data_is_refused_before_it_trains(labs: Labs) -> None:
    path, _ = labs.register(2).laboratories[0]
    table = labs.folder / "line.csv"
    table.write_text(table.read_text() + "0.5,1.5\n")
    with pytest.raises(RunError, match="between the common registration of the laboratories"):
        preregister(pt.load_recipe(path), runs=labs.folder / "a", device="cpu")


def test_a_laboratory_that_does_not_exist(labs: Labs) -> None:
    path, _ = labs.register(2).laboratories[0]
    path.write_text(path.read_text().replace("number: 1", "number: 3"))
    with pytest.raises(PapertrialError, match=r"verify.labs.part.number: must be at most .* 2"):
        pt.load_recipe(path)


def test_code_and_files_are_copied_for_each_laboratory(labs: Labs) -> None:
    code = labs.folder / "mine"
    code.mkdir()
    (code / "net.py").write_text(
        "from layers import Base\n\n\nclass Net(Base):\n"
        "    def __init__(self, path):\n        super().__init__(1, 1)\n"
    )
    (code / "layers.py").write_text("from torch import nn\n\n\nclass Base(nn.Linear):\n    pass\n")
    (code / "notes.txt").write_text("a file in an argument")
    model = {"use": f"{code}/net.py:Net", "path": f"{code}/notes.txt"}
    made = labs.register(2, {**labs.tree(), "model": model})
    whole = LabsFolder(made.path).registration.registered
    assert len(whole.files[0]) == 3
    for path in code.iterdir():  # the originals are not needed
        path.unlink()
    for number, (recipe, _) in enumerate(made.laboratories, 1):
        found = preregister(pt.load_recipe(recipe), runs=labs.folder / f"l{number}", device="cpu")
        registered = VerificationFolder(found.path).registered
        assert registered.files == whole.files
        assert registered.training_hash == whole.training_hash


def test_it_is_committed_with_the_recipes(labs: Labs, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(labs.folder.parent))

    def git(*words: str) -> str:
        command = ["git", "-C", str(labs.folder), *words]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout

    with pytest.raises(RunError, match="is not in a git repository"):
        labs.register(2, git=True)
    git("init", "--quiet")
    git("config", "user.email", "a@example.org")
    git("config", "user.name", "A")
    made = labs.register(2, git=True)
    assert made.commit == git("rev-parse", "HEAD").strip()
    names = git("show", "--name-only", "--format=", "HEAD").split()
    home = made.path.relative_to(labs.folder).as_posix()
    assert {f"{home}/labs.json", f"{home}/lab-1/recipe.yaml"} <= set(names)
    git("config", "filter.upper.clean", "tr a-z A-Z")
    (labs.folder / ".gitattributes").write_text("labs.json filter=upper\n")
    with pytest.raises(RunError, match=r"has other bytes than .*labs\.json had: a hook or an attr"):
        labs.register(2, git=True, again=True)
