"""Leaks: samples that are in more than one split of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from papertrial.data.column import Dataset, Split
from papertrial.data.duplicates import Digests, digests, matches, repeated
from papertrial.data.nested import row_of, same_tensors
from papertrial.diagnose.diagnosis import Diagnosis

_PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))
_PARTS = {"train": "training", "validation": "validation"}
_SHOWN = 3
UNITS = {"image": "images", "table": "rows", "text": "texts", "tensor": "samples"}


@dataclass(frozen=True)
class SharedSamples:
    """Identical samples in a dataset.

    Attributes:
        pairs: (row in the first split, row in the second split) of each shared sample, by the names
            of the two splits, such as ("train", "test").
        repeated: by split, the number of samples that are identical to an earlier one of the split.
    """

    pairs: dict[tuple[str, str], list[tuple[int, int]]]
    repeated: dict[str, int]

    def to_json(self) -> dict[str, object]:
        """Return {"train/test": [[row, row], ...], ..., "repeated": {split: count}}."""
        pairs = {"/".join(names): [list(p) for p in rows] for names, rows in self.pairs.items()}
        return {**pairs, "repeated": self.repeated}


def leaks(
    dataset: Dataset, known: Mapping[str, Digests] | None = None
) -> tuple[list[Diagnosis], SharedSamples]:
    """Return a warning for each pair of splits that share samples, and the shared samples.

    Rows of a table, and tensors, can agree by chance if they have few distinct values. They count
    only if their targets agree too, and the warning says so. Images and texts count whatever their
    target. `known` are the digests of the splits, if they are known.
    """
    with_targets = dataset.kind in ("table", "tensor")
    splits = dataset.splits
    known = known or digests_of(dataset)
    found, shared = [], {}
    for one, other in _PAIRS:
        if one in splits and other in splits:
            a, b = splits[one], splits[other]
            pairs = matches(known[one], a.y, known[other], b.y, with_targets=with_targets)
            shared[one, other] = pairs
            if pairs:
                found.append(_leak(dataset, one, other, pairs))
    twice = {
        name: repeated(known[name], split.y, with_targets=with_targets)
        for name, split in splits.items()
    }
    return found, SharedSamples(shared, twice)


def digests_of(dataset: Dataset) -> dict[str, Digests]:
    """Return the digests of the samples of each split."""
    return {name: digests(split.x) for name, split in dataset.splits.items()}


def _leak(dataset: Dataset, one: str, other: str, pairs: Sequence[tuple[int, int]]) -> Diagnosis:
    """Return the warning for two splits that share samples."""
    a, b = dataset.splits[one], dataset.splits[other]
    verb = "is" if len(pairs) == 1 else "are"
    units = UNITS[dataset.kind]
    count = f"{len(pairs):,} of {len(b):,} {other} {units} {verb} also in the {_PARTS[one]} split"
    agree = sum(same_tensors(row_of(a.y, i), row_of(b.y, j)) for i, j in pairs)
    same = "all with the same target" if agree == len(pairs) else f"{agree:,} with the same target"
    if dataset.kind in ("table", "tensor"):
        same = "inputs and target agree, which can be chance if there are few distinct values"
    shown = ", ".join(_shared_sample(other, b, j, one, a, i) for i, j in pairs[:_SHOWN])
    more = ", ..." if len(pairs) > _SHOWN else ""
    message = f"no sample may be in two splits, but {count} ({same}): {shown}{more}"
    if "validation" in (one, other):
        fix = "remove the duplicates, or split so that duplicates stay together"
        return Diagnosis("warning", "data.splits.validation", message, fix)
    fix = "remove them from the training split, or report them with the test result"
    return Diagnosis("warning", "data.source", message, fix)


def _shared_sample(other: str, b: Split, j: int, one: str, a: Split, i: int) -> str:
    """Name a sample that two splits share by its row j in split b and its row i in split a."""
    return f"{_leaked_row(other, b, j)} = {_leaked_row(one, a, i)}"


def _leaked_row(part: str, split: Split, row: int) -> str:
    """Name one side of a leak by the sample's split, row and, if it has one, file."""
    if split.names is None:
        return f"{part} row {row}"
    return f"{split.name(row)} ({part} row {row})"
