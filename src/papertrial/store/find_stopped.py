"""Find the run that a user wants to continue."""

from __future__ import annotations

import os
from pathlib import Path

from papertrial.errors import RunError
from papertrial.store.index import scan


def find_stopped(name: str, root: Path) -> Path:
    """Return the folder of a run that did not end, by its path, its folder's name, or "latest".

    Args:
        name: what a user typed; "latest" is the one that began last.
        root: the folder of the runs.

    Raises:
        RunError: there is no such run.
    """
    if name != "latest" and os.path.isdir(name):  # noqa: PTH112  (Path's raises)
        return Path(name)
    runs = [entry for entry in scan(root) if entry.kind == "run"]
    named = [one for one in runs if name in ("latest", Path(one.path).name)]
    left = [one for one in named if one.state not in ("finished", "running")]
    if left:
        return Path(left[0].path)
    if named and name != "latest":
        now = "finished" if named[0].state == "finished" else "is still being trained"
        raise RunError(f"the run {named[0].path} {now}; there is nothing to resume")
    what = "that was stopped" if name == "latest" else f"called {name!r}"
    raise RunError(f"there is no run {what} in {root}; `papertrial runs` lists the folders")
