"""Rows of a CSV file per second: papertrial, and pandas and polars if they are installed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_file import read_table

NAMES = tuple("abcdefghij")


def write(path: Path, rows: int) -> None:
    """Write a table of `rows` rows of 10 decimal numbers."""
    values = np.random.default_rng(0).normal(size=(rows, len(NAMES)))
    with path.open("w") as file:
        file.write(",".join(NAMES) + "\n")
        np.savetxt(file, values, "%.4f", ",")


def papertrial(path: Path) -> torch.Tensor:
    """Read a table as papertrial does for a training."""
    return Layout.numeric(NAMES).encode(read_table(path))


def pandas(path: Path) -> torch.Tensor:
    """Read a table with pandas."""
    import pandas as pd  # noqa: PLC0415  (may not be installed)

    return torch.tensor(pd.read_csv(path).to_numpy(np.float32))


def polars(path: Path) -> torch.Tensor:
    """Read a table with polars."""
    import polars as pl  # noqa: PLC0415  (may not be installed)

    return torch.tensor(pl.read_csv(path).to_numpy().astype(np.float32))


def main() -> None:
    """Print the median rows per second of each reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    readers: dict[str, Callable[[Path], torch.Tensor]] = {"papertrial": papertrial}
    for reader in (pandas, polars):
        if importlib.util.find_spec(reader.__name__) is not None:
            readers[reader.__name__] = reader
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, args.rows)
        expected = papertrial(path)
        for _ in range(args.repeats):
            for name, read in readers.items():
                start = time.perf_counter()
                x = read(path)
                seconds[name].append(time.perf_counter() - start)
                assert torch.equal(x, expected), f"{name} reads other numbers"
    rates = {name: round(args.rows / statistics.median(times)) for name, times in seconds.items()}
    sys.stdout.write(json.dumps({"rows": args.rows, "rows_per_second": rates}) + "\n")


if __name__ == "__main__":
    main()
