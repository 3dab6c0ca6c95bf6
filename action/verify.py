"""Step "verify": run `papertrial verify`, and keep its answer for the steps that follow.

It does not fail for a verdict: the step "conclude" does, after the summary and the comment.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

from conclude import FAIL_ON
from github import answer_file, write_output

_VERDICTS = (0, 1, 3)  # exit codes of REPRODUCED, NOT REPRODUCED and UNDECIDED


def command(recipe: str, arguments: str, runs: Path) -> list[str]:
    """Return the words of the command.

    Raises:
        ValueError: the recipe would be taken as an option, or a quote is not closed.
    """
    if not recipe or recipe.startswith("-"):
        raise ValueError(f"the input `recipe` must be a name or a file, got {recipe!r}")
    try:
        more = shlex.split(arguments)
    except ValueError as error:
        raise ValueError(f"the input `arguments` cannot be split: {error}") from error
    python = [sys.executable, "-P", "-m", "papertrial"]  # not a folder of that name in a repository
    return [*python, "verify", recipe, *more, "--runs", str(runs), "--json"]


def without_files() -> dict[str, str]:
    """Return the environment without the files and tokens of the runner.

    A recipe runs code. Through these files it could set outputs, variables and the search path of
    the steps that follow.
    """
    files = ("ENV", "PATH", "OUTPUT", "STATE", "STEP_SUMMARY")
    left_out = {*(f"GITHUB_{name}" for name in files), "GITHUB_TOKEN"}
    of = os.environ.items()
    return {k: v for k, v in of if k not in left_out and not k.startswith("ACTIONS_")}


def main() -> int:
    """Run it; return 1 if an input of the action is wrong, before anything is trained."""
    answer_file().parent.mkdir(parents=True, exist_ok=True)
    answer_file().unlink(missing_ok=True)  # of an earlier use of the action in the same job
    fail_on = os.environ["FAIL_ON"]
    try:
        if fail_on not in FAIL_ON:
            raise ValueError(f"the input `fail-on` must be {', '.join(FAIL_ON)}; got {fail_on!r}")
        runs = Path(os.environ["RUNNER_TEMP"]) / "papertrial" / "runs"
        words = command(os.environ["RECIPE"], os.environ["ARGUMENTS"], runs)
    except ValueError as error:
        keep({"error": str(error)}, 2)
        print(f"error: {error}", file=sys.stderr)
        return 1
    # What a recipe prints must not be taken as a command to the runner.
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, check=False, env=without_files()
    )
    print(f"\n::{token}::", flush=True)
    answer = answer_in(done.stdout)
    if done.returncode in _VERDICTS and answer is not None:
        keep(answer, done.returncode)
    else:
        what = f"papertrial verify ended with the exit code {done.returncode}, without a verdict"
        keep({"error": f"{what}; the log of this step has its message"}, done.returncode)
    return 0


def answer_in(output: str) -> dict[str, object] | None:
    """Return the answer in the last line; None if it has none, as after --help."""
    last = output.strip().rpartition("\n")[2]
    try:
        answer = json.loads(last)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "verdict" in answer else None


def keep(answer: dict[str, object], code: int) -> None:
    """Write the answer for later steps, and the outputs of the action."""
    answer_file().write_text(json.dumps(answer), "utf-8")
    write_output(
        verdict=str(answer.get("verdict", "")),
        headline=str(answer.get("headline", "")),
        report=str(answer.get("report", "")),
        verification=str(answer.get("verification", "")),
        name=Path(str(answer.get("verification", ""))).name,
        exit_code=str(code),
    )


if __name__ == "__main__":
    sys.exit(main())
