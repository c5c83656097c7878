"""A fact as a row, and the bucket after a fact."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest

from contracts.facts import (
    Alarm,
    ApologyDeadlinePassed,
    ApologyGiven,
    Cause,
    CommandRefused,
    DossierAccepted,
    DossierDeclined,
    DossierRated,
    DossierRefused,
    DossierRegistered,
    DossierResumed,
    DossierStopped,
    DossierSuspended,
    DossierWithdrawn,
    DueDateAmended,
    DueDateNear,
    DueDatePassed,
    Escalated,
    FactBody,
    HandedOver,
    NumberDrawn,
    PaymentReceived,
    PaymentRequested,
    ProcessingFinished,
    ResultCorrected,
    ResultReturned,
    StampApplied,
    StampRevoked,
    StepCompleted,
    StepDuePassed,
    SupplementReceived,
    SupplementRequested,
    TermExtended,
)
from contracts.words import AlarmName, NationalStatus, Outcome, Place, Step, TermUnit
from services.analytics.domain.buckets import Bucket, bucket_after
from services.analytics.domain.dossier import fold
from services.analytics.domain.rows import (
    NUMBER_DRAWN,
    UnusableFactError,
    micros,
    to_fact,
    to_number_row,
    to_row,
)
from tests.fakes.analytics_facts import fact, lived, number
from tests.fakes.analytics_lives import DUE, LIVES, OFFICE, OFFICER, SEAL, START, STEP_DUE

ACCEPTED = DossierAccepted("H52.18-200201-0001", START, DUE, "nd61")
REFUSED_COMMAND = CommandRefused("stamp", "wrong_step", "rule", "ground")


BUCKETS: list[tuple[FactBody, bool, Bucket | None]] = [
    (DossierRegistered(), False, Bucket.NOT_DUE),
    (DossierAccepted("H52.18-200201-0001", START, DUE, "nd61"), False, Bucket.NOT_DUE),
    (SupplementRequested("missing_paper", 60), False, Bucket.PAUSED),
    (SupplementRequested("missing_paper", -60), True, Bucket.LATE),
    (SupplementReceived(DUE, 60), False, Bucket.NOT_DUE),
    (SupplementReceived(DUE, 60), True, Bucket.LATE),
    (DueDatePassed(DUE), True, Bucket.LATE),
    (DueDateAmended(DUE, 2), False, Bucket.NOT_DUE),
    (DueDateAmended(DUE, 2), True, Bucket.LATE),
    (DueDateAmended(DUE, 2, 0), False, Bucket.PAUSED),
    (DueDateAmended(DUE, 2, -60), True, Bucket.LATE),
    (ProcessingFinished(Outcome.EARLY, DUE), False, Bucket.EARLY),
    (ProcessingFinished(Outcome.ON_TIME, DUE), False, Bucket.ON_TIME),
    (ProcessingFinished(Outcome.LATE, DUE), True, Bucket.LATE),
    (DossierRefused("not_competent"), False, Bucket.REFUSED),
    (DossierWithdrawn(), False, Bucket.WITHDRAWN),
    (DossierStopped("applicant_died"), False, Bucket.STOPPED),
    (DossierStopped("applicant_died"), True, Bucket.STOPPED),
    (PaymentRequested(50_000, 60), False, Bucket.PAUSED),
    (PaymentRequested(50_000, -60), True, Bucket.LATE),
    (PaymentReceived(DUE, 60), False, Bucket.NOT_DUE),
    (PaymentReceived(DUE, 60), True, Bucket.LATE),
    (DossierSuspended("in_court", 60), False, Bucket.PAUSED),
    (DossierSuspended("in_court", -60), True, Bucket.LATE),
    (DossierResumed(DUE, 60), False, Bucket.NOT_DUE),
    (DossierResumed(DUE, 60), True, Bucket.LATE),
    (ApologyGiven("workload", DUE, True), False, Bucket.NOT_DUE),
    (ApologyGiven("workload", DUE, False), True, Bucket.LATE),
    (TermExtended("complex", 2, TermUnit.WORKING_DAY, DUE), False, Bucket.NOT_DUE),
    (TermExtended("complex", 2, TermUnit.WORKING_DAY, DUE), True, Bucket.LATE),
    (ResultCorrected("wrong_name"), False, Bucket.NOT_DUE),
    (ResultCorrected("wrong_name"), True, Bucket.LATE),
    (StampRevoked(SEAL, 6, "wrong_document"), False, Bucket.NOT_DUE),
    (StampRevoked(SEAL, 6, "wrong_document"), True, Bucket.LATE),
    (DossierDeclined("not_eligible"), False, None),
    (StampApplied(SEAL), False, None),
    (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), True, None),
    (DueDateNear(2, DUE), False, None),
    (ApologyDeadlinePassed(DUE), False, None),
    (StepDuePassed(Step.APPRAISE, DUE), False, None),
    (Escalated(Step.APPRAISE, DUE), False, None),
    (StepCompleted(Step.APPRAISE), False, None),
    (ResultReturned(), False, None),
    (DossierRated(5), False, None),
    (REFUSED_COMMAND, True, None),
]


@pytest.mark.parametrize(("body", "overdue", "bucket"), BUCKETS)
def test_bucket_after_a_fact(body: FactBody, overdue: bool, bucket: Bucket | None) -> None:
    assert bucket_after(fact(body, overdue=overdue)) is bucket


def test_every_kind_of_fact_has_its_line_in_the_table() -> None:
    assert {type(body) for body, _, _ in BUCKETS} == set(get_args(FactBody))


def test_a_row_keeps_the_fact_and_its_place() -> None:
    body = DossierAccepted("H52.18-200201-0001", START, DUE, "nd61")
    row = to_row(
        fact(body, seq=2, cause=Cause(3, 41, 1), status=NationalStatus.ACCEPTED, due=DUE),
        partition=3,
        offset=77,
    )
    assert (row.log_partition, row.log_offset, row.cause_offset, row.cause_n) == (3, 77, 41, 1)
    assert (row.type, row.status, row.bucket, row.dossier_code) == (
        "DossierAccepted",
        2,
        "not_due",
        "H52.18-200201-0001",
    )
    assert row.at == micros(START)
    assert row.due == micros(DUE)
    assert row.received_at == micros(START)
    assert json.loads(row.body)["rules"] == "nd61"
    assert (row.actor, row.command_id, row.fingerprint) == ("", "", "")


@pytest.mark.parametrize(
    ("body", "column", "value"),
    [
        (StepCompleted(Step.STAMP), "step", "stamp"),
        (StepCompleted(Step.STAMP), "outcome", ""),
        (StepCompleted(Step.STAMP, outcome=Outcome.LATE), "outcome", "late"),
        (StepCompleted(Step.STAMP, Place.CENTRE), "place", "centre"),
        (StepCompleted(Step.STAMP), "handed", 1),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), "step", "appraise"),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), "outcome", ""),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START, DUE, Outcome.EARLY), "outcome", "early"),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), "handed", 1),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), "place", ""),
        (StepDuePassed(Step.APPROVE, DUE), "step", "approve"),
        (Escalated(Step.APPROVE, DUE), "step", "approve"),
        (ACCEPTED, "step", "receive"),
        (ACCEPTED, "place", "centre"),
        (StampApplied(SEAL), "seal", SEAL),
        (StampApplied(SEAL), "stamp", 1),
        (StampRevoked(SEAL, 6, "wrong_document"), "seal", SEAL),
        (StampRevoked(SEAL, 6, "wrong_document"), "stamp", 6),
        (StampRevoked(SEAL, 6, "wrong_document"), "reason", "wrong_document"),
        (DossierStopped("applicant_died"), "reason", "applicant_died"),
        (ProcessingFinished(Outcome.EARLY, DUE), "by_original", "early"),
        (ProcessingFinished(Outcome.EARLY, DUE, Outcome.LATE), "by_original", "late"),
        (DossierRated(4), "handed", 0),
        (SupplementRequested("missing_paper", 60), "reason", "missing_paper"),
        (DossierRefused("not_competent"), "reason", "not_competent"),
        (REFUSED_COMMAND, "reason", "wrong_step"),
        (ProcessingFinished(Outcome.LATE, DUE), "outcome", "late"),
        (DossierRated(4), "score", 4),
        (DossierWithdrawn(), "received_at", None),
    ],
)
def test_a_body_fills_its_own_columns(body: FactBody, column: str, value: object) -> None:
    assert getattr(to_row(fact(body), 0, 0), column) == value


def test_instants_are_exact_to_the_microsecond_in_any_zone() -> None:
    local = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=7)))
    assert micros(local) == micros(local.astimezone(UTC)) == 7_258_093_199_999_999


@pytest.mark.parametrize(
    "wrong",
    [
        fact(DossierRegistered(), at=datetime(1, 1, 2, tzinfo=UTC)),
        fact(DossierRegistered(), at=datetime(2149, 1, 1, tzinfo=UTC)),
        fact(DossierRegistered(), due=datetime(1989, 12, 31, tzinfo=UTC)),
        fact(DossierRegistered(), seq=2**31),
        fact(DossierRegistered(), cause=Cause(0, 2**63, 0)),
        fact(DossierRegistered(), cause=Cause(0, 0, 2**31)),
        fact(StampRevoked(SEAL, 2**31, "wrong_document")),
        fact(StepDuePassed(Step.APPRAISE, datetime(2200, 1, 1, tzinfo=UTC))),
    ],
)
def test_what_no_table_can_hold_is_refused(wrong: object) -> None:
    with pytest.raises(UnusableFactError):
        to_row(wrong, 0, 0)  # type: ignore[arg-type]  # facts all, the list is typed too widely


def test_a_dossier_folds_to_its_latest_state() -> None:
    bodies: list[tuple[FactBody, NationalStatus]] = [
        (DossierRegistered(), NationalStatus.REGISTERED),
        (DossierAccepted("H52.18-200201-0001", START, DUE, "nd61"), NationalStatus.ACCEPTED),
        (ProcessingFinished(Outcome.EARLY, DUE), NationalStatus.FINISHED),
        (DossierRated(5), NationalStatus.FINISHED),
        (REFUSED_COMMAND, NationalStatus.FINISHED),
    ]
    state = None
    for seq, (body, status) in enumerate(bodies, 1):
        at = START + timedelta(days=seq)
        state = fold(state, to_row(fact(body, seq=seq, at=at, status=status), 0, seq))
    assert state is not None
    assert (state.seq, state.facts, state.status, state.bucket, state.score) == (5, 5, 9, "early", 5)
    assert state.dossier_code == "H52.18-200201-0001"
    # 23:30 UTC on 1 February is the morning of the 2nd in Vietnam.
    assert state.registered_on.isoformat() == "2020-02-02"
    assert (state.accepted_at, state.finished_at) == (
        micros(START + timedelta(days=2)),
        micros(START + timedelta(days=3)),
    )


@pytest.mark.parametrize("life", range(len(LIVES)))
def test_a_row_gives_its_fact_back(life: int) -> None:
    for seq, moment in enumerate(LIVES[life], 1):
        whole = lived(moment, life, seq, Cause(2, 10 + seq, 1))
        assert to_fact(to_row(whole, 2, 99)) == whole
    bare = fact(DossierRegistered())
    assert to_fact(to_row(bare, 0, 0)) == bare


STEP_ALARM = (Alarm(AlarmName.WARN_2, START), Alarm(AlarmName.STEP, STEP_DUE), Alarm(AlarmName.DUE, DUE))
DUE_ALARM = (Alarm(AlarmName.DUE, DUE),)


@pytest.mark.parametrize(
    ("body", "state", "due"),
    [
        (DossierRegistered(), "running", None),
        (StepCompleted(Step.APPRAISE, alarms=STEP_ALARM), "running", STEP_DUE),
        (StepCompleted(Step.APPRAISE, alarms=DUE_ALARM), "running", None),
        (SupplementReceived(DUE, 60, STEP_ALARM), "running", STEP_DUE),
        (SupplementReceived(DUE, 60, DUE_ALARM), "", None),
        (DueDateAmended(DUE, 2), "", None),
        (ResultCorrected("wrong_name"), "running", None),
        (DossierDeclined("not_eligible"), "running", None),
        (StepDuePassed(Step.APPRAISE, STEP_DUE), "passed", STEP_DUE),
        (HandedOver(Step.APPRAISE, OFFICE, OFFICER, START), "", None),
        (DossierRated(5), "", None),
    ],
)
def test_what_a_fact_says_of_the_time_of_the_step_in_hand(
    body: FactBody, state: str, due: datetime | None
) -> None:
    row = to_row(fact(body), 0, 0)
    assert (row.step_clock, row.step_due) == (state, None if due is None else micros(due))


def test_the_number_of_a_stamp_is_a_row_of_its_register() -> None:
    drawn = number(17, dossier=5, stamp=6, cause=Cause(3, 41, 0), year=2021, seq=40)
    row = to_number_row(drawn, 3, 77)
    assert (row.log_partition, row.log_offset, row.cause_offset, row.cause_n) == (3, 77, 41, 0)
    assert (row.type, row.dossier_id, row.seq) == (NUMBER_DRAWN, drawn.seal_id, 40)
    assert (row.seal, row.year, row.number, row.stamp) == (SEAL, 2021, 17, 6)
    assert (row.stamped_dossier, row.agency) == (f"{5:032x}", "H52.18")
    assert (row.status, row.channel, row.bucket, row.in_hand) == (0, "", "", "")


@pytest.mark.parametrize(
    "wrong",
    [
        number(2**31),
        number(1, seq=2**31),
        number(1, stamp=2**31),
        number(1, year=1989),
        number(1, year=2200),
        number(1, at=datetime(2200, 1, 1, tzinfo=UTC)),
        number(1, cause=Cause(0, 2**63, 0)),
        number(1, cause=Cause(0, 0, 2**31)),
    ],
)
def test_a_number_that_no_table_can_hold_is_refused(wrong: NumberDrawn) -> None:
    with pytest.raises(UnusableFactError):
        to_number_row(wrong, 0, 0)
