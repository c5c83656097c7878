"""Real processes for the sink's proof: broker, warehouse, analytics, a second analytics; all read back."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contracts.topics import DOSSIER_PARTITIONS, FACTS, FACTS_DLQ
from deploy.local.broker import BrokerKind
from deploy.local.ports import HOST, free_ports
from services.analytics.adapters.clickhouse import Connection
from services.analytics.domain.batch import Record
from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.rollups import Cell, RollUp
from services.analytics.domain.rows import FactRow
from services.analytics.domain.stamps import StampRow
from services.analytics.queries import query
from services.analytics.reading import cells_of
from tests.crash.sink.judge import Found, Verdict, judge
from tests.crash.sink.oracle import Columns, wanted
from tests.crash.sink.tables import as_dossier, named
from tests.integration.sink_stack import PATIENCE, Process, Stack
from tests.waiting import wait_until

PARTITIONS: Final = range(DOSSIER_PARTITIONS)
RESTARTED: Final = frozenset({-signal.SIGKILL, 72})
"""How analytics may end here: killed, or fenced by a newer writer. Anything else is a finding."""


class RealStack(Stack):
    """`analytics` is the process at work; `spare` stands by to take over, and they change places."""

    def __init__(self, folder: Path, kind: BrokerKind) -> None:
        super().__init__(folder, kind)
        [port] = free_ports(1)
        self.plain = self.analytics.command
        self.spare_http = f"{HOST}:{port}"
        environ = {**self.analytics.environ, "MOTCUA_HTTP": self.spare_http}
        self.spare = Process(self.plain, folder / "spare.log", environ)
        self.sent = dict.fromkeys(PARTITIONS, 0)
        self.again: list[str] = []

    def close(self) -> None:
        """Kill everything."""
        self.spare.kill()
        super().close()

    def change_places(self) -> None:
        """The spare one is the one at work."""
        self.analytics, self.spare = self.spare, self.analytics
        self.http, self.spare_http = self.spare_http, self.http

    def start_fated(self, *fate: object) -> None:
        """Kill analytics and start it anew with a fate (see `fated.py`)."""
        self.analytics.kill()
        words = [str(word) for word in fate]
        fated = [sys.executable, "-m", "tests.crash.sink.fated", *words]
        self.analytics.command = fated
        self.analytics.start()

    def check_ends(self) -> None:
        """Raises AssertionError when one of the two has ended in a way that no accident explains."""
        for one in (self.analytics, self.spare):
            code = None if one.running is None else one.running.poll()
            assert code is None or code in RESTARTED, f"analytics ended with exit code {code}"

    def tend(self) -> None:
        """Start analytics again, without a fate, where it has ended. Raises AssertionError for a refusal."""
        self.check_ends()
        running = self.analytics.running
        code = None if running is None else running.poll()
        if code is not None:
            self.again.append(str(code))
            self.analytics.command = self.plain
            self.analytics.start()

    def last_words(self) -> list[str]:
        """The end of every process' log."""
        named = {"analytics": self.analytics, "the spare one": self.spare, "the warehouse": self.warehouse}
        return [f"{name} said last:\n{one.text()}" for name, one in named.items() if one.log.exists()]

    def tell(self, records: list[Record]) -> None:
        """Send them; from now on the sink has to reach that far."""
        self.send(records)
        for record in records:
            self.sent[record.partition] = record.offset + 1

    def caught_up(self) -> bool:
        """Whether all that was sent is inserted. Does not wait for a process that is frozen."""
        parts = (self.ask("/v1/freshness", patience=5.0) or {}).get("partitions", {})
        found = {p: part["position"] for p, part in parts.items()}
        return found == {str(p): end for p, end in self.sent.items()}

    def rest(self) -> None:
        """Until all that was sent is inserted; analytics is started again as often as it dies."""

        def done() -> bool:
            self.tend()
            return self.caught_up()

        wait_until(done, 2 * PATIENCE, "all facts to be inserted", every=0.1)

    # -- what stands where ---------------------------------------------------------------------------

    def judge(self) -> Verdict:
        """The oracle over the log as the broker has it now, against the tables and the dead letters."""
        log = self.read(FACTS)
        letters = {
            (int(headers["dlq_partition"]), int(headers["dlq_offset"])) for _, headers in self.read(FACTS_DLQ)
        }
        return judge(wanted((r.partition, r.offset, r.value) for r, _ in log), self._found(letters))

    def _found(self, letters: set[tuple[int, int]]) -> Found:
        with self._connected() as house:
            raw: list[Columns] = []
            dossiers: dict[Any, Columns] = {}
            stamps: dict[Any, Columns] = {}
            for partition in PARTITIONS:
                given = {"partition": partition}
                rows = house.rows(query("facts_of_stretch"), {**given, "start": 0, "end": 2**62})
                raw += [FactRow(*row)._asdict() for row in rows]
                for row in house.rows(query("dossiers_of_partition"), given):
                    dossiers[row[0]] = as_dossier(DossierRow(*row))
                for row in house.rows(query("stamps_of_partition"), given):
                    _join(stamps, StampRow(*row))
            cells = {roll_up.value: _cells(house, roll_up) for roll_up in RollUp if roll_up != RollUp.LIVES}
            clocks = {p: {"moved_to": to} for p, to in house.rows(query("clocks"))}
        states = {"dossier_states": dossiers, "stamp_states": stamps}
        return Found(raw, {**states, **cells, "clocks": clocks}, letters)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        house = Connection(f"clickhouse://default@{self.house}/default")
        try:
            yield house
        finally:
            house.close()


def _cells(house: Connection, roll_up: RollUp) -> dict[Any, Columns]:
    """The cells of all partitions, added up."""
    whole: dict[Cell, tuple[int, ...]] = {}
    for partition in PARTITIONS:
        for key, numbers in cells_of(house, roll_up, partition).items():
            before = whole.get(key, (0,) * len(numbers))
            whole[key] = tuple(old + new for old, new in zip(before, numbers, strict=True))
    return named(roll_up, whole)


def _join(stamps: dict[Any, Columns], row: StampRow) -> None:
    """The pieces of a stamp stand in two partitions; the larger value counts, facts add up."""
    piece, entry = row._asdict(), stamps.get(row.key)
    if entry is None:
        stamps[row.key] = piece
    else:
        facts = entry["facts"] + piece["facts"]
        stamps[row.key] = {name: max(entry[name], piece[name]) for name in piece} | {"facts": facts}
