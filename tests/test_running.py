"""`s3.run`: the command line's folder from Python, with exceptions in place of exit statuses."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

import s3
from s3.errors import ConfigError
from s3.overrides import words
from s3.runs.reading import Run
from tests.author import sentence
from tests.commandline import run_py
from tests.runs.helpers import ROOT, result
from tests.runs.lab import Lab
from tests.server import FakeLLM, Manners

RTE = (ROOT / "s3" / "conf" / "task" / "rte.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def options(tiny: Path, tmp_path: Path) -> list[str]:
    return [
        *Lab(tiny, tmp_path).options,
        "model.epochs=1",
        "method.rounds=1",
        "wandb.mode=disabled",
    ]


def test_python_and_the_command_line_make_the_same_folder(
    serve: Callable[..., FakeLLM], options: list[str]
) -> None:
    endpoint = serve()
    url = {"llm.base_url": endpoint.url}
    run = s3.run(*options, task="rte", method="s3", root="here", **url)
    assert run is not None
    command = [*options, f"llm.base_url={endpoint.url}", "task=rte", "method=s3", "root=there"]
    assert run_py(*command).status == 0
    (path,) = Path("there").glob("*/summary.json")
    assert run.name == path.parent.name
    assert result(run.path)[1:] == result(path.parent)[1:]  # the first has paid, the second not
    assert {**run.config, "root": "there"} == Run.open(path.parent).config
    assert run.summary["options"] == Run.open(path.parent).summary["options"]
    assert (run.path / "report.html").exists()
    sent = len(endpoint.requests)
    again = s3.run(*options, task="rte", method="s3", root="there", **url)
    assert again is not None
    assert again.path == path.parent
    assert len(endpoint.requests) == sent
    assert set(s3.load(again).predict([("a film", "a plot")])) <= {"entailment", "not_entailment"}


def test_ctrl_c_leaves_what_the_same_call_continues(options: list[str]) -> None:
    asked: list[str] = []

    def rule(prompt: str, sample: str) -> str:
        asked.append(prompt)
        if len(asked) == 8:
            _thread.interrupt_main()
        return sentence(prompt, sample)

    with FakeLLM(rule, Manners()) as endpoint:
        call: dict[str, Any] = {"task": "rte", "method": "zerogen", "llm.base_url": endpoint.url}
        chosen = [one for one in options if not one.startswith("method.")]
        with pytest.raises(KeyboardInterrupt):
            s3.run(*chosen, **call)
        before = len(asked)
        run = s3.run(*chosen, **call)
    assert run is not None
    assert before >= 8
    assert len(run.rounds[0].train) == 12
    assert len(asked) < 2 * before + 12


@pytest.mark.parametrize(
    ("overrides", "named", "said"),
    [
        ([], {"method": "nosuch"}, "method=nosuch: no such option"),
        ([], {"tusk": "rte"}, "Did you mean task?"),
        ([], {"method.ronds": 3}, "Did you mean method.rounds?"),
        ([], {"method": {"ronds": 3}}, "Did you mean method.rounds?"),
        ([], {"seed": -1}, "seed must be at least 0"),
        ([], {"seed": [1, 2]}, "seed: Value"),
        (["-m"], {}, "-m: s3.run takes name=value alone"),
        (["sweep=method"], {}, "sweep= is for many runs"),
        ([], {"config_dir": "nowhere"}, "config_dir=nowhere: there is no such folder"),
        ([], {"task.name": "sk-abcdefghijklmnopqrstuvwxyz"}, "what looks like a key"),
    ],
)
def test_a_mistake_is_an_exception_that_says_it(
    overrides: list[str], named: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said.replace(".", r"\.").replace("?", r"\?")):
        s3.run(*overrides, **named)


def test_a_dry_run_shows_what_would_be_asked_and_makes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert s3.run(task="rte", dry_run=True, **{"method.rounds": 1}) is None
    assert "Nothing was sent" in capsys.readouterr().out
    assert not Path("outputs").exists()


def test_a_programs_own_hydra_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "main.yaml").write_text("place: ${oc.env:PLACE}\n")
    monkeypatch.setenv("PLACE", "here")
    with initialize_config_dir(str(tmp_path / "theirs"), version_base="1.2"):
        s3.run(task="rte", method="gold", dry_run=True)
        assert compose("main").place == "here"


@pytest.mark.parametrize("way", ["conf", "mine"])
def test_yaml_files_of_ones_own_are_found(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = Path(way, "task", "own.yaml")
    own.parent.mkdir(parents=True)
    own.write_text(RTE, encoding="utf-8")
    folder = {} if way == "conf" else {"config_dir": way}
    with pytest.raises(ConfigError, match=r"model\.epochs"):  # said of what is composed
        s3.run(task="own", method="gold", **folder, **{"model.epochs": 0})
    flags = [] if way == "conf" else [f"--config-dir={way}"]
    assert "own, " in run_py(*flags, "--help").output
    own.rename(own.with_name("rte.yaml"))
    with pytest.raises(ConfigError, match=r"task/rte\.yaml: .* has that name, too"):
        s3.run(task="rte", dry_run=True, **folder)


VALUES = [
    None, True, 3, 1e-05, 0.5, "rte", "20news", "a b", "it's", 'say "a"', "back\\slash", "\\",
    "\\'",
    "null", "NULL", "True", "1e3", "010", "inf", "", "a,b", "{x}", "../data", "a=b", "$x", "#", "é",
    ["a", "b c"], ["it's", 1, None], [], Path("/a/b"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_as_it_was_given(value: Any) -> None:
    (word,) = words({"name": value})
    read = OverridesParser.create().parse_override(word).value()
    wanted = str(value) if isinstance(value, Path) else value
    assert OmegaConf.create({"read": getattr(read, "text", read)}).read == wanted
    assert type(getattr(read, "text", read)) is type(wanted)
