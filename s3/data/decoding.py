"""The text of a file: unpacked, decoded, without marks; what is odd about it is said or refused."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

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
    """Return a file's text: UTF-8, or UTF-16 and UTF-32 with their mark; gzipped if it ends in .gz.

    Marks are taken off, however many there are; line ends stay as they are. Raises UserError, with
    the line, for bytes that are no text.
    """
    content = _bytes(path)
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    if encoding != "utf-8":
        note(str(path), f"read as {encoding.upper()}, by the mark at its start")
    elif content[:LOOKED_AT].count(0) > len(content[:LOOKED_AT]) / 5:
        raise UserError(
            f"{path}: not a text in UTF-8: every few bytes one is zero, as in UTF-16 without its "
            "mark, or in a file that is no text. Save it as UTF-8."
        )
    try:
        return content.decode(encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: not a text in {encoding.upper()} ({error.reason}). Save the file as "
            "UTF-8: spreadsheets call it 'CSV UTF-8'."
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix.lower() == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
        raise UserError(f"{path}: cannot be read ({error}).") from None
