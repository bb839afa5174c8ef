"""Sets of many examples: they are as lists are, and take some bytes an example."""

import os
import pickle
import tracemalloc

import pytest

from s3.data.example import Answers, Example, Origin
from s3.data.known import LEAST
from s3.data.many import BLOCK, Spilled, chosen, filtered, joined, without
from s3.storage import cache_folder


def example(number: int, kind: str = "seed") -> Example:
    origin = Origin(kind, 2, f"row {number}", "Write.", "id", "llm", ("why", "because"))
    if number % 3:
        return Example({"text": f"Text {number} \ud800"}, f"label {number % 2}", origin)
    answers = Answers((f"{number}", "0"), (3, 4))
    return Example({"question": "Which?", "context": f"It {number}0"}, answers, origin)


EXAMPLES = [example(number) for number in range(2 * BLOCK + 10)]


def test_examples_come_back_as_they_were():
    spilled = Spilled(EXAMPLES)
    assert spilled == EXAMPLES
    assert [one.origin for one in spilled] == [one.origin for one in EXAMPLES]
    assert spilled[-1] == EXAMPLES[-1]
    assert spilled[5:30:7] == EXAMPLES[5:30:7]
    assert spilled[::-1] == EXAMPLES[::-1]
    assert spilled != EXAMPLES[1:]
    assert spilled != EXAMPLES[1:] + EXAMPLES[:1]
    with pytest.raises(IndexError):
        spilled[len(EXAMPLES)]


def test_labels_and_prompts_are_held_once():
    one, other = Spilled(EXAMPLES)[1], Spilled(EXAMPLES)[7]
    assert one.target is other.target
    assert one.origin.prompt is other.origin.prompt


def test_what_is_chosen_and_joined_is_as_lists_say():
    spilled, few = Spilled(EXAMPLES), EXAMPLES[:3]
    some = chosen(spilled, [4, 2, 1999])
    assert some == [EXAMPLES[4], EXAMPLES[2], EXAMPLES[1999]]
    both = joined(few, some, (), spilled)
    assert both == [*few, *some, *EXAMPLES]
    assert chosen(both, [5, 0])[1:] == joined(few, some)[:1]
    assert filtered(both, lambda one: isinstance(one.target, str))[:2] == EXAMPLES[1:3]
    assert without(both, few) == [*some[:1], some[2], *EXAMPLES[3:]]
    assert joined() == []


def test_an_example_takes_some_bytes_whatever_its_length():
    spilled, number = Spilled(), 4 * LEAST
    tracemalloc.start()
    for one in range(number):
        spilled.append(Example({"text": f"{one} " * 100}, "label", Origin("seed")))
    merged = joined(spilled, chosen(spilled, range(10)))
    kept = without(merged, spilled[: number // 2])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == number // 2
    assert held < 64 * number


def test_small_sets_touch_no_disk_and_large_ones_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("S3_CACHE", str(tmp_path / "elsewhere"))
    Spilled(EXAMPLES[: BLOCK - 1])
    assert not cache_folder().exists()
    assert Spilled(EXAMPLES) == EXAMPLES
    assert list(cache_folder().iterdir()) == []


def test_without_room_on_the_disk_examples_are_in_memory(monkeypatch):
    room = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, at: room(file, content[:100], at))
    spilled = Spilled(EXAMPLES)
    assert spilled[3] is EXAMPLES[3]
    monkeypatch.undo()  # there is room again
    spilled.append(example(0))
    for one in range(BLOCK):
        spilled.append(example(one))
    assert spilled[3] is not EXAMPLES[3]
    assert spilled[: len(EXAMPLES)] == EXAMPLES


def test_another_process_gets_the_examples():
    both = joined(EXAMPLES[:2], Spilled(EXAMPLES))
    assert pickle.loads(pickle.dumps(both)) == both
