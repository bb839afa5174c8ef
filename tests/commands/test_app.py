"""The command line as a whole: quick help, wrong commands, the version, Ctrl-C."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib

import pytest
from typer.testing import CliRunner

import s3
from s3.commands import app as door
from s3.errors import UserError
from tests.runs.helpers import ROOT

HEAVY = {"torch", "transformers", "datasets", "pytorch_lightning", "wandb", "openai", "xllamacpp"}
HEAVY |= {
    "hydra",
    "pandas",
    "scipy",
    "omegaconf",
    "numpy",
    "pyarrow",
    "datasketch",
    "aiohttp",
    "rich",
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command", [[], ["audit"], ["compare"], ["runs"], ["store"], ["store", "prune"]]
)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys; from s3.commands.app import app\n"
        f"try: app({[*command, '--help']})\n"
        f"finally: print('heavy:', sorted(set(sys.modules) & {HEAVY}))"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert done.stdout.startswith("Usage:")


def test_python_m_s3_lists_every_command() -> None:
    done = python("-m", "s3", "--help")
    files = {path.stem for path in (ROOT / "s3" / "commands").glob("*.py")} - {"__init__", "app"}
    listed = {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines()[1:]}
    assert listed == files


def test_the_installed_script_is_this_command_line() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["s3"].partition(":")
    assert getattr(importlib.import_module(module), name) is door.main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["adit"], "No such command 'adit'"),
        (["audit"], "Missing argument 'FILE'"),
        (["audit", "x", "--gold", "y", "--near", "2"], "'--near'"),
        (["store", "prune", "--older", "week"], "'--older'"),
    ],
)
def test_wrong_options_exit_with_2(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(door.app, arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_version_is_shown() -> None:
    done = CliRunner().invoke(door.app, ["--version"])
    assert (done.exit_code, done.stdout.strip()) == (0, s3.__version__)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make `store size` fail in the way given, under the real command line."""

    def store() -> None:
        raise error

    monkeypatch.setattr("s3.llm.store.Store", store)
    monkeypatch.setattr(sys, "argv", ["s3", "store", "size"])


def test_a_users_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, UserError("the disk is full"))
    assert door.main() == 1
    assert capsys.readouterr().err == "error: the disk is full\n"


def test_ctrl_c_ends_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(SystemExit) as ended:
        door.main()
    assert ended.value.code == 130
    assert "Traceback" not in capsys.readouterr().err
