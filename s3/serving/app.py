"""The HTTP interface of a model: predict, health, and a page of both."""

# Annotations are evaluated here: FastAPI reads those of functions within functions.

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from s3 import __version__
from s3.errors import UserError
from s3.prediction.model import Model, Texts
from s3.serving.batches import Batches, BusyError
from s3.serving.bodies import Answers, Asked, Health, Labels, Problem
from s3.serving.page import api_page
from s3.student import Predictions
from s3.text import sanitised

MOST_TEXTS = 1024  # of a request
LARGEST = 10_000_000  # bytes of a request
TOO_LARGE = f"a request has at most {MOST_TEXTS} texts and {LARGEST:,} bytes: ask in several"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    413: {"model": Problem, "description": f"More than {MOST_TEXTS} texts or {LARGEST:,} bytes"},
    422: {"model": Problem, "description": "Not as described here: the error says where"},
    500: {"model": Problem, "description": "The model failed"},
    503: {"model": Problem, "description": "Too many texts wait: ask again in a second"},
}


def application(model: Model, name: str) -> FastAPI:
    """Return the application that answers with a model; `name` is that of its run."""
    batches = Batches(model.answers)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(batches.work())
        yield
        work.cancel()

    about = f"The model of a run of S3. It reads: {', '.join(model.fields)}."
    app = FastAPI(
        title=name, summary=about, version=__version__, docs_url=None, redoc_url=None,
        lifespan=life,
    )  # fmt: skip
    app.add_middleware(_Limited)
    _say_problems(app)
    _add_pages(app)
    _add_predict(app, model, batches)

    @app.get("/health")
    async def health() -> Health:
        """Say that the server answers, and of what it is the model."""
        labels = list(model.task.label_names)
        return Health(status="ok", run=name, fields=list(model.fields), labels=labels,
                      waiting=batches.waiting)  # fmt: skip

    return app


def _add_predict(app: FastAPI, model: Model, batches: Batches) -> None:
    one = [f"A {field}." for field in model.fields]
    example = {"texts": one if len(one) == 1 else [one, dict(zip(model.fields, one, strict=True))]}

    @app.post(
        "/predict", response_model=Labels if model.task.label_names else Answers, responses=PROBLEMS
    )
    async def predict(asked: Annotated[Asked, Body(examples=[example])]) -> Any:
        """Answer texts, in their order, each with how probable it is that the answer is right."""
        _check(model, asked.texts)
        threshold = 0.0 if asked.abstain is None else model.abstention(asked.abstain).threshold
        return {"predictions": _said(model, await batches.ask(asked.texts), threshold)}


def _check(model: Model, texts: Sequence[Texts]) -> None:
    if len(texts) > MOST_TEXTS:
        raise HTTPException(413)
    for number, one in enumerate(texts):
        try:
            model.example(number, one)
        except (TypeError, ValueError) as error:
            raise HTTPException(422, str(error)) from None


def _said(model: Model, found: Predictions, threshold: float) -> list[dict[str, Any]]:
    assert found.probabilities is not None
    labels, rows = model.task.label_names, []
    for answer, likely in zip(found.answers, found.probabilities.tolist(), strict=True):
        sure = max(likely)
        row = {model.task.variable: answer if sure >= threshold else None, "probability": sure}
        rows.append(row | {"probabilities": dict(zip(labels, likely, strict=False))})
    return rows


def _add_pages(app: FastAPI) -> None:
    """Add the page of the interface, without FastAPI's own, which loads scripts from elsewhere."""

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(api_page(app.openapi(), str(request.base_url)))


def _say_problems(app: FastAPI) -> None:
    """Make every error the same JSON: {"error": what is wrong and what to do}."""

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, error: StarletteHTTPException) -> JSONResponse:
        return _problem(error.status_code, TOO_LARGE if error.status_code == 413 else error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(422, _first(error))

    @app.exception_handler(UserError)
    async def mistaken(_: Request, error: UserError) -> JSONResponse:
        return _problem(422, str(error))

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> JSONResponse:
        return _problem(503, "too many texts wait for an answer: ask again", {"Retry-After": "1"})

    @app.exception_handler(Exception)  # its traceback goes to the log
    async def failed(_: Request, error: Exception) -> JSONResponse:
        return _problem(500, "the model failed: the server's log says why")


def _problem(status: int, said: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sanitised(said)}, status, headers)


def _first(error: RequestValidationError) -> str:
    """Return what is wrong first with a request, and where."""
    first = error.errors()[0]
    place = first["loc"][1:]
    if first["type"] == "json_invalid":
        return f"the body is no JSON: {first['ctx']['error']}, at character {place[0]}"
    if not place:
        return 'the body must be JSON such as {"texts": [...]}, with Content-Type: application/json'
    return f"{'.'.join(map(str, place))}: {first['msg']}"


class _Limited:
    """Reads no more of a request than its largest size.

    FastAPI's own limit answers in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST:
                raise HTTPException(413)
            return message

        await self.app(scope, limited, send)
