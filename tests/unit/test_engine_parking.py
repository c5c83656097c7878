"""Dossiers that stand still: from where to where, what they are answered, and what is remembered of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import commands
from contracts.codec import decode_command, encode
from contracts.commands import (
    Command,
    CommandRecord,
    DeadlinesReached,
    LawChanged,
    Parked,
    TimeAdvanced,
    Unparked,
)
from contracts.facts import ClockMoved, CommandRefused, DueDatePassed, Fact
from contracts.law import EngineVersion
from contracts.outcomes import Result
from contracts.words import Clock, Step
from services.workflow.domain.engines import Engine, UnknownEngineError
from services.workflow.engine import judging
from services.workflow.engine.judging import reason_of
from services.workflow.engine.parking import CRASHES_ALLOWED, parked_in
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    DecisionCrashedError,
    Decoded,
    Incoming,
    Output,
    PartitionStuckError,
    Poison,
    Span,
    StoredCrash,
    StoredParking,
    encode_stored,
)
from services.workflow.engine.restoring import Restoring
from tests.crash.harness.history import Fragile
from tests.fakes.workflow import OTHER_AGENCY, START, command, law_record, life

LATER = START + timedelta(days=30)
ONE = life()
DOSSIER = ONE[0].dossier_id
REGISTER, ACCEPT, APPRAISE = ONE[:3]


class Bench:
    """A partition fed record by record, each at the next offset."""

    def __init__(self, clock: Clock = Clock.SYSTEM, code: Fragile | None = None) -> None:
        self.partition = Partition(0, clock, (code or Fragile()).engines())
        self.offset = 0
        self.states: list[tuple[str, bytes]] = []

    def feed(self, *records: CommandRecord) -> Output:
        batch = [Decoded(Incoming(self.offset + n, b"key", encode(r)), r) for n, r in enumerate(records)]
        self.offset += len(records)
        output = self.partition.apply(batch)
        self.states += output.states.items()
        return output

    def park(self, offset: int, dossier: str = DOSSIER) -> None:
        """As a worker does before it decides anything."""
        record = Parked(dossier_id=dossier, offset=offset, reason="key_error")
        self.states += self.partition.parking.park(record).items()


def reasons(output: Output) -> list[str]:
    return [outcome.refusal.reason if outcome.refusal else "accepted" for outcome in output.outcomes]


def test_it_stands_still_from_the_record_that_crashed_to_the_one_that_releases_it() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER, ACCEPT)
    bench.park(4)
    other = life("d2")
    output = bench.feed(other[0], APPRAISE, ONE[3], other[1])
    assert reasons(output) == ["accepted", "parked", "parked", "accepted"]
    assert [letter.reason for letter in output.poison] == ["parked: key_error"]
    assert output.poison[0].record.offset == 4
    assert output.poison[0].record.value == encode(APPRAISE)
    bench.feed(Unparked(dossier_id=DOSSIER))
    assert reasons(bench.feed(APPRAISE)) == ["accepted"]


def test_a_parked_refusal_is_a_fact_that_is_not_remembered() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER)
    bench.park(2)
    output = bench.feed(ACCEPT)
    [fact] = output.facts
    assert isinstance(fact, Fact)
    assert isinstance(fact.body, CommandRefused)
    assert (fact.seq, fact.body.reason, fact.body.command) == (2, "parked", "AcceptDossier")
    assert (fact.command_id, fact.fingerprint) == (None, None)
    [outcome] = output.outcomes
    assert (outcome.result, outcome.seq, outcome.allowed_actions) == (Result.REFUSED, 2, ())
    assert outcome.refusal is not None
    assert "tạm dừng" in outcome.refusal.rule


def test_what_was_answered_before_is_answered_the_same() -> None:
    bench = Bench()
    wrong = command(commands.CompleteStep(Step.STAMP), key="wrong")
    bench.feed(law_record(), REGISTER, ACCEPT, wrong)
    bench.park(4)
    again = bench.feed(ACCEPT, wrong)
    assert again.facts == []
    assert [outcome.repeated for outcome in again.outcomes] == [True, True]
    assert reasons(again) == ["accepted", "step_out_of_order"]


def test_an_unknown_dossier_is_refused_without_a_fact() -> None:
    """Its registration crashed: there is no dossier, and everything that follows waits for a person."""
    bench = Bench()
    bench.feed(law_record())
    bench.park(1)
    output = bench.feed(REGISTER, ACCEPT)
    assert output.facts == []
    assert reasons(output) == ["parked", "parked"]
    assert not [name for name in output.states if not name.startswith("@")]


def test_a_stranger_learns_nothing_of_a_parked_dossier() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER, ACCEPT)
    bench.park(3)
    strange = command(commands.CompleteStep(Step.APPRAISE), key="strange", agencies=(OTHER_AGENCY,))
    [outcome] = bench.feed(strange).outcomes
    assert outcome.refusal is not None
    assert outcome.refusal.reason == "other_agency"
    assert (outcome.seq, outcome.status, outcome.dossier_code) == (0, None, None)


def test_its_deadlines_wait_until_it_is_released() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER, ACCEPT)
    due = bench.partition.due(LATER)
    assert due is not None
    bench.park(3)
    assert bench.feed(due).facts == []
    assert bench.partition.due(LATER) is None
    assert bench.partition.parking.standing(bench.partition.last_offset) == 1
    bench.feed(Unparked(dossier_id=DOSSIER))
    again = bench.partition.due(LATER)
    assert again == due
    fired = [fact.body for fact in bench.feed(again).facts if isinstance(fact, Fact)]
    assert len(fired) == len(again.entries)
    assert any(isinstance(body, DueDatePassed) for body in fired)


def test_the_log_clock_does_not_wait_for_a_dossier_that_stands_still() -> None:
    bench = Bench(Clock.LOG)
    bench.feed(law_record(), REGISTER, ACCEPT)
    assert bench.feed(TimeAdvanced(to=LATER)).facts == []
    bench.park(4)
    moved = [record.to for record in bench.feed(APPRAISE).facts if isinstance(record, ClockMoved)]
    assert moved == [LATER]


@pytest.mark.parametrize("healthy", [True, False])
def test_deciding_again_needs_the_parked_records_beforehand(healthy: bool) -> None:
    """Code that can decide the record by now gives what was given when it could not."""
    broken = Fragile(commands={APPRAISE.id})
    bench = Bench(code=broken)
    bench.feed(law_record(), REGISTER, ACCEPT)
    with pytest.raises(DecisionCrashedError, match="offset 3 crashed with key_error"):
        bench.feed(APPRAISE)
    bench = Bench(code=Fragile() if healthy else broken)
    bench.park(3)
    output = bench.feed(
        law_record(), REGISTER, ACCEPT, APPRAISE, Parked(dossier_id=DOSSIER, offset=3, reason="x")
    )
    assert reasons(output) == ["accepted", "accepted", "parked"]


def test_three_crashes_park_and_a_recovery_knows_of_each() -> None:
    states: list[tuple[str, bytes]] = []
    for crash in range(1, CRASHES_ALLOWED + 1):
        partition = Partition(0, Clock.SYSTEM)
        partition.restore(Restoring(states))
        assert partition.to_park() == []
        counted = partition.parking.count(DecisionCrashedError(0, 7, DOSSIER, "key_error"))
        states += counted.items()
        assert len(states) == crash
    partition = Partition(0, Clock.SYSTEM)
    partition.restore(Restoring(reversed(states)))
    [record] = partition.to_park()
    assert record == Parked(dossier_id=DOSSIER, offset=7, reason="key_error")
    states += partition.parking.park(record).items()
    assert partition.to_park() == []
    recovered = Partition(0, Clock.SYSTEM)
    recovered.restore(Restoring(states))
    assert recovered.to_park() == []
    assert recovered.parking.tables() == {DOSSIER: (Span(7, None, "key_error"),)}


def test_a_record_somebody_else_decided_meanwhile_parks_nobody() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER, ACCEPT)
    crashes = [
        (crash.key, encode_stored(crash))
        for crash in (StoredCrash(DOSSIER, 2, 3, "x"), StoredCrash("f" * 32, 0, 3, "x"))
    ]
    recovered = Partition(0, Clock.SYSTEM)
    recovered.restore(Restoring([*bench.states, *crashes]))
    assert recovered.to_park() == []


def test_parked_twice_and_released_once_is_parked() -> None:
    bench = Bench()
    bench.park(5)
    bench.park(9)
    bench.park(5)
    assert bench.partition.parking.release(DOSSIER, 7)
    assert bench.partition.parking.tables() == {
        DOSSIER: (Span(5, 7, "key_error"), Span(9, None, "key_error"))
    }
    at = [offset for offset in range(12) if bench.partition.parking.at(DOSSIER, offset)]
    assert at == [5, 6, 9, 10, 11]


def test_releasing_a_dossier_that_never_stood_still_leaves_no_trace() -> None:
    bench = Bench()
    assert bench.feed(Unparked(dossier_id=DOSSIER)) == Output()
    assert bench.partition.parking.tables() == {}


def test_who_stands_still_can_be_read_from_the_states_alone() -> None:
    older, newer = (StoredParking(DOSSIER, (Span(5, until, "key_error"),)) for until in (None, 7))
    other = StoredParking("f" * 32, (Span(1, 2, "x"), Span(3, None, "y")))
    rows = [(f"@parked/{t.dossier_id}", encode_stored(t)) for t in (newer, older, other)]
    assert parked_in([("d", b"not looked at"), *rows]) == {"f" * 32: Span(3, None, "y")}


def test_the_law_stops_the_partition_instead() -> None:
    def broken(self: object, record: LawChanged) -> None:
        raise RuntimeError("a defect")

    bench = Bench()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.workflow.domain.law.Law.amended", broken)
        with pytest.raises(PartitionStuckError, match=r"offset 0 .*runtime_error"):
            bench.feed(law_record())


def test_an_engine_nobody_knows_is_named_as_such() -> None:
    unknown = LawChanged(version=1, changes=(EngineVersion(version=999),))
    with pytest.raises(UnknownEngineError):
        Bench().feed(unknown)


def test_a_parked_dossier_that_cannot_even_be_refused_stops_the_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER)
    bench.park(2)

    def broken(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(judging, "evolve", broken)
    with pytest.raises(PartitionStuckError, match=r"offset 2 .*value_error"):
        bench.feed(ACCEPT)


def test_want_of_memory_is_not_the_records_fault() -> None:
    def starving(*_: object) -> None:
        raise MemoryError

    partition = Partition(0, Clock.SYSTEM, {1: Engine(starving, starving, starving)})  # type: ignore[arg-type]  # it never returns
    item = Decoded(Incoming(0, None, b""), REGISTER)
    with pytest.raises(MemoryError):
        partition.apply([item])
    reached = DeadlinesReached(at=LATER, entries=(commands.Deadline(DOSSIER, "due", 1),))
    assert partition.apply([Decoded(Incoming(1, None, b""), reached)]).facts == []


@pytest.mark.parametrize(
    "record", [Parked(dossier_id=DOSSIER, offset=1, reason="xx"), Unparked(dossier_id=DOSSIER)]
)
def test_parking_records_stand_under_their_dossiers_key(record: CommandRecord) -> None:
    partition = Partition(0, Clock.SYSTEM)
    assert isinstance(partition.read(Incoming(0, DOSSIER.encode(), encode(record))), Decoded)
    assert isinstance(partition.read(Incoming(0, None, encode(record))), Poison)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("Nguyễn Văn A"), "key_error"),
        (AssertionError(), "assertion_error"),
        (ZeroDivisionError(), "zero_division_error"),
        (type("HTTPError2", (Exception,), {})(), "httperror2"),
        (type("Đ", (Exception,), {})(), "unknown"),
        (type("_", (Exception,), {})(), "unknown"),
        (type("X", (Exception,), {})(), "unknown"),
        (type("E" * 200, (Exception,), {})(), "e" * 63),
    ],
)
def test_a_reason_is_a_code_and_tells_nothing_of_the_text(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
    record = Parked(dossier_id=DOSSIER, offset=0, reason=reason_of(error))
    assert decode_command(encode(record)) == record


def test_a_command_of_another_body_under_a_known_key_is_refused_too() -> None:
    bench = Bench()
    bench.feed(law_record(), REGISTER)
    bench.park(2)
    other = command(commands.WithdrawDossier(), key="register")
    assert isinstance(other, Command)
    assert reasons(bench.feed(other)) == ["parked"]


def test_three_crashes_are_enough() -> None:
    assert CRASHES_ALLOWED == 3
