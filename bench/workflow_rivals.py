"""What one would write instead of this worker, as Faust's own guide shows it.

`stock`    sets a table entry for every command and sends what follows: `table[key] = …`,
           `await topic.send(…)`. It decides with the same pure functions as this worker and writes the same
           kinds of records (state change, facts, outcome), as JSON. The law it keeps in a dict, for nothing.
`counting` the same with least work: a `faust.Record` read from each command, a counter in the table, one
           record sent. No law, no dates, no rules.
`nothing`  an agent that reads bytes and does nothing: neither table nor output.

Settings are Faust's defaults, the table's store its default, memory, except what a broker needs to be
joined in seconds. No promise is kept: outputs are not awaited until acked, an exception loses its event.
When the last record has been handled, `{"begun", "ended", "records"}` (Unix times) is written to the file
given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import faust
import msgspec

from contracts.codec import decode_command
from contracts.commands import Command, LawChanged
from contracts.facts import Cause
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law

OUT_FACTS: Final = "rival.facts"
OUT_OUTCOMES: Final = "rival.outcomes"
OUT_STEPS: Final = "rival.steps"


class Asked(faust.Record, serializer="json"):
    """A command as the guide would model it: the fields the counting one needs."""

    id: str
    dossier_id: str
    at: str
    client: str
    fingerprint: str


class Counted(faust.Record, serializer="json"):
    """What the counting one keeps and sends."""

    dossier_id: str
    steps: int
    at: str
    command_id: str


class Timing:
    """When the first record came and when the last one was done."""

    def __init__(self, records: int, report: Path) -> None:
        self._records, self._report = records, report
        self._begun = 0.0
        self._done = 0

    def first(self) -> None:
        """Before a record is handled."""
        if not self._begun:
            self._begun = time.time()

    def done(self) -> None:
        """After a record was handled."""
        self._done += 1
        if self._done == self._records:
            found = {"begun": self._begun, "ended": time.time(), "records": self._done}
            fresh = self._report.with_suffix(".new")
            fresh.write_text(json.dumps(found))
            fresh.replace(self._report)


def app_of(name: str, broker: str, session_seconds: float) -> Any:
    """A Faust app with the defaults; the session only decides how long joining takes."""
    return faust.App(
        f"rival-{name}",
        broker=f"kafka://{broker}",
        topic_partitions=DOSSIER_PARTITIONS,
        topic_replication_factor=1,
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=1.0,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        datadir=".",
    )


def nothing(app: Any, timing: Timing) -> None:
    """An agent that does nothing."""
    source = app.topic(
        COMMANDS, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw"
    )

    @app.agent(source)  # type: ignore[untyped-decorator]  # Faust has no types here
    async def commands(stream: AsyncIterator[bytes]) -> None:
        async for _ in stream:
            timing.first()
            timing.done()


def counting(app: Any, timing: Timing) -> None:
    """Count the steps of each dossier."""
    source = app.topic(
        COMMANDS, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw"
    )
    table = app.Table("steps", default=int, partitions=DOSSIER_PARTITIONS)
    output = app.topic(OUT_STEPS, value_type=Counted, partitions=DOSSIER_PARTITIONS)

    @app.agent(source)  # type: ignore[untyped-decorator]  # as above
    async def commands(stream: AsyncIterator[bytes]) -> None:
        async for value in stream:
            timing.first()
            fields = json.loads(value)
            if fields["record"] == "command":  # the law stands in the same topic
                asked = Asked.from_data(fields)
                steps = table[asked.dossier_id] + 1
                table[asked.dossier_id] = steps
                sent = Counted(dossier_id=asked.dossier_id, steps=steps, at=asked.at, command_id=asked.id)
                await output.send(key=asked.dossier_id, value=sent)
            timing.done()


def stock(app: Any, timing: Timing) -> None:
    """Decide each command, keep the dossier in the table, send the facts and the answer."""
    source = app.topic(
        COMMANDS, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw"
    )
    table = app.Table("dossiers", partitions=DOSSIER_PARTITIONS)
    facts = app.topic(OUT_FACTS, value_serializer="json", partitions=DOSSIER_PARTITIONS)
    outcomes = app.topic(OUT_OUTCOMES, value_serializer="json", partitions=DOSSIER_PARTITIONS)
    law: dict[int, Law] = {}

    @app.agent(source)  # type: ignore[untyped-decorator]  # as above
    async def commands(stream: Any) -> None:
        async for event in stream.events():
            timing.first()
            number, record = event.message.partition, decode_command(event.value)
            match record:
                case LawChanged():
                    law[number] = law.get(number, Law()).amended(record)
                case Command(dossier_id=key):
                    kept = table.get(key)
                    dossier = None if kept is None else msgspec.convert(kept, Dossier)
                    cause = Cause(number, event.message.offset, 0)
                    decision = decide(dossier, law[number], record, cause)
                    table[key] = msgspec.to_builtins(decision.dossier)
                    for fact in decision.facts:
                        await facts.send(key=key, value=msgspec.to_builtins(fact))
                    await outcomes.send(key=key, value=msgspec.to_builtins(decision.outcome))
            timing.done()


RIVALS: Final[dict[str, Callable[[Any, Timing], None]]] = {
    "stock": stock,
    "counting": counting,
    "nothing": nothing,
}


def main() -> None:
    """Run one rival until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rival", choices=RIVALS)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--session", type=float, default=20.0)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    options = parser.parse_args()
    app = app_of(options.rival, options.broker, options.session)
    RIVALS[options.rival](app, Timing(options.records, options.report))
    sys.argv = [sys.argv[0], "worker", "--loglevel", "warn"]
    app.main()


if __name__ == "__main__":
    main()
