"""An LLM as judge: a fake one that knows the order, one that takes what comes first, one's talk."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3.analysis.judgements import firsts, read_judgements
from s3.analysis.rankings import ranking
from s3.commands.app import app
from s3.errors import UserError
from s3.judges import WORDINGS, choice
from tests.server import FakeLLM, Rule

ORDER = ["sums", "spam", "topics", "films", "jokes"]  # the most objective first


def asked(fake: FakeLLM, output: Path, *more: str, tasks: list[str] = ORDER) -> str:
    command = ["judgements", "ask", *tasks, "llm=server", f"llm.base_url={fake.url}"]
    command += ["llm.model=m", "-o", str(output), *more]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def knows(noise: float = 0.0, prefers_first: float = 0.0) -> Rule:
    """An LLM that knows the order, but for shares of prompts; among equals it takes the first."""

    def reply(prompt: str, seed: str) -> str:
        first, second = (ORDER.index(name) for name in re.findall(r"^[12]\. (\w+)$", prompt, re.M))
        drawn = int(hashlib.sha256(prompt.encode()).hexdigest()[:8], 16) / 16**8
        right = "1" if first < second else "2"
        if drawn < prefers_first:
            return "Task 1."
        return {"1": "2", "2": "1"}[right] if drawn > 1 - noise else right

    return reply


def ranked(*files: Path) -> list[str]:
    return [one.task for one in ranking(read_judgements(files)[0])]


def test_an_llm_that_knows_the_order_gives_it_and_both_orders_are_asked(tmp_path: Path):
    with FakeLLM(knows(noise=0.1)) as fake:
        said = asked(fake, tmp_path / "llm.csv")
    assert "120 judgements by m; 0 replies named no task" in said
    rows = list(csv.DictReader((tmp_path / "llm.csv").open()))
    assert len({row["judge"] for row in rows}) == 2 * len(WORDINGS) == 12
    shown = Counter((row["task_a"], row["task_b"]) for row in rows)
    assert len(shown) == 20
    assert set(shown.values()) == {6}
    assert ranked(tmp_path / "llm.csv") == ORDER
    assert {one["temperature"] for one in fake.requests} == {0}
    said = CliRunner().invoke(app, ["judgements", "rank", str(tmp_path / "llm.csv")]).stdout
    assert "no position bias is seen" in said
    assert "120 judgements by 12 judges" in said


def test_position_bias_of_an_llm_is_seen(tmp_path: Path):
    with FakeLLM(knows(prefers_first=0.5)) as fake:
        asked(fake, tmp_path / "llm.csv")
    found, _ = read_judgements([tmp_path / "llm.csv"])
    assert firsts(found).low > 0.6
    assert ranked(tmp_path / "llm.csv") == ORDER  # both orders are asked, so that it evens out
    said = CliRunner().invoke(app, ["judgements", "rank", str(tmp_path / "llm.csv")]).stdout
    assert ": position bias." in said


def test_an_llm_that_always_takes_the_first_ranks_nothing(tmp_path: Path):
    with FakeLLM(lambda prompt, seed: "1") as fake:
        asked(fake, tmp_path / "llm.csv")
    done = CliRunner().invoke(
        app, ["judgements", "rank", str(tmp_path / "llm.csv"), "--format", "json"]
    )
    rows = json.loads(done.stdout)
    assert {row["win_rate"] for row in rows} == {0.5}
    assert "won in 100.0 %" in done.stderr


def test_what_was_asked_once_is_paid_once_and_people_are_ranked_with_it(tmp_path: Path):
    with FakeLLM(knows()) as fake:
        asked(fake, tmp_path / "llm.csv")
        sent = len(fake.requests)
        said = asked(fake, tmp_path / "again.csv")
        assert len(fake.requests) == sent
    assert "0 requests, 120 replies from the store" in said
    texts = [(tmp_path / name).read_text() for name in ("llm.csv", "again.csv")]
    assert texts[0] == texts[1]
    (tmp_path / "me.csv").write_text("task_a,task_b,winner\nspam,sums,sums\n")
    assert ranked(tmp_path / "llm.csv", tmp_path / "me.csv") == ORDER


def test_what_is_told_of_a_task_is_asked_and_its_name_is_not(tmp_path: Path):
    with FakeLLM(lambda prompt, seed: "2") as fake:
        asked(fake, tmp_path / "a.csv", tasks=["sms_spam=Is a message spam?", "tweet_irony"])
        prompts = [one["messages"][-1]["content"] for one in fake.requests]
    assert all("Is a message spam?" in one and "sms_spam" not in one for one in prompts)
    assert all("tweet irony" in one for one in prompts)
    assert len(set(prompts)) == 12


def test_a_reply_without_a_choice_leaves_the_row_empty(tmp_path: Path):
    with FakeLLM(lambda p, seed: "Both." if p.index("sums") < p.index("spam") else "1") as fake:
        said = asked(fake, tmp_path / "a.csv", tasks=["sums", "spam"])
    assert "12 judgements by m; 6 replies named no task" in said
    found, empty = read_judgements([tmp_path / "a.csv"])
    assert (len(found), empty) == (6, 6)
    assert {one.winner for one in found} == {"spam"}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("1", "a"), (" **2**.", "b"), ("Task 2", "b"), ("The answer is: task 1.", "a"),
        ("2 is clearer than 1", "b"), ("I take task 2, as it is clear.", "b"), ("#1", "a"),
        ("Task 1 or 2, hard to say", ""), ("Neither", ""), ("Between 1 and 2", ""), ("12", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_reply_is_read_as_its_first_word_or_the_one_number_in_it(reply: str, said: str):
    assert choice(reply) == said


def test_a_model_that_goes_on_with_texts_is_asked_in_its_form(tmp_path: Path):
    with FakeLLM(lambda prompt, seed: "2") as fake:
        asked(fake, tmp_path / "a.csv", "llm.protocol=completions", tasks=["x", "y"])
        assert all(one["prompt"].endswith("\nAnswer: task number") for one in fake.requests)
    assert len(read_judgements([tmp_path / "a.csv"])[0]) == 12


def test_without_an_llm_or_with_a_file_that_is_there_nothing_is_asked(tmp_path: Path):
    done = CliRunner().invoke(app, ["judgements", "ask", "x", "y"])
    assert done.exit_code == 2
    assert "llm=NAME is missing" in done.stderr
    (tmp_path / "a.csv").write_text("work of hours")
    with FakeLLM(knows()) as fake:
        with pytest.raises(UserError, match="perhaps filled in"):
            asked(fake, tmp_path / "a.csv")
        assert not fake.requests
