"""What the steps of the action share: files of the runner, and text that is safe in Markdown."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&])")
_LONGEST = 1_000  # characters of one text of a recipe


def answer_file() -> Path:
    """Return the file with the answer of `papertrial verify --json`."""
    return Path(os.environ["RUNNER_TEMP"]) / "papertrial" / "answer.json"


def read_answer() -> dict[str, Any]:
    """Return the answer of `papertrial verify`, or {"error": ...} if it had none."""
    try:
        answer: dict[str, Any] = json.loads(answer_file().read_text("utf-8"))
    except (FileNotFoundError, ValueError):  # it was cancelled, or killed while it was writing
        return {"error": "the step that verifies was stopped before it had an answer"}
    return answer


def write_output(**values: str) -> None:
    """Set outputs of this step. A value may have any characters, as its end cannot be guessed."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        for name, value in values.items():
            end = f"end-{secrets.token_hex(16)}"
            file.write(f"{name.replace('_', '-')}<<{end}\n{value}\n{end}\n")


def plain(text: object) -> str:
    """Return a text that Markdown shows as it is, in one line.

    It comes from a recipe, and so perhaps from a stranger's pull request: it must not be a link, an
    image, HTML, a mention or a reference to an issue, nor end the cell of a table.
    """
    line = " ".join(str(text).split())
    line = "".join(letter for letter in line if letter.isprintable())
    shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    escaped = _SPECIAL.sub(r"\\\1", shown)
    # After a zero-width space, "@name", "#1", "https://..." and "www...." are not recognized.
    return re.sub(r"(?i)(@|#|:(?=//)|www)", "\\1\u200b", escaped)
