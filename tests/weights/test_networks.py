"""Networks of torchvision: which names are networks, and where their weights are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from torchvision.models import get_model_weights, list_models

from papertrial.errors import ModelError
from papertrial.weights.fetch_pretrained import fetch_pretrained
from papertrial.weights.networks import Network, network_of, pretrained_source

RESNET = Network("torchvision", "resnet18")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("use", "network"),
    [
        ("torchvision.models.resnet18", RESNET),
        ("torchvision.models.ResNet", None),
        ("torchvision.models.segmentation.fcn_resnet50", None),
        ("papertrial.models.MLP", None),
        ("./net.py:resnet18", None),
    ],
)
def test_networks_are_known_by_name(use: str, network: Network | None) -> None:
    assert network_of(use) == network
    assert network is None or network.use == use


def test_the_weights_and_the_form_of_images_are_those_of_torchvision(home: Path) -> None:
    found = pretrained_source(RESNET)
    assert found.name == "ResNet18_Weights.IMAGENET1K_V1"
    assert found.place == home / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    assert (found.found, found.sha256) == (None, "f37072fd")
    form = found.form
    assert (form.resize, form.crop, form.interpolation) == (256, (224, 224), "bilinear")
    assert form.mean == (0.485, 0.456, 0.406)
    assert form.std == (0.229, 0.224, 0.225)
    newer = pretrained_source(Network("torchvision", "resnet50"), "IMAGENET1K_V2")
    assert (newer.name, newer.form.resize) == ("ResNet50_Weights.IMAGENET1K_V2", 232)
    with pytest.raises(ModelError, match=r"'IMAGENET1K_V3' of resnet18; did you mean"):
        pretrained_source(RESNET, "IMAGENET1K_V3")


def test_every_classifier_of_torchvision_has_a_source() -> None:
    import torchvision.models

    names = [n for n in list_models() if callable(getattr(torchvision.models, n, None))]
    assert len(names) >= 80
    for name in names:
        sources = [pretrained_source(Network("torchvision", name), w.name)
                   for w in get_model_weights(name) if "FEATURES" not in w.name]  # fmt: skip
        assert all(len(s.sha256) >= 8 and s.url.endswith(s.place.name) for s in sources), name
    with pytest.raises(ModelError, match="features alone"):
        pretrained_source(Network("torchvision", "vgg16"), "IMAGENET1K_FEATURES")


def test_a_file_on_disk_is_verified_by_the_hash_in_its_name(home: Path) -> None:
    place = pretrained_source(RESNET).place
    place.parent.mkdir(parents=True)
    place.write_bytes(b"weights")
    source = pretrained_source(RESNET)
    assert source.found == place
    with pytest.raises(ModelError, match="SHA-256 must begin with f37072fd, got "):
        fetch_pretrained(source)
    digest = hashlib.sha256(b"weights").hexdigest()
    assert fetch_pretrained(replace(source, sha256=digest[:8])) == place


def test_weights_that_cannot_be_fetched_say_what_to_fetch_and_where_to_put_it(home: Path) -> None:
    source = replace(pretrained_source(RESNET), url="http://127.0.0.1:9/resnet18-f37072fd.pth")
    with pytest.raises(ModelError) as caught:
        fetch_pretrained(source)
    message = str(caught.value)
    assert message.startswith("model.pretrained: the weights ResNet18_Weights.IMAGENET1K_V1")
    for part in (source.url, str(source.place), "pretrained: ./resnet18-f37072fd.pth"):
        assert part in message
    assert not source.place.exists()
