"""The trained teacher of digits-distillation."""

from __future__ import annotations

from safetensors.torch import load_file

from papertrial.models import CNN


def load(weights: str) -> CNN:
    """Return the network of the recipe digits-teacher with the weights of a run.

    Args:
        weights: the run's model.safetensors.
    """
    model = CNN(1, [8, 8], channels=[16, 32], padding=1, hidden=[], out_features=10)
    model.load_state_dict(load_file(weights))
    return model
