"""The audit on made rows and inside a run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from s3.audit import Audit, Auditor
from s3.audit.similar import shingles
from s3.data.example import Answers, Example, Origin
from s3.errors import UserError
from s3.storage import read_jsonl, write_jsonl
from s3.text import same
from tests.author import sentence
from tests.runs.helpers import ROOT
from tests.server import FakeLLM

SENTENCE = "the old harbour town was rebuilt slowly after the great fire"


def pair(premise: str, hypothesis: str, label: str = "yes", kind: str = "seed") -> Example:
    return Example({"premise": premise, "hypothesis": hypothesis}, label, Origin(kind))


def gold(premise: str, hypothesis: str) -> Example:
    return pair(premise, hypothesis, "no", "gold")


def auditor(
    validation: list[Example], test: list[Example], settings: Audit | None = None
) -> Auditor:
    splits = {"validation": validation, "test": test}
    return Auditor(settings or Audit(), splits, "hypothesis", ["premise"])


def test_rows_texts_and_contexts_are_told_apart() -> None:
    audit = auditor([gold("A.", "One two three four.")], [gold("B.", SENTENCE)])
    rows = [
        pair("A.", '"one  TWO three four"'),  # the whole row, but for case and marks
        pair("C.", "One two three four."),  # its text alone
        pair("B.", "Nothing of the kind."),  # a context alone
        pair("C.", SENTENCE.replace("slowly", "quickly")),
        pair("C.", SENTENCE.replace("slowly", "quickly"), "no"),  # a repeat, whatever its label
    ]
    metrics = audit.measure(rows).metrics
    assert metrics == {
        "audit/rows": 5,
        "audit/duplicates": 1,
        "audit/declined": 0,
        "audit/asked_back": 0,
        "audit/label/no": 0.2,
        "audit/label/yes": 0.8,
        "audit/gold_contexts": 0.4,
        "audit/validation/same_row": 1,
        "audit/validation/same_text": 2,
        "audit/validation/near_text": 0,
        "audit/validation/same_context": 1,
        "audit/test/same_row": 0,
        "audit/test/same_text": 0,
        "audit/test/near_text": 2,
        "audit/test/same_context": 1,
    }


def test_copies_name_the_gold_row_and_how_near_it_is() -> None:
    known = replace(gold("B.", SENTENCE), origin=Origin("gold", source="test.jsonl:7"))
    (copy,) = auditor([], [known]).measure([pair("C.", SENTENCE.replace("old", "new"))]).copies
    assert (copy["split"], copy["kind"], copy["gold"]) == ("test", "near_text", "test.jsonl:7")
    assert copy["similarity"] == pytest.approx(8 / 12)  # 10 word pairs each, 8 in common


@pytest.mark.parametrize("near", [0.3, 0.6, 0.9])
def test_near_copies_are_those_that_comparing_all_pairs_finds(near: float) -> None:
    words = SENTENCE.split()
    texts = [" ".join([*words[:cut], "else", *words[cut + 1 :]]) for cut in range(11)]
    texts += [" ".join([*words[:size], *(f"x{n}" for n in range(size, 11))]) for size in range(11)]
    pairs = shingles(same(SENTENCE))

    def jaccard(text: str) -> float:
        other = shingles(same(text))
        return len(pairs & other) / len(pairs | other)

    found = auditor([], [gold("B.", SENTENCE)], Audit(near=near)).measure(
        [pair("C.", text) for text in texts]
    )
    expected = sum(near <= jaccard(text) < 1 for text in texts)
    assert found.metrics["audit/test/near_text"] == expected


def test_a_row_of_the_test_set_stops_unless_allowed() -> None:
    test = [gold("B.", "One two three.")]
    copied = [pair("C.", "One two three."), pair("b", "one two three")]
    with pytest.raises(UserError, match=r"1 of 2 .*\naudit\.allow_test_copies=true"):
        auditor([], test).check([*copied])
    auditor([], test).check(copied[:1])  # the text beside another context
    auditor([], test).check(test)  # gold rows are not synthetic
    auditor([], test, Audit(allow_test_copies=True)).check(copied)


def test_answers_have_no_labels_and_gold_sets_no_audit() -> None:
    answers = Answers(("A",), (0,))
    fields = {"context": "A. B.", "question": "What is it?"}
    known = {"test": [Example(fields, answers)]}
    audit = Auditor(Audit(), known, "question", ["context"])
    metrics = audit.measure([Example(fields, answers, Origin("seed"))]).metrics
    assert metrics["audit/test/same_row"] == 1
    assert not [name for name in metrics if name.startswith("audit/label/")]
    assert audit.measure(known["test"]).metrics == {}


def test_a_text_alone_is_a_row_and_has_no_context_metrics() -> None:
    known = {"test": [Example({"text": "A fine film."}, "good")]}
    audit = Auditor(Audit(), known, "text", [])
    with pytest.raises(UserError, match="1 of 1"):
        audit.check([Example({"text": "a fine film"}, "bad", Origin("seed"))])
    metrics = audit.measure(
        [Example({"text": "I'm sorry, but I cannot write a review."}, "x", Origin("s"))]
    ).metrics
    assert metrics["audit/declined"] == 1
    assert not [name for name in metrics if "context" in name]


def test_gold_rows_in_two_splits_are_found_with_both_labels() -> None:
    validation = [
        pair("A.", "One two three.", "yes", "gold"),
        pair("B.", "Four five six.", "yes", "gold"),
        pair("C.", "Seven eight.", "yes", "gold"),
    ]
    test = [
        pair("a", "one, two THREE", "yes", "gold"),
        pair("B", "Four five six", "no", "gold"),
        pair("D.", "Seven eight.", "yes", "gold"),  # its text alone
    ]
    test = [
        replace(one, origin=Origin("gold", source=f"test.jsonl:{number}"))
        for number, one in enumerate(test, 1)
    ]
    found = auditor(validation, test).compare_gold()
    assert found.metrics == {
        "audit/gold/validation_in_test": 2,
        "audit/gold/validation_in_test_other_label": 1,
    }
    same_, other = found.copies
    assert (same_["split"], same_["place"], same_["gold"]) == (
        "validation",
        "row 1",
        "test.jsonl:1",
    )
    assert (other["text"], other["label"], other["gold_label"]) == ("Four five six.", "yes", "no")
    json.dumps(found.copies)


def test_a_train_split_is_compared_with_both_others() -> None:
    rows = [pair("A.", "One two three.", "yes", "gold")]
    splits = {"validation": rows, "test": [], "train": rows}
    metrics = Auditor(Audit(), splits, "hypothesis", ["premise"]).compare_gold().metrics
    assert {name: count for name, count in metrics.items() if count} == {
        "audit/gold/train_in_validation": 1
    }
    assert "audit/gold/train_in_test" in metrics


def test_answers_to_one_question_differ_like_labels() -> None:
    answers = Answers(("A",), (0,))
    twin = Answers(("B",), (3,))
    fields = {"context": "A. B.", "question": "What is it?"}
    splits = {"validation": [Example(fields, answers)], "test": [Example(fields, twin)]}
    found = Auditor(Audit(), splits, "question", ["context"]).compare_gold()
    assert found.metrics["audit/gold/validation_in_test_other_label"] == 1
    assert found.copies[0]["label"] == {"texts": ["A"], "starts": [0]}


def test_near_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="near must be in"):
        Audit(near=0)


def test_a_run_stops_at_a_copy_of_test_before_it_trains_and_can_be_let_go(
    tmp_path: Path, tiny: Path
) -> None:
    premises = [f"Premise {number} speaks of harbours and of fires." for number in range(3)]
    rows = [
        {"premise": one, "hypothesis": f"It is {one}", "label": label}
        for one, label in zip(premises, ["entailment", "not_entailment"] * 2, strict=False)
    ]
    write_jsonl(tmp_path / "validation.jsonl", rows)
    test = [{**row, "hypothesis": SENTENCE} for row in rows[:2]]
    write_jsonl(tmp_path / "test.jsonl", test)

    def rule(prompt: str, sample: str) -> str:
        return SENTENCE if premises[0] in prompt else sentence(prompt, sample)

    options = [
        "task=rte", "task.gold.source=files", "task.gold.files.validation=validation.jsonl",
        "task.gold.files.test=test.jsonl", "llm=server", "llm.model=test", "method.rounds=0",
        "seed_size=12", f"model.weights={tiny}", "model.epochs=1", "wandb.mode=disabled",
    ]  # fmt: skip

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "run.py"), *options, *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    with FakeLLM(rule) as author:
        url = f"llm.base_url={author.url}"
        stopped = run(url)
        asked = len(author.asked)
        allowed = run(url, "audit.allow_test_copies=true")
        assert len(author.asked) == asked  # the same run goes on: nothing is paid for twice
    assert stopped.returncode == 1
    assert "1 of 12 synthetic rows equal gold test rows" in stopped.stderr
    assert "audit.allow_test_copies=true" in stopped.stderr
    assert allowed.returncode == 0, allowed.stderr
    (folder,) = (tmp_path / "outputs").glob("*/rounds/00")
    metrics = json.loads((folder / "metrics.json").read_text())["metrics"]
    assert (metrics["audit/rows"], metrics["audit/test/same_row"]) == (12, 1)
    (copy,) = (row for row in read_jsonl(folder / "copies.jsonl") if row["split"] == "test")
    assert (copy["kind"], copy["gold"]) == ("same_row", "test.jsonl:1")
