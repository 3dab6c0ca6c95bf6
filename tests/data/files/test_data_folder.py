"""The data folder: given, from the environment, or the platform's cache."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from papertrial.data.files.data_folder import data_folder


def test_the_data_folder_is_the_given_one_then_the_environments_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAPERTRIAL_DATA", str(tmp_path / "environment"))
    assert data_folder(tmp_path) == tmp_path
    assert data_folder(str(tmp_path)) == tmp_path
    assert data_folder() == tmp_path / "environment"
    cache = platformdirs.user_cache_path("papertrial") / "data"
    monkeypatch.setenv("PAPERTRIAL_DATA", "")
    assert data_folder() == cache
    monkeypatch.delenv("PAPERTRIAL_DATA")
    assert data_folder() == cache


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert data_folder("~/data") == tmp_path / "data"
    monkeypatch.setenv("PAPERTRIAL_DATA", "~/data")
    assert data_folder() == tmp_path / "data"
