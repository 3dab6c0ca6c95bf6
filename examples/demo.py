"""Train on real handwritten digits, predict some of them, and verify a claim, in a minute.

    make demo

Every command is printed before it runs, so you can also type it yourself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

HERE = Path("runs/demo")


def papertrial(*words: str) -> str:
    """Print and run one command, and return its standard output."""
    print(f"\n$ papertrial {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "papertrial", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:  # the command has printed the reason
        sys.exit(done.returncode)
    return done.stdout


def main() -> None:
    """Train, predict eight digits of the test split, and verify the claim."""
    trained = papertrial("train", "digits-mlp", "--runs", str(HERE / "runs"), "--json")
    run = json.loads(trained.splitlines()[-1])
    images = HERE / "images"
    images.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    for index in range(900, 908):  # rows of the test split, which were not used for training
        pixels = (digits.images[index] * (255 / 16)).round().astype("uint8")
        Image.fromarray(pixels).save(images / f"digit-{digits.target[index]}-row{index}.png")
    print(f"\nSaved eight digits of the test split in {images}; their file names have the labels.")
    print(papertrial("predict", run["run"], str(images), "--top", "2"), end="")
    accuracy = run["metrics"]["test"]["accuracy"]
    print(f"\nThe model is right on {accuracy:.1%} of {len(digits.target) // 2 + 1} unseen digits.")
    print(f"Everything needed to reproduce this result is in {run['run']}")
    print("\nOne run is not a verdict. Does the accuracy that the recipe claims hold over seeds?")
    verified = papertrial("verify", "digits-mlp", "--runs", str(HERE / "runs"), "--json")
    verdict = json.loads(verified.splitlines()[-1])
    print(f"\n{verdict['verdict']} after {len(verdict['seeds'])} seeds.")
    print(f"Report: {verdict['report']}")


if __name__ == "__main__":
    main()
