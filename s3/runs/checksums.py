"""Whether a run's files are as the run wrote them: `checksums.json` has the SHA-256 of each.

A file's checksum is entered after the file. So one that was cut or edited since is found when the
command runs again, and can be made again.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3.errors import UserError
from s3.storage import differing, sha256, write_json

CHECKSUMS = "checksums.json"
DAMAGED = "damaged"  # the folder with what was there before a file was made again


@dataclass(frozen=True)
class Checksums:
    """The checksums of one run's folder."""

    folder: Path

    def seal(self, *names: str) -> None:
        """Enter files, and all files within folders, now that they are whole."""
        known = self._known()
        for name in names:
            top = self.folder / name
            known = {
                one: sum_ for one, sum_ in known.items() if one not in self._below(known, name)
            }
            for path in [top] if top.is_file() else sorted(top.rglob("*")):
                if path.is_file():
                    known[path.relative_to(self.folder).as_posix()] = sha256(path)
        write_json(self.folder / CHECKSUMS, known)

    def sealed(self, name: str) -> bool:
        """Say whether a file was entered."""
        return name in self._known()

    def changed(self, name: str = "") -> list[str]:
        """Return the files that are not as they were written; those in one folder, if it is named.

        They were cut or edited, or are gone.
        """
        known = self._known()
        return differing(self.folder, self._below(known, name) if name else known)

    def keep(self, names: Sequence[str]) -> None:
        """Keep copies of files that are about to be made again, and say so."""
        for name in names:
            copy = self.folder / DAMAGED / name
            if (self.folder / name).is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.folder / name, copy)
            said = f"damaged or edited; made again, and kept as it is in {copy}"
            said = said if copy.exists() else "gone; made again"
            print(f"{self.folder / name}: {said}", file=sys.stderr)

    def _known(self) -> dict[str, str]:
        """The file's content; where it was damaged, every file counts as not entered."""
        found = mapping(self.folder / CHECKSUMS)
        return (
            found if all(re.fullmatch("[0-9a-f]{64}", str(one)) for one in found.values()) else {}
        )

    @staticmethod
    def _below(known: dict[str, str], name: str) -> dict[str, str]:
        return {
            one: sum_ for one, sum_ in known.items() if one == name or one.startswith(f"{name}/")
        }


def mapping(path: Path) -> dict[str, Any]:
    """Return the mapping that a JSON file holds; an empty one where none can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def damaged(path: Path, why: str) -> UserError:
    """Return the error for a file of a run that cannot be used."""
    first = why.strip().splitlines()[0] if why.strip() else "unreadable"
    return UserError(
        f"{path}: damaged or missing ({first}). The command that made the run makes it again where "
        "it can; fresh=true makes the whole run again."
    )
