"""The API document is complete and true: every operation shown, every example decodes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from contracts.outcomes import ActionName
from services.intake.domain.decoding import decode_line
from services.intake.http.examples import PROBLEMS
from services.intake.http.operations import NDJSON, OPERATIONS, Operation
from services.intake.http.problems import SIGNATURE_STATUS, STATUS
from tests.fakes.intake_desk import desk, in_loop


async def _document() -> dict[str, Any]:
    async with desk() as d:
        document: dict[str, Any] = (await d.http.get("/openapi.json")).json()
        return document


@in_loop
async def test_every_route_has_an_operation_with_an_example() -> None:
    document = await _document()
    shown = {op["operationId"] for path in document["paths"].values() for op in path.values()}
    assert shown == set(OPERATIONS)
    for path in document["paths"].values():
        for operation in path.values():
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in part.get("content", {}).values():
                    assert "example" in content or content.get("examples"), operation["operationId"]


@in_loop
async def test_every_reference_leads_somewhere() -> None:
    document = await _document()
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


@in_loop
async def test_every_example_keeps_to_its_schema() -> None:
    document = await _document()
    checked = 0
    for path in document["paths"].values():
        for operation in path.values():
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media_type, content in part.get("content", {}).items():
                    if "$ref" not in content["schema"]:
                        continue
                    values = [content["example"]] if "example" in content else []
                    values += [shown["value"] for shown in content.get("examples", {}).values()]
                    if media_type == NDJSON:
                        values = [json.loads(line) for text in values for line in text.splitlines()]
                    schema = {**content["schema"], "components": document["components"]}
                    for value in values:
                        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)
                        checked += 1
    assert checked > 30


@in_loop
async def test_every_operation_names_its_headers_and_places() -> None:
    document = await _document()
    act = document["paths"]["/v1/dossiers/{dossier_id}/{action}"]["post"]
    named = {(parameter["in"], parameter["name"]) for parameter in act["parameters"]}
    assert named == {
        ("path", "dossier_id"),
        ("path", "action"),
        ("header", "Idempotency-Key"),
        ("header", "Prefer"),
        ("header", "Motcua-Actor"),
    }


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.request is not None])
def test_what_to_send_decodes(name: str) -> None:
    operation: Operation = OPERATIONS[name]
    assert operation.request is not None
    if operation.request_type == NDJSON:
        assert [decode_line(line.encode()).action for line in operation.request_example.splitlines()] == [
            ActionName.REGISTER,
            ActionName.ACCEPT,
        ]
    else:
        for example in operation.request_examples.values() or [operation.request_example]:
            msgspec.convert(example, operation.request)


@in_loop
async def test_every_action_has_an_example_that_the_door_takes() -> None:
    content = (await _document())["paths"]["/v1/dossiers/{dossier_id}/{action}"]["post"]["requestBody"]
    shown = content["content"]["application/json"]["examples"]
    assert set(shown) == set(ActionName) - {ActionName.REGISTER}
    async with desk() as d:
        for action, example in shown.items():
            path = f"/v1/dossiers/{'0' * 32}/{action}"
            answer = await d.post(path, example["value"], key="importer", Idempotency_Key=action)
            assert answer.status_code == 202, answer.text


@in_loop
async def test_the_table_of_actions_says_fields_and_roles() -> None:
    text = (await _document())["paths"]["/v1/dossiers/{dossier_id}/{action}"]["post"]["description"]
    assert "| stamp | seal?, evidence?, place? | seal_keeper, importer, admin |" in text
    assert "| accept | agency?, place? | counter, importer, admin |" in text
    assert "| apologise | reason, until, override? | leader, importer, admin |" in text
    assert "| rate | score | counter, portal, importer, admin |" in text
    assert text.count("\n| ") == len(ActionName) + 2


def test_every_problem_shown_has_the_status_of_the_table() -> None:
    for reason, value in PROBLEMS.items():
        known = {**STATUS, **SIGNATURE_STATUS}
        assert value.status == known.get(reason, value.status)
        assert value.status in (503, 409) or reason in known
