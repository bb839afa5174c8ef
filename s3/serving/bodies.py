"""What goes over the wire: the bodies of requests and of answers, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

TEXT = {"type": "string"}
ROW = {
    "anyOf": [
        TEXT,
        {"type": "array", "items": TEXT},
        {"type": "object", "additionalProperties": TEXT},
    ]
}

ONE_EACH = Field(description="One for each text, in order.")


class Asked(BaseModel):
    """Texts to answer."""

    model_config = ConfigDict(extra="forbid")

    # Of any kind here: the model itself says which text is wrong, and how.
    texts: Annotated[
        list[Any],
        Field(
            json_schema_extra={"items": ROW},
            description="Each a text; or, where the model reads several together, a list of them "
            "in the order of its fields, or an object of them by field.",
        ),
    ]
    abstain: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            description="Give null where the model is so unsure that, on gold validation, less "
            "than this share of its answers is right.",
        ),
    ] = None


class Labelled(BaseModel):
    """The label of a text."""

    label: Annotated[str | None, Field(description="null where it abstains.")]
    probability: Annotated[float, Field(description="Of the likeliest label.")]
    probabilities: Annotated[dict[str, float], Field(description="Of each label.")]


class Answered(BaseModel):
    """The answer to a question."""

    answer: Annotated[str | None, Field(description="null where it abstains.")]
    probability: Annotated[float, Field(description="Of the likeliest answer.")]


class Labels(BaseModel):
    """The labels of texts, in their order."""

    predictions: Annotated[list[Labelled], ONE_EACH]


class Answers(BaseModel):
    """The answers to questions, in their order."""

    predictions: Annotated[list[Answered], ONE_EACH]


class Health(BaseModel):
    """That the server answers, and of what it is the model."""

    status: Annotated[str, Field(description="Always ok: there is no answer otherwise.")]
    run: Annotated[str, Field(description="The run that trained the model.")]
    fields: Annotated[list[str], Field(description="The texts that it reads together.")]
    labels: Annotated[list[str], Field(description="None where answers are texts.")]
    waiting: Annotated[int, Field(description="Texts that wait for an answer.")]


class Problem(BaseModel):
    """Why there is no answer, and what to do."""

    error: str
