"""`python run.py` from end to end: a real server, a real small encoder, real folders."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.helpers import result, wait
from tests.runs.lab import Lab
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]


def test_a_run_makes_what_it_promises_and_is_found_again(lab: Lab, serve: Serve) -> None:
    endpoint = serve()
    output = lab.run(endpoint, "task=rte", "method=s3")
    (folder,) = lab.folders()
    summary = json.loads((folder / "summary.json").read_text())
    parts = [summary[name] for name in ("task", "method", "llm", "model", "seed")]
    assert parts == ["rte", "s3", "server", "minilm", 0]
    assert summary["options"].items() >= {"seed_size": 12, "llm.input_price": 1.0}.items()
    assert "method.rounds" not in summary["options"]
    assert [row["data/seed"] for row in summary["rounds"]] == [12, 12, 12]
    assert all(row["llm/cost"] > 0 for row in summary["rounds"])
    for row, following in zip(summary["rounds"], summary["rounds"][1:], strict=False):
        assert following["data/added"] + following["data/missing"] == row["mistakes"]
        assert following["data/size"] == row["data/size"] + following["data/added"]
    assert str(folder.relative_to(lab.folder)) in output
    assert "wandb sync" in output
    sent = len(endpoint.requests)
    again = lab.run(endpoint, "task=rte", "method=s3")
    assert "finished before" in again
    assert len(endpoint.requests) == sent


def test_the_data_and_the_model_load_where_users_load_them(lab: Lab, serve: Serve) -> None:
    lab.run(serve(), "task=rte", "method.rounds=1")
    (folder,) = lab.folders()
    import datasets
    import transformers

    data = datasets.load_dataset(str(folder / "data"), split="train", cache_dir=lab.folder / "hf")
    assert {"premise", "hypothesis", "label", "kind", "completion"} <= set(data.column_names)
    assert set(data["kind"]) == {"seed", "extrapolation"}
    classify = transformers.pipeline("text-classification", model=str(folder / "model"))
    said = classify({"text": data[0]["hypothesis"], "text_pair": data[0]["premise"]})
    assert said["label"] in ("entailment", "not_entailment")


def test_every_added_row_knows_where_it_comes_from(lab: Lab, serve: Serve) -> None:
    lab.run(serve(), "task=imdb", "method.rounds=1")
    (folder,) = lab.folders()
    seeds, added = (
        [json.loads(line) for line in (folder / "rounds" / number / "added.jsonl").open()]
        for number in ("00", "01")
    )
    mistakes = [json.loads(line) for line in (folder / "rounds/00/mistakes.jsonl").open()]
    answers = (folder / "rounds/00/predictions_validation.jsonl").open()
    labels = {row["source"]: row["target"] for row in map(json.loads, answers)}
    wrong = {row["origin"]["source"] for row in mistakes}
    assert wrong & {row["origin"]["source"] for row in added}
    assert all(row["origin"]["rationales"] and row["origin"]["completion"] for row in seeds)
    assert all(row["target"] == labels[row["origin"]["source"]] for row in added)
    assert all(row["target"] != row["predicted"] for row in mistakes)


def test_one_seed_one_result_and_another_seed_another(lab: Lab, serve: Serve) -> None:
    endpoint = serve()
    options = ["task=rte", "method.rounds=1"]
    lab.run(endpoint, *options, "root=a", S3_CACHE=str(lab.folder / "cache-a"))
    lab.run(endpoint, *options, "root=b", S3_CACHE=str(lab.folder / "cache-b"))
    lab.run(endpoint, *options, "root=c", "seed=1", S3_CACHE=str(lab.folder / "cache-a"))
    first, same, other = (result(lab.folders(root)[0]) for root in "abc")
    assert first == same
    assert first[1] != other[1]


@pytest.mark.parametrize(
    "moment",
    ["synthesis of round 1", pytest.param("training of round 2", marks=pytest.mark.slow)],
)
def test_a_killed_run_continues_to_the_same_result(lab: Lab, serve: Serve, moment: str) -> None:
    endpoint = serve()
    options = ["task=rte", "model.epochs=4", "llm.concurrency=2", "llm.max_concurrency=2"]
    lab.run(endpoint, *options, "root=whole", S3_CACHE=str(lab.folder / "cache-whole"))
    whole, endpoint.manners.delay = len(endpoint.requests), 0.1
    process = lab.start(endpoint, *options)

    def due() -> bool:
        if moment == "training of round 2":
            return len(list(lab.folder.glob("outputs/*/trainings/*"))) == 3
        done = list(lab.folder.glob("outputs/*/rounds/00/metrics.json"))
        return bool(done) and len(endpoint.requests) - whole > 13

    wait(due, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lab.run(endpoint, *options)
    assert result(lab.folders()[0]) == result(lab.folders("whole")[0])
    in_flight = 2
    assert len(endpoint.requests) - whole <= whole + in_flight


def test_ctrl_c_ends_at_once_and_says_how_to_continue(lab: Lab, serve: Serve) -> None:
    endpoint = serve(delay=0.5)
    process = lab.start(endpoint, "task=rte", "llm.concurrency=1", "llm.max_concurrency=1")
    wait(lambda: len(endpoint.requests) > 2, process)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert "the same command continues" in output
    assert "Traceback" not in output


def test_no_file_holds_a_key(lab: Lab, serve: Serve, cache: Path) -> None:
    secret = "sk-planted-0123456789abcdef"
    endpoint = serve(key=secret)
    lab.run(endpoint, "task=rte", "method.rounds=0", S3_SERVER_KEY=secret, OPENAI_API_KEY=secret)
    files = [path for path in lab.folder.parent.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_failing_job_of_a_sweep_leaves_the_others_alone(lab: Lab, serve: Serve) -> None:
    missing = "task.gold.files={validation:nowhere.jsonl,test:nowhere.jsonl}"
    process = lab.start(
        serve(), "-m", "task=rte", "method=zerogen", "seed=0,1", missing,
        "task.gold.source=files,bundled",
    )  # fmt: skip
    output, _ = process.communicate(timeout=240)
    assert process.returncode != 0
    assert "nowhere.jsonl" in output
    assert len(lab.folders("multirun")) == 2
    identities = [json.loads((f / "identity.json").read_text()) for f in lab.folders("multirun")]
    assert {identity["seed"] for identity in identities} == {0, 1}
