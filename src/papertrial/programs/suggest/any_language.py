"""What the text of a script in any language says: its options, its seed, and what it prints."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from papertrial.programs.suggest.options import ScriptOption

INTERPRETERS = {
    ".sh": "bash", ".pl": "perl", ".R": "Rscript", ".r": "Rscript", ".jl": "julia", ".js": "node",
}  # fmt: skip
MAKEFILES = ("Makefile", "makefile", "GNUmakefile")
_FLAGS = (
    re.compile(r"(?P<flag>--[a-z][\w-]*)[)|]"),  # a case of a shell script
    re.compile(r"[\"'](?P<flag>--[a-z][\w-]*)[\"']"),  # optparse of R, ArgParse of Julia
    re.compile(r"[\"'](?P<name>[a-z][\w-]*)[|\w]*=[isf][\"']"),  # Getopt::Long of Perl
)
_VARIABLE = re.compile(r"\$[({]?([A-Z][A-Z0-9_]*)\b")
_FIXED = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(?!.*\$\{\1)", re.MULTILINE)
# "SEED=${1:-0}", "my $seed = shift", "seed <- as.integer(args[1])", "seed = int(sys.argv[1])"
_SEED_POSITION = re.compile(
    r"^[^#\n]*?seed\w*\s*(?:=|<-)\s*[\"']?(?:[\w.]*\((?:\w+,\s*)?)*(?:\$\{?(?P<shell>[1-9])\b|(?P<shift>\bshift\b)"
    r"|\$ARGV\[(?P<perl>[0-9])\]|\bargs\[(?P<r>[1-9])\]|\bARGS\[(?P<julia>[1-9])\]"
    r"|\bsys\.argv\[(?P<python>[1-9])\])",
    re.IGNORECASE | re.MULTILINE,
)
_PRINTED = re.compile(
    r"\b(?:s?printf|print|println|echo|say|cat|console\.log)\b\W{0,3}?([\"'`])(.*?)\1"
)
_VALUE = re.compile(
    r"%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[a-z]|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|#\{[^}]*\}|@?\{[^}]*\}"
)


def is_script(name: str) -> bool:
    """Whether a file is a script that could train, by its ending."""
    return name.endswith(".py") or PurePosixPath(name).suffix in INTERPRETERS


def options_in_text(source: str) -> tuple[ScriptOption, ...]:
    """Return the options that a script in another language than Python seems to take."""
    flags = [
        match.groupdict().get("flag") or f"--{match['name']}"
        for pattern in _FLAGS
        for match in pattern.finditer(source)
    ]
    return tuple(ScriptOption(flag, takes_value=True) for flag in dict.fromkeys(flags))


def variables_in_text(source: str) -> tuple[str, ...]:
    """Return the variables that a shell script or a Makefile reads and does not set itself."""
    fixed = set(_FIXED.findall(source))
    return tuple(name for name in dict.fromkeys(_VARIABLE.findall(source)) if name not in fixed)


def seed_position(source: str) -> int | None:
    """Return which argument of a script is its seed, from 1; None if none seems to be."""
    match = _SEED_POSITION.search(source)
    if match is None:
        return None
    if match["shift"]:
        return 1
    if match["perl"]:
        return int(match["perl"]) + 1
    return int(next(text for text in match.groups() if text))


def printed_in_text(source: str) -> tuple[str, ...]:
    """Return the texts that a script seems to print, with 0.5 for each value in them."""
    found = []
    for _, text in _PRINTED.findall(source):
        line = re.sub(r"\\n$", "", _VALUE.sub("0.5", text.replace("%%", "\0"))).replace("\0", "%")
        if "0.5" in line:
            found.append(line)
    return tuple(found)
