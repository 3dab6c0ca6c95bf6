"""A data card as one HTML file without scripts, external assets or requests."""

from __future__ import annotations

import base64
import io
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from papertrial.data.cards.card import DataCard
from papertrial.report.render.data_card_sections import data_card_sections
from papertrial.version import __version__

if TYPE_CHECKING:
    from PIL.Image import Image


def render_data_card(card: DataCard, sheet: Image | None = None) -> str:
    """Return a data card as an HTML page, in which every text of the data is escaped.

    Args:
        card: the card.
        sheet: a picture of sample images, which the page contains; None without one.
    """
    package = resources.files("papertrial.report.render")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((package / "data_card.html.j2").read_text("utf-8"))
    style = "".join((package / one).read_text("utf-8") for one in ("style.css", "media.css"))
    page: str = template.render(
        name=card.name,
        sections=data_card_sections(card),
        picture="" if sheet is None else _data_url(sheet),
        generator=f"papertrial {__version__}",
        style=Markup(style),
    )
    # Half a surrogate pair, as in a name of a file that is not UTF-8, cannot be written.
    return page.encode(errors="replace").decode()


def _data_url(picture: Image) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
