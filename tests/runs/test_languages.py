"""A Chinese and an Arabic task, from a YAML of one's own to the run's folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from s3.storage import read_jsonl, write_jsonl
from tests.runs.helpers import ROOT, finished
from tests.server import FakeLLM, Rule

CHINESE = """
defaults: [/schema/Classification@_here_, _self_]
name: yingping
labels: { 正面: 正面, 负面: 负面 }
gold:
  source: files
  files: { validation: validation.jsonl, test: test.jsonl }
rationale: { chat: "请列出$number条写$label影评的理由。" }
query: { chat: "根据以下理由写一条$label影评：$rationales" }
mistake: { chat: "写一条类似的$label影评：\\n$text" }
reply: { min_words: 6, max_words: 40 }
"""
ARABIC = """
defaults: [/schema/ExtractiveQA@_here_, _self_]
name: asila
gold:
  source: files
  files: { validation: validation.jsonl, test: test.jsonl }
query: { chat: "النص: $context\\nاكتب سؤالا جوابه: $answer" }
mistake: { chat: "النص: $context\\nاكتب سؤالا مثل: $question\\nجوابه: $answer" }
reply: { min_words: 3, max_words: 30, question: true }
"""
REVIEW = "这部电影的第{}段剧情拖沓，人物单薄，我看到一半就睡着了。"
CONTEXT = "بنى المهندس سالم الجسر رقم {} في مدينة الواحة عام ١٨١٢."


def write_task(folder: Path, task: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    (folder / "mine" / "task").mkdir(parents=True)
    (folder / "mine" / "task" / "own.yaml").write_text(task, encoding="utf-8")
    for name, content in rows.items():
        write_jsonl(folder / f"{name}.jsonl", content)


def reading(tiny: Path, folder: Path, text: str) -> Path:
    """Return a copy of the tiny model whose tokenizer, of the same size, reads a language."""
    from transformers import BertTokenizer

    copy = Path(shutil.copytree(tiny, folder / "weights"))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    size = json.loads((tiny / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    letters = dict.fromkeys(letter for letter in text if letter.isalnum())
    pieces = [*letters, *(f"##{letter}" for letter in letters)]
    words = [*special, *pieces, *(f"[unused{n}]" for n in range(size))][:size]
    BertTokenizer(vocab={word: n for n, word in enumerate(words)}).save_pretrained(copy)
    return copy


def in_turn(*replies: str) -> Iterator[str]:
    """Yield the replies again and again, the number of the round in their braces."""
    for number in count():
        for reply in replies:
            yield reply.replace("{}", str(1000 + number))


def run(folder: Path, weights: Path, rule: Rule) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Run the task; return what was dropped by reason, and the rows that were added."""
    with FakeLLM(rule) as author:
        command = [
            sys.executable, str(ROOT / "run.py"), "--config-dir=mine", "task=own", "llm=server",
            f"llm.base_url={author.url}", "llm.model=author", "llm.concurrency=1", "seed_size=12",
            f"model.weights={weights}", "model.max_length=96", "model.epochs=1",
            "method.rounds=1", "wandb.mode=disabled", "gold_baseline=false",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = finished(folder / "outputs")
    summary = json.loads((made / "summary.json").read_text(encoding="utf-8"))
    dropped: Counter[str] = Counter()
    for row in summary["rounds"]:
        names = {name for name in row if name.startswith("data/dropped/")}
        dropped.update({name.rpartition("/")[2]: row[name] for name in names})
    rows = [row for file in sorted(made.glob("rounds/*/added.jsonl")) for row in read_jsonl(file)]
    assert rows
    return dropped, rows


def test_a_chinese_task(tmp_path: Path, tiny: Path) -> None:
    labels = ("正面", "负面")
    rows = {
        name: [{"text": REVIEW.format(start + i), "label": labels[i % 2]} for i in range(12)]
        for name, start in (("validation", 10), ("test", 50))
    }
    write_task(tmp_path, CHINESE, rows)
    replies = in_turn(
        "<think>先想一想，用户要一条影评。</think>\n\n「第{}次看，演员的表演仍然打动人心。」",
        "音乐{}配得太吵，结尾也没有说清楚。\u200b\x1b[0m\ud83d\x00",
        "不好看。",  # three characters
        "这部 电影 值得再看一遍 !",
        "这部电影，值得再看一遍。",
        "好" * 41,
    )

    def rule(prompt: str, sample: str) -> str:
        if "理由" in prompt and "列出" in prompt:
            return "\n".join(f"{n}、理由{n}，{'剧情' * n}" for n in range(1, 9)) + "\n\n希望有帮助"
        return next(replies)

    dropped, made = run(tmp_path, reading(tiny, tmp_path, REVIEW), rule)
    assert {"too_short", "too_long", "duplicate"} <= set(dropped)
    texts = [row["text"] for row in made]
    assert not any("想" in text or "「" in text or "\x1b" in text for text in texts)
    assert all(6 <= len(text) <= 60 for text in texts)
    assert len({text for text in texts if "值得再看一遍" in text}) == 1
    seeds = [row for row in made if row["origin"]["kind"] == "seed"]
    assert all(row["origin"]["rationales"] for row in seeds)
    assert not any("希望" in one for row in seeds for one in row["origin"]["rationales"])


@pytest.mark.slow
def test_an_arabic_task(tmp_path: Path, tiny: Path) -> None:
    def row(number: int) -> dict[str, Any]:
        context = "\u202b" + CONTEXT.format(number)  # a mark before it, as editors put there
        answer = "المهندس سالم"
        answers = {"text": [answer], "answer_start": [context.index(answer)]}
        return {"context": context, "question": f"من بنى الجسر {number}؟", "answers": answers}

    rows = {
        name: [row(start + i) for i in range(12)]
        for name, start in (("validation", 10), ("test", 50))
    }
    write_task(tmp_path, ARABIC, rows)
    replies = in_turn(
        "\u200f\u202eمن الذي شيّد هذا الجسر للمرة {}؟ الجواب: سالم",
        "لا أعرف جواب هذا السؤال.",  # no question
        "هل بنى المهندس سالم، قبل {} سنة، هذا الجسر؟",  # holds the answer
        "من؟",
        "<think>لنفكر قليلا في السؤال؟",  # cut off
    )
    weights = reading(tiny, tmp_path, CONTEXT)
    dropped, made = run(tmp_path, weights, lambda prompt, sample: next(replies))
    assert {"no_question", "contains_answer", "too_short", "cut_off"} <= set(dropped)
    for row_ in made:
        assert row_["question"].startswith("من الذي شيّد")
        assert row_["question"].endswith("؟")
        (text,), (start,) = row_["target"]["texts"], row_["target"]["starts"]
        assert row_["context"][start:].startswith(text)
