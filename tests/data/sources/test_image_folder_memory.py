"""A set larger than memory: decoded, batched and gone through under a limit that it exceeds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

COUNT, SIDE = 1600, 256  # 315 MB decoded
ROOM = 150_000_000  # it needs 80 to 100 MB

CHILD = f"""
import resource, sys
from pathlib import Path
import numpy as np, torch, joblib
from papertrial.data.batches import Batches
from papertrial.data.column import chunks
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources import image_folder
from papertrial.data.sources.spec import ImageOptions, SourceSpec
from papertrial.progress import finish

used = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + {ROOM}, used + {ROOM}))
folder, cache = map(Path, sys.argv[1:])
spec = SourceSpec("image-folder", folder, images=ImageOptions(size=({SIDE}, {SIDE})))
dataset = finish(image_folder.load(spec, cache.parent)).dataset
assert len(dataset.train) == {COUNT}
assert dataset.nbytes > 2 * {ROOM}

pipeline = Pipeline("image")
batches = Batches(
    dataset.train,
    16,
    shuffle=True,
    pipeline=pipeline,
    state=pipeline.fit(dataset.train.x),
    device=torch.device("cpu"),
)
for step in range(20):
    batch = batches.batch(0, 0, step)
    rows = batches.rows(0, 0, step)
    # Each image is of one colour, which its name tells.
    colour = torch.tensor([int(Path(dataset.train.names[i]).stem) % 256 for i in rows.tolist()])
    assert torch.equal(batch.x[:, 0, 7, 7].mul(255).round().long(), colour)
    assert torch.equal(batch.y, dataset.train.y[rows])
seen = sum(int(chunk.numpy().sum(dtype=np.int64)) for chunk in chunks(dataset.train.x, 64))
colours = [int(Path(name).stem) % 256 for name in dataset.train.names]
assert seen == 3 * {SIDE} * {SIDE} * sum(colours)
print("trains")

(file,) = cache.rglob("train-x.npy")
try:
    np.load(file)
except MemoryError:
    print("does not fit")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that is kept to")
def test_a_set_larger_than_memory_trains(tmp_path: Path) -> None:
    for i in range(COUNT):
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i % 256,) * 3).save(path)
    command = [sys.executable, "-W", "error", "-c", CHILD, tmp_path / "photos", tmp_path / "cache"]
    # Further threads and their allocation arenas would take a share of the limit that varies.
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=alone
    )
    assert done.stdout.split("\n") == ["trains", "does not fit", ""], done.stderr
