"""The trial before a whole run: what the LLM labels, the verdict, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.data.gold import BUNDLE
from s3.errors import UserError
from s3.feasibility import GOLD, LLM_ITSELF, MADE, Trial, halves, verdict
from tests.author import composed, sentence
from tests.server import FakeLLM, Manners


def trial(name: str, right: int, rows: int = 100, size: int = 80) -> Trial:
    """A trial that is right on the first so many rows."""
    answers = [
        {"id": str(i), "target": "a", "predicted": "a" if i < right else "b"} for i in range(rows)
    ]
    return Trial(name, size, answers)


@pytest.mark.parametrize(
    ("itself", "written", "gold", "says"),
    [
        (50, 70, 72, "worth it"),  # level with gold within chance
        (50, 80, 60, "worth it"),
        (90, 65, 90, "doubtful"),  # it teaches, but gold teaches more beyond chance
        (80, 52, 70, "doubtful"),  # the LLM knows, what it writes does not show it
        (55, 55, 70, "not"),
    ],
)
def test_the_verdict_is_by_the_rule(itself: int, written: int, gold: int, says: str) -> None:
    few, zero = MADE
    trials = [trial(LLM_ITSELF, itself), trial(few, 50), trial(zero, written), trial(GOLD, gold)]
    found, why = verdict({one.name: one for one in trials}, 0.5)
    assert found == says
    assert f"teach {written} %" in why
    assert "always guessing gives 50 %" in why


def test_the_halves_share_no_row_and_few_rows_are_refused() -> None:
    experiment = composed("task=rte")
    gold = experiment.task.load(0)
    first, second = halves(gold, experiment.task, 0)
    premises = [{one.fields["premise"] for one in half} for half in (first, second)]
    assert not premises[0] & premises[1]
    assert len(first) + len(second) == len(gold.validation)
    gold.validation[10:] = []
    with pytest.raises(UserError, match="gold validation has 10 rows: 20 are needed"):
        halves(gold, experiment.task, 0)
    spans = composed("task=adversarial_qa").task
    with pytest.raises(UserError, match="answers are spans"):
        halves(spans.load(0), spans, 0)


@pytest.mark.parametrize("knows", [True, False])
def test_the_command_scores_an_llm_that_knows_and_one_that_guesses(
    knows: bool, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (BUNDLE / "imdb" / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {row["text"][:40]: row["label"] for row in map(json.loads, lines)}

    def author(prompt: str, sample: str) -> str:
        if "Which label is right" not in prompt:
            return sentence(prompt, sample)
        asked = prompt.rpartition("text: ")[2][:40]
        return str(gold[asked]) if knows else "I cannot say"

    with FakeLLM(author, Manners(model="author")) as fake:
        options = [
            "task=imdb", "llm=server", "llm.model=author", f"llm.base_url={fake.url}",
            f"model.weights={tiny}", "model.max_length=64", "task.gold.validation_size=48",
        ]  # fmt: skip
        done = CliRunner().invoke(app, ["feasible", *options, "--texts", "16"])
    assert done.exit_code == 0, (done.stderr, done.exception)
    scores: dict[str, Any] = {
        name: next(line for line in done.stdout.splitlines() if line.startswith(f"  {name}"))
        for name in (LLM_ITSELF, *MADE, GOLD)
    }
    assert f"{100.0 if knows else 0.0} " in scores[LLM_ITSELF]
    assert scores[GOLD].split()[3:5] == ["24", "rows"]
    assert "on 24 gold validation rows" in done.stdout
    said = ("doubtful: ", "worth it: ") if knows else ("not: ", "worth it: ")
    assert any(f"\n{one}" in done.stdout for one in said)
