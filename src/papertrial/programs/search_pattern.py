"""Search a program's output for a pattern in a process of its own, which a time limit ends.

Python searches a regular expression without a pause, and a pattern such as "(a+)+b" may take longer
than anyone waits. So the search is also a script: it prints what it finds, one line of JSON each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

if __name__ == "__main__":  # it has no other import path: it starts without site-packages
    sys.path.insert(0, str(Path(__file__).parents[2]))

from papertrial.errors import ProgramFailedError
from papertrial.numbers import number
from papertrial.programs.found import Found
from papertrial.programs.read_pattern import find_by_pattern, find_in_lines, is_quick, literal_in
from papertrial.programs.text_lines import Line, read_lines

SECONDS = 10.0  # of CPU time, for one line
_SMALL = 2**14  # bytes, in which a quick pattern is searched in 0.1 s at most
_ERROR = "error"


def search_pattern(pattern: str, path: Path, seconds: float = SECONDS) -> Iterator[Found]:
    """Yield the matches of a pattern in the lines of a file, as `find_by_pattern` does.

    Args:
        pattern: the regular expression.
        path: the file.
        seconds: of CPU time that the search of one line may take.

    Raises:
        ProgramFailedError: the search of a line takes too long, or a match is not a number.
    """
    is_small = path.stat().st_size <= _SMALL and is_quick(pattern)
    if is_small or os.name != "posix":  # Windows has no limit of CPU time that ends a process
        yield from find_by_pattern(pattern, path)
        return
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, pattern, os.fspath(path), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which ends the other one
    )
    assert process.stdout is not None
    try:
        for row in process.stdout:
            found = json.loads(row)
            if isinstance(found, dict):
                raise ProgramFailedError(found[_ERROR])
            yield Found(Decimal(found[0]), *found[1:])
        process.wait()
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    if process.returncode == -signal.SIGVTALRM:
        raise ProgramFailedError(
            f'the search for "{pattern}" in {path.name} took more than {number(seconds)} s for one '
            'line: write a pattern with fewer repeats, none inside another one as in "([0-9]+)+"'
        )
    if process.returncode:
        raise ProgramFailedError(
            f'the search for "{pattern}" in {path.name} ended with status {process.returncode}'
        )


def _limited(lines: Iterable[Line], seconds: float) -> Iterator[Line]:
    """Yield lines; the kernel ends this process if the search of one takes too much CPU time.

    Nothing in Python could: `re` does not let another thread run while it searches a line.
    """
    for line in lines:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield line
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> None:
    """Search, and print each match, or why one is not a number."""
    pattern, path, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    lines = _limited(read_lines(path, containing=literal_in(pattern)), seconds)
    try:
        try:
            for found in find_in_lines(pattern, lines):
                row = [str(found.value), found.step, found.line, found.text, found.has_percent_sign]
                sys.stdout.write(json.dumps(row) + "\n")
        except ProgramFailedError as error:
            sys.stdout.write(json.dumps({_ERROR: str(error)}) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on
        os._exit(1)


if __name__ == "__main__":
    main()
