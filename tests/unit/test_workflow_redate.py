"""An amended calendar moves the due dates of open dossiers, with a fact each, and never of closed ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contracts import commands
from contracts.codec import decode_fact, encode
from contracts.commands import Command, CommandRecord, Deadline, DeadlinesReached, LawChanged, TimeAdvanced
from contracts.facts import ClockMoved, DueDateAmended, DueDateNear, Fact
from contracts.law import CalendarAmended, CalendarDay, DayKind
from contracts.words import Clock
from services.workflow.domain.dossier import CALENDAR_TIMER, Dossier, Timer
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming, Output, Span, StoredParking, encode_stored
from services.workflow.engine.restoring import Restoring
from tests.fakes.workflow import START, command, law_record, life

DAY = timedelta(days=1)
DUE = START + 3 * DAY + timedelta(hours=9)
"""Three working days after the Monday: Thursday 17:00."""


def day(kind: DayKind, version: int = 2) -> LawChanged:
    """The Wednesday becomes a day off, or is worked after all."""
    row = CalendarDay(date=START.date() + 2 * DAY, kind=kind, name_vi="Nghỉ bù", source="test")
    change = CalendarAmended(years=(2025,), days=(row,), source="test")
    return LawChanged(version=version, changes=(change,))


class Bench:
    """A partition fed record by record, and all it wrote."""

    def __init__(self, clock: Clock = Clock.SYSTEM) -> None:
        self.partition = Partition(0, clock)
        self.offset = 0
        self.states: list[tuple[str, bytes]] = []

    def feed(self, *records: CommandRecord) -> Output:
        output = Output()
        for record in records:
            step = self.partition.apply([Decoded(Incoming(self.offset, None, encode(record)), record)])
            self.offset += 1
            self.states += step.states.items()
            output.facts += step.facts
            output.outcomes += step.outcomes
        return output

    def due(self, at: datetime) -> tuple[Deadline, ...]:
        record = self.partition.due(at)
        return record.entries if record else ()

    def recovered(self) -> Partition:
        partition = Partition(0, self.partition.clock)
        partition.restore(Restoring(self.states))
        return partition

    def dossier(self, of: Command) -> Dossier:
        dossier = self.partition.dossier(of.dossier_id)
        assert dossier is not None
        return dossier


def names(output: Output) -> list[str]:
    return [type(fact.body).__name__ if isinstance(fact, Fact) else "ClockMoved" for fact in output.facts]


def test_the_owner_appends_what_the_amendment_moves_and_nothing_else() -> None:
    bench = Bench()
    one, other, closed = life("one"), life("other"), life("closed")
    bench.feed(law_record(), *one[:2], *closed[:2])
    withdrawn = command(commands.WithdrawDossier(), key="w", dossier="closed", at=START)
    bench.feed(withdrawn, other[0])
    assert bench.dossier(one[0]).due == DUE
    assert bench.feed(day(DayKind.OFF)).facts == []
    bench.feed(other[1])  # accepted under the new calendar
    entries = bench.due(START)
    assert entries == (Deadline(one[0].dossier_id, CALENDAR_TIMER, 2),)
    assert bench.recovered().due(START) == bench.partition.due(START)

    output = bench.feed(DeadlinesReached(at=START + DAY, entries=entries))
    [fact] = output.facts
    assert isinstance(fact, Fact)
    assert isinstance(fact.body, DueDateAmended)
    assert (fact.body.due, fact.body.law_version, fact.body.remaining_minutes) == (DUE + DAY, 2, None)
    assert bench.dossier(one[0]).timers == tuple(
        Timer(alarm.name.value, alarm.at, 2) for alarm in fact.body.alarms
    )
    assert (fact.at, fact.due, fact.cause.n) == (START + DAY, DUE + DAY, 0)
    assert (bench.dossier(one[0]).due, bench.dossier(one[0]).due_original) == (DUE + DAY, DUE)
    assert bench.due(START) == ()
    assert bench.recovered().due(START) is None
    assert bench.feed(DeadlinesReached(at=START + DAY, entries=entries)).facts == []
    assert decode_fact(encode(fact)) == fact


def test_an_amendment_that_moves_nothing_appends_nothing() -> None:
    bench = Bench()
    bench.feed(law_record(), *life()[:2], day(DayKind.WORK))
    assert bench.due(START) == ()


def test_a_dossier_touched_earlier_is_re_dated_first() -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2], day(DayKind.OFF))
    output = bench.feed(one[2])
    assert names(output) == ["DueDateAmended", "StepCompleted"]
    assert [fact.cause.n for fact in output.facts] == [0, 1]
    assert output.outcomes[0].due == DUE + DAY
    assert bench.due(START) == ()


def test_a_command_repeated_is_answered_the_same_and_re_dates_all_the_same() -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2], day(DayKind.OFF))
    output = bench.feed(one[1])
    assert names(output) == ["DueDateAmended"]
    assert output.outcomes[0].repeated
    assert output.outcomes[0].due == DUE + DAY


def test_a_deadline_on_its_way_while_the_calendar_moves_it_does_not_fire() -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2])
    late = DUE + timedelta(hours=1)
    entries = bench.due(late)
    output = bench.feed(day(DayKind.OFF), DeadlinesReached(at=late, entries=entries))
    assert names(output) == ["DueDateAmended"]
    # The Tuesday's warning is as it was, and still to come; what moved lies behind, but for the due date.
    assert [entry.timer for entry in bench.due(late)] == ["warn2"]
    assert [entry.timer for entry in bench.due(late + DAY)] == ["warn2", "due"]


def test_a_dossier_late_by_the_old_calendar_only_is_late_no_more() -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2])
    late = DUE + timedelta(hours=1)
    bench.feed(DeadlinesReached(at=late, entries=bench.due(late)))
    assert bench.dossier(one[0]).overdue
    bench.feed(day(DayKind.OFF))
    bench.feed(DeadlinesReached(at=late, entries=bench.due(late)))
    assert not bench.dossier(one[0]).overdue
    assert names(bench.feed(DeadlinesReached(at=late + DAY, entries=bench.due(late + DAY)))) == [
        "DueDatePassed"
    ]


def test_one_that_is_late_by_both_stays_so_and_its_deadline_does_not_fire_again() -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2])
    late = DUE + 20 * DAY
    bench.feed(DeadlinesReached(at=late, entries=bench.due(late)), day(DayKind.OFF))
    bench.feed(DeadlinesReached(at=late, entries=bench.due(late)))
    assert bench.dossier(one[0]).overdue
    assert bench.dossier(one[0]).due == DUE + DAY
    assert bench.due(late + DAY) == ()


def test_while_the_clock_stands_what_is_left_is_counted_again_and_a_pause_counts_as_it_did() -> None:
    bench = Bench()
    one = life()
    pause = command(commands.RequestSupplement("missing_document"), key="p", at=START + timedelta(hours=2))
    bench.feed(law_record(), *one[:2], pause, day(DayKind.OFF))
    before = bench.dossier(one[0]).remaining_minutes
    [fact] = bench.feed(DeadlinesReached(at=START + DAY, entries=bench.due(START + DAY))).facts
    assert isinstance(fact, Fact)
    assert isinstance(fact.body, DueDateAmended)
    assert before is not None
    assert fact.body.remaining_minutes == before  # one working day less, one calendar day more
    assert bench.dossier(one[0]).timers == ()
    again = command(commands.ReceiveSupplement(), key="again", at=START + timedelta(hours=26))
    bench.feed(again)
    assert bench.dossier(one[0]).due == DUE + 4 * DAY  # Friday is over by a day, so Monday
    bench.feed(day(DayKind.WORK, 3))
    bench.feed(DeadlinesReached(at=START + 2 * DAY, entries=bench.due(START + 2 * DAY)))
    assert bench.dossier(one[0]).due == DUE + DAY


def test_the_clock_of_a_replay_waits_for_dates_that_may_still_move() -> None:
    bench = Bench(Clock.LOG)
    one = life()
    bench.feed(law_record(), *one[:2], day(DayKind.OFF))
    assert bench.feed(TimeAdvanced(to=START + DAY)).facts == []
    output = bench.feed(DeadlinesReached(at=START + DAY, entries=bench.due(START)))
    assert names(output) == ["DueDateAmended"]  # this morning's warning is still to come
    output = bench.feed(DeadlinesReached(at=START + DAY, entries=bench.due(START + DAY)))
    assert names(output) == ["DueDateNear", "ClockMoved"]
    bench.feed(day(DayKind.WORK, 3))
    assert bench.feed(TimeAdvanced(to=START + DAY + timedelta(hours=1))).facts == []
    touched = bench.feed(one[2])
    assert names(touched) == ["DueDateAmended", "StepCompleted", "ClockMoved"]
    assert isinstance(touched.facts[-1], ClockMoved)
    assert [fact.cause.n for fact in touched.facts] == [0, 1, 2]


@pytest.mark.parametrize("recover", [False, True])
def test_a_dossier_that_stands_still_is_re_dated_once_released(recover: bool) -> None:
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2])
    parked = StoredParking(one[0].dossier_id, (Span(3, None, "defect"),))
    bench.partition.parking.restore(parked)
    bench.states.append((f"@parked/{parked.dossier_id}", encode_stored(parked)))
    bench.feed(day(DayKind.OFF))
    assert bench.due(START) == ()
    assert names(bench.feed(one[2])) == ["CommandRefused"]
    if recover:
        bench.partition = bench.recovered()
    bench.feed(commands.Unparked(dossier_id=one[0].dossier_id))
    assert [entry.timer for entry in bench.due(START)] == [CALENDAR_TIMER]


def test_a_list_is_never_longer_than_it_may_be() -> None:
    """Dates to be counted again first, deadlines with what room is left."""
    bench = Bench()
    bench.feed(law_record())
    for number in range(DeadlinesReached.LIMIT + 7):
        bench.feed(*life(f"d{number}")[:2])
    late = DUE + 20 * DAY
    assert len(bench.due(late)) == DeadlinesReached.LIMIT
    bench.feed(day(DayKind.OFF))
    entries = bench.due(late)
    assert [entry.timer for entry in entries] == [CALENDAR_TIMER] * DeadlinesReached.LIMIT
    bench.feed(DeadlinesReached(at=late, entries=entries))
    mixed = [entry.timer for entry in bench.due(late)]
    assert (mixed.count(CALENDAR_TIMER), len(mixed)) == (7, DeadlinesReached.LIMIT)
    fired = bench.feed(DeadlinesReached(at=late, entries=bench.due(late)))
    warned = sum(isinstance(f.body, DueDateNear) for f in fired.facts if isinstance(f, Fact))
    assert warned == mixed.count("warn2") > DeadlinesReached.LIMIT // 2


def test_one_noticed_as_late_at_its_very_due_time_is_dated_right_already() -> None:
    """The notice bears the time of the due date; an amendment that does not touch it must find nothing."""
    bench = Bench()
    one = life()
    bench.feed(law_record(), *one[:2])
    late = DUE + timedelta(seconds=1)
    bench.feed(DeadlinesReached(at=late, entries=bench.due(late)))
    assert (bench.dossier(one[0]).at, bench.dossier(one[0]).overdue) == (DUE, True)
    bench.feed(day(DayKind.WORK))
    assert bench.due(late) == ()
    assert bench.recovered().due(late) is None
