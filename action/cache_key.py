"""Step "cache": name the cache of the data sets that a recipe downloads."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from github import write_output


def main() -> int:
    """Set the output `key`: a hash of the recipe's name, and of its file if it is one."""
    recipe = os.environ["RECIPE"]
    file = Path(recipe)
    content = file.read_bytes() if file.is_file() else b""
    write_output(key=hashlib.sha256(recipe.encode() + b"\0" + content).hexdigest()[:16])
    return 0


if __name__ == "__main__":
    sys.exit(main())
