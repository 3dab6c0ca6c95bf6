"""A badge with the verdict of a verification: an SVG, and the JSON of a shields.io endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal

import matplotlib
from PIL import ImageFont
from pydantic import Field

from papertrial.claims.verdict import Verdict
from papertrial.record import Part

LABEL = "papertrial"
# With white text each has a contrast of at least 4.5, as WCAG 2 asks of small text.
_COLOURS: dict[Verdict, str] = {
    "REPRODUCED": "#1a7f37",
    "NOT REPRODUCED": "#c62828",
    "UNDECIDED": "#5c6670",
}
_LABEL_COLOUR = "#3b3b3b"
_SIZE, _HEIGHT, _PADDING, _R = 11, 20, 6, 3  # pixels, as shields.io has them; R: of corners
_BASELINE = 14  # pixels from the top


class EndpointBadge(Part):
    """The JSON of https://shields.io/badges/endpoint-badge: a badge that shields.io draws.

    Attributes:
        schema_version: of their schema.
        label, message: the left and the right text.
        color: of the right side, as hexadecimal digits.
    """

    schema_version: Literal[1] = Field(default=1, alias="schemaVersion")
    label: str
    message: str
    color: str


@dataclass(frozen=True)
class Badge:
    """The texts of a badge and the colour of its right side."""

    label: str
    message: str
    colour: str

    @classmethod
    def of(cls, verdict: Verdict, *, deviates: bool, label: str = LABEL) -> Badge:
        """Return the badge of a verdict; one that holds with deviations says so."""
        marked = " with deviations" if deviates and verdict == "REPRODUCED" else ""
        shown = "".join(letter for letter in label if letter.isprintable()).strip() or LABEL
        return cls(shown, f"{verdict}{marked}", _COLOURS[verdict])

    def to_endpoint(self) -> EndpointBadge:
        """Return it for shields.io."""
        return EndpointBadge(label=self.label, message=self.message, color=self.colour[1:])

    def to_svg(self) -> str:
        """Return it as an SVG with a title for readers who do not see it.

        Texts have the widths that were computed, so that they fit in the viewer's font too.
        """
        left, right = text_width(self.label), text_width(self.message)
        split = round(left + 2 * _PADDING)
        width = split + round(right + 2 * _PADDING)
        name = escape(f"{self.label}: {self.message}")
        texts = (
            _text(self.label, split / 2, left),
            _text(self.message, split + (width - split) / 2, right),
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
                f'viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{name}">',
                f"<title>{name}</title>",
                # No ids, so that several badges can be in one page.
                f'<path d="M{split} 0H{_R}a{_R} {_R} 0 0 0-{_R} {_R}v{_HEIGHT - 2 * _R}'
                f'a{_R} {_R} 0 0 0 {_R} {_R}H{split}z" fill="{_LABEL_COLOUR}"/>',
                f'<path d="M{split} 0H{width - _R}a{_R} {_R} 0 0 1 {_R} {_R}v{_HEIGHT - 2 * _R}'
                f'a{_R} {_R} 0 0 1-{_R} {_R}H{split}z" fill="{self.colour}"/>',
                f'<g fill="#fff" text-anchor="middle" font-size="{_SIZE}" aria-hidden="true" '
                'font-family="Verdana,&quot;DejaVu Sans&quot;,Geneva,sans-serif">',
                *texts,
                "</g>",
                "</svg>",
                "",
            ]
        )


def text_width(text: str) -> float:
    """Return the width in pixels of a text in DejaVu Sans, whose letters are as wide as Verdana's.

    matplotlib brings the font. A letter that it lacks is as wide as its replacement.
    """
    return float(_font().getlength(text))


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), _SIZE)


def _text(text: str, middle: float, width: float) -> str:
    length = f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{middle:g}" y="{_BASELINE}" {length}>{escape(text)}</text>'
