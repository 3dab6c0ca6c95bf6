"""Two plain PyTorch loops of the quickstart, on any device: what papertrial is compared with.

`bare` keeps the uint8 images on the device, converts a batch at a time and uses a fused optimizer:
nothing but the training. `tutorial` is the loop that tutorials print: a DataLoader over ToTensor,
each batch sent to the device.
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
    """Return the seconds of each epoch over the first `samples` images, evaluation excluded."""
    data = FashionMNIST(folder, train=True)
    images = data.data[:samples].to(device)
    targets = data.targets[:samples].to(device)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, samples, BATCH):
            pixels = images[start : start + BATCH].float().div_(255).unsqueeze(1)
            yield pixels, targets[start : start + BATCH]

    return _train((batches() for _ in range(epochs)), device, fused=True)


def tutorial(folder: Path, device: torch.device, epochs: int, samples: int) -> list[float]:
    """Return the seconds of each epoch over the first `samples` images, evaluation excluded."""
    data = FashionMNIST(folder, train=True, transform=ToTensor())
    loader = DataLoader(Subset(data, range(samples)), batch_size=BATCH)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in loader:
            yield images.to(device), targets.to(device)

    return _train((batches() for _ in range(epochs)), device, fused=False)


def _train(
    epochs: Iterable[Iterator[tuple[Tensor, Tensor]]], device: torch.device, *, fused: bool
) -> list[float]:
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
