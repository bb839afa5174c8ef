"""The model of a finished run, ready to be asked: scikit-learn's conventions.

It reads texts as the run did (fields, length, windows of long contexts), so that it answers what
the run has scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.data.example import Example, Origin
from s3.errors import UserError, first_line
from s3.progress import quiet
from s3.runs import folder as layout
from s3.runs.calibration import (
    Abstention,
    Rows,
    abstention,
    scaled,
    sureness,
    temperature,
    validated,
)
from s3.runs.reading import Run
from s3.student import Precision, Predictions, Predictor, Settings, Training
from s3.tasks import Classification, ExtractiveQA, Task
from s3.text import sanitised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TASKS = (Classification, ExtractiveQA)
# One text; several as a tuple in the order of `Model.fields`; or texts by the fields' names.
Texts = str | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """The model that a run ships. `load` makes one; its weights are read when first asked.

    `validation` is what the run's model answered to gold validation: by that, probabilities get
    their temperature and thresholds are found.
    """

    task: Task
    predictor: Predictor
    validation: Rows = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the texts that it reads together, in the order of a tuple of them."""
        return (self.task.written, *self.task.given)

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels in the order of `predict_proba`; AttributeError where answers are texts."""
        import numpy as np

        if not self.task.label_names:
            raise AttributeError("classes_: this model answers questions, it has no labels")
        return np.array(self.task.label_names)

    def predict(self, texts: Iterable[Texts]) -> NDArray[np.str_]:
        """Return the label of each text, or the answer to each question, [texts].

        Raises as `answers`.
        """
        import numpy as np

        return np.array(self.answers(texts).answers, dtype=np.str_)

    def predict_proba(self, texts: Iterable[Texts]) -> NDArray[np.floating[Any]]:
        """Return the probability of each label, [texts, labels], in the order of `classes_`.

        They are at the temperature that fits gold validation. Of answers to questions it is that of
        the answer given, [texts, 1]. Raises as `answers`.
        """
        found = self.answers(texts).probabilities
        assert found is not None
        return found

    @cached_property
    def temperature(self) -> float:
        """What the logits of labels are divided by; 1 without enough rows of gold validation."""
        return temperature(self.validation)

    def abstention(self, precision: float) -> Abstention:
        """Return how sure an answer must be so that `precision` (0..1) of the given ones are right.

        So it is on gold validation, of which `coverage` is answered. A text is to be answered where
        its largest probability is at least the `threshold`. Raises UserError where none does it.
        """
        if not self.validation:
            raise UserError(
                "this run has no answers to gold validation by the model that ships: no threshold "
                "can be found. With labelled rows in task.gold, fresh=true makes the run again "
                "with them."
            )
        return abstention(*sureness(self.validation, self.temperature), precision)

    def answers(self, texts: Iterable[Texts]) -> Predictions:
        """Return answers and probabilities at once, in order; texts are batched by length.

        Nothing is kept of them afterwards. Raises TypeError for a lone text and for what is no
        text, ValueError for an empty one and where there are not as many as `fields`.
        """
        import numpy as np

        if isinstance(texts, str | Mapping):
            raise TypeError("a list of texts is expected, not one: predict([text])")
        examples = [self.example(number, one) for number, one in enumerate(texts)]
        if not examples:
            return Predictions([], np.empty((0, len(self.task.label_names) or 1)))
        try:
            with quiet():
                found = self.predictor.predict(examples)
        finally:
            self.predictor.encoder.forget()
        if not self.task.label_names or found.probabilities is None:
            return found
        return replace(
            found, probabilities=scaled(found.probabilities.astype(float), self.temperature)
        )

    def example(self, number: int, texts: Texts) -> Example:
        """Return one element of what `answers` takes as it is read. Raises as `answers`."""
        if isinstance(texts, str):
            texts = (texts,)
        if isinstance(texts, Mapping):
            texts = [texts[name] for name in self.fields if name in texts]
        if not isinstance(texts, Sized):
            raise TypeError(f"texts[{number}]: {type(texts).__name__} is no text")
        if len(texts) != len(self.fields):
            wanted = f"({', '.join(self.fields)})"
            raise ValueError(f"texts[{number}]: expected {wanted}, found {len(texts)} of them")
        if wrong := next((one for one in texts if not isinstance(one, str)), None):
            raise TypeError(f"texts[{number}]: {type(wrong).__name__} is no text")
        read = {name: sanitised(text) for name, text in zip(self.fields, texts, strict=True)}
        if empty := next((name for name, text in read.items() if not text.strip()), None):
            raise ValueError(f"texts[{number}]: {empty} is empty")
        return Example(read, "", Origin("file"))


def load(run: Run | Path | str) -> Model:
    """Return the model of a finished run: by what `s3.run` returned, its folder or the model's.

    Raises UserError where there is no such run, it is not finished, or its model is gone.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    within = path.name == layout.MODEL and (path.parent / layout.IDENTITY).exists()
    opened = Run.open(path.parent if within else path)
    if not (opened.model / "config.json").is_file():
        raise UserError(
            f"{opened.model}: the run's model is not there; the run's command with fresh=true "
            "makes it again."
        )
    try:
        task = _task(opened.config["task"])
        settings = _settings(opened.config["model"], opened.model)
        predictor = Predictor(settings, task.head(), opened.model)
        return Model(task, predictor, validated(opened))
    except (KeyError, TypeError, ValueError) as error:
        where = opened.path / layout.CONFIG
        raise UserError(f"{where}: not as this version reads it ({first_line(error)}).") from None


def _task(config: Mapping[str, Any]) -> Task:
    """Return the task of a run's configuration: of the class that has all of its options."""
    from omegaconf import OmegaConf

    for cls in TASKS:
        if set(config) <= {field.name for field in fields(cls)}:
            task = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(cls), config))
            assert isinstance(task, Task)
            return task
    raise ValueError("task has options that no kind of task has")


def _settings(config: Mapping[str, Any], weights: Path) -> Settings:
    known = {field.name: config[field.name] for field in fields(Settings) if field.name in config}
    known |= {"weights": str(weights), "package": None}
    known |= {"training": Training(known["training"]), "precision": Precision(known["precision"])}
    return Settings(**known)
