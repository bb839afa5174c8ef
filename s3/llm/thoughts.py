"""What is no part of an answer, where the server leaves it in the reply: thoughts and marks.

A server that knows its model puts thoughts into a field of their own, and sends no marks of turns;
one that does not sends them as part of the text, in the form of the model's family.
"""

from __future__ import annotations

import re

# A tag or special token whose name says what stands in it: <think> (DeepSeek, Qwen and most
# others), <seed:think>, <longcat_think>, [THINK] (Mistral), ◁think▷ (Kimi), <|START_THINKING|>
# (Cohere), <|begin_of_thought|> (Sky-T1, OpenThinker), <reflection>; or that is known to begin a
# thought: Gemma, MedGemma, Apertus. A start may be missing: many chat templates end with it.
_NAME = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratchpad)"
_PREFIX = r"(?:[a-z]{1,20}[:_▁]){0,2}"
_MARK = re.compile(
    rf"<[|｜]?(?:/|end[_▁](?:of[_▁])?){_PREFIX}{_NAME}\s?[|｜]?>|\[(?:/|END_)THINK\]|◁/think▷"
    r"|<channel\|>|<unused95>|<\|inner_suffix\|>"
    rf"|(?P<start><[|｜]?{_PREFIX}{_NAME}\s?[|｜]?>|\[(?:BEGIN_)?THINK\]|◁think▷"
    r"|<\|channel>thought\b|<unused94>thought\b|<\|inner_prefix\|>)",
    re.IGNORECASE,
)
# What is left may be marked, too: <answer> (Hunyuan), <response> (Granite, Ernie), <output>.
_ENCLOSED = re.compile(
    r"\s*<(?P<tag>[a-z]\w{0,30})>(?P<text>(?:(?!</?(?P=tag)>).)*)</(?P=tag)>\s*"
    r"|\s*<\|begin_of_(?:solution|answer)\|>(?P<said>.*?)(?:<\|end_of_(?:solution|answer)\|>.*)?",
    re.IGNORECASE | re.DOTALL,
)
# Where the model's turn begins and ends, left by a server whose template or end of text is another
# than the model's: ChatML, Llama, Gemma, Mistral, DeepSeek, Phi, Cohere. What follows its end is
# somebody else's turn that the model made up.
_TURN_BEGINS = re.compile(
    r"(?:\s*(?:<s>(?!.*</s>.)|<bos>|<\|begin_of_text\|>|\[/INST\]|<\|assistant\|>|<｜Assistant｜>"
    r"|<\|im_start\|>assistant\b|<start_of_turn>model\b|<\|CHATBOT_TOKEN\|>"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>)){1,4}\s*",
    re.DOTALL,
)
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|eot_id|eom_id|end|end_of_text|endoftext|user|start_header_id)\|>"
    r"|<\|END_OF_TURN_TOKEN\|>|<end_of_turn>|<start_of_turn>|<eos>|<｜end▁of▁sentence｜>|<｜User｜>"
    r"|\[/?INST\]|</s>(?=\s*(?:<s>|\[INST\]|$))"
)
# Harmony (gpt-oss): each message has a channel; only that of "final" is for the reader. Servers
# that drop the special tokens leave the channels' names, glued to what stands beside them.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]{0,80}(?:<\|constrain\|>[^<]{0,80})?<\|message\|>")
_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_THOUGHT, _BARE_ANSWER = "analysis", "assistantfinal"


def without_thoughts(reply: str) -> tuple[str, bool]:
    """Return what a reply says to its reader, and whether it got that far.

    A thought that is not ended was cut off, and the answer with it: then what stands before it is
    all there is, mostly nothing.
    """
    if "<|channel|>" in reply:
        return _final_channel(reply)
    if reply.startswith(_BARE_THOUGHT) and _BARE_ANSWER in reply:
        return reply.rpartition(_BARE_ANSWER)[2], True
    reply = _turn(reply)
    said: list[str] = []
    place, thinking = 0, False
    for mark in _MARK.finditer(reply):
        if not thinking:  # an end without a start: the thought began before the reply did
            said = [*said, reply[place : mark.start()]] if mark["start"] else []
        thinking, place = bool(mark["start"]), mark.end()
    if not thinking:
        said.append(reply[place:])
    return _unmarked("".join(said)), not thinking


def _turn(reply: str) -> str:
    """Return the model's own turn of a conversation."""
    begins = _TURN_BEGINS.match(reply)
    place = begins.end() if begins else 0
    ends = _TURN_ENDS.search(reply, place)
    return reply[place : ends.start() if ends else None]


def _unmarked(text: str) -> str:
    """Return a text without the tag that encloses the whole of it."""
    enclosed = _ENCLOSED.fullmatch(text)
    return (enclosed["text"] or enclosed["said"] or "") if enclosed else text


def _final_channel(reply: str) -> tuple[str, bool]:
    """Return the text of Harmony's last message to the reader, and whether there is one."""
    finals = [found for found in _CHANNEL.finditer(reply) if found[1] == "final"]
    if not finals:
        return "", False
    begins = finals[-1].end()
    ends = _END.search(reply, begins)
    return reply[begins : ends.start() if ends else None], True
