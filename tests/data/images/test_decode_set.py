"""Decoded sets: what their fingerprint depends on."""

from __future__ import annotations

import hashlib

import numpy as np

from papertrial.data.images.decode import sample_digest
from papertrial.data.images.decode_set import combine_digests

RNG = np.random.default_rng(0)


def test_the_fingerprint_is_of_the_samples_not_of_their_order() -> None:
    x = RNG.integers(0, 256, (5, 3, 2, 2), dtype=np.uint8)
    y, classes = [0, 1, 1, 0, 1], ("cat", "dog")

    def fingerprint(images: np.ndarray, labels: list[int]) -> str:
        pairs = zip(labels, images, strict=True)
        return combine_digests(sample_digest(classes[label], image) for label, image in pairs)

    digests = sorted(
        hashlib.sha256(classes[label].encode() + image.tobytes()).digest()
        for image, label in zip(x, y, strict=True)
    )
    expected = hashlib.sha256(b"".join(digests)).hexdigest()
    assert fingerprint(x, y) == fingerprint(x[::-1], y[::-1]) == expected
    swapped = fingerprint(x, [1, 0, 1, 0, 1])
    x[4, 2, 1, 1] ^= 1
    assert len({expected, swapped, fingerprint(x, y)}) == 3
