"""The rows that show a verification in the live display: one for each worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from papertrial.claims.events import (
    Looked,
    Registered,
    SeedEnded,
    SeedProgress,
    SeedRetried,
    SeedStarted,
)
from papertrial.claims.run_words import say_runs
from papertrial.cli.followed_output import FollowedOutput
from papertrial.cli.live import Line, Remove, Row, Shown, describe_step
from papertrial.cli.size_and_duration import duration
from papertrial.numbers import number
from papertrial.progress import Step

if TYPE_CHECKING:
    from papertrial.verification.verify import Event


class SeedRows:
    """Describes the events of one verification, one after another.

    The rule, every seed that has ended and every look at the claims stay on the screen as lines,
    and of a seed that is followed, the output of its program.

    Args:
        followed: the output to show; None for none.
        seeded: whether there are seeds; the runs of a program that takes none are numbered.

    Attributes:
        folder: the folder of the verification; None until the rule is registered.
        ended: the number of seeds that have ended.
    """

    def __init__(self, followed: FollowedOutput | None = None, *, seeded: bool = True) -> None:
        self.folder: Path | None = None
        self.ended = 0
        self._followed = followed
        self._noun = "seed" if seeded else "run"
        self._say = str if seeded else say_runs

    def rows(self, event: Event) -> Iterator[Shown]:
        """Yield the rows of seeds that an event of a verification changes in the live display."""
        match event:
            case Step():
                yield from describe_step(event)
            case Registered():
                self.folder = event.path
                yield from (Line(self._say(line)) for line in event.lines)
                yield Line(f"registered in {event.path}, SHA-256 {event.sha256}")
            case SeedStarted():
                yield Remove()  # the last step, if there was one
                yield Row(f"{self._noun} {event.seed}", text="started", key=event.worker)
            case SeedProgress():
                yield from self._output(event.seed)
                yield Row(
                    f"{self._noun} {event.seed}",
                    event.done,
                    event.total,
                    text=event.text,
                    key=event.worker,
                )
            case SeedEnded():
                self.ended += 1
                yield from self._output(event.seed, ended=True)
                yield Remove(event.worker)
                yield Line(f"{self._noun} {_describe_end(event)}")
            case SeedRetried():
                yield Line(f"{self._noun} {event.seed} starts again: {event.why}")
            case Looked():
                for line in event.lines:
                    yield Line(self._say(f"after {event.n} of at most {event.of} seeds: {line}"))

    def _output(self, seed: int, *, ended: bool = False) -> Iterator[Line]:
        """Yield the new lines of a seed's program, if it is followed."""
        if self._followed is None or self.folder is None or self._followed.seed != seed:
            return
        for text in self._followed.new_lines(self.folder, ended=ended):
            yield Line(f"{self._noun} {seed} | {text}")


def _describe_end(event: SeedEnded) -> str:
    took = duration(event.seconds)
    if event.state == "finished":
        scores = ", ".join(f"{name} {number(score)}" for name, score in event.scores.items())
        return f"{event.seed}: {scores} ({took})"
    error = f": {event.error}" if event.error else ""
    return f"{event.seed} {event.state} after {took}{error}"
