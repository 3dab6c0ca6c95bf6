"""The command line in this process, which is quicker than one of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from papertrial.cli.main import make_app

Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def invoke() -> Invoke:
    """Run `papertrial WORDS...`; what it ends with has exit_code, stdout and stderr."""
    app = make_app()

    def run(*words: str | Path) -> Result:
        return CliRunner().invoke(app, list(map(str, words)))

    return run
