"""A loopback stand-in for W&B: what `wandb sweep` and `wandb agent` ask of its GraphQL address."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import yaml

from tests.loopback import Loopback

Json = dict[str, Any]


class SweepServer(Loopback):
    """Keeps one sweep and hands its runs to an agent one after the other, then has it exit.

    `sweep` is the sweep's file as it arrived, `handed` the values of each run that was handed out,
    `asked` the names of all questions.
    """

    def __init__(self, runs: int) -> None:
        self.runs, self.sweep = runs, Json()
        self.handed, self.asked = list[Json](), list[str]()
        super().__init__()

    def _viewer(self, _: Json) -> Json:
        return {"viewer": {"entity": "me", "username": "me", "flags": "{}"}}

    def _upsert_sweep(self, said: Json) -> Json:
        self.sweep = yaml.safe_load(said["config"])
        project = {"name": said["projectName"], "entity": {"name": "me"}}
        sweep = {"name": "abcd1234", "project": project}
        return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}

    def _sweep_with_runs(self, said: Json) -> Json:
        assert said["sweep"] == "abcd1234"
        kept = {"name": said["sweep"], "config": yaml.safe_dump(self.sweep), "runs": {"edges": []}}
        return {"project": {"sweep": kept}}

    def _create_agent(self, _: Json) -> Json:
        return {"createAgent": {"agent": {"id": "agent"}}}

    def _heartbeat(self, said: Json) -> Json:
        commands: list[Json] = []
        if not json.loads(said["runState"]):  # none of the agent's runs is under way
            commands = [self._next() if len(self.handed) < self.runs else {"type": "exit"}]
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps(commands)}}

    def _next(self) -> Json:
        """Return the command of the next run: a value of each parameter that its range has."""
        drawn = {
            name: _draw(one, len(self.handed)) for name, one in self.sweep["parameters"].items()
        }
        self.handed.append(drawn)
        return {
            "type": "run",
            "run_id": f"run{len(self.handed)}",
            "program": self.sweep["program"],
            "args": {name: {"value": value} for name, value in drawn.items()},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = {
            "Viewer": self._viewer,
            "UpsertSweep": self._upsert_sweep,
            "SweepWithRuns": self._sweep_with_runs,
            "CreateAgent": self._create_agent,
            "Heartbeat": self._heartbeat,
        }
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path != "/graphql":  # W&B's telemetry
                    self._send(b"")
                    return
                request = json.loads(body)
                name = request["query"].split()[1].partition("(")[0]
                asked.append(name)
                data = answers[name](request.get("variables", {}))
                self._send(json.dumps({"data": data}).encode())

            def _send(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _draw(parameter: Json, number: int) -> Any:
    """Return the n-th value of a parameter: of a list in turn, of a range its ends."""
    if "value" in parameter:
        return parameter["value"]
    values = parameter.get("values") or [parameter["min"], parameter["max"]]
    return values[number % len(values)]
