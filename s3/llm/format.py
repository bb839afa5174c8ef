"""A session's wire format, fitted to its endpoint: what that refuses is left out from then on.

What an endpoint was found to want is kept beside the store, so that no later run must be refused
to know it, and a run that needs nothing but stored completions finds them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from s3.llm.errors import NoRoom, Refused
from s3.llm.protocols import Protocol
from s3.llm.types import Prompt
from s3.storage import cache_folder, write_json


class Format:
    """The `protocol` that requests are written in now, and the key of each in the store.

    `where` names the endpoint in messages. `identity` and `seed` decide completions beside what
    is sent. Seen from the threads of a session and of its transport.
    """

    def __init__(
        self, protocol: Protocol, where: str, endpoint: str, identity: dict[str, Any], seed: int
    ) -> None:
        self._where, self._identity, self._seed = where, identity, seed
        self._label = " ".join((endpoint, protocol.name, protocol.model, protocol.reasoning or ""))
        self.first = self.protocol = self._kept = self._recalled(protocol)
        self._begun: dict[int, Any] = {}  # by the format: the hash of what all its keys share
        self._formats: list[Protocol] = []  # holds them, so that no id is used twice

    def key(self, prompt: Prompt, protocol: Protocol) -> str:
        """Return what decides a prompt's completions, in 32 hex digits."""
        if (begun := self._begun.get(id(protocol))) is None:
            omitted = {"omit": sorted(protocol.omit)} if protocol.omit else {}
            shared = json.dumps([{**self._identity, **omitted}, self._seed], sort_keys=True)
            begun = self._begun[id(protocol)] = hashlib.sha256(shared.encode())
            self._formats.append(protocol)
        hashed = begun.copy()
        hashed.update(json.dumps(protocol.request(prompt), sort_keys=True).encode())
        return str(hashed.hexdigest()[:32])

    def suit(self, sent: Protocol, why: Refused | NoRoom) -> bool:
        """Change what is sent from now on; return whether that is another than what was `sent`."""
        if self.protocol is not sent:  # changed since, for another request
            return True
        if (suited := sent.suited(why)) is None:
            return False
        self.protocol = suited
        _say(f"{self._where}: from now on {_changes(sent, suited)}.")
        return True

    def served(self, sent: Protocol) -> None:
        """Note a good reply: what its request was like is what the endpoint wants."""
        if sent is self._kept:
            return
        self._kept = sent
        notes = _read()
        notes[self._label] = {
            "omit": list(sent.omit), "room": sent.room, "date": date.today().isoformat()
        }  # fmt: skip
        with suppress(OSError):  # then the next run finds it again
            write_json(_file(), notes)

    def _recalled(self, protocol: Protocol) -> Protocol:
        note = _read().get(self._label)
        if not isinstance(note, dict):
            return protocol
        omit, room = note.get("omit"), note.get("room")
        names = [str(name) for name in omit] if isinstance(omit, list) else []
        new = tuple(name for name in names if name not in {*protocol.omit, *protocol.extra})
        room = max(protocol.room, room) if isinstance(room, int) else protocol.room
        if not new and room == protocol.room:
            return protocol
        known = replace(protocol, omit=(*protocol.omit, *new), room=room)
        said = _changes(protocol, known)
        _say(f"{self._where}: {said}, as found on {note.get('date')} (noted in {_file()}).")
        return known


def _changes(old: Protocol, new: Protocol) -> str:
    """Say how the requests of two formats differ, with the option that says so beforehand."""
    said = []
    if dropped := [name for name in new.omit if name not in old.omit]:
        sent = {*new.request(Prompt("", stop=("\n",)))}
        renamed = {"max_tokens", "max_completion_tokens"} & {*dropped}
        other = ({"max_tokens", "max_completion_tokens"} & sent) if renamed else set()
        instead = f" ({other.pop()} in place of {renamed.pop()})" if other else ""
        names = ", ".join(dropped)
        said.append(f"requests go without {names}{instead}: llm.omit=[{','.join(new.omit)}]")
    if new.room != old.room:
        said.append(
            f"a reply gets {new.room} tokens more for its thoughts, which used up its own "
            "(llm.reasoning=low, or none, makes the model think less)"
        )
    return ", and ".join(said)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _file() -> Path:
    return cache_folder() / "completions" / "endpoints.json"


def _read() -> dict[str, Any]:
    try:
        notes = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
