"""Do the files of weights that a training starts from fit its model?"""

from __future__ import annotations

from collections.abc import Iterable

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.store.run_records import InitialWeights
from papertrial.weights.load_matching import shown


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
