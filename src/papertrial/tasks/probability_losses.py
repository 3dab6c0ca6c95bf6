"""Losses that take probabilities, where others take logits."""

from __future__ import annotations

import functools
from typing import Any

import torch.nn.functional as F
from torch import nn


def takes_probabilities(loss: Any) -> bool:
    """Return whether a loss takes a probability for each output: torch's binary cross-entropy.

    Args:
        loss: a loss, or the class or function that a recipe names as one.
    """
    while isinstance(loss, functools.partial):
        loss = loss.func
    cls = loss if isinstance(loss, type) else type(loss)
    return loss is F.binary_cross_entropy or issubclass(cls, nn.BCELoss)
