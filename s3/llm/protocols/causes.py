"""What an error of an endpoint means: each is told by its status and by its words.

The words are those of OpenAI, Azure, Anthropic, Google, Mistral, OpenRouter, xAI, DeepSeek, Zhipu,
vLLM, TGI, llama.cpp, MLX and Ollama, as far as they are known; what none of them fits ends the run
with what was said.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Refused, Unfit
from s3.llm.protocols import waits
from s3.llm.protocols.parsing import Response, message, said

URL = re.compile(r"https?://\S+")  # Groq's rate limits link to a page that is called billing
TOO_LONG = re.compile(
    r"context.?(length|size|window|limit)|exceed_context|max_model_len|string_above_max_length"
    r"|(prompt|input|inputs|messages?|request|content)\W[^.]{0,60}too (long|large|many tokens)"
    r"|too many (input )?tokens|reduce the length|max_tokens must be at least 1\b"
    r"|input token count|(input|prompt)[^.]{0,80}exceed[^.]{0,40}(tokens|length|limit)"
    r"|inputs`? (tokens|must have less)|(prompt|input|sequence) length[^.]{0,30}exceed"
    r"|max(imum)? (prompt|input|sequence) length",
    re.I,
)
FILTERED = re.compile(
    r"content.?(filter|policy|management|violation)|moderation|flagged|usage polic|invalid_prompt"
    r"|_policy\b|policy_violation|safety (settings|system|filter)|data_inspection_failed"
    r"|prohibited.?content|content exists risk|high risk|(inappropriate|harmful|unsafe) content"
    r"|sensitive (content|information|words?)|敏感|不安全|违规",
    re.I,
)
SPENT = re.compile(
    r"insufficient.?(quota|funds|balance|credits?)|billing|credit balance|spend.?limit"
    r"|budget[^.]{0,40}exceed|exceed[^.]{0,20}budget|over budget",
    re.I,
)
TOO_LARGE = re.compile(r"request too large", re.I)
SLOW_DOWN = re.compile(r"rate.?limit|too many requests|resource.?exhausted|slow down", re.I)
REFUSAL = re.compile(
    r"unsupported|(not|n't) (be |currently |yet )?(support|permit|allow|accept|recogni|available)"
    r"|unrecogni[sz]ed|unknown|unexpected|extra_forbidden|extra (inputs|fields)|deprecated"
    r"|cannot (both )?be|only one|mutually exclusive|incompatible|not compatible",
    re.I,
)
NAME = re.compile(r'\\*"\w+\\*"\s*:')  # of a field, which says nothing of the cause
NO_SYSTEM = re.compile(r"system role (is )?not supported|roles must alternate", re.I)
TOGETHER = re.compile(r"\bboth\b|only one|mutually exclusive|together|incompatible|either", re.I)


def cause(response: Response, wait: float | None, where: str, sent: Collection[str]) -> Exception:
    """Return what an answer with an error's status means.

    `wait` is how long it asks to stay away; `sent` are the fields that may be left out.
    """
    status, body = response.status, response.body
    text, whole = message(body), body[:5000].decode(errors="replace")
    # In the body what is not ASCII may be escaped; the message is read.
    words = NAME.sub(" ", URL.sub(" ", f"{whole} {text}"))
    if status == 429 and TOO_LARGE.search(words):  # for a minute's allowance: it will never fit
        return Unfit("too_long", text)
    told = waits.in_words(whole)
    if status == 529 or (status == 429 and (told is not None or not SPENT.search(words))):
        return RateLimited(told if wait is None else wait, text)
    heard = f"{where} answered HTTP {status}: {text}."
    if status in (400, 422, 500) and NO_SYSTEM.search(text):
        return Refused(("system",), f"{heard} llm.omit=[system] puts its text before the user's.")
    # LiteLLM's proxy says HTTP 500 of a field that the model behind it does not take.
    taken = status in (400, 422) or (status == 500 and "UnsupportedParams" in whole)
    fields = refused(whole, sent) if taken else ()
    asked = f"{heard} llm.omit=[{','.join(fields)}] leaves out what it refuses."
    if status == 500 and fields:
        return Refused(fields, asked)
    if status >= 500 or status in (408, 409, 425):
        return Fault("server_error", f"HTTP {status}: {text}")
    if status in (400, 413, 422) and (status == 413 or TOO_LONG.search(words)):
        return Unfit("too_long", text)
    if status in (400, 403, 422) and FILTERED.search(words):
        return Unfit("filtered", text)
    if fields:
        return Refused(fields, asked)
    spent = SPENT.search(words)
    why = f"{heard} {_advice(402 if spent else status)}"
    return Refused((), why) if status in (400, 422) and not spent else UserError(why)


def refused(text: str, sent: Collection[str]) -> tuple[str, ...]:
    """Return which of the fields that were sent an error refuses; of two, not both, the second."""
    if not REFUSAL.search(text):
        return ()
    param = re.search(r'"param"\s*:\s*"(\w+)"', text)
    if param and param[1] in sent:
        return (param[1],)
    places = {name: re.search(rf"\b{re.escape(name)}\b", text) for name in sorted(sent)}
    named = sorted((place.start(), name) for name, place in places.items() if place)
    names = [name for _, name in named]
    if len(names) > 1 and TOGETHER.search(text):
        names.remove("temperature" if "temperature" in names else names[0])
    return tuple(names)


def stated_status(error: Any) -> int:
    """Return the status that an error in a 200 states, else the one that its words mean."""
    fields = error if isinstance(error, dict) else {}
    for name in ("code", "status", "status_code", "http_status"):
        value = str(fields.get(name) or "")
        if re.fullmatch(r"[45]\d\d", value):
            return int(value)
    text = said(error if isinstance(error, dict) else {"error": error})
    if SLOW_DOWN.search(text) or SPENT.search(text):
        return 429
    return 400 if TOO_LONG.search(text) or FILTERED.search(text) else 502


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Check the API key in the environment and what it is allowed to use."
    if status in (402, 429):
        return "The account's quota is spent: add credit, then run the same command to continue."
    if status == 404:
        return "Check llm.model and llm.base_url (it ends in /v1 with most servers)."
    if 300 <= status < 400:
        return "Redirects are not followed: set llm.base_url to the final address."
    return (
        "The endpoint rejects this request: check llm.model, llm.protocol and the settings; "
        "llm.omit=[name] leaves a field out, +llm.extra.name=value adds one."
    )
