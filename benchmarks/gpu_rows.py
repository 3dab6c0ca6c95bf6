"""The measurements of gpu_check.py: one generator of rows for each section."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import bench
import plain_loops
import torch
from torch.profiler import ProfilerActivity, profile

import papertrial as pt
from papertrial.data.files.data_folder import data_folder
from papertrial.progress import finish
from papertrial.runs.prepare import Parts, prepare
from papertrial.training.device import on_device
from papertrial.training.loop import fit

ROOT = Path(__file__).parents[1]
CLAIMLESS = "claims=[]"
# Standard deviations of the test accuracy between seeds: for digits-mlp from its recipe, for the
# quickstart from seeds 0 to 7 on a CPU with one thread (.6444 to .6512).
SEED_SD = {"fashion-mnist-quickstart": 0.0024, "digits-mlp": 0.0027}
SMALL = {  # overrides for a short run, which trains less but has every row
    "fashion-mnist-quickstart": ["data.limit=2000", "epochs=2"],
    "digits-mlp": ["epochs=4"],
}
# Events in which the host waits for the device. Memory that is not pinned is copied synchronously.
WAITS = (
    "aten::item", "aten::_local_scalar_dense", "aten::nonzero", "cudaStreamSynchronize",
    "cudaDeviceSynchronize", "cudaEventSynchronize", "Memcpy DtoH", "Memcpy HtoD (Pageable",
)  # fmt: skip
PROFILED = 12  # steps, well within an epoch of digits-mlp, which has 29


@dataclass(frozen=True)
class Row:
    """One line of the table; `bound` says in words what must hold, and `ok` whether it does."""

    name: str
    value: float | str
    unit: str = ""
    bound: str = ""
    ok: bool = True
    note: str = ""


@dataclass(frozen=True)
class Setting:
    """The device, and whether to measure short runs only."""

    device: str
    small: bool

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a CUDA device."""
        return self.device.startswith("cuda")

    def recipe(self, name: str, *overrides: str) -> pt.Recipe:
        """Load a shipped recipe without its claims, shortened if `small` is set."""
        small = SMALL[name] if self.small else []
        return pt.load_recipe(name, [CLAIMLESS, *small, *overrides])


def at_most(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Row:
    """Return a row with an upper bound on its value."""
    return Row(name, value, unit, f"<= {limit:.4g}", value <= limit, note)


def cuda_tests(setting: Setting) -> Iterator[Row]:
    """Run the tests marked `cuda`: all must pass and none may be skipped."""
    if not setting.on_gpu:
        yield Row("tests marked cuda", "skipped", note="they need a CUDA device")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "tests.xml"
        words = ["tests/cuda", "-m", "cuda", "-p", "no:cacheprovider", f"--junitxml={found}"]
        done = run("pytest", *words)
        if not found.is_file():
            raise RuntimeError(f"pytest ended with {done.returncode}: {tail(done)}")
        suite = ElementTree.parse(found).getroot().find("testsuite")
    assert suite is not None, "pytest always writes a test suite"
    tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    ok = done.returncode == 0 and tests > 0 and skipped == 0
    value = f"{tests - skipped - bad} of {tests} pass"
    yield Row("tests marked cuda", value, bound="all", ok=ok, note="" if ok else tail(done))


def trainings(setting: Setting) -> Iterator[Row]:
    """Compare CPU and device, two runs on the device, and bf16 with fp32."""
    seeds = range(1 if setting.small else 3)
    for name, sd in SEED_SD.items():
        if setting.on_gpu:
            torch.cuda.reset_peak_memory_stats(setting.device)
        ours = [trained(setting, name, setting.device, f"seed={seed}") for seed in seeds]
        if setting.on_gpu and name == bench.RECIPE:
            peak = torch.cuda.max_memory_allocated(setting.device) / 2**20
            limit, note = bench.SET_MB + 150, "the uint8 set, and 150 MB"
            yield at_most(f"{name}: peak memory on the device", peak, limit, "MB", note)
        theirs = [trained(setting, name, "cpu", f"seed={seed}") for seed in seeds]
        there, here = (statistics.mean(a for a, _ in side) for side in (ours, theirs))
        yield Row(f"{name}: test accuracy, {setting.device}", there)
        yield Row(f"{name}: test accuracy, cpu", here)
        limit = 3 * sd * (2 / len(seeds)) ** 0.5
        note = f"3 standard errors; SD {sd} between seeds, n = {len(seeds)} a side"
        yield at_most(f"{name}: their difference", abs(there - here), limit, note=note)
        accuracy, weights = ours[0]
        same = trained(setting, name, setting.device, "seed=0")[1] == weights
        yield Row(f"{name}: same weights twice", "yes" if same else "no", bound="yes", ok=same)
        rounded = trained(setting, name, setting.device, "seed=0", "precision=bf16")
        apart, limit = abs(rounded[0] - accuracy), 3 * sd * 2**0.5
        yield at_most(f"{name}: bf16 from fp32", apart, limit, note="3 standard errors; n = 1")
        took = rounded[1] != weights
        yield Row(f"{name}: bf16 changes the bits", "yes" if took else "no", bound="yes", ok=took)
    if not setting.on_gpu:
        yield Row("peak memory on the device", "skipped", note="it is counted on CUDA")


def trained(setting: Setting, name: str, device: str, *overrides: str) -> tuple[float, bytes]:
    """Train a shipped recipe; return the test accuracy and the weights."""
    with tempfile.TemporaryDirectory() as folder:
        run = pt.train(setting.recipe(name, *overrides), runs=folder, device=device)
        weights = (run.path / "model.safetensors").read_bytes()
    accuracy = run.metrics["test"]["accuracy"]
    assert isinstance(accuracy, float), "an accuracy is one number"
    return accuracy, weights


def steps(setting: Setting) -> Iterator[Row]:
    """Check where the data are, and whether the host waits during steps."""
    wanted = torch.device(setting.device).type
    for name in SEED_SD:
        with on_device(setting.device, None) as device:
            parts = finish(prepare(setting.recipe(name), data_folder(), device))
            found = parts.samples.dataset.train.x.take(slice(0, 1)).device.type
            yield Row(f"{name}: data on", found, bound=wanted, ok=found == wanted)
            advance(parts, 5)
            waits = waits_in_steps(parts)
        names = ", ".join(sorted({name for name, _ in waits}))
        count = len(waits) / PROFILED
        seconds = sum(time for _, time in waits) / PROFILED
        if setting.on_gpu:
            yield at_most(f"{name}: waits for the device, per step", count, 0, note=names)
            yield at_most(f"{name}: time waiting, per step", seconds, 0, "us")
        else:  # on the CPU, fused Adam reads its step count by item(), which waits for nothing
            yield Row(f"{name}: reads by the host, per step", count, note=names)
            yield Row(f"{name}: time reading, per step", seconds, "us")


def advance(parts: Parts, count: int) -> None:
    """Train some more steps; the loss is read once, after the last one."""
    until, batches = parts.train.step + count, parts.samples.batches
    for _ in fit(parts.train, batches, parts.objective, seed=0, steps=until, every=(10**9,)):
        pass


def waits_in_steps(parts: Parts) -> list[tuple[str, float]]:
    """Return (name, microseconds) of each wait between the first and the last of PROFILED steps."""
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        advance(parts, PROFILED + 1)
    events: Sequence[Any] = profiler.events()
    stepped = [e.time_range.start for e in events if e.name.startswith("Optimizer.step")]
    if len(stepped) < PROFILED + 1:
        raise RuntimeError(f"the profiler saw {len(stepped)} steps of {PROFILED + 1}")
    first, last = min(stepped), max(stepped)  # after the last step, the loss is read
    return [
        (event.name, event.time_range.elapsed_us())
        for event in events
        if event.name.startswith(WAITS) and first <= event.time_range.start < last
    ]


def speed(setting: Setting) -> Iterator[Row]:
    """Compare samples per second with those of two plain loops, in alternating runs."""
    device, folder = torch.device(setting.device), data_folder()
    samples = 2000 if setting.small else bench.SAMPLES
    # The bound for the tutorial's loop is that of the CPU. On a GPU, so small a network spends its
    # time on launching kernels, so the overhead of a step is visible in comparison with the bare
    # loop. The bound of 1.25 is a guess until it has been measured.
    loops = (("bare", plain_loops.bare, 5, 4), ("tutorial", plain_loops.tutorial, 2, 2))
    for kind, loop, pairs, epochs in loops:

        def theirs(loop: Any = loop, epochs: int = epochs) -> float:
            return statistics.median(loop(folder, device, epochs, samples)[1:])

        def ours(epochs: int = epochs) -> float:
            recipe = setting.recipe(bench.RECIPE, f"epochs={epochs}")
            with tempfile.TemporaryDirectory() as runs:
                trained = pt.train(recipe, runs=runs, device=setting.device)
                kept = json.loads((trained.path / "metrics.json").read_text())
            return statistics.median(kept["epoch_seconds"][1:])

        found = bench.alternate(ours, theirs, 1 if setting.small else pairs)
        mine, other = (statistics.median(side) for side in zip(*found, strict=True))
        yield Row(f"papertrial, compared with the {kind} loop", samples / mine, "samples/s")
        yield Row(f"the {kind} loop", samples / other, "samples/s")
        ratio = statistics.median(us / them for us, them in found)
        limit = 1.25 if kind == "bare" else 1 / 2.2
        if setting.small:
            yield Row(f"time over the {kind} loop", ratio, note="too short for a bound")
        else:
            yield at_most(f"time over the {kind} loop", ratio, limit)


def verification(setting: Setting) -> Iterator[Row]:
    """Verify digits-mlp with two workers on the device, then audit the verification."""
    place = ["--device", setting.device]
    with tempfile.TemporaryDirectory() as folder:
        words = ["verify", "digits-mlp", *(["verify.max_seeds=5"] if setting.small else [])]
        done = run("papertrial", *words, *place, "--workers", "2", "--runs", folder, "--json")
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"papertrial verify ended with {done.returncode}: {tail(done)}")
        told = json.loads(done.stdout.splitlines()[-1])
        yield Row(
            "verify digits-mlp, 2 workers", told["verdict"], bound="not NOT REPRODUCED",
            ok=done.returncode != 1, note=f"{len(told['seeds'])} seeds",
        )  # fmt: skip
        done = run("papertrial", "audit", told["verification"], *place, "--json")
        ok = done.returncode == 0
        value = "agrees" if ok else "differs"
        note = "one seed retrained in another process" if ok else tail(done)
        yield Row("audit of the verification", value, bound="agrees", ok=ok, note=note)


def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module with this Python in the root of the repository."""
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )


def tail(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last lines of a process's output."""
    return " | ".join((done.stdout + done.stderr).strip().splitlines()[-8:])


SECTIONS = (trainings, steps, speed, verification, cuda_tests)
