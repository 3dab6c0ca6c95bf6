"""Two plain PyTorch loops of the quickstart, with which papertrial is compared on any device.

`bare` only trains: it keeps the uint8 images on the device, converts one batch at a time and uses a
fused optimizer. `tutorial` is the loop of tutorials: a DataLoader with ToTensor, whose batches are
copied to the device.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

BATCH = 64


def bare(folder: Path, device: torch.device, epochs: int, samples: int) -> list[float]:
    """Return the training time in seconds of each epoch on the first `samples` images."""
    data = FashionMNIST(folder, train=True)
    images = data.data[:samples].to(device)
    targets = data.targets[:samples].to(device)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, samples, BATCH):
            pixels = images[start : start + BATCH].float().div_(255).unsqueeze(1)
            yield pixels, targets[start : start + BATCH]

    return _train((batches() for _ in range(epochs)), device, fused=True)


def tutorial(folder: Path, device: torch.device, epochs: int, samples: int) -> list[float]:
    """Return the training time in seconds of each epoch on the first `samples` images."""
    data = FashionMNIST(folder, train=True, transform=ToTensor())
    loader = DataLoader(Subset(data, range(samples)), batch_size=BATCH)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in loader:
            yield images.to(device), targets.to(device)

    return _train((batches() for _ in range(epochs)), device, fused=False)


def _train(
    epochs: Iterable[Iterator[tuple[Tensor, Tensor]]], device: torch.device, *, fused: bool
) -> list[float]:
    """Train the network of the quickstart; return the seconds of each epoch."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
        nn.Linear(512, 10),
    ).to(device)  # fmt: skip
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, fused=fused)
    seconds = []
    for batches in epochs:
        start = time.perf_counter()
        for images, targets in batches:
            loss = loss_fn(model(images), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return seconds
