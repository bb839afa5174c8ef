"""Cleaning: cut-off ends, questions, lengths and echoes, each drop with its reason."""

from __future__ import annotations

import pytest

from s3.tasks import Dropped, ReplyRules

QUESTION = "Who built the bridge over the Varn?"


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("The plot drags badly. Skip it. The act", "The plot drags badly. Skip it."),
        ('He said: "Never again!" Then the li', 'He said: "Never again!"'),
        ('"The plot drags badly. Skip it. The act', "The plot drags badly. Skip it."),
        ("这部电影很难看。我不会再看第二遍！因为剧", "这部电影很难看。我不会再看第二遍！"),
        ("他说：「再也不看了。」然后", "他说：「再也不看了。」"),
        ("هل أعجبك الفيلم كله؟ لا أظن ذلك أبدا لأن", "هل أعجبك الفيلم كله؟"),
        ("فلم بہت اچھی تھی۔ لیکن یہ", "فلم بہت اچھی تھی۔"),
        ("It was filmed by Mr. Oduya in a week. Dr. Ba", "It was filmed by Mr. Oduya in a week."),
    ],
)
def test_a_cut_off_text_ends_at_its_last_whole_sentence(reply: str, kept: str):
    assert ReplyRules().clean(reply, finished=False) == kept
    assert ReplyRules().clean(kept, finished=False) == kept


@pytest.mark.parametrize(
    ("reply", "finished", "reason"),
    [
        ("  \n", True, "empty"),
        ('""', True, "empty"),
        ("Sure, here is a review:", True, "empty"),
        ("Bad film", True, "too_short"),
        ("word " * 21, True, "too_long"),
        ("a text that never ends anywhere at", False, "cut_off"),
        ("", False, "cut_off"),  # of a thought that was cut off, nothing is left
        ("好看", True, "too_short"),
        ("好" * 21, True, "too_long"),
        ("ดี", True, "too_short"),
    ],
)
def test_what_makes_no_text_is_dropped_with_its_reason(reply: str, finished: bool, reason: str):
    with pytest.raises(Dropped) as caught:
        ReplyRules(max_words=20).clean(reply, finished)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "reply",
    [
        QUESTION,
        f'"{QUESTION}"',
        f"Question: {QUESTION}",
        f"Q: {QUESTION}\nA: Old Mr Tarn.",
        f"**Question:** {QUESTION}",
        f"Here is another question whose answer is in the paragraph:\n\n{QUESTION}",
        f"1. {QUESTION}\n2. When was it built?",
        f"{QUESTION} The answer is in the first line.",
        f"{QUESTION}\n\nAnswer: Tarn",
        f"Sure! Here's a similar question: {QUESTION} When wa",
    ],
)
def test_a_question_is_kept_up_to_its_mark(reply: str):
    for finished in (True, False):
        assert ReplyRules(question=True).clean(reply, finished) == QUESTION


@pytest.mark.parametrize("question", ["谁建了这座桥？", "من بنى هذا الجسر؟", "מי בנה את הגשר?"])
def test_a_question_ends_at_the_mark_of_its_script(question: str):
    assert ReplyRules(question=True).clean(f"{question} Tarn.", True) == question


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("这部电影，很好看，值得一看！", "这部电影很好看，值得一看。"),
        ("值得一看", "这部电影很好看，值得一看。"),  # lifted out
        ("كان الفيلم جميلا جدا!", "\u200fكان الفيلم جميلا جدا."),
        ("หนังเรื่องนี้ดีมาก", "หนัง เรื่องนี้ ดีมาก!"),
    ],
)
def test_an_echo_is_heard_in_any_script(text: str, given: str):
    with pytest.raises(Dropped) as caught:
        ReplyRules().clean(text, True, (given,))
    assert caught.value.reason == "echo"
    assert ReplyRules().clean(
        "他不喜欢这部电影。", True, ("他喜欢这部电影。",)
    )  # turns the meaning


@pytest.mark.parametrize(
    "thought",
    [
        "Okay, so I need to write a negative movie review. Let me think about what makes one bad.",
        "Alright, the user wants a review of a film. They gave three reasons. First, the plot",
        "We need to produce one sentence that is definitely wrong. The passage says nine people.",
        "Hmm, I'm supposed to come up with a question. The answer is Tarn. What is asked then?",
        "Let me think. The premise is about a ferry. It left at noon.",
        "I'm tasked with writing a review of this film. It must be short. So",
        "好的，用户让我写一条影评。首先要想一想。",
    ],
)
def test_a_thought_that_was_cut_off_before_any_mark_of_its_end_is_no_text(thought: str):
    with pytest.raises(Dropped, match="cut_off"):
        ReplyRules().clean(thought, finished=False)


@pytest.mark.parametrize(
    "text",
    [
        "I need to see this film again. It was great. The",
        "Okay, let's start with the good: the scenery is nice. The",
        "We want to believe in it. We cannot. The",
        "Let me start by saying that it is dull. It is. And",
        "The user interface is fine. It is fast. The",
        "The users of this lift should know that it stops. At",
        "So I went to see it. It was fine. Let",
    ],
)
def test_what_people_write_is_no_thought(text: str):
    assert ReplyRules().clean(text, finished=False) == text.rpartition(" ")[0]


def test_what_is_no_question_is_dropped():
    with pytest.raises(Dropped) as caught:
        ReplyRules(question=True).clean("Tarn built the bridge over the Varn.", True)
    assert caught.value.reason == "no_question"


PASSAGE = (
    "The town of Varn lies on two hills. Its bridge was built by a mason called Tarn in 1812, "
    "and it has carried the road to the coast ever since. A flood took one arch in 1901."
)
SIMILAR = (
    "The film drags from its first scene to its last, and the few jokes that land are told twice; "
    "the cast looks tired, the sound is thin, and the twist was clear to everyone in my row after "
    "ten minutes. I would not see it again for money."
)


@pytest.mark.parametrize(
    ("reply", "given"),
    [
        (PASSAGE, PASSAGE),
        (PASSAGE.upper(), PASSAGE),
        ("A flood took one arch in 1901", PASSAGE),  # lifted out
        ("its bridge was built by a mason called tarn in 1812.", PASSAGE),
        (f"{PASSAGE} The bridge is old.", PASSAGE),  # the passage again, then the text
        ("Tarn was a mason.", "Tarn was a mason!"),
        (SIMILAR.replace("thin", "poor"), SIMILAR),
    ],
)
def test_an_echo_of_what_was_given_is_dropped(reply: str, given: str):
    with pytest.raises(Dropped) as caught:
        ReplyRules().clean(reply, True, ("something else entirely", given))
    assert caught.value.reason == "echo"


@pytest.mark.parametrize(
    ("reply", "given"),
    [
        ("Its bridge was built by a mason called Tarn in 1912.", PASSAGE),  # a contradiction
        ("A flood did not take one arch in 1901.", PASSAGE),
        ("The bridge that Tarn built lost an arch to a flood.", PASSAGE),
        ("Tarn was not a mason.", "Tarn was a mason."),
        ("Tarn was a mason from the coast.", "Tarn was a mason."),
        ("Who built the old bridge?", "Who built the bridge?"),
    ],
)
def test_a_small_change_that_turns_the_meaning_is_no_echo(reply: str, given: str):
    assert ReplyRules().clean(reply, True, (given,)) == reply


@pytest.mark.parametrize(
    "fields", [{"tokens": 0}, {"min_words": 0}, {"min_words": 5, "max_words": 4}]
)
def test_lengths_out_of_range_are_refused(fields: dict[str, int]):
    with pytest.raises(ValueError, match=r"reply\."):
        ReplyRules(**fields)
