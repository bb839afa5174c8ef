"""What stands around a text goes; what people write like it stays; lists; replies that decline."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from s3.tasks import Dropped, ReplyRules
from s3.tasks.cleaning import asks_back, is_declined, listed, strip_frame

REAL = Path(__file__).parents[3] / "shared" / "data"
REVIEW = "The plot drags, and nobody seems to care. Skip it."


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
        f"```text\n{REVIEW}\n```",
        f"> {REVIEW}",
        json.dumps({"label": "negative", "review": REVIEW}),
        f"```json\n{json.dumps({'review': REVIEW}, indent=2)}\n```",
        f"**Review:**\n\n> {REVIEW}",
        f"Here is a negative review:\n\n---\n\n{REVIEW}\n\n---",
        f"{REVIEW}\n\n*Word count: 12*",
        f"{REVIEW} (Word count: 45)",
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
        f"「{REVIEW}」",
        f"好的，以下是一条负面影评：\n\n{REVIEW}",
        f"بالتأكيد! إليك مراجعة سلبية:\n{REVIEW}",
        "The plot drags,\n and nobody  seems to care.\n\nSkip it.",
        f"{REVIEW}\n\nNote: this review is fictional.",
        f"{REVIEW}\n\nExplanation: it is negative because the plot drags.",
        f"{REVIEW}\n\nThis sentence is definitely wrong because nobody is named.",
        f"{REVIEW}\n\nLet me know if you would like another one!",
        f'"{REVIEW}"\n\nHere the plot is said to drag, which fits a negative label.',
    ],
)
def test_what_stands_around_a_text_goes(reply: str):
    assert ReplyRules().clean(reply, True) == REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "Sure, the concept had been done before: thrust modern people among knights.",
        "这是我看过最烂的电影：没有剧情。",
        "好的电影不需要解释：看就是了。",
        "إليك يا أمي أهدي هذا الفيلم. كان رائعا: حقا.",
        "Sure, it is silly. I laughed all the same.",
        "The word count: 12 of them were about love.",
        "-- and then --- nothing.",
        "{Spoilers} He dies.",
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
    assert ReplyRules().clean(text, True) == text


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
        '"I cannot create content of this kind."',
        "作为一个AI语言模型，我没有个人观点。",
        "很抱歉，我无法提供您要求的内容。",
        "عذرا، بصفتي نموذجا لغويا لا يمكنني ذلك.",
        "\n" * 300 + "I cannot create content of this kind.",
        "Sure! I won't generate harmful content.",
    ],
)
def test_a_reply_that_declines_is_dropped_as_one(reply: str):
    for cleaned in (ReplyRules(), ReplyRules(question=True)):
        with pytest.raises(Dropped) as caught:
            cleaned.clean(reply, True)
        assert caught.value.reason == "declined"


@pytest.mark.parametrize(
    "reply",
    [
        "I need more information about the film to write this.",
        "Please provide the review that you want rewritten.",
        "Could you please provide the passage that the question is about?",
        "Could you specify which film the review should be about?",
        "Sure! Can you clarify what kind of question you need?",
    ],
)
def test_a_question_back_is_dropped_as_one(reply: str):
    for rules in (ReplyRules(), ReplyRules(question=True)):
        with pytest.raises(Dropped) as caught:
            rules.clean(reply, True)
        assert caught.value.reason == "asked_back"
    assert asks_back(reply)
    assert not is_declined(reply)


def test_real_reviews_decline_nothing_and_stay_as_they_are():
    path = REAL / "imdb" / "test_sub2500.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs the real reviews: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    assert sum(map(is_declined, texts)) + sum(map(asks_back, texts)) <= 2
    assert sum(strip_frame(text) != " ".join(text.split()) for text in texts) <= 8


def test_released_replies_that_decline_are_found():
    path = REAL / "s3_gpt35_synthetic" / "imdb_additional_1.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs the authors' released replies: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    cannot = {text for text in texts if "cannot generate" in text[:100]}
    assert len(cannot) > 5
    assert all(map(is_declined, cannot))


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
        ("1、剧情拖沓。\n2、人物单薄：没有深度", ["剧情拖沓", "人物单薄"]),
        ("١. قصة ضعيفة،\n٢. صوت رديء", ["قصة ضعيفة", "صوت رديء"]),
        ("1. none\n2. poor sound", ["poor sound"]),
        ("1. weak plot", ["weak plot"]),
        ("weak plot", []),  # no number, no second line: it may be any sentence
        ("No.", []),
        ("1. No.", []),
        ("Sorry, no.\n\nI would rather not.", []),
        ("没有。", []),
        ("", []),
    ],
)
def test_a_list_gives_its_items(reply: str, items: list[str]):
    assert listed(reply) == items


def test_the_last_item_of_a_list_that_was_cut_off_goes():
    assert listed("1. weak plot\n2. poor sou", finished=False) == ["weak plot"]
    assert listed("weak plot 2. poor sou", finished=False) == ["weak plot"]
