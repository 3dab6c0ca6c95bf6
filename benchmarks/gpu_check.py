"""Test and measure papertrial on a CUDA device, in comparison with plain loops on the same GPU.

    make gpu-check
    python benchmarks/gpu_check.py --device cpu --small --json check.json

Prints one table and writes it as JSON to --json, which is $OUT/gpu_check.json by default, or
benchmarks/gpu_check.json if OUT is not set. The exit code is 0 if every bound holds, and also if
there is no CUDA device, which is reported. It is 1 if a bound does not hold or a module is missing.
`--device cpu --small` tests the script itself. On a GPU it should take less than six minutes.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_rows import Row

SECONDS = 360
OLDEST_TORCH = (2, 11)
# Modules that papertrial and its tests import, with the name of the package if it differs.
MODULES = {
    "annotated_types": "annotated-types", "filelock": "", "jinja2": "", "joblib": "",
    "matplotlib": "", "numpy": "", "papertrial": "papertrial (or put src on PYTHONPATH)",
    "PIL": "pillow", "platformdirs": "", "pyarrow": "", "pydantic": "",
    "pydantic_core": "pydantic-core", "pytest": "", "rich": "", "ruamel.yaml": "",
    "safetensors": "", "scipy": "", "sklearn": "scikit-learn", "tokenizers": "", "torch": "",
    "torchmetrics": "", "torchvision": "", "typer": "", "typing_inspection": "typing-inspection",
}  # fmt: skip


def main() -> None:
    """Measure, print the table, write it, and exit with 1 if a bound does not hold."""
    start = time.perf_counter()
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to test the script")
    options.add_argument("--small", action="store_true", help="few samples, epochs and seeds")
    options.add_argument("--json", type=Path, default=default_path(), help="where to write")
    given = options.parse_args()
    if absent := missing(MODULES):
        sys.exit(f"gpu_check: missing modules: {', '.join(absent)}; see benchmarks/README.md")
    if reason := no_device(given.device):
        print(f"gpu_check: skipped: {reason}")
        write(given.json, {"skipped": reason})
        return
    rows = measure(given.device, given.small, start)
    ok = all(row.ok for row in rows)
    about = machine(given.device) | {"small": given.small}
    print(f"\n{about['card']}, torch {about['torch']}, Python {about['python']}")
    print(table(rows))
    write(given.json, {**about, "ok": ok, "rows": [asdict(row) for row in rows]})
    print(f"{'every bound holds' if ok else 'FAILED'}; written to {given.json}")
    sys.exit(not ok)


def default_path() -> Path:
    """Return where the table is written by default."""
    return Path(os.environ.get("OUT") or Path(__file__).parent) / "gpu_check.json"


def missing(modules: dict[str, str]) -> list[str]:
    """Return the packages whose modules cannot be found."""
    return [package or name for name, package in modules.items() if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    """Return whether a module can be found."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is missing
        return False


def no_device(device: str) -> str:
    """Return why the device cannot be used; "" if it can.

    Raises:
        SystemExit: torch is too old.
    """
    import torch  # noqa: PLC0415

    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < OLDEST_TORCH:
        sys.exit(f"gpu_check: needs torch 2.11 or newer, got {torch.__version__}")
    if device.startswith("cuda") and not torch.cuda.is_available():
        built = torch.version.cuda
        cause = f"torch is built for CUDA {built}" if built else "torch is built without CUDA"
        return f"no CUDA device here: torch.cuda.is_available() is false; {cause}"
    return ""


def measure(device: str, small: bool, start: float) -> list[Row]:
    """Return the rows of every section; for a section that fails, a row with the error."""
    import gpu_rows  # noqa: PLC0415  (by now torch and papertrial are known to be installed)

    setting, rows = gpu_rows.Setting(device, small), []
    for section in gpu_rows.SECTIONS:
        print(f"{time.perf_counter() - start:5.0f} s  {section.__name__}", flush=True)
        try:
            rows.extend(section(setting))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            rows.append(gpu_rows.Row(section.__name__, "failed", ok=False, note=what))
    seconds = time.perf_counter() - start
    if setting.on_gpu and not small:
        return [*rows, gpu_rows.at_most("the whole check", seconds, SECONDS, "s")]
    return [*rows, gpu_rows.Row("the whole check", seconds, "s")]


def machine(device: str) -> dict[str, Any]:
    """Return the hardware and the versions that the check runs on."""
    import torch  # noqa: PLC0415

    on_gpu = device.startswith("cuda")
    return {
        "card": torch.cuda.get_device_name(device) if on_gpu else f"CPU, {platform.machine()}",
        "device": device,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def table(rows: list[Row]) -> str:
    """Return the rows as lines: name, value, unit, bound, verdict, note."""
    lines = []
    for row in rows:
        value = row.value if isinstance(row.value, str) else f"{row.value:,.5g}"
        verdict = "" if row.ok else "FAILED"
        cells = f"{row.name:52} {value:>18} {row.unit:10} {row.bound:20} {verdict:6} {row.note}"
        lines.append(cells.rstrip())
    return "\n".join(lines)


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
