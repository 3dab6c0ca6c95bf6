"""Compare the training time of LSTMClassifier on IMDB batches with that of packed sequences.

    python benchmarks/lstm.py --steps 30 --pairs 3

Both sides start from the same weights and use the same bucketed batches and optimizer. They run
alternately, each in its own process, because flushing denormals to zero is a setting of a thread.
`packed` is what tutorials do; `packed, flushed` also flushes denormals.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources import imdb
from papertrial.data.texts.buckets import bucketed_order
from papertrial.data.texts.ragged_column import texts_of
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.models.lstm import LSTMClassifier
from papertrial.progress import finish

WORDS, BATCH, POOL, TARGET = 25_000, 64, 50, 8.0
SIDES = ("ours", "packed", "packed, flushed")


class Packed(LSTMClassifier):
    """The same network on packed sequences."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T]."""
        lengths = (x != self.padding_idx).sum(1)
        packed = pack_padded_sequence(
            self.embedding(x), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        lstm = self.lstm[0]
        lstm.batch_first = True
        _, (final, _) = lstm(packed)
        return self.linear(final[-1])


def main() -> None:
    """Measure, print, and exit with 1 if the target is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=30, help="number of batches")
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument(
        "--max-length", type=int, default=None, help="most tokens of a text, on both sides"
    )
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    options.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.side:
        side, file = given.side
        print(json.dumps(train(side, torch.load(file), given.threads)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batches.pt"
        made = batches(given.steps, given.max_length)
        torch.save(made, file)
        same_outputs(made)
        seconds = {side: [] for side in SIDES}
        for pair in range(given.pairs):
            for side in SIDES if pair % 2 == 0 else reversed(SIDES):
                seconds[side].append(one(side, file, given.threads))
            print(", ".join(f"{side} {seconds[side][-1]:.2f} s" for side in SIDES), flush=True)
    ratios = {
        side: statistics.median(
            theirs / ours for theirs, ours in zip(seconds[side], seconds["ours"], strict=True)
        )
        for side in SIDES[1:]
    }
    tokens = sum(x.numel() for x, _ in made) / len(made) / BATCH
    print(f"{given.steps} steps of {BATCH} x {tokens:.0f} tokens, {given.threads} threads:")
    for side in SIDES:
        print(
            f"  {side:16}{statistics.median(seconds[side]) / given.steps * 1000:8.0f} ms per step"
        )
    for side, ratio in ratios.items():
        print(f"  {side} takes {ratio:.1f} times as long as ours")
    if ratios["packed"] < TARGET:
        sys.exit(f"MISSED: the target is {TARGET:g} times over packed")


def batches(steps: int, max_length: int | None) -> list[tuple[Tensor, Tensor]]:
    """Return the first bucketed batches of the IMDB reviews: x [64, T] int64 and y [64]."""
    train = finish(imdb.load_folder(data_folder())).train
    words = Vocabulary.learn(texts_of(train.x), size=WORDS, max_length=max_length)
    tokens = words.encode(texts_of(train.x))
    assert tokens.lengths is not None, "texts differ in length"
    order = bucketed_order(tokens.lengths, BATCH, POOL, torch.Generator().manual_seed(0))
    rows = order[: steps * BATCH].split(BATCH)
    return [(tokens.take(some).long(), train.y[some].float()) for some in rows]


def same_outputs(made: list[tuple[Tensor, Tensor]]) -> None:
    """Assert that the outputs of both sides agree to 1e-5."""
    ours, packed = LSTMClassifier(WORDS + 2), Packed(WORDS + 2)
    packed.load_state_dict(ours.state_dict())
    with torch.inference_mode():
        for x, _ in made[:3]:
            assert torch.allclose(ours(x), packed(x), rtol=0, atol=1e-5), "the outputs differ"


def one(side: str, file: Path, threads: int) -> float:
    """Return the seconds that one side takes, in its own process."""
    words = [sys.executable, __file__, "--threads", str(threads), "--side", side, str(file)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def train(side: str, made: list[tuple[Tensor, Tensor]], threads: int) -> float:
    """Train once on each batch after a warm-up step; return the seconds without that step."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(side != "packed")
    torch.manual_seed(0)
    model = (LSTMClassifier if side == "ours" else Packed)(WORDS + 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss = nn.BCEWithLogitsLoss()
    start = 0.0
    for x, y in [made[0], *made]:
        optimizer.zero_grad()
        loss(model(x)[:, 0], y).backward()
        optimizer.step()
        start = start or time.perf_counter()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
