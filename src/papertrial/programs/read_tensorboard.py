"""Read scores from TensorBoard's event files, with the package tensorboard."""

from __future__ import annotations

import importlib.util
import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from papertrial.errors import PapertrialError, ProgramFailedError, did_you_mean
from papertrial.extras import how_to_install
from papertrial.programs.found import Found, cut
from papertrial.programs.seed_folder import EVENTS


def find_in_events(folder: Path, tag: str) -> Iterator[Found]:
    """Yield the values of a scalar, with their steps.

    Raises:
        PapertrialError: the package tensorboard is not installed.
        ProgramFailedError: no event file has the tag, or those of several folders have it.
    """
    require_tensorboard()
    files = sorted(folder.rglob(EVENTS))
    if not files:
        raise ProgramFailedError(f"no event file of TensorBoard in {folder.name}")
    tags: set[str] = set()
    found_in: Path | None = None
    for file in files:
        for event in _events(file):
            for value in event.summary.value:
                number = _scalar(value)
                tags.add(value.tag)
                if value.tag != tag or number is None:
                    continue
                if found_in not in (None, file.parent):
                    raise ProgramFailedError(
                        f'two folders have "{tag}": {found_in} and {file.parent}; name one'
                    )
                found_in = file.parent
                yield Found(number, int(event.step), None, cut(f"{tag}: {number}"))
    if found_in is None:
        raise ProgramFailedError(f'no scalar "{tag}" in the event files{did_you_mean(tag, tags)}')


def scalars_in(file: Path) -> dict[str, list[float]]:
    """Return the finite values of each scalar in an event file, by tag.

    Raises:
        PapertrialError: the package tensorboard is not installed.
    """
    require_tensorboard()
    found: dict[str, list[float]] = {}
    for event in _events(file):
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None and number.is_finite():
                found.setdefault(value.tag, []).append(float(number))
    return found


def require_tensorboard() -> None:
    """Check that the package tensorboard is installed.

    Raises:
        PapertrialError: it is not.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise PapertrialError(
            "a score in TensorBoard's files needs the package tensorboard: run "
            f'"{how_to_install("tensorboard")}"'
        )


def _events(file: Path) -> Iterator[Any]:
    """Yield the events of a file; a last one that is cut short is left out."""
    from tensorboard.backend.event_processing.event_file_loader import (  # noqa: PLC0415
        EventFileLoader,
    )

    return iter(EventFileLoader(str(file)).Load())


def _scalar(value: Any) -> Decimal | None:
    """Return the number of a summary; None if it is an image, a text or a histogram."""
    tensor = value.tensor
    if tensor.tensor_shape.dim and any(each.size != 1 for each in tensor.tensor_shape.dim):
        return None
    if tensor.dtype == 1 and tensor.float_val:
        return shortest(tensor.float_val[0])
    if tensor.dtype == 2 and tensor.double_val:
        return Decimal(repr(tensor.double_val[0]))
    if tensor.dtype in (1, 2) and tensor.tensor_content:
        content = tensor.tensor_content
        if tensor.dtype == 1 and len(content) == 4:
            return shortest(struct.unpack("<f", content)[0])
        if tensor.dtype == 2 and len(content) == 8:
            return Decimal(repr(struct.unpack("<d", content)[0]))
    return None


def shortest(value: float) -> Decimal:
    """Return the shortest decimal that is this number in single precision: 0.932, not 0.93199998.

    So a score is the number that the program had, if it had at most 6 digits.
    """
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if math.isnan(value) or struct.pack("<f", float(text)) == struct.pack("<f", value):
            break
    return Decimal(text)
