"""The schema files: in step with the types, and the command that keeps them so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts import topics
from contracts.schemas import FOLDER, MESSAGES, main, out_of_step, render, schema_of, write


def test_the_committed_files_are_in_step() -> None:
    assert out_of_step(FOLDER) == []
    assert main(["--check"]) == 0


def test_topics_between_services_have_a_schema_and_private_ones_none() -> None:
    between = {
        topic.name
        for topic in topics.TOPICS.values()
        if topic.consumers and set(topic.consumers) ^ set(topic.producers)
    }
    assert set(MESSAGES) == between
    with pytest.raises(KeyError):
        schema_of(topics.INTENTS)


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_schema_says_what_it_is_and_is_readable(topic: str) -> None:
    schema = json.loads(render(topic))
    assert schema["title"] == topic
    assert schema["$id"] == f"urn:motcua:schema:{topic}"
    assert schema["description"] == topics.TOPICS[topic].purpose
    for name, definition in schema["$defs"].items():
        lines = definition.get("description", "").splitlines()
        assert all(line == line.strip() for line in lines), f"{name}: indented description"


def test_write_renews_what_is_stale_and_removes_what_has_no_topic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {path.stem for path in write(tmp_path)} == set(MESSAGES)
    assert write(tmp_path) == []
    stale = tmp_path / f"{topics.LAW}.json"
    stale.write_text("{}", encoding="utf-8")
    orphan = tmp_path / "gone.v1.json"
    orphan.write_text("{}", encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert "make schemas" in capsys.readouterr().out
    assert main(["--write"], tmp_path) == 0
    assert capsys.readouterr().out == "renewed gone.v1.json\nrenewed law.v1.json\n"
    assert not orphan.exists()
    assert stale.read_text(encoding="utf-8") == render(topics.LAW)
    assert main(["--check"], tmp_path) == 0
