"""action.yml: what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION = YAML(typ="safe", pure=True).load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = [step for step in STEPS if "run" in step]


def test_it_is_a_composite_action() -> None:
    assert {"name", "description", "inputs", "outputs", "runs"} <= set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert all(step["shell"] == "bash" for step in SCRIPTS)
    assert all({"description"} <= set(one) for one in ACTION["inputs"].values())


def test_no_script_has_an_expression_in_it() -> None:
    for step in SCRIPTS:
        assert "${{" not in step["run"], step["name"]
        named = set(re.findall(r"\$\{?([A-Z_]+)", step["run"]))
        assert named - {"GITHUB_ACTION_PATH"} <= set(step.get("env", {}))


def test_each_input_is_used_and_each_that_is_used_exists() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(ACTION["inputs"])
    ids = {step["id"] for step in STEPS if "id" in step}
    assert set(re.findall(r"steps\.([a-z]+)\.", text)) <= ids


def test_each_output_is_one_that_a_script_writes() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "action").glob("*.py"))
    text = (ROOT / "action.yml").read_text("utf-8")
    for name in set(re.findall(r"outputs\.([a-z_]+)", text)):
        assert re.search(rf"\b{name}=", source), name


def test_each_script_is_there_and_only_those() -> None:
    named = {name for step in SCRIPTS for name in re.findall(r"action/(\w+\.py)", step["run"])}
    assert named | {"github.py"} == {path.name for path in (ROOT / "action").glob("*.py")}


def test_only_the_comment_sees_the_token() -> None:
    with_token = [step["id"] for step in SCRIPTS if "token" in str(step.get("env")).lower()]
    assert with_token == ["comment"]
