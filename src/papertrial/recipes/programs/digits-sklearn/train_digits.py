"""Train a small random forest on scikit-learn's handwritten digits, and the example's SVM."""

import argparse
import json
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC


def main() -> None:
    """Print the test accuracies of both models, and write those of the forest as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="seed of the forest")
    parser.add_argument("--trees", type=int, default=30, help="number of trees")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for result.json")
    given = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    half = len(images) // 2  # as in the example: the second half, in the order of the file
    forest = RandomForestClassifier(given.trees, random_state=given.seed)
    forest.fit(images[:half], labels[:half])
    accuracy = forest.score(images[half:], labels[half:])
    print(f"forest of {given.trees} trees: test accuracy {accuracy:.5f}")

    machine = SVC(gamma=0.001).fit(images[:half], labels[:half])  # deterministic: takes no seed
    print(
        f"support vector machine: test accuracy {machine.score(images[half:], labels[half:]):.5f}"
    )

    result = {"test": {"accuracy": accuracy, "error": 1 - accuracy}}
    (given.out / "result.json").write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
