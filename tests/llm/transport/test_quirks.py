"""Endpoints as users have them: thinking models, refused fields, errors in a 200, odd numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from s3.errors import UserError
from s3.llm import BudgetReached, Completion, Failure, Prompt, Server, Session
from s3.llm.errors import NothingUsable
from s3.llm.store import Store
from tests.llm.conftest import server
from tests.server import FakeLLM, Json

Serve = Callable[..., FakeLLM]
TEXT = "A fine film about dogs."


def prompts(number: int, **more: Any) -> list[Prompt]:
    return [Prompt(f"Write review {i} of a film.", reply_tokens=60, **more) for i in range(number)]


def ask(llm: Server, asked: list[Prompt], run: str = "") -> tuple[list[str], list[Failure]]:
    """The texts of the completions that came, and the failures."""
    with Session(llm, 0, run) as session:
        outcomes = list(session.complete(asked))
    texts = [one.text for one in outcomes if isinstance(one, Completion)]
    return texts, [one for one in outcomes if isinstance(one, Failure)]


def said(content: Any = TEXT, end: str = "stop", usage: Any = None, **message: Any) -> Json:
    choice = {"message": {"content": content, **message}, "finish_reason": end}
    return {"choices": [choice], "usage": usage or {"prompt_tokens": 9, "completion_tokens": 6}}


def refusing(message: str, *names: str, param: str | None = None) -> Callable[[Json], Any]:
    """An endpoint that takes no request with all these fields."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": param}}
    return lambda request: (400, body) if all(name in request for name in names) else None


def test_a_template_without_a_system_turn_gets_its_text_before_the_users(serve: Serve) -> None:
    def template(request: Json) -> Any:
        roles = [turn["role"] for turn in request["messages"]]
        error = {"object": "error", "message": "System role not supported", "code": 400}
        return (400, error) if "system" in roles else None

    endpoint = serve(special=template)
    texts, failures = ask(server(endpoint), prompts(5, system="You write."))
    assert (len(texts), failures) == (5, [])
    served = [one["messages"] for one in endpoint.requests if len(one["messages"]) == 1]
    assert all(turn["content"].startswith("You write.\n\nWrite review") for (turn,) in served)
    again, _ = ask(server(endpoint, omit=["system"]), prompts(1, system="You write."))
    assert len(again) == 1


# Thinking models


def thinks(request: Json) -> tuple[int, Json]:
    """As a model that thinks for 500 tokens."""
    room = max(request.get(name, 0) for name in ("max_tokens", "max_completion_tokens"))
    thought = {"reasoning_content": "Let me see."}
    return 200, said(**thought) if room > 500 else said(None, "length", **thought)


def test_thoughts_that_use_up_the_reply_get_more_room_once_and_for_all(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = serve(special=thinks)
    texts, failures = ask(server(endpoint), prompts(100))
    assert (texts, failures) == ([TEXT] * 100, [])
    small = [request for request in endpoint.requests if request["max_tokens"] == 60]
    assert len(small) <= 50  # those in flight when the first came back
    assert capfd.readouterr().err.count("llm.reasoning") == 1
    sent = len(endpoint.requests)
    assert ask(server(endpoint), prompts(101))[0] == [TEXT] * 101  # the stored ones are found
    assert len(endpoint.requests) == sent + 1


def test_thoughts_without_end_are_counted_and_stop_the_run(serve: Serve) -> None:
    endpoint = serve(special=lambda request: (200, said(None, "length", reasoning="Hm.")))
    _, failures = ask(server(endpoint), prompts(10))
    assert [one.reason for one in failures] == ["reasoning"] * 10
    assert len(endpoint.requests) == 20  # each once as it was, once with more room
    with pytest.raises(NothingUsable, match=r"20 reasoning.*llm\.reasoning"):
        ask(server(endpoint), prompts(2000))
    assert len(endpoint.requests) < 200


def test_parts_are_joined_and_thoughts_left_out(serve: Serve) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "SECRET"}]}
    parts = [thought, {"type": "text", "text": "A fine film "}, {"type": "text", "text": "it is."}]
    answers = iter([said(parts), said(TEXT, reasoning_content="SECRET", reasoning="SECRET")])
    endpoint = serve(special=lambda request: (200, next(answers)))
    assert sorted(ask(server(endpoint), prompts(2))[0]) == [TEXT, "A fine film it is."]


def test_the_effort_is_sent_where_it_is_chosen(serve: Serve) -> None:
    endpoint = serve()
    ask(server(endpoint, reasoning="low"), prompts(1))
    ask(server(endpoint), prompts(1))
    assert [r.get("reasoning_effort") for r in endpoint.requests] == ["low", None]


# Replies of no use


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said(None, refusal="I cannot help with that."), "declined"),
        (said("", "content_filter"), "filtered"),
        (said(""), "empty"),
        (said(None, "tool_calls", tool_calls=[{"function": {"name": "f"}}]), "tool_call"),
    ],
)
def test_first_replies_of_no_use_stop_the_run_and_say_why(
    serve: Serve, answer: Json, reason: str
) -> None:
    endpoint = serve(special=lambda request: (200, answer))
    with pytest.raises(NothingUsable, match=f"20 replies gave nothing usable \\(20 {reason}"):
        ask(server(endpoint), prompts(2000))
    assert len(endpoint.requests) < 200


def test_whoever_tolerates_more_failures_goes_on(serve: Serve) -> None:
    endpoint = serve(special=lambda request: (200, said(None, refusal="No.")))
    assert len(ask(server(endpoint, tolerated_failures=40), prompts(30))[1]) == 30


def test_what_the_caller_drops_counts_too_also_from_the_store(serve: Serve) -> None:
    endpoint = serve()
    # One at a time: what the end cuts in flight is asked again, and must not count for the store.
    llm_server = server(endpoint, concurrency=1, max_concurrency=1)
    for _ in range(2):
        with Session(llm_server, 0) as llm, pytest.raises(NothingUsable, match="20 cut_off"):
            assert not [llm.drop("cut_off") for _ in llm.complete(prompts(30))]
        assert len(endpoint.requests) <= 30
    with Session(server(endpoint), 0) as llm:
        for number, _ in enumerate(llm.complete(prompts(30))):
            if number != 18:  # one of use is enough
                llm.drop("cut_off")


# Refused fields


@pytest.mark.parametrize(
    ("message", "names", "gone"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            ["max_tokens"],
            "max_tokens",
        ),
        (
            "Unsupported value: 'temperature' does not support 0.9 with this model. Only the "
            "default (1) value is supported.",
            ["temperature"],
            "temperature",
        ),
        ("`top_p` is deprecated for this model", ["top_p"], "top_p"),
        ("Argument not supported on this model: stop", ["stop"], "stop"),
        ("property 'seed' is unsupported", ["seed"], "seed"),
        (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only "
            "one.",
            ["temperature", "top_p"],
            "top_p",
        ),
    ],
)
def test_a_refused_field_is_left_out_or_renamed_for_the_session(
    serve: Serve, capfd: pytest.CaptureFixture[str], message: str, names: list[str], gone: str
) -> None:
    endpoint = serve(special=refusing(message, *names))
    asked = prompts(100, stop=("ILM",))
    texts, failures = ask(server(endpoint), asked)
    assert (len(texts), failures) == (100, [])
    assert endpoint.statuses[400] <= 50  # those in flight when the first came back
    assert f"llm.omit=[{gone}]" in capfd.readouterr().err
    good = endpoint.requests[-1]
    assert gone not in good
    assert {"temperature", "stop", "seed"} - set(good) <= {gone}
    assert [good.get("max_completion_tokens"), good.get("max_tokens")].count(60) == 1
    # Another process knows it: it finds what is stored, and is not refused again.
    sent = len(endpoint.requests)
    assert ask(server(endpoint, max_requests=0), asked)[0] == texts
    assert ask(server(endpoint), prompts(101, stop=("ILM",)))[0][:100] == texts
    assert len(endpoint.requests) == sent + 1
    # And to say so beforehand is the same.
    assert ask(server(endpoint, omit=[gone], max_requests=0), asked)[0] == texts


def test_a_place_that_names_a_field_refuses_it_and_several_go_in_turn(serve: Serve) -> None:
    def strict(request: Json) -> tuple[int, Json] | None:
        extra = [name for name in ("seed", "top_p") if name in request][:1]
        detail = [
            {"loc": ["body", name], "msg": "Extra inputs are not permitted"} for name in extra
        ]
        return (422, {"detail": detail}) if extra else None

    texts, _ = ask(server(serve(special=strict)), prompts(5))
    assert len(texts) == 5


def test_a_stop_that_is_not_sent_is_applied(serve: Serve) -> None:
    endpoint = serve(special=lambda request: (200, said("One line.\nAnother.")))
    for _ in range(2):
        texts, _ = ask(server(endpoint, omit=["stop"]), prompts(1, stop=("\n", "Another")))
        assert texts == ["One line."]
    assert "stop" not in endpoint.requests[0]


def test_what_was_sent_decides_what_is_stored(serve: Serve, cache: Path) -> None:
    endpoint = serve(special=refusing("top_p is not supported", "top_p"))
    ask(server(endpoint), prompts(1))
    endpoint.manners.special = lambda request: None
    (cache / "completions" / "endpoints.json").unlink()  # it is no longer so
    before = len(endpoint.requests)
    ask(server(endpoint), prompts(1))
    assert len(endpoint.requests) == before + 1  # a reply with top_p is another than one without


def test_the_same_prompt_gives_other_samples_where_a_field_is_refused(serve: Serve) -> None:
    endpoint = serve(special=refusing("top_p is not supported", "top_p"))
    texts, _ = ask(server(endpoint), prompts(1) * 8)
    assert len(set(texts)) == 8
    assert ask(server(endpoint), prompts(1) * 8)[0] == texts


def test_fields_can_be_added_and_left_out_by_hand(serve: Serve) -> None:
    endpoint = serve()
    ask(server(endpoint, extra={"top_k": 40, "temperature": 0.1}, omit=["seed"]), prompts(1))
    (sent,) = endpoint.requests
    assert (sent["top_k"], sent["temperature"], "seed" in sent) == (40, 0.1, False)


def test_the_error_of_another_field_names_the_options(serve: Serve) -> None:
    special = refusing("Unsupported parameter: reasoning_effort", "reasoning_effort")
    with pytest.raises(UserError, match=r"llm\.omit.*llm\.extra"):
        ask(server(serve(special=special), reasoning="low"), prompts(1))


# Errors in a 200, numbers, bodies


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"message": "Provider returned error", "code": 502}},
        {"error": "upstream busy"},
        {"error": {"message": "Rate limit exceeded", "code": "429"}},
        {"object": "error", "message": "overloaded", "code": 503},
        {"choices": [{"message": {"content": "Half a"}, "error": {"code": 502, "message": "x"}}]},
        {"choices": [{"message": {"content": "Half a"}, "finish_reason": "error"}]},
        {"choices": []},
        {"choices": [{"message": "no"}]},
        b"<html><title>502 Bad Gateway</title></html>",
        b"",
        b'{"choices": ' + b"[" * 100_000,
    ],
)
def test_what_went_wrong_once_is_asked_again_and_half_a_text_is_not_kept(
    serve: Serve, answer: Any
) -> None:
    first = iter([(200, answer)])
    endpoint = serve(special=lambda request: next(first, None))
    texts, failures = ask(server(endpoint), prompts(1))
    assert (len(texts), failures) == (1, [])
    assert texts != ["Half a"]
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"message": "No such key", "code": 401}}, "HTTP 401: No such key"),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, "add credit"),
        (b'data: {"choices": [{"delta": {}}]}\n\ndata: [DONE]\n\n', "stream of events"),
    ],
)
def test_what_cannot_be_mended_in_a_200_stops_the_run(
    serve: Serve, answer: Any, words: str
) -> None:
    endpoint = serve(special=lambda request: (200, answer))
    with pytest.raises(UserError, match=words):
        ask(server(endpoint, concurrency=5, max_concurrency=5), prompts(100))
    assert len(endpoint.requests) <= 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body>The gateway is <b>busy</b></body></html>", "an HTML page: The gateway is"),
        (b"", "an empty body"),
        (b"upstream connect error", "a text that is no JSON: upstream connect error"),
        (b'{"choices": [', "JSON cut off"),
    ],
)
def test_a_body_that_is_no_json_is_described(serve: Serve, body: bytes, words: str) -> None:
    endpoint = serve(special=lambda request: (200, body))
    _, (failure,) = ask(server(endpoint, attempts=1, tolerated_failures=1), prompts(1))
    assert failure.detail.startswith(words)


DIGITS = b"9" * 5000
USAGES = [
    b"null",
    b"{}",
    b'{"prompt_tokens": -10, "completion_tokens": -5}',
    b'{"prompt_tokens": 0, "completion_tokens": 0}',
    b'{"prompt_tokens": %s, "completion_tokens": %s}' % (DIGITS, DIGITS),
    b'{"prompt_tokens": NaN, "completion_tokens": Infinity}',
    b'{"prompt_tokens": {"a": [1]}, "completion_tokens": "many"}',
    b"[1, 2]",
]


@pytest.mark.parametrize("usage", USAGES, ids=range(len(USAGES)))
@pytest.mark.parametrize("cap", [{"max_tokens": 2000}, {"max_cost": 0.002}])
def test_a_cap_bites_whatever_usage_is_stated(serve: Serve, usage: bytes, cap: Json) -> None:
    body = b'{"choices": [{"message": {"content": "%s"}}], "usage": %s}' % (b"word " * 50, usage)
    endpoint = serve(special=lambda request: (200, body))
    llm = server(endpoint, input_price=1.0, output_price=1.0, **cap)
    with pytest.raises(BudgetReached):
        ask(llm, prompts(300))
    assert 5 < len(endpoint.requests) < 40


def test_numbers_of_usage_may_be_texts(serve: Serve) -> None:
    usage = {"prompt_tokens": "10", "completion_tokens": "5.0"}
    endpoint = serve(special=lambda request: (200, said(usage=usage)))
    with Session(server(endpoint), 0) as llm:
        list(llm.complete(prompts(2)))
    assert (llm.usage.prompt_tokens, llm.usage.completion_tokens) == (20, 10)
    assert llm.usage.unstated == 0


@pytest.mark.parametrize("answer", [said(""), said(None, refusal="No."), {"choices": []}])
@pytest.mark.parametrize("cap", [{"max_requests": 12}, {"max_tokens": 1500}])
def test_a_cap_remembers_paid_replies_without_a_text_after_a_restart(
    serve: Serve, answer: Json, cap: Json
) -> None:
    endpoint = serve(special=lambda request: (200, answer))
    llm = server(endpoint, tolerated_failures=999, concurrency=4, max_concurrency=4, **cap)
    spent = []
    for _ in range(3):
        with pytest.raises(BudgetReached):
            ask(llm, prompts(300), run="mine")
        spent.append(len(endpoint.requests))
    assert spent[2] - spent[0] <= 1


# A row's own fault


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (400, "max_tokens must be at least 1, got -186.", "too_long"),
        (
            400,
            "'max_tokens' or 'max_completion_tokens' is too large: 60. This model's maximum context"
            " length is 2048 tokens and your request has 2040 input tokens.",
            "too_long",
        ),
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: "
            "2040 `inputs` tokens and 60 `max_new_tokens`",
            "too_long",
        ),
        (422, "Input validation error: `inputs` must have less than 1000 tokens.", "too_long"),
        (
            400,
            "The input token count (218152) exceeds the maximum number of tokens allowed (65536).",
            "too_long",
        ),
        (400, "the request exceeds the available context size, try increasing it", "too_long"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "too_long"),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000", "too_long"),
        (400, "Please reduce the length of the messages or completion.", "too_long"),
        (413, "Request Entity Too Large", "too_long"),
        (
            400,
            "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
            "too_long",
        ),
        (400, "Prompt length exceeds max position embeddings", "too_long"),
        (
            400,
            "Token indices sequence length is longer than the specified maximum sequence length",
            "too_long",
        ),
        (400, "Content Exists Risk", "filtered"),
        (400, "The request was rejected because it was considered high risk", "filtered"),
        (400, "Input data may contain inappropriate content.", "filtered"),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容", "filtered"),
        (403, "Your chosen model requires moderation and your input was flagged", "filtered"),
        (
            400,
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            "filtered",
        ),
        (400, "The response was filtered by Azure OpenAI's content management policy", "filtered"),
    ],
)
def test_one_row_ends_no_run(serve: Serve, status: int, message: str, reason: str) -> None:
    def answer(request: Json) -> tuple[int, Json] | None:
        long = "review 3 " in request["messages"][-1]["content"]
        return (status, {"error": {"message": message}}) if long else None

    endpoint = serve(special=answer)
    texts, failures = ask(server(endpoint), prompts(10))
    assert (len(texts), [one.reason for one in failures]) == (9, [reason])
    assert len(endpoint.requests) == 10


@pytest.mark.parametrize(
    "message", ["Invalid 'stop': array too long. Expected at most 4", "Your account is blocked"]
)
def test_what_is_wrong_with_every_row_ends_it(serve: Serve, message: str) -> None:
    with pytest.raises(UserError, match=message[:20]):
        ask(server(serve(status=400, said=message)), prompts(3))


def test_an_error_of_one_row_that_nobody_knows_does_not_end_the_run_at_each_rerun(
    serve: Serve,
) -> None:
    """vllm#22533: the server cannot read what its model wrote, and answers 400."""
    body = {"error": {"message": "unexpected tokens remaining in message header"}}
    flaky = serve(
        special=lambda request: (400, body) if "review 3 " in str(request["messages"]) else None
    )
    llm = server(flaky, concurrency=1, max_concurrency=1, tolerated_failures=1)
    for _ in range(2):
        texts, failures = ask(llm, prompts(10))
        assert (len(texts), [one.reason for one in failures]) == (9, ["rejected"])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (429, "Budget has been exceeded! Current cost: 26.075, Max budget: 0.25"),
        (400, "ExceededBudget: End User=x over budget. Spend=0.0009, Budget=0.0001"),
        (429, "No deployments available - crossed budget: Exceeded budget for deployment x"),
    ],
)
def test_a_spent_budget_of_a_proxy_is_not_waited_for(
    serve: Serve, status: int, message: str
) -> None:
    answer = (status, {"error": {"message": message}})
    with pytest.raises(UserError, match="quota is spent"):
        ask(server(serve(special=lambda request: answer)), prompts(3))


# A reply's end and content as Ollama, LiteLLM and proxies before them send them.
@pytest.mark.parametrize(
    "reply",
    [
        said(None, usage={"prompt_tokens": 0, "completion_tokens": 0}),  # ollama#13371
        said(None, usage={"prompt_tokens": 8412, "completion_tokens": 0}),  # litellm#16651
        said("", None),  # docling#1647
        said("", "load"),  # oh-my-pi#7465
        said(None, "malformed_function_call"),  # litellm#22138
    ],
)
def test_a_reply_without_a_text_is_asked_again(serve: Serve, reply: Json) -> None:
    asked: list[Json] = []

    def first(request: Json) -> tuple[int, Json] | None:
        asked.append(request)
        return (200, reply) if len(asked) <= 2 else None

    texts, failures = ask(server(serve(special=first)), prompts(5))
    assert (len(texts), failures, len(asked)) == (5, [], 7)


@pytest.mark.parametrize("end", [None, "finish_reason_unspecified"])  # ollama#7547, litellm#22138
def test_an_end_that_says_nothing_leaves_the_text(serve: Serve, end: Any) -> None:
    texts, failures = ask(server(serve(special=lambda request: (200, said(end=end)))), prompts(3))
    assert (texts, failures) == ([TEXT] * 3, [])


# Waits


def test_stray_refusals_cost_their_rows_alone(serve: Serve) -> None:
    endpoint = serve(delay=0.02, refuse=0.02, retry_after="1", seed=1)
    started = time.monotonic()
    texts, _ = ask(server(endpoint), prompts(600))
    assert len(texts) == 600
    assert endpoint.statuses[429] > 5
    assert time.monotonic() - started < 3 * 2  # a second for the last stray, and a busy machine


@pytest.mark.parametrize("wait", ["86400", "Fri, 31 Dec 2099 23:59:59 GMT"])
def test_one_wait_of_a_day_is_said_and_not_waited_for(
    serve: Serve, capfd: pytest.CaptureFixture[str], wait: str
) -> None:
    endpoint = serve(refuse=0.05, retry_after=wait, seed=2)
    started = time.monotonic()
    texts, _ = ask(server(endpoint), prompts(40))
    assert len(texts) == 40
    assert time.monotonic() - started < 15
    assert capfd.readouterr().err.count("asks to wait") == 1


def test_a_row_that_is_always_told_to_wait_a_day_fails_alone(serve: Serve) -> None:
    refusal = {"error": {"message": "Please try again in 24h0m0s"}}
    endpoint = serve(
        special=lambda asked: (429, refusal) if "review 3 " in str(asked["messages"]) else None
    )
    texts, failures = ask(server(endpoint, tolerated_failures=1), prompts(10))
    assert (len(texts), [one.reason for one in failures]) == (9, ["rate_limited"])
    assert "86400 s" in failures[0].detail
    assert endpoint.statuses[429] == 5


def test_a_long_wait_is_said_with_the_endpoints_words(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = serve(status=429, said="No deployments available", headers={"Retry-After": "9999"})
    with pytest.raises(UserError, match="No deployments available"):
        ask(server(endpoint), prompts(3))
    assert "No deployments available" in capfd.readouterr().err


def test_litellms_500_of_a_field_is_a_refusal(serve: Serve) -> None:
    said_of_it = "litellm.UnsupportedParamsError: x does not support parameters: ['seed']"
    body = {"error": {"message": said_of_it, "code": "500"}}
    endpoint = serve(special=lambda asked: (500, body) if "seed" in asked else None)
    texts, _ = ask(server(endpoint, concurrency=1), prompts(5))
    assert len(texts) == 5
    assert len(endpoint.requests) == 6


@pytest.mark.parametrize(
    "wait", ["Fri, 99 Foo 99999 99:99:99 GMT", "inf", "-5", "Mon, 01 Jan 99999999999 00:00:00 GMT"]
)
def test_a_wait_that_cannot_be_read_is_none(serve: Serve, wait: str) -> None:
    endpoint = serve(refuse=0.2, retry_after=wait, seed=2)
    assert len(ask(server(endpoint), prompts(20))[0]) == 20


def test_a_day_that_is_announced_is_not_waited_for_in_silence(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {
        f"x-ratelimit-{name}-requests": value
        for name, value in (("limit", "1"), ("remaining", "0"), ("reset", "24h"))
    }
    endpoint = serve(status=429, said="slow down", headers=headers)
    started = time.monotonic()
    with pytest.raises(UserError, match="86400 s"):
        ask(server(endpoint), prompts(20))
    assert time.monotonic() - started < 10
    assert "asks to wait 86400 s" in capfd.readouterr().err


# What looks well and is not


def test_prompts_that_were_cut_are_said_once_with_the_remedy(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    endpoint = serve(special=lambda request: (200, said(usage=usage)))
    ask(server(endpoint), [Prompt(f"Review {i}" + " word" * 300) for i in range(5)])
    error = capfd.readouterr().err
    assert error.count("cut prompts") == 1
    assert "OLLAMA_CONTEXT_LENGTH" in error
    ask(server(serve()), prompts(5))
    assert "cut prompts" not in capfd.readouterr().err


def test_replies_all_alike_are_said_once(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    endpoint = serve(special=lambda request: (200, said()))
    ask(server(endpoint), prompts(60))
    assert capfd.readouterr().err.count("different texts") == 1
    ask(server(serve()), prompts(60))
    assert "different texts" not in capfd.readouterr().err


def test_half_a_surrogate_pair_is_counted_without_a_traceback(serve: Serve) -> None:
    body = json.dumps({"choices": [{"message": {"content": "half \ud800 a pair"}}]}).encode()
    assert len(ask(server(serve(special=lambda request: (200, body))), prompts(1))[0]) == 1


def test_a_stored_reply_that_is_no_text_any_more_is_counted_and_ends_no_run(serve: Serve) -> None:
    endpoint = serve()
    ask(server(endpoint), prompts(3))
    with closing(Store()) as store:
        broken = json.dumps({"choices": [{"message": {"content": "x"}, "error": "busy"}]}).encode()
        first = "id = (SELECT min(id) FROM completions)"
        store.database.execute(f"UPDATE completions SET reply = ? WHERE {first}", (broken,))
    for _ in range(2):
        texts, failures = ask(server(endpoint), prompts(3))
        assert (len(texts), [one.reason for one in failures]) == (2, ["unreadable"])
    assert len(endpoint.requests) == 3
