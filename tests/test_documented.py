"""Every command of the pages is run as it is written, or listed with the reason why it is not.

`run.py` plays a single run through with `dry_run=true` and composes a sweep's jobs: nothing is
trained. The others do their work, on a run of a tiny encoder and an LLM that a local server plays.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shlex
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typer.main import get_command
from typer.testing import CliRunner

from s3.commands.app import app
from s3.composing import composed
from s3.llm.store import Account, Batch, Payment, Store
from s3.llm.types import Tokens
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.storage import read_jsonl, write_jsonl, write_text
from tests.analysis.made import made_run
from tests.commandline import Done, run_py
from tests.conftest import WEIGHTS
from tests.documented import Command, commands, fits, mentions, unrun
from tests.runs.helpers import ROOT, finished
from tests.server import FakeLLM, Manners

PLACES = {"s3 new FILE": "s3 new reviews.csv", "task=...": "task=reviews", " ...": ""}
NAMED = "rte-s3-smollm2-minilm-seed0-1a2b3c4d", "reviews-...", "messages-..."  # runs in outputs
WORDS = ("good", "great", "fine"), ("bad", "awful", "poor")  # that the tiny encoder knows
# What dry runs cannot look at: jobs of a sweep, and models and data that lie on the hub.
AFAR = ("-m", "model.weights=", "preset=paper", "+experiment=")
SLOW = re.compile(r"s3 (analyze|export|feasible|figures|report)\b|sweep=|hydra/sweeper=|--help")
RUN = [command for command in commands() if not any(fits(one, command.text) for one in unrun())]


def rated(number: int, *labels: str) -> list[dict[str, str]]:
    """Rows whose label a word of theirs tells, two of five the first one."""
    found = []
    for place in range(number):
        first = place % 5 in (2, 4)
        text = f"the film was {WORDS[first][place % 3]} and the plot of scene {place}"
        found.append({"nr": str(place), "body": text, "kind": labels[not first]})
    return found


def write_csv(path: Path, content: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(content[0]))
        table.writeheader()
        table.writerows(content)


def fence(page: str, beginning: str) -> str:
    """The YAML fence of a page that begins so."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    fences: list[str] = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (found,) = (one for one in fences if one.startswith(beginning))
    return found


def reply(prompt: str, sample: str) -> str:
    """A label or a number where one is asked for, reasons, or a text whose word tells its label."""
    drawn = hashlib.sha256(f"{prompt}{sample}".encode()).digest()
    negative = "negative" in prompt.partition("positive")[0]
    if "Which label is right" in prompt or "Which of these labels" in prompt:
        return ("positive", "negative")[drawn[0] % 2]
    if "1 or 2" in prompt:
        return "1"
    if " List " in prompt:
        return "\n".join(f"{number}. reason {number}" for number in range(1, 31))
    return f"the film was {WORDS[negative][drawn[0] % 3]} and the plot is number {drawn.hex()[:6]}"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(reply, Manners()) as server:
        yield server


@pytest.fixture(scope="module")
def made(tiny: Path, llm: FakeLLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has what the pages speak of; each command gets a copy."""
    root = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(root)
        (root / "cache").mkdir()
        (root / "cache" / "weights").symlink_to(WEIGHTS)
        here.setenv("S3_CACHE", str(root / "cache"))
        write_tasks(root)
        asked = ["llm=server", f"llm.base_url={llm.url}", "llm.model=m", "wandb.mode=disabled"]
        small = [f"model.weights={tiny}", "model.max_length=32", "model.precision=fp32"]
        for method in ("method=s3", "method=zerogen"):
            sizes = ["seed_size=32", "method.rounds=1"]
            done = run_py("task=films", method, *sizes, "root=multirun", *asked, *small)
            assert done.status == 0, done.errors
        write_beside(root)
    return root


def write_tasks(root: Path) -> None:
    """Write tasks from files, and those that the pages write by hand."""
    write_csv(root / "new.csv", rated(5, "", ""))
    write_csv(root / "reviews.csv", rated(200, "negative", "positive"))
    write_csv(root / "messages.csv", rated(120, "spam", "ham"))
    write_csv(root / "thirty.csv", rated(30, "spam", "ham"))
    write_csv(root / "texts.csv", [{"body": row["body"]} for row in rated(20, "", "")])
    for name in ("reviews", "messages", "thirty", "texts"):
        unlabelled = ["--labels", "spam,ordinary"] if name == "texts" else []
        done = CliRunner().invoke(app, ["new", f"{name}.csv", "--about", "reviews", *unlabelled])
        assert done.exit_code == 0, done.output
    task = (root / "conf" / "task" / "reviews.yaml").read_text(encoding="utf-8")
    task = task.replace("$body", "$text").replace("written: body", "written: text")
    task = task.replace("{ label: kind }", "{ text: body, label: kind }")
    write_text(root / "conf" / "task" / "films.yaml", task)
    test = root / "conf" / "task" / "reviews.test.jsonl"
    votes = {"votes": {"positive": 2, "negative": 1}, "ann_1": "positive", "ann_2": "negative"}
    annotated = [{**row, **votes, "ann_3": row["kind"]} for row in read_jsonl(test)]
    write_jsonl(test, annotated)
    emotion = fence("own_task.md", "# conf/task/emotion.yaml")
    table = fence("options.md", "# @package _global_")
    server = "defaults: [/schema/Server@_here_, _self_]\nbase_url: http://127.0.0.1:9\nmodel: m\n"
    for folder in (root / "conf", root / "mine"):
        write_text(folder / "task" / "emotion.yaml", emotion)
        write_text(folder / "llm" / "NAME.yaml", server)
        for name in ("table2", "table2_small"):
            write_text(folder / "experiment" / f"{name}.yaml", table)
    feelings = ("anger", "joy", "optimism", "sadness")
    for split in ("validation", "test"):
        write_jsonl(
            root / "emotion" / f"{split}.jsonl",
            [{"text": f"{split} of {one}", "label": one} for one in feelings],
        )


def write_beside(root: Path) -> None:
    """Write other runs, and files of rows."""
    swept = finished(root / "multirun")
    for name in ("RUN", "outputs/a", "FOLDER…/a"):
        shutil.copytree(swept[0], root / name)
    write_text(root / "multirun" / "sweep-1a2b3c4d.runs", "".join(f"{one}\n" for one in swept))
    recipe = root / "multirun" / "recipe" / "study-1a2b3c4d.yaml"
    write_text(recipe, "# @package _global_\nmodel:\n  epochs: 2\n")
    write_jsonl(root / "reviews.jsonl", [{"body": "the film was fine"}])
    pairs = [{"hypothesis": f"film {place}", "premise": f"plot {place}"} for place in range(30)]
    for name, at in (("synthetic", 0), ("train", 10), ("test", 20)):
        write_jsonl(root / f"{name}.jsonl", pairs[at : at + 10])
    CliRunner().invoke(app, ["judgements", "sheet", "ag_news", "imdb", "-o", "judgements.csv"])
    with (root / "judgements.csv").open(encoding="utf-8", newline="") as file:
        filled = [{**row, "winner": "a"} for row in csv.DictReader(file)]
    write_csv(root / "judgements.csv", filled)
    write_csv(root / "llm_judgements.csv", [{**row, "judge": "llm"} for row in filled[:1]])
    payment = Payment(
        Tokens(10, 20), 0.5, "ID", b'{"prompt": "p"}', b'{"choices": [{"text": "t"}]}'
    )
    store, account = Store(), Account("r", 1.0, "e", "m")
    store.put(account, [payment])
    store.note_batch(Batch("d", account, ("a-0",), "ID", b"{}"))
    store.database.close()


@pytest.fixture
def world(command: Command, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, with the run that the command names."""
    folder = tmp_path / "world"
    shutil.copytree(made, folder, symlinks=True)
    for name in NAMED:
        if name in command.text:
            shutil.copytree(folder / "RUN", folder / "outputs" / name)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("S3_CACHE", str(folder / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    return folder


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the served model answers to the page's request; servers end after that."""
    answers: list[str] = []
    serve = uvicorn.Server.run
    (curl,) = (one.text for one in commands() if one.text.startswith("curl"))

    def run(self: uvicorn.Server, sockets: Any) -> None:
        port = sockets[0].getsockname()[1]
        asking = shlex.split(curl.replace(":8080", f":{port}"))

        def ask() -> None:
            answers.append(subprocess.run(asking, capture_output=True, text=True).stdout)
            self.should_exit = True

        threading.Timer(0.1, ask).start()
        serve(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(socketserver.BaseServer, "serve_forever", lambda *_: None)
    return answers


def ended(words: Sequence[str]) -> Done:
    """Run a command of `s3` that is not `run`, with its files as standard input and output."""
    given = io.StringIO()
    if "<" in words:
        place = words.index("<")
        given.write(Path(words[place + 1]).read_text(encoding="utf-8"))
        words = words[:place]
    done = CliRunner().invoke(app, words, input=given.getvalue(), catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)


def split(command: Command, url: str) -> tuple[dict[str, str], list[str]]:
    """The environment that a command sets, and its words."""
    text = command.text.replace("http://localhost:8000/v1", url)
    for before, after in PLACES.items():
        text = text.replace(before, after)
    words, environment = shlex.split(text), {}
    while re.match(r"[A-Z_0-9]+=", words[0]):
        name, _, environment[name] = words.pop(0).partition("=")
    return environment, words


def is_run(words: Sequence[str]) -> bool:
    return words[1:2] in (["run.py"], ["run"]) or words[1:4] == ["-m", "s3", "run"]


RUNS = [one for one in RUN if is_run(split(one, "")[1])]
OTHERS = [one for one in RUN if one not in RUNS]


def measured(command: Command) -> Any:
    """A parameter, slow where the command takes seconds: others test by default what it does."""
    marks = pytest.mark.slow if SLOW.search(command.text) else ()
    return pytest.param(command, marks=marks, id=str(command))


def tune(words: Sequence[str]) -> Done:
    """Search for one trial; its run is one that nobody has trained."""

    def run(self: Experiment, *_: Any) -> RunFolder:
        return RunFolder(made_run(Path(str(self.root)), [True] * 8 + [False] * 2))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Experiment, "run", run)
        return run_py(*words, "hydra.sweeper.n_trials=1")


@pytest.mark.parametrize("command", map(measured, RUNS))
def test_a_run_of_the_pages_is_played_through_or_composed(
    command: Command, world: Path, llm: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, words = split(command, llm.url)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    words = words[2:] if words[1] in ("run.py", "run") else words[4:]
    if "--config-dir=mine" in words:
        shutil.rmtree("conf")
    if {"--help", "--cfg"} & set(words):
        assert run_py(*words).status == 0
    elif any(one.startswith(("sweep=", "hydra/sweeper=")) for one in words):
        done = tune(words)
        assert done.status == 0, done.errors
        assert "the best of 1 trials" in done.output
    elif any(one.startswith(AFAR) for one in words):
        for job in jobs_of(words):
            own = [one for one in words if one.startswith("--config-dir=")]
            composed(job, Path(own[0].partition("=")[2]) if own else None)
    else:
        done = run_py(*words, "dry_run=true")
        assert done.status == 0, done.errors
        assert "Nothing was sent" in done.output


def jobs_of(words: Sequence[str]) -> list[list[str]]:
    """Some of a sweep's jobs: each name that an option is given is in one of them."""
    options = (word.partition("=") for word in words if word[0] != "-")
    values = {name: value.split(",") for name, _, value in options}
    values = {name: own[:1] if own[0].isdigit() else own for name, own in values.items()}
    longest = max(map(len, values.values()), default=1)
    return [
        [f"{name}={own[place % len(own)]}" for name, own in values.items()]
        for place in range(longest)
    ]


@pytest.mark.parametrize("command", map(measured, OTHERS))
def test_a_command_of_the_pages_does_its_work(
    command: Command, world: Path, llm: FakeLLM, tiny: Path, served: list[str]
) -> None:
    _, words = split(command, llm.url)
    if words[0] == "curl":
        return  # asked of the model that is served
    words = words[words.index("s3") + 1 :]
    if words[0] == "new":
        shutil.rmtree("conf/task")
    if words[0] == "judgements" and words[1] != "rank":
        for path in Path().glob("*judgements.csv"):
            path.unlink()
    if words[0] in ("check", "preview", "feasible"):
        words += [f"model.weights={tiny}", "model.max_length=32"]
    if words[0] == "feasible":
        words += ["--texts", "16"]
    if words[0] in ("preview", "feasible") and "llm=openai" not in words:
        words += ["llm=server", "llm.model=m"]
    if any(one.startswith("llm=") for one in words):
        words.append(f"llm.base_url={llm.url}")
    done = ended(words)
    assert done.status == 0, done.output + done.errors
    assert Path(words[words.index("-o") + 1]).exists() if "-o" in words else done.output
    if words[0] == "serve":
        assert '"predictions"' in served[0]


def test_the_pages_name_commands_that_exist() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert mentions() - known == set()


def test_what_no_test_runs_is_named_by_a_page() -> None:
    texts = [command.text for command in commands()]
    assert [one for one in unrun() if not any(fits(one, text) for text in texts)] == []
