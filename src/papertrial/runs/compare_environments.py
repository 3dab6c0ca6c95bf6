"""Compare the environments of two runs, or of a run and this machine."""

from __future__ import annotations

import torch

from papertrial.store.provenance import environment
from papertrial.store.run_records import Environment
from papertrial.training.device import machine

_MACHINE = ("platform", "machine", "cpus", "cpu_capability", "device_name", "threads")


def environment_here(device: torch.device) -> Environment:
    """Return the environment on this machine, to compare with that of a run."""
    return environment(str(device), **machine(device))


def environment_differences(then: Environment, now: Environment) -> list[str]:
    """Say how the environments of two runs differ in what may change the bits of their results."""

    def named(one: Environment) -> dict[str, object]:
        device = one.device.partition(":")[0]
        return {**one.versions, **{key: getattr(one, key) for key in _MACHINE}, "device": device}

    had, has = named(then), named(now)
    return [f"{key} {had.get(key)} then, {has[key]} now" for key in has if had.get(key) != has[key]]
