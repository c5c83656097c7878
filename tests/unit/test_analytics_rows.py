"""A fact as a row, and the bucket after a fact."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest

from contracts.facts import (
    Cause,
    CommandRefused,
    DossierAccepted,
    DossierRated,
    DossierRefused,
    DossierRegistered,
    DossierWithdrawn,
    DueDateAmended,
    DueDatePassed,
    FactBody,
    ProcessingFinished,
    ResultReturned,
    StepCompleted,
    SupplementReceived,
    SupplementRequested,
)
from contracts.words import NationalStatus, Outcome, Step
from services.analytics.domain.buckets import Bucket, bucket_after
from services.analytics.domain.dossier import fold
from services.analytics.domain.rows import UnusableFactError, micros, to_row
from tests.fakes.analytics_facts import DUE, START, fact

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
        fact(DossierRegistered(), at=datetime(2200, 1, 1, tzinfo=UTC)),
        fact(DossierRegistered(), due=datetime(1989, 12, 31, tzinfo=UTC)),
        fact(DossierRegistered(), seq=2**31),
        fact(DossierRegistered(), cause=Cause(0, 2**63, 0)),
        fact(DossierRegistered(), cause=Cause(0, 0, 2**31)),
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
