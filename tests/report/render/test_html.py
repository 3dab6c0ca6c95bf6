from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import metadata
from typing import Any

import pytest

from papertrial.report.render.evidence_plot import evidence_plot
from papertrial.report.render.html import render_html
from papertrial.store.report_record import (
    ClaimResult,
    ConfusionMatrix,
    Evidence,
    Mistake,
    Sides,
    SideScores,
)
from papertrial.version import __version__

Changed = Callable[..., Any]
VOID = {"meta", "img", "link", "br", "input", "hr"}


class Page(HTMLParser):
    """Reads a page, and refuses a tag that closes what is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def named(self, tag: str) -> list[str]:
        return [" ".join(text.split()) for text in self.texts.get(tag, [])]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_a_verification_has_every_section_in_order(verification, verification_html) -> None:
    page = Page(verification_html)
    assert page.named("h1") == [f"NOT REPRODUCED: {verification.headline}"]
    assert page.named("h2") == [
        "Claims", "Exact claims",
        "How this was decided: test accuracy, reported 64.6 % (a single run)",
        "How this was decided: test f1, best of 5, reported 65.8 % (best of 5 runs)",
        "How this was decided: validation accuracy, reported 90.0 % (a single run)",
        "How this was decided: parameters, reported 669,706", "What varied and what did not",
        "The seeds against the claimed value", "The interval over the seeds", "All metrics",
        "Learning curves", "Confusion matrix and classes", "The most confident mistakes",
        "Where the reported number falls", "Failed and collapsed seeds", "Seeds", "Attempts",
        "Pre-registration", "Provenance", "Not covered", "Run it again",
    ]  # fmt: skip
    assert page.all("html") == [{"lang": "en"}]
    assert (
        page.named("title")[0] == "Verification of fashion-mnist-quickstart · image classification"
    )
    text = " ".join(page.named("body"))
    for told in (
        "We shuffle the training set.", "wider than half of the gain", "± 0.0079",
        "0.6401 to 0.6538", "decided at 7", "Optimistic: test f1, best of 5",
        "Not judged: validation accuracy", "669,706", "3 of our 8 scores are below it, 5 above",
        "1 of 9 seeds diverged or crashed; with 95 % confidence the rate is at most 42.9 %",
        "the loss is nan in epoch 2", "2, this one", "cd" * 32,
        "tamper-evident, not tamper-proof: commit or publish this hash before the first seed",
        "papertrial verify fashion-mnist-quickstart --max-seeds 15",
        "Why: The whole interval lies in what counts as the same.",
    ):  # fmt: skip
        assert told in text, told


def test_a_verdict_is_said_in_words_beside_its_mark(verification_html) -> None:
    html = verification_html
    badge = re.search(r'<span class="badge">(.*?)</h1>', html, re.DOTALL)
    assert badge is not None
    assert "aria-hidden" in badge[1]
    assert badge[1].count("</svg>NOT REPRODUCED</span>") == 1


def test_every_plot_has_its_name_and_its_text(verification_html) -> None:
    page = Page(verification_html)
    plots = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(plots) == len(page.all("figure")) == len(page.named("figcaption")) == 9
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for plot in plots:
        assert {plot["aria-labelledby"], plot["aria-describedby"]} <= set(ids)
    texts = page.named("desc")
    assert texts[0] == (
        "After 8 finished seeds the evidence is 41.2 for the claim and 0.21 against the claim; 20 "
        "is enough to decide. That was reached after 7 seeds."
    )
    assert texts[2] == (
        "8 dots, one for each seed, from 0.6391 to 0.6551. Our mean is 0.6470. The reported value "
        "is 0.646; 0.6255 to 0.6665 counts as the same."
    )
    assert "After 8 seeds our interval is: 0.6401 to 0.6538. It starts at 5 seeds." in texts[4]
    assert "train goes from" in texts[6]
    assert "10 rows of true classes" in texts[8]
    axes = " ".join(page.named("text"))
    for title in ("test accuracy (share, 0 to 1)", "seed", "finished seeds", "epoch", "true class"):
        assert title in axes


def test_the_evidence_is_drawn_on_a_log_scale(verification, changed: Changed) -> None:
    first = verification.claims[0]
    beyond = Evidence(
        after=((5, 0.0, 0.0001), (6, 1e6, 0.3)), level=0.05, level_against=0.05, supports=20.0,
        opposes=7.6612,
        refuted_within=0.01,
    )  # fmt: skip
    plot = evidence_plot(changed(first, evidence=beyond), beyond, "e")
    labels = [text for text in Page(plot.svg).named("text") if text]
    assert labels[:2] == ["1", "2"]  # as in the plot of the interval
    for label in (
        "0.01",
        "1",
        "100",
        "10000",
        "enough for the claim: 20",
        "enough against it: 7.67",
    ):
        assert label in labels
    assert "20 is enough for the claim and 7.67 is enough against it." in plot.svg
    never = changed(beyond, supports=None)
    assert "enough for the claim" not in evidence_plot(first, never, "e").svg
    assert "7.67 is enough against it." in evidence_plot(first, never, "e").svg
    alone = changed(beyond, opposes=None)  # no evidence can refute such a claim
    assert "against the claim" not in evidence_plot(first, alone, "e").svg


def test_plots_take_the_colours_of_the_page(verification_html) -> None:
    html = verification_html
    drawn = "".join(re.findall(r'<svg role="img".*?</svg>', html, re.DOTALL))
    assert "var(--ours)" in drawn
    assert "var(--claim)" in drawn
    assert not re.search(r"#[0-9a-f]{6}", drawn)


def test_tables_have_captions_and_scopes(verification_html) -> None:
    page = Page(verification_html)
    assert len(page.named("caption")) == len(page.all("table")) == 19
    assert all(head["scope"] in ("col", "row") for head in page.all("th"))


def test_nothing_is_asked_of_another_place(verification_html, hostile_html) -> None:
    for html in (verification_html, hostile_html):
        page = Page(html)
        for tag, attributes in page.tags:
            assert tag not in ("script", "link", "iframe", "object", "base")
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "srcset", "xlink:href", "poster", "action"):
                assert (attributes.get(name) or "#").startswith(("#", "data:image/"))
            if tag == "a":
                assert (attributes["href"] or "").startswith("https://")
        assert "url(" not in page.texts["style"][0]
        assert "@import" not in page.texts["style"][0]


def test_texts_are_never_markup(hostile_html) -> None:
    assert "<script" not in hostile_html
    assert "javascript:alert(3)" not in hostile_html
    assert "tracker.png" not in hostile_html
    page = Page(hostile_html)
    assert "<script>alert(1)</script> a | b # heading `code`" in page.named("h1")[0]
    assert "<script>alert(1)</script> a | b" in page.named("blockquote")[0]
    assert any("$5 & <b>" in text for text in page.named("text"))


def test_a_run_has_no_verdict(run) -> None:
    page = Page(render_html(run))
    assert page.named("h2") == [
        "Metrics", "Setting", "Learning curves", "Confusion matrix and classes",
        "The most confident mistakes", "Provenance", "Not covered", "Run it again",
    ]  # fmt: skip
    text = " ".join(page.named("body"))
    assert "REPRODUCED" not in text
    assert "0.64823" in text
    assert "seeds" not in " ".join(page.named("figcaption"))


def test_a_run_shows_its_claims_without_judging(run, verification, changed: Changed) -> None:
    page = Page(render_html(changed(run, claims=verification.claims[:1])))
    heads = page.named("thead")[0]
    assert heads == "Claim Reported Counts as the same Ours"
    assert "REPRODUCED" not in " ".join(page.named("tbody"))


def test_what_is_not_known_yet_is_said(undecided) -> None:
    page = Page(render_html(undecided))
    text = " ".join(page.named("body"))
    assert "any value" in text
    assert "at least 0.626" in text
    assert "UNDECIDED" in text
    for absent in ("Exact claims", "Learning curves", "Attempts", "Failed and collapsed seeds"):
        assert absent not in page.named("h2")
    assert len(page.all("figure")) == 2


def test_a_headline_does_not_say_the_verdict_twice(undecided, changed: Changed) -> None:
    page = Page(render_html(changed(undecided, headline="UNDECIDED: three seeds ended.")))
    assert page.named("h1") == ["UNDECIDED: Three seeds ended."]


def test_one_value_of_all_seeds_has_no_level(verification, changed: Changed) -> None:
    first, second, left_out = verification.claims
    certain = changed(first, level=None, deterministic=True, sd=0.0, low=0.64, high=0.64)
    page = Page(render_html(changed(verification, claims=(certain,))))
    text = page.named("section")[0]
    assert "chance" not in text
    assert "compared as it is" in text
    assert "every seed gives it" in text
    text = Page(render_html(changed(verification, claims=(certain, second, left_out)))).named(
        "section"
    )[0]
    assert "is at most 5 %, however" in text


def difference(claim: ClaimResult, changed: Changed) -> ClaimResult:
    side = SideScores(mean=0.93, sd=0.004)
    made: ClaimResult = changed(
        claim, kind="difference", versus="ours minus digits-mlp with model.hidden=[8]", sd=0.004,
        mean=0.02, arms=Sides(ours=side, theirs=SideScores(mean=0.91, sd=0.004)),
    )  # fmt: skip
    return made


def test_both_sides_of_a_difference_are_shown(verification, changed: Changed) -> None:
    first, *others = verification.claims
    claims = (difference(first, changed), *others)
    page = Page(render_html(changed(verification, claims=claims)))
    text = page.named("section")[0]
    assert "ours minus digits-mlp with model.hidden=[8]" in text
    assert "ours 0.9300, versus 0.9100" in text
    heads = page.named("h2")
    for head in ("Learning curves of ours", "Confusion matrix and classes of ours",
                 "The most confident mistakes of ours"):  # fmt: skip
        assert head in heads
    captions = page.named("figcaption")
    assert "Learning curve of ours: loss, mean and range of 8 seeds" in captions
    assert "Confusion matrix of ours, test set, mean of 8 seeds" in captions


def test_attempts_have_their_rules(verification, changed: Changed) -> None:
    rule = "test accuracy 0.93115 tolerance 0.0054; mean, anytime, at most 15 seeds, alpha 0.05"
    first, second = verification.attempts
    attempts = (changed(first, rule=rule), second)
    page = Page(render_html(changed(verification, attempts=attempts)))
    assert "Rule" in page.named("th")
    assert rule in page.named("td")
    assert "interrupted" in page.named("td")


def test_counts_have_all_their_digits_and_a_reason(verification, changed: Changed) -> None:
    (counted,) = verification.exact
    counted = changed(counted, value=11170000, ours=11173962)
    text = " ".join(Page(render_html(changed(verification, exact=(counted,)))).named("body"))
    assert "11,170,000 11,173,962" in " ".join(text.split())
    assert "Why: counted without training; the reported digits may stand for it" in text
    first, second, left_out = verification.claims
    left_out = changed(
        left_out, metric="parameters", kind="exact", value=11173962, reported="1.1174e+07"
    )
    counted = changed(counted, why="as it was counted")
    claims = (first, second, left_out)
    page = Page(render_html(changed(verification, exact=(counted,), claims=claims)))
    assert "Why: as it was counted" in " ".join(page.named("td"))
    assert "parameters" in page.named("th")
    assert "1.1174e+07" not in " ".join(page.named("body"))


def test_levels_that_differ_stand_below_their_intervals(verification, changed: Changed) -> None:
    first, *others = verification.claims
    claims = (changed(first, level=0.025), *others)
    page = Page(render_html(changed(verification, claims=claims)))
    text = page.named("section")[0]
    assert "shown below it" in text
    assert "0.6401 to 0.6538at most 2.5 % a side" in text
    assert "at most 5 % a side" in text


def test_a_regression_has_errors_without_confidence(run, changed: Changed) -> None:
    wrong = Mistake(
        seed=0, split="test", row=1, id="row 1", truth=49.0, predicted=154.1748809814453,
        confidence=None, image=None, text="bmi: 26.5",
    )  # fmt: skip
    page = Page(render_html(changed(run, mistakes=(wrong,), confusion=None, per_class=())))
    assert "The largest errors" in page.named("h2")
    assert page.named("dd") == ["49", "154.175"]


def test_the_scores_of_two_seeds_are_distinguished(verification, changed: Changed) -> None:
    seeds = tuple(
        changed(seed, scores={"test mse": score})
        for seed, score in zip(verification.seeds, (2548.07155, 2548.07195), strict=False)
    )
    page = Page(render_html(changed(verification, seeds=seeds)))
    assert "2548.07155" in page.named("td")


EMPTY = {
    "curves": (), "confusion": None, "per_class": (), "mistakes": (), "metrics": {}, "fixed": (),
    "provenance": (), "not_covered": (),
}  # fmt: skip


def test_empty_parts_have_no_sections(run, changed: Changed) -> None:
    page = Page(render_html(changed(run, **EMPTY)))
    assert page.named("h2") == ["Provenance", "Run it again"]


def test_equal_reports_give_equal_pages(verification, verification_html) -> None:
    assert render_html(verification) == verification_html


def test_a_package_on_the_path_alone_makes_a_page(
    run, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "papertrial":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    page = render_html(changed(run, **EMPTY))
    assert f"papertrial {__version__}, matplotlib {real('matplotlib')}" in page


@pytest.mark.parametrize(("k", "drawn"), [(3, 1), (30, 1), (150, 1), (201, 0)])
def test_a_matrix_of_many_classes_stays_small(run, changed: Changed, k: int, drawn: int) -> None:
    confusion = ConfusionMatrix(
        split="test",
        classes=tuple(f"c{i}" for i in range(k)),
        matrix=tuple(tuple(90 if i == j else 1 for j in range(k)) for i in range(k)),
        seeds=1,
    )
    html = render_html(changed(run, **{**EMPTY, "confusion": confusion}))
    assert html.count("<figure") == drawn
    assert ("too many to draw" in html) == (not drawn)
    assert len(html) < 1_500_000
    assert ">90</text>" in html if k <= 12 else ">90</text>" not in html


def test_a_name_in_any_script_is_drawn_without_a_warning(run, changed: Changed) -> None:
    confusion = ConfusionMatrix(
        split="test", classes=("긍정", "負面"), matrix=((3, 1), (0, 4)), seeds=1
    )
    html = render_html(changed(run, **{**EMPTY, "confusion": confusion}))
    assert ">긍정</text>" in html


def test_the_registration_is_shown_row_by_row(verification_html) -> None:
    page = Page(verification_html)
    captions = page.named("caption")
    for table in ("files", "claims"):
        assert f"Fixed in advance: {table}" in captions
    assert "Fixed in advance: exact" not in captions
    cells = page.named("td")
    for value in ("12" * 32, "ef" * 32, "34" * 32, "anytime", "Holm's procedure", "0.646"):
        assert value in cells
