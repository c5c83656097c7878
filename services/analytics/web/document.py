"""The API document: FastAPI's, with the answers that are no success and the key, as they really are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.analytics.web import problems
from services.analytics.web.parameters import EXPECTED
from services.analytics.web.problems import CONTENT_TYPE, STATUS, Document, Problem

_OPEN: Final = frozenset({"/v1/public/figures"})
_OF_A_DOSSIER: Final = frozenset({"/v1/dossiers/{dossier_id}"})
_WITH_DOSSIERS: Final = _OF_A_DOSSIER | {"/v1/dossiers"}
_OF_A_SEAL: Final = frozenset({"/v1/seals/{seal}/register"})
_OF_AN_AGENCY: Final = frozenset({"/v1/late", "/v1/sample"})
_OF_THE_PROOF: Final = frozenset({"/v1/reconcile", "/v1/reconcile/repair", "/v1/rebuild"})


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description="Figures, dossiers, what is late, samples, registers of seals, the proof. "
            "Times are RFC 3339 in UTC, days are local.",
            routes=app.routes,
        )
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                # FastAPI's own 422 is of a shape these routes never give.
                operation["responses"].pop("422", None)
                operation["responses"] |= _responses(path)
                operation["security"] = [] if path in _OPEN else [{"key": []}]
        _, shapes = msgspec.json.schema_components([Document], ref_template="#/components/schemas/{name}")
        schema["components"] = {
            "schemas": shapes,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        }
        app.openapi_schema = schema
    return app.openapi_schema


def _reasons(path: str) -> Iterator[str]:
    if path not in _OPEN:
        yield from ("unauthorized", "role_not_allowed")
    if path in _WITH_DOSSIERS | _OF_A_SEAL | _OF_AN_AGENCY:
        yield "other_agency"
    if path in _OF_A_SEAL:
        yield "unknown_seal"
    if path in _OF_A_DOSSIER:
        yield "unknown_dossier"
    if path in _OF_THE_PROOF:
        yield from ("reconcile_running", "repair_running", "rebuild_running", "behind", "fenced")
    if path in ("/v1/rebuild", "/v1/reconcile/repair"):
        yield "rows_differ"
    if path == "/v1/reconcile/repair":
        yield "repair_at_start"
    yield from ("bad_shape", "warehouse_down", "filling", "internal")


def _responses(path: str) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for reason in _reasons(path):
        body = problems.document(Problem(reason, "" if reason in problems.DETAIL else _MORE[reason]))
        content = {"schema": {"$ref": f"#/components/schemas/{Document.__name__}"}, "examples": {}}
        plain = {"description": body.title, "content": {CONTENT_TYPE: content}}
        response = responses.setdefault(str(STATUS[reason]), plain)
        response["content"][CONTENT_TYPE]["examples"][reason] = {"value": msgspec.to_builtins(body)}
        for name in problems.headers(reason):
            response.setdefault("headers", {})[name] = {"schema": {"type": "string"}}
    return responses


_MORE: Final = {
    "role_not_allowed": "Vai trò carrier không được hỏi số liệu.",
    "bad_shape": EXPECTED["from"],
}
"""Examples of what is said more particularly."""
