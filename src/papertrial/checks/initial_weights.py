"""Do the files of weights that a training starts from fit its model?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.store.run_records import InitialWeights
from papertrial.weights.load_matching import shown


def check_frozen(model: nn.Module, weights: Sequence[InitialWeights]) -> list[Diagnosis]:
    """Warn of frozen parameters that got none of the weights that were loaded, so stay random.

    Without loaded weights nothing is reported: a model may load some itself.

    Args:
        model: with its parameters frozen.
        weights: what was loaded into it.
    """
    loaded = {name for one in weights for name in (*one.loaded, *one.changed)}
    names = dict[int, list[str]]()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if not parameter.requires_grad:
            names.setdefault(id(parameter), []).append(name)
    fresh = [one[0] for one in names.values() if loaded.isdisjoint(one)]
    if not loaded or not fresh:
        return []
    return [
        Diagnosis(
            "warning",
            "freeze",
            f"freezes parameters that no file gave weights to, so they stay random: {shown(fresh)}",
            "freeze fewer, such as not the head of a new task; ignore this warning if it is meant",
        )
    ]


def check_initial_weights(weights: Iterable[InitialWeights]) -> list[Diagnosis]:
    """Warn of tensors that a file and the model do not have in common, and that are not skipped."""
    found = []
    for one in weights:
        for names, has, lacks in (
            (one.missing, "the model", "the file, so they keep their initial values"),
            (one.unused, "the file", "the model, so they are not used"),
        ):
            if names:
                message = f"{has} has tensors that are not in {lacks}: {shown(names)}"
                fix = f"list them in {one.key}.skip if that is meant, or set {one.key}.rename"
                found.append(Diagnosis("warning", one.key, message, fix))
    return found
