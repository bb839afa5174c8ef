"""S3 and its kin, on real gold data, against an endpoint that writes by rule."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from s3.data.example import Example
from s3.errors import UserError
from s3.methods import Bench
from s3.runs.identity import identity as run_identity
from s3.student import Precision, Student
from tests.author import composed, writing
from tests.methods.trial import FEW, Trial, rule


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_rounds_extrapolations_make_one_training_more(rounds: int):
    trial = Trial(f"method.rounds={rounds}", right=(4, 5, 6, 7))
    assert len(trial.rounds) == len(trial.learner.trainings) == rounds + 1
    assert [round_.index for round_ in trial.rounds] == list(range(rounds + 1))
    wrong = [FEW - right for right in (4, 5, 6)][:rounds]
    assert [len(round_.added.examples) for round_ in trial.rounds] == [12, *wrong]
    assert len(trial.asked) == trial.asked_at[-1] == 12 + sum(wrong)  # none after the last


def test_a_round_trains_on_the_seed_and_all_additions_so_far():
    trial = Trial("method.rounds=2", right=(4, 5, 6))
    seed, first, second = (list(round_.added.examples) for round_ in trial.rounds)
    assert trial.learner.trainings == [seed, seed + first, seed + first + second]
    assert [round_.train for round_ in trial.rounds] == trial.learner.trainings
    kinds = [{one.origin.kind for one in part} for part in (seed, first, second)]
    assert kinds == [{"seed"}, {"extrapolation"}, {"extrapolation"}]
    assert {one.origin.round for one in second} == {2}


def test_each_mistake_is_extrapolated_with_its_context_and_label():
    options = ("method.rounds=1", "method.per_mistake=2", "method.error_share=1")
    trial = Trial(*options, few=40)
    mistakes = [mistake.example for mistake in trial.rounds[0].mistakes]
    right = [one for one in trial.bench.validation if one not in mistakes]
    assert mistakes
    assert right
    for mistake in trial.rounds[0].mistakes:
        assert mistake.predicted != mistake.example.target
    added = trial.rounds[1].added.examples
    assert [one.origin.source for one in added] == [
        one.origin.source for one in mistakes for _ in range(2)
    ]
    for new, old in zip(added, [one for one in mistakes for _ in range(2)], strict=True):
        assert new.fields["premise"] == old.fields["premise"]
        assert new.target == old.target
        assert new.fields["hypothesis"] != old.fields["hypothesis"]


def test_extrapolated_mistakes_are_mended():
    """What the LLM writes in the words of a mistake teaches a learner of words to get it right."""

    def in_its_words(prompt: str, sample: str) -> str:
        _, asked, text = prompt.partition("similar to:\n")
        words = text.split()
        random.Random(sample).shuffle(words)
        return f"Then {' '.join(words)} again." if asked else rule(prompt, sample)

    trial = Trial(
        "task=imdb", "method.rounds=2", "method.error_share=1", few=30, write=in_its_words
    )
    first, second, third = (
        {mistake.example.id for mistake in round_.mistakes} for round_ in trial.rounds
    )
    assert len(first) > 8
    assert not first & second  # what was extrapolated is right now; others have become wrong
    assert not third  # and are mended in turn


@pytest.mark.parametrize("warm", [False, True])
def test_the_model_is_made_anew_unless_it_is_to_start_warm(warm: bool):
    trial = Trial("method.rounds=2", f"method.warm_start={warm}", right=(4, 5, 6))
    before = [round_.predictor for round_ in trial.rounds[:-1]]
    assert trial.learner.starts == [None, *(before if warm else [None, None])]


@pytest.mark.parametrize("probes", [False, True])
def test_by_default_probes_alone_start_from_the_round_before(probes: bool):
    trial = Trial("method.rounds=1", right=(4, 5), probes=probes)
    assert trial.learner.starts == [None, trial.rounds[0].predictor if probes else None]


@pytest.mark.parametrize(
    ("patience", "right", "trainings"),
    [
        (1, (5, 5, 9, 9, 9, 9), 2),  # no better: a tie is none
        (1, (5, 6, 7, 7, 9, 9), 4),
        (2, (5, 4, 4, 9, 9, 9), 3),
        (2, (5, 4, 6, 4, 4, 9), 5),
        (2, (5, 6, 5, 7, 6, 8), 6),
    ],
)
def test_patience_ends_it_when_validation_improves_no_more(
    patience: int, right: tuple[int, ...], trainings: int
):
    trial = Trial("method.rounds=5", f"method.patience={patience}", right=right)
    assert len(trial.rounds) == trainings
    assert len(trial.asked) == trial.asked_at[-1]


def test_patience_goes_by_the_metric_of_the_bench():
    """Always the common label, and then half of the rare ones too: accuracy sees no progress."""
    gold = composed("task=imdb").task.load(0).validation
    common = [one for one in gold if one.target == "positive"][:8]
    rare = [one for one in gold if one.target == "negative"][:4]
    lost = [one.id for one in common[:2]]

    def says(training: int, example: Example) -> str:
        if not training:
            return "positive"
        return "negative" if example.id in [*lost, *(one.id for one in rare[:2])] else "positive"

    for metric, trainings in (("accuracy", 2), ("macro_f1", 3)):
        trial = Trial(
            "task=imdb", "method.rounds=4", "method.patience=1",
            says=says, validation=[*common, *rare], metric=metric,
        )  # fmt: skip
        assert len(trial.rounds) == trainings


def test_without_mistakes_nothing_is_left_to_extrapolate_but_for_gold():
    assert len(Trial("method.rounds=2", right=(FEW,)).rounds) == 1
    gold = Trial("method=goldgen", "method.rounds=2", right=(FEW, FEW, FEW))
    assert [len(round_.added.examples) for round_ in gold.rounds] == [12, FEW, FEW]


def test_single_sentences_have_rationales_unless_they_are_left_out():
    whole = Trial("task=imdb", "method.rounds=0")
    assert all(len(one.origin.rationales) == 3 for one in whole.rounds[0].train)
    assert sum("consider 20 reasons" in prompt for prompt in whole.asked) == 2
    assert whole.rounds[0].added.completions == len(whole.asked) == 14
    pairs = Trial("method.rounds=0")
    assert not any("reasons" in prompt for prompt in pairs.asked)
    assert not any(one.origin.rationales for one in pairs.rounds[0].train)


@pytest.mark.parametrize(
    ("task", "method"),
    [("imdb", "s3"), ("adversarial_qa", "s3"), ("rte", "goldgen"), ("rte", "zerogen")],
)
def test_the_test_split_never_reaches_a_method(task: str, method: str):
    trial = Trial(f"task={task}", f"method={method}", few=None)
    written = {one.fields[trial.task.written] for one in trial.task.load(0).test}
    seen = trial.learner.trainings + trial.learner.chosen
    assert not written & {one.fields[trial.task.written] for part in seen for one in part}
    assert not any(text in prompt for prompt in trial.asked for text in written)
    assert not any("test" in name.name for name in fields(Bench))


def test_a_real_small_model_learns_from_the_rounds(tiny: Path, tmp_path: Path):
    experiment = composed("task=imdb", "seed_size=6", "method.rounds=1")
    student = Student(
        name="tiny",
        weights=str(tiny),
        max_length=32,
        stride=4,
        batch_size=8,
        learning_rate=1e-3,
        epochs=1,
        precision=Precision.fp32,
    )

    def fit(train: Any, validation: Any, *, what: str, start: Any, weights: Any = None) -> Any:
        folder = tmp_path / what.replace(" ", "-")
        head = experiment.task.head()
        return student.fit(head, train, validation, seed=0, folder=folder, what=what, start=start)

    with writing(rule) as (_, llm):
        gold = experiment.task.load(0)
        real = Bench(
            experiment.task,
            llm,
            fit,
            gold.validation[:8],
            gold.train[:8],
            0,
            experiment.task.head().metrics[0],
        )
        rounds = list(experiment.method.run(real))
    assert len(rounds) == 2
    for round_ in rounds:
        assert len(round_.predictor.validation.answers) == 8
        assert set(round_.predictor.validation.answers) <= {"negative", "positive"}
    assert len(rounds[1].train) == 6 + len(rounds[0].mistakes)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("method.rounds=-1", "rounds must be at least 0"),
        ("method.per_mistake=0", "per_mistake must be at least 1"),
        ("method.patience=0", "patience must be at least 1"),
        ("method.error_share=1.5", "error_share must lie between 0 and 1"),
        ("method.size=1", "size must be at least 2"),
        ("method.rationales_per_prompt=21", "cannot exceed rationales_per_label"),
        ("seed_size=0", "seed_size must be at least 1"),
    ],
)
def test_what_is_out_of_range_fails_when_composed(override: str, said: str):
    with pytest.raises(UserError) as caught:
        composed(override)
    assert said in str(caught.value)


def test_without_rationales_reviews_are_asked_for_by_a_query_of_their_own():
    trial = Trial("task=imdb", "method.rationales=false", "method.rounds=0")
    seeds = [one.origin for one in trial.rounds[0].train]
    assert {origin.rationales for origin in seeds} == {()}
    assert all("has ." not in origin.prompt and "review" in origin.prompt for origin in seeds)
    with pytest.raises(UserError, match=r"task\.bare\.continuation is empty"):
        composed("task=imdb", "method.rationales=false", "task.bare={chat:'',continuation:''}")


@pytest.mark.parametrize(
    ("options", "task", "templates"),
    [
        (("method=s3",), "imdb", {"rationale", "query", "mistake"}),
        (("method=s3",), "rte", {"query", "mistake"}),
        (("method=s3", "method.rationales=false"), "imdb", {"bare", "mistake"}),
        (("method=s3", "method.extrapolated=nothing"), "imdb", {"rationale", "query"}),
        (("method=s3", "method.seed_from=x"), "imdb", {"mistake"}),
        (("method=goldgen",), "adversarial_qa", {"query", "mistake"}),
        (("method=zerogen",), "imdb", {"zerogen", "condition"}),
        (("method=zerogen",), "rte", {"query"}),
        (("method=zerogen", "method.extrapolated=errors"), "qnli", {"zerogen", "mistake"}),
        (("method=progen",), "imdb", {"zerogen", "condition"}),
        (("method=gold",), "imdb", set()),
    ],
)
def test_a_method_needs_the_prompts_that_it_asks_with_and_no_other(
    options: tuple[str, ...], task: str, templates: set[str]
):
    made = composed(f"task={task}", *options)
    assert made.method.templates(made.task) == templates
    others = {"rationale", "query", "bare", "mistake", "zerogen", "condition"} - templates
    empty = "={chat: '', continuation: ''}"
    unused = [f"task.{name}{empty}" for name in others if hasattr(made.task, name)]
    assert composed(f"task={task}", *options, *unused).task.reply == made.task.reply
    for name in templates - {"zerogen", "condition"}:
        assert composed(f"task={task}", *options, f"task.{name}.chat=''")  # of the other style
        with pytest.raises(UserError, match=rf"task\.{name}\.continuation is empty"):
            composed(f"task={task}", *options, f"task.{name}.continuation=''")


def test_what_decides_is_the_content_and_not_what_has_no_effect(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "A fine film.", "label": "positive"}')

    def identity(*options: str) -> dict[str, Any]:
        made = composed(*options)
        parts = (made.task, made.llm, made.model, made.method, made.audit)
        found: dict[str, Any] = run_identity(*parts, made.task.load(0), 0)["method"]
        return found

    path = f"method.seed_from={tmp_path}"
    assert identity(f"{path}/one.jsonl") == identity(f"{path}/two.jsonl") != identity()
    (tmp_path / "two.jsonl").write_text('{"text": "A poor film.", "label": "negative"}')
    assert identity(f"{path}/one.jsonl") != identity(f"{path}/two.jsonl")
    nothing = identity("method.extrapolated=nothing")
    assert nothing == identity("method.extrapolated=nothing", "method.rounds=5")
    assert nothing == identity("method.rounds=0", "method.patience=3")
    assert nothing == identity("method.extrapolated=nothing", "method.error_share=1")
    assert identity("method.rounds=1") != identity()
    assert identity("method.error_share=1") != identity() != identity("method.error_share=0")
    assert identity("method=goldgen") == identity("method=goldgen", "method.error_share=1")
    bare, other = "method.rationales=false", "method.rationales_per_prompt=2"
    assert identity() == identity(other) == identity(bare)  # a premise is given: no rationales
    reviews = identity("task=imdb")
    assert reviews != identity("task=imdb", other)
    assert reviews != identity("task=imdb", bare) == identity("task=imdb", bare, other)
    assert nothing != identity("method=zerogen")


def test_knobs_that_would_do_nothing_do_not_exist():
    for knob in ("rationales=true", "rationales_per_label=9", "rationales_per_prompt=2"):
        with pytest.raises(Exception, match="rationales"):
            composed("method=zerogen", f"method.{knob}")
