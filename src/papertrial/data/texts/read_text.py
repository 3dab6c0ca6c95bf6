"""Text files, read alike for training, for prediction and for vocabularies."""

from __future__ import annotations

from papertrial.errors import DataError


def read_text(path: str) -> str:
    """Read a UTF-8 text file, without a byte order mark; line ends are kept.

    Raises:
        DataError: the file cannot be read, or is not UTF-8.
    """
    try:
        # A plain name, because creating 50,000 Path objects takes as long as reading the files.
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text: byte {error.start:,}, counted from 0, is "
            f"{content[error.start]:#04x}; save it as UTF-8"
        ) from error
