"""Thoughts that a server leaves in its replies: out of the text, whatever their marks."""

from __future__ import annotations

import json
import time

import pytest

from s3.llm import Completion, Server, Session
from s3.llm.protocols import ChatCompletions
from s3.llm.thoughts import without_thoughts
from s3.llm.types import Prompt
from tests.server import FakeLLM

THOUGHT = "Okay, the user wants\n\na review. <b>I</b> would say it is fine."
ANSWER = "A fine film, told twice."
SAID = [
    f"<think>{THOUGHT}</think>\n\n{ANSWER}",
    f"<think>\n\n</think>\n\n{ANSWER}",
    f"{THOUGHT}\n</think>\n{ANSWER}",  # the chat template ends in the first mark
    f"<thinking>{THOUGHT}</thinking>{ANSWER}",
    f"<Think>{THOUGHT}</THINK> {ANSWER}",
    f"<seed:think>{THOUGHT}</seed:think>{ANSWER}",
    f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    f"◁think▷{THOUGHT}◁/think▷{ANSWER}",
    f"<|START_THINKING|>{THOUGHT}<|END_THINKING|>{ANSWER}",
    f"<think>{THOUGHT}</think><think>{THOUGHT}</think>{ANSWER}",
    f"<think>{THOUGHT}<think>{THOUGHT}</think>{ANSWER}",
    f"{ANSWER}<think>{THOUGHT}</think>",
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>"
    f"{ANSWER}<|return|>",
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|channel|>commentary to=x<|constrain|>json"
    f"<|message|>{{}}<|call|><|channel|>final <|constrain|>text<|message|>{ANSWER}",
    f"analysis{THOUGHT}assistantfinal{ANSWER}",  # a server that drops the special tokens
    f"\x1b[0m<think>{THOUGHT}</think>{ANSWER}\ud800\x00",
    f"<longcat_think>{THOUGHT}</longcat_think>{ANSWER}",
    f"<think >{THOUGHT}</think >{ANSWER}",
    f"<thinking>{THOUGHT}<reflection>{THOUGHT}</reflection></thinking><output>{ANSWER}</output>",
    f"<think>\n{THOUGHT}\n</think>\n<answer>\n{ANSWER}\n</answer>",
    f"<analysis>{THOUGHT}</analysis><response>{ANSWER}</response>",
    f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|><|begin_of_solution|>{ANSWER}<|end_of_solution|>",
    f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|><|begin_of_solution|>{ANSWER}",
    f"<｜begin▁of▁thinking｜>{THOUGHT}<｜end▁of▁thinking｜>{ANSWER}",
    f"<|thinking|>{THOUGHT}<|/thinking|>{ANSWER}",
    f"[BEGIN_THINK]{THOUGHT}[END_THINK]{ANSWER}",
    f"<unused94>thought\n{THOUGHT}<unused95>{ANSWER}",
    f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>{ANSWER}",
    f"<think>{THOUGHT}</think>{ANSWER}<|im_end|>\n<|im_start|>user\nAnother one.",
    f"{ANSWER}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nYes.",
    f"<|start_header_id|>assistant<|end_header_id|>\n\n{ANSWER}<|eot_id|>",
    f"<|im_start|>assistant\n{ANSWER}<|im_end|>",
    f"<start_of_turn>model\n{ANSWER}<end_of_turn>\n",
    f"<s> {ANSWER}</s>",
    f"{ANSWER}</s><s>[INST] Another one. [/INST]",
    f"[/INST] {ANSWER}[INST] Another",
    f"{ANSWER}<|endoftext|>Human: another",
    f"<|assistant|>\n{ANSWER}<|end|>\n<|user|>",
    f"{ANSWER}<｜end▁of▁sentence｜>",
    f"<response>{ANSWER}</response>",  # the thought is in a field of its own
    ANSWER,
]
READ = [  # by people, as it stands
    "I <3 it; <b>bold</b> or not, [sic] the end is a reflection on an analysis of thought.",
    "<s>Bad</s> Good, the end [INST. of Film].",
    "<b>Fine</b> and <b>long</b>",
    "In <i>The Thinking Machine</i> he thinks.",
]
CUT = [
    f"<think>{THOUGHT}",
    f"<thinking>\n{THOUGHT}",
    f"<|begin_of_thought|>{THOUGHT}",
    f"<|channel|>analysis<|message|>{THOUGHT}",
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>fin",
    f"<think>{THOUGHT}</think><think>{THOUGHT}",
]


def completions(*replies: str) -> list[Completion]:
    """What a session makes of each reply, first from the endpoint, then from the store."""
    numbers = [f"Write review {number}." for number in range(len(replies))]
    by_prompt = dict(zip(numbers, replies, strict=True))
    with FakeLLM(lambda prompt, sample: by_prompt[prompt]) as fake:
        for _ in range(2):
            with Session(Server(base_url=fake.url, model="test"), 0) as session:
                found = list(session.complete([Prompt(number) for number in numbers]))
        assert len(fake.requests) == len(replies)
    assert all(isinstance(one, Completion) for one in found)
    return [one for one in found if isinstance(one, Completion)]


def test_a_thought_is_no_part_of_the_text():
    for reply, found in zip(SAID, completions(*SAID), strict=True):
        assert (found.text.strip(), found.finish) == (ANSWER, "stop"), reply


def test_what_is_no_thought_stays():
    assert [one.text for one in completions(*READ)] == READ


def test_marks_without_end_take_no_time():
    begun = time.monotonic()
    for mark in ("<", "<a", "<a_", "<answer>", "<end_of_", "[", "</answer>", "<s>", "</s> "):
        without_thoughts(mark * (100_000 // len(mark)))
    assert time.monotonic() - begun < 5


def test_a_thought_without_an_end_is_a_reply_that_was_cut_off():
    for reply, found in zip(CUT, completions(*CUT), strict=True):
        assert (found.text.strip(), found.finish) == ("", "length"), reply
    (found,) = completions(f"{ANSWER} <think>{THOUGHT}")
    assert (found.text.strip(), found.finish) == (ANSWER, "length")


@pytest.mark.parametrize("said", ["\ud800", "\x00\x1b[2J", "<think>all of it</think>"])
def test_a_stored_reply_of_nothing_to_read_is_an_empty_text_and_no_error(said: str):
    content = {"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}
    content["model"] = "m\x1b[31m\udcff"
    body = json.dumps(content).encode()
    found = ChatCompletions("m", 0.9, 0.9).read(body, "id", Prompt("p"))
    assert (found.text, found.finish, found.model) == ("", "stop", "m")
