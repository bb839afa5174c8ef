"""`python -m s3 dashboard`: built by the real package, looked at as it would be sent."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.errors import UserError


def command(*options: str) -> str:
    return CliRunner().invoke(app, ["dashboard", *options], catch_exceptions=False).stdout


def test_it_shows_scores_by_method_with_their_spread_cost_and_audit():
    sections = json.loads(command("me/s3", "--print"))["section"]["panelBankConfig"]["sections"]
    panels = [panel["config"] for section in sections for panel in section["panels"]]
    first = panels[0]
    assert (first["xAxis"], first["metrics"]) == ("data/size", ["test/accuracy"])
    assert (first["groupBy"], first["groupAgg"]) == ("choices.value.method", "mean")
    assert first["groupArea"] == "stddev"
    shown = {metric for panel in panels for metric in panel["metrics"]}
    assert {"llm/cost", "audit/test/same_row", "validation/em"} <= shown


@pytest.mark.parametrize(("place", "said"), [("s3", "ENTITY/PROJECT"), ("me/s3", "needs a key")])
def test_what_is_missing_is_said(place: str, said: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(UserError, match=said):
        command(place)
