"""What decoding changed in the images of a set, counted, and the notes on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertrial.data.images.grey_levels import WHITE, GreyRange
from papertrial.numbers import number
from papertrial.reading_note import ReadingNote

# By the names in `DecodedImage.changes`: what is said of such images, and how to change it.
_WORDS = {
    "upright": ("are turned upright, as their EXIF says", ""),
    "first frame": (
        "have several frames or pages, of which the first is read",
        "save each frame as a file",
    ),
    "on black": ("are transparent, and put on black", "put them on another background"),
    "to 8 bits": (
        "have more than 8 bits a pixel, of which the upper 8 of 16 are kept",
        "set data.image.range",
    ),
    "colour to 8 bits": (
        "have 16 bits for each channel, of which the upper 8 are kept",
        "convert them to 8 bits",
    ),
    "to range": (
        "have more than 8 bits a pixel: {low} becomes 0, and {high} becomes 255",
        "set data.image.range",
    ),
    "clipped": (
        "have values outside of data.image.range, which become 0 or 255",
        "set a larger range",
    ),
    "out of range": (
        "have 8 bits a pixel, so data.image.range does not apply to them",
        "convert them to 16 bits",
    ),
    "resized": ("have another size, and are resized to {size}", "set data.image.size"),
}
_MODES = {"L": "gray", "RGB": "in color"}
_FEW_LEVELS = 64  # of 256: what is left of 14 bits in a file of 16


class Changes:
    """Counts of what decoding changed in the images of a set.

    Args:
        size: the size that all images get; None if they keep theirs.
        grey_range: the grey values that become 0 and 255; None for the upper 8 of 16 bits.
    """

    def __init__(self, size: tuple[int, int] | None, grey_range: GreyRange | None) -> None:
        low, high = grey_range or (0, WHITE)
        self._words = {"size": list(size or ()), "low": number(low), "high": number(high)}
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}
        self._grey: GreyRange | None = None

    def add(self, part: str, names: Sequence[str], changes: Mapping[str, Sequence[int]]) -> None:
        """Add the changes to some images of a part, by the indices of their names."""
        for change, rows in changes.items():
            self._counts[change] = self._counts.get(change, 0) + len(rows)
            self._examples.setdefault(change, names[rows[0]])

    def add_grey(self, part: str, grey: GreyRange | None) -> None:
        """Add the lowest and highest value of images with more than 8 bits, None without any."""
        if part == "train" and grey is not None:
            low, high = self._grey or grey
            self._grey = (min(low, grey[0]), max(high, grey[1]))

    def notes(self) -> tuple[ReadingNote, ...]:
        """Return a note for each change; a warning if 16-bit images keep few levels of grey."""
        return tuple(self._note(change, count) for change, count in self._counts.items())

    def _note(self, change: str, count: int) -> ReadingNote:
        before, _, after = change.partition(" to ")
        what, fix = _WORDS.get(change) or (
            f"are {_MODES.get(before, before)}, and are converted to {_MODES.get(after, after)}",
            "set data.image.mode",
        )
        what = what.format(**self._words)
        warns = False
        if self._grey is not None and change in ("to 8 bits", "colour to 8 bits"):
            low, high = (int(value) for value in self._grey)
            levels = high // 256 - low // 256 + 1
            if warns := levels <= _FEW_LEVELS:
                what += (
                    f"; those of the training part have values from {low:,} to {high:,} of "
                    f"{WHITE:,}, and so only {levels} of 256 levels"
                )
            if warns and change == "to 8 bits":
                most = 2 ** high.bit_length() - 1
                fix = (
                    "set data.image.range: [LOW, HIGH], the values that become 0 and 255, such as "
                    f"[0, {most}]; [0, 4095] is the range of a 12-bit device"
                )
        return ReadingNote(
            action="guessed" if change == "out of range" else "converted",
            what=what,
            count=count,
            unit="image",
            example=self._examples[change],
            change=fix,
            warns=warns,
        )
