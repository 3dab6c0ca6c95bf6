"""Does a model learn what the files hold? Warn of what reading them lost."""

from __future__ import annotations

from collections.abc import Iterable

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.reading_note import ReadingNote


def reading_warnings(notes: Iterable[ReadingNote]) -> list[Diagnosis]:
    """Return a warning for each note on reading the data that asks for one."""
    return [
        Diagnosis("warning", "data", note.model_copy(update={"change": ""}).text, note.change)
        for note in notes
        if note.warns
    ]
