"""A loopback stand-in for the hub: enough of its protocol to load data sets and models."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback import Loopback

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(Loopback):
    """Serves repositories: of each its files by their paths, all at one commit.

    Data sets are named as their addresses are, `datasets/owner/name`; models are `owner/name` or
    `name`. `asked` has every request's path.
    """

    def __init__(self, repos: dict[str, dict[str, bytes]]) -> None:
        self.repos, self.asked = repos, list[str]()
        super().__init__()

    def reply(self, path: str, body: bytes) -> tuple[Any, str]:
        """Return what a path gives (None: nothing there), and its ETag."""
        for repo, files in self.repos.items():
            found, etag = _reply(repo, files, path, body)
            if found is not None:
                return found, etag
        return None, ""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                hub.asked.append(f"{self.command} {path}")
                length = int(self.headers.get("Content-Length") or 0)
                content, etag = hub.reply(path, self.rfile.read(length))
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Repo-Commit", COMMIT)
                if content is None:
                    self.send_header("X-Error-Code", "EntryNotFound")
                if etag:
                    self.send_header("ETag", f'"{etag}"')
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_POST = do_GET  # noqa: N815 - the names that the base class calls

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _reply(repo: str, files: dict[str, bytes], path: str, body: bytes) -> tuple[Any, str]:
    """Return what a path gives of one repository."""
    api = f"/api/{repo if repo.startswith('datasets/') else f'models/{repo}'}"
    for revision in ("main", COMMIT):
        if path.startswith(start := f"/{repo}/resolve/{revision}/"):
            content = files.get(path.removeprefix(start))
            return content, hashlib.sha1(content).hexdigest() if content else ""
    if path in (api, f"{api}/revision/main", f"{api}/revision/{COMMIT}"):
        siblings = [{"rfilename": name} for name in files]
        name = repo.removeprefix("datasets/")
        return {"id": name, "sha": COMMIT, "siblings": siblings, "tags": []}, ""
    if path.startswith(f"{api}/tree/"):
        under = path.removeprefix(f"{api}/tree/").partition("/")[2]
        return [_entry(files, name) for name in files if name.startswith(under)], ""
    if path.startswith(f"{api}/paths-info/"):
        wanted = json.loads(body)["paths"]
        return [_entry(files, name) for name in wanted if name in files], ""
    return None, ""


def _entry(files: dict[str, bytes], path: str) -> dict[str, Any]:
    """A file as the tree and the paths' API describe it."""
    oid = hashlib.sha1(files[path]).hexdigest()
    return {"type": "file", "path": path, "size": len(files[path]), "oid": oid}
