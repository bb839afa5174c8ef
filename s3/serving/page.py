"""The page of an interface, made from its OpenAPI description: it loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s3.report.page import rendered

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Member:
    """A member of a JSON object: its name, kind, whether it must be there, and what it means."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True)
class Operation:
    """What can be asked at a path: the bodies both ways, a command that asks, the statuses."""

    title: str
    about: str
    command: str
    asked: tuple[Member, ...]
    answered: tuple[Member, ...]
    statuses: tuple[tuple[str, str], ...]


def api_page(openapi: Schema, address: str) -> str:
    """Return the page of an interface that is served at an address."""
    found = [
        _operation(openapi, f"{method.upper()} {path}", f"{address.rstrip('/')}{path}", one)
        for path, methods in openapi["paths"].items()
        for method, one in methods.items()
    ]
    about = openapi["info"]
    return rendered("api.html", title=about["title"], about=about["summary"], operations=found)


def _operation(openapi: Schema, title: str, url: str, one: Schema) -> Operation:
    asked = _body(one.get("requestBody", {}))
    statuses = one["responses"].items()
    command = f"curl -s {url}"
    if examples := asked.get("examples"):
        content = json.dumps(examples[0], ensure_ascii=False)
        command += f" -H 'Content-Type: application/json' \\\n  -d '{content}'"
    return Operation(
        title, one.get("description", ""), command,
        tuple(_members(openapi, asked)),
        tuple(_members(openapi, _body(one["responses"]["200"]))),
        tuple((status, each["description"]) for status, each in statuses if status != "200"),
    )  # fmt: skip


def _body(one: Schema) -> Schema:
    found: Schema = one.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _members(openapi: Schema, schema: Schema, above: str = "") -> Iterator[Member]:
    """Yield the members of an object, and of the objects that are listed in it."""
    schema = _followed(openapi, schema)
    for name, one in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield Member(above + name, _kind(openapi, one), required, one.get("description", ""))
        listed = _followed(openapi, one.get("items", {}))
        yield from _members(openapi, listed, f"{above}{name}[].")


def _followed(openapi: Schema, schema: Schema) -> Schema:
    """Return the schema that one refers to, or itself."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return openapi["components"]["schemas"][name] if name else schema


def _kind(openapi: Schema, schema: Schema) -> str:
    """Return in words which values a schema takes."""
    schema = _followed(openapi, schema)
    if any_of := schema.get("anyOf"):
        return " or ".join(_kind(openapi, one) for one in any_of)
    if items := schema.get("items"):
        kind = _kind(openapi, items)
        return f"list of ({kind})" if "anyOf" in items else f"list of {kind}"
    if more := schema.get("additionalProperties"):
        return f"object of {_kind(openapi, more)}"
    return str(schema.get("type", "anything"))
