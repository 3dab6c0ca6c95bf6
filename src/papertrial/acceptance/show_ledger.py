"""Read the decisions of a ledger."""

from __future__ import annotations

from pathlib import Path

from papertrial.acceptance.acceptance import LedgerSummary
from papertrial.acceptance.check_ledger import check_decisions
from papertrial.errors import RunError
from papertrial.store.ledger import Ledger


def show_ledger(ledger: str | Path, head: str | None = None) -> LedgerSummary:
    """Read a ledger and check it: its hash chain, and that each decision follows from its scores.

    Args:
        ledger: the file.
        head: the SHA-256 of a line that the ledger had earlier, as a decision printed it.

    Raises:
        RunError: there is no ledger, it was edited, or the line with this hash is gone.
    """
    path = Path(ledger)
    content = Ledger(path).read()
    if content is None:
        raise RunError(f"there is no ledger {path}; `papertrial accept` writes it")
    check_decisions(content, path)
    hashes = {*(one.previous for one in content.decisions), content.head}
    if head is not None and head not in hashes:
        raise RunError(
            f"{path} has no line with the SHA-256 {head}: its last lines were cut off or replaced; "
            "restore the ledger from a copy"
        )
    return LedgerSummary.of(path, content)
