from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from papertrial.recipe.claims import Claim
from papertrial.report.render.markdown import render_markdown

Changed = Callable[..., Any]


def cells(line: str) -> list[str]:
    """The cells of a row, parted at bars that are not escaped."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    return re.split(r"(?<!\\)\|", line)[1:-1]


def tables(text: str) -> list[list[list[str]]]:
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[cells(line) for line in block.splitlines()] for block in blocks]


def test_the_same_is_said_as_in_the_page(verification) -> None:
    text = render_markdown(verification)
    assert text.startswith(f"# NOT REPRODUCED: {verification.headline}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Claims", "Exact claims",
        "How this was decided: test accuracy, reported 64.6 % (a single run)",
        "How this was decided: test f1, best of 5, reported 65.8 % (best of 5 runs)",
        "How this was decided: validation accuracy, reported 90.0 % (a single run)",
        "How this was decided: parameters, reported 669,706",
        "What varied and what did not", "All metrics",
        "Confusion matrix and classes", "The most confident mistakes",
        "Where the reported number falls", "Failed and collapsed seeds", "Seeds", "Attempts",
        "Pre-registration", "Provenance", "Not covered", "Run it again",
    ]  # fmt: skip
    assert "- We shuffle the training set." in text
    assert "```\npapertrial verify fashion-mnist-quickstart --max-seeds 15\n```" in text
    assert "`report.html`" in text
    first = tables(text)[0]
    told = dict(zip((head.strip() for head in first[0]), first[2], strict=True))
    assert told["Mean"].strip() == "0.6470"
    assert told["Holds within"].strip() == "± 0.0079"
    assert told["Verdict"].strip() == "REPRODUCED"
    assert told["Why"].strip() == "The whole interval lies in what counts as the same."


def test_how_a_claim_was_decided_is_said_without_the_plot(verification) -> None:
    text = render_markdown(verification)
    assert [
        line for line in text.splitlines() if line.startswith(("| What was cl", "| The result"))
    ][:2] == ["| What was claimed | A single run. |", "| The result | 24.8 reached 20. |"]
    name = "test accuracy, reported 64.6 % (a single run)"
    assert f"- {name}: 0 of 8 seeds collapsed: the rate may be up to 31.2 %." in text
    assert f"- {name}: With 0 for the failed seed, it would be UNDECIDED." in text


def test_what_was_registered_is_said_in_words(verification, changed: Changed) -> None:
    registered = verification.preregistration.registered
    first, second = registered.claims
    stated = Claim.model_validate({
        "metric": "accuracy", "value": "64.6 %", "kind": "mean", "n": 3, "printed": "64.6 %",
        "rounding": "truncated", "tolerance": "2 points",
    })  # fmt: skip
    left_out = Claim.model_validate(
        {
            "metric": "f1",
            "value": 0.7,
            "relative_tolerance": 0.01,
            "not_judged": "epochs differ",
            "kind": "expected",
        }
    )
    exact = Claim.model_validate({"metric": "parameters", "value": 4810, "kind": "exact"})
    registered = changed(
        registered, exact=(exact,), not_judged=(left_out,), versus=("ab" * 32,), files=({}, {}),
        data=({"test": "56" * 32}, {"test": "57" * 32}),
        rows=({"test": 10_000}, {"test": 10_000}), seeds_from="a public text",
        claims=(changed(first, stated=stated, kind="difference", versus=0), second),
    )  # fmt: skip
    kept = changed(verification.preregistration, registered=registered)
    text = render_markdown(changed(verification, preregistration=kept))
    assert "| mean, 3 runs, printed cut off as 64.6 %, tolerance 2 points | other side 1 |" in text
    assert "| f1 | test | 0.7 | expected, tolerance 0.01 of the value | epochs differ |" in text
    assert "| parameters | — | 4810 | exact |" in text
    assert f"| versus | {'ab' * 32} |" in text
    assert f"| other side 1 | test | `{'57' * 32}` |" in text
    assert "| seeds from | a public text |" in text
    assert "| torch | 2.11.0 |" in text
    assert "| registered | 2025-01-02T03:04:05.000+00:00 |" in text


def test_tables_are_well_formed(verification, hostile, undecided, run) -> None:
    for report in (verification, hostile, undecided, run):
        found = tables(render_markdown(report))
        assert found
        for table in found:
            assert len({len(row) for row in table}) == 1
            assert all(cell.strip() in ("---", "---:") for cell in table[1])


def test_texts_are_never_markup(hostile) -> None:
    text = render_markdown(hostile)
    outside = re.sub(r"^```$.*?^```$|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside
    assert "](javascript:" not in re.sub(r"\\.", "", outside)
    assert not re.search(r"@\w", outside)  # nobody is called into a pull request
    assert "\n# heading" not in outside


def test_a_block_of_code_cannot_be_closed_from_within(run, changed: Changed) -> None:
    text = render_markdown(changed(run, command="papertrial ```\nx"))
    assert text.count("\n````\n") == 2


def test_a_run_has_no_verdict(run) -> None:
    text = render_markdown(run)
    assert "REPRODUCED" not in text
    assert "| test accuracy | 0.64823 |" in text


def test_equal_reports_give_equal_text(verification) -> None:
    assert render_markdown(verification) == render_markdown(verification)
