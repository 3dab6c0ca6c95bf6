"""The folder of a seed: links in it lead to files, and never let those of others be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.programs.seed_folder import SeedFolder
from papertrial.programs.spec import JsonScore, TensorboardScore

SCORE = '{"a": 0.5}'


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's, with a result."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "result.json").write_text(SCORE)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> SeedFolder:
    return SeedFolder(tmp_path / "home", None)


def test_a_wildcard_does_not_reach_through_a_link_to_another_folder(
    folder: SeedFolder, elsewhere: Path
) -> None:
    (folder.work / "previous").symlink_to(elsewhere)
    score = JsonScore("*/result.json", "a")
    paths = {"a": (score, folder.score_path(score.path))}
    assert folder.remove_old_scores(paths) == ()
    assert (elsewhere / "result.json").read_text() == SCORE
    places, problems = folder.collect_scores(paths)  # the old result is not this seed's
    assert places == {}
    assert "wrote no file" in problems["a"]


@pytest.mark.parametrize("root", ["out", "work"])
def test_a_score_behind_a_link_to_the_latest_results_is_kept(folder: SeedFolder, root: str) -> None:
    home = folder.home / root
    (home / "run1").mkdir()
    (home / "run1" / "result.json").write_text(SCORE)
    (home / "latest").symlink_to("run1")
    score = JsonScore(f"{home}/latest/result.json", "a")
    places, _ = folder.collect_scores({"a": (score, folder.score_path(score.path))})
    kept, _, _ = folder.tidy(())
    assert places["a"].read_text() == SCORE
    assert (folder.home / str(kept[0].kept)).read_text() == SCORE


@pytest.mark.parametrize("root", ["out", "work"])
def test_a_link_in_place_of_a_folder_loses_none_of_its_files(
    folder: SeedFolder, elsewhere: Path, root: str
) -> None:
    (folder.home / root).rmdir()
    (folder.home / root).symlink_to(elsewhere)
    _, count, _ = folder.tidy(())
    assert count == 0
    assert (elsewhere / "result.json").read_text() == SCORE
    (folder.home / root).unlink(missing_ok=True)
    (folder.home / root).symlink_to(elsewhere)
    folder.discard()
    assert (elsewhere / "result.json").read_text() == SCORE
    assert not (folder.home / root).is_symlink()


def test_links_among_kept_files_are_kept_as_files(folder: SeedFolder) -> None:
    (folder.work / "a.pt").write_text("weights")
    (folder.work / "best.pt").symlink_to("a.pt")
    folder.keep(["*.pt"], ())
    folder.tidy(())
    assert (folder.home / "kept" / "best.pt").read_text() == "weights"


def test_a_link_to_another_folder_is_not_searched_for_files_to_keep(
    folder: SeedFolder, elsewhere: Path
) -> None:
    (folder.out / "root").symlink_to("/")  # /proc alone has files that vanish
    (folder.out / "events").symlink_to(elsewhere)
    (elsewhere / "events.out.tfevents.1").write_text("")
    folder.keep(["*", "*/*.json"], ())
    events = TensorboardScore(f"{folder.out}/events", "loss")
    places, problems = folder.collect_scores({"loss": (events, folder.out / "events")})
    assert (places, list(problems)) == ({}, ["loss"])
    kept, count, _ = folder.tidy(())
    assert [(file.path, file.kept) for file in kept] == [("out/events", None), ("out/root", None)]
    assert count == 2


def test_a_pattern_that_leaves_the_folder_and_returns_keeps_the_file(folder: SeedFolder) -> None:
    (folder.out / "a.pt").write_text("weights")
    folder.keep(["../out/*.pt"], ())
    (file,), _, _ = folder.tidy(())
    assert file.kept == "out/a.pt"
    assert (folder.home / "out" / "a.pt").read_text() == "weights"
