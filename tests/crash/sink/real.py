"""The same question to real processes: analytics or the warehouse killed or frozen, one accident a schedule.

A schedule sends some hundred records while its accident happens, waits until all are inserted, and ends with
the oracle over the whole log read back from the broker. The moments come from the seed; a real machine never
runs the same way twice.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, repeat
from pathlib import Path
from typing import Final

from contracts.topics import DOSSIER_PARTITIONS
from deploy.local.broker import BrokerKind
from services.analytics.domain.batch import Record
from tests.crash.harness.processes import pause
from tests.crash.sink.judge import Verdict
from tests.crash.sink.stack import RealStack
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill
from tests.integration.sink_stack import PATIENCE, Process, interleaved
from tests.waiting import wait_until

DOSSIERS: Final = 16
"""Lives a schedule."""
PIECES: Final = 12
FENCED: Final = 72
POINTS: Final = (
    *("greeting appended", "greeted", "gathered", "intent appended", "intent read back"),
    *("dead letters acked", "facts inserted", "clocks inserted", "position appended"),
    *("position read back", "tombstones appended", "committed"),
)


@dataclass
class Scene:
    """One schedule's parts: who can be hurt, and the records, piece by piece."""

    us: RealStack
    chance: random.Random
    pieces: list[list[Record]]

    def tell(self, least: int = 1) -> None:
        """Send some pieces, with pauses, so that there are several batches; `least` stay."""
        while len(self.pieces) > least:
            self.us.tell(self.pieces.pop(0))
            pause(0.15 * self.chance.random())
            if self.chance.random() < 0.2:
                return

    def tell_until(self, condition: Callable[[], object], what: str) -> None:
        """Go on sending until it is met: a piece when the one before is inserted, so that each is a batch.

        Every piece has its own time; nobody may end meanwhile otherwise than killed or fenced.
        """
        while self.pieces:
            self._wait(lambda: condition() or self.us.caught_up(), what)
            if condition():
                return
            self.us.tell(self.pieces.pop(0))
        self._wait(condition, what)

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        def met() -> object:
            self.us.check_ends()
            return condition()

        wait_until(met, PATIENCE, what, every=0.2)


Accident = Callable[[Scene], str]


def kill_sink(scene: Scene) -> str:
    """SIGKILL at a random moment."""
    scene.tell()
    pause(0.5 * scene.chance.random())
    scene.us.analytics.kill()
    return "analytics killed at a random moment"


def kill_sink_at_a_point(scene: Scene) -> str:
    """SIGKILL at a named point."""
    point, nth = scene.chance.choice(POINTS), scene.chance.choice((1, 2))
    if point.startswith("greet"):
        nth = 1
    scene.us.start_fated(point, nth, signal.SIGKILL.value)
    scene.tell_until(lambda: _over(scene.us.analytics), f"analytics to die: {point}")
    return f"analytics killed: {point} ({nth})"


def freeze_sink(scene: Scene) -> str:
    """SIGSTOP at a random moment, a successor, SIGCONT; it must end by itself."""
    scene.tell(least=4)
    running = scene.us.analytics.running
    assert running is not None
    running.send_signal(signal.SIGSTOP)
    return f"analytics frozen at a random moment, {_take_over(scene)}"


def freeze_sink_at_a_point(scene: Scene) -> str:
    """The same at a named point."""
    point = scene.chance.choice(POINTS)
    scene.us.start_fated(point, 1, signal.SIGSTOP.value)
    scene.tell_until(lambda: _stopped(scene.us.analytics), f"analytics to stop: {point}")
    return f"analytics frozen: {point}, {_take_over(scene)}"


def kill_warehouse(scene: Scene) -> str:
    """SIGKILL at a random moment, and back."""
    scene.tell()
    pause(0.5 * scene.chance.random())
    scene.us.warehouse.kill()
    scene.tell()
    pause(scene.chance.random())
    scene.us.warehouse.start()
    return "the warehouse killed at a random moment"


def kill_warehouse_in_an_insert(scene: Scene) -> str:
    """SIGKILL some milliseconds after the sink went to insert."""
    house = scene.us.warehouse
    assert house.running is not None
    seconds = 0.001 + 0.03 * scene.chance.random()
    scene.us.start_fated("dead letters acked", 1, signal.SIGKILL.value, house.running.pid, seconds)
    scene.tell_until(lambda: _over(house), "the warehouse to die")
    house.start()
    return f"the warehouse killed {seconds * 1000:.0f} ms into an insert"


def warehouse_away(scene: Scene, seconds: float = 5.0) -> str:
    """SIGKILL, and back after so long; facts keep coming. The sink says why it waits, and goes on itself."""
    us, begun = scene.us, time.monotonic()
    us.warehouse.kill()
    us.tell(scene.pieces.pop(0))
    wait_until(lambda: "insert: " in us.why_not_ready(), PATIENCE, "the sink to say why it waits", every=0.2)
    as_of = us.ask("/v1/freshness")["as_of"]
    while (left := begun + seconds - time.monotonic()) > 0:
        pause(min(left, seconds / PIECES))
        if len(scene.pieces) > 1:
            us.tell(scene.pieces.pop(0))
    fresh = us.ask("/v1/freshness")
    assert fresh["as_of"] == as_of, (
        f"figures said to be of {fresh['as_of']}, nothing was inserted since {as_of}"
    )
    assert "insert: " in us.why_not_ready(), "the sink took it for done"
    us.warehouse.start()
    us.rest()
    assert us.again == [], f"analytics did not wait for the warehouse: it ended with {us.again}"
    us.wait_ready()
    return f"the warehouse away for {seconds:.0f} s"


def freeze_warehouse(scene: Scene) -> str:
    """SIGSTOP for some seconds."""
    scene.tell()
    house = scene.us.warehouse.running
    assert house is not None
    house.send_signal(signal.SIGSTOP)
    scene.tell()
    seconds = 1 + 6 * scene.chance.random()
    pause(seconds)
    house.send_signal(signal.SIGCONT)
    return f"the warehouse frozen for {seconds:.1f} s"


def kill_broker(scene: Scene) -> str:
    """SIGKILL of the broker, and back: Apache Kafka alone keeps its log."""
    scene.tell()
    pause(0.3 * scene.chance.random())
    scene.us.broker.kill()
    pause(scene.chance.random())
    scene.us.broker.start(topics=False)
    return "the broker killed at a random moment"


def _over(process: Process) -> bool:
    return process.running is not None and process.running.poll() is not None


def _stopped(process: Process) -> bool:
    if process.running is None:
        return False
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{process.running.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"
    return False


def _take_over(scene: Scene) -> str:
    """The other process works the lane; the frozen one wakes up and must stop as soon as there is work."""
    us = scene.us
    us.change_places()
    us.analytics.command = us.plain
    us.analytics.start()
    us.rest()
    zombie = us.spare.running
    assert zombie is not None
    zombie.send_signal(signal.SIGCONT)
    # Work for both. Whichever begins it, the frozen one reads that it was replaced.
    us.tell(scene.pieces.pop(0))
    us.rest()
    wait_until(lambda: _over(us.spare), PATIENCE, "the frozen one to end")
    code = us.spare.ended(1)
    assert code == FENCED, f"the frozen one ended with {code}\n{us.spare.text()}"
    return "replaced, fenced when it woke up"


ALWAYS: Final[tuple[Accident, ...]] = (
    *(kill_sink, kill_sink_at_a_point, kill_sink_at_a_point, kill_warehouse, freeze_sink),
    *(freeze_sink_at_a_point, kill_warehouse_in_an_insert, kill_warehouse_in_an_insert, freeze_warehouse),
    warehouse_away,
)


def real(
    seed: int, schedules: int, kind: BrokerKind = BrokerKind.TANSU, away: float | None = None
) -> Verdict:
    """So many schedules on one broker and one warehouse that grow; ends at the first that is wrong.

    In each one accident, or the warehouse `away` for so many seconds.
    """
    chance = random.Random(seed)
    parts = portions(chance, schedules)
    total = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        us = RealStack(Path(folder), kind)
        try:
            us.analytics.start()
            us.wait_ready()
            deck = _deck(chance, kind) if away is None else repeat(_away_for(away))
            for number, pieces in enumerate(parts):
                begun = time.monotonic()
                scene = Scene(us, chance, pieces)
                verdict, what = _schedule(scene, next(deck))
                _tell(f"real {number}: {what}", begun, verdict)
                total.add(verdict)
                if verdict:  # what is wrong stays wrong: told once
                    break
        finally:
            us.close()
    return total


def _away_for(seconds: float) -> Accident:
    def warehouse_away_for_long(scene: Scene) -> str:
        return warehouse_away(scene, seconds)

    return warehouse_away_for_long


def _deck(chance: random.Random, kind: BrokerKind) -> Iterator[Accident]:
    """Accidents without end: shuffled anew each time all of them have happened."""
    cards = [*ALWAYS, *((kill_broker,) if kind is BrokerKind.APACHE else ())]
    while True:
        chance.shuffle(cards)
        yield from cards


def portions(chance: random.Random, schedules: int) -> list[list[list[Record]]]:
    """One long log, cut into schedules and these into pieces."""
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, DOSSIERS * schedules, chance)
    records = interleaved(facts)
    ends = [len(records) * n // (schedules * PIECES) for n in range(schedules * PIECES + 1)]
    pieces = [records[start:end] for start, end in pairwise(ends)]
    return [pieces[at : at + PIECES] for at in range(0, len(pieces), PIECES)]


def _schedule(scene: Scene, accident: Accident) -> tuple[Verdict, str]:
    us = scene.us
    us.again.clear()
    try:
        what = accident(scene)
        for piece in scene.pieces:
            us.tell(piece)
        us.rest()
    except (AssertionError, TimeoutError) as error:
        verdict = Verdict(mismatched=1, said=[f"mismatched: {error}", *us.last_words()])
        verdict.add(us.judge())
        return verdict, accident.__name__
    again = f"; started again after {', '.join(us.again)}" if us.again else ""
    return us.judge(), what + again


def _tell(what: str, begun: float, verdict: Verdict) -> None:
    seconds = time.monotonic() - begun
    sys.stderr.write(f"{what} ({seconds:.1f} s): {'WRONG' if verdict else 'exact'}\n")
    sys.stderr.writelines(f"  {line}\n" for line in verdict.said[:10])
