"""Batches mixed by mixup or CutMix, with soft targets, and samples that are drawn several times."""

import torch
import torch.nn.functional as F


def repeated(targets, times, whole):
    """Return each row of a random share of the samples `times` times, a multiple of `whole`."""
    count = len(targets) // whole * whole
    return torch.randperm(len(targets)).repeat_interleave(times)[:count]


class MixupOrCutMix:
    """Mix each batch in one of the two ways, and give the loss targets [B, K] that sum to 1."""

    def __init__(self, classes, mixup, cutmix):
        self.classes = classes
        self.mixup = torch.distributions.Beta(mixup, mixup)
        self.cutmix = torch.distributions.Beta(cutmix, cutmix)

    def __call__(self, model, x, y, loss):
        soft = F.one_hot(y, self.classes).to(x.dtype)
        other, other_soft = x.roll(1, 0), soft.roll(1, 0)
        if torch.rand(()) < 0.5:
            share = self.mixup.sample().item()
            x = share * x + (1 - share) * other
        else:
            x, share = self.cut(x, other, self.cutmix.sample().item())
        output = model(x)
        return loss(output, share * soft + (1 - share) * other_soft), output

    @staticmethod
    def cut(x, other, share):
        height, width = x.shape[2:]
        half = 0.5 * (1 - share) ** 0.5
        row, column = torch.randint(height, ()).item(), torch.randint(width, ()).item()
        top, bottom = max(row - int(half * height), 0), min(row + int(half * height), height)
        left, right = max(column - int(half * width), 0), min(column + int(half * width), width)
        x = x.clone()
        x[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
        return x, 1 - (bottom - top) * (right - left) / (height * width)


def binary_cross_entropy(output, target, smoothing, threshold):
    """Return the loss of timm for targets that are classes [B], or shares of classes [B, K].

    Each class is a question of its own: is more than `threshold` of the image of this class?
    """
    if target.ndim == 1:
        target = F.one_hot(target, output.shape[1]).to(output.dtype)
    soft = target * (1 - smoothing) + smoothing / output.shape[1]
    return F.binary_cross_entropy_with_logits(output, (soft > threshold).to(output.dtype))
