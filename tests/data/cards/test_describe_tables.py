"""Data cards of tables: what Python's csv module counts, and what looks odd."""

from __future__ import annotations

import csv
import statistics
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from papertrial.data.cards.card import ColumnCard, DataCard
from papertrial.data.cards.open_card import describe_path
from papertrial.errors import DataError
from papertrial.progress import finish

ROWS = """age,city,height,remark,visits
41,Bern,1.75,"a long remark that says what happened in Bern",3
,Wien,1.62,"another remark, as long, of somebody in Wien",1
41,Bern,NA,"a third remark that is as long as the others",?
36,Wien,1.62,"eine Bemerkung auf Deutsch, über Äpfel & Öl",2
41,Bern,1.75,"a long remark that says what happened in Bern",3
29,,1.80,"the last remark of this table, <b>in bold</b>",1
"""


def card_of(path: Path, **options: str) -> DataCard:
    return finish(describe_path(path, **options))  # type: ignore[arg-type]


def columns(card: DataCard, part: str = "all") -> dict[str, ColumnCard]:
    return {one.name: one for one in card.parts[part].columns}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text(ROWS)
    return tmp_path / "people.csv"


def test_columns_are_counted_as_by_hand(people: Path) -> None:
    card = card_of(people)
    with people.open() as file:
        rows = list(csv.DictReader(file))
    found = columns(card)
    assert card.parts["all"].rows == len(rows) == 6
    kinds = {name: one.type for name, one in found.items()}
    assert kinds == {
        "age": "whole number", "city": "category", "height": "number", "remark": "text",
        "visits": "category",
    }  # fmt: skip
    for name, one in found.items():
        present = [row[name] for row in rows if row[name] not in ("", "NA")]
        assert one.missing == 6 - len(present)
        assert one.distinct == len({*present})
    for name in ("age", "height"):
        numbers = found[name].numbers
        theirs = [float(row[name]) for row in rows if row[name] not in ("", "NA")]
        assert numbers is not None
        assert (numbers.min, numbers.max) == (min(theirs), max(theirs))
        assert numbers.mean == pytest.approx(statistics.mean(theirs))
        assert numbers.median == pytest.approx(statistics.median(theirs))
    assert [(v.value, v.count) for v in found["city"].values] == [("Bern", 3), ("Wien", 2)]
    texts = found["remark"].texts
    assert texts is not None
    assert texts.characters.max == max(len(row["remark"]) for row in rows)
    assert texts.scripts == {"Latin": 1.0}


def test_cells_that_are_not_numbers_and_duplicates_are_told(people: Path) -> None:
    card = card_of(people)
    (note,) = card.notes
    assert (note.action, note.count, note.unit, note.example) == ("guessed", 1, "cell", "'?'")
    assert note.where == f"{people} line 4"
    assert card.duplicates.repeated == {"all": 1}


def test_a_target_is_counted_or_measured(people: Path) -> None:
    card = card_of(people, target="city")
    assert card.target == "city"
    assert card.parts["all"].classes == {"Bern": 3, "Wien": 2}
    assert card.parts["all"].samples[0].label == "Bern"
    with pytest.raises(DataError, match=r"no column 'town'"):
        card_of(people, target="town")
    assert columns(card_of(people, text="city"))["city"].type == "text"


def test_parts_in_a_folder_share_rows_whatever_the_format(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, 3, 3], "b": ["x", "y", "z", "z"]})
    (tmp_path / "train.csv").write_text("a,b\n1,x\n2,y\n3,z\n3,z\n")
    pq.write_table(table[1:3], tmp_path / "test.parquet")
    (tmp_path / "README.md").write_text("about")
    card = card_of(tmp_path)
    assert list(card.parts) == ["train", "test"]
    assert card.duplicates.shared == {"train/test": 2}
    assert card.duplicates.repeated == {"train": 1, "test": 0}
    assert [(n.action, n.count, n.example) for n in card.notes] == [("left out", 1, "README.md")]
    pq.write_table(table, tmp_path / "same.parquet")
    one = card_of(tmp_path / "same.parquet").parts["all"].fingerprint
    assert one == card.parts["train"].fingerprint


def test_columns_of_other_types_are_described_too(tmp_path: Path) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2), None]
    table = pa.table({"day": days, "list": [[1], [1], None], "flag": [True, False, None]})
    pq.write_table(table, tmp_path / "t.parquet")
    found = columns(card_of(tmp_path / "t.parquet"))
    assert (found["day"].type, found["day"].missing, found["day"].distinct) == ("other", 1, 2)
    assert found["day"].stored.startswith("date")
    assert (found["list"].missing, found["list"].distinct) == (1, 1)
    assert (found["flag"].missing, found["flag"].distinct) == (1, 2)
