"""Deterministic algorithms, switched on without an import of torch's compiler."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
import torch

from papertrial.evaluate.deterministic_algorithms import use_deterministic_algorithms
from papertrial.training.device import numerics

COMPILER, VARIABLE = "torch._inductor.config", "TORCHINDUCTOR_DETERMINISTIC"
CPU = torch.device("cpu")


def settings() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


@pytest.mark.parametrize("asked", [(False, False), (True, False), (True, True)])
def test_torch_is_set_as_by_its_own_function(asked: tuple[bool, bool]) -> None:
    before = settings()
    try:
        use_deterministic_algorithms(asked[0], warn_only=asked[1])
        assert settings() == asked
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def test_the_compiler_is_not_imported_and_learns_it_from_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, COMPILER, raising=False)
    monkeypatch.setenv(VARIABLE, "0")
    with numerics(CPU):
        assert os.environ[VARIABLE] == "1"
    assert os.environ[VARIABLE] == "0"
    assert COMPILER not in sys.modules


def test_a_compiler_that_was_imported_is_set_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = SimpleNamespace(deterministic=False)
    monkeypatch.setitem(sys.modules, COMPILER, compiler)
    with numerics(CPU):
        assert compiler.deterministic is True
    assert compiler.deterministic is False
