"""The page of a review: served to this machine alone, each decision on disk before the next row.

Whoever asks must know the token in the address, and must ask for this machine by its address: a
page of somebody else's, open in the same browser, can neither read rows nor decide.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from s3.data.example import plain_target, said
from s3.data.reviewed import DECISIONS, Decision, read_decisions
from s3.errors import UserError
from s3.report.page import served_page
from s3.review.doubts import Doubt
from s3.storage import write_jsonl

HOST = "127.0.0.1"
LONGEST_BODY = 100_000  # bytes of a decision: an id, a label and a note


@dataclass
class Review:
    """The rows to decide on, and the file that has each decision as soon as it is made."""

    name: str
    doubts: list[Doubt]
    labels: tuple[str, ...]  # none where answers are spans: nothing can be relabelled
    file: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def decisions(self) -> dict[str, Decision]:
        """Return the decisions so far by the rows' ids, those of earlier reviews too."""
        return {row["id"]: row for row in read_decisions(self.file)} if self.file.exists() else {}

    def decide(self, asked: Any) -> None:
        """Write a decision down in place of an earlier one on the row. Raises ValueError.

        The file is replaced as a whole: a reader, or a crash, never meets half a line.
        """
        if not isinstance(asked, dict) or asked.get("decision") not in DECISIONS:
            raise ValueError("not a decision")
        rows = {doubt.example.id: doubt for doubt in self.doubts}
        doubt, label, note = rows.get(asked.get("id", "")), asked.get("label"), asked.get("note")
        if doubt is None or not isinstance(note, str):
            raise ValueError("not a row of this review")
        relabels = asked["decision"] == "relabel"
        if relabels and label not in self.labels:
            raise ValueError("not a label of this task")
        example = doubt.example
        row = {
            "id": example.id, "fields": dict(example.fields),
            "target": plain_target(example.target), "decision": asked["decision"],
            **({"label": label} if relabels else {}), "note": note, "reasons": doubt.reasons,
        }  # fmt: skip
        with self._lock:
            write_jsonl(self.file, (self.decisions() | {example.id: row}).values())

    def page(self) -> str:
        """Return the page, with the decisions that there are."""
        made = self.decisions()
        rows = [
            (one, said(one.example.target), made.get(one.example.id, {})) for one in self.doubts
        ]
        return served_page(
            "review.html", "review.js", title=f"Review of {self.name}", rows=rows,
            labels=self.labels, file=str(self.file),
        )  # fmt: skip


def review_server(review: Review, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """Return a server that listens on this machine alone, and the page's address.

    Port 0: a free one. Raises OSError where the port is taken.
    """
    token = secrets.token_urlsafe(16)
    handler = type("Handler", (_Handler,), {"review": review, "token": token})
    server = ThreadingHTTPServer((HOST, port), handler)
    return server, f"http://{HOST}:{server.server_address[1]}/{token}/"


class _Handler(BaseHTTPRequestHandler):
    review: Review
    token: str

    def do_GET(self) -> None:
        if self._allowed(""):
            self._answer(HTTPStatus.OK, self.review.page(), "text/html")

    def do_POST(self) -> None:
        if self._allowed("decide"):
            self._answer(*self._decided())

    def _decided(self) -> tuple[HTTPStatus, str]:
        """Return the status and the words for a decision that was sent."""
        length = self.headers.get("Content-Length", "")
        json_ = self.headers.get("Content-Type", "").partition(";")[0] == "application/json"
        if not json_ or not length.isdecimal() or int(length) > LONGEST_BODY:
            return HTTPStatus.BAD_REQUEST, "not a decision"
        try:
            self.review.decide(json.loads(self.rfile.read(int(length))))
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, str(error)
        except (OSError, UserError) as error:  # the page says it; the review goes on
            return HTTPStatus.INTERNAL_SERVER_ERROR, str(error)
        return HTTPStatus.OK, "saved"

    def _allowed(self, what: str) -> bool:
        """Whether the request has the token and names this machine; answers it where not."""
        wanted = f"/{self.token}/{what}".encode()
        host = f"{HOST}:{self.server.server_address[1]}"  # type: ignore[index]
        same = hmac.compare_digest(self.path.encode(), wanted)
        if same and self.headers.get("Host") == host:
            return True
        self._answer(HTTPStatus.NOT_FOUND, "no such page")
        return False

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        headers |= {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        headers |= {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the address has the token."""
