"""Samplers for recipes: `papertrial.samplers.Balanced`, which `data.sampler: balanced` names.

This import path is stable; the module that defines the samplers may move.
"""

from papertrial.data.samplers import Balanced

__all__ = ["Balanced"]
