"""Every task and every method, tiny, by the command line; and a task of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.author import question, rationales
from tests.runs.helpers import ROOT, finished
from tests.server import FakeLLM

OWN = ROOT / "experiments" / "own_task" / "conf"
METHODS = ["gold", "zerogen", "goldgen", "progen"]


def reply(prompt: str, sample: str) -> str:
    """List reasons where they are asked for; else ask a question, which every task takes."""
    return (rationales if "reasons" in prompt else question)(prompt, sample)


def run(folder: Path, weights: Path, *options: str) -> dict[str, Path]:
    """Run `run.py` against an author; return the folders made, by the first part of their names."""
    with FakeLLM(reply) as author:
        given = [
            "llm=server", f"llm.base_url={author.url}", "llm.model=author", "seed_size=12",
            f"model.weights={weights}", "model.max_length=96", "model.epochs=1",
            "task.gold.validation_size=12", "task.gold.test_size=10", "wandb.mode=disabled",
        ]  # fmt: skip
        command = [sys.executable, str(ROOT / "run.py"), *options, *given]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    roots = finished(folder / "multirun") + finished(folder / "outputs")
    return {"-".join(path.name.split("-")[:2]): path for path in roots}


def rounds(folder: Path) -> list[dict[str, float]]:
    found = json.loads((folder / "summary.json").read_text())["rounds"]
    assert all(row["data/size"] > 0 for row in found)
    return found


@pytest.mark.slow
def test_every_task_runs_to_the_end(tiny: Path, tmp_path: Path) -> None:
    tasks = ["rte", "imdb", "qnli", "adversarial_qa"]
    options = ["method.rounds=1", "llm.protocol=completions"]  # as the default LLM is asked
    made = run(tmp_path, tiny, "-m", f"task={','.join(tasks)}", *options)
    assert sorted(made) == sorted(f"{task}-s3" for task in tasks)
    for name, folder in made.items():
        first, second = rounds(folder)
        assert second["data/size"] == first["data/size"] + second["data/added"]
        assert second["data/added"] > 0
        labelled = {"accuracy", "macro_f1", "majority"}
        wanted = {"em", "f1"} if name == "adversarial_qa-s3" else labelled
        assert {key.removeprefix("test/") for key in second if key.startswith("test/")} == wanted


@pytest.mark.slow
def test_every_method_runs_to_the_end(tiny: Path, tmp_path: Path) -> None:
    made = run(tmp_path, tiny, "-m", "task=imdb", "method=zerogen,goldgen", "method.size=20")
    fed = ["method.size=20", "method.first=8", "method.held_out=8"]  # feedback after eight
    made |= run(tmp_path, tiny, "task=imdb", "method=progen", *fed)
    assert [row["data/size"] for row in rounds(made["imdb-progen"])] == [8, 20]
    made |= run(tmp_path, tiny, "task=imdb", "method=gold")
    assert sorted(made) == sorted(f"imdb-{method}" for method in METHODS)
    sizes = {name: rounds(folder)[-1]["data/size"] for name, folder in made.items()}
    # Gold Data keeps a fifth of its 12 aside to choose the epoch by.
    assert sizes == {"imdb-gold": 10, "imdb-zerogen": 20, "imdb-goldgen": 20, "imdb-progen": 20}


@pytest.fixture
def emotion(tmp_path: Path) -> Path:
    """A folder with the files that the worked example's YAML names."""
    (tmp_path / "emotion").mkdir()
    labels = ["anger", "joy", "optimism", "sadness"]
    for name in ("validation", "test"):
        rows = [{"text": f"a {name} tweet number {i}", "label": labels[i % 4]} for i in range(12)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "emotion" / f"{name}.jsonl").write_text(lines)
    return tmp_path


def test_the_docs_show_the_worked_example() -> None:
    shown = (ROOT / "docs" / "own_task.md").read_text()
    assert (OWN / "task" / "emotion.yaml").read_text() in shown


def test_a_task_of_ones_own_runs_to_the_end(emotion: Path, tiny: Path) -> None:
    made = run(emotion, tiny, f"--config-dir={OWN}", "task=emotion", "method.rounds=1")
    _, last = rounds(made["emotion-s3"])
    assert last["data/added"] > 0
    rows = [json.loads(line) for line in (made["emotion-s3"] / "rounds/00/added.jsonl").open()]
    assert {row["target"] for row in rows} == {"anger", "joy", "optimism", "sadness"}
    assert all(row["origin"]["rationales"] for row in rows)
