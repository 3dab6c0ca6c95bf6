"""Seeds drawn from a public text, so that nobody can pick them."""

from __future__ import annotations

import hashlib


def draw_seeds(text: str, count: int) -> tuple[int, ...]:
    """Draw different seeds from a text, in the order in which a verification uses them.

    Seed number i = 0, 1, 2, ... is the first 4 bytes of the SHA-256 of "TEXT:i" in UTF-8, read as
    a big-endian number, modulo 2^31. A seed that was drawn before is skipped. So the first seeds do
    not depend on the count, and a shell can compute each of them:
    `printf '%s:%d' "$TEXT" 0 | sha256sum | head -c 8`, as a hexadecimal number modulo 2^31.

    Args:
        text: any text; whoever chooses it must not be able to choose the seeds.
        count: number of seeds, from 0 to 2^31 - 1.
    """
    seeds: dict[int, None] = {}  # a set that keeps the order
    number = 0
    while len(seeds) < count:
        digest = hashlib.sha256(f"{text}:{number}".encode()).digest()
        seeds.setdefault(int.from_bytes(digest[:4], "big") % 2**31)
        number += 1
    return tuple(seeds)
