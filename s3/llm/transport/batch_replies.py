"""What a batch brought, line by line: whatever one line holds, the others are kept."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from s3.errors import UserError
from s3.llm.errors import Fault, RateLimited, Refused, Unfit
from s3.llm.protocols import Content, Response
from s3.llm.protocols.causes import SPENT
from s3.llm.store import Payment
from s3.llm.transport.base import Context
from s3.llm.transport.calls import spent
from s3.llm.types import Prompt


@dataclass(frozen=True)
class Read:
    """What one line is: whose, what it took, and why it is no completion, if it is none.

    A payment with an id has a completion; `stated` says that it is not an estimate.
    """

    id: str
    payment: Payment | None
    stated: bool = True
    cause: Exception | None = None


def read_replies(
    context: Context,
    sent: Mapping[str, Content],
    replies: Sequence[tuple[str, Response | Fault]],
) -> list[Read]:
    """Read what came for the bodies `sent`; of several replies to one, the first good counts."""
    reads, kept = list[Read](), set[str]()
    for id, reply in replies:
        one = _read(context, id, sent.get(id), reply)
        if one.payment and one.payment.id in kept:
            again = Fault("duplicate", "a second reply to the same request")
            one = replace(one, payment=replace(one.payment, id=""), cause=again)
        elif one.payment and one.payment.id:
            kept.add(id)
        reads.append(one)
    return reads


def _read(context: Context, id: str, body: Content | None, reply: Response | Fault) -> Read:
    """Read one line, whatever it holds: what it took counts also where it is of no use."""
    protocol, payment, stated = context.protocol, None, True
    cause: Exception
    try:
        if isinstance(reply, Fault):
            raise reply
        content = protocol.content(reply, context.where)
        prompt = Prompt("") if body is None else protocol.prompt(body)
        used, stated = protocol.used(content, prompt)
        payment = Payment(used, context.budget.price.of(used))
        if body is None:
            raise Fault("unknown_id", f"a reply to {id[:80]!r}, which was not asked")
        protocol.completion(content, id, used, prompt.stop)
        raw = json.dumps(body, ensure_ascii=False).encode()
        return Read(id, replace(payment, id=id, request=raw, reply=reply.body), stated)
    except (Fault, Unfit, Refused) as error:
        cause = error
    except RateLimited:
        cause = Fault("rate_limited", "HTTP 429")
    except UserError as error:
        cause = _blamed(error, reply, context.where)
    except Exception as error:  # no line of a file may cost the others, which are paid for
        cause = Fault("unparsable", f"{type(error).__name__}: {error}"[:300])
    return Read(id, payment, stated, cause)


def _blamed(error: UserError, reply: Response | Fault, where: str) -> Exception:
    """Return whether a line's own request was refused, or the account that sent it."""
    if SPENT.search(str(error)):
        return spent(where, str(error))
    own = isinstance(reply, Response) and reply.status in (400, 422)
    return Unfit("rejected", str(error)) if own else error


def judge(reads: Sequence[Read], what: str) -> None:
    """Say how many lines are of no use. Raises UserError where the account is to blame.

    `what` names the batch, whose good replies are stored by then.
    """
    useless = [one.cause for one in reads if one.cause]
    if not useless:
        return
    kinds = Counter(getattr(cause, "reason", "refused") for cause in useless)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    said = f"{what}: {len(useless)} of {len(reads)} lines hold no completion ({listed})"
    print(f"{said}. All others are stored.", file=sys.stderr, flush=True)
    for cause in useless:
        if isinstance(cause, UserError) and not isinstance(cause, Refused):
            raise cause
