"""The page as a browser shows it: nothing asked, nothing cut, all of it told to who listens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from papertrial.report.render.html import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
WIDTHS = (390, 1280)
FIGURES = """
return [...document.querySelectorAll("figure")].map(figure => {
  const svg = figure.querySelector("svg");
  svg.scrollIntoView();
  const box = svg.getBoundingClientRect();
  return {shown: svg.checkVisibility(), left: box.left, right: box.right, width: box.width,
          height: box.height, top: box.top, text: figure.innerText};
});
"""
COLOURS = """
const of = (element, key) => getComputedStyle(element)[key];
const text = document.querySelector("figure svg text");
return {page: of(document.body, "backgroundColor"), text: of(document.body, "color"),
        caption: of(document.querySelector("figcaption"), "color"),
        verdict: of(document.querySelector(".badge span"), "color"),
        plot: of(text, "fill")};
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver on the path")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def pages(verification, changed, verification_html, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    long = "<script>alert(1)</script> | " + "a long text that goes on\n" * 60 + "x" * 300
    mistakes = tuple(changed(wrong, image=None, text=long) for wrong in verification.mistakes)
    headline = f"<script>alert(1)</script> {'y' * 120}"
    texts = changed(verification, mistakes=mistakes, headline=headline)
    made = {"images": folder / "images.html", "texts": folder / "texts.html"}
    made["images"].write_text(verification_html, "utf-8")
    made["texts"].write_text(render_html(texts), "utf-8")
    return made


def show(browser: Any, page: Path, width: int, *, scheme: str = "light", media: str = "") -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.get(page.as_uri())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["images", "texts"])
def test_the_page_asks_nothing_and_fits(browser, pages, name: str, width: int) -> None:
    browser.get_log("performance")
    show(browser, pages[name], width)
    assert [e["message"] for e in browser.get_log("browser") if e["level"] != "INFO"] == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert pages[name].as_uri() in asked
    assert [url for url in asked if url != pages[name].as_uri() and url[:5] != "data:"] == []
    wide, inner = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert inner == width
    assert wide <= inner
    figures = browser.execute_script(FIGURES)
    assert len(figures) == 9
    for figure in figures:
        assert figure["shown"]
        assert figure["left"] >= 0
        assert figure["right"] <= width
        assert figure["width"] >= 300
        assert figure["height"] >= 200
        assert figure["top"] < 800
        assert figure["text"].strip()


def test_figures_stand_in_pairs_where_there_is_room(browser, pages) -> None:
    show(browser, pages["images"], 1280)
    places = {(round(f["left"]) > 600) for f in browser.execute_script(FIGURES)}
    assert places == {False, True}
    sides = browser.execute_script(
        "return [...document.querySelectorAll('.beside > *')].map(e => "
        "[e.getBoundingClientRect().top, e.getBoundingClientRect().left])"
    )
    assert len(sides) == 6  # two plots of evidence, and the matrix, each beside its tables
    for (top, left), (other_top, other_left) in zip(sides[::2], sides[1::2], strict=True):
        assert top == other_top
        assert left < 640 <= other_left


def test_the_images_are_decoded(browser, pages) -> None:
    show(browser, pages["images"], 1280)
    sizes = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
    assert sizes == [28] * 6


@pytest.mark.parametrize("width", WIDTHS)
def test_who_listens_hears_headings_tables_and_plots(browser, pages, width: int) -> None:
    show(browser, pages["images"], width)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    heard: dict[str, list[tuple[str, str]]] = {}
    for node in nodes:
        if not node.get("ignored"):
            name = node.get("name", {}).get("value", "")
            text = node.get("description", {}).get("value", "")
            heard.setdefault(node["role"]["value"], []).append((name, text))
    headings = [name for name, _ in heard["heading"]]
    assert headings[0].startswith("NOT REPRODUCED")
    assert "fashion-mnist-quickstart reproduces one of its two" in headings[0]
    assert headings[1:3] == ["Claims", "Exact claims"]
    assert len(headings) == 22
    plots = [(name, text) for name, text in heard.get("image", []) + heard.get("img", []) if text]
    assert len(plots) == 9
    assert plots[0][0].startswith("The evidence over the seeds: test accuracy")
    assert "20 is enough to decide" in plots[0][1]
    assert plots[2][0] == "Seeds against the claim: test accuracy, reported 64.6 % (a single run)"
    assert plots[2][1].startswith("8 dots, one for each seed, from 0.6391 to 0.6551.")
    assert len(heard["table"]) == 19
    assert ("Holds within", "") in heard["columnheader"]
    assert ("test accuracy", "") in heard["rowheader"]


def luminance(colour: str) -> float:
    """The relative luminance of "rgb(r, g, b)", by WCAG 2."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("scheme", "media", "dark"),
    [("light", "", False), ("dark", "", True), ("dark", "print", False)],
)
def test_text_stands_out(browser, pages, scheme: str, media: str, dark: bool) -> None:
    show(browser, pages["images"], 1280, scheme=scheme, media=media)
    found = browser.execute_script(COLOURS)
    page = luminance(found.pop("page"))
    assert (page < 0.1) == dark
    for name, colour in found.items():
        low, high = sorted((page, luminance(colour)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (name, colour)


def test_nothing_is_cut_on_paper(browser, pages) -> None:
    show(browser, pages["texts"], 720, media="print")  # the width of A4 within its margins
    cut = browser.execute_script(
        "return [...document.querySelectorAll('figure, table, pre, blockquote')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText)"
    )
    assert cut == []
    whole = browser.execute_script(
        "return [...document.querySelectorAll('blockquote')]"
        ".every(e => e.scrollHeight <= e.clientHeight + 1)"
    )
    assert whole
