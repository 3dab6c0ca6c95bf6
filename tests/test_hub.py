"""Names of repositories on the hub, and what happens where it cannot be reached."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import SourceSpec, TableOptions
from papertrial.errors import RecipeError
from papertrial.extras import MissingExtraError, how_to_install, import_extra
from papertrial.hub import PATTERN, HubError, HubReference, read_reference, snapshot
from papertrial.models import transformer
from papertrial.progress import finish
from papertrial.recipe.resolve import resolve

COMMIT = "0123456789abcdef" * 2 + "01234567"


def test_references_name_a_commit() -> None:
    assert read_reference(f"hf:bert@{COMMIT}") == HubReference("bert", COMMIT)
    whole = f"hf:nyu-mll/glue:mrpc@{COMMIT}"
    assert read_reference(whole) == HubReference("nyu-mll/glue", COMMIT, "mrpc")
    assert re.match(PATTERN, whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hf:bert", "names no commit"),
        ("hf:bert@main", "'main' can move"),
        (f"hf:bert@{COMMIT[:12]}", "can move"),
        (f"hf:a/b/c@{COMMIT}", "40 digits"),
    ],
)
def test_references_that_can_move_are_refused(text: str, message: str) -> None:
    with pytest.raises(HubError, match=message):
        read_reference(text)
    assert not re.match(PATTERN, text)


def test_files_are_read_from_the_cache_or_cannot_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    one = HubReference("owner/tiny", COMMIT)
    with pytest.raises(HubError, match=f"hf download owner/tiny --revision {COMMIT}"):
        snapshot(one, ["config.json"], ["config.json"])
    place = tmp_path / "models--owner--tiny" / "snapshots" / COMMIT
    place.mkdir(parents=True)
    (place / "config.json").write_text("{}")
    assert snapshot(one, ["config.json"], ["config.json"]) == place
    with pytest.raises(HubError, match=r"owner/tiny has no model\.safetensors"):
        snapshot(one, ["*.safetensors"], ["model.safetensors"])


def test_packages_of_extras() -> None:
    assert how_to_install("transformers") == "pip install 'papertrial[transformers]'"
    assert how_to_install("torchvision") == ""
    with pytest.raises(MissingExtraError, match="no_such_package"):
        import_extra("no_such_package")


def test_a_recipe_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "datasets", None)
    wanted = r"pip install 'papertrial\[transformers\]'"
    with pytest.raises(MissingExtraError, match=wanted):
        transformer(config={"model_type": "bert"})
    with pytest.raises(RecipeError, match=wanted):
        resolve("transformers.get_linear_schedule_with_warmup")
    spec = SourceSpec("dataset-folder", table=TableOptions(targets=("label",), text="text"))
    with pytest.raises(MissingExtraError, match=r"papertrial\[datasets\]"):
        finish(open_source(spec, Path()))
