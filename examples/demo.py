"""The main job in a minute: train on real handwritten digits, predict some, verify a claim.

    make demo

Every command is printed before it runs; each could be typed by hand.
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
    """Run one command, showing it and what it says; return its standard output."""
    print(f"\n$ papertrial {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "papertrial", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:  # it has said why
        sys.exit(done.returncode)
    return done.stdout


def main() -> None:
    """Train, show the table, predict eight digits of the test half, verify the claim."""
    trained = papertrial("train", "digits-mlp", "--runs", str(HERE / "runs"), "--json")
    run = json.loads(trained.splitlines()[-1])
    images = HERE / "images"
    images.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    for index in range(900, 908):  # rows of the test half, which training never saw
        pixels = (digits.images[index] * (255 / 16)).round().astype("uint8")
        Image.fromarray(pixels).save(images / f"digit-{digits.target[index]}-row{index}.png")
    print(f"\nEight digits of the test half are now PNG files in {images}, named by what they are.")
    print(papertrial("predict", run["run"], str(images), "--top", "2"), end="")
    accuracy = run["metrics"]["test"]["accuracy"]
    print(f"\nThe model reads {accuracy:.1%} of {len(digits.target) // 2 + 1} unseen digits.")
    print(f"Everything that made this result is in {run['run']}")
    print("\nOne run is no verdict. The recipe claims a number; does it hold over seeds?")
    verified = papertrial("verify", "digits-mlp", "--runs", str(HERE / "runs"), "--json")
    verdict = json.loads(verified.splitlines()[-1])
    print(f"\n{verdict['verdict']} on {len(verdict['seeds'])} seeds. Report: {verdict['report']}")


if __name__ == "__main__":
    main()
