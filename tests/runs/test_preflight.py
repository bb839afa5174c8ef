"""What is looked at before the first request, in a dry run too."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commandline import Done, run_py
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def look(
    serve: Serve, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Run a command; nothing may be asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    endpoint = serve(status=500)

    def run(*options: str) -> Done:
        done = run_py(
            "llm=server", f"llm.base_url={endpoint.url}", "llm.model=test", "llm.attempts=1",
            f"model.weights={tiny}", "seed_size=4", "task.gold.validation_size=4", *options,
        )  # fmt: skip
        assert "Traceback" not in done.errors
        assert not endpoint.requests or "W&B" in done.errors
        return done

    return run


@pytest.mark.parametrize("dry", ["true", "false"])
def test_a_place_for_runs_that_cannot_be_written(look: Callable[..., Done], dry: str):
    done = look("root=file/runs", f"dry_run={dry}")
    assert done.status == 1
    assert "cannot be written" in done.errors
    assert "root=/a/folder" in done.errors


@pytest.mark.parametrize("dry", ["true", "false"])
def test_a_cache_that_cannot_be_written(
    look: Callable[..., Done], dry: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("S3_CACHE", "file/cache")
    done = look(f"dry_run={dry}")
    assert done.status == 1
    assert "S3_CACHE=/a/folder" in done.errors


@pytest.mark.parametrize("dry", ["true", "false"])
def test_a_disk_that_is_nearly_full(
    look: Callable[..., Done], dry: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(1 << 40, 1 << 40, 1 << 20))
    done = look(f"dry_run={dry}")
    assert done.status == 1
    assert "MB left" in done.errors


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        (["wandb.mode=online"], "", "needs a key"),
        (["wandb.mode=auto"], "not a key", "WANDB_API_KEY is no key"),
        (["wandb.project=a/b"], "", "Invalid project name"),
    ],
)
def test_what_wandb_would_refuse_is_said(
    look: Callable[..., Done],
    options: list[str],
    key: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("NETRC", "none")
    monkeypatch.setenv("WANDB_API_KEY", key)
    done = look(*options, "dry_run=true")
    assert done.status == 0
    assert said in done.errors
    assert look("wandb.mode=disabled", "dry_run=true").errors == ""
