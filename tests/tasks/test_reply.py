"""Cleaning: realistic replies of chat models, small models, and of people who write like them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from s3.tasks import Dropped, Reply
from s3.tasks.frame import is_refusal, listed, strip_frame

REAL = Path(__file__).parents[3] / "shared" / "data"
REVIEW = "The plot drags, and nobody seems to care. Skip it."
QUESTION = "Who built the bridge over the Varn?"


@pytest.mark.parametrize(
    "reply",
    [
        REVIEW,
        f"  {REVIEW}\n",
        f'"{REVIEW}"',
        f"“{REVIEW}”",
        f"'{REVIEW}'",
        f'"{REVIEW}',  # never closed
        f'{REVIEW}"',  # the prompt had opened it
        f"**{REVIEW}**",
        f"Sure!\n\n{REVIEW}",
        f"Certainly. Here is a negative movie review:\n\n{REVIEW}",
        f'Sure, here\'s a short negative review for you: "{REVIEW}"',
        f"Here is another sentence that is definitely wrong:\n{REVIEW}",
        f"Here’s a similar review\n\n{REVIEW}",
        f"Okay, here's a negative movie review based on your reasons:\n\n{REVIEW}",
        f"Of course! I'd be happy to help. Here is the review: {REVIEW}",
        f"Sure, I can help with that!\n{REVIEW}",
        f"The following sentence is definitely wrong: {REVIEW}",
        f"Review: {REVIEW}",
        f"**Movie Review:** {REVIEW}",
        f"Negative review: {REVIEW}",
        f"Sentence (wrong): {REVIEW}",
        f"### Review\n{REVIEW}",
        f"Title: A Long Night\n\nReview: {REVIEW}",
        f'Hypothesis: "{REVIEW}"',
        f"1. {REVIEW}",
        f"- {REVIEW}",
        "The plot drags,\n and nobody  seems to care.\n\nSkip it.",
        f"{REVIEW}\n\nNote: this review is fictional.",
        f"{REVIEW}\n\nExplanation: it is negative because the plot drags.",
        f"{REVIEW}\n\nThis sentence is definitely wrong because nobody is named.",
        f"{REVIEW}\n\nLet me know if you would like another one!",
        f'"{REVIEW}"\n\nHere the plot is said to drag, which fits a negative label.',
    ],
)
def test_what_stands_around_a_text_goes(reply: str):
    assert Reply().clean(reply, True) == REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "Sure, the concept had been done before: thrust modern people among knights.",
        "Sure, it is silly. I laughed all the same.",
        "Okay, let's start with the good: the scenery is nice.",
        "OK movie, great cast: Lena Moor is a joy.",
        "Great movie! The cast shines.",
        "Great news: nobody asked for a sequel.",
        "Yes, this movie is bad. What's worse is the sound.",
        "Of course the butler did it.",
        "Certainly the best film of the year.",
        "Absolutely stunning! I went twice.",
        "Here is a film that asks one question: why?",
        "Here are three hours of my life that I want back.",
        "Here's hoping they never make another.",
        "The following year brought a sequel: a worse one.",
        "I cannot recommend this to anyone.",
        "I can't help but love it.",
        "I can't give this a good word, nor can I write it off.",
        "I can't write a single good thing about it.",
        "I won't provide spoilers, but the end is weak.",
        "I'm sorry, but this film was a disaster.",
        "I am sorry to say that it falls short.",
        "Sorry, but I was bored throughout.",
        "Sorry this was a woeful excuse for a film.",
        "I apologize to my friends for dragging them along.",
        "As an AI thriller it works; as a romance it does not.",
        "He plays David, who works as an artificial intelligence researcher.",
        "I need more films like this one.",
        "I'd be happy to see a sequel to this.",
        "The reviewer at the Post was kind: I am not.",
        'A "comedy", they say. I never laughed.',
        'He shouts "Run!" and nobody does, "why?" I asked.',
        '"The Last Door" is dull, unlike "The First Door."',
        '"Dull," my friend said. "Very dull."',
        "It's the actors' film; don't miss it.",
        "The text: a letter from his wife, read aloud.",
        "1984 was a better year for films.",
        "3.5 stars, and one of them for the dog.",
    ],
)
def test_what_people_write_stays(text: str):
    assert Reply().clean(text, True) == text


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I cannot generate inappropriate or negative content.",
        "I am sorry, I can't assist with that request.",
        "I’m unable to write a review of this kind.",
        "Unfortunately, I cannot generate a negative review.",
        "As an AI language model, I have no opinions on films.",
        "As an AI, I don't watch films, but others say it is good.",
        "Sorry, but as an artificial intelligence language model I have not seen it.",
        "I cannot write a review that is negative about people.",
        "I can't provide a sentence that is definitely wrong.",
        "Sorry, I cannot fulfill this prompt as it goes against OpenAI's policy.",
        "I apologize, but there is no review given.",
        "I apologise for the confusion. Which film do you mean?",
        "I need more information about the film to write this.",
        "Please provide the review that you want rewritten.",
        "Could you please provide the passage that the question is about?",
        '"I cannot create content of this kind."',
        "Sure! I won't generate harmful content.",
    ],
)
def test_a_refusal_is_dropped_as_one(reply: str):
    for cleaned in (Reply(), Reply(question=True)):
        with pytest.raises(Dropped) as caught:
            cleaned.clean(reply, True)
        assert caught.value.reason == "refusal"


def test_real_reviews_are_no_refusals_and_stay_as_they_are():
    path = REAL / "imdb" / "test_sub2500.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs the real reviews: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    assert sum(map(is_refusal, texts)) <= 2
    assert sum(strip_frame(text) != " ".join(text.split()) for text in texts) <= 8


def test_refusals_among_released_replies_are_found():
    path = REAL / "s3_gpt35_synthetic" / "imdb_additional_1.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs the authors' released replies: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    cannot = {text for text in texts if "cannot generate" in text[:100]}
    assert len(cannot) > 5
    assert all(map(is_refusal, cannot))


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("The plot drags badly. Skip it. The act", "The plot drags badly. Skip it."),
        ('He said: "Never again!" Then the li', 'He said: "Never again!"'),
        ('"The plot drags badly. Skip it. The act', "The plot drags badly. Skip it."),
        ("It was filmed by Mr. Oduya in a week. Dr. Ba", "It was filmed by Mr. Oduya in a week."),
    ],
)
def test_a_cut_off_text_ends_at_its_last_whole_sentence(reply: str, kept: str):
    assert Reply().clean(reply, finished=False) == kept
    assert Reply().clean(kept, finished=False) == kept


@pytest.mark.parametrize(
    ("reply", "finished", "reason"),
    [
        ("  \n", True, "empty"),
        ('""', True, "empty"),
        ("Sure, here is a review:", True, "empty"),
        ("Bad film", True, "too_short"),
        ("word " * 21, True, "too_long"),
        ("a text that never ends anywhere at", False, "cut_off"),
    ],
)
def test_what_makes_no_text_is_dropped_with_its_reason(reply: str, finished: bool, reason: str):
    with pytest.raises(Dropped) as caught:
        Reply(max_words=20).clean(reply, finished)
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
        assert Reply(question=True).clean(reply, finished) == QUESTION


def test_what_is_no_question_is_dropped():
    with pytest.raises(Dropped) as caught:
        Reply(question=True).clean("Tarn built the bridge over the Varn.", True)
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
        Reply().clean(reply, True, ("something else entirely", given))
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
    assert Reply().clean(reply, True, (given,)) == reply


@pytest.mark.parametrize(
    ("reply", "items"),
    [
        ("1. weak plot\n2. poor sound.\n3. weak plot", ["weak plot", "poor sound"]),
        (" weak plot\n2. poor sound\n", ["weak plot", "poor sound"]),  # the prompt ends in "1."
        ("weak plot 2. poor sound 3. no end", ["weak plot", "poor sound", "no end"]),
        ("- weak plot\n* poor sound\n• no end", ["weak plot", "poor sound", "no end"]),
        ("weak plot\npoor sound", ["weak plot", "poor sound"]),
        ('1) "weak plot"\n2) “poor sound”', ["weak plot", "poor sound"]),
        (
            "Sure! Here are 2 reasons that may lead to a negative impression of the movie:\n\n"
            "1. **Weak plot**: Nothing in it follows from anything else, and the end comes out of "
            "nowhere, with no one in the cast to save it.\n2. **Poor sound:** One hears little."
            "\n\nI hope this helps!",
            ["Weak plot", "Poor sound"],
        ),
        ("Reasons:\n1. weak plot", ["weak plot"]),
        ("1. weak plot\n2. " + "word " * 30, ["weak plot"]),
        ("1. 3.5 stars\n2. poor sound", ["3.5 stars", "poor sound"]),
        ("", []),
    ],
)
def test_a_list_gives_its_items(reply: str, items: list[str]):
    assert listed(reply) == items


def test_the_last_item_of_a_list_that_was_cut_off_goes():
    assert listed("1. weak plot\n2. poor sou", finished=False) == ["weak plot"]
    assert listed("weak plot 2. poor sou", finished=False) == ["weak plot"]


@pytest.mark.parametrize(
    "fields", [{"tokens": 0}, {"min_words": 0}, {"min_words": 5, "max_words": 4}]
)
def test_lengths_out_of_range_are_refused(fields: dict[str, int]):
    with pytest.raises(ValueError, match=r"reply\."):
        Reply(**fields)
