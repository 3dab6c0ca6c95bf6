"""Reports of runs: every part against the run's own files, scikit-learn, or the data themselves."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import classification_report, confusion_matrix

import papertrial as pt
from papertrial.errors import RunError
from papertrial.recipe.load import to_tree
from papertrial.report.curves import BATCHES
from papertrial.report.mistakes import mistakes
from papertrial.report.report_files import kept_report, rendered_again, write_report
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.report.run_report import run_report
from papertrial.report.run_results import stored
from papertrial.store.report_record import Curve, Report, Spread
from papertrial.store.run_records import StepLine

FEW = [
    "epochs=2", "data.splits.validation=0.2", "metrics=[loss, accuracy]", "log_every=10",
    "claims=[]",
]  # fmt: skip


def digits(folder: Path, *overrides: str) -> pt.Run:
    return pt.train(pt.load_recipe("digits-mlp", [*FEW, *overrides]), runs=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def seeds(folder: Path) -> list[pt.Run]:
    return [digits(folder, f"seed={seed}") for seed in (3, 4)]


@pytest.fixture(scope="module")
def parts(seeds: list[pt.Run]) -> RunParts:
    return parts_of_runs(seeds)


@pytest.fixture(scope="module")
def regression(folder: Path) -> pt.Run:
    return pt.train(pt.load_recipe("diabetes-linear", ["epochs=3"]), runs=folder)


@pytest.fixture
def copy(seeds: list[pt.Run], tmp_path: Path) -> pt.Run:
    shutil.copytree(seeds[0].path, tmp_path / "run")
    return pt.load_run(tmp_path / "run")


def answers(run: pt.Run) -> tuple[np.ndarray, np.ndarray]:
    kept = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    return kept["target"].numpy(), kept["output"].argmax(1).numpy()


def records(run: pt.Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]


def test_the_spread_over_seeds_is_that_of_their_metrics(
    seeds: list[pt.Run], parts: RunParts
) -> None:
    ours = [run.metrics["test"]["accuracy"] for run in seeds]
    assert ours[0] != ours[1]
    spread = parts.metrics["test"]["accuracy"]
    assert spread.value is None
    assert spread.mean == pytest.approx(statistics.mean(ours))
    assert spread.sd == pytest.approx(statistics.stdev(ours))
    assert (spread.low, spread.high) == (min(ours), max(ours))
    assert list(parts.metrics) == ["train", "validation", "test"]
    assert list(parts.metrics["train"]) == ["loss", "accuracy"]


def test_confusion_and_classes_are_means_of_what_scikit_learn_says(
    seeds: list[pt.Run], parts: RunParts
) -> None:
    pairs = [answers(run) for run in seeds]
    matrices = [confusion_matrix(*pair) for pair in pairs]
    confusion = parts.confusion
    assert confusion is not None
    assert (confusion.split, confusion.seeds) == ("test", 2)
    assert confusion.classes == tuple(str(digit) for digit in range(10))
    np.testing.assert_allclose(confusion.matrix, np.mean(matrices, axis=0))
    theirs = [classification_report(*p, output_dict=True, zero_division=0) for p in pairs]
    for row in parts.per_class:
        each = [one[row.class_] for one in theirs]
        assert row.f1 == pytest.approx(statistics.mean(one["f1-score"] for one in each))
        for key in ("precision", "recall", "support"):
            assert getattr(row, key) == pytest.approx(statistics.mean(one[key] for one in each))
    assert len(parts.per_class) == 10


def test_curves_are_mean_and_range_of_the_records(seeds: list[pt.Run], parts: RunParts) -> None:
    curves = {(curve.split, curve.metric): curve for curve in parts.curves}
    per_epoch = 23  # 718 training rows by 32
    curve = curves["validation", "accuracy"]
    assert (curve.x, curve.x_label, curve.seeds) == ((1.0, 2.0), "epoch", 2)
    first = [
        next(r["metrics"]["accuracy"] for r in records(run)
             if r["kind"] == "evaluation" and (r["split"], r["step"]) == ("validation", per_epoch))
        for run in seeds
    ]  # fmt: skip
    assert curve.mean[0] == pytest.approx(statistics.mean(first))
    assert (curve.low[0], curve.high[0]) == (min(first), max(first))
    batches = curves[BATCHES, "loss"]
    assert batches.x[:2] == (10 / per_epoch, 20 / per_epoch)
    assert batches.x[-1] == 2.0
    assert curves["test", "loss"].x == (2.0,)  # evaluated once, at the end
    assert (BATCHES, "accuracy") not in curves


def test_curves_count_steps_where_evaluations_fall_within_epochs(folder: Path) -> None:
    made = ["epochs=null", "steps=25", "evaluate={every: 10, interval: step}"]
    run = digits(folder, *made)
    found = parts_of_runs([run])
    curve = next(c for c in found.curves if (c.split, c.metric) == ("validation", "loss"))
    assert (curve.x, curve.x_label) == ((10, 20, 25), "step")
    assert found.metrics["test"]["loss"] == Spread(value=run.metrics["test"]["loss"])


def test_long_curves_are_thinned_to_their_end(copy: pt.Run) -> None:
    write_losses(copy.path, [(step, step / 2) for step in range(1, 2347)])
    (curve,) = parts_of_runs([copy]).curves
    assert 400 < len(curve.x) <= 500
    assert curve.x[-1] == 2346 / 23
    assert curve.mean[-1] == 1173


def test_mistakes_are_the_most_confident_with_their_very_images(
    seeds: list[pt.Run], parts: RunParts
) -> None:
    truth, answer = answers(seeds[0])
    output = stored(seeds[0], "test").output.double().softmax(1).amax(1).numpy()
    wrong = np.flatnonzero(truth != answer)
    worst = sorted(wrong, key=lambda row: -output[row])[:12]
    assert [one.row for one in parts.mistakes] == worst
    images = load_digits().images
    for one in parts.mistakes:
        row = one.row
        assert (one.seed, one.split, one.id) == (3, "test", f"row {898 + row}")
        assert (one.truth, one.predicted) == (str(truth[row]), str(answer[row]))
        assert one.confidence == pytest.approx(output[row])
        assert one.image is not None
        kind, _, data = one.image.partition(",")
        assert kind == "data:image/png;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (picture.mode, picture.size) == ("L", (8, 8))
        np.testing.assert_array_equal(
            np.asarray(picture), np.rint(images[898 + row] * (255 / 16)).astype(np.uint8)
        )
    assert parts.warnings == ()


def test_what_did_not_vary_is_listed(parts: RunParts, seeds: list[pt.Run]) -> None:
    kept = json.loads((seeds[0].path / "provenance.json").read_text())
    assert parts.fixed == (
        "split: test 50 % and validation 20 % split off the training rows, the last rows",
        *(f"{name} set: {rows} rows, fingerprint {kept['data'][split]['fingerprint'][:12]}"
          for name, split, rows in (("training", "train", 718), ("validation", "validation", 180),
                                    ("test", "test", 899))),
        f"recipe, all but the seed: training hash {kept['training_hash'][:12]}",
        f"CPU threads: {kept['environment']['threads']}",
        "device: cpu",
    )  # fmt: skip
    rows = dict(parts.provenance)
    assert parts.provenance[0] == ("papertrial", pt.__version__)
    assert rows["torch"] == kept["environment"]["versions"]["torch"]
    assert rows["test data"] == f"899 rows, SHA-256 {kept['data']['test']['fingerprint']}"
    assert "command" not in rows  # each seed had its own


def test_runs_that_differ_in_more_than_their_seed_give_warnings(
    seeds: list[pt.Run], folder: Path
) -> None:
    other = digits(folder, "seed=5", "data.splits.draw=random", "data.splits.seed=9")
    found = parts_of_runs([seeds[0], other])
    assert "the runs did not have the same test part" in found.warnings
    assert any(w.startswith("the runs did not have the same recipe: ") for w in found.warnings)
    assert not any("test set" in line for line in found.fixed)


def test_which_of_the_gpus_it_was_does_not_matter_but_versions_do(
    seeds: list[pt.Run], tmp_path: Path
) -> None:
    runs = []
    for number, run in enumerate(seeds):
        path = Path(shutil.copytree(run.path, tmp_path / str(number)))
        kept = json.loads((path / "provenance.json").read_text())
        kept["environment"] |= {"device": f"cuda:{number}", "device_name": "NVIDIA H200"}
        kept["environment"]["versions"]["torch"] = f"2.{number}"
        (path / "provenance.json").write_text(json.dumps(kept))
        runs.append(pt.load_run(path))
    found = parts_of_runs(runs)
    assert found.warnings == ("the runs did not have the same version of torch: 2.0, 2.1",)
    assert found.fixed[-1] == "device: cuda, NVIDIA H200"


def write_losses(folder: Path, points: list[tuple[int, float]]) -> None:
    """Write lines of metrics.jsonl with these (step, loss)."""
    lines = [
        StepLine(epoch=1, step=step, loss=loss, headline="accuracy", score=0.5, lr=0.1,
                 samples_per_second=1.0).to_json(indent=None)
        for step, loss in points
    ]  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(line + "\n" for line in lines))


def curve_of(folders: list[Path], points: list[list[tuple[int, float]]]) -> Curve:
    """The curve of the batches of runs with these (step, loss)."""
    for folder, lines in zip(folders, points, strict=True):
        write_losses(folder, lines)
    (curve,) = parts_of_runs([pt.load_run(folder) for folder in folders]).curves
    return curve


def test_records_of_few_batches_are_joined_to_the_next(copy: pt.Run) -> None:
    # Steps 20 to 23 end an epoch: 3 batches, and noise, joined to the 7 after them.
    lines = [(10, 4.0), (20, 3.0), (23, 9.0), (30, 2.0), (40, 1.0), (42, 6.0)]
    curve = curve_of([copy.path], [lines])
    assert [x * 23 for x in curve.x] == pytest.approx([10, 20, 30, 42])
    assert curve.mean == pytest.approx((4, 3, (3 * 9 + 7 * 2) / 10, (10 * 1 + 2 * 6) / 12))


def test_runs_that_logged_at_other_steps_are_interpolated(
    seeds: list[pt.Run], tmp_path: Path
) -> None:
    folders = [Path(shutil.copytree(r.path, tmp_path / r.path.name)) for r in seeds]
    curve = curve_of(folders, [[(10, 4.0), (20, 2.0), (30, 1.0)], [(15, 3.0), (25, 1.0)]])
    assert [x * 23 for x in curve.x] == pytest.approx([15, 20, 25])
    assert curve.mean == pytest.approx((3.0, 2.0, 1.25))
    assert (curve.low[0], curve.high[0]) == (3.0, 3.0)


def test_counts_that_are_claimed_stand_apart(folder: Path) -> None:
    claims = [
        {"metric": "parameters", "value": 4810, "kind": "exact"},
        {"metric": "samples", "split": "train", "value": 900, "kind": "exact"},
    ]
    setting = to_tree(pt.load_recipe("digits-mlp", [*FEW, "epochs=1"]))
    run = pt.train(pt.load_recipe({**setting, "claims": claims}), runs=folder)
    report = run_report(run)
    assert report.claims == ()
    counts = [(one.metric, one.split, one.value, one.ours, one.verdict) for one in report.exact]
    assert counts == [("parameters", None, 4810, 4810, None), ("samples", "train", 900, 718, None)]
    assert "papertrial verify" not in report.headline
    write_report(run.path, report)
    assert "| parameters | 4,810 | 4,810 |" in (run.path / "report.md").read_text()


def test_regression_has_residuals_and_no_classes(regression: pt.Run) -> None:
    found = parts_of_runs([regression])
    assert (found.confusion, found.per_class) == (None, ())
    kept = stored(regression, "test")
    residual = (kept.output.flatten() - kept.target).abs()
    worst = found.mistakes[0]
    row = int(residual.argmax())
    assert worst.row == row
    assert worst.truth == pytest.approx(float(kept.target[row]))
    assert worst.predicted == pytest.approx(float(kept.output.flatten()[row]))
    assert (worst.confidence, worst.image, len(found.mistakes)) == (None, None, 12)
    patient = load_diabetes(scaled=False).data[kept.ids[row]]
    lines = (worst.text or "").splitlines()
    assert lines[0] == f"age: {patient[0]:g}"
    assert f"bmi: {patient[2]:g}" in lines


def image_recipe(path: Path) -> dict[str, Any]:
    return {
        "name": "shades",
        "task": "image-classification",
        "data": {"source": "image-folder", "path": str(path), "batch_size": 8},
        "model": {"use": "torch.nn.Sequential", "args": [
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Linear", "in_features": 12, "out_features": 2}]},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
        "epochs": 1,
    }  # fmt: skip


def test_images_of_the_user_are_named_and_may_be_gone(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for number in range(6):
                noise = draws.integers(0, 256, (2, 2, 3), dtype=np.uint8)
                Image.fromarray(noise).save(tmp_path / "set" / part / name / f"{number}.png")
    recipe = pt.load_recipe(image_recipe(tmp_path / "set"))
    run = pt.train(recipe, runs=tmp_path / "runs", data=tmp_path / "data")
    found = mistakes(run, data=tmp_path / "data")
    assert found.warnings == ()
    assert found.mistakes
    for one in found.mistakes:
        assert one.image is not None
        picture = Image.open(io.BytesIO(base64.b64decode(one.image.partition(",")[2])))
        original = next((tmp_path / "set" / "test").rglob("/".join(Path(one.id).parts[-2:])))
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(Image.open(original)))

    (tmp_path / "set" / "test" / "a" / "0.png").unlink()
    changed = mistakes(run, data=tmp_path / "data")
    assert "the test part of" in changed.warnings[0]
    assert "is not what the run had" in changed.warnings[0]
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    gone = mistakes(run, data=tmp_path / "data")
    assert "does not exist" in gone.warnings[0]
    for unseen in (changed, gone):
        assert [one.image for one in unseen.mistakes] == [None] * len(found.mistakes)
        assert [one.row for one in unseen.mistakes] == [one.row for one in found.mistakes]


def test_a_set_that_is_not_here_is_not_fetched(seeds: list[pt.Run], tmp_path: Path) -> None:
    own = seeds[0].recipe
    data = own.data.model_copy(update={"source": "mnist"})
    moved = dataclasses.replace(seeds[0], recipe=own.model_copy(update={"data": data}))
    found = mistakes(moved, data=tmp_path)
    (warning,) = found.warnings
    assert "mnist is not in the data folder" in warning
    assert "papertrial data fetch mnist" in warning
    assert found.mistakes[0].image is None
    assert list(tmp_path.iterdir()) == []


def test_texts_are_cut_and_categories_are_named(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text(
        "text,label\n" + "".join(f"{'word ' * 300}{n},{'ab'[n % 2]}\n" for n in range(16))
    )
    (tmp_path / "rows.csv").write_text(
        "city,size,label\n" + "".join(
            f"{('Oslo', 'Rome')[n % 2]},{n},{'ab'[n // 3 % 2]}\n" for n in range(16))
    )  # fmt: skip
    common = {"loss": "torch.nn.CrossEntropyLoss", "optimizer": "torch.optim.Adam", "epochs": 1}
    drawn = {"batch_size": 4, "splits": {"test": 8, "draw": "last"}}
    texts = pt.load_recipe({
        **common, "name": "texts", "task": "text-classification",
        "data": {"source": "text-table", "path": str(tmp_path / "texts.csv"), **drawn,
                 "table": {"text": "text", "target": "label"}},
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 11, "out_features": 2},
    })  # fmt: skip
    rows = pt.load_recipe({
        **common, "name": "rows", "task": "table-classification",
        "data": {"source": "table", "path": str(tmp_path / "rows.csv"), **drawn,
                 "table": {"target": "label", "categorical": ["city"]}},
        "model": {"use": "torch.nn.Linear", "in_features": 3, "out_features": 2},
    })  # fmt: skip
    found = mistakes(pt.train(texts, runs=tmp_path / "runs"))
    assert found.warnings == ()
    assert found.mistakes
    assert all(one.text == f"{'word ' * 119}word…" for one in found.mistakes)
    found = mistakes(pt.train(rows, runs=tmp_path / "runs"), most=2)
    assert found.warnings == ()
    for one in found.mistakes:
        number = 8 + one.row
        assert one.text == f"city: {('Oslo', 'Rome')[number % 2]}\nsize: {number}"
    assert len(found.mistakes) <= 2


def test_the_report_of_a_run_has_every_part_and_no_verdict(seeds: list[pt.Run]) -> None:
    run = seeds[0]
    report = run_report(run)
    assert Report.from_json(report.to_json(), "report.json") == report
    accuracy = run.metrics["test"]["accuracy"]
    assert report.headline.startswith(
        f"digits-mlp, one run (seed 3): test accuracy {accuracy:.6g}. "
    )
    assert "papertrial verify" not in report.headline  # it has no claims
    assert (report.kind, report.verdict, report.claims) == ("run", None, ())
    assert report.metrics["test"]["accuracy"] == Spread(value=accuracy)
    kept = json.loads((run.path / "provenance.json").read_text())
    threads = kept["environment"]["threads"]
    command = f"papertrial train {run.path}/recipe.yaml --threads {threads} --device cpu"
    assert report.command == command
    rows = dict(report.provenance)
    assert rows["recipe hash"] == kept["recipe_hash"]
    assert "/" not in rows["command"].split()[0]


def test_claims_stand_beside_what_the_run_gave(folder: Path) -> None:
    chosen = [*FEW, "evaluate.test=every-epoch", "report=best-on-test"]
    claim = {
        "metric": "accuracy", "value": "75 %", "printed": "75 %", "tolerance": "2 points",
        "kind": "single-run", "where": "Table 1", "best_epoch_on_test": True,
    }  # fmt: skip
    setting = to_tree(pt.load_recipe("digits-mlp", chosen))
    run = pt.train(pt.load_recipe({**setting, "claims": [claim]}), runs=folder)
    report = run_report(run)
    (made,) = report.claims
    ours = run.metrics["test"]["accuracy"]
    assert (made.value, made.mean, made.n, made.runs) == (0.75, ours, 1, 1)
    assert made.band == pytest.approx((0.745 - 0.02, 0.755 + 0.02))
    assert (made.verdict, made.where, made.optimistic) == (None, "Table 1", True)
    assert made.scores == ((0, ours),)
    assert made.reported.startswith("0.75 (printed: 75 %), a single run")
    assert report.headline.startswith(
        f"digits-mlp, one run (seed 0): test accuracy {ours:.6g} (optimistic). "
    )
    assert "`papertrial verify`" in report.headline
    assert report.warnings[0].startswith("OPTIMISTIC: the epoch was chosen by the test split")


def test_a_report_is_written_and_read_again(copy: pt.Run) -> None:
    report = run_report(copy)
    path = write_report(copy.path, report)
    assert path == copy.path / "report.html"
    assert kept_report(copy.path) == report
    page, text = path.read_text(), (copy.path / "report.md").read_text()
    assert rendered_again(copy.path) == {"report.html": page, "report.md": text}
    for shown in ("test accuracy", "one run (seed 3)", "fingerprint"):
        assert shown in page
        assert shown in text
    assert page.count("data:image/png;base64,") == 12
    assert pt.load_run(copy.path).metrics == copy.metrics  # the run is as it was


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("predictions/test.safetensors", b"no", "predictions/test.safetensors is damaged"),
        ("predictions/test.safetensors", None, "has no readable predictions/test.safetensors"),
        ("preprocess.json", b"{", "preprocess.json is damaged"),
        ("preprocess.json", b"{}", "preprocess.json is damaged"),
        ("metrics.jsonl", b"[1]\n", "line 1 is damaged"),
    ],
)
def test_a_damaged_run_has_no_report(
    copy: pt.Run, file: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (copy.path / file).unlink()
    else:
        (copy.path / file).write_bytes(content)
    with pytest.raises(RunError, match=message):
        run_report(copy)


def test_predictions_of_other_lengths_are_refused(copy: pt.Run) -> None:
    file = copy.path / "predictions" / "test.safetensors"
    kept = safetensors.torch.load_file(file)
    safetensors.torch.save_file({**kept, "ids": kept["ids"][1:].contiguous()}, file)
    with pytest.raises(RunError, match=r"test\.safetensors is damaged.*targets and ids"):
        run_report(copy)


def test_no_report_without_a_run() -> None:
    with pytest.raises(RunError, match="at least one finished run"):
        parts_of_runs([])


def test_a_damaged_or_newer_report_is_refused_by_name(copy: pt.Run) -> None:
    report = run_report(copy)
    whole = json.loads(report.to_json())
    lacking = {key: value for key, value in whole.items() if key != "headline"}
    damaged = [
        ("[]", "it is not a JSON object"),
        ("{}", "no format version"),
        (json.dumps({**whole, "format": Report.FORMAT + 1}), "newer version"),
        (json.dumps(lacking), "headline"),
        (json.dumps({**whole, "claims": [3]}), "claims"),
        (json.dumps({**whole, "curves": [{}]}), "curves.0.split"),
        (json.dumps({**whole, "verdikt": None}), "verdikt"),
    ]
    for text, message in damaged:
        (copy.path / "report.json").write_text(text)
        for read in (kept_report, rendered_again):
            with pytest.raises(RunError, match=message) as caught:
                read(copy.path)
            assert str(copy.path / "report.json") in str(caught.value)
