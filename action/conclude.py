"""Step "conclude": let the job fail, or not, by the verdict."""

from __future__ import annotations

import os
import sys

from github import read_answer

# The verdicts that let a job fail. An error always does.
FAIL_ON = {
    "not-reproduced": ("NOT REPRODUCED",),
    "undecided": ("NOT REPRODUCED", "UNDECIDED"),
    "never": (),
}


def main() -> int:
    """Return 1 if the job must fail."""
    answer = read_answer()
    if "error" in answer:
        return 1
    return int(answer["verdict"] in FAIL_ON[os.environ["FAIL_ON"]])


if __name__ == "__main__":
    sys.exit(main())
