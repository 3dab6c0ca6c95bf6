"""The lines that a script would print, from its source: a number stands for each value."""

from __future__ import annotations

import ast
import re

from papertrial.programs.text_lines import ESCAPES

_LOGS = ("info", "log", "debug", "warning")
_PRINTS = ("print", "write", "echo", *_LOGS)
_FORMAT = re.compile(r"\{[^{}]*\}")
_PERCENT = re.compile(r"%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[dfgeisr]")
_VALUE = "0.5"
LOG_MARK = "| "  # for the time and the level before a line of a log


def printed_lines(source: str) -> tuple[str, ...]:
    """Return the texts that a Python script prints or logs, with 0.5 for each value in them.

    A line of a log begins with `LOG_MARK`. A script with a syntax error has none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) in _PRINTS:
            text = ESCAPES.sub("", _logged(node.args) or " ".join(map(_text, node.args)))
            before = LOG_MARK if _called(node.func) in _LOGS else ""
            found += [before + line for line in text.splitlines() if _VALUE in line]
    return tuple(found)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _logged(arguments: list[ast.expr]) -> str | None:
    """Return the text of a call such as info("loss %.3f", loss); None for other calls."""
    match arguments:
        case [ast.Constant(value=str(text)), _, *_] if _PERCENT.search(text):
            return _PERCENT.sub(_VALUE, text).replace("%%", "%")
    return None


def _text(node: ast.expr) -> str:
    match node:
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else _VALUE for part in parts
            )
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return _FORMAT.sub(_VALUE, text)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return _PERCENT.sub(_VALUE, text).replace("%%", "%")
        case ast.BinOp(left=left, op=ast.Add(), right=right) if _is_text(left) or _is_text(right):
            return _text(left) + _text(right)
        case ast.Constant(value=value):
            return str(value)
    return _VALUE


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, right=right):
            return _is_text(left) or _is_text(right)
    return False
