"""`papertrial schema COMMAND`: real answers with --json satisfy it, and have all of its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import Result

import papertrial as pt
from papertrial.cli.schema import ANSWERS

Invoke = Callable[..., Result]
PAGE = (Path(__file__).parents[2] / "docs" / "machines.md").read_text("utf-8")


@pytest.fixture(scope="module")
def answers(
    verified: Path,
    trained_labs: Path,
    invoke: Invoke,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What each command prints with --json."""
    folder = tmp_path_factory.mktemp("answers")
    for name, gain in (("a", 0.0), ("b", 0.02)):
        rows = [f"{i},{0.9 + gain + 0.001 * (i * (7 if gain else 5) % 4)}" for i in range(12)]
        (folder / f"{name}.csv").write_text("\n".join(["seed,accuracy", *rows]))
    found = {
        "verify": pt.load_verification(verified).to_json(),
        "register-labs": json.loads((trained_labs / "registered.json").read_text()),
    }
    labs = [str(trained_labs / name) for name in ("lab1", "lab2", "runs")]
    sides = ("--baseline", "a.csv", "--candidate", "b.csv", "--metric", "accuracy")
    for name, words in (
        (
            "judge",
            ["judge", "b.csv", "--metric", "accuracy", "--value", "0.9", "--kind", "at-least"],
        ),
        ("combine", ["combine", *labs[:2], "--runs", labs[2]]),
        ("register", ["register", "digits-mlp"]),
        ("audit", ["audit", str(verified), "--no-retrain"]),
        ("accept", ["accept", "--ledger", "l", *sides]),
        ("accept-show", ["accept", "--ledger", "l", "--show"]),
        ("data-info", ["data", "info", "a.csv", "--target", "accuracy"]),
    ):
        done = invoke(*words, "--json", cwd=folder)
        assert done.exit_code == 0, done.stderr
        found[name] = json.loads(done.stdout.splitlines()[-1])
    return found


def schema_of(invoke: Invoke, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(invoke("schema", name).stdout)
    return schema


@pytest.mark.parametrize("name", ANSWERS)
def test_a_real_answer_satisfies_the_schema(
    invoke: Invoke, answers: dict[str, Any], name: str
) -> None:
    schema = schema_of(invoke, name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(answers[name], schema)
    assert list(answers[name]) == list(schema["properties"]) == schema["required"]
    for key in schema["required"]:
        rest = {k: v for k, v in answers[name].items() if k != key}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(rest, schema)


def test_a_wrong_type_is_found(invoke: Invoke, answers: dict[str, Any]) -> None:
    answer = answers["verify"]
    claim = {**answer["claims"][0], "mean": "0.9"}
    for changed in ({"verdict": "MAYBE"}, {"seeds": "0"}, {"claims": [claim]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**answer, **changed}, schema_of(invoke, "verify"))
    jsonschema.validate({**answer, "a new key": 1}, schema_of(invoke, "verify"))


def type_of(value: dict[str, Any]) -> str:
    """Return the type of a property in the words of the page."""
    if "$ref" in value:
        return "object"
    if "anyOf" in value:
        kinds = [type_of(one) for one in value["anyOf"]]
        return " or ".join(dict.fromkeys("number" if k == "integer" and "number" in kinds else k
                                         for k in kinds))  # fmt: skip
    if value.get("type") == "array":
        return f"list of {type_of(value['items'])}s"
    return str(value["type"])


def documented(title: str) -> dict[str, str]:
    """Return the keys of the table below a heading of the page, with their types."""
    part = re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", part, re.MULTILINE))


@pytest.mark.parametrize(
    ("title", "name", "inner"),
    [
        ("`verify --json`", "verify", ""),
        ("A claim in `verify --json`", "verify", "ClaimLine"),
        ("`judge --json`", "judge", ""),
        ("`combine --json`", "combine", ""),
        ("The laboratories in `combine --json`", "combine", "Laboratories"),
        ("A laboratory in `combine --json`", "combine", "LaboratoryLine"),
        ("`register --json`", "register", ""),
        ("`register --labs N --json`", "register-labs", ""),
        ("`audit --json`", "audit", ""),
        ("`accept --json`", "accept", ""),
        ("`accept --show --json`", "accept-show", ""),
        ("`data info --json`", "data-info", ""),
        ("A part in `data info --json`", "data-info", "PartCard"),
        ("A column in `data info --json`", "data-info", "ColumnCard"),
    ],
)
def test_the_page_lists_each_key_with_its_type(
    invoke: Invoke, title: str, name: str, inner: str
) -> None:
    schema = schema_of(invoke, name)
    properties = (schema["$defs"][inner] if inner else schema)["properties"]
    assert documented(title) == {key: type_of(value) for key, value in properties.items()}


@pytest.mark.parametrize("name", ["verify", "accept"])
def test_the_example_of_the_page_is_one(invoke: Invoke, answers: dict[str, Any], name: str) -> None:
    part = PAGE.partition(f"# `{name} --json`\n")[2]
    found = re.search(r"^```json\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    assert found is not None
    example = json.loads(found[1])
    jsonschema.validate(example, schema_of(invoke, name))
    assert list(example) == list(answers[name])
    if name == "verify":
        assert list(example["claims"][0]) == list(answers[name]["claims"][0])


def test_an_unknown_command_is_refused(invoke: Invoke) -> None:
    done = invoke("schema", "verfy")
    assert done.exit_code == 2
    assert 'did you mean "verify"' in done.stderr
    assert invoke("schema", "verify", "--markdown").exit_code == 2
