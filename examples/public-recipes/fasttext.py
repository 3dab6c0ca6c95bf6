"""fastText's classifier: a mean of vectors of words and hashed bigrams, and a linear layer."""

import csv
import re

import torch
from torch import nn

APART = re.compile(r"([',.()!?])")


def load(folder):
    """Return AG News from train.csv and test.csv: class, title, description; without a header."""
    return {part: rows(folder / f"{part}.csv") for part in ("train", "test")}


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        found = [(",".join(["", *rest]), label) for label, *rest in csv.reader(file)]
    return [text for text, _ in found], [label for _, label in found]


def words(text):
    """Return the words as classification-results.sh and fastText split a line, with its end."""
    text = APART.sub(r" \1 ", text.replace('"', ""))
    return [*re.sub("[;:]", " ", text).split(), "</s>"]


def rate(step, total):
    return 1 - step / total


class FastText(nn.Module):
    def __init__(self, words, buckets, width, classes):
        super().__init__()
        self.words, self.buckets = words, buckets
        self.vectors = nn.EmbeddingBag(words + buckets, width, mode="mean", sparse=True)
        nn.init.uniform_(self.vectors.weight, -1 / width, 1 / width)
        self.classes = nn.Linear(width, classes, bias=False)
        nn.init.zeros_(self.classes.weight)

    def forward(self, x):
        bigrams = self.words + (x[:, :-1] * 116049371 + x[:, 1:]) % self.buckets
        inside = torch.cat([x > 1, (x[:, 1:] > 0)], 1)  # unknown words have no vector
        pieces = torch.cat([x, bigrams], 1)
        starts = inside.sum(1).cumsum(0) - inside.sum(1)
        return self.classes(self.vectors(pieces[inside], starts))
