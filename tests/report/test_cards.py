"""Cards beside a run's model and data, and their way to a stand-in of the hub."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard

from s3.report.cards import elsewhere, table, write_cards
from s3.runs.reading import Run
from tests.runs import made

HOSTILE = "<script>x</script> | [a](http://192.0.2.1) `b`"
TASK = {
    "name": "films", "written": "text", "given": [],
    "labels": {"negative": "bad", "positive": "good"},
    "gold": {"source": "files", "files": {"path": "/home/maker/films"}},
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    parts = {"task": TASK, "llm": {"model": HOSTILE}, "model": {"name": "all-MiniLM-L6-v2"}}
    choices = {"task": "films", "method": "s3", "llm": "server", "model": "minilm"}
    monkeypatch.setattr(made, "CONFIG", {**made.CONFIG, **parts, "choices": choices})
    prompts = {"query": "Write ```$label```\n# No heading"}
    monkeypatch.setattr(made, "ABOUT", {
        **made.ABOUT, "options": {"task.gold.files.path": "/home/maker/films"}
    })  # fmt: skip
    rows = [made.row(0.5, **{"llm/completions": 9}) for _ in range(2)]
    counted = {"audit/test/same_row": 0.0, "audit/test/near_text": 2.0, "audit/duplicates": 1.0}
    folder = made.finished_run(tmp_path / "films-s3", [rows[0], {**rows[1], **counted}])
    identity = {"results": 1, "task": {"prompts": prompts}}
    (folder.path / "identity.json").write_text(json.dumps(identity))
    return Run.open(folder.path)


class Inbox:
    """Speaks as much of the hub's protocol as an upload takes; `repos` has what came."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.refuses = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "PUT":
            self.blobs[path.rpartition("/")[2]] = body
            return 200, {}
        if path.endswith("/commit/main"):
            return 200, self._commit(path, body)
        said = json.loads(body or b"{}")
        if path == "/api/repos/create":
            if self.refuses:
                return 403, {"error": "You have no right to create this"}
            kind = "datasets/" if said.get("type") == "dataset" else ""
            name = f"{kind}{said['organization']}/{said['name']}"
            self.private[name] = said.get("private") is True or said.get("visibility") == "private"
            return 200, {"url": f"{self.url}/{name}"}
        if path == "/api/validate-yaml":
            yaml.safe_load(said["content"].split("---")[1])
            return 200, {"errors": [], "warnings": []}
        if "/preupload/" in path:
            large = (".safetensors", ".parquet")
            files = [
                {"path": one["path"], "shouldIgnore": False,
                 "uploadMode": "lfs" if one["path"].endswith(large) else "regular"}
                for one in said["files"]
            ]  # fmt: skip
            return 200, {"files": files}
        if path.endswith("/info/lfs/objects/batch"):
            put = {one["oid"]: {"upload": {"href": f"{self.url}/put/{one['oid']}"}}
                   for one in said["objects"]}  # fmt: skip
            objects = [{**one, "actions": put[one["oid"]]} for one in said["objects"]]
            return 200, {"transfer": "basic", "objects": objects}
        return 404, {"error": f"no {path}"}

    def _commit(self, path: str, body: bytes) -> dict[str, Any]:
        name = path.removeprefix("/api/").removesuffix("/commit/main").removeprefix("models/")
        files = self.repos.setdefault(name, {})
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
        return {"success": True, "commitOid": "0" * 40, "commitUrl": f"{self.url}/{name}/commit/0"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                inbox.asked.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "put" not in self.path:
                    assert self.headers["Authorization"] == "Bearer hf_test"
                status, content = inbox.reply(self.command, self.path, body)
                out = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_PUT = do_GET = do_POST  # noqa: N815 - the names that the base class calls

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    yield found
    found.close()


def test_a_card_says_how_it_was_made_and_how_good_it_is(run: Run) -> None:
    model, data = (path.read_text() for path in write_cards(run))
    card = ModelCard(model)
    result = card.data.eval_results[0]
    assert (result.metric_type, result.metric_value, result.dataset_name) == (
        "accuracy", 0.5, "films",
    )  # fmt: skip
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert card.data.pipeline_tag == "text-classification"
    assert "4 labelled rows of files of the maker's own" in model
    assert "| texts nearly as in gold test | 2 |" in model
    assert "| negative | 2 | 0 |" in model  # confusions: the second round answers "negative"
    assert DatasetCard(data).data.size_categories == "n<1K"
    assert "4 synthetic rows" in data
    assert ": as the LLM's terms say" in data


def test_a_card_shows_no_path_of_the_maker_and_no_markup_of_others(run: Run) -> None:
    for path in write_cards(run):
        text = path.read_text()
        assert "maker/" not in text
        assert "task.gold.files.path=.../films" in text
        assert "<script>" not in text
        assert "````\nWrite ```$label```\n# No heading\n````" in text
    assert table([["a|b"], ["c\nd"]]) == "| a\\|b |\n| --- |\n| c d |"


def test_a_command_loses_the_folders_of_the_machine() -> None:
    told = "python run.py seed=1 a=/home/me/x.csv b=~/y 'c=/my folder/z' d=1/2 e=https://host/v1"
    assert elsewhere(told) == (
        "python run.py seed=1 a=.../x.csv b=.../y c=.../z d=1/2 e=https://host/v1"
    )


def push(inbox: Inbox, run: Run, *options: str, token: str = "hf_test") -> Any:
    environment = {
        **os.environ, "HF_ENDPOINT": inbox.url, "HF_HOME": str(run.path.parent / "hf"),
        "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "*",
    }  # fmt: skip
    command = [sys.executable, "-m", "s3", "push", str(run.path), "someone/films", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_run_goes_to_the_hub_privately_with_its_cards(inbox: Inbox, run: Run) -> None:
    done = push(inbox, run, "--yes")
    assert done.returncode == 0, done.stderr
    assert inbox.private == {"someone/films": True, "datasets/someone/films": True}
    for name, folder in (
        ("someone/films", run.model),
        ("datasets/someone/films", run.path / "data"),
    ):
        sent = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert inbox.repos[name] == sent
        assert f"{inbox.url}/{name}\n" in done.stdout
    assert "README.md" in inbox.repos["someone/films"]
    listed = done.stdout.index("model.safetensors")
    assert listed < done.stdout.index(inbox.url)


def test_nothing_goes_up_unasked_or_against_the_hubs_will(inbox: Inbox, run: Run) -> None:
    asked = push(inbox, run)
    assert (asked.returncode, inbox.asked) == (1, [])
    assert "error: nothing was uploaded: --yes" in asked.stderr
    inbox.refuses = True
    refused = push(inbox, run, "--yes", "--only", "model")
    assert refused.returncode == 1
    assert "someone/films: the hub refuses: " in refused.stderr
    assert "Traceback" not in refused.stderr
    unknown = push(inbox, run, "--yes", token="")
    assert "error: the hub knows nobody here: set HF_TOKEN" in unknown.stderr
