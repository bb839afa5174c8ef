"""`python -m s3 check llm=NAME`: what an endpoint is and does, and the YAML that fits it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from s3.composing import Folder, Options, composed, wrong_options
from s3.errors import UserError

if TYPE_CHECKING:
    from s3.llm import LLM
    from s3.llm.check import Findings
    from s3.llm.limits import Price
    from s3.llm.types import Tokens


def check(options: Options, config_dir: Folder = None) -> None:
    """What a run would stumble over: its task (task=NAME), its LLM's endpoint (llm=NAME), or both.

    Of a task: prompts, gold data, the small model. Sends nothing. Of an endpoint: what it is and
    does, by three small prompts, and the YAML that fits it; says beforehand what it can cost.
    The exit status is 2 where an option is wrong, 1 where a run could not go on.
    """
    with wrong_options():
        one = composed(options, config_dir).experiment
    if any(option.startswith("task=") for option in options):
        from s3.runs.preflight import described

        for name, said in described(one.task, one.llm, one.method, one.model, one.seed):
            print(f"{name:18} {said}")
    if any(option.startswith("llm=") for option in options):
        check_endpoint(one.llm)


def check_endpoint(llm: LLM) -> None:
    """Say what an endpoint is and does, of several servers each.

    Raises UserError where the only one does not answer.
    """
    from s3.llm.check import check as ask
    from s3.llm.check import dearest
    from s3.llm.types import Tokens

    price, each = llm.price(), servers(llm)
    costs = ([dearest(one, thoughts) for one in each] for thoughts in (False, True))
    plain, thinking = (_at_most(sum(tokens, Tokens()), price) for tokens in costs)
    where = " and to ".join(one.endpoint for one in each)
    print(f"Sends 3 prompts to {where}: {plain}; if it thinks, {thinking}.", flush=True)
    answered = []
    for one in each:
        try:
            answered.append(found := ask(one))
        except UserError as error:
            if len(each) == 1:
                raise
            print(f"{one.endpoint}: {error}\n", file=sys.stderr, flush=True)
            continue
        for name, said in report(one, found):
            print(f"{name:18} {said}")
        print(flush=True)
    if answered:
        print(yaml(llm, answered[0]), end="")
    if len(answered) < len(each):
        raise typer.Exit(1)


def servers(llm: LLM) -> list[LLM]:
    """Return an LLM for each of the servers that it has."""
    from s3.llm import Server
    from s3.llm.settings import addresses

    if not isinstance(llm, Server):
        return [llm]
    return [replace(llm, base_url=url) for url in addresses(llm.base_url)]


def report(llm: LLM, found: Findings) -> Iterator[tuple[str, str]]:
    """Yield what was found, a line each."""
    from s3.llm.protocols.parsing import shown

    protocol, model = found.protocol, str(llm.identity()["model"])
    said = shown(found.answers[0].completion.model)
    yield "endpoint", llm.endpoint
    yield "protocol", protocol.name
    yield "model", model if said in ("", model) else f"{model}, which calls itself {said}"
    yield "context length", f"{found.context} tokens" if found.context else "not stated"
    yield (
        "seeds",
        {
            True: "exact: one prompt and seed gave the same reply twice",
            False: "not exact: one prompt and seed gave two replies",
            None: "none are taken",
        }[found.exact],
    )
    yield "log-probabilities", "offered" if found.logprobs else "not offered"
    yield "thinking", "yes: its thoughts are paid for" if found.thoughts else "no"
    yield (
        "refused fields",
        "; ".join(f"{k} ({shown(v)})" for k, v in found.refused.items()) or "none",
    )
    yield "speed", f"{found.speed:.0f} tokens/s, one request at a time"
    yield "price", _price(llm, found)
    used = found.usage
    cost = f"${used.cost:.6f}" if llm.price() else "a cost that is not known"
    estimated = " (estimated: it states no usage)" if used.unstated else ""
    yield "this check", f"{used.prompt_tokens} + {used.completion_tokens} tokens{estimated}, {cost}"


def _at_most(tokens: Tokens, price: Price | None) -> str:
    cost = f"${price.of(tokens):.6f}" if price else "at a price that is not known"
    return f"at most {tokens.total} tokens, {cost}"


def _price(llm: LLM, found: Findings) -> str:
    if price := llm.price():
        return f"${price.input * 1e6:g} and ${price.output * 1e6:g} a million tokens in and out"
    if listed := found.prices:
        return f"${listed[0]:g} and ${listed[1]:g} a million tokens in and out, as it lists itself"
    return "not known: set llm.input_price and llm.output_price"


def yaml(llm: LLM, found: Findings) -> str:
    """Return the option file that makes this LLM, with what the endpoint was found to want."""
    from dataclasses import MISSING, fields

    from omegaconf import OmegaConf

    chosen: dict[str, Any] = {}
    for one in fields(llm):
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if (value := getattr(llm, one.name)) != default or one.name in ("name", "protocol"):
            chosen[one.name] = value
    known = {one.name for one in fields(llm)}
    if "omit" in known and found.protocol.omit:
        chosen["omit"] = list(found.protocol.omit)
    if llm.price() is None and found.prices and "input_price" in known:
        chosen["input_price"], chosen["output_price"] = found.prices
    head = (
        "# Save as conf/llm/NAME.yaml, or as mine/llm/NAME.yaml for --config-dir=mine: llm=NAME\n"
    )
    schema = f'defaults: ["/schema/{type(llm).__name__}@_here_", _self_]\n\n'
    return head + schema + OmegaConf.to_yaml(OmegaConf.create(chosen))
