"""LLM disagreement as a stand-in for annotators: a fake LLM that is sure of some rows alone."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from s3.commands.app import app
from s3.tasks.classification import named_label
from tests.analysis.test_agreement import ROWS, SURE, runs
from tests.server import FakeLLM

__all__ = ["runs"]  # the fixture: test rows of which gold's models know the sure ones


def said(runs: Path, fake: FakeLLM | None, *more: str) -> Result:
    options = [f"llm.base_url={fake.url}", "llm.model=m", "llm=server"] if fake else []
    command = ["agreement", str(runs), *options, "--format", "csv", *more]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def sure_of_some(prompt: str, seed: str) -> str:
    row = int(re.findall(r"\d+", prompt)[0])
    drawn = int(hashlib.sha256(f"{row}{seed}".encode()).hexdigest(), 16) % 2
    return "Label: positive." if SURE[row] or drawn else "It is negative, I think."


def test_the_curve_is_that_of_the_llms_samples_and_named_a_stand_in(runs: Path, tmp_path: Path):
    with FakeLLM(sure_of_some) as fake:
        figure = tmp_path / "curve.svg"
        done = said(runs, fake, "--samples", "8", "--figure", str(figure))
        assert len(fake.requests) == 8 * ROWS  # once for all runs
        asked = [one["messages"][-1]["content"] for one in fake.requests]
        orders = ["positive, negative.", "negative, positive."]
        assert [sum(order in one for one in asked) for order in orders] == [4 * ROWS, 4 * ROWS]
        again = said(runs, fake, "--samples", "8")
        assert len(fake.requests) == 8 * ROWS  # the store has them
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert again.stdout == done.stdout
    assert {row["agreement_of"] for row in rows} == {"LLM disagreement (stand-in)"}
    learnt = [row for row in rows if row["method"] == "gold"]
    assert learnt[0]["rows"] == "60"
    sure = learnt[-1]
    assert float(sure["agreement"]) == 1
    assert 40 <= int(sure["rows"]) <= 44  # and those of which all samples fell alike
    assert float(sure["test"]) > float(learnt[0]["test"])
    assert "60 rows 8 times; 0 of 480 replies named no label" in done.stderr
    assert "LLM disagreement" in figure.read_text()


def test_replies_that_name_no_label_are_counted_and_no_votes(runs: Path):
    with FakeLLM(lambda prompt, seed: "positive" if int(seed) % 4 else "Who knows?") as fake:
        done = said(runs, fake, "--samples", "6")
    assert re.search(r"; [1-9]\d* of 360 replies named no label", done.stderr)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert max(float(row["agreement"]) for row in rows) <= 1
    assert min(float(row["agreement"]) for row in rows) < 1


def test_an_llm_that_takes_the_first_label_is_not_taken_for_a_sure_one(runs: Path):
    with FakeLLM(lambda prompt, seed: re.findall(r"fits\? (\w+)", prompt)[0]) as fake:
        done = said(runs, fake, "--samples", "6")
    assert {row["agreement"] for row in csv.DictReader(io.StringIO(done.stdout))} == {"0.5"}


def test_annotators_and_a_stand_in_are_not_mixed(runs: Path):
    assert "name one of both" in said(runs, None).stderr
    with FakeLLM(sure_of_some) as fake:
        assert "name one of both" in said(runs, fake, "--columns", "votes").stderr
        assert "sample above 0" in said(runs, fake, "llm.temperature=0").stderr
        assert not fake.requests


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("entailment", "entailment"), ("Not entailment.", "not_entailment"),
        ("not_entailment", "not_entailment"), ("**Label:** entailment", "entailment"),
        ("I would say not entailment", "not_entailment"), ("entailment or not entailment", ""),
        ("between entailment and not entailment", ""), ("entailments", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_label_is_read_whole(reply: str, label: str):
    assert named_label(reply, {one: one for one in ("entailment", "not_entailment")}) == label
