"""`python -m s3 analyze` on a run whose gold rows, additions and errors are known."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import s3
from s3.analysis import cost, errors, maps, measures
from s3.analysis.measures import extrapolations_df
from s3.audit import Findings
from s3.commands.app import app
from s3.data import Example, Mistake, Origin
from s3.data.rows import fingerprint
from s3.errors import UserError
from s3.methods import Round
from s3.runs.folder import RunFolder
from s3.runs.reading import Run
from s3.storage import write_jsonl
from s3.student import Predictions
from s3.synthesis import SynthesisedSet
from tests.runs.made import ABOUT, LABELS, Model, row

FILMS = [
    "a dull film",
    "a fine film",
    "an awful plot",
    "a great actor",
    "a poor end",
    "good scenes",
]


def gold_rows(folder: Path) -> list[Example]:
    for split in ("validation", "test"):
        rows = [{"text": text, "label": LABELS[i % 2]} for i, text in enumerate(FILMS)]
        write_jsonl(folder / f"{split}.jsonl", rows)
    return [
        Example({"text": text}, LABELS[i % 2], Origin("gold", source=f"validation.jsonl:{i + 1}"))
        for i, text in enumerate(FILMS)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two rounds: the first gets the negative rows wrong, the second the positive ones."""
    gold = gold_rows(tmp_path / "gold")
    splits = {
        "path": str(tmp_path / "gold"),
        "validation": "validation.jsonl",
        "test": "test.jsonl",
    }
    task = {"name": "films", "labels": dict(zip(LABELS, LABELS, strict=True)), "written": "text"}
    task |= {"label": "label", "gold": {"source": "files", "files": splits}}
    config = {"task": task, "model": {"max_length": 64}, "seed": 3}
    prints = {"validation": fingerprint(gold), "train": fingerprint(gold)}
    seed = [Example({"text": f"seed {i}"}, LABELS[i % 2], Origin("seed")) for i in range(4)]
    new = [
        Example({"text": f"{one.fields['text']} indeed"}, one.target,
                Origin("extrapolation", 1, one.origin.source))
        for one in gold[::2]
    ]  # fmt: skip
    folder = RunFolder(tmp_path / "outputs" / "films")
    with folder.hold(config, {"gold": prints, "llm": {"model": "Tiny-3M"}}, fresh=False):
        for index, label in enumerate(("positive", "negative")):
            model = Model(gold, label)
            wrong = [Mistake(one, label) for one in gold if one.target != label]
            added = new if index else seed
            made = SynthesisedSet(len(added), added, 40, 9)
            round_ = Round(index, seed + new * index, made, wrong, model, gold, [])  # type: ignore[arg-type]
            said = Predictions([label] * len(gold), model.validation.probabilities)
            folder.write_predictions(index, "validation", gold, said, LABELS)
            folder.write_round(round_, f"train {index}", row(0.5), Findings({}, []))
        folder.write_products(round_, model)  # type: ignore[arg-type]
        shown = {**ABOUT, "metric": "accuracy", "best_round": 1, "rounds": [row(0.5), row(0.5)]}
        folder.write_summary(shown)
    return Run.open(folder.path)


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["analyze", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_rounds_of_a_run_are_measured_once(run: Run, monkeypatch: pytest.MonkeyPatch):
    first, second = json.loads(said(str(run.path), "--format", "json"))
    assert (first["round"], first["rows"], first["errors"], first["mended"]) == (0, 4, 3, None)
    assert (second["rows"], second["errors"], second["mended"]) == (7, 3, 3)
    assert (second["stayed"], second["new"], second["extrapolations"]) == (0, 3, 3)
    assert second["extrapolation_edit_distance"] == 1
    assert second["extrapolation_cosine"] == pytest.approx(second["near_mended"], abs=1e-3)
    assert second["coverage"] > first["coverage"]
    assert second["label/negative"] == pytest.approx(5 / 7)
    assert (second["llm_operations"], second["near_stayed"]) == (2 * 40 * 3e6, None)
    assert run.folder.changed() == []  # the run's own files are as they were
    monkeypatch.setattr(measures, "_Measuring", None)  # nothing is measured again
    lines = said(str(run.path)).splitlines()
    assert lines[0] == str(run.path)
    assert ["mended", "3"] in [line.split() for line in lines]
    assert "| rows | 4 | 7 |" in said(str(run.path), "--format", "markdown")
    frame = s3.measures_df(run.path)
    assert frame["vendi"].tolist() == [first["vendi"], second["vendi"]]
    assert pd.read_csv(pd.io.common.StringIO(said(str(run.path), "--format", "csv"))).shape[0] == 2
    run.folder.checksums.seal("identity.json")
    (run.path / "identity.json").write_text(json.dumps({**run.identity, "more": 1}))
    run.folder.checksums.seal("identity.json")
    with pytest.raises(TypeError):  # another run: measured again
        measures.measures(Run.open(run.path))


def test_gold_that_has_changed_is_said(run: Run, tmp_path: Path):
    write_jsonl(tmp_path / "gold" / "validation.jsonl", [{"text": "new", "label": "positive"}])
    with pytest.raises(UserError, match="no longer those of this run"):
        measures.measures(run)


def test_errors_are_followed_from_round_to_round(run: Run):
    found = errors.answers_by_round(run)
    assert found[found["round"] == 0]["fate"].tolist() == ["new", "right"] * 3
    assert found[found["round"] == 1]["fate"].tolist() == ["mended", "new"] * 3
    assert errors.confusions(run).values.tolist() == [
        [0, "negative", "positive", 3], [0, "positive", "positive", 3],
        [1, "negative", "negative", 3], [1, "positive", "negative", 3],
    ]  # fmt: skip
    hard = errors.hardest(run, 4)
    assert hard["rounds_wrong"].tolist() == [1] * 4
    assert hard["probability"].tolist() == pytest.approx([0.5] * 4)
    grown = extrapolations_df(run)
    assert grown["nearest"].tolist() == grown["source"].tolist()
    assert set(grown["nearest_fate"]) == {"mended"}


def test_a_map_has_a_place_for_every_text(run: Run):
    found = maps.coordinates(run, "pca")
    counts = found.groupby(["kind", "round"]).size().to_dict()
    assert counts == {
        ("gold", 0): 6, ("seed", 0): 4, ("error", 0): 3, ("addition", 1): 3, ("error", 1): 3,
    }  # fmt: skip
    places = found.groupby("text")[["x", "y"]].nunique()
    assert (places == 1).all().all()


def test_epochs_are_rows_with_the_round_s_test(run: Run):
    found = s3.epochs_df(run.path)
    assert found["epoch"].tolist() == [1, 2, 1, 2]
    assert set(found["test/accuracy"]) == {0.5}


def test_operations_are_those_of_the_formula(tiny: Path):
    from transformers import AutoModel

    size = sum(one.numel() for one in AutoModel.from_pretrained(tiny).parameters())
    assert cost.parameters(tiny) == size
    assert cost.tokens(tiny, ["good film", "the plot was fine and very good"], 6) == 4 + 6
    assert cost.llm_parameters("SmolLM2-135M-Instruct") == 135e6
    assert cost.llm_parameters("Llama-3.1-8B") == 8e9
    assert cost.llm_parameters("gpt-3.5-turbo") != cost.llm_parameters("gpt-3.5-turbo")  # NaN
