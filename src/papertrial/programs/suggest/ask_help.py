"""Ask a script for its help text, in a copy of its folder."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import copy_code
from papertrial.programs.supervised import require_posix, supervised
from papertrial.progress import finish

_PARSERS = re.compile(
    r"\b(?:argparse|ArgumentParser|HfArgumentParser|click|typer|docopt|fire|tyro|absl|"
    r"simple_parsing|jsonargparse|LightningCLI|hydra)\b"
)
_SECONDS = 30.0  # importing torch takes 5 to 20 on a busy machine
_LARGEST = 2**18  # bytes of a help text


def takes_help(source: str) -> bool:
    """Whether a script would answer --help, and not start its work: it names a parser of options.

    A shell script must name --help itself.
    """
    return _PARSERS.search(source) is not None or "--help" in source


def ask_help(folder: Path, command: Sequence[str], seconds: float = _SECONDS) -> str | None:
    """Run a command with --help in a copy of a folder; return what it prints, None if it fails.

    Args:
        folder: the repository.
        command: the words up to the script: ["{python}", "train.py"].
        seconds: after which it is stopped.
    """
    try:
        require_posix()
        with tempfile.TemporaryDirectory(
            prefix="papertrial-new-", ignore_cleanup_errors=True
        ) as name:
            home = Path(name).resolve()
            copy_code(folder, home / "work")
            stdout, stderr = home / "stdout", home / "stderr"
            words = [sys.executable if word == "{python}" else word for word in command]
            plain = {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1", "CUDA_VISIBLE_DEVICES": ""}
            end = finish(
                supervised(
                    (*words, "--help"),
                    folder=home / "work",
                    environment={**os.environ, **plain, "TMPDIR": str(home)},
                    stdout=stdout,
                    stderr=stderr,
                    timeout=seconds,
                    token=uuid.uuid4().hex,
                )
            )
            if end.reason != "ended" or end.exit_code != 0:
                return None
            return stdout.read_bytes()[:_LARGEST].decode(errors="replace")
    except PapertrialError:
        return None
