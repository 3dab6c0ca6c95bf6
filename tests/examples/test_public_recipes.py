"""The recipes under examples/public-recipes/: each passes `check` on small data of its form."""

from __future__ import annotations

import csv
import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import papertrial as pt
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import build_model

FOLDER = Path(__file__).parents[2] / "examples" / "public-recipes"


def features(classes: int | None = None) -> str:
    """Return a network of one convolution for images of any size, up to 64 features or classes."""
    layers: list[dict[str, object]] = [
        {"use": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 3},
        {"use": "torch.nn.BatchNorm2d", "num_features": 4},
        {"use": "torch.nn.AdaptiveAvgPool2d", "output_size": 4},
        {"use": "torch.nn.Flatten"},
    ]
    if classes is not None:
        layers.append({"use": "torch.nn.Linear", "in_features": 64, "out_features": classes})
    return json.dumps({"use": "torch.nn.Sequential", "args": layers})


SMALL = [
    "data.source=image-folder",
    "data.path=imagenet",
    "data.image={size: [32, 32], mode: RGB}",
    "data.batch_size=8",
    f"model.net={features()}",
    "model.features=64",
]
# The networks and numbers that are too large for a test.
CASES = {
    "torchvision-resnet50": [
        "data.batch_size=8",
        "data.sampler.whole=4",
        f"model={features(3)}",
        "objective.classes=3",
        "average.start=2",
        "data.augment.0.size=32",
        "data.transform.0.size=40",
        "data.transform.1.size=32",
    ],
    "timm-resnet50-a1": [
        "data.batch_size=8",
        "data.sampler.whole=4",
        f"model={features(3)}",
        "objective.classes=3",
        "precision=fp32",
        "data.augment.0.size=32",
        "data.transform.0.size=40",
        "data.transform.1.size=32",
    ],
    "sentiment-lstm": [
        "data.source=text-table",
        "data.path=reviews",
        "data.table={text: text, target: label}",
        "data.batch_size=8",
        "data.text={words: basic-english, min_frequency: 5, max_length: 256}",
        "model.width=8",
    ],
    "fasttext-ag-news": ["model.buckets=1000", "scheduler.lr_lambda.total=200"],
    "coral-cacd": [
        "data.batch_size=8",
        "data.augment.0.size=32",
        "data.transform.0.size=32",
        f"model.net={features()}",
        "model.features=64",
    ],
    "honk-res8": ["data.batch_size=8", "evaluate.every=1"],
    "asl-coco": [
        "data.batch_size=8",
        f"model={features(4)}",
        "precision=fp32",
    ],
    "rtdl-mlp": ["model.hidden=[8]"],
    "simclr-pretrain": SMALL,
    "simclr-probe": [*SMALL, "model.classes=3"],
}


def picture(path: Path, draws: np.random.Generator, height: int = 40, width: int = 48) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = draws.integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def sound(path: Path, draws: np.random.Generator, length: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(draws.integers(-9999, 9999, length, np.int16).tobytes())


def table(path: Path, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipes, beside small data of the form that they read."""
    made = tmp_path_factory.mktemp("public") / "recipes"
    shutil.copytree(FOLDER, made)
    draws = np.random.default_rng(0)
    for part, count in (("train", 8), ("test", 3)):
        for i in range(3 * count):
            picture(made / "imagenet" / part / "abc"[i % 3] / f"{i}.png", draws, 36 + i, 60 - i)
        rows = [
            [f"Good, isn't it? {i}" if i % 2 else f"Bad; so bad... {i}", i % 2] for i in range(40)
        ]
        table(made / "reviews" / f"{part}.csv", [["text", "label"], *rows])
        news: list[list[object]] = [
            [1 + i % 4, f"Title {'abcd'[i % 4]}", f"It is; (as {part}) {i}!"] for i in range(40)
        ]
        table(made / "ag_news" / f"{part}.csv", news)
    housing = made / "california_housing"
    housing.mkdir()
    for part, count in (("train", 300), ("val", 60), ("test", 60)):
        x = draws.gamma(2, 3, (count, 8))
        np.save(housing / f"N_{part}.npy", x)
        np.save(housing / f"y_{part}.npy", 2 + x[:, 0] + draws.normal(size=count))
    for name in ("train", "valid", "test"):
        faces: list[list[object]] = [
            [i, f"{name}{i}.jpg", int(draws.integers(0, 49))] for i in range(16)
        ]
        table(made / "cacd" / f"cacd_{name}.csv", [["", "file", "age"], *faces])
        for _, file, _ in faces:
            picture(made / "cacd" / "jpg" / str(file), draws)
    for word in ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "cat"):
        for speaker in range(12):
            sound(made / "speech_commands" / word / f"{speaker}_nohash_0.wav", draws, 15_000)
    sound(made / "speech_commands" / "_background_noise_" / "tap.wav", draws, 20_000)
    categories = [{"id": 5 * i, "name": f"thing {i}"} for i in range(1, 5)]
    for part in ("train2014", "val2014"):
        images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(20)]
        for image in images:
            picture(made / "coco" / part / str(image["file_name"]), draws)
        inside = [{"image_id": i, "category_id": 5 + 5 * (i % 4)} for i in range(20)]
        document = {"images": images, "annotations": inside, "categories": categories}
        path = made / "coco" / "annotations" / f"instances_{part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    return made


def test_every_recipe_is_tested() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    assert names == {*CASES, "simclr-stages"}
    readme = (FOLDER / "README.md").read_text()
    assert all(f"`{name}.yaml`" in readme for name in names)


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_passes_check(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    if name == "simclr-probe":
        recipe = pt.load_recipe(folder / "simclr-pretrain.yaml", CASES["simclr-pretrain"])
        assert isinstance(recipe, Recipe)
        save_file(build_model(recipe).state_dict(), folder / "pretrained.safetensors")
    result = pt.check(folder / f"{name}.yaml", CASES[name], device="cpu")
    assert result.ok, result.problems
