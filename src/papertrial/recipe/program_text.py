"""The YAML text of a new recipe for a program, with comments on what is to be filled in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from papertrial.programs.suggest.repository import Suggestion
from papertrial.programs.suggest.score_lines import SuggestedScore
from papertrial.vocabulary import Metric

FILL_IN = "FILL IN"
_LINE = 96  # characters of a comment
_LONG = {"acc": "accuracy", "err": "error", "ppl": "perplexity"}


def program_recipe_text(name: str, folder: str, suggestion: Suggestion) -> str:
    """Return the text of a recipe.

    What was not found is marked by FILL IN, and the recipe is not valid there, so that `papertrial
    check` names its line.

    Args:
        name: of the recipe.
        folder: of the program, relative to the recipe.
        suggestion: what was found in it.
    """
    lines = [
        f"name: {json.dumps(name)}",
        "program:",
        f"  # {suggestion.script.name} was found {_why(suggestion)}.",
        *(f"  {line}" for line in _command(suggestion)),
        f"  folder: {_text(folder)}",
        *(f"  {line}" for line in _values("parameters", suggestion.parameters)),
        *(f"  {line}" for line in _values("environment", suggestion.environment)),
        *(f"  {line}" for line in _scores(suggestion)),
        "  # timeout: 2 h  # a seed that takes longer is stopped, and has failed",
        *_claims(suggestion),
    ]
    return "\n".join(lines) + "\n"


def _why(suggestion: Suggestion) -> str:
    script = suggestion.script
    others = f"; others: {', '.join(script.others)}" if script.others else ""
    asked = ", and asked for its help" if suggestion.asked else ""
    return f"{script.why}{asked}{others}"


def _command(suggestion: Suggestion) -> Iterator[str]:
    if not suggestion.has_seed:
        yield f"# {FILL_IN}: no option for the seed was found"
        yield '# Let the program take one and pass "{seed}" here or in `environment`, or write'
        yield "# `seeded: false` if its runs differ by themselves."
        if suggestion.seeding:
            yield f"# The seed is set here: {_printable(suggestion.seeding)}"[:_LINE]
    if suggestion.needs:
        yield f"# {FILL_IN}: the script also needs {', '.join(suggestion.needs)}"
    words = ", ".join(_text(word) for word in suggestion.command)
    missing = "".join(f", {_missing(name)}" for name in suggestion.needs)
    yield f"command: [{words}{missing}]"


def _missing(name: str) -> str:
    """Return the words for an argument; its placeholder has no value, as a check says."""
    flag = f"{name}, " if name.startswith("-") else ""
    return f'{flag}"{{{name.lstrip("-").replace("-", "_")}}}"'


def _values(key: str, values: dict[str, str]) -> Iterator[str]:
    if values:
        yield f"{key}: {{{', '.join(f'{name}: {_value(text)}' for name, text in values.items())}}}"


def _scores(suggestion: Suggestion) -> Iterator[str]:
    if not suggestion.scores:
        yield f"# {FILL_IN}: no score was found"
        yield "# Write a pattern for a line of the output:"
        yield "#   accuracy: {pattern: 'test acc: ([0-9.]+) ?%', which: last, unit: percent}"
        yield "# or name a file:"
        yield '#   accuracy: {json: "{out}/result.json", key: test.accuracy}'
        if suggestion.has_events:
            yield "# or TensorBoard's files:"
            yield '#   loss: {tensorboard: "{out}", tag: test/loss, which: last}'
        yield "scores: {}"
        return
    if suggestion.from_source:
        yield "# From what the script prints in its source; `papertrial check` tries the patterns."
    yield "scores:"
    for score in suggestion.scores:
        yield f"  # {_printable(score.seen)}"[:_LINE]
        yield f"  {score.name}: {{{_score(score)}}}"


def _score(score: SuggestedScore) -> str:
    keys = [f"{key}: {_quoted(text)}" for key, text in score.source.items()]
    known = Metric(score.name)
    if score.several:
        keys.append("which: last")
    if score.unit is not None and not (score.unit == "fraction" and known.is_fraction):
        keys.append(f"unit: {score.unit}")
    if known.direction is None:
        keys.append(f"better: {score.better}")
    return ", ".join(keys)


def _claims(suggestion: Suggestion) -> Iterator[str]:
    names = [score.name for score in suggestion.scores]
    metric = names[0] if names else "accuracy"
    yield f"# {FILL_IN}: the claims"
    yield f"#   - {{metric: {metric}, value: ..., tolerance: ..., kind: mean, n: unknown}}"
    if suggestion.reported:
        yield "# Numbers in the README that could be claims:"
    for number in suggestion.reported:
        value = json.dumps(number.text.replace("%", " %")) if "%" in number.text else number.text
        same = _score_of(number.name, names)
        yield f"#   - {{metric: {same}, value: {value}, tolerance: ..., kind: mean, n: unknown}}"
        yield f"#     {number.file} line {number.line}: {_printable(number.context)}"[:_LINE]
    yield "claims: []"


def _score_of(reported: str, names: Sequence[str]) -> str:
    """Return the score that a number in a README is probably about; its own name without one."""
    word = _plain_words(reported)[-1]
    alike = [name for name in names if _plain_words(name)[-1] == word]
    exact = [name for name in alike if _plain_words(name) == _plain_words(reported)]
    return next(iter([*exact, *alike]), reported)


def _plain_words(name: str) -> list[str]:
    return [_LONG.get(word, word) for word in name.split("_")]


def _text(text: str) -> str:
    """Return a word in YAML's flow style; what needs no quotes has none."""
    plain = text.replace("-", "a").replace(".", "a").replace("/", "a").replace("_", "a")
    if plain.isascii() and plain.isalnum() and not plain.isdigit():
        is_word = text.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
        if (is_word and text[0].isalpha()) or text.startswith(("./", "--")):
            return text
    return json.dumps(text, ensure_ascii=False)


def _value(text: str) -> str:
    """Return a value in YAML's flow style; whole numbers have no quotes."""
    return text if text.isascii() and text.isdigit() else _text(text)


def _quoted(text: str) -> str:
    """Return a text in YAML's single quotes, which leave backslashes as they are."""
    if not text.isprintable():  # YAML allows control characters as escapes only
        return json.dumps(text)
    return "'" + text.replace("'", "''") + "'"


def _printable(text: str) -> str:
    """Return a text for a comment of YAML, which may have no control characters."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
