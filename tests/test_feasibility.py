"""The trial before a whole run: what the LLM labels, the verdict, the command."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.data.example import Example
from s3.data.gold import BUNDLE
from s3.errors import UserError
from s3.feasibility import SHUFFLES, halves, shuffled, similarities
from s3.verdict import FEW_SHOT, GOLD, LLM_ITSELF, ZERO_SHOT, Trial, chance, verdict
from tests.author import composed, sentence
from tests.server import FakeLLM, Manners, asked_text

MADE = (ZERO_SHOT, FEW_SHOT)
LEVEL = [0.2, 0.8, *[0.6] * 17]  # of shuffled labels, one of which reaches 80 per cent


def trial(
    name: str, right: int, rows: int = 100, size: int = 80, shuffled: Sequence[float] = ()
) -> Trial:
    """A trial that is right on the first so many rows."""
    answers = [
        {"id": str(i), "target": "a", "predicted": "a" if i < right else "b"} for i in range(rows)
    ]
    return Trial(name, size, answers, shuffled=shuffled)


@pytest.mark.parametrize(
    ("itself", "written", "shuffled", "gold", "says", "because"),
    [
        (80, 70, [0.6] * 19, 72, "worth it", ""),  # level with gold within chance
        (65, 80, [0.7] * 19, 60, "worth it", ""),
        (80, 70, (), 72, "worth it", ""),  # a fine-tuning has no control
        (50, 80, [0.6] * 19, 60, "doubtful", "not to be trusted"),
        (90, 65, [0.5] * 19, 90, "doubtful", "less than the gold rows"),
        (80, 52, (), 70, "doubtful", "no more than guessing. Other prompts"),
        (80, 52, [0.4] * 19, 70, "doubtful", "not yet beyond guessing"),
        (80, 79, LEVEL, 70, "doubtful", "shuffled (20 to 80 %, p 0.10 for"),
        (55, 55, [0.4] * 19, 70, "doubtful", "not to be trusted"),  # as emotion with a small LLM
        (55, 55, (), 70, "not", "no more than guessing"),
        (40, 79, LEVEL, 73, "not", "shuffled (20 to 80 %, p 0.10 for"),  # as rte with a small LLM
    ],
)
def test_the_verdict_is_by_the_rule(
    itself: int, written: int, shuffled: Sequence[float], gold: int, says: str, because: str
) -> None:
    zero, few = MADE
    trials = [
        trial(LLM_ITSELF, itself), trial(few, 50, shuffled=[0.3] * len(shuffled)),
        trial(zero, written, shuffled=shuffled), trial(GOLD, gold),
    ]  # fmt: skip
    found, why = verdict({one.name: one for one in trials}, 0.5)
    assert found == says
    assert f"teach {written} %" in why
    assert "always guessing gives 50 %" in why
    assert because in why


def test_the_better_set_is_held_against_the_better_of_each_draw() -> None:
    zero, few = trial("zero", 79, shuffled=[0.2, 0.8, 0.2]), trial("few", 79, shuffled=[0.3] * 3)
    assert chance([few]) == 0.25
    assert chance([few, zero]) == 0.5
    assert chance([trial("fine-tuned", 79)]) is None


def test_shuffled_rows_have_the_same_texts_and_label_shares_in_orders_that_differ() -> None:
    rows = [Example({"text": str(i)}, "ab"[i % 2]) for i in range(40)]
    drawn = list(shuffled(rows, 0))
    labels = {tuple(str(one.target) for one in some) for some in drawn}
    assert len(labels) == SHUFFLES == 19
    for some in drawn:
        assert [one.fields for one in some] == [one.fields for one in rows]
        assert Counter(one.target for one in some) == {"a": 20, "b": 20}
    assert labels == {tuple(str(one.target) for one in some) for some in shuffled(rows, 0)}


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
        if "Which of these labels fits" in prompt:
            return "positive"
        if "Which label is right" not in prompt:
            return sentence(prompt, sample)
        asked = prompt.rpartition("text: ")[2][:40]
        return str(gold[asked]) if knows else "I cannot say"

    with FakeLLM(author, Manners(model="author")) as fake:
        options = [
            "task=imdb", "llm=server", "llm.model=author", f"llm.base_url={fake.url}",
            "llm.input_price=1", "llm.output_price=2", f"model.weights={tiny}",
            "model.max_length=64", "task.gold.validation_size=48",
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
    for name in (*MADE, GOLD):
        assert -1 < float(scores[name].rpartition("similarity to gold ")[2]) < 1
    for name in MADE:
        least, most = map(int, re.findall(r"shuffled (\d+) to (\d+)", scores[name])[0])
        assert 0 <= least <= most <= 100
    above = max(float(re.search(r"([\d.]+) to", scores[name])[1]) for name in MADE) > 50
    taught = above and "labels shuffled (" not in done.stdout
    said = ("worth it", "doubtful") if taught else ("doubtful",) if knows else ("not",)
    assert "LLM disagreement (stand-in): its most frequent label has 100 % of 5 samples" in (
        done.stdout
    )
    assert done.stdout.partition("\nA whole run")[2].split("\n")[2].startswith(said)
    first = done.stdout.splitlines()[0]
    likely, most = map(float, re.findall(r"\$([\d.]+\d)", first))
    letters = sum(map(len, map(asked_text, fake.requests)))
    letters += 2 * sum(len(text) * times for text, times in fake.answered.items())
    assert likely / 2 < letters / 4 / 1e6 < most  # four letters a token, dollars a million


def test_similarity_is_of_equal_numbers_and_of_gold_to_what_was_trained_on() -> None:
    gold = [Example({"text": text}, "a") for text in ("A cat sat.", "A dog ran.", "It rained.")]
    far = [Example({"text": f"Shares fell by {i} per cent."}, "a") for i in range(9)]
    near, other = (Trial(name, len(one), [], one) for name, one in (("near", gold), ("far", far)))
    task = composed("task=imdb").task
    found = similarities(task, [trial(LLM_ITSELF, 50), near, other], gold, 0)
    assert list(found) == ["near", "far"]
    assert found["near"] > found["far"] + 0.1
    many = similarities(task, [near, Trial("far", 3, [], far[:3])], gold, 0)
    assert many["near"] == pytest.approx(found["near"])
