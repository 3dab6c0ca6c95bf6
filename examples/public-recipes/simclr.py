"""SimCLR on CIFAR-10 as in github.com/sthalles/SimCLR: pre-training, and a linear probe."""

import torch
from safetensors.torch import load_file
from torch import nn


class Pretrained(nn.Module):
    """A network with a projection head; returns features [B, F] and projections."""

    def __init__(self, net, features, projection):
        super().__init__()
        net.fc = nn.Identity()
        self.backbone = net
        self.head = nn.Sequential(
            nn.Linear(features, features), nn.ReLU(), nn.Linear(features, projection)
        )

    def forward(self, x):
        features = self.backbone(x)
        return features, self.head(features)


def uniformity(output, target):
    """Return how close the features of different images are (Wang and Isola 2020)."""
    unit = nn.functional.normalize(output.float(), dim=1)
    return torch.pdist(unit).square().mul(-2).exp().mean().log()


class Probe(nn.Module):
    """A linear layer on frozen features, whose batch norm follows the batches as in the source."""

    def __init__(self, net, weights, features, classes):
        super().__init__()
        net.fc = nn.Identity()
        stored, prefix = load_file(weights), "backbone."
        net.load_state_dict(
            {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
        )
        self.backbone = net.requires_grad_(False)
        self.fc = nn.Linear(features, classes)

    def forward(self, x):
        return self.fc(self.backbone(x))
