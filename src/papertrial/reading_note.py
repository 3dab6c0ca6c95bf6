"""What reading a data set left out, converted, guessed or filled, as a typed record."""

from __future__ import annotations

from typing import Literal

from papertrial.numbers import plural
from papertrial.record import Part

ReadingAction = Literal["left out", "converted", "guessed", "filled"]


class ReadingNote(Part):
    """One kind of change that reading a data set made to what its files hold.

    A source adds a note for everything that a model does not learn from as it is written: `check`,
    `train`, `data info` and reports show them, a run keeps them, and an audit compares them.

    Attributes:
        action: "left out", "converted", "guessed" or "filled".
        what: what it was done to, and why or into what: "end in .heic, which cannot be decoded".
        count: how many, at least 1.
        unit: what is counted, in the singular: "file", "row", "cell", "column".
        example: one of them, as it is written in the files; "" if there is nothing to show.
        where: its file and line; "" if `example` says it.
        change: what to do to get something else; "" if nothing can be done in papertrial.
        warns: whether `check` warns of it, because a model may learn less than the files hold.
    """

    action: ReadingAction
    what: str
    count: int
    unit: str
    example: str = ""
    where: str = ""
    change: str = ""
    warns: bool = False

    @property
    def text(self) -> str:
        """The note as one sentence."""
        example = f", such as {self.example}" if self.example else ""
        where = f" ({self.where})" if self.where else ""
        change = f"; to change this, {self.change}" if self.change else ""
        return f"{self.action} {plural(self.count, self.unit)}: {self.what}{example}{where}{change}"
