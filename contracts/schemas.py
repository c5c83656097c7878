"""JSON Schemas of the topics, generated from the message types and committed beside them.

``python -m contracts.schemas --write`` renews ``contracts/schemas/*.json``; ``--check`` says which files
are not in step and exits 1. Topics that only one service writes and reads have no schema here: their
records are that service's own affair. Dead-letter topics carry the bytes they were given.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import topics
from contracts.commands import CommandRecord
from contracts.facts import FactRecord
from contracts.law import LawEntry
from contracts.outcomes import CommandOutcome

FOLDER: Final = Path(__file__).parent / "schemas"

MESSAGES: Final[Mapping[str, Any]] = {
    topics.COMMANDS: CommandRecord,
    topics.FACTS: FactRecord,
    topics.OUTCOMES: CommandOutcome,
    topics.LAW: LawEntry,
}


def _tidy(node: Any) -> Any:
    """Descriptions without the indentation of their docstrings, which differs between Python versions."""
    if isinstance(node, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _tidy(value)
            for key, value in node.items()
        }
    return [_tidy(item) for item in node] if isinstance(node, list) else node


def schema_of(topic: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the values of `topic`. Raises KeyError for a topic without one."""
    (schema,), definitions = msgspec.json.schema_components([MESSAGES[topic]], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:motcua:schema:{topic}",
        "title": topic,
        "description": topics.TOPICS[topic].purpose,
        **_tidy(schema),
        "$defs": _tidy(definitions),
    }


def render(topic: str) -> str:
    """The text of the schema's file; the same types always give the same text."""
    return json.dumps(schema_of(topic), ensure_ascii=False, indent=2) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every schema into `folder` and remove files of topics that have none. Returns those changed."""
    changed = out_of_step(folder)
    for path in changed:
        topic = path.name.removesuffix(".json")
        if topic in MESSAGES:
            path.write_text(render(topic), encoding="utf-8")
        else:
            path.unlink()
    return changed


def out_of_step(folder: Path) -> list[Path]:
    """The files of `folder` that are missing, stale or too many."""
    wanted = {folder / f"{topic}.json": render(topic) for topic in MESSAGES}
    there = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """The command; 0 when the files are, or now are, in step."""
    parser = argparse.ArgumentParser(
        prog="python -m contracts.schemas", description="JSON Schemas of the topics"
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="renew the files")
    mode.add_argument("--check", action="store_true", help="say which files are not in step")
    if parser.parse_args(arguments).write:
        for path in write(folder):
            sys.stdout.write(f"renewed {path.name}\n")
        return 0
    stale = out_of_step(folder)
    for path in stale:
        sys.stdout.write(f"{path.name} is not in step with the message types: run 'make schemas'\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
