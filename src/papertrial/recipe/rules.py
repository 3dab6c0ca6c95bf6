"""Rules over several keys of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.hub import FORM, HubError, is_on_hub, read_reference
from papertrial.recipe.claim_rules import broken_claims
from papertrial.recipe.group_rules import broken_groups
from papertrial.recipe.metric_rules import broken_metrics
from papertrial.recipe.plain_values import value_at
from papertrial.recipe.program_rules import broken_program
from papertrial.recipe.raw_claim import Broken
from papertrial.recipe.slots import is_function, source_in
from papertrial.recipe.split_rules import broken_splits
from papertrial.recipe.table_rules import DATASETS, broken_tables
from papertrial.recipe.verify_rules import broken_verify
from papertrial.vocabulary import OF_TENSORS, SERIES, is_one_number

# The keys that each kind of your own data requires.
_NEEDS = {
    "image-folder": ("data.path",),
    "image-table": ("data.path", "data.table.image", "data.table.target"),
    "text-folder": ("data.path",),
    "table": ("data.path", "data.table.target"),
    "text-table": ("data.path", "data.table.target", "data.table.text"),
    "dataset-folder": ("data.path", "data.table.target"),
    FORM: ("data.table.target",),
}
_LEAST_FLOAT32 = 2.0**-126
_TABLES = ("table", "text-table")
_NO_TEXTS = (
    "image-folder", "image-table", "table", "digits", "diabetes", "breast-cancer", "fashion-mnist",
    "mnist", "kmnist", "cifar10", "cifar100", *OF_TENSORS,
)  # fmt: skip
# The keys of data.text for vocabularies of words, with their defaults.
_WORDS = {
    "vocabulary": 25_000, "vocabulary_file": None, "lower": True, "vectors": None, "words": None,
    "min_frequency": 1,
}  # fmt: skip


def broken_rules(tree: Mapping[str, object]) -> list[Broken]:
    """Return (key path, message) for each rule over several keys that the plain `tree` breaks."""
    if "program" in tree:
        return [*broken_program(tree), *broken_claims(tree), *broken_verify(tree)]
    return [
        *_length_problems(tree),
        *_data_problems(tree),
        *_sampler_problems(tree),
        *_clip_problems(tree),
        *_text_problems(tree),
        *_augment_problems(tree),
        *broken_splits(tree),
        *_monitor_problems(tree),
        *_best_on_test_problems(tree),
        *broken_groups(tree),
        *_average_problems(tree),
        *_mean_problems(tree),
        *broken_metrics(tree),
        *_prediction_problems(tree),
        *broken_claims(tree),
        *broken_verify(tree),
    ]


def _length_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    epochs, steps = tree.get("epochs"), tree.get("steps")
    if epochs is not None and steps is not None:
        yield "steps", f"give epochs or steps, not both (got {epochs} and {steps})"
    if epochs is None and steps is None:
        yield "epochs", "give the length of training in epochs or steps, got neither"


def _data_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    source, task = source_in(tree), tree.get("task")
    if source is None or not isinstance(task, str):
        return
    source = FORM if is_on_hub(source) else source
    for needed in _NEEDS.get(source, ()):
        if not value_at(tree, needed):
            yield needed, f"is missing; source: {source} requires it"
    yield from _path_problems(tree, source)
    columns = value_at(tree, "data.table")
    yield from broken_tables(columns, source)
    yield from _image_problems(tree, source)
    if value_at(columns, "image") is not None and value_at(columns, "text") is not None:
        yield "data.table.image", "does not go with data.table.text; remove one of them"
    if source not in DATASETS and value_at(tree, "data.parts") is not None:
        yield "data.parts", f"is only for source: {' or '.join(DATASETS)}, got {source}"
    yield from _window_problems(tree, source, task)
    no_texts = task in ("image-classification", "table-classification")
    no_texts |= task != "text-classification" and source in _NO_TEXTS
    if value_at(tree, "data.text") is not None and no_texts:
        yield "data.text", f"is only for texts, got task: {task} with source: {source}"
    yield from _tokenizer_problems(tree)
    yield from _target_problems(tree, task)


def _image_problems(tree: Mapping[str, object], source: str) -> Iterator[Broken]:
    images = source == "image-folder" or value_at(tree, "data.table.image") is not None
    if not images and value_at(tree, "data.image") is not None:
        rule = "is only for source: image-folder or image-table"
        yield "data.image", f"{rule}, got source: {source}"
    if source != "image-table" and value_at(tree, "data.image.folder") is not None:
        yield "data.image.folder", f"is only for source: image-table, got source: {source}"


def _path_problems(tree: Mapping[str, object], source: str) -> Iterator[Broken]:
    has_path = value_at(tree, "data.path") is not None
    if source == FORM and has_path:
        yield "data.path", f"does not go with source: {FORM}; for a saved set, use dataset-folder"
    elif has_path and source not in _NEEDS and not is_function(source):
        own = ", ".join(name for name in _NEEDS if name != FORM)
        rule = f"is only for your own data ({own}, or a function)"
        yield "data.path", f"{rule}; {source} is read from the data folder (--data)"
    if isinstance(value_at(tree, "data.path"), Mapping) and source not in _TABLES:
        rule = f"with a file for each part is only for source: {' or '.join(_TABLES)}"
        yield "data.path", f"{rule}, got {source}; give one file or folder"


def _tokenizer_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    text = value_at(tree, "data.text")
    if not isinstance(text, Mapping):
        return
    tokenizer = text.get("tokenizer")
    if isinstance(tokenizer, str) and is_on_hub(tokenizer):
        try:
            read_reference(tokenizer)
        except HubError as error:
            yield "data.text.tokenizer", str(error)
    if tokenizer is None:
        if text.get("padding") not in (None, "longest"):
            yield "data.text.padding", "is only for data.text.tokenizer; remove it"
        return
    for key, default in _WORDS.items():
        if text.get(key, default) != default:
            rule = "does not fit data.text.tokenizer, which has a vocabulary of its own"
            yield f"data.text.{key}", f"{rule}; remove one of them"


def _window_problems(tree: Mapping[str, object], source: str, task: str) -> Iterator[Broken]:
    if source in OF_TENSORS and task != "prediction":
        yield "task", f"must be prediction for source: {source}, got {task}"
    if source not in SERIES and value_at(tree, "data.window") is not None:
        yield "data.window", f"is only for source: {' or '.join(SERIES)}, got {source}"
    if source == "tiny-shakespeare" and value_at(tree, "data.window.horizon") is not None:
        rule = "is only for source: etth1; the target of a text is the text one character later"
        yield "data.window.horizon", f"{rule}; remove it"


def _target_problems(tree: Mapping[str, object], task: str) -> Iterator[Broken]:
    if value_at(tree, "data.target_transform") is not None and task != "regression":
        rule = "is only for task: regression, whose targets are numbers"
        yield "data.target_transform", f"{rule}, got task: {task}; remove it"
    target = value_at(tree, "data.table.target")
    count = len(target) if isinstance(target, list | tuple) else 1
    if task == "multilabel-classification" and target is not None and count < 2:
        yield "data.table.target", f"must list at least 2 columns of labels, got {target!r}"
    if task.endswith("classification") and task[:5] != "multi" and isinstance(target, list | tuple):
        fix = "for several labels, set task: multilabel-classification"
        yield "data.table.target", f"must be one column of classes, got {list(target)}; {fix}"


def _sampler_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    if value_at(tree, "data.sampler") is None:
        return
    if value_at(tree, "data.shuffle") is False:
        yield "data.shuffle", "false keeps the order, but data.sampler draws it; remove one of them"
    if value_at(tree, "data.text.bucket") is not None:
        yield (
            "data.text.bucket",
            "groups all texts by length, but data.sampler draws the order; remove one of them",
        )


def _clip_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report a norm of gradients that float32 cannot hold: 1e-320 makes all gradients 0."""
    norm = tree.get("clip_norm")
    if isinstance(norm, int | float) and 0 < norm < _LEAST_FLOAT32:
        rule = f"must be at least {_LEAST_FLOAT32:g}, the smallest float32 in full precision"
        yield "clip_norm", f"{rule}, got {norm!r}; gradients would become 0 or inexact"


def _text_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    given = value_at(tree, "data.text.vocabulary_file")
    if given is not None and value_at(tree, "data.text.min_frequency") not in (None, 1):
        rule = "is for a learned vocabulary, but data.text.vocabulary_file names one"
        yield "data.text.min_frequency", f"{rule}; remove one of them"


def _augment_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report broken rules on test-time augmentation."""
    augment, task = value_at(tree, "evaluate.augment"), tree.get("task")
    if not isinstance(augment, Mapping) or not isinstance(task, str):
        return
    asked = [key for key in ("flip", "shift") if value_at(augment, key)]
    for key in asked if task != "image-classification" else ():
        yield f"evaluate.augment.{key}", f"is only for task: image-classification, got task: {task}"
    if not asked and not value_at(augment, "views"):
        yield "evaluate.augment", "names no view; set flip, shift or views, or remove it"


def _monitor_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report broken rules on monitors: no validation part, or a metric that is not one number.

    Your own data can come with a validation part, which is known only once they are read.
    """
    source = source_in(tree)
    drawn = value_at(tree, "data.splits.validation") is not None
    comes_with_one = source is not None and (source in (*_NEEDS, *OF_TENSORS) or is_on_hub(source))
    may_have = drawn or comes_with_one or is_function(source)
    monitors = {
        "scheduler.monitor": value_at(tree, "scheduler.monitor"),
        "early_stopping.monitor": value_at(tree, "early_stopping") is not None,
        "report": tree.get("report") == "best-on-validation",
    }
    for where, is_set in monitors.items():
        if is_set and not may_have:
            yield where, "needs a validation part; set data.splits.validation"
    for where in ("scheduler.monitor", "early_stopping.monitor", "report_metric"):
        metric = value_at(tree, where)
        if isinstance(metric, str) and not is_one_number(metric):
            yield where, f"must be a metric that is a single number, got {metric!r}"


def _best_on_test_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    if tree.get("report") == "best-on-test" and value_at(tree, "evaluate.test") != "every-epoch":
        yield (
            "report",
            "best-on-test needs the test score of every epoch; set evaluate.test: every-epoch, or "
            "choose the epoch on a validation part with best-on-validation",
        )


def _average_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    use = value_at(tree, "average.use")
    if use == "swa" and value_at(tree, "average.decay") is not None:
        yield "average.decay", "is only for use: ema, because swa gives all weights the same share"
    if use == "swa" and value_at(tree, "average.start") is None:
        yield (
            "average.start",
            "is missing; swa needs the number of epochs before it, such as three quarters of all",
        )


def _mean_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    if value_at(tree, "report.mean-of-last") is None:
        return
    if tree.get("early_stopping") is not None:
        yield (
            "early_stopping",
            "does not fit report: {mean-of-last: N}, whose evaluations must be known before the "
            "training; remove one of the two",
        )
    if tree.get("report_metric") is not None:
        yield "report_metric", "chooses an epoch, and report: {mean-of-last: N} does not; remove it"


def _prediction_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    task = tree.get("task")
    if not isinstance(task, str) or task == "prediction":
        return
    if tree.get("keep") is not None:
        yield "keep", f"is only for task: prediction, got task: {task}; remove it"
    if value_at(tree, "data.target") == "inputs":
        yield "data.target", f"inputs is only for task: prediction, got task: {task}; remove it"
    if value_at(tree, "evaluate.train") is False:
        yield "evaluate.train", f"false is only for task: prediction, got task: {task}; remove it"
