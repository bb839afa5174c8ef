"""Composition: every option builds, every mistake is one clear line that says what is known."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path
from typing import Any

import pytest

from s3.config import chosen
from s3.errors import ConfigError, UserError
from tests.author import composed
from tests.commandline import run_py
from tests.runs.helpers import ROOT

CONF = ROOT / "s3" / "conf"


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(*overrides: str) -> str:
    """The line that a command with wrong options ends with."""
    done = run_py("dry_run=true", *overrides)
    lines = done.errors.splitlines()
    assert done.status == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


@pytest.mark.parametrize(("task", "method"), itertools.product(names("task"), names("method")))
def test_every_task_goes_with_every_method(task: str, method: str) -> None:
    if (task, method) == ("adversarial_qa", "progen"):
        pytest.skip("ProGen is for classification")
    assert composed(f"task={task}", f"method={method}").task.name == task


# The paper's Table 2 in thousands, and the additional rows of its Table 6, which S3's sizes hold.
TABLE_2 = {
    "s3": {"imdb": 21.2, "qnli": 168, "rte": 33.6, "adversarial_qa": 81.5},
    "goldgen": {"imdb": 25, "qnli": 150, "rte": 30, "adversarial_qa": 80},
    "zerogen": dict.fromkeys(("imdb", "qnli", "rte", "adversarial_qa"), 200),
    "progen": {"imdb": 100},
}
TABLE_6 = {"imdb": 6173, "qnli": 51100, "rte": 1522, "adversarial_qa": 51532}
CELLS = [(task, method) for method, row in TABLE_2.items() for task in row]


@pytest.mark.parametrize(("task", "method"), CELLS)
def test_the_papers_preset_has_its_sizes(task: str, method: str) -> None:
    experiment = composed(f"task={task}", f"method={method}", "preset=paper")
    made: Any = experiment.method
    size = made.size or made.seed_size + (TABLE_6[task] if method == "s3" else 0)
    assert round(size / 1000, 1) == TABLE_2[method][task]
    assert (experiment.task.gold.source.value, experiment.llm.name) == ("hub", "openai")
    assert experiment.model.name.startswith("distilbert")
    assert not experiment.gold_baseline
    assert composed(f"task={task}", f"method={method}").gold_baseline


@pytest.mark.parametrize(("task", "tokens", "quick"), [
    ("imdb", 742, 96), ("rte", 128, 60), ("qnli", 61, 48), ("adversarial_qa", 51, 48),
])  # fmt: skip
def test_the_papers_preset_has_room_for_the_longest_text_that_was_published(
    task: str, tokens: int, quick: int
) -> None:
    """In tokens of BERT: of the authors' replies, and for questions of gold data."""
    reply = composed(f"task={task}", "preset=paper").task.reply
    assert reply.tokens >= tokens
    assert composed(f"task={task}").task.reply.tokens == quick


@pytest.mark.parametrize("model", names("model"))
def test_every_model_builds(model: str) -> None:
    assert composed(f"model={model}").model.name


@pytest.mark.parametrize(
    ("override", "known", "meant"),
    [
        ("methd=s3", "task, llm, model, method", "method"),
        ("method.roundz=3", "with_gold, real, seed_size", "method.rounds"),
        ("rounds=3", "task, llm, model", "method.rounds"),  # at another place
        ("task.reply.words=3", "tokens, min_words, max_words", None),
        ("task.gold.files.validaton=x", "path, name, validation", "task.gold.files.validation"),
        # What is added with + is unknown to Hydra's own check.
        ("+method.zzz=1", "with_gold, real, seed_size", None),
        ("++method.zzz=1", "with_gold, real, seed_size", None),
        ("+audit.foo=1", "near, allow_test_copies", None),
        ("+seeed=1", "task, llm, model", "seed"),
        ("+task.gold.files.validaton=x", "path, name, validation", "task.gold.files.validation"),
        ("task=nosuch", "adversarial_qa, ag_news", None),
        ("task=imbd", "adversarial_qa, ag_news", "task=imdb"),
    ],
)
def test_an_unknown_option_is_refused_with_what_is_known(
    override: str, known: str, meant: str | None
) -> None:
    said = mistake(override)
    path = override.lstrip("+").partition("=")[0]
    assert said.startswith(path)
    assert f": no such option; known here: {known}" in said
    if meant:
        assert said.endswith(f". Did you mean {meant}?")
    assert f"mean {path}?" not in said  # not what was just refused


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("method.rounds=three", "method.rounds: Value 'three' of type 'str' could not be"),
        ("method.rounds=null", "method.rounds: field 'method.rounds' is not Optional"),
        ("method.rounds=-1", "method.rounds must be at least 0, not -1"),
        ("llm.temperature=9", "llm.temperature must be in 0..2, not 9"),
        ("model.epochs=0", "model.epochs must be at least 1, not 0"),
        ("audit.near=0", "audit.near must be in 0.1..1, not 0"),
        ("seed=-1", "seed must be at least 0, not -1"),
        ("task.gold.source=files", "task.gold.files.validation is not set, and this method extra"),
        ("task.gold.source=attic", "task.gold.source: Invalid value 'attic', expected one of [bun"),
        ("wandb=off", "wandb takes no value, but has options: wandb.mode, wandb.project"),
        ("task.query=x", "task.query takes no value, but has options: task.query.chat, task.query"),
        ("task.query.continuation=$premiss", "unknown variable $premiss; it may use $label"),
        ("task.mistake.continuation=''", "task.mistake.continuation is empty"),
        ("llm=server", "llm.model has no value: set llm.model=..."),
        ("seed_size=${nosuch}", "method.seed_size: Interpolation key 'nosuch' not found"),
        ("seed=${nosuch}", "seed: Interpolation key 'nosuch' not found"),
    ],
)
def test_a_wrong_value_is_named_with_its_option(override: str, said: str) -> None:
    assert said in mistake(override)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("method", "'method' cannot be read: options go name=value"),
        ("seed=a b=c", "'seed=a b=c' cannot be read"),
        ("task=[rte,imdb]", "a group takes one option (-m sweeps over several"),
        ("method=[s3,gold]", "a group takes one option (-m sweeps over several"),
        ("preset=null", "a group takes one option"),
        ("task=rte,imdb", "task gets several values: -m sweeps over them"),
        ("task.labels.maybe=x", "no such name yet; +task.labels.maybe=... adds it"),
        ("task.labels={0: no}", "task.labels.0: to YAML 0 is no text but a number"),
    ],
)
def test_a_command_in_the_wrong_form_says_the_right_one(override: str, said: str) -> None:
    assert said in mistake(override)


def test_names_of_columns_are_free() -> None:
    for override in (
        "task.gold.files.columns={premise: sms, label: kind}",
        "+task.gold.files.columns={premise: sms, label: kind}",
    ):
        columns = composed(override).task.gold.files.columns
        assert columns == {"premise": "sms", "label": "kind"}
    assert composed("task.gold.files.labels.0=entailment").task.gold.files.labels == {
        "0": "entailment"
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("columns={premis: sms}", "no field of the task; known here: premise, hypothesis, label"),
        ("columns={premis: sms}", "Did you mean 'premise'?"),
        ("labels={a: entailmnt}", "maps 'a' to 'entailmnt', which is no label; known here: entail"),
        ("labels={a: entailmnt}", "Did you mean 'entailment'?"),
    ],
)
def test_columns_and_labels_are_mapped_to_what_the_task_has(override: str, said: str) -> None:
    files = ["task.gold.source=files", "task.gold.files.validation=a", "task.gold.files.test=b"]
    assert said in mistake(*files, f"task.gold.files.{override}")


@pytest.mark.parametrize(
    "value", ["hash#1", "é", "a&b", "a,b", "a=b", "it's", "{a", 'a"b', "a\\b#"]
)
def test_the_quoting_that_is_shown_works(value: str) -> None:
    said = mistake(f"task.name={value}")
    (shown,) = shlex.split(said[said.index("task.name", said.index(": ")) - 1 :])
    assert composed(shown).task.name == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("querry: { chat: x }", "task/mine.yaml: task.querry: no such option; known here: name"),
        ("reply: { tokens: many }", "task/mine.yaml: task.reply.tokens: Value 'many'"),
        ("reply: [1", "task/mine.yaml:14: not valid YAML: expected ',' or ']'"),
        ("name: again", "task/mine.yaml:13: not valid YAML: found duplicate key name"),
        ("system:\n\t- a", "task/mine.yaml:14: not valid YAML: a tab, where YAML takes spaces"),
        (" system: a", "one level begin in one column"),
        ('system: "a', "task/mine.yaml:16: not valid YAML: expected <block end>"),
        ("contexts: no", "mine.yaml:13: task.contexts: YAML reads no without quotes as False: wri"),
        ("contexts: 010", "mine.yaml:13: task.contexts: YAML reads 010 without quotes as 8"),
        ("system: ${oc.env:HOME}", "task.system: ${oc.env:...} is refused"),
    ],
)
def test_a_mistake_in_a_file_of_ones_own_names_the_file(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "task").mkdir()
    rte = (CONF / "task" / "rte.yaml").read_text().partition("\ngold:")[0]
    gold = "gold: { bundled: { path: rte, validation: validation.jsonl, test: test.jsonl } }"
    prompts = (
        (CONF / "task" / "rte.yaml").read_text().partition("\nquery:")[2].partition("\nreply:")[0]
    )
    (tmp_path / "task" / "mine.yaml").write_text(f"{rte}\n{content}\n{gold}\nquery:{prompts}\n")
    assert said in mistake("task=mine", f"--config-dir={tmp_path}")


def test_what_is_wrong_is_raised_where_a_program_composes() -> None:
    with pytest.raises(ConfigError, match=r"method\.zzz: no such option; known here: with_gold"):
        composed("+method.zzz=1")


def test_windows_must_advance_where_there_are_windows() -> None:
    assert composed("task=imdb", "model.max_length=32").model.max_length == 32
    with pytest.raises(UserError, match="stride must be below"):
        composed("task=adversarial_qa", "model.max_length=32")


KEYS = [
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "hf_abcdefghijABCDEFGHIJ0123456789abcd",
    "4fzTq9LmXc27RbYv0KpWsNd83HgJ5aUe",
    "0123456789abcdef0123456789abcdef01234567",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "override", ["task.system='write {}'", "wandb.project={}", "+task.labels.{}=x", "seed={}"]
)
def test_a_key_in_an_option_is_refused_and_not_repeated(override: str, key: str) -> None:
    if override.startswith("task.system") and key == KEYS[-1]:
        pytest.skip("in a text, a hexadecimal number may be anything")
    said = mistake(override.format(key))
    assert key not in said
    words = ("looks like a key", "could not be converted", "cannot be read")
    assert any(one in said for one in words)


def test_what_a_secret_variable_holds_is_refused_in_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", "correct horse battery")
    said = mistake("task.system='say: correct horse battery'")
    assert "task.system holds what looks like a key" in said
    assert "horse" not in said


def test_the_environment_is_not_read_in_any_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_VALUE", "from outside")
    for expression in ("${oc.env:MY_VALUE}", "${oc.decode:${oc.env:MY_VALUE}}", "${oc.${root}:X}"):
        said = mistake(f"task.system='{expression}'", "root=env")
        assert "task.system: " in said
        assert "is refused" in said
        assert "from outside" not in said


def test_an_options_name_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "mine.yaml").write_text((CONF / "task" / "rte.yaml").read_text())
    assert "may not lead out of its folder" in mistake("task=../mine", f"--config-dir={tmp_path}")
    names = chosen({"task": "in/a\x1b[2Jfolder", "llm": "é 1"})
    assert names == {"task": "in_a_2Jfolder", "llm": "é_1"}


def test_a_seed_must_hold_every_label() -> None:
    assert "a seed of 1 (seed_size) is less than one example for each" in mistake("seed_size=1")


@pytest.mark.parametrize(
    ("override", "lacks"),
    [
        ("task.query.continuation='$premise'", "task.query.continuation lacks $label"),
        ("task.query.continuation='$label'", "task.query.continuation lacks $premise"),
        ("task.mistake.chat='$label $premise'", "task.mistake.chat lacks $hypothesis"),
    ],
)
def test_a_prompt_without_what_it_is_about_is_refused(override: str, lacks: str) -> None:
    assert lacks in mistake(override)
