"""ETTh1: hourly measures of a power transformer, as windows for forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset
from papertrial.data.sources.fetched import fetched_files
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.windows import windows
from papertrial.progress import Steps

_LENGTH, _HORIZON = 336, 96
_MONTH = 30 * 24  # hours
_MONTHS = {"train": (0, 12), "validation": (12, 16), "test": (16, 20)}


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load ETTh1: float32 [N, T, 7], where y [N, H, 7] are the hours after x.

    The parts are those of Zhou et al. 2021: 12, 4 and 4 months, of 30 days each. The inputs of the
    first windows for validation and test reach back into the part before. The seven columns have
    mean 0 and standard deviation 1 in the training part.

    Raises:
        DataError: the file is absent and cannot or may not be downloaded, or is another file; or a
            part is shorter than a window.
    """
    paths = yield from fetched_files(spec, folder)
    raw = np.loadtxt(paths["ETTh1.csv"], delimiter=",", skiprows=1, usecols=range(1, 8))
    train = raw[: _MONTHS["train"][1] * _MONTH]
    series = torch.from_numpy((raw - train.mean(0)) / train.std(0)).float()
    length, horizon = spec.window.length or _LENGTH, spec.window.horizon or _HORIZON
    splits = {
        part: windows(
            series[max(0, first * _MONTH - length) : last * _MONTH], length, length, target=horizon
        )
        for part, (first, last) in _MONTHS.items()
    }
    return LoadedSet(Dataset.from_splits("etth1", "tensor", splits))
