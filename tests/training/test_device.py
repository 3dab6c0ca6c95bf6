"""Devices by name, and numerical settings that are restored after a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from papertrial.data.streams import generators
from papertrial.errors import DeviceError, PapertrialError
from papertrial.training.device import has_room, machine, numerics, on_device, pick_device

CPU = torch.device("cpu")


def test_auto_is_the_best_available_device() -> None:
    best = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    assert pick_device("auto") == pick_device() == torch.device(best)


@pytest.mark.parametrize("name", ["cpu", "cpu:0"])
def test_an_available_device_is_returned(name: str) -> None:
    assert pick_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["tpu", "", "CPU", "cuda:-1", "cuda:x", "cpu:"])
def test_a_name_that_is_not_a_device_is_refused(name: str) -> None:
    with pytest.raises(DeviceError) as error:
        pick_device(name)
    assert str(error.value) == f"a device is auto, cpu, mps, cuda or cuda:N, got {name!r}"


@pytest.mark.parametrize("name", ["cuda:99", "cpu:1", "meta", "xpu"])
def test_an_unavailable_device_is_refused_with_a_list_of_available_ones(name: str) -> None:
    with pytest.raises(DeviceError, match=rf"this machine has no device '{name}'; it has .*cpu"):
        pick_device(name)


def test_data_stay_in_memory_on_the_cpu() -> None:
    assert not has_room(CPU, 1)


def test_layers_on_the_cpu_draw_from_torchs_default_generator() -> None:
    assert generators(CPU) == [torch.default_generator]


def _settings() -> dict[str, Any]:
    tiny = torch.tensor(1e-310, dtype=torch.float64)
    deterministic: Any = torch.utils.deterministic
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": deterministic.fill_uninitialized_memory,
        "benchmark": torch.backends.cudnn.benchmark,
        "flushed": bool(tiny * 0.5 == 0),
        "random": torch.get_rng_state().tolist(),
    }


@pytest.fixture
def other_settings() -> Iterator[None]:
    """Settings that all differ from the defaults of torch."""
    deterministic: Any = torch.utils.deterministic
    before, threads = _settings(), torch.get_num_threads()
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)
    deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = True
    torch.set_flush_denormal(True)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(before["deterministic"], warn_only=before["warn_only"])
    deterministic.fill_uninitialized_memory = before["fill"]
    torch.backends.cudnn.benchmark = before["benchmark"]
    torch.set_flush_denormal(before["flushed"])


def _run_and_leave(fails: bool) -> None:
    with numerics(CPU, 1):
        torch.manual_seed(1)
        torch.rand(3)
        if fails:
            raise KeyError


@pytest.mark.parametrize("fails", [False, True])
def test_all_settings_are_restored(fails: bool) -> None:
    before = _settings()
    if fails:
        with pytest.raises(KeyError):
            _run_and_leave(fails)
    else:
        _run_and_leave(fails)
    assert _settings() == before


@pytest.mark.usefixtures("other_settings")
def test_settings_of_the_user_are_restored() -> None:
    before = _settings()
    assert before["threads"] == 3
    assert before["flushed"]
    _run_and_leave(False)
    assert _settings() == before


def test_the_settings_apply_inside_the_block() -> None:
    with numerics(CPU, 1):
        inside = _settings()
        del inside["random"]
        assert inside == {
            "threads": 1,
            "deterministic": True,
            "warn_only": True,
            "fill": False,
            "benchmark": False,
            "flushed": True,
        }


def test_without_threads_torch_chooses() -> None:
    before = torch.get_num_threads()
    with numerics(CPU):
        assert torch.get_num_threads() == before


_COUNT = """
import torch
from papertrial.data.streams import generators
from papertrial.training.device import numerics

def kept():
    x = torch.full((1 << 20,), 1e-310, dtype=torch.float64).mul_(0.5)
    return int((x.view(torch.int64) != 0).sum())

torch.set_num_threads(2)
"""


def _kept_inside(warm: str) -> int:
    """Count denormals that survive an operation on two threads, in a separate process."""
    script = f"{warm}\nwith numerics(torch.device('cpu')):\n    print(kept())"
    command = [sys.executable, "-c", _COUNT + script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return int(done.stdout)


def test_every_thread_that_starts_inside_flushes_denormals() -> None:
    assert _kept_inside("") == 0
    assert _kept_inside("kept()") < 1 << 20  # this thread does; those there before keep theirs


def test_device_and_settings_apply_until_the_end_of_the_block() -> None:
    before = _settings()
    with on_device("cpu", 2) as device:
        inside = _settings()
        found = machine(device)
        torch.rand(3)
    assert device == CPU
    assert (inside["threads"], inside["deterministic"], inside["flushed"]) == (2, True, True)
    capability = torch.backends.cpu.get_cpu_capability()
    assert found == {"device_name": None, "cpu_capability": capability, "threads": 2}
    assert _settings() == before


@pytest.mark.parametrize("threads", [0, -1])
def test_an_invalid_number_of_threads_is_refused(threads: int) -> None:
    before = _settings()
    with (
        pytest.raises(PapertrialError, match=rf"threads >= 1 must hold, got {threads}"),
        on_device("cpu", threads),
    ):
        pass
    assert _settings() == before


def test_an_unavailable_device_changes_no_setting() -> None:
    before = _settings()
    with pytest.raises(DeviceError), on_device("cuda:99", 1):
        pass
    assert _settings() == before
