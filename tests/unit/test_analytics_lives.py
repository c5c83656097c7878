"""Whole lives of dossiers folded: what each counts as, who has it in hand, where its steps were done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from contracts.facts import FactBody, HandedOver, ProcessingFinished, StepCompleted
from contracts.words import Place, Step
from services.analytics.domain.buckets import Bucket
from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.figures import Subsets, count
from services.analytics.domain.rows import micros, to_row
from tests.fakes import analytics_lives as lives
from tests.fakes.analytics_facts import lived
from tests.fakes.analytics_lives import Moment


def states(life: Sequence[Moment]) -> list[DossierRow]:
    """The dossier after each moment."""
    found: list[DossierRow] = []
    for seq, moment in enumerate(life, 1):
        found.append(fold(found[-1] if found else None, to_row(lived(moment, 1, seq), 0, seq)))
    return found


def after(life: Sequence[Moment], body: type[FactBody], which: int = 0) -> DossierRow:
    """The dossier after the first (or another) fact of a kind."""
    places = [place for place, moment in enumerate(life) if isinstance(moment.body, body)]
    return states(life)[places[which]]


@pytest.mark.parametrize(
    ("life", "bucket", "declined", "late_by_original", "five_on_site"),
    [
        (lives.ORDINARY, "early", False, False, 1),
        (lives.LATE, "late", False, True, 0),
        (lives.CORRECTED, "late", False, True, 0),
        (lives.REVOKED, "on_time", False, False, 1),
        (lives.DECLINED, "on_time", True, False, None),
        (lives.STOPPED, "stopped", False, False, None),
        (lives.REFUSED, "refused", False, False, None),
        (lives.WITHDRAWN, "withdrawn", False, False, None),
    ],
)
def test_a_life_ends_counted_once_and_by_its_last_state(
    life: Sequence[Moment], bucket: str, declined: bool, late_by_original: bool, five_on_site: int | None
) -> None:
    end = states(life)[-1]
    found = (end.bucket, end.declined, end.late_by_original, end.five_on_site)
    assert found == (bucket, declined, late_by_original, five_on_site)
    assert (end.in_hand, end.holder_agency, end.facts) == ("", "", len(life))


def test_a_suspended_dossier_is_paused_and_a_stopped_one_is_not() -> None:
    suspended, stopped = states(lives.STOPPED)[-2:]
    assert (suspended.status, suspended.bucket) == (8, Bucket.PAUSED)
    assert (stopped.status, stopped.bucket) == (8, Bucket.STOPPED)


def test_a_corrected_result_counts_as_open_until_it_is_finished_again() -> None:
    first, again = (after(lives.CORRECTED, ProcessingFinished, which) for which in (0, 1))
    assert (first.bucket, first.finished, first.late_by_original) == ("on_time", True, True)
    returned = states(lives.CORRECTED)[8]
    assert returned.five_on_site == 1
    opened = states(lives.CORRECTED)[9]
    assert (opened.bucket, opened.finished, opened.late_by_original) == ("not_due", False, False)
    assert opened.five_on_site is None
    assert (again.bucket, again.finished) == ("late", True)


def test_a_result_declined_after_one_under_seal_has_no_five_steps() -> None:
    life = (*lives.REVOKED[:-2], *lives.DECLINED[3:])
    assert states(life)[-1].five_on_site is None


def test_the_day_first_promised_stays() -> None:
    moved = [moment for moment in lives.LATE if not isinstance(moment.body, ProcessingFinished)]
    assert {state.due_original for state in states(moved)[1:]} == {micros(lives.DUE)}
    assert states(moved)[0].due_original == 0


def test_who_has_it_in_hand_and_since_when() -> None:
    given = after(lives.LATE, HandedOver)
    assert (given.in_hand, given.holder_agency, given.holder_officer) == ("appraise", "H52.21", "e" * 32)
    overdue = states(lives.LATE)[5]
    assert overdue.held_since == given.last_at
    assert (overdue.step_clock, overdue.step_due) == ("passed", micros(lives.STEP_DUE))
    done = after(lives.LATE, StepCompleted)
    assert (done.in_hand, done.holder_officer, done.held_since) == ("approve", "", done.last_at)
    assert done.step_clock == "running"


def test_one_step_at_the_office_is_enough() -> None:
    for step in Step:
        away = [
            moment._replace(body=StepCompleted(step, Place.OFFICE))
            if isinstance(moment.body, StepCompleted) and moment.body.step is step
            else moment
            for moment in lives.ORDINARY
        ]
        assert states(away)[-1].five_on_site == (1 if step is Step.RECEIVE else 0)


def test_buckets_add_up_whatever_becomes_of_dossiers() -> None:
    for ends in range(1, 20):
        reached = [states(life[:ends])[-1] for life in lives.LIVES]
        tally: dict[str, int] = {}
        for state in reached:
            tally[state.bucket] = tally.get(state.bucket, 0) + 1
        assert count(tally, [Subsets()]).received == len(lives.LIVES)
