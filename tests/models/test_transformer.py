"""Networks of transformers by folder and by configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from papertrial.errors import ModelError
from papertrial.models import transformer
from papertrial.models.transformer import arguments_without_weights

FRESH: dict[str, Any] = {
    "model_type": "bert", "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 16,
}  # fmt: skip


def test_weights_come_from_the_folder(tiny_bert: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import safetensors.torch

    model: Any = transformer(str(tiny_bert), num_labels=3)
    stored = safetensors.torch.load_file(tiny_bert / "model.safetensors")
    state = model.state_dict()
    assert all(torch.equal(state[f"bert.{name}"], value) for name, value in stored.items())
    assert model.weights_of_source.loaded.missing == ("classifier.bias", "classifier.weight")
    assert len(model.weights_of_source.loaded.loaded) == len(stored)
    x = {"input_ids": torch.tensor([[2, 9, 3]]), "attention_mask": torch.ones(1, 3).long()}
    assert model(**x).logits.shape == (1, 3)
    assert capfd.readouterr() == ("", "")  # transformers prints tables and bars


def test_new_weights_follow_the_seed(tiny_bert: Path) -> None:
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(transformer(str(tiny_bert), num_labels=2).state_dict()["classifier.weight"])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    torch.manual_seed(7)
    new: Any = transformer(str(tiny_bert), pretrained=False, config={"hidden_dropout_prob": 0.3})
    stored: Any = transformer(str(tiny_bert))
    name = "bert.embeddings.word_embeddings.weight"
    assert not torch.equal(new.state_dict()[name], stored.state_dict()[name])
    assert new.config.hidden_dropout_prob == 0.3


def test_a_network_is_built_again_without_files(tiny_bert: Path) -> None:
    given = transformer(str(tiny_bert), num_labels=5, config={"hidden_dropout_prob": 0.3})
    arguments = json.loads(json.dumps(arguments_without_weights(given)))
    assert str(tiny_bert) not in json.dumps(arguments)
    again: Any = transformer(**arguments)
    again.load_state_dict(given.state_dict())
    assert again.config.hidden_dropout_prob == 0.3
    fresh: Any = transformer(config=FRESH, num_labels=4)
    shapes = {name: value.shape for name, value in fresh.state_dict().items()}
    rebuilt = transformer(**arguments_without_weights(fresh))
    assert shapes == {name: value.shape for name, value in rebuilt.state_dict().items()}
    assert shapes["classifier.weight"] == (4, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "model_type"),
        ({"config": {"hidden_size": 16}}, "model_type"),
        ({"config": {"model_type": "bertt"}}, "bertt"),
        ({"config": {**FRESH, "hidden_sizes": 3}}, 'did you mean "hidden_size"'),
        ({"config": {**FRESH, "hidden_size": 15}}, "multiple"),
        ({"source": "./nowhere"}, r"config\.json"),
    ],
)
def test_wrong_configurations(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        transformer(**arguments)


def test_folders_that_do_not_fit(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"has the shape \[16\] in .*, but \[24\] in the network and 2 more"
    ):
        transformer(str(tiny_bert), config={"intermediate_size": 24})
    shutil.copytree(tiny_bert, tmp_path / "b")
    config = json.loads((tiny_bert / "config.json").read_text())
    other = {**config, "model_type": "distilbert", "dim": 16, "n_layers": 1, "n_heads": 2}
    (tmp_path / "b" / "config.json").write_text(json.dumps(other))
    with pytest.raises(ModelError, match=r"has only \d of \d+ weights of DistilBert"):
        transformer(str(tmp_path / "b"))
    (tmp_path / "b" / "model.safetensors").rename(tmp_path / "b" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        transformer(str(tmp_path / "b"))


def test_code_of_a_folder_is_not_run(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bert, tmp_path / "b")
    (tmp_path / "b" / "own.py").write_text("raise SystemExit('it ran')")
    place = tmp_path / "b" / "config.json"
    given = json.loads(place.read_text())
    auto = {"AutoConfig": "own.C", "AutoModelForSequenceClassification": "own.M"}
    place.write_text(json.dumps({**given, "model_type": "own", "auto_map": auto}))
    with pytest.raises(ModelError, match="custom code"):
        transformer(str(tmp_path / "b"))
