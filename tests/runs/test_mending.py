"""Files of a run that were cut or edited: made again where they can be, else named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from s3.llm.store import Store
from tests.commandline import Done, run_py
from tests.runs.helpers import finished, result
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]


class Bench:
    """A command line on a tiny encoder and a fake endpoint, run in this process."""

    def __init__(self, endpoint: FakeLLM, tiny: Path) -> None:
        self.endpoint = endpoint
        self.options = [
            "task=imdb", "llm=server", "llm.model=test", f"llm.base_url={endpoint.url}",
            "llm.input_price=1", "llm.output_price=2", f"model.weights={tiny}", "model.epochs=1",
            "model.max_length=32", "model.precision=fp32", "seed_size=8", "method.rounds=1",
            "task.gold.validation_size=8", "task.gold.test_size=6", "wandb.mode=disabled",
        ]  # fmt: skip

    def run(self, *options: str) -> Done:
        return run_py(*self.options, *options)

    @property
    def folder(self) -> Path:
        (found,) = finished(Path("outputs"))
        return found


@pytest.fixture
def bench(serve: Serve, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(serve(), tiny)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"0", b"7").replace(b"word", b"mine"))


def other(path: Path) -> None:
    path.write_text('{"train": [3], "rounds": 7, "metrics": []}')


FILES = [
    "summary.json", "config.yaml", "identity.json", "rounds/00/metrics.json",
    "rounds/01/added.jsonl", "rounds/01/train.json", "rounds/00/predictions_test.jsonl",
    "data/train.parquet", "model/config.json", "model/model.safetensors",
]  # fmt: skip


@pytest.mark.parametrize("damage", [cut, pytest.param(other, marks=pytest.mark.slow)])
def test_a_finished_run_makes_damaged_files_again_and_asks_nothing(
    bench: Bench, damage: Callable[[Path], None]
):
    assert bench.run().status == 0
    made, sent = result(bench.folder), len(bench.endpoint.requests)
    for name in FILES:
        damage(bench.folder / name)
    mended = bench.run()
    assert mended.status == 0, mended.errors
    assert all(f"{bench.folder / name}: damaged" in mended.errors for name in FILES)
    assert (result(bench.folder), len(bench.endpoint.requests)) == (made, sent)
    assert "finished before" in bench.run().output


def test_an_edited_row_is_kept_beside_what_is_made_again(bench: Bench):
    bench.run()
    path, made = bench.folder / "rounds/01/added.jsonl", result(bench.folder)
    edit(path)
    edited = path.read_bytes()
    assert bench.run().status == 0
    assert result(bench.folder) == made
    assert (bench.folder / "damaged/rounds/01/added.jsonl").read_bytes() == edited
    assert "finished before" in bench.run().output


def test_what_only_paying_again_could_make_is_named(bench: Bench):
    bench.run()
    sent = len(bench.endpoint.requests)
    edit(bench.folder / "rounds/01/added.jsonl")
    Store().database.execute("DELETE FROM completions")
    done = bench.run()
    assert done.status == 1
    assert "rounds/01/added.jsonl" in done.errors
    assert "fresh=true asks anew" in done.errors.splitlines()[-1]
    assert len(bench.endpoint.requests) == sent
    assert bench.folder


@pytest.mark.parametrize(
    "names",
    [
        ("rounds/00/metrics.json", "attempt.json", "trainings/*/training.json"),
        ("rounds/00/added.jsonl", "config.yaml", "trainings/*/model.safetensors"),
        ("checksums.json",),
    ],
)
@pytest.mark.parametrize("damage", [cut, pytest.param(other, marks=pytest.mark.slow)])
def test_an_interrupted_run_goes_on_from_damaged_files(
    bench: Bench,
    names: tuple[str, ...],
    damage: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
):
    bench.run("root=whole")
    sent = len(bench.endpoint.requests)
    real = os.replace

    def stop(source: Path, target: Path) -> None:
        if "01/metrics" in str(target):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", stop)
    assert bench.run().status == 130
    monkeypatch.setattr(os, "replace", real)
    for name in names:
        for path in list(Path("outputs").glob(f"*/{name}")):
            damage(path)
    done = bench.run()
    assert done.status == 0, done.errors
    (whole,) = finished(Path("whole"))
    (rows, *rest), (wanted, *others) = result(bench.folder), result(whole)
    for row in (*rows, *wanted):
        del row["llm/cost"]  # the first run alone has paid
    assert (rows, rest) == (wanted, others)
    assert len(bench.endpoint.requests) == sent
    assert "finished before" in bench.run().output


def test_a_damaged_checkpoint_only_costs_the_training(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    import s3.student.lightning.checkpoint as checkpoint

    bench.run("root=whole", "model.training=finetune")
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    real = checkpoint.save_file

    def stop(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        os.replace(arguments[1], str(arguments[1]).removesuffix(".partial"))
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", stop)
    options = "model.training=finetune", "model.batch_size=4"
    assert bench.run(*options).status == 130
    monkeypatch.setattr(checkpoint, "save_file", real)
    (saved,) = Path("outputs").glob("*/trainings/*/checkpoint/last.safetensors")
    cut(saved)
    done = bench.run(*options)
    assert done.status == 0, done.errors
    assert "last.safetensors: damaged" in done.errors


def test_a_run_that_has_no_checksums_is_found_and_its_summary_mended(bench: Bench):
    bench.run()
    made, summary = result(bench.folder), bench.folder / "summary.json"
    (bench.folder / "checksums.json").unlink()
    assert "finished before" in bench.run().output
    cut(summary)
    assert bench.run().status == 0
    assert result(bench.folder)[1:] == made[1:]  # which round paid what is not known any more


def test_a_model_that_was_thrown_away_is_not_missed(bench: Bench):
    bench.run()
    for path in list((bench.folder / "model").iterdir()):
        path.unlink()
    (bench.folder / "model").rmdir()
    assert "finished before" in bench.run().output


def test_fresh_moves_what_is_there_aside(bench: Bench):
    bench.run()
    notes = bench.folder / "notes.txt"
    notes.write_text("mine")
    done = bench.run("fresh=true")
    assert done.status == 0
    (old,) = Path("outputs").glob("*-old-1")
    assert f"is now {old}" in done.errors
    assert (old / "notes.txt").read_text() == "mine"
    assert (old / "summary.json").exists()
    bench.run("fresh=true")
    assert len(list(Path("outputs").glob("*-old-?"))) == 2
