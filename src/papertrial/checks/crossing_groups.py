"""Groups of rows that a drawn split separates, such as several rows of one patient."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from papertrial.checks.identifiers import has_name_of_identifier
from papertrial.checks.table_sample import SampledColumn, encoded_names, read_column, same_parts
from papertrial.data.column import Dataset
from papertrial.data.sources.spec import LoadedSet
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.numbers import percent

_FEWEST_GROUPS = 10
_FEWEST_NAMED_GROUPS = 4  # of a column whose name says that it is one
_MOST_ROWS_OF_GROUP = 50  # on average, if only the targets are alike
_MOST_ROWS, _MOST_COLUMNS = 200_000, 30
_SAMPLED_ROWS, _SAMPLED_OF_GROUP = 2000, 50
_NEAR, _ABOVE_CHANCE = 0.5, 5.0
_SAME, _BY_CHANCE = 0.9, 0.5
_ROUGH = 0.5
_SUBJECTS = {
    *("patient", "subject", "person", "participant", "user", "customer", "client", "student"),
    *("speaker", "writer", "author", "session", "device", "family", "animal", "household"),
}
_DATE = re.compile(r"\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[-/.]\d\d?[-/.]\d{4}")


@dataclass(frozen=True)
class _Alike:
    """How far rows of the same group are alike, each beside what is expected by chance.

    Attributes:
        nearest: share of rows whose nearest row in the features is of the same group.
        nearest_by_chance: the same if the features did not depend on the group.
        same: share of groups whose rows have the same target; of numbers, the share of their
            variance that is between groups.
        same_by_chance: the same if the targets did not depend on the group.
        rough: variance of the features between groups that follow each other, divided by that
            between all groups: about 1 for arbitrary numbers of groups, and less for a measurement.
        rough_target: the same of the targets.
    """

    nearest: float
    nearest_by_chance: float
    same: float
    same_by_chance: float
    rough: float
    rough_target: float


def crossing_groups(
    loaded: LoadedSet, dataset: Dataset, *, is_stratified: bool
) -> tuple[list[Diagnosis], tuple[str, ...]]:
    """Return a warning for each column that looks like groups which the drawn splits separate.

    The second value has the names of these columns.

    A column is one if it holds text or whole numbers that repeat, and if either most rows have
    their nearest row, in the features, in the same group, five times as often as by chance; or nine
    of ten groups have one target, which few would have by chance. A measured number is not one:
    rows of values that follow each other are alike as well. Nor is a column of a few values with
    many rows each, or of times and dates.

    Args:
        loaded: the table, before its splits are cut, with its columns that are not features. At
            most 200,000 rows, the first ones, and 30 columns are looked at.
        dataset: the data set with its splits.
        is_stratified: whether the recipe stratifies its splits.
    """
    found, names = [], list[str]()
    rows = min(len(loaded.dataset.train), _MOST_ROWS)
    table = loaded.table and loaded.table.keep(np.arange(len(loaded.table)) < rows)
    for name in _candidates(loaded)[:_MOST_COLUMNS]:
        column = _read(loaded.dataset, name, rows) if table is None else read_column(table, name)
        if column.is_time or not (column.texts or column.is_whole):
            continue
        alike = _alike(column, loaded)
        if alike is not None and (
            warning := _warning(column, alike, loaded, dataset, is_stratified=is_stratified)
        ):
            found.append(warning)
            names.append(name)
    return found, tuple(names)


def _candidates(loaded: LoadedSet) -> list[str]:
    """Return the columns that may be groups, first those that are named so or are no features."""
    dataset = loaded.dataset
    names = dataset.features if loaded.table is None else loaded.table.columns
    not_groups = {dataset.target, *dataset.targets}
    if dataset.kind == "text":
        not_groups |= {*dataset.features}
    kept = [name for name in names if name not in not_groups]
    if loaded.table is not None:
        kept = [name for name in kept if loaded.table.is_plain(name)]
    features = {one.name for one in loaded.layout.features} if loaded.layout else {*names}
    return sorted(kept, key=lambda name: name in features and not _is_name_of_group(name))


def _read(dataset: Dataset, name: str, rows: int) -> SampledColumn:
    x = dataset.train.x.take(slice(0, rows), copy=False)
    return SampledColumn(name, x[:, dataset.features.index(name)].double().cpu().numpy())


def _alike(column: SampledColumn, loaded: LoadedSet) -> _Alike | None:
    """Measure how far rows of the same value are alike; None if the values cannot be groups."""
    values, of_row, counts = np.unique(
        column.values[~np.isnan(column.values)], return_inverse=True, return_counts=True
    )
    if len(of_row) < len(column.values):
        return None
    fewest = _FEWEST_NAMED_GROUPS if _is_name_of_group(column.name) else _FEWEST_GROUPS
    classes = len(loaded.dataset.classes)
    # Several rows each, most of them; a column of fewer values may be made from the classes.
    if len(values) < max(fewest, 2 * classes) or counts[counts > 1].sum() < len(of_row) / 2:
        return None
    if any(map(_DATE.fullmatch, column.texts[:1])):
        return None
    rows = _sampled_rows(of_row, counts)
    of_row = of_row[rows]
    at = torch.from_numpy(rows)
    y = _as_numbers(loaded.dataset.train.y[at], classes)
    x = _other_features(column.name, loaded, at, of_row)
    is_number = not column.texts
    near, chance, rough = 0.0, 1.0, 0.0
    if x is not None:
        near, chance = _share_of_nearest(x, of_row)
        rough = _roughness(x.numpy(), of_row) if is_number else 1.0
    same, same_chance = _share_of_same(y, of_row, has_classes=_has_classes(loaded.dataset))
    return _Alike(
        near, chance, same, same_chance, rough, _roughness(y, of_row) if is_number else 1.0
    )


def _warning(
    column: SampledColumn,
    alike: _Alike,
    loaded: LoadedSet,
    dataset: Dataset,
    *,
    is_stratified: bool,
) -> Diagnosis | None:
    """Return a warning if rows are alike, and rows of one group are in two splits."""
    values, counts = np.unique(column.values, return_counts=True)
    is_near = (
        alike.nearest >= max(_NEAR, _ABOVE_CHANCE * alike.nearest_by_chance)
        and alike.rough >= _ROUGH
    )
    has_same = (
        alike.same >= _SAME
        and alike.same_by_chance <= _BY_CHANCE
        and alike.rough_target >= _ROUGH
        and len(values) >= _FEWEST_GROUPS
        and (counts.mean() <= _MOST_ROWS_OF_GROUP or _is_name_of_group(column.name))
    )
    if not is_near and not has_same:
        return None
    crossing = _crossing(column, loaded.dataset, dataset)
    if crossing is None:
        return None
    reasons = []
    if is_near:
        reasons.append(
            f"the nearest row in the features has the same {column.name} for "
            f"{percent(alike.nearest)} of rows ({percent(alike.nearest_by_chance)} by chance)"
        )
    if has_same and _has_classes(dataset):
        reasons.append(
            f"all rows of a {column.name} have the same target in {percent(alike.same)} of cases "
            f"({percent(alike.same_by_chance)} by chance)"
        )
    elif has_same:
        reasons.append(f"{percent(alike.same)} of the variance of the target is between them")
    count, total = len(column.values), len(loaded.dataset.train)
    looked_at = f"{count:,} rows" if count == total else f"the first {count:,} of {total:,} rows"
    few = "" if count <= _SAMPLED_ROWS else f", measured on at most {_SAMPLED_ROWS:,} rows"
    message = (
        f"rows that belong together may not be in two splits, but {crossing}. {column.name} has "
        f"{len(values):,} values in {looked_at}, and {' and '.join(reasons)}{few}"
    )
    return Diagnosis(
        "warning",
        "data.splits.group",
        message,
        _fix(column.name, loaded, is_stratified=is_stratified),
    )


def _fix(name: str, loaded: LoadedSet, *, is_stratified: bool) -> str:
    unstratified = " and stratify: false, because group does not go with it" * is_stratified
    if loaded.table is None:
        groups = f'return "groups", the values of {name}, and set data.splits.group: groups'
        return f"{groups}{unstratified}"
    is_feature = bool(encoded_names(loaded, name))
    also = f"; {name} is then not a feature, unless data.table.features names it" * is_feature
    return f"set data.splits.group: {name}{unstratified}{also}"


def _crossing(column: SampledColumn, whole: Dataset, dataset: Dataset) -> str | None:
    """Return how many rows of another split have a group of the training split; None if none."""
    ids = whole.train.ids[: len(column.values)]
    known = np.unique(column.values[np.isin(ids, dataset.train.ids)])
    for part in ("test", "validation"):
        split = dataset.splits.get(part)
        if split is None or getattr(whole, part) is not None:  # not drawn
            continue
        drawn = column.values[np.isin(ids, split.ids)]
        shared = int(np.isin(drawn, known).sum())
        if shared:
            return (
                f"{shared:,} of {len(drawn):,} {part} rows have a {column.name} that training rows "
                "have as well"
            )
    return None


def _is_name_of_group(name: str) -> bool:
    column = SampledColumn(name, np.empty(0))
    return column.words[-1:] in {(word,) for word in _SUBJECTS} or has_name_of_identifier(column)


def _has_classes(dataset: Dataset) -> bool:
    return not dataset.train.y.is_floating_point()


def _sampled_rows(of_row: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return rows of a fixed draw of groups, at most some of each group, in order."""
    drawn = np.random.default_rng(0).permutation(len(counts))
    sizes = np.minimum(counts[drawn], _SAMPLED_OF_GROUP).cumsum()
    chosen = np.zeros(len(counts), dtype=bool)
    chosen[drawn[: max(1, int((sizes <= _SAMPLED_ROWS).sum()))]] = True
    rows = np.flatnonzero(chosen[of_row])
    order = np.argsort(of_row[rows], kind="stable")
    group = of_row[rows][order]
    starts = np.searchsorted(group, group)
    few = np.arange(len(group)) - starts < _SAMPLED_OF_GROUP
    return np.sort(rows[order][few])


def _other_features(name: str, loaded: LoadedSet, at: Tensor, of_row: np.ndarray) -> Tensor | None:
    """Return the features but those of a column, standardised, [n, F]; None without any.

    Columns that say the same in other words are left out as well, such as the names of codes.
    """
    dataset = loaded.dataset
    if dataset.kind != "table":
        return None
    columns = loaded.layout.columns if loaded.layout else dataset.features
    x, kept, first = dataset.train.x.take(at).double().cpu(), list[int](), 0
    for column in columns:
        places = range(first, first + len(encoded_names(loaded, column)))
        first = places.stop
        if column != name and not _is_renamed(x[:, places].numpy(), of_row):
            kept += places
    if not kept:
        return None
    x = x[:, kept]
    x = torch.where(x.isnan(), x.nanmean(0), x).nan_to_num()
    spread = x.std(0, correction=0)
    x = ((x - x.mean(0)) / spread.where(spread > 0, 1))[:, spread > 0]
    return x if x.shape[1] else None


def _is_renamed(x: np.ndarray, groups: np.ndarray) -> bool:
    """Return whether each group has one value of x [n, F], and no other group has it."""
    return same_parts(np.unique(x, axis=0, return_inverse=True)[1].reshape(-1), groups)


def _share_of_nearest(x: Tensor, of_row: np.ndarray) -> tuple[float, float]:
    """Return how often the nearest row is of the same group, and how often by chance."""
    distances = torch.cdist(x.float(), x.float())
    distances.fill_diagonal_(float("inf"))
    near = distances.argmin(1).numpy()
    sizes = np.unique(of_row, return_counts=True)[1]
    chance = float((sizes * (sizes - 1)).sum()) / (len(of_row) * (len(of_row) - 1))
    return float((of_row[near] == of_row).mean()), chance


def _share_of_same(y: np.ndarray, of_row: np.ndarray, *, has_classes: bool) -> tuple[float, float]:
    """Return how far rows of a group have the same target, and how far by chance; see `_Alike`."""
    _, group, sizes = np.unique(of_row, return_inverse=True, return_counts=True)
    several = sizes > 1
    if not has_classes:
        means = _means(y, group, sizes)
        within = ((y - means[group]) ** 2).sum() / max(1, len(y) - len(sizes))
        total = y.var(axis=0).sum()
        return (float(1 - within / total) if total > 0 else 0.0), 0.0
    means = _means(y, group, sizes)
    constant = ((means == 0) | (means == 1)).all(axis=1)
    shares = y.mean(0)
    # Of classes, exactly one indicator is 1; of labels, each is 0 or 1 on its own.
    each = shares ** sizes[several, None]
    one_class = bool((y.sum(1) == 1).all())
    chance = each.sum(1) if one_class else (each + (1 - shares) ** sizes[several, None]).prod(1)
    return float(constant[several].mean()), float(chance.mean())


def _roughness(x: np.ndarray, of_row: np.ndarray) -> float:
    """Return the mean over columns of x of the variance between neighbouring groups; `_Alike`.

    This is half of von Neumann's ratio (Annals of Mathematical Statistics 12, 1941) of the means of
    the groups, in the order of their values.
    """
    _, group, sizes = np.unique(of_row, return_inverse=True, return_counts=True)
    means = _means(x, group, sizes)
    spread = means.var(axis=0)
    if not (spread > 0).any():
        return 0.0
    ratio = (np.diff(means, axis=0) ** 2).mean(axis=0)[spread > 0] / (2 * spread[spread > 0])
    return float(ratio.mean())


def _means(x: np.ndarray, group: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the means of the columns of x [n, F] in each group, [G, F]."""
    sums = np.zeros((len(sizes), x.shape[1]))
    np.add.at(sums, group, x)
    means: np.ndarray = sums / sizes[:, None]
    return means


def _as_numbers(y: Tensor, classes: int) -> np.ndarray:
    """Return targets as columns of numbers [n, F], an indicator for each class."""
    if classes and y.ndim == 1:
        return torch.nn.functional.one_hot(y.cpu().long(), classes).double().numpy()
    y = y.cpu().double()
    return (y[:, None] if y.ndim == 1 else y).numpy()
