"""Step "summarize": write the verdict as Markdown, for the job summary and the comment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from github import answer_file, plain, read_answer

_MOST_CLAIMS = 50  # rows of the table; a comment has at most 65,536 characters


def markdown(answer: dict[str, Any], recipe: str, link: str) -> str:
    """Return the verdict: the headline, a table of the claims, and a link to the report."""
    if "error" in answer:
        return f"### papertrial: no verdict on {plain(recipe)}\n\n{plain(answer['error'])}\n"
    mark = {"REPRODUCED": "✅", "NOT REPRODUCED": "❌"}.get(answer["verdict"], "❔")
    lines = [f"### {mark} {plain(answer['headline'])}", ""]
    claims = answer["claims"]
    if claims:
        lines += [
            "| claim | reported | tolerance | ours | interval | seeds | verdict |",
            "| --- | ---: | ---: | ---: | --- | ---: | --- |",
        ]
    for claim in claims[:_MOST_CLAIMS]:
        split = "" if claim["split"] in (None, "none") else f"{claim['split']} "
        name = f"{split}{claim['metric']} ({claim['kind']})"
        low, high = (number(claim[side]) for side in ("low", "high"))
        interval = "—" if claim["low"] is None and claim["high"] is None else f"{low} to {high}"
        cells = (
            name,
            number(claim["value"]),
            number(claim["tolerance"]),
            number(claim["mean"]),
            interval,
            claim["n"],
            claim["verdict"] or "not judged",
        )
        lines.append(f"| {' | '.join(map(plain, cells))} |")
    if len(claims) > _MOST_CLAIMS:
        lines.append(f"\n{len(claims) - _MOST_CLAIMS} more claims are in the report.")
    if answer["deviations"]:
        lines += ["", "Deviations from the paper:", ""]
        lines += [f"- {plain(one)}" for one in answer["deviations"][:_MOST_CLAIMS]]
    lines += ["", f"The whole report is an artifact of [this run]({link})."]
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Return a number with six significant digits, a count with all of them; a dash for none."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}"


def run_link() -> str:
    """Return the address of this run of the workflow."""
    of = os.environ
    repository = f"{of['GITHUB_SERVER_URL']}/{of['GITHUB_REPOSITORY']}"
    return f"{repository}/actions/runs/{of['GITHUB_RUN_ID']}"


def main() -> int:
    """Write it."""
    text = markdown(read_answer(), os.environ["RECIPE"], run_link())
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
        file.write(text)
    answer_file().with_name("comment.md").write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
