"""The files around the package agree with pyproject.toml and with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from papertrial.version import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = "https://github.com/papertrial/papertrial"
FORMS = ("bug_report.yml", "claim.yml", "feature_request.yml")
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")


def read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text())


def test_one_version_everywhere() -> None:
    assert PROJECT["version"] == __version__
    assert read("CITATION.cff")["version"] == __version__


def test_the_changelog_has_this_version_after_what_is_unreleased() -> None:
    titles = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[:2] == ["Unreleased", __version__]


def test_the_citation_has_what_its_format_requires() -> None:
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["type"] == "software"
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert all({"name"} == set(a) or {"family-names"} <= set(a) for a in citation["authors"])


def test_the_urls_are_of_one_repository() -> None:
    urls = PROJECT["urls"]
    assert set(urls) == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())


def pythons() -> list[str]:
    """The versions of Python in CI's matrix."""
    found = read(".github/workflows/ci.yml")["jobs"]["check"]["strategy"]["matrix"]["python"]
    assert all(isinstance(version, str) for version in found)  # unquoted, 3.10 would be 3.1
    return list(found)


def test_ci_tries_every_python_from_the_lowest_that_is_allowed() -> None:
    lowest = PROJECT["requires-python"].removeprefix(">=")
    numbers = [int(version.removeprefix("3.")) for version in pythons()]
    assert pythons()[0] == lowest
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_every_python_in_the_classifiers_is_tried_by_ci() -> None:
    prefix = "Programming Language :: Python :: 3."
    claimed = ["3." + c.removeprefix(prefix) for c in PROJECT["classifiers"] if prefix in c]
    assert claimed
    assert set(claimed) <= set(pythons())


def test_ci_runs_the_script_that_can_be_run_by_hand() -> None:
    workflow = read(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    (step,) = [step for step in job["steps"] if "run" in step]
    assert step["run"] == ".ci/run"
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    # The Makefile takes this over, so that the matrix decides which Python is used.
    assert re.search(r"^PYTHON \?= ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert step["env"]["PYTHON"] == "python"
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize("name", FORMS)
def test_issue_forms_are_what_github_takes(name: str) -> None:
    form = read(f".github/ISSUE_TEMPLATE/{name}")
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    identifiers = [field["id"] for field in fields]
    assert len(set(identifiers)) == len(identifiers) > 0
    for field in fields:
        assert field["type"] in ("input", "textarea", "dropdown", "checkboxes")
        assert field["attributes"]["label"]
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_every_issue_form_is_tested() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert sorted(p.name for p in folder.iterdir()) == sorted((*FORMS, "config.yml"))
    links = read(".github/ISSUE_TEMPLATE/config.yml")["contact_links"]
    assert all(link["url"].startswith(REPOSITORY) for link in links)
    assert all({"name", "url", "about"} == set(link) for link in links)


def test_hooks_need_no_environment_and_have_the_versions_of_the_project() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "python"
        assert ".venv" not in hook["entry"]
        assert set(hook["additional_dependencies"]) <= set(PROJECT["optional-dependencies"]["dev"])


@pytest.mark.parametrize("name", PAGES)
def test_links_to_files_and_make_targets_lead_somewhere(name: str) -> None:
    page = ROOT / name
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets


def test_only_the_folder_that_the_gpu_check_runs_has_tests_for_cuda() -> None:
    marked = {
        path.parent.relative_to(ROOT / "tests").parts[0]
        for path in (ROOT / "tests").glob("*/**/*.py")
        if re.search(r"mark\.cuda\b", path.read_text())
    }
    assert marked == {"cuda"}
