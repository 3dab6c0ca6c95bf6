"""Registrations without training: what they hold, how `verify` uses them, what is refused."""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.claims.events import Registered
from papertrial.errors import PapertrialError, RunError
from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.store.index import scan
from papertrial.store.provenance import SOURCE, library_versions, source_digest
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification import conditions
from papertrial.verification.preregister import RegisteredVerification, preregister
from papertrial.verification.verify import verifying


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def repository(path: Path) -> Path:
    git(path, "init", "--quiet")
    git(path, "config", "user.email", "a@example.org")
    git(path, "config", "user.name", "A")
    return path


def write_table(folder: Path, slope: float = 1.0) -> Path:
    draw = np.random.default_rng(0)
    x, noise = draw.normal(size=40), draw.normal(size=40)
    rows = "".join(f"{a},{slope * a + b}\n" for a, b in zip(x, noise, strict=True))
    (folder / "line.csv").write_text("x,y\n" + rows)
    return folder / "line.csv"


def table(folder: Path, **verify: Any) -> dict[str, Any]:
    """Write a table, and return a recipe that learns from it quickly."""
    return {
        "name": "line",
        "task": "regression",
        "data": {
            "source": "table", "path": str(write_table(folder)), "batch_size": 8,
            "table": {"target": "y"}, "splits": {"test": 0.5},
        },
        "model": {"use": "torch.nn.Linear", "args": [1, 1]},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 2,
        "metrics": ["mse"],
        "claims": [{"metric": "mse", "value": 1.0, "tolerance": 5.0, "kind": "expected"}],
        "verify": {"max_seeds": 5, **verify},
    }  # fmt: skip


def registered(tree: dict[str, Any], folder: Path, **options: Any) -> RegisteredVerification:
    return preregister(pt.load_recipe(tree), runs=folder / "runs", **options)


def started(tree: dict[str, Any], folder: Path, **options: Any) -> Registered:
    """Verify until the verification is registered, and stop before the first seed."""
    events: Iterator[Any] = verifying(
        pt.load_recipe(tree), runs=folder / "runs", workers=1, **options
    )
    try:
        return next(event for event in events if isinstance(event, Registered))
    finally:
        events.close()  # type: ignore[attr-defined]


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2))


def test_everything_is_registered_and_nothing_is_trained(tmp_path: Path) -> None:
    done = registered(table(tmp_path), tmp_path)
    folder = VerificationFolder.load(done.path)
    kept = folder.registered
    assert done.preregistration == folder.sha256
    assert done.path.name.endswith(f"-{folder.sha256[:8]}-verify")
    assert kept.versions == {
        name: library_versions()[name]
        for name in ("papertrial", SOURCE, "torch", "torchvision", "numpy")
    }
    assert kept.versions[SOURCE] == source_digest()
    (data,) = kept.data
    run = pt.train(pt.load_recipe(table(tmp_path)), runs=tmp_path / "single")
    provenance = json.loads((run.path / "provenance.json").read_text())
    assert data == {name: part["fingerprint"] for name, part in provenance["data"].items()}
    age = datetime.datetime.now(datetime.UTC) - kept.registered
    assert datetime.timedelta() <= age < datetime.timedelta(minutes=5)
    assert sorted(path.name for path in done.path.iterdir()) == [
        "files.json", "preregistration.json", "recipe.yaml",
    ]  # fmt: skip
    assert (done.is_new, done.commit, done.digest, folder.state) == (True, None, None, None)
    (entry,) = scan(tmp_path / "runs")
    assert (entry.kind, entry.recipe, entry.state) == ("verification", "line", "registered")


def test_verify_uses_it(tmp_path: Path) -> None:
    tree = table(tmp_path)
    done = registered(tree, tmp_path)
    event = started(tree, tmp_path)
    assert (event.path, event.sha256) == (done.path, done.preregistration)
    verified = pt.verify(pt.load_recipe(tree), runs=tmp_path / "runs", workers=1)
    assert (verified.path, verified.preregistration) == (done.path, done.preregistration)
    findings = [f for f in audit(verified.path, retrain=False).findings if f.check == "order"]
    assert [f.ok for f in findings] == [True]
    assert findings[0].message.endswith("after it")


def test_other_terms_are_another_registration(tmp_path: Path) -> None:
    done = registered(table(tmp_path), tmp_path)
    event = started(table(tmp_path, alpha=0.01), tmp_path)
    assert event.path != done.path
    assert str(done.path) in event.lines[0]
    assert started(table(tmp_path), tmp_path, threads=2).path != done.path


def test_it_is_found_again_until_it_starts(tmp_path: Path) -> None:
    tree = table(tmp_path)
    done = registered(tree, tmp_path)
    again = registered(tree, tmp_path)
    assert (again.path, again.preregistration, again.is_new) == (
        done.path, done.preregistration, False,
    )  # fmt: skip
    new = registered(tree, tmp_path, again=True)
    assert new.path != done.path
    assert new.preregistration != done.preregistration  # its time is another one
    assert started(tree, tmp_path).path == new.path  # the newest
    with pytest.raises(
        RunError, match=r"has started at .* `papertrial verify` resumes it, --again"
    ):
        registered(tree, tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seeds": [9, 8, 7, 6, 5]}, r"seeds is \[9, 8, 7, 6, 5\], the recipe gives \[0, 1, 2"),
        ({"alpha": 0.4}, "alpha is 0.4, the recipe gives 0.05"),
        ({"registered": "2020-01-01T00:00:00Z"}, "the time, the data, the versions or the layout"),
        ({"data": [{"train": "0" * 64, "test": "0" * 64}]}, "the time, the data, the versions"),
    ],
)
@pytest.mark.parametrize("is_started", [False, True])
def test_one_that_was_edited_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str, is_started: bool
) -> None:
    tree = table(tmp_path)
    done = registered(tree, tmp_path, ots=True)
    if is_started:
        started(tree, tmp_path)
    edit(done.path / "preregistration.json", **changes)
    for use in (registered, started):
        with pytest.raises(RunError, match=f"was edited after it was registered: {told}") as error:
            use(tree, tmp_path)
        assert "preregistration.json.sha256 has" in str(error.value)
        assert ("verification.json has" in str(error.value)) is is_started
        assert "--again" in str(error.value)
    assert started(tree, tmp_path, again=True).path != done.path


def test_an_edited_recipe_beside_it_is_refused(tmp_path: Path) -> None:
    tree = table(tmp_path)
    path = registered(tree, tmp_path).path / "recipe.yaml"
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 3"))
    for use in (registered, started):
        with pytest.raises(RunError, match="is not the recipe that was registered: it was edited"):
            use(tree, tmp_path)


def test_other_data_than_registered_are_refused_before_a_seed_starts(tmp_path: Path) -> None:
    tree = table(tmp_path)
    done = registered(tree, tmp_path)
    write_table(tmp_path, slope=3.0)
    for use in (registered, started):
        with pytest.raises(RunError, match=r"the data: train is \w{12}, registered as \w{12}; "):
            use(tree, tmp_path)
    assert VerificationFolder(done.path).state is None
    write_table(tmp_path)
    assert started(tree, tmp_path).path == done.path


def test_other_versions_than_registered_are_refused_before_a_seed_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = table(tmp_path)
    registered(tree, tmp_path)
    real = library_versions()
    monkeypatch.setattr(conditions, "library_versions", lambda: {**real, "torch": "1.0"})
    told = rf"the version of torch is 1\.0, registered as {real['torch']}; restore it, or .*--again"
    with pytest.raises(RunError, match=told):
        started(tree, tmp_path)
    started(tree, tmp_path, again=True)


def test_drawn_seeds_are_registered_with_their_text(tmp_path: Path) -> None:
    tree = table(tmp_path)
    tree["verify"] = {"seeds": {"from": "a public text", "count": 6}}
    done = registered(tree, tmp_path)
    kept = VerificationFolder(done.path).registered
    assert (kept.seeds, kept.seeds_from) == (draw_seeds("a public text", 6), "a public text")
    assert kept.maximum == 6
    assert "seeds drawn from the text: a public text" in done.lines


def test_a_count_without_training_needs_no_data(tmp_path: Path) -> None:
    tree = table(tmp_path)
    tree["claims"] = [{"metric": "parameters", "value": 2, "kind": "exact"}]
    assert VerificationFolder(registered(tree, tmp_path).path).registered.data == ()
    tree["claims"].append({"metric": "samples", "split": "train", "value": 20, "kind": "exact"})
    assert len(VerificationFolder(registered(tree, tmp_path).path).registered.data) == 1


def test_the_other_side_is_registered_with_its_data(tmp_path: Path) -> None:
    tree = table(tmp_path)
    tree["claims"] = [
        {"metric": "mse", "value": 0.0, "tolerance": 5.0, "kind": "difference",
         "versus": {"set": {"data.splits.seed": 1}}, "n": "unknown"}
    ]  # fmt: skip
    done = registered(tree, tmp_path)
    ours, theirs = VerificationFolder(done.path).registered.data
    assert ours["test"] != theirs["test"]
    assert (done.path / "versus" / "0" / "recipe.yaml").is_file()


def test_data_that_are_absent_leave_no_folder(tmp_path: Path) -> None:
    tree = table(tmp_path)
    (tmp_path / "line.csv").unlink()
    with pytest.raises(PapertrialError, match=r"line\.csv"):
        registered(tree, tmp_path)
    assert not list((tmp_path / "runs").glob("line/*"))


def test_a_digest_for_sha256sum(tmp_path: Path) -> None:
    tree = table(tmp_path)
    registered(tree, tmp_path)
    done = registered(tree, tmp_path, ots=True)
    assert done.digest is not None
    content = (done.path / "preregistration.json").read_bytes()
    expected = f"{hashlib.sha256(content).hexdigest()}  preregistration.json\n"
    assert done.digest.read_text() == expected
    check = ["sha256sum", "-c", done.digest.name]
    assert subprocess.run(check, cwd=done.path, capture_output=True, check=False).returncode == 0


def test_a_commit_has_the_registration_and_the_recipes_only(tmp_path: Path) -> None:
    tree = table(repository(tmp_path))
    git(tmp_path, "add", "line.csv")
    done = registered(tree, tmp_path, git=True)
    kept = VerificationFolder(done.path).proof
    assert kept is not None
    assert (kept.commit, kept.preregistration) == (done.commit, done.preregistration)
    where = done.path.relative_to(tmp_path)
    assert kept.file == f"{where}/preregistration.json"
    shown = git(tmp_path, "show", "--format=%s", "--name-only", kept.commit).split("\n")
    assert shown == [
        f"Register verification of line: sha256 {done.preregistration}", "",
        *(f"{where}/{name}" for name in ("files.json", "preregistration.json", "recipe.yaml")),
    ]  # fmt: skip
    assert git(tmp_path, "diff", "--cached", "--name-only") == "line.csv"
    assert registered(tree, tmp_path, git=True).commit == done.commit  # not a second time
    assert started(tree, tmp_path).path == done.path


def test_without_a_repository_nothing_is_registered(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not in a git repository"):
        registered(table(tmp_path), tmp_path, git=True)
    assert not list((tmp_path / "runs").glob("line/*"))


def test_a_commit_that_failed_can_be_made_later(tmp_path: Path) -> None:
    tree = table(repository(tmp_path))
    git(tmp_path, "config", "--unset", "user.email")
    git(tmp_path, "config", "user.useConfigOnly", "true")
    with pytest.raises(RunError, match="git could not commit"):
        registered(tree, tmp_path, git=True)
    git(tmp_path, "config", "user.email", "a@example.org")
    done = registered(tree, tmp_path, git=True)
    assert (done.is_new, len(done.commit or "")) == (False, 40)


def test_a_repository_that_changes_the_bytes_is_reported(tmp_path: Path) -> None:
    tree = table(repository(tmp_path))
    git(tmp_path, "config", "filter.upper.clean", "tr a-z A-Z")
    (tmp_path / ".gitattributes").write_text("*.json filter=upper\n")
    with pytest.raises(RunError, match=r"has other bytes than .*a hook or an attribute"):
        registered(tree, tmp_path, git=True)


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(PapertrialError, match="threads >= 1 must hold, got 0"):
        registered(table(tmp_path), tmp_path, threads=0)
    with pytest.raises(PapertrialError, match="nothing to verify"):
        registered({**table(tmp_path), "claims": []}, tmp_path)
