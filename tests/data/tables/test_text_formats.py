"""Text tables as people have them: read right, or refused with advice that works when followed."""

# ruff: noqa: RUF001
from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from papertrial.data.sources.spec import LoadedSet, SourceSpec, TableOptions
from papertrial.data.sources.table import load
from papertrial.data.tables.learn_layout import Encoding
from papertrial.data.tables.table_file import TableFile, read_table
from papertrial.data.tables.table_format import TableFormat
from papertrial.errors import DataError
from papertrial.progress import finish

TOWNS = ["Köln", "Århus", "Málaga", "Genève"]


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def load_set(path: Path, options: dict[str, Any], target: str = "y") -> LoadedSet:
    """Load a table with keys of data.table, by their names in a recipe."""
    form = {key: value for key, value in options.items() if key in TableFormat.model_fields}
    coded = {k: v for k, v in options.items() if k in ("categorical", "codes", "dates", "unseen")}
    rest = {k: v for k, v in options.items() if k not in form and k not in coded}
    form = {key: tuple(v) if isinstance(v, list) else v for key, v in form.items()}
    table = TableOptions((target,), form=TableFormat(**form), encoding=Encoding(**coded), **rest)
    return finish(load(SourceSpec("table", path, targets="numbers", table=table), path))


def advised(message: str) -> dict[str, Any]:
    """Return the first `data.table.key: value` that a message says to set."""
    found = re.search(r"data\.table\.(\w+)(?:: | to )(\[[^\]]*\]|\"[^\"]*\"|'[^']*'|\w+)", message)
    assert found, f"no advice in {message}"
    value = found[2].replace("'\\t'", '"\\t"')
    return {found[1]: YAML(typ="safe").load(value)}


def follow(path: Path, options: dict[str, Any]) -> tuple[LoadedSet, dict[str, Any]]:
    """Load a table; while it is refused, set what the message says."""
    for _ in range(4):
        try:
            return load_set(path, options), options
        except DataError as error:
            options = options | advised(str(error))
    return load_set(path, options), options


def test_every_mix_is_read_right_or_refused_with_advice_that_works(tmp_path: Path) -> None:
    mixes = list(
        itertools.product(
            ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"],
            [",", ";", "\t", "|"],
            [("{:.2f}", False), ("{:.2f}", True), ("${:,.2f}", False)],
            ["\n", "\r\n", "\r"],
            ["", "?", "NA"],
            [True, False],
        )
    )
    draw = random.Random(3)
    for encoding, mark, (form, decimal_comma), end, gap, header in draw.sample(mixes, 70):
        numbers = [round(draw.uniform(1000, 9000) + 0.013, 2) for _ in range(12)]
        cells = [form.format(value) for value in numbers]
        if decimal_comma:
            cells = [cell.translate(str.maketrans(",.", ".,")) for cell in cells]
        rows = [[cell, draw.choice(TOWNS), str(i)] for i, cell in enumerate(cells)]
        rows[5][0] = gap
        lines = [["area", "town", "y"]] * header + rows
        text = end.join(
            mark.join(f'"{c}"' if mark in c or draw.random() < 0.2 else c for c in line)
            for line in lines
        )
        path = write(tmp_path, (text + end).encode(encoding))
        options: dict[str, Any] = {"categorical": ["town"], "missing": "mean"}
        options |= {} if header else {"header": False, "names": ["area", "town", "y"]}
        (dataset, layout, found), _ = follow(path, options)
        x = dataset.train.x.take(slice(0, 12)).numpy()
        numbers[5] = np.nan
        context = (encoding, mark, form, decimal_comma, end, gap, header, found)
        assert np.array_equal(x[:, 0], np.float32(numbers), equal_nan=True), context
        assert dataset.train.y.tolist() == list(range(12)), context
        assert layout is not None
        towns = [layout.features[1].shown(row[1:].tolist()) for row in x]
        assert towns == [row[1] for row in rows], context


@pytest.mark.parametrize(
    ("text", "encoding", "guess"),
    [
        ("이름,나이\n김철수,1\n박영희,2\n", "cp949", "cp949"),
        ("город,y\nМосква,1\nКазань,2\n", "cp1251", None),
        ("名前,y\n東京都,1\nカタカナ,2\n", "shift_jis", None),
        ("城市,y\n上海,1\n重庆,2\n", "gb18030", None),
        ("城市,y\n臺北,1\n高雄,2\n", "big5", None),
        ("miasto,y\nŁódź,1\nWałbrzych,2\n", "cp1250", None),
        ("Stadt,y\nFlämisch,1\n", "cp437", None),
        ("ville,prix €\nGenève – Est,1\nl’Île,2\n", "cp1252", "cp1252"),
    ],
)
def test_an_encoding_is_guessed_or_offered_with_what_it_reads(
    tmp_path: Path, text: str, encoding: str, guess: str | None
) -> None:
    path = write(tmp_path, text.encode(encoding))
    first = text.split(",", maxsplit=1)[0]
    if guess:
        table = read_table(path)
        assert table.form.guessed_encoding == guess
        assert [(note.action, note.change) for note in table.notes] == [
            ("guessed", "set data.table.encoding")
        ]
    else:
        with pytest.raises(
            DataError, match=r"is not UTF-8 text; set data\.table\.encoding"
        ) as told:
            read_table(path)
        offers = dict(re.findall(r"(\w+) \('([^']*)'\)", str(told.value)))
        assert offers[encoding] in text  # which a person recognises
        table = read_table(path, TableFormat(encoding=encoding))
    assert list(table.columns) == text.split("\n", maxsplit=1)[0].split(",")
    assert table.texts(first) == [line.split(",")[0] for line in text.split("\n")[1:-1]]
    with pytest.raises(DataError, match=r"line \d is not (shift_jis|ascii) text"):
        read_table(path, TableFormat(encoding="ascii"))


def test_a_guess_is_kept_for_other_files_but_utf8_is_seen(tmp_path: Path) -> None:
    form = TableFormat(guessed_encoding="cp1250")
    assert read_table(write(tmp_path, "a,y\nŁódź,1\n".encode("cp1250")), form).texts("a") == [
        "Łódź"
    ]
    assert read_table(write(tmp_path, "a,y\nŁódź,1\n"), form).texts("a") == ["Łódź"]
    with pytest.raises(DataError, match=r"mark of UTF-16, but .* remove data\.table\.encoding"):
        read_table(write(tmp_path, "a,y\n1,1\n".encode("utf-16")), TableFormat(encoding="cp1252"))


def test_a_separator_line_is_left_out_with_a_note(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "sep=;\r\na;b\r\n1,5;x\r\n2,25;y\r\n"))
    assert table.numbers("a").values.tolist() == [1.5, 2.25]
    assert table.position(0) == "line 3"
    assert [note.action for note in table.notes] == ["left out", "guessed"]
    with pytest.raises(DataError, match=r"line 1 says that ';' .* remove data\.table\.delimiter"):
        read_table(tmp_path / "t.csv", TableFormat(delimiter=","))


def numbers(table: TableFile, name: str) -> list[float | None]:
    values, bad = table.numbers(name)
    return [None if wrong else value for value, wrong in zip(values.tolist(), bad, strict=True)]


@pytest.mark.parametrize(
    ("cells", "form", "expected"),
    [
        (["1.234,5", "-2,25", "3"], {"decimal": ",", "thousands": "."}, [1234.5, -2.25, 3]),
        (["1,234", "1,234,567.5", "12,5"], {"thousands": ","}, [1234, 1234567.5, None]),
        (["1,5", "1.5", "1,5,5"], {"decimal": ","}, [1.5, None, None]),
        (["1 234", "1\u00a0234,5", "1\u202f234"], {"thousands": " ", "decimal": ","},
         [1234, 1234.5, 1234]),
        (["$1,200", "-$3", "5 $"], {"strip": ("$",), "thousands": ","}, [1200, -3, 5]),
        (["12 %", "7%", "x"], {"strip": ("%",)}, [12, 7, None]),
        (["1'234", "5"], {"thousands": "'"}, [1234, 5]),
        (["2,5e3", "1"], {"decimal": ","}, [2500, 1]),
    ],
)  # fmt: skip
def test_marks_of_numbers(
    tmp_path: Path, cells: list[str], form: dict[str, Any], expected: list[float | None]
) -> None:
    text = "a\tb\n" + "".join(f"{cell}\tx\n" for cell in cells)
    table = read_table(write(tmp_path, text, "t.tsv"), TableFormat(**form))
    assert numbers(table, "a") == expected


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("a;b\n12,5;1\n3;2\n", ",", None),
        ("a;b\n0,125;1\n", ",", None),  # no one groups thousands after a zero
        ("a;b\n1.234,50;1\n12,5;2\n", ",", "."),
        ("a;b\n1,234;1\n2,500;2\n", None, None),  # thousands or decimals
        ("a;b\n12,5;1.5\n3,5;2.5\n", None, None),  # both marks
        ("a;b\n12,5;x\nca. 3;y\n", None, None),  # not a column of numbers
        ('a,b\n"12,5",1\n', None, None),  # not where commas separate columns
    ],
)
def test_decimal_commas_are_guessed_only_without_doubt(
    tmp_path: Path, text: str, decimal: str | None, thousands: str | None
) -> None:
    table = read_table(write(tmp_path, text))
    assert (table.form.decimal, table.form.thousands) == (decimal, thousands)
    guessed = [note for note in table.notes if note.change == "set data.table.decimal"]
    assert len(guessed) == (decimal is not None)


@pytest.mark.parametrize(
    ("column", "key", "expected"),
    [
        (["1,234", "2,500"], "thousands", [1234, 2500]),
        (["12,5", "1,75"], "decimal", [12.5, 1.75]),
        (["1,234,567", "5"], "thousands", [1234567, 5]),
        (["€ 5", "€ 7"], "strip", [5, 7]),
        (["12 %", "7 %"], "strip", [12, 7]),
        (["1 234", "12 345"], "thousands", [1234, 12345]),
        (["?", "7"], "na_values", [np.nan, 7]),
        (["-", "7"], "na_values", [np.nan, 7]),
    ],
)
def test_advice_on_a_column_works_when_followed(
    tmp_path: Path, column: list[str], key: str, expected: list[float]
) -> None:
    path = write(tmp_path, "a,y\n" + "".join(f'"{c}",{i}\n' for i, c in enumerate(column)))
    (dataset, *_), options = follow(path, {"missing": "mean"})
    assert key in options
    x = dataset.train.x.take(slice(0, 2)).numpy()[:, 0]
    assert np.array_equal(x, np.float32(expected), equal_nan=True)


def test_a_file_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, "5.1,3.5,setosa\n4.9,3.0,virginica\n")
    with pytest.raises(DataError, match=r"if it is a row, set data\.table\.header: false"):
        load_set(path, {}, "kind")
    table = read_table(path, TableFormat(header=False))
    assert list(table.columns) == ["column1", "column2", "column3"]
    assert table.position(0) == "line 1"
    assert [(n.action, n.count, n.change) for n in table.notes] == [
        ("filled", 3, "set data.table.names")
    ]
    # What the training file showed is how the file to predict is read: without the target.
    again = write(tmp_path, "1,x\n", "p.csv")
    rows = read_table(again, table.form, names_if_no_header=["column1", "column3"])
    assert rows.texts("column3") == ["x"]
    named = read_table(path, TableFormat(header=False, names=("a", "b", "c")))
    assert (list(named.columns), named.notes) == (["a", "b", "c"], ())
    with pytest.raises(DataError, match=r"line 1 has 3 cells, but data\.table\.names has 2"):
        read_table(path, TableFormat(header=False, names=("a", "b")))


def test_the_spellings_of_missing_cells_are_a_setting(tmp_path: Path) -> None:
    path = write(tmp_path, "zone,y\nNA,1\nEU,2\n,3\n?,4\n")
    assert read_table(path).texts("zone") == [None, "EU", None, "?"]
    form = TableFormat(na_values=("", "?"))
    assert read_table(path, form).texts("zone") == ["NA", "EU", None, None]
    assert read_table(path, TableFormat(na_values=())).texts("zone") == ["NA", "EU", "", "?"]


@pytest.mark.parametrize("missing", ["error", "drop", "mean"])
def test_a_missing_cell_that_looks_like_a_category_is_asked_about(
    tmp_path: Path, missing: str
) -> None:
    path = write(tmp_path, "zone,y\nNA,1\nEU,2\nAPAC,3\nEU,4\nNA,5\n")
    with pytest.raises(DataError, match=r'"NA" of zone .*in 2 of 5 \(line 2, line 6\)'):
        load_set(path, {"categorical": ["zone"], "missing": missing})
    (dataset, *_), options = follow(path, {"categorical": ["zone"], "missing": missing})
    assert options["na_values"] == [""]
    assert dataset.features == ("zone=APAC", "zone=EU", "zone=NA")
    options["na_values"] = ["", "NA"]
    if missing == "drop":
        dropped = load_set(path, options).dataset
        assert dropped.features == ("zone=APAC", "zone=EU")
        assert [(note.action, note.count) for note in dropped.notes] == [("left out", 2)]
    unlike = write(tmp_path, "zone,y\nNA,1\nEurope,2\nEurope,3\n")
    assert len(load_set(unlike, {"categorical": ["zone"], "missing": "mean"}).dataset.train) == 3


def test_rows_without_a_target_are_left_out_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, "a,y\n1,2\n2,\n3,4\n")
    (dataset, *_), options = follow(path, {})
    assert options == {"missing_target": "drop"}
    assert (dataset.train.y.tolist(), dataset.train.names) == ([2, 4], ["line 2", "line 4"])
    assert [(n.action, n.count, n.where) for n in dataset.notes] == [
        ("left out", 1, "t.csv line 3")
    ]


def test_trailing_delimiters_are_left_out_and_uneven_rows_are_listed(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a;b;\n1;2;\n3;4;\n"))
    assert list(table.columns) == ["a", "b"]
    assert table.notes[-1].text.startswith("left out 1 column: have no name")
    text = "a,b\n1\n1,2\n3,4,5\n" + "7\n" * 9
    with pytest.raises(DataError, match=r"line 2 has 1 cell, .*lines 4, 5, 6, 7, \.\.\.\)"):
        read_table(write(tmp_path, text))


def test_all_columns_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c,y\n1,x,2024-01-05,1\n2,y,2024-01-06,2\n$3,z,2024-01-07,3\n")
    with pytest.raises(DataError) as told:
        load_set(path, {})
    message = str(told.value)
    assert message.startswith("3 columns cannot be used:")
    for part in ("line 4: text in a numeric column: a is '$3'", 'data.table.strip: ["$"]',
                 "line 2: text in a numeric column: b is 'x'", "data.table.dates"):  # fmt: skip
        assert part in message
    options = {"strip": ("$",), "exclude": ("b",), "dates": {"c": ("days", "weekday")}}
    dataset = load_set(path, options).dataset
    assert dataset.features == ("a", "c.days", "c.weekday")
    assert dataset.train.x.take(slice(0, 1)).tolist() == [[1, 19727, 4]]  # a Friday


def test_memory_is_bounded_and_progress_tells_rows(tmp_path: Path) -> None:
    from papertrial.data.tables.table_file import reading_table
    from papertrial.progress import Returning

    path = write(tmp_path, "a,b\n" + "1.2345678,longer text in a cell\n" * 600_000)
    with Returning(reading_table(path)) as steps:
        told = [step.done for step in steps]
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == len(steps.value) == 600_000
    kept = sum(column.nbytes for column in steps.value.columns.values())
    assert kept < path.stat().st_size + 2 * 4 * 600_000 + 1e6  # as reading_delimited states
