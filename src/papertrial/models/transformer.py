"""Networks of the package transformers, by folder, by name on the hub, or by configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from papertrial.errors import ModelError, did_you_mean
from papertrial.extras import import_extra, quiet_transformers
from papertrial.hub import NETWORK_FILES, is_on_hub, read_reference, snapshot
from papertrial.weights.load_matching import LoadedWeights, shown

_CONFIG, _WEIGHTS = "config.json", ("model.safetensors", "model.safetensors.index.json")
# Keys of a saved configuration that say nothing of the network.
_NOT_NETWORK = ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype")


class SourceWeights(NamedTuple):
    """The weights that a network got of its source, whose files lie in a folder."""

    source: str
    folder: Path
    loaded: LoadedWeights


def transformer(
    source: str | Mapping[str, Any] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    num_labels: int | None = None,
    pretrained: bool = True,
) -> nn.Module:
    """Build a network of transformers for sequence classification.

    It is called with `input_ids` and `attention_mask`, [B, T] each, which `data.text.tokenizer`
    makes, and returns a ModelOutput whose first tensor is the outputs [B, K]. No code of a folder
    or of the hub is run, and weights are read from safetensors alone.

    Args:
        source: a folder with config.json and model.safetensors; `hf:NAME@COMMIT`; or the content of
            a config.json. None for a network that `config` describes alone.
        config: keys of the configuration that replace those of the source. Without a source,
            `model_type` and any others.
        num_labels: K outputs. papertrial sets it to the number of classes unless a recipe does.
        pretrained: load the weights of the source. If False, all weights are new.

    Raises:
        ModelError: the source or the configuration is not valid, or the weights do not fit.
        HubError: the files cannot be fetched.
        MissingExtraError: transformers is not installed.
    """
    transformers = import_extra("transformers")
    folder = None if source is None or isinstance(source, Mapping) else _folder(source, pretrained)
    made = _configuration(transformers, source, folder, dict(config or {}))
    if num_labels is not None:
        made.num_labels = num_labels
    head = transformers.AutoModelForSequenceClassification
    try:
        if folder is None or not pretrained:
            made.dtype = torch.float32
            with quiet_transformers():
                fresh: nn.Module = head.from_config(made, trust_remote_code=False)
            return fresh
        with quiet_transformers():
            model, info = head.from_pretrained(
                str(folder),
                config=made,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"transformers cannot build {_named(source, made)}: {reason}") from error
    loaded: nn.Module = model
    other = sorted(info["mismatched_keys"])
    if other:
        name, there, here = other[0]
        more = f" and {len(other) - 1:,} more" if len(other) > 1 else ""
        raise ModelError(
            f"model.source: {name} has the shape {[*there]} in {source}, but {[*here]} in the "
            f"network{more}; change model.config or model.num_labels, or set pretrained: false"
        )
    new, unused = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    known = sorted({*loaded.state_dict()} - {*new})
    inside = [
        name for name in loaded.state_dict() if name.startswith(f"{model.base_model_prefix}.")
    ]
    lacking = [name for name in inside if name in new]
    if len(lacking) > len(inside) / 2:
        raise ModelError(
            f"model.source: {source} has only {len(inside) - len(lacking)} of {len(inside)} "
            f"weights of {type(loaded).__name__}; it lacks {shown(lacking)}; give weights "
            "of the same model_type, or set pretrained: false"
        )
    got = LoadedWeights(tuple(known), missing=tuple(new), unused=tuple(unused))
    model.weights_of_source = SourceWeights(str(source), folder, got)
    return loaded


def arguments_without_weights(model: nn.Module) -> dict[str, Any]:
    """Return arguments for which `transformer` builds the same network, without any files."""
    configuration: Any = model.config
    whole = json.loads(configuration.to_json_string(use_diff=False))
    kept = {k: v for k, v in whole.items() if k not in _NOT_NETWORK}
    return {"source": kept, "pretrained": False}


# What papertrial.runs asks of a function that builds a model: the argument that is the number of
# outputs, and how to build the network of a run again, whose weights the run has.
transformer.outputs = "num_labels"  # type: ignore[attr-defined]
transformer.arguments_without_weights = arguments_without_weights  # type: ignore[attr-defined]


def _folder(source: str, pretrained: bool) -> Path:
    if is_on_hub(source):
        needed = _WEIGHTS if pretrained else (_CONFIG,)
        return snapshot(read_reference(source), NETWORK_FILES if pretrained else (_CONFIG,), needed)
    folder = Path(source)
    if not (folder / _CONFIG).is_file():
        raise ModelError(
            f"model.source: {source} is not a folder with {_CONFIG}; give one that "
            "save_pretrained() has written, or hf:NAME@COMMIT"
        )
    if pretrained and not any((folder / name).is_file() for name in _WEIGHTS):
        raise ModelError(
            f"model.source: {source} has no model.safetensors, and weights in other formats are "
            "not read, because they can run code; convert them, or set pretrained: false"
        )
    return folder


def _configuration(
    transformers: Any, source: object, folder: Path | None, changes: dict[str, Any]
) -> Any:
    """Return the configuration of a source, with some keys changed."""
    if folder is None and not isinstance(source, Mapping):
        if "model_type" not in changes:
            raise ModelError(
                "model.config: without model.source, the network needs model_type, such as bert"
            )
        source = {"model_type": changes.pop("model_type")}
    try:
        if folder is not None:
            made = transformers.AutoConfig.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
        else:
            assert isinstance(source, Mapping), "it is a folder or a configuration"
            made = transformers.AutoConfig.for_model(**source)
    except Exception as error:
        known = str(error).partition("\n")[0]
        raise ModelError(f"{_named(source, None)} is not a configuration: {known}") from error
    keys = made.to_dict()
    for key, value in changes.items():
        if key not in keys:
            raise ModelError(
                f"model.config.{key}: {type(made).__name__} has no such key"
                f"{did_you_mean(key, keys)}"
            )
        setattr(made, key, value)
    if folder is None and changes:  # some keys follow from others
        assert isinstance(source, Mapping), "it is a configuration"
        return transformers.AutoConfig.for_model(**{**source, **changes})
    return made


def _named(source: object, made: Any) -> str:
    if isinstance(source, str):
        return f"model.source: {source}"
    return f"model.config of {made.model_type}" if made is not None else f"model.config {source}"
