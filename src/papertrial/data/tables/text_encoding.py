"""The encoding of a text file: a byte order mark, UTF-8 and UTF-16 are recognised by their bytes.

Other encodings cannot be recognised for certain. Korean in CP949 and Western European text in
CP1252 are guessed where the text that comes out looks like theirs; the rest is refused.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from papertrial.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

UTF8 = "utf-8"
_BLOCK = 1 << 20  # bytes
_MOST_LINES = 4096  # that are not ASCII, which a guess looks at
_MARKS = (
    (codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# What a message offers, with the text that each would read.
_OFFERED = (
    "cp1252", "cp1250", "cp1251", "cp949", "shift_jis", "gb18030", "big5", "mac_roman", "cp437",
)  # fmt: skip
_ODD = "¹²³¼½¾¿¥£¢¤¦§©®¬±µ¶·¸¡†‡‰‹›•…„“”‚×÷"  # noqa: RUF001  (signs of CP1252)
_NOT_WESTERN = re.compile(
    rf"[^\W\d_][{_ODD}][^\W\d_]"  # a sign between two letters: "Wa³brzych", "Fl„che"
    "|[a-zß-öø-ÿ][À-ÖØ-ÞŠŒŽŸ]"  # a capital after a small letter: "FlŠche"
    "|[\x80-\U0010ffff]{3}"  # several in a row: Cyrillic, Greek, Chinese
    r"|[\x00-\x08\x0e-\x1f\x7f-\x9f]"
)


class TextScan(NamedTuple):
    """What a first reading of a text file shows.

    Attributes:
        encoding: the encoding, a codec of Python that decodes the whole file if it is UTF-8.
        guess: a word in the file, as a guessed encoding reads it; "" if nothing was guessed.
        lines: the line breaks "\\n" of a file in UTF-8; None if it has quotes, or is not UTF-8.
    """

    encoding: str
    guess: str
    lines: int | None


def scan_text(path: Path, named: str | None, likely: str | None = None) -> TextScan:
    """Read a text file once, which may be gzipped, to find its encoding.

    Args:
        path: the file, which is not empty.
        named: the encoding that the recipe names; None to find it.
        likely: the encoding to assume where the bytes do not show it; None to guess it.

    Raises:
        DataError: the encoding cannot be told, the file is not text, or has another mark.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    if named is not None:
        named = codecs.lookup(named).name
    with pa.input_stream(path, compression="detect") as raw:
        head = raw.read(_BLOCK)
        marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        if marked and named and not named.replace("-sig", "").startswith(marked):
            raise DataError(
                f"{path} starts with the mark of {marked.upper()}, but data.table.encoding is "
                f"{named}; remove data.table.encoding"
            )
        wide = marked if marked != UTF8 else None
        wide = wide or (named if named else _wide_encoding(path, head))
        if wide and wide not in (UTF8, "utf-8-sig"):
            return TextScan(wide, "", None)
        valid, ends, last, quoted = codecs.getincrementaldecoder(UTF8)(), 0, b"", False
        try:
            while head:
                if not head.isascii() or valid.getstate()[0]:
                    valid.decode(head)
                ends, last, quoted = ends + head.count(b"\n"), head[-1:], quoted or b'"' in head
                head = raw.read(_BLOCK)
            valid.decode(b"", final=True)
        except UnicodeDecodeError:
            if named or marked:
                raise _undecodable(path, UTF8) from None
            encoding, guess = _guess(path, likely)
            return TextScan(encoding, guess, None)
    return TextScan(UTF8, "", None if quoted else ends + (last != b"\n"))


@contextlib.contextmanager
def open_utf8(path: Path, encoding: str) -> Iterator[pa.NativeFile]:
    """Open a text file, which may be gzipped, as a stream of bytes in UTF-8.

    Raises:
        DataError: the file is not in that encoding, or is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    try:
        with pa.input_stream(path, compression="detect") as raw:
            other = encoding not in (UTF8, "utf-8-sig")
            yield pa.transcoding_input_stream(raw, encoding, UTF8) if other else raw
    except UnicodeDecodeError as error:
        raise _undecodable(path, encoding) from error
    except (OSError, EOFError) as error:  # a damaged .gz
        raise DataError(f"cannot read {path}: {error}") from error


def _wide_encoding(path: Path, head: bytes) -> str | None:
    """Return UTF-16 without a mark by its zeros: each ASCII character has one of them."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if not even and not odd:
        return None
    # A character such as U+AC00 has a zero on the other side.
    if odd > 4 * even:
        return "utf-16-le"
    if even > 4 * odd:
        return "utf-16-be"
    raise DataError(f"{path} is not text: it has zero bytes; save the table as CSV (UTF-8)")


def _guess(path: Path, likely: str | None) -> tuple[str, str]:
    """Return the encoding that a file seems to have, and a word that it reads.

    Raises:
        DataError: no encoding is likely enough.
    """
    sample = b"".join(line for _, line in _foreign_lines(path, _MOST_LINES))
    if likely is not None and (text := _decoded(sample, likely)) is not None:
        return likely, _word(text)
    korean = _decoded(sample, "cp949")
    if korean is not None:
        letters = [char for char in korean if ord(char) > 127]
        hangul = sum("가" <= char <= "힣" for char in letters)
        high = sum(byte > 127 for byte in sample)
        # Both bytes of the syllables that are in use are above 127; of other scripts, read as
        # Korean, many are not.
        if hangul >= 0.9 * len(letters) and high >= 1.8 * len(letters):
            return "cp949", _word(korean)
    western = _decoded(sample, "cp1252")
    if western is not None and not _NOT_WESTERN.search(western):
        return "cp1252", _word(western)
    raise _undecodable(path, UTF8)


def _undecodable(path: Path, encoding: str) -> DataError:
    """Return an error that names the line that is not in an encoding, and offers others."""
    sample, where = b"", ""
    for number, line in _foreign_lines(path, _MOST_LINES):
        if not where and _decoded(line, encoding) is None:
            where, sample = f" line {number}", line
    what = "UTF-8" if encoding == UTF8 else encoding
    if not sample:  # such as an odd number of bytes in UTF-16
        return DataError(
            f"{path} is not {what} text; remove data.table.encoding, or save the file as UTF-8"
        )
    offers = {name: _decoded(sample, name) for name in _OFFERED if name != encoding}
    shown = ", ".join(
        f"{name} ({_word(text)!r})"
        for name, text in offers.items()
        if text is not None and not re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text)
    )
    fix = f"set data.table.encoding to the one that reads the text rightly: {shown}"
    return DataError(
        f"{path}{where} is not {what} text; {fix if shown else 'save the table as CSV (UTF-8)'}"
    )


def _foreign_lines(path: Path, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield the first lines that are not ASCII, with their numbers."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    number, rest = 1, b""
    with pa.input_stream(path, compression="detect") as raw:
        while block := raw.read(_BLOCK):
            block += raw.read(1) if block.endswith(b"\r") else b""  # a line break is not cut
            *lines, rest = re.split(rb"\r\n|\r|\n", rest + block)
            for line in lines:
                if not line.isascii():
                    yield number, line + b"\n"
                    most -= 1
                    if most == 0:
                        return
                number += 1
    if not rest.isascii():
        yield number, rest


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _word(text: str) -> str:
    """Return the first word that is not ASCII, shortened."""
    words = re.findall(r"[\w'.-]*[^\x00-\x7f][^\s,;|\"]*", text)
    return str(words[0])[:24] if words else text.strip()[:24]
