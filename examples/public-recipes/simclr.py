"""SimCLR on CIFAR-10 as in github.com/sthalles/SimCLR: pre-training, and a linear probe."""

import torch
import torchvision
from safetensors.torch import load_file
from torch import nn


class Pretrained(nn.Module):
    """A ResNet-18 with a projection head; returns features [B, 512] and projections."""

    def __init__(self, projection):
        super().__init__()
        self.backbone = torchvision.models.resnet18()
        self.backbone.fc = nn.Identity()
        self.head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, projection))

    def forward(self, x):
        features = self.backbone(x)
        return features, self.head(features)


def uniformity(output, target):
    """Return how close the features of different images are (Wang and Isola 2020)."""
    unit = nn.functional.normalize(output.float(), dim=1)
    return torch.pdist(unit).square().mul(-2).exp().mean().log()


class Probe(nn.Module):
    """A linear layer on frozen features, whose batch norm follows the batches as in the source."""

    def __init__(self, weights, classes):
        super().__init__()
        stored = load_file(weights)
        self.backbone = torchvision.models.resnet18()
        self.backbone.fc = nn.Identity()
        prefix = "backbone."
        self.backbone.load_state_dict(
            {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
        )
        self.backbone.requires_grad_(False)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        return self.fc(self.backbone(x))
