"""The API document, made from the operations and from the same types that decode and answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import Struct

from services.intake.http import examples
from services.intake.http.operations import OPERATIONS, Operation
from services.intake.http.problems import CONTENT_TYPE, Problem

_HEADERS: Final = (
    ("Idempotency-Key", True, "Names the command: the same key means the same command.", "n18-000042"),
    ("Prefer", False, "wait=N: wait up to N seconds (at most 30) for the decision.", "wait=5"),
    (
        "Motcua-Actor",
        False,
        "Who did it, as the caller's system names them: ASCII as it is, other letters (and %) as "
        "percent-encoded UTF-8; kept as a pseudonym. Without it: the key's holder.",
        "cb-017",
    ),
)


_FILE: Final[dict[str, Any]] = {
    "schema": {"type": "string", "format": "binary"},
    "example": "(the bytes of the file)",
}


def describe(name: str) -> dict[str, Any]:
    """The arguments of a route's decorator for operation `name`."""
    operation = OPERATIONS[name]
    extra: dict[str, Any] = {"security": [] if operation.open else [{"key": []}]}
    if operation.command:
        extra["parameters"] = [
            {
                "name": header,
                "in": "header",
                "required": required,
                "description": text,
                "schema": {"type": "string"},
                "example": example,
            }
            for header, required, text, example in _HEADERS
        ]
    if operation.query:
        extra["parameters"] = [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": text,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, text, example in operation.query
        ]
    if operation.request_files:
        extra["requestBody"] = {
            "required": True,
            "content": dict.fromkeys(operation.request_files, _FILE),
        }
    if operation.request is not None:
        extra["requestBody"] = {
            "required": True,
            "content": {operation.request_type: _asked(operation)},
        }
    return {
        "operation_id": name,
        "summary": operation.summary,
        "description": operation.description,
        "openapi_extra": extra,
        "response_model": None,
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Motcua intake",
            version=app.version,
            description="The only door: commands in, law in. Times are RFC 3339; codes are never free text.",
            routes=app.routes,
        )
        # FastAPI adds answers of its own (a bare 200, its validation error); these routes give none of them.
        for path in schema["paths"].values():
            for shown in path.values():
                shown["responses"] = _responses(OPERATIONS[shown["operationId"]])
        _, components = msgspec.json.schema_components(
            sorted(set(_shapes()), key=lambda shape: shape.__name__),
            ref_template="#/components/schemas/{name}",
        )
        schema["components"] = {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        }
        app.openapi_schema = schema
    return app.openapi_schema


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, (shape, example) in operation.answers.items():
        responses[str(status)] = {
            "description": (shape.__doc__ or "").strip() if shape else "Text exposition format.",
            "content": {operation.answer_type: _content(shape, example)},
        }
    for reason in operation.problems:
        value = examples.PROBLEMS[reason]
        plain = {"description": value.title, "content": {CONTENT_TYPE: _content(Problem, None)}}
        response = responses.setdefault(str(value.status), plain)
        shown = response["content"][CONTENT_TYPE].setdefault("examples", {})
        shown[reason] = {"value": msgspec.to_builtins(value)}
    return responses


def _asked(operation: Operation) -> dict[str, Any]:
    content = _content(operation.request, operation.request_example)
    if operation.request_examples:
        content["examples"] = {
            name: {"value": example} for name, example in operation.request_examples.items()
        }
    return content


def _content(shape: type[Struct] | None, example: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{shape.__name__}"} if shape else {"type": "string"}
    return {"schema": reference} | ({} if example is None else {"example": example})


def _shapes() -> Iterator[type[Struct]]:
    yield Problem
    for operation in OPERATIONS.values():
        if operation.request is not None:
            yield operation.request
        yield from (shape for shape, _ in operation.answers.values() if shape is not None)
