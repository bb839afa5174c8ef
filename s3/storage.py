"""Files that appear whole or not at all, digests of content, and the cache's place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedRandom
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TextIO

from s3.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

OWN = Path("conf")  # a person's own YAML files, in the folder that a command is given in
BATCH = 10_000  # rows that are packed into a table at a time


def cache_folder() -> Path:
    """The user's cache folder of this project; `S3_CACHE` moves it.

    Raises UserError where nothing says where that is.
    """
    if given := os.environ.get("S3_CACHE"):
        return Path(given)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3-synthesis"
    except RuntimeError:  # no HOME, and the user is in no list of users
        raise UserError("There is no home folder for the cache: set S3_CACHE=/a/folder.") from None


def nameless() -> BufferedRandom:
    """Return a new file of the cache folder that has no name.

    So it goes with whoever holds it, however the process ends. Raises OSError where there can be
    none.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    return TemporaryFile(dir=cache_folder())


def digest(content: Any) -> str:
    """Return 16 hex digits that identify JSON-like content."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def digest_of(texts: Iterable[str]) -> str:
    """Return `digest` of a list of texts, which are taken one by one."""
    found, before = hashlib.sha256(), "["
    for text in texts:
        said = before + json.dumps(text, ensure_ascii=False)
        found.update(said.encode(errors="backslashreplace"))
        before = ", "
    found.update(b"]" if before == ", " else b"[]")
    return found.hexdigest()[:16]


def sha256(path: Path) -> str:
    """Return the hex digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differing(folder: Path, checksums: Mapping[str, str]) -> list[str]:
    """Return which files of a folder are gone or not as their checksums say."""
    return [
        name
        for name, known in checksums.items()
        if not (folder / name).is_file() or sha256(folder / name) != known
    ]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; what is written there appears at `path` whole, or not at all.

    Raises UserError where it cannot be written: the disk is full, the folder read-only.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except Exception as error:
        # What was begun takes up the room that is lacking.
        with suppress(OSError):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
        # safetensors has an error of its own for what the system refuses.
        if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":
            raise UserError(
                f"{path}: could not be written ({error}). Nothing paid for is lost: the same "
                "command continues once there is room and a folder that can be written to."
            ) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file. What UTF-8 has no form for is written as JSON's escape, `\\ud800`."""
    with whole(path) as partial, _text(partial) as file:
        file.write(text)


def _text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="backslashreplace")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON Lines."""
    with whole(path) as partial, _text(partial) as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_json(path: Path, content: Any) -> None:
    """Write JSON."""
    with whole(path) as partial, _text(partial) as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as Parquet; what is held meanwhile is a batch of them.

    All have the columns of the first batch, whose rows say their types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rest = iter(rows)
    batch = list(islice(rest, BATCH))
    schema = _typed(pa.Table.from_pylist(batch).schema)
    with whole(path) as partial, pq.ParquetWriter(partial, schema) as file:
        while batch:
            file.write_table(pa.Table.from_pylist(batch, schema))
            batch = list(islice(rest, BATCH))


def _typed(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which a column or list without a value, so without a type, has texts."""
    import pyarrow as pa

    types = {pa.null(): pa.string(), pa.list_(pa.null()): pa.list_(pa.string())}
    return pa.schema([(one.name, types.get(one.type, one.type)) for one in schema])
