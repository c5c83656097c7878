"""What befalls the sink, its broker and its warehouse in a schedule."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from services.analytics.errors import TopicRecreatedError, WarehouseMismatchError
from tests.crash.sink.process import Fate
from tests.crash.sink.warehouse import WINDOW

if TYPE_CHECKING:
    from tests.crash.sink.schedule import Schedule

AWAY: Final = (1.0, 10.0, 60.0, 300.0)
FROZEN: Final = (2.0, 12.0, 60.0, 300.0)


def kill_process(us: Schedule) -> None:
    """SIGKILL of a sink at a random moment; its successor may die too."""
    lane = us.chance.choice(list(us.lanes))
    for one in us.at_work(lane):
        us.tell(lane, one.settings.writer, "killed")
        us.happened["died: anywhere"] += 1
        one.kill()
    us.start(lane, us.fate())


def freeze_process(us: Schedule) -> None:
    """SIGSTOP at a random moment, a successor, SIGCONT."""
    lane = us.chance.choice(list(us.lanes))
    for one in us.at_work(lane):
        seconds = us.chance.choice(FROZEN)
        us.happened["frozen: anywhere"] += 1
        one.task.freeze(seconds)
        us.frozen(lane, seconds)


def start_second(us: Schedule) -> None:
    """Another process of a lane while the first one works: a roll-out, or a mistake."""
    us.happened["a second process"] += 1
    us.start(us.chance.choice(list(us.lanes)), us.fate())


def swap(us: Schedule) -> None:
    """All lanes change hands: stopped or killed, and started elsewhere."""
    us.happened["lanes change hands"] += 1
    for lane in us.lanes:
        for one in us.at_work(lane):
            if us.chance.random() < 0.5:
                one.stop.set()
            else:
                one.kill()
        us.start(lane, us.fate())


def kill_warehouse(us: Schedule) -> None:
    """SIGKILL of the warehouse, away for a while."""
    seconds = us.chance.choice(AWAY)

    def kill() -> None:
        us.tell("warehouse killed, away for", seconds)
        us.happened["warehouse killed"] += 1
        us.house.kill(seconds, torn=us.chance.random() < 0.3)
        us.busy(seconds)
        if us.house.torn:
            us.torn()

    _in_the_middle(us, kill)


def _in_the_middle(us: Schedule, do: Callable[[], None]) -> None:
    """Rather while an insert is under way."""
    tries = 0

    def look() -> None:
        nonlocal tries
        tries += 1
        if us.house.busy or tries > 200:
            us.time.after(0.03 * us.chance.random(), do)
        else:
            us.time.after(0.02, look)

    us.busy(10.0)
    look()


def freeze_warehouse(us: Schedule) -> None:
    """SIGSTOP of the warehouse: inserts hang, and go on later."""
    seconds = us.chance.choice(FROZEN)

    def freeze() -> None:
        us.tell("warehouse frozen for", seconds)
        us.happened["warehouse frozen"] += 1
        us.house.frozen_until = us.time.now + seconds
        us.busy(seconds)

    _in_the_middle(us, freeze)


def slow_warehouse(us: Schedule) -> None:
    """Everything takes 200 times as long."""
    us.happened["warehouse slow"] += 1
    us.house.slow_until = us.time.now + 60.0
    us.busy(60.0)


def failing_warehouse(us: Schedule) -> None:
    """Errors after some of the targets."""
    us.happened["warehouse failing"] += 1
    us.house.failing_until = us.time.now + 20.0
    us.busy(20.0)


def broker_away(us: Schedule) -> None:
    """Nobody answers."""
    seconds = us.chance.choice(AWAY)
    us.tell("broker away for", seconds)
    us.happened["broker away"] += 1
    us.broker.away_until = us.time.now + seconds
    us.busy(seconds)


def broker_lossy(us: Schedule) -> None:
    """Acknowledgements get lost."""
    us.happened["acknowledgements lost"] += 1
    us.broker.lossy_until = us.time.now + 60.0
    us.busy(60.0)


def compaction(us: Schedule) -> None:
    """The intents are compacted, now and then."""
    us.happened["compacted"] += 1
    for _ in range(3):
        keep = us.chance.choice((0, 1, 3, 10))
        us.time.after(20.0 * us.chance.random(), partial(us.broker.compact, keep))
    us.busy(20.0)


def create_topic_again(us: Schedule) -> None:
    """The facts' topic is deleted and created: refused from then on, and nothing of it is inserted."""
    begun = [key.split(b"/intent/")[0].decode() for _, key, _ in us.broker.intents if b"/intent/" in key]
    if us.old is not None or not set(begun) >= set(us.lanes):
        return  # a lane that has begun nothing knows no topic: it takes the one it finds
    us.happened["topic created again"] += 1
    us.tell("topic created again")
    us.expected.add(TopicRecreatedError)
    old = [(r.partition, r.offset, r.value) for rows in us.broker.facts.values() for r in rows]
    us.broker.create_again(us.chance.choice((0, 3, 500)))
    us.old = old
    us.busy(30.0)


def shrink_window(us: Schedule) -> None:
    """Somebody alters a table while no insert is under way; whoever starts meanwhile must refuse."""
    if us.house.busy or us.house.away:
        us.time.after(1.0, lambda: shrink_window(us))
        us.busy(2.0)
        return
    name = us.chance.choice(list(us.house.targets))
    us.tell("window of", name, "shrunk")
    us.happened["window shrunk"] += 1
    us.expected.add(WarehouseMismatchError)
    us.house.targets[name].window = us.chance.choice((0, 1, WINDOW - 1))
    for lane in us.lanes:
        for one in us.running[lane]:
            one.kill()
    starts = [us.start(lane) for lane in us.lanes]

    def restore() -> None:
        us.house.targets[name].window = WINDOW
        if any(one.began for one in starts):
            us.verdict.differs(f"started although the window of {name} was shrunk")

    us.time.after(3.0, restore)
    us.busy(4.0)


def forget_tokens(us: Schedule, tries: int = 200) -> None:
    """Somebody shrinks the windows under running sinks and puts them back; but not while tokens alone can
    tell what a batch lacks, nor beside two writers of a lane, or a frozen one (docs/crash-proof.md)."""
    alive = [[one for one in ones if one.alive] for ones in us.running.values()]
    alone = all(len(ones) <= 1 and not any(one.task.frozen for one in ones) for ones in alive)
    if us.house.half_done or not alone:
        if tries:
            us.time.after(0.2, lambda: forget_tokens(us, tries - 1))
            us.busy(1.0)
        return
    us.tell("windows shrunk and put back")
    us.happened["tokens forgotten"] += 1
    for target in us.house.targets.values():
        target.forget()


def forget_an_orphan(us: Schedule) -> None:
    """The same as soon as a writer has died with a batch inserted and nothing said of it."""
    lane = us.chance.choice(list(us.lanes))
    one = us.start(lane, Fate(us.chance.choice(("after insert", "facts inserted", "before position")), 1))
    until = us.time.now + 20.0

    def look() -> None:
        if one.end == "died":
            forget_tokens(us)
        elif us.time.now < until and not one.end:
            us.time.after(0.02, look)

    us.busy(20.0)
    look()


ACCIDENTS: Final[dict[Callable[[Schedule], None], int]] = {
    kill_process: 10,
    freeze_process: 8,
    start_second: 4,
    swap: 5,
    kill_warehouse: 10,
    freeze_warehouse: 4,
    slow_warehouse: 3,
    failing_warehouse: 4,
    broker_away: 5,
    broker_lossy: 5,
    compaction: 5,
    create_topic_again: 1,
    shrink_window: 2,
    forget_tokens: 3,
    forget_an_orphan: 3,
}


def draw(chance: random.Random) -> Callable[[Schedule], None]:
    """One of them."""
    return chance.choices(list(ACCIDENTS), list(ACCIDENTS.values()))[0]
