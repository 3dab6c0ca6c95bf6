"""Ordinal regression with consistent ranks (Cao, Mirjalili and Raschka 2020, arXiv:1901.07884)."""

import csv

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

PARTS = {"train": "train", "valid": "validation", "test": "test"}


def load(folder):
    """Return the faces of cacd_train.csv and so on, 128 x 128, and their ages counted from 0."""
    return {part: read(folder, f"cacd_{name}.csv") for name, part in PARTS.items()}


def read(folder, name):
    with (folder / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    faces = [Image.open(folder / "jpg" / row["file"]).convert("RGB") for row in rows]
    x = np.stack([np.asarray(face.resize((128, 128), Image.Resampling.BILINEAR)) for face in faces])
    return x.transpose(0, 3, 1, 2), np.array([int(row["age"]) for row in rows])


class Coral(nn.Module):
    """A network with one output, and a bias for each of the classes - 1 questions "older?"."""

    def __init__(self, net, features, classes):
        super().__init__()
        net.fc = nn.Linear(features, 1, bias=False)
        self.net = net
        self.biases = nn.Parameter(torch.zeros(classes - 1))

    def forward(self, x):
        return self.net(x) + self.biases  # [B, classes - 1]


def coral_loss(output, target):
    older = (target[:, None] > torch.arange(output.shape[1], device=output.device)).float()
    each = F.binary_cross_entropy_with_logits(output, older, reduction="none")
    return each.sum(1).mean()


def errors(output, target):
    return (output > 0).sum(1).double() - target


def mae(output, target):
    return errors(output, target).abs().mean()


def rmse(output, target):
    return errors(output, target).square().mean().sqrt()
