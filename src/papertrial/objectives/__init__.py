"""Training objectives for the slot `objective` of a recipe; a stable import path.

Each is called as objective(model, x, y, loss), where loss(output, y) takes what the model returned,
and returns the loss of a batch with the model's output [B, ...]. What they draw comes from the
generators of torch, which the training seeds for each step.
"""

from papertrial.objectives.contrastive import Contrastive
from papertrial.objectives.distillation import Distillation
from papertrial.objectives.mixing import CutMix, Mixup
from papertrial.objectives.sharpness import SAM

__all__ = ["SAM", "Contrastive", "CutMix", "Distillation", "Mixup"]
