"""The output of one seed of a program, shown line by line while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_MOST_BYTES = 1_000_000  # of one reading; a program that prints faster is shown with gaps
_MOST_LINES = 1_000


class FollowedOutput:
    """Reads what the program of one seed has printed since the last reading.

    Args:
        seed: the seed to follow.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._path: Path | None = None
        self._read = 0  # bytes
        self._rest = b""  # a line that has not ended

    def new_lines(self, verification: Path, *, ended: bool = False) -> Iterator[str]:
        """Yield the lines of the program's standard output since the last reading.

        Args:
            verification: the folder of the verification.
            ended: whether the seed has ended, so that a last line without a newline counts.
        """
        path = self._newest(verification)
        if path is None:
            return
        if path != self._path:  # a further attempt at the seed
            self._path, self._read, self._rest = path, 0, b""
        with path.open("rb") as file:
            file.seek(self._read)
            data = file.read(_MOST_BYTES)
            self._read += len(data)
            left = path.stat().st_size - self._read
            if left > 0:
                self._read += left
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if ended and self._rest:
            lines.append(self._rest)
            self._rest = b""
        yield from (line.decode(errors="replace") for line in lines[:_MOST_LINES])
        gap = left > 0 or len(lines) > _MOST_LINES
        if gap:
            yield f"... (more output is in {path})"

    def _newest(self, verification: Path) -> Path | None:
        """Return the output of the newest attempt at the seed; None if it has not started."""
        paths = [
            path
            for path in verification.glob(f"seeds/s{self.seed}*/stdout.txt")
            if path.parent.name.split("-")[0] == f"s{self.seed}"
        ]
        return max(paths, key=lambda path: path.stat().st_mtime_ns, default=None)
