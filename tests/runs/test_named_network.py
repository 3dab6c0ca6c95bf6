"""Networks by name: fitted to the data, with pretrained weights, in check, training and predict."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import shufflenet_v2_x0_5
from torchvision.transforms import v2

import papertrial as pt
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.errors import DataError, ModelError, RecipeError
from papertrial.recipe.load import to_tree
from papertrial.runs.build import build_model
from papertrial.runs.named_network import DataForm, load_pretrained
from papertrial.store.run_records import Provenance

USE = "torchvision.models.shufflenet_v2_x0_5"
TIMM = "timm:test_resnet"
if "PAPERTRIAL_REQUIRE_DATA" not in os.environ:  # CI has the extra
    pytest.importorskip("timm")


def recipe(model: Any, *overrides: str, **more: Any) -> pt.Recipe:
    tree = {
        "name": "digits-network",
        "task": "image-classification",
        "data": {"source": "digits", "limit": 40, "splits": {"test": 0.5}, "batch_size": 20},
        "model": model,
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
        "epochs": 1,
        **more,
    }
    loaded = pt.load_recipe(tree, overrides)
    assert isinstance(loaded, pt.Recipe)
    return loaded


def checked(one: pt.Recipe) -> Any:
    return pt.check(to_tree(one))


def offline(*_: object, **__: object) -> None:
    raise OSError("no network")


def weights_of(run: pt.Run) -> dict[str, Tensor]:
    return load_file(run.path / "model.safetensors")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of two networks with 1000 classes, as they are published."""
    import timm

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(5)
    torch.save(shufflenet_v2_x0_5(num_classes=1000).state_dict(), folder / "shuffle.pth")
    known = timm.create_model("test_resnet").state_dict()
    safetensors.torch.save_file(known, folder / "test_resnet.safetensors")
    return folder


@pytest.fixture(scope="module")
def run(files: Path) -> pt.Run:
    model = {"use": USE, "pretrained": str(files / "shuffle.pth")}
    return pt.train(recipe(model, freeze=["stage*", "conv1.*"]), runs=files / "runs")


def test_classes_and_channels_follow_the_data_unless_the_recipe_sets_them() -> None:
    form = DataForm(outputs=10, channels=1)
    for use, head in ((USE, "fc.weight"), (TIMM, "fc.weight")):
        model = build_model(recipe(use), form)
        assert model.state_dict()[head].shape[0] == 10
        assert model.eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 10)
        wide = build_model(recipe({"use": use, "num_classes": 7}), DataForm(10, 3))
        assert wide.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 7)
    none = build_model(recipe(USE), DataForm(None, None))
    assert none.state_dict()["fc.weight"].shape[0] == 1000


def test_pretrained_weights_are_fitted_loaded_and_recorded(run: pt.Run, files: Path) -> None:
    given, kept = torch.load(files / "shuffle.pth"), weights_of(run)
    frozen = [n for n, _ in shufflenet_v2_x0_5().named_parameters() if n.startswith("stage")]
    assert len(frozen) > 50
    assert all(torch.equal(kept[n], given[n]) for n in frozen)
    assert kept["fc.weight"].shape == (10, 1024)
    assert kept["conv1.0.weight"].shape == (24, 1, 3, 3)
    assert torch.equal(kept["conv1.0.weight"], given["conv1.0.weight"].sum(1, keepdim=True))
    text = (run.path / "provenance.json").read_text()
    (one,) = Provenance.from_json(text, "provenance.json").initial_weights
    assert (one.key, one.source) == ("model.pretrained", str(files / "shuffle.pth"))
    assert (one.skipped, one.changed) == (("fc.weight", "fc.bias"), ("conv1.0.weight",))
    assert (one.missing, one.unused) == ((), ())


@pytest.mark.parametrize("name", ["mnasnet0_5", "densenet121", "squeezenet1_1"])
def test_networks_with_names_of_their_own_are_loaded(name: str, tmp_path: Path) -> None:
    """With versions of modules, tensors of 2017, and a head that is a convolution."""
    state = torchvision.models.get_model(name, num_classes=20).state_dict()
    old = r"(denselayer\d+\.(?:norm|conv))([12])\."
    keys = [key for key in state if "num_batches_tracked" not in key or name == "mnasnet0_5"]
    stored = OrderedDict((re.sub(old, r"\1.\2.", key), state[key]) for key in keys)
    stored._metadata = state._metadata  # type: ignore[attr-defined]
    if name == "densenet121":
        assert "features.denseblock1.denselayer1.norm.1.weight" in stored
        del stored._metadata  # type: ignore[attr-defined]
    torch.save(stored, tmp_path / "w.pth")
    asked = recipe({"use": f"torchvision.models.{name}", "pretrained": str(tmp_path / "w.pth")})
    form = DataForm(outputs=10, channels=3)
    model = build_model(asked, form)
    record = load_pretrained(asked, model, form)
    assert record is not None
    kept = model.state_dict()
    unlike = {key for key in kept if key not in state or not torch.equal(kept[key], state[key])}
    assert unlike == set(record.skipped)
    assert 1 <= len(record.skipped) <= 2


def test_two_trainings_give_the_same_bytes(run: pt.Run, files: Path) -> None:
    again = pt.train(run.recipe, runs=files / "runs")
    one, other = (r.path / "model.safetensors" for r in (run, again))
    assert one.read_bytes() == other.read_bytes()


def test_a_run_predicts_without_the_weights_that_it_began_with(run: pt.Run) -> None:
    copy = run.path / "code" / "shuffle.pth"
    assert copy.exists()
    copy.rename(copy.with_suffix(".away"))
    try:
        loaded = pt.load_run(run.path)
        assert len(loaded.predict(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))) == 2
    finally:
        copy.with_suffix(".away").rename(copy)


def test_check_says_what_is_loaded_and_that_the_seed_moves_the_head(files: Path) -> None:
    found = checked(recipe({"use": USE, "pretrained": str(files / "shuffle.pth")}))
    assert found.ok, found.problems
    assert found.facts.weights[0].changed == ("conv1.0.weight",)
    assert found.facts.streams.init


def test_a_network_of_timm_starts_from_its_cache(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    home, revision = tmp_path / "hub" / "models--timm--test_resnet.r160_in1k", "0" * 40
    (home / "snapshots" / revision).mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(revision)
    file = home / "snapshots" / revision / "model.safetensors"
    file.write_bytes((files / "test_resnet.safetensors").read_bytes())
    data = {"source": "digits", "limit": 12, "splits": {"test": 0.5}, "batch_size": 6,
            "transform": ["papertrial.transforms.FromWeights"]}  # fmt: skip
    made = pt.train(
        recipe({"use": TIMM, "pretrained": True}, freeze="layer*", data=data), runs=tmp_path
    )
    given, kept = load_file(file), weights_of(made)
    assert torch.equal(kept["layer1.0.conv1.weight"], given["layer1.0.conv1.weight"])
    record = Provenance.from_json((made.path / "provenance.json").read_text(), "provenance.json")
    (one,) = record.initial_weights
    assert (one.source, one.skipped) == ("timm/test_resnet.r160_in1k", ("fc.weight", "fc.bias"))
    assert one.changed == ("conv1.0.weight",)
    (traced,) = (d for d in record.dependencies if d.kind == "weights")
    assert (traced.path, traced.copied, traced.sha256) == (str(file), False, one.sha256)
    assert "timm" in record.packages
    file.unlink()
    assert len(pt.load_run(made.path).predict(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))) == 2
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    found = checked(recipe({"use": TIMM, "pretrained": True}, data=data))
    (problem,) = (one for one in found.problems if one.severity == "error")
    assert problem.where == "model.pretrained"
    assert "timm/test_resnet.r160_in1k/resolve/main/model.safetensors" in problem.message


def test_the_name_may_be_an_override() -> None:
    assert recipe(USE, f"model={TIMM}").model.use == TIMM
    changed = recipe({"use": USE, "pretrained": True}, "model.use=timm:test_resnet.r160_in1k")
    assert changed.model.kwargs == {"pretrained": True}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("timm:test_resnett", r'timm has no network .*did you mean "test_resnet"'),
        ("timm:test_resnet.r99", "timm has no weights 'r99' of test_resnet.*r160_in1k"),
        ("torchvision.models.resnet19", r'did you mean "resnet18"'),
    ],
)
def test_unknown_networks_are_problems_of_the_recipe(model: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(model)


def test_timm_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RecipeError, match=r"pip install 'papertrial\[timm\]'"):
        recipe(TIMM)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"use": USE, "pretrained": "IMAGENET1K_V9"}, "model.pretrained: torchvision has no"),
        ({"use": USE, "pretrained": "gone.pth"}, "the file gone.pth does not exist"),
        ({"use": USE, "weights": "DEFAULT"}, "model.weights: write pretrained: DEFAULT"),
        ({"use": USE, "pretrained": 3}, "model.pretrained: must be true, false"),
        ({"use": USE, "pretrained": "test_resnet.safetensors"}, "is not of the network shuff"),
        ({"use": TIMM, "pretrained": "shuffle.pth"}, "is not of the network test_resnet"),
        ({"use": TIMM, "pretrained": "r160_in1k"}, "use: timm:test_resnet.r160_in1k"),
    ],
)
def test_wrong_weights_are_refused(
    model: dict[str, Any], message: str, files: Path, tmp_path: Path
) -> None:
    if (files / str(model.get("pretrained"))).is_file():
        model = {**model, "pretrained": str(files / model["pretrained"])}
    with pytest.raises(ModelError, match=message):
        pt.train(recipe(model), runs=tmp_path)


def test_weights_that_cannot_be_fetched_are_an_error_of_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    found = checked(recipe({"use": USE, "pretrained": True}))
    (problem,) = (one for one in found.problems if one.severity == "error")
    assert problem.where == "model.pretrained"
    assert "https://download.pytorch.org/models/shufflenetv2_x0.5" in problem.message
    assert str(tmp_path / "hub" / "checkpoints") in problem.message


def test_images_are_prepared_as_torchvision_prepares_them(tmp_path: Path) -> None:
    from torchvision.models import ShuffleNet_V2_X0_5_Weights

    from papertrial.transforms import FromWeights

    stored = torch.randint(0, 256, (2, 3, 40, 60), dtype=torch.uint8)
    images = stored / 255
    transform = FromWeights(USE)
    state = transform.fit([images])
    expected = ShuffleNet_V2_X0_5_Weights.DEFAULT.transforms()(images)
    torch.testing.assert_close(transform.apply(images, state), expected)
    pipeline = Pipeline("image", [transform])
    kept = PipelineState(kind="image", shape=(3, 0, 0), dtype="uint8", transforms=(state,))
    several = [stored[0], v2.functional.resize(stored[1], [80, 70])]
    assert pipeline.apply(several, kept).shape == (2, 3, 224, 224)
    torch.testing.assert_close(pipeline.apply(several, kept)[0], expected[0])
    column = VaryingImages.of(several)
    assert pipeline.fit(column).transforms == (state,)
    plain = FromWeights(USE, resize=False)
    assert Pipeline("image", [plain]).fit(column).transforms[0]["resize"] is None
    grey = plain.apply(images[:, :1], plain.fit([images[:, :1]]))
    mean, std = sum((0.485, 0.456, 0.406)) / 3, sum((0.229, 0.224, 0.225)) / 3
    torch.testing.assert_close(grey, (images[:, :1] - mean) / std)
    with pytest.raises(DataError, match=r"needs a network of torchvision\.models or timm"):
        FromWeights().fit([images])


def test_images_are_prepared_as_timm_prepares_them() -> None:
    import timm
    from PIL import Image

    from papertrial.transforms import FromWeights

    torch.manual_seed(0)
    # Smooth images, because Pillow rounds to bytes after it resizes.
    image = v2.functional.resize(torch.rand(1, 3, 6, 9), [300, 450], antialias=True)
    config = timm.data.resolve_data_config(
        pretrained_cfg=timm.get_pretrained_cfg("test_resnet").to_dict()
    )
    theirs = timm.data.create_transform(**config)
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    transform = FromWeights(TIMM)
    ours = transform.apply(
        torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255, transform.fit([image])
    )
    torch.testing.assert_close(ours[0], theirs(Image.fromarray(pixels)), atol=0.02, rtol=0)
