"""The badge: its texts, colours and widths, and what shields.io takes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from papertrial.claims.verdict import Verdict
from papertrial.report.render.badge import Badge, text_width

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("verdict", "deviates", "message"),
    [
        ("REPRODUCED", False, "REPRODUCED"),
        ("REPRODUCED", True, "REPRODUCED with deviations"),
        ("NOT REPRODUCED", True, "NOT REPRODUCED"),
        ("UNDECIDED", True, "UNDECIDED"),
    ],
)
def test_the_svg_shows_and_names_the_verdict(
    verdict: Verdict, deviates: bool, message: str
) -> None:
    svg = ET.fromstring(Badge.of(verdict, deviates=deviates).to_svg())
    assert [one.text for one in svg.iter(f"{SVG}text")] == ["papertrial", message]
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == svg.findtext(f"{SVG}title") == f"papertrial: {message}"
    width = float(svg.get("width", "0"))
    for text in svg.iter(f"{SVG}text"):
        half = float(text.get("textLength", "0")) / 2
        middle = float(text.get("x", "0"))
        assert half == pytest.approx(text_width(text.text or "") / 2, abs=0.05)
        assert middle - half > 5
        assert middle + half < width - 5
    for shape in svg.iter(f"{SVG}path"):
        assert 1.05 / (luminance(shape.get("fill", "")) + 0.05) >= 4.5
    assert not [one for one in svg.iter() if one.get("id")]


def test_widths_are_computed() -> None:
    assert text_width("iiii") < text_width("mmmm") / 3
    assert text_width("papertrial") == pytest.approx(53.7, abs=0.1)
    assert text_width("REPRODUCED") == pytest.approx(77.2, abs=0.1)


def test_a_label_is_text() -> None:
    badge = Badge.of("REPRODUCED", deviates=False, label='<b> & "q"\n\x00ü')
    svg = ET.fromstring(badge.to_svg())
    assert svg.findtext(f"{SVG}title") == '<b> & "q"ü: REPRODUCED'
    assert Badge.of("REPRODUCED", deviates=False, label=" ").label == "papertrial"


def test_the_endpoint_has_the_keys_of_shields() -> None:
    endpoint = Badge.of("NOT REPRODUCED", deviates=False, label="mine").to_endpoint().to_plain()
    assert endpoint == {
        "schemaVersion": 1,
        "label": "mine",
        "message": "NOT REPRODUCED",
        "color": "c62828",
    }
