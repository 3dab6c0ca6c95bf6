"""ledger.jsonl: a chain of lines that are appended, on the disk, and not edited."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from papertrial.errors import RunError
from papertrial.store.ledger import Ledger, LedgerContent, LedgerDecision, LedgerSide, LedgerTerms

TERMS = LedgerTerms.model_validate_json(
    '{"opened": "2026-11-27T12:00:00Z", "alpha": 0.05, "ideas": 100, "metric": "accuracy",'
    ' "better": "higher", "at_least_by": 0.0, "samples": null}'
)


def decision(previous: str, idea: int = 1, **changed: object) -> LedgerDecision:
    side = LedgerSide(name="a.csv", source="scores", sha256="0" * 64, scores=(0.1,) * 5)
    values: dict[str, object] = {
        "previous": previous, "decided": TERMS.opened, "idea": idea, "baseline": side,
        "candidate": side, "seeds": tuple(range(5)), "n": 5, "step": 0.0, "gain": 0.0, "sd": 0.0,
        "low": None, "high": None, "e_value": 0.5, "e_against": 0.5, "accepted_before": 0,
        "level": 0.00025, "decision": "UNDECIDED", "more_seeds": None, "budget_left": 0.04,
    }  # fmt: skip
    return LedgerDecision(**{**values, **changed})  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with three decisions."""
    found = Ledger(tmp_path / "deep" / "ledger.jsonl")
    with found.locked():
        head = found.append(TERMS)
        for idea in (1, 2, 3):
            head = found.append(decision(head, idea))
    return found


def test_what_was_appended_is_read_again(ledger: Ledger) -> None:
    content = ledger.read()
    assert content is not None
    assert content.terms == TERMS
    assert [one.idea for one in content.decisions] == [1, 2, 3]
    assert (content.ideas, content.accepted) == (3, 0)
    lines = ledger.path.read_bytes().splitlines()
    assert content.head == hashlib.sha256(lines[-1]).hexdigest()
    assert content.decisions[0].previous == LedgerContent.of(TERMS).head


def test_a_ledger_that_is_absent_or_empty_has_no_content(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert ledger.read() is None
    ledger.path.touch()
    assert ledger.read() is None


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_deleted_line_is_found(ledger: Ledger, line: int) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    del lines[line - 1]
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match=rf"line {line}\b"):
        ledger.read()


def test_an_edited_line_is_found_at_the_next_one(ledger: Ledger) -> None:
    text = ledger.path.read_text()
    ledger.path.write_text(text.replace('"idea": 2, ', '"idea": 7, '))
    with pytest.raises(RunError, match="line 4"):
        ledger.read()


def test_a_torn_last_line_is_skipped_and_removed(ledger: Ledger) -> None:
    whole = ledger.path.read_bytes()
    last = whole.splitlines()[-1]
    for cut in (1, len(last) // 2, len(last) - 1):
        ledger.path.write_bytes(whole + last[:cut])
        content = ledger.read()
        assert content is not None
        assert len(content.decisions) == 3
        with ledger.locked():
            assert ledger.path.read_bytes() == whole
            ledger.append(decision(content.head, 4))
        again = ledger.read()
        assert again is not None
        assert [one.idea for one in again.decisions] == [1, 2, 3, 4]
        ledger.path.write_bytes(whole)


def test_a_last_line_without_its_end_is_kept(ledger: Ledger) -> None:
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-1])
    content = ledger.read()
    assert content is not None
    assert len(content.decisions) == 3
    with ledger.locked():
        assert ledger.path.read_bytes() == whole


def test_a_line_in_the_middle_that_is_no_json_is_an_error(ledger: Ledger) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    lines[1] = b"{torn\n"
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match="line 2"):
        ledger.read()


def test_scores_and_seeds_of_unequal_length_are_damage(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="length"):
        decision("0" * 64, n=6)


def test_a_ledger_that_cannot_be_written_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"), Ledger(tmp_path / "file" / "l").locked():
        pass
    with pytest.raises(RunError, match="cannot read"):
        Ledger(tmp_path).read()


def test_processes_that_append_at_once_do_not_lose_lines(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_ledger import TERMS, decision\n"
        "from papertrial.store.ledger import Ledger, LedgerContent\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for _ in range(10):\n"
        "    with ledger.locked():\n"
        "        content = ledger.read()\n"
        "        if content is None:\n"
        "            ledger.append(TERMS); content = LedgerContent.of(TERMS)\n"
        "        ledger.append(decision(content.head, content.ideas + 1))\n"
    )
    words = [sys.executable, "-c", script, str(path), str(Path(__file__).parent)]
    running = [subprocess.Popen(words) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    content = Ledger(path).read()
    assert content is not None
    assert [one.idea for one in content.decisions] == list(range(1, 31))
    assert all(json.loads(line)["format"] == 1 for line in path.read_text().splitlines())
