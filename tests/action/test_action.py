"""The steps of action.yml, which run here as the runner would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION = YAML(typ="safe", pure=True).load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = [step for step in STEPS if "run" in step]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
FAIL_ON = ("not-reproduced", "undecided", "never")
TOKEN = "secret-token"
RECIPE = """
name: counted
task: regression
data: {source: diabetes, splits: {test: 60}, batch_size: 64}
model: {use: torch.nn.Linear, in_features: 10, out_features: 1}
loss: torch.nn.MSELoss
optimizer: {use: torch.optim.SGD, lr: 0.01}
epochs: 1
claims:
  - {metric: parameters, value: VALUE, kind: exact}
"""


class FakeApi(BaseHTTPRequestHandler):
    """Comments of one pull request, as the REST API has them."""

    server: FakeServer

    def _answer(self, value: object, code: int = 200) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def _handle(self) -> None:
        server, path = self.server, self.path
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        server.asked.append((self.command, path))
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        if path == "/user" or server.refuses:
            self._answer({"message": "Resource not accessible by integration"}, 403)
        elif self.command == "GET":
            page = int(path.rpartition("page=")[2])
            self._answer(server.comments[100 * (page - 1) : 100 * page])
        elif self.command == "POST":
            assert path == "/repos/owner/name/issues/7/comments"
            server.comments.append(comment(len(server.comments), "github-actions[bot]", **body))
            self._answer(server.comments[-1], 201)
        else:
            number = int(path.removeprefix("/repos/owner/name/issues/comments/"))
            server.comments[number]["body"] = body["body"]
            self._answer(server.comments[number])

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def comment(number: int, login: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": login}, "body": body, "html_url": f"link{number}"}


class FakeServer(HTTPServer):
    """The REST API, with what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeApi)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.refuses = False


@pytest.fixture
def api() -> Iterator[FakeServer]:
    server = FakeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Done:
    """How a run of the action ended."""

    codes: dict[str, int]
    outputs: dict[str, str]
    summary: str
    log: str


@dataclass(frozen=True)
class Verified:
    """What the step "verify" left: its answer, its outputs as the runner got them, its log."""

    answer: str
    outputs: str
    log: str


@dataclass
class Runner:
    """Runs the scripts of the action in order, as far as their conditions are about inputs.

    The step "verify" runs once for each text of a recipe, in 5 s, and what it left serves others.
    """

    folder: Path
    api: FakeServer
    verified: dict[str, Verified]
    inputs: dict[str, str] = field(default_factory=dict)
    event: dict[str, Any] = field(default_factory=lambda: {"pull_request": {"number": 7}})

    def value(self, text: str, outputs: dict[str, str]) -> str:
        known = {
            "runner.temp": str(self.folder / "temp"),
            **{f"inputs.{name}": value for name, value in self.inputs.items()},
            **{f"steps.verify.outputs.{name}": value for name, value in outputs.items()},
        }
        return EXPRESSION.sub(lambda found: known[found[1]], text)

    def run(self, **inputs: str) -> Done:
        defaults = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
        self.inputs = {**defaults, "token": TOKEN, **inputs}
        files = {name: self.folder / name for name in ("output", "summary", "event")}
        for file in files.values():
            file.write_text("")
        files["event"].write_text(json.dumps(self.event))
        (self.folder / "temp").mkdir(exist_ok=True)
        bin_ = self.folder / "bin"
        bin_.mkdir(exist_ok=True)
        python = bin_ / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        base = {
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_API_URL": f"http://127.0.0.1:{self.api.server_port}",
        }
        done = Done({}, {}, "", "")
        failed = False
        for step in SCRIPTS:
            name, condition = step["id"], step.get("if", "")
            if name == "install" or (failed and "always()" not in condition):
                continue
            if "inputs.comment" in condition and self.inputs["comment"] != "true":
                continue
            env = {k: self.value(v, done.outputs) for k, v in step.get("env", {}).items()}
            if name == "verify" and (earlier := self.verified.get(self.recipe_text())):
                code, log = 0, earlier.log
                self.answer.parent.mkdir(exist_ok=True)
                self.answer.write_text(earlier.answer)
                files["output"].write_text(earlier.outputs)
            else:
                ended = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                    env={**base, **env}, cwd=self.folder, capture_output=True, text=True,
                    check=False,
                )  # fmt: skip
                code, log = ended.returncode, ended.stdout + ended.stderr
                if name == "verify" and code == 0 and (text := self.recipe_text()):
                    outputs = files["output"].read_text()
                    self.verified[text] = Verified(self.answer.read_text(), outputs, log)
            done.codes[name] = code
            failed = failed or code != 0
            done.log += log
            done.outputs |= outputs_of(files["output"].read_text())
        done.summary = files["summary"].read_text()
        return done

    @property
    def answer(self) -> Path:
        """The file that "verify" writes its answer to."""
        return self.folder / "temp" / "papertrial" / "answer.json"

    def recipe_text(self) -> str:
        """Return the recipe, if nothing but its text decides what the step "verify" leaves."""
        file = self.folder / self.inputs["recipe"][:50]
        alone = not self.inputs["arguments"] and self.inputs["fail-on"] in FAIL_ON
        return file.read_text() if alone and file.is_file() else ""


def outputs_of(text: str) -> dict[str, str]:
    """Read GITHUB_OUTPUT as the runner does."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        for more in lines:
            if more == end:
                break
            value.append(more)
        found[name] = "\n".join(value)
    return found


@pytest.fixture(scope="module")
def verified() -> dict[str, Verified]:
    return {}


@pytest.fixture
def runner(tmp_path: Path, api: FakeServer, verified: dict[str, Verified]) -> Runner:
    for name, value in (("holds", "11"), ("fails", "12")):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.replace("VALUE", value))
    return Runner(tmp_path, api, verified)


def test_a_claim_that_holds(runner: Runner, api: FakeServer) -> None:
    done = runner.run(recipe="./holds.yaml", comment="true")
    ids = ("cache", "verify", "summarize", "comment", "conclude")
    assert done.codes == dict.fromkeys(ids, 0), done.log
    assert done.outputs["verdict"] == "REPRODUCED"
    assert done.outputs["headline"].startswith("REPRODUCED: ")
    assert Path(done.outputs["report"]).is_file()
    assert Path(done.outputs["verification"]).name == done.outputs["name"]
    assert done.summary.startswith("### ✅ REPRODUCED: ")
    assert "| parameters \\(exact\\) | 11 |" in done.summary
    assert "(https://github.example/owner/name/actions/runs/42)" in done.summary
    (only,) = api.comments
    mark, _, body = only["body"].partition("\n")
    assert re.fullmatch("<!-- papertrial [0-9a-f]{16} -->", mark)
    assert body == done.summary
    assert TOKEN not in done.log


@pytest.mark.parametrize(
    ("recipe", "fail_on", "code"),
    [("fails", "not-reproduced", 1), ("fails", "never", 0)],
)
def test_the_verdict_fails_the_job_where_it_should(
    runner: Runner, recipe: str, fail_on: str, code: int
) -> None:
    done = runner.run(**{"recipe": f"./{recipe}.yaml", "fail-on": fail_on})
    assert done.codes == {"cache": 0, "verify": 0, "summarize": 0, "conclude": code}, done.log
    assert ("❌" in done.summary) == (recipe == "fails")


def test_the_comment_is_updated_in_place(runner: Runner, api: FakeServer) -> None:
    api.comments += [comment(i, "someone", f"comment {i}") for i in range(120)]
    api.comments[7]["user"] = None  # whose account was deleted
    runner.run(recipe="./holds.yaml", comment="true")
    assert len(api.comments) == 121
    first = api.comments[-1]["body"]
    (runner.folder / "holds.yaml").write_text(RECIPE.replace("VALUE", "12"))
    runner.run(recipe="./holds.yaml", comment="true")
    assert len(api.comments) == 121
    assert api.comments[-1]["body"] != first
    assert "NOT REPRODUCED" in api.comments[-1]["body"]
    runner.run(recipe="./fails.yaml", comment="true")  # another recipe has another comment
    assert len(api.comments) == 122


def test_a_comment_of_a_stranger_with_our_mark_is_left_alone(
    runner: Runner, api: FakeServer
) -> None:
    runner.run(recipe="./holds.yaml", comment="true")
    mark = api.comments[0]["body"].partition("\n")[0]
    api.comments[0] = comment(0, "stranger", f"{mark}\nmine")
    runner.run(recipe="./holds.yaml", comment="true")
    assert api.comments[0]["body"] == f"{mark}\nmine"
    assert len(api.comments) == 2


def test_a_token_that_may_not_comment_is_a_warning(runner: Runner, api: FakeServer) -> None:
    api.refuses = True
    done = runner.run(recipe="./holds.yaml", comment="true")
    assert (done.codes["comment"], done.codes["conclude"]) == (0, 0)
    assert "::warning::" in done.log
    assert "pull-requests: write" in done.log


def test_a_push_has_no_pull_request_to_comment_on(runner: Runner, api: FakeServer) -> None:
    runner.event = {"ref": "refs/heads/main"}
    done = runner.run(recipe="./holds.yaml", comment="true")
    assert (done.codes["comment"], done.codes["conclude"]) == (0, 0)
    assert api.asked == []


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"recipe": "--help"}, "recipe"),
        ({"recipe": "./holds.yaml", "arguments": "'open"}, "arguments"),
        ({"recipe": "./holds.yaml", "fail-on": "sometimes"}, "fail-on"),
    ],
)
def test_a_wrong_input_fails_before_anything_is_trained(
    runner: Runner, inputs: dict[str, str], named: str
) -> None:
    done = runner.run(**inputs)
    assert done.codes == {"cache": 0, "verify": 1, "summarize": 0}
    assert "no verdict" in done.summary
    assert f"`{named}`" in done.log
    assert not (runner.folder / "temp" / "papertrial" / "runs").exists()


def test_an_error_of_papertrial_fails_the_job_even_with_never(runner: Runner) -> None:
    done = runner.run(**{"recipe": "./nothing.yaml", "fail-on": "never"})
    assert (done.codes["verify"], done.codes["conclude"]) == (0, 1)
    assert (done.outputs["verdict"], done.outputs["exit-code"]) == ("", "2")
    assert "exit code 2" in done.summary
    assert "nothing.yaml" in done.log


def test_help_is_no_verdict_and_an_earlier_answer_is_not_taken_for_one(runner: Runner) -> None:
    kept = runner.folder / "temp" / "papertrial" / "answer.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"verdict": "REPRODUCED"}')
    done = runner.run(recipe="./holds.yaml", arguments="--help", **{"fail-on": "never"})
    assert (done.codes["verify"], done.codes["summarize"], done.codes["conclude"]) == (0, 0, 1)
    assert "without a verdict" in done.summary
    assert "Traceback" not in done.log


def test_a_step_that_was_stopped_has_a_summary_and_fails_the_job(runner: Runner) -> None:
    env = {**os.environ, "RUNNER_TEMP": str(runner.folder), "RECIPE": "x", "FAIL_ON": "never"}
    env |= dict.fromkeys(("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"), "")
    env["GITHUB_STEP_SUMMARY"] = str(runner.folder / "summary")
    (runner.folder / "papertrial").mkdir()
    codes = [
        subprocess.run([sys.executable, ROOT / "action" / f"{name}.py"], env=env, check=False)
        for name in ("summarize", "conclude")
    ]
    assert [one.returncode for one in codes] == [0, 1]
    assert "was stopped" in (runner.folder / "summary").read_text()


def test_hostile_inputs_run_nothing(runner: Runner, api: FakeServer) -> None:
    evil = "$(touch pwned) `touch pwned` '; touch pwned; ' \" & touch pwned |x"
    done = runner.run(recipe=evil, comment="true")
    assert done.codes["conclude"] == 1
    done = runner.run(recipe="./holds.yaml", arguments="$(touch pwned) `touch pwned` ; touch pwned")
    assert done.codes["conclude"] == 1
    assert not list(runner.folder.rglob("pwned"))


def test_the_text_of_a_recipe_cannot_write_markdown_or_outputs(
    runner: Runner, api: FakeServer
) -> None:
    evil = (
        "a | b <img src=x onerror=y> [link](https://evil.example) @someone #1 ![i](http://x)"
        "\n\n# Title\n\nverdict<<end\nREPRODUCED\nend\n::error::gotcha"
    )
    (runner.folder / "evil.yaml").write_text(
        RECIPE.replace("VALUE", "12") + f"deviations: [{json.dumps(evil)}]\n"
    )
    done = runner.run(recipe="./evil.yaml", comment="true")
    assert done.outputs["verdict"] == "NOT REPRODUCED", done.log
    (line,) = [one for one in done.summary.splitlines() if "evil" in one]
    assert line.startswith("- a \\| b \\<img ")
    for raw in ("<img", "](https", "@someone", "#1", "https://evil", "![i"):
        assert raw not in line.replace("\\<img", "")
    assert not [one for one in done.summary.splitlines() if one.startswith("# ")]
    assert api.comments[0]["body"].endswith(done.summary)


def test_what_a_recipe_prints_is_no_command_to_the_runner(runner: Runner) -> None:
    (runner.folder / "net.py").write_text(
        "import os\nimport torch\nprint('::error::gotcha')\n"
        "assert not [k for k in os.environ if k in ('GITHUB_ENV', 'GITHUB_OUTPUT')]\n\n\n"
        "class Net(torch.nn.Linear):\n    pass\n"
    )
    text = RECIPE.replace("VALUE", "11").replace("torch.nn.Linear", "./net.py:Net")
    (runner.folder / "prints.yaml").write_text(text)
    done = runner.run(recipe="./prints.yaml")
    assert done.outputs["verdict"] == "REPRODUCED", done.log
    stop = re.search(r"::stop-commands::(\w+)", done.log)
    assert stop is not None
    assert done.log.count(stop[1]) == 2
