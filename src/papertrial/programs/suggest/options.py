"""The options of a script: from its help text, or from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LINE = re.compile(
    r"^[\s│|*]{0,8}(?:-\w\b(?:[ =][A-Z<][^\s,]*)?,?\s+)?(?P<flag>--[A-Za-z][\w-]*)(?P<rest>.*)$"
)
_METAVAR = re.compile(
    r"^(?:[ =]\[?|\s+)(?P<metavar>[A-Z][A-Z0-9_]*\b|<[^>]+>|\{[^}]+\}|\[[A-Z|_]+\])"
)
_DEFAULT = re.compile(r"[\[(](?:default|Default)(?::|=|\sis)?\s*(?P<value>[^\])]+)[\])]")
_REQUIRED = re.compile(r"\[required\]|\(required\)", re.IGNORECASE)
_DECLARES = ("add_argument", "option", "Option", "DEFINE_integer", "DEFINE_string", "DEFINE_float")


@dataclass(frozen=True)
class ScriptOption:
    """An option of a script.

    Attributes:
        flag: "--seed".
        takes_value: whether a value follows it.
        default: as text; None if it has none, or it is not known.
        required: whether the script fails without it.
    """

    flag: str
    takes_value: bool
    default: str | None = None
    required: bool = False

    @property
    def key(self) -> str:
        """Its name in lower case, with "_" for "-"."""
        return self.flag.lstrip("-").replace("-", "_").lower()


def options_in_help(text: str) -> tuple[ScriptOption, ...]:
    """Return the options in a help text, as argparse, click and typer write it."""
    found: dict[str, ScriptOption] = {}
    entries: list[list[str]] = []
    for line in text.splitlines():
        if _LINE.match(line):
            entries.append([line])
        elif entries and line.strip():
            entries[-1].append(line.strip(" │|"))
        else:
            entries.append([""])  # a description does not go on after an empty line
    for entry in entries:
        match = _LINE.match(entry[0])
        if match is None:
            continue
        rest = " ".join([match["rest"], *entry[1:]])
        default = _DEFAULT.search(rest)
        value = None if default is None else default["value"].strip()
        option = ScriptOption(
            flag=match["flag"],
            takes_value=_METAVAR.match(match["rest"]) is not None,
            default=None if value in (None, "None", "") else value,
            required=_REQUIRED.search(rest) is not None,
        )
        found.setdefault(option.flag, option)
    return tuple(found.values())


def options_in_source(source: str) -> tuple[ScriptOption, ...]:
    """Return the options that a Python script declares; none if it has a syntax error."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    return tuple(_declared(tree))


def positional_in_source(source: str) -> tuple[str, ...]:
    """Return the names of the arguments that a script of argparse or click needs."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found = []
    for call in _calls(tree, ("add_argument", "argument")):
        name, keys = _first_text(call), {word.arg: word.value for word in call.keywords}
        optional = "nargs" in keys and _constant(keys["nargs"]) in ("?", "*", "-1")
        optional |= (
            "default" in keys or _constant(keys.get("required", ast.Constant(True))) == "False"
        )
        if name and not name.startswith("-") and not optional:
            found.append(name)
    return tuple(found)


def merged(*sets: Iterable[ScriptOption]) -> tuple[ScriptOption, ...]:
    """Return the options of several sets; what the first does not know, a later one says."""
    found: dict[str, ScriptOption] = {}
    for option in (one for options in sets for one in options):
        known = found.get(option.flag)
        if known is None:
            found[option.flag] = option
        else:
            found[option.flag] = ScriptOption(
                flag=option.flag,
                takes_value=known.takes_value or option.takes_value,
                default=known.default if known.default is not None else option.default,
                required=known.required or option.required,
            )
    return tuple(found.values())


def variables_in_source(source: str) -> tuple[str, ...]:
    """Return the environment variables that a Python script reads."""
    read = r"(?:environ(?:\.get)?\s*[\[(]|getenv\s*\()\s*['\"](\w+)['\"]"
    return tuple(dict.fromkeys(re.findall(read, source)))


def _declared(tree: ast.AST) -> Iterator[ScriptOption]:
    for call in _calls(tree, _DECLARES):
        function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        texts = [
            node.value
            for node in call.args
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if function.startswith("DEFINE_"):
            texts = [f"--{texts[0]}"] if texts else []
        flag = next((text.split("/")[0].strip() for text in texts if text.startswith("--")), None)
        if flag is None:
            continue
        keys = {word.arg: word.value for word in call.keywords}
        action = _constant(keys["action"]) if "action" in keys else ""
        is_flag = action.startswith(("store_true", "store_false", "count", "help", "version"))
        is_flag |= "is_flag" in keys or "/" in "".join(texts)
        default = _constant(keys["default"]) if "default" in keys else None
        if default is None and function.startswith("DEFINE_") and len(call.args) > 1:
            default = _constant(call.args[1])
        yield ScriptOption(
            flag=flag,
            takes_value=not is_flag,
            default=None if default in (None, "", "None", "False") or is_flag else default,
            required=_constant(keys["required"]) == "True" if "required" in keys else False,
        )


def _calls(tree: ast.AST, names: tuple[str, ...]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = name or (function.id if isinstance(function, ast.Name) else "")
            if name in names:
                yield node


def _first_text(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _constant(node: ast.expr) -> str:
    """Return a constant as text; "" for any other expression."""
    try:
        return str(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ""
