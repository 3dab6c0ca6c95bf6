"""Networks that recipes name: those of torchvision, and of timm with the extra `timm`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from papertrial.errors import ModelError, RecipeError, did_you_mean, nearest
from papertrial.extras import MissingExtraError, import_extra

TIMM = "timm:"
_TORCHVISION = "torchvision.models."
_HASH = re.compile(r"-([0-9a-f]{8,64})\.")  # in the names of torchvision's files
_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)$")
# These take images as their original weights did, if they start from those of torchvision.
_FILE_ENDINGS = (".pth", ".pt", ".th", ".bin", ".safetensors")
RENORMALIZING = (f"{_TORCHVISION}googlenet", f"{_TORCHVISION}inception_v3")
_HUB = "https://huggingface.co"
_FILES = ("model.safetensors", "pytorch_model.bin")  # of a repository on the Hugging Face hub


@dataclass(frozen=True)
class Network:
    """A network of a library.

    Attributes:
        library: the library.
        name: its name there, such as "resnet18"; for timm, it may end in a tag of its weights.
    """

    library: Literal["torchvision", "timm"]
    name: str

    @property
    def use(self) -> str:
        """The network as a recipe names it."""
        return f"{TIMM if self.library == 'timm' else _TORCHVISION}{self.name}"


@dataclass(frozen=True)
class ImageForm:
    """How the images were prepared that a network was trained on.

    Attributes:
        resize: length of the shorter side in pixels before the crop.
        crop: height and width of the crop from the centre.
        mean: by channel, of brightness from 0 to 1.
        std: like `mean`.
        interpolation: "bilinear", "bicubic" or "nearest".
        mode: "center", or "squash" if images are resized to a square; timm knows others.
    """

    resize: int
    crop: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    mode: str = "center"


@dataclass(frozen=True)
class PretrainedSource:
    """Where the weights of a network are.

    Attributes:
        name: the weights, such as "ResNet18_Weights.IMAGENET1K_V1" or "timm/resnet18.a1_in1k".
        url: the address of the file.
        place: where the file belongs on this machine.
        found: the file, if it is on this machine.
        sha256: beginning of its SHA-256; "" if not known.
        form: how its images were prepared.
    """

    name: str
    url: str
    place: Path
    found: Path | None
    sha256: str
    form: ImageForm


def network_of(use: str) -> Network | None:
    """Return the network that the `use` of a recipe names; None for other classes and functions.

    Raises:
        RecipeError: timm has no such network, or is not installed.
    """
    if use.startswith(TIMM):
        name = use.removeprefix(TIMM)
        _check_timm(name)
        return Network("timm", name)
    name = use.removeprefix(_TORCHVISION)
    if name == use or not name.isidentifier():
        return None
    from torchvision.models import list_models  # noqa: PLC0415  (a recipe of a program needs none)

    return Network("torchvision", name) if name in list_models() else None


def timm_network(use: str) -> Callable[..., Any]:
    """Return what builds the network of timm that a recipe names, `timm:NAME`.

    Raises:
        RecipeError: timm has no such network, or is not installed.
    """
    name = use.removeprefix(TIMM)
    return partial(_check_timm(name).create_model, name)


def _check_timm(name: str) -> Any:
    try:
        timm = import_extra("timm")
    except MissingExtraError as error:
        raise RecipeError(f"{TIMM}{name}: {error}") from error
    bare, _, tag = name.partition(".")
    if not timm.is_model(bare):
        raise RecipeError(f"timm has no network {bare!r}{nearest(bare, timm.list_models())}")
    tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{bare}.*")]
    if tag and tag not in tags:
        raise RecipeError(f"timm has no weights {tag!r} of {bare}{did_you_mean(tag, tags)}")
    return timm


def pretrained_source(network: Network, weights: str = "") -> PretrainedSource:
    """Return where the weights of a network are, and how its images were prepared.

    Args:
        network: the network.
        weights: the name of its weights, such as IMAGENET1K_V2; "" for the default ones. For timm
            it is a part of the network's name.

    Raises:
        ModelError: the library has no such weights.
    """
    if network.library == "timm":
        return _source_of_timm(network, weights)
    return _source_of_torchvision(network, weights)


def _source_of_torchvision(network: Network, weights: str) -> PretrainedSource:
    from torchvision.models import get_model_weights  # noqa: PLC0415

    known = get_model_weights(network.name)
    names = [one.name for one in known]
    wanted = weights.rpartition(".")[2]
    if weights.endswith(_FILE_ENDINGS):
        raise ModelError(
            f"model.pretrained: the file {weights} does not exist; a path in a recipe is relative "
            "to the recipe, a path in an override to the current folder"
        )
    if wanted and wanted not in names:
        raise ModelError(
            f"model.pretrained: torchvision has no weights {wanted!r} of {network.name}"
            f"{did_you_mean(wanted, names)}"
        )
    chosen = known[wanted] if wanted else known.DEFAULT
    if chosen.meta["categories"] is None:
        raise ModelError(
            f"model.pretrained: {chosen.name} of {network.name} has features alone; name others"
        )
    prepared, file = chosen.transforms(), chosen.url.rpartition("/")[2]
    place = Path(torch.hub.get_dir()) / "checkpoints" / file
    digest = _HASH.search(file)
    return PretrainedSource(
        name=f"{known.__name__}.{chosen.name}",
        url=chosen.url,
        place=place,
        found=place if place.is_file() else None,
        sha256=digest[1] if digest else "",
        form=ImageForm(
            resize=int(prepared.resize_size[0]),
            crop=_square(prepared.crop_size),
            mean=tuple(prepared.mean),
            std=tuple(prepared.std),
            interpolation=prepared.interpolation.value,
        ),
    )


def _source_of_timm(network: Network, weights: str) -> PretrainedSource:
    import timm  # noqa: PLC0415
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415
    from huggingface_hub.constants import HF_HUB_CACHE  # noqa: PLC0415

    if weights:
        raise ModelError(
            f"model.pretrained: name the weights of a network of timm in its name, "
            f"use: {network.use.partition('.')[0]}.{weights}, and set pretrained: true"
        )
    config = timm.get_pretrained_cfg(network.name)
    if config is None or not (config.hf_hub_id or config.url):
        raise ModelError(
            f"model.pretrained: timm has no weights of {network.name} that can be fetched; remove "
            "pretrained, or name a file"
        )
    crop = _square(config.input_size[1:])
    form = ImageForm(
        resize=int(crop[0] / config.crop_pct),
        crop=crop,
        mean=tuple(config.mean),
        std=tuple(config.std),
        interpolation=config.interpolation,
        mode=config.crop_mode,
    )
    if not config.hf_hub_id:
        file = config.url.rpartition("/")[2]
        place = Path(torch.hub.get_dir()) / "checkpoints" / file
        found, url, digest = (place if place.is_file() else None), config.url, _HASH.search(file)
        name, sha256 = file, digest[1] if digest else ""
    else:
        name, sha256 = config.hf_hub_id, ""
        files = [config.hf_hub_filename] if config.hf_hub_filename else [*_FILES]
        cached = (try_to_load_from_cache(name, file) for file in files)
        found = next((Path(one) for one in cached if isinstance(one, str)), None)
        url = f"{_HUB}/{name}/resolve/main/{files[0]}"
        place = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"
    return PretrainedSource(name, url, place, found, sha256, form)


def with_current_names(network: Network, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the weights of a network by the names that its tensors have now.

    Those of densenets are of 2017, when a layer had names such as "norm.1". Other networks rename
    older tensors when they load them.
    """
    if network.library != "torchvision" or not network.name.startswith("densenet"):
        return tensors
    return {_DENSE.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}


def heads_of_timm(network: Network) -> tuple[str, ...]:
    """Return the names of the modules of a network of timm that decide on classes."""
    import timm  # noqa: PLC0415

    config = timm.get_pretrained_cfg(network.name)
    named = None if config is None else config.classifier
    return (named,) if isinstance(named, str) else tuple(named or ())


def _square(size: Sequence[int]) -> tuple[int, int]:
    return int(size[0]), int(size[-1])
