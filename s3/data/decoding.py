"""The text of a file: unpacked, decoded, without marks; what is odd about it is said or refused."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from s3.errors import UserError
from s3.progress import note

# By the byte-order mark that a file begins with. UTF-32's first: UTF-16's is the start of one.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LOOKED_AT = 400  # bytes at the start of a file that show whether it is UTF-16 without a mark


def read_text(path: Path) -> str:
    """Return a file's text, as `lines` reads it."""
    return "".join(lines(path))


def lines(path: Path) -> Iterator[str]:
    """Yield a file's lines with their ends, one in memory at a time; unpacked if it ends in .gz.

    Otherwise as `decoded`. Raises UserError where it cannot be read.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield from decoded(file, str(path))
    except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
        raise UserError(f"{path}: cannot be read ({error}).") from None


def decoded(file: BufferedReader[Any] | gzip.GzipFile, name: str) -> Iterator[str]:
    """Yield the lines of a text: UTF-8, or UTF-16 and UTF-32 with their mark.

    Marks are taken off, however many there are; line ends stay as they are. Raises UserError, with
    the line, for bytes that are no text.
    """
    start = file.peek(LOOKED_AT)[:LOOKED_AT]
    encoding = next((encoding for mark, encoding in MARKS if start.startswith(mark)), "utf-8")
    if encoding != "utf-8":
        note(name, f"read as {encoding.upper()}, by the mark at its start")
    elif start.count(0) > len(start) / 5:
        raise UserError(
            f"{name}: not a text in UTF-8: every few bytes one is zero, as in UTF-16 without its "
            "mark, or in a file that is no text. Save it as UTF-8."
        )
    text = io.TextIOWrapper(file, encoding, newline="")
    number = 0
    try:
        for number, line in enumerate(text, 1):
            yield line.lstrip("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:  # in the bytes that follow the lines read so far
        place = number + 1 + error.object.count(b"\n", 0, error.start)
        raise UserError(
            f"{name}:{place}: not a text in {encoding.upper()} ({error.reason}). Save the file as "
            "UTF-8: spreadsheets call it 'CSV UTF-8'."
        ) from None
    finally:
        text.detach()  # else it would close what is not its own
