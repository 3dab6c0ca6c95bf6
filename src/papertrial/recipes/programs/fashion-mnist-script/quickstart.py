"""The network of the PyTorch quickstart on Fashion-MNIST: a plain script that needs torch alone."""

import argparse
import gzip
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def read_idx(folder: Path, name: str, skip: int) -> Tensor:
    """Return the bytes of one of the four files of the set, packed or not, after its header."""
    packed = folder / f"{name}.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)[skip:]


def read_split(folder: Path, name: str) -> tuple[Tensor, Tensor]:
    """Return images [N, 784] from 0 to 1, and labels [N]."""
    images = read_idx(folder, f"{name}-images-idx3-ubyte", 16)
    labels = read_idx(folder, f"{name}-labels-idx1-ubyte", 8)
    return images.reshape(-1, 784) / 255, labels.long()


def main() -> None:
    """Train, and print the test loss and accuracy after each epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="seed of the initial weights")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--data", type=Path, required=True, help="has FashionMNIST/raw/")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)

    raw = given.data / "FashionMNIST" / "raw"
    (images, labels), (test_images, test_labels) = (read_split(raw, s) for s in ("train", "t10k"))
    model = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for epoch in range(1, given.epochs + 1):
        for x, y in zip(images.split(64), labels.split(64), strict=True):  # not shuffled
            optimizer.zero_grad()
            cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = model(test_images)
        loss = cross_entropy(outputs, test_labels)
        accuracy = (outputs.argmax(1) == test_labels).float().mean()
        print(f"epoch {epoch}: accuracy {accuracy:.2%}, average loss {loss:.6f}", flush=True)


if __name__ == "__main__":
    main()
