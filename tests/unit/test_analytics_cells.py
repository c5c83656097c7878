"""Cells of roll-ups, folded from rows; and the feeds, read from the migrations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from contracts.facts import (
    DossierRated,
    DossierRegistered,
    Fact,
    FactBody,
    HandedOver,
    Holder,
    ResultCorrected,
    StepCompleted,
)
from contracts.words import NationalStatus, Outcome, Place, Step
from services.analytics.domain.dossier import fold
from services.analytics.domain.rollups import RollUp, RowCells, drift, figures_of
from services.analytics.domain.rows import FactRow, to_number_row, to_row
from services.analytics.migrations.feeds import feeds, of_stretch
from tests.fakes.analytics_facts import fact, number

# Before midnight here, after it in Hà Nội.
AT = datetime(2020, 1, 31, 17, 30, tzinfo=UTC)
DAY = date(2020, 2, 1)
HOURS = 3_600_000_000


def row(made: Fact) -> FactRow:
    return to_row(made, 0, made.seq)


def cells(*rows: FactRow) -> RowCells:
    found = RowCells()
    for one in rows:
        found.add(one)
    return found


def test_a_dossier_counts_in_one_cell_and_in_its_subsets() -> None:
    first = fold(None, row(fact(DossierRegistered(), at=AT)))
    key = (DAY, "H52.18", "1.000001", "counter")
    assert figures_of([first]) == {(*key, "not_due"): (1, 0, 0, 0, 0, 0)}
    asked = first._replace(status=5, bucket="paused")
    done = first._replace(status=10, bucket="late", declined_mark=3, late_by_original_mark=5, five_on_site=0)
    on_site = first._replace(status=10, bucket="late", five_on_site=1)
    assert figures_of([first, asked, done, on_site]) == {
        (*key, "not_due"): (1, 0, 0, 0, 0, 0),
        (*key, "paused"): (1, 1, 0, 0, 0, 0),
        (*key, "late"): (2, 0, 1, 1, 2, 1),
    }


def test_ratings_count_by_the_local_day_they_were_given() -> None:
    found = cells(*(row(fact(DossierRated(score=score), at=AT)) for score in (4, 5, 5)))
    key = (DAY, "H52.18", "1.000001", "counter")
    assert found.cells(RollUp.RATINGS) == {(*key, 4): (1,), (*key, 5): (2,)}
    assert found.cells(RollUp.STEP_TIMES) == {}


def test_step_times_are_those_of_who_had_the_step_in_hand() -> None:
    holder, since = Holder("H52.21", "a" * 32), AT - timedelta(hours=3)
    done = StepCompleted(Step.APPRAISE, Place.OFFICE, holder, since, outcome=Outcome.LATE)
    given = HandedOver(Step.APPRAISE, Holder("H52.21"), Holder("H52.22"), AT - timedelta(hours=1))
    unknown = StepCompleted(Step.APPROVE)  # by a release that did not say who had it since when
    bodies: tuple[FactBody, ...] = (done, given, unknown)
    found = cells(*(row(fact(body, seq=2 + n, at=AT)) for n, body in enumerate(bodies)))
    assert found.cells(RollUp.STEP_TIMES) == {
        (DAY, "H52.21", "1.000001", "counter", "appraise"): (2, 4 * HOURS, 0, 0, 1)
    }


def test_lives_are_summed_so_that_no_row_can_be_lost_unseen() -> None:
    assert cells(to_number_row(number(1), 0, 1)).cells(RollUp.LIVES) == {}
    registered = row(fact(DossierRegistered(), at=AT))
    corrected = row(fact(ResultCorrected(reason="x"), seq=3, at=AT, status=NationalStatus.IN_PROGRESS))
    done = row(fact(StepCompleted(Step.STAMP, Place.CENTRE), seq=4, at=AT))
    found = cells(registered, corrected, done).cells(RollUp.LIVES)
    days = (DAY - date(1970, 1, 1)).days
    words = ("H52.18", "1.000001", "counter")
    assert found == {
        (*words, "not_due"): (2, 4, 1 + 3 * corrected.status, days, 6),
        (*words, ""): (1, 4, 4 * done.status, 0, 9),
    }


def test_drift_counts_the_cells_that_are_off() -> None:
    assert drift({}, {}) == drift({("a",): (1,)}, {("a",): (1,)}) == 0
    assert drift({("a",): (1,), ("b",): (2,)}, {("b",): (3,), ("c",): (1,)}) == 3


def test_the_feeds_are_those_of_the_newest_migrations() -> None:
    assert set(feeds()) == {"dossier_states", "stamp_states", *RollUp}
    assert all("facts" in select for select in feeds().values())


def test_a_rebuild_asks_the_feeds_question_of_a_stretch_and_of_what_is_beside() -> None:
    asked = of_stretch(
        "SELECT * FROM facts AS f JOIN (SELECT 1 FROM lives) FROM late", 3, 5, 9, {"lives": "l"}
    )
    stretch = "(SELECT * FROM facts WHERE log_partition = 3 AND log_offset >= 5 AND log_offset < 9)"
    assert asked == f"SELECT * FROM {stretch} AS f JOIN (SELECT 1 FROM l) FROM late"
