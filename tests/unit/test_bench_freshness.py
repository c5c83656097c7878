"""What the freshness bench reckons with: facts any reader takes whole, dates of what was seen, arrivals."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest

from bench.facts import SIDE_BY_SIDE, Teller, Told
from bench.freshness import Journey, Run, arrivals, checks
from bench.lookout import Lookout, Sight, pauses
from contracts.topics import DOSSIER_PARTITIONS
from deploy.local.broker import BrokerKind
from services.analytics.domain.batch import Record, translate

BEGUN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def facts(number: int) -> list[Told]:
    return list(islice(Teller(BEGUN).tell(), number))


def journey(partition: int, offset: int, kind: str = "StepCompleted") -> Journey:
    return Journey(Told(partition, b"", b"", [], kind), due=0.0, offset=offset)


def sight(at: float, ends: dict[int, int], counted: dict[int, int]) -> Sight:
    return Sight(at - 0.5, at, ends, counted)


def test_the_sink_takes_every_fact_that_is_told_and_drops_none_as_a_repeat() -> None:
    told = facts(1_000)
    offsets: dict[int, int] = defaultdict(int)
    records = []
    for one in told:
        records.append(Record(one.partition, offsets[one.partition], one.key, one.value, 0))
        offsets[one.partition] += 1
    batch = translate(records, {})
    assert (len(batch.rows), batch.repeats, batch.poison) == (1_000, 0, [])
    assert [row.type for row in batch.rows] == [one.kind for one in told]
    seqs: dict[str, list[int]] = defaultdict(list)
    for row in batch.rows:
        seqs[row.dossier_id].append(row.seq)
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())


def test_any_stretch_of_what_is_told_has_every_kind_of_fact_in_every_partition() -> None:
    told = facts(22 * SIDE_BY_SIDE)
    kinds = Counter(one.kind for one in told[: 11 * SIDE_BY_SIDE])
    assert kinds == Counter(one.kind for one in told[11 * SIDE_BY_SIDE :])
    assert {one.partition for one in told[: 11 * SIDE_BY_SIDE]} == set(range(DOSSIER_PARTITIONS))
    assert "CommandRefused" not in kinds


def test_a_fact_is_visible_once_it_stands_raw_and_its_roll_up_has_counted_it() -> None:
    lookout = Lookout("nowhere")
    early, late, number, other = (
        journey(0, 0),
        journey(0, 1),
        journey(0, 2, "NumberDrawn"),
        journey(3, 0),
    )
    lookout.sights += [
        sight(1.0, {}, {}),
        sight(2.0, {0: 3}, {0: 1}),
        sight(3.0, {0: 3}, {0: 2}),
        sight(4.0, {0: 3, 3: 1}, {0: 2}),
        sight(5.0, {0: 3, 3: 1}, {0: 2, 3: 1}),
    ]
    assert lookout.date([other, number, early, late], 0.0)
    assert [one.visible for one in (early, late, number, other)] == [2.0, 3.0, 3.0, 5.0]


def test_what_is_not_seen_in_time_is_told_and_a_second_writer_is_refused() -> None:
    lookout = Lookout("nowhere")
    lookout.sights.append(sight(1.0, {0: 1}, {}))
    assert not lookout.date([journey(0, 0)], 0.0)
    with pytest.raises(ValueError, match="offset 5 instead of 1"):
        lookout.date([journey(0, 5)], 0.0)


def test_arrivals_have_the_rate_and_are_the_same_again_from_the_same_seed() -> None:
    told = facts(2_000)
    first = arrivals(told, 100.0, 7)
    assert [one.due for one in first] == [one.due for one in arrivals(told, 100.0, 7)]
    assert first[-1].due == pytest.approx(20.0, rel=0.1)
    assert all(a.due < b.due for a, b in pairwise(first))


def test_a_look_dates_nothing_later_than_the_end_of_the_next_one() -> None:
    assert pauses([(0.0, 0.25), (0.5, 0.75), (1.0, 2.0)]) == [0.75, 1.5]


@pytest.mark.parametrize(("took", "idle", "met"), [(0.9, 0.02, [True, True]), (1.1, 0.04, [False, False])])
def test_a_late_percentile_and_a_busy_idle_sink_are_missed(took: float, idle: float, met: list[bool]) -> None:
    seen = journey(0, 0)
    seen.visible = took
    run = Run(10.0, 1.0, [seen], {}, {}, [], {})
    assert [one.met for one in checks([run], {"analytics": idle}, BrokerKind.APACHE)] == met
    assert checks([run], {"analytics": idle}, BrokerKind.TANSU)[1].met
