"""Counts, the three named rates, and what everyone may see of them."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.domain.buckets import Bucket
from services.analytics.domain.figures import Counts, Subsets, count, five_on_site, rates
from services.analytics.domain.suppression import BELOW, THRESHOLD, publish

GOLDEN = Counts(early=66_000, on_time=33_788, not_due=318, paused=100, refused=38, subsets=Subsets(90))


def test_the_published_figures_of_a_district_give_its_three_rates() -> None:
    received, decided, solved = rates(GOLDEN)
    assert GOLDEN.received == 100_244
    assert (received.numerator, received.denominator) == (99_788, 100_244)
    assert (decided.numerator, decided.denominator) == (99_788, 99_926)
    assert [round(100 * (rate.value or 0), 3) for rate in (received, decided, solved)] == [
        99.545,
        99.862,
        100.0,
    ]
    assert [rate.name for rate in (received, decided, solved)] == [
        "on_time_of_received",
        "on_time_of_decided",
        "on_time_of_solved",
    ]


def test_nothing_to_divide_by_is_no_rate_and_not_zero() -> None:
    assert [rate.value for rate in rates(Counts())] == [None, None, None]
    assert [rate.value for rate in rates(Counts(late=1))] == [0.0, 0.0, 0.0]


def test_counts_come_from_named_buckets_and_an_unknown_one_is_an_error() -> None:
    assert count({"early": 3, "refused": 1}) == Counts(early=3, refused=1)
    with pytest.raises(ValueError, match="is not a valid Bucket"):
        count({"": 1})


def test_subsets_are_counted_inside_their_buckets_and_never_again() -> None:
    parts = [Subsets(2, 0, 0, 0, 0), Subsets(0, 1, 2, 4, 3), Subsets(0, 1, 0, 3, 1)]
    counts = count({"paused": 2, "late": 4, "stopped": 1, "early": 3}, parts)
    assert counts.subsets == Subsets(2, 2, 2, 7, 4)
    public = counts.as_dict()
    assert public["received"] == sum(public[bucket.value] for bucket in Bucket) == 10
    assert (public["supplement_requested"], public["declined"], public["late_by_original"]) == (2, 2, 2)


def test_the_share_at_the_centre_is_of_those_whose_five_steps_are_done() -> None:
    share = five_on_site(Counts(early=10, not_due=7, subsets=Subsets(five_steps=8, five_on_site=6)))
    assert (share.name, share.numerator, share.denominator, share.value) == ("five_on_site", 6, 8, 0.75)
    assert five_on_site(Counts(not_due=7)).value is None


def test_counts_have_a_field_for_each_bucket() -> None:
    assert {bucket.value for bucket in Bucket} == {field.name for field in fields(Counts)} - {"subsets"}


def test_small_counts_are_hidden_and_so_is_what_gives_them_away() -> None:
    public = publish(Counts(early=4_000, on_time=989, not_due=16, paused=5, refused=2))
    assert public.counts["received"] == 5_012
    assert (public.counts["early"], public.counts["on_time"]) == (4_000, 989)
    assert public.counts["paused"] == public.counts["late"] == BELOW
    assert public.counts["not_due"] is None, "16 shown would say that the hidden ones are 7"
    by_name = {rate.name: rate for rate in public.rates}
    assert by_name["on_time_of_received"].value == 0.995
    assert (by_name["on_time_of_solved"].value, by_name["on_time_of_solved"].at_least) == (None, 0.998)


def test_a_rate_whose_denominator_is_hidden_is_only_bounded() -> None:
    by_name = {rate.name: rate for rate in publish(Counts(early=50, on_time=50, late=40, not_due=4)).rates}
    assert (by_name["on_time_of_decided"].value, by_name["on_time_of_decided"].at_least) == (None, 0.694)
    hidden_late = publish(Counts(early=500, on_time=500, late=12, paused=40))
    assert hidden_late.counts["late"] is None
    assert {rate.name: rate.at_least for rate in hidden_late.rates}["on_time_of_solved"] == 0.95
    shown_late = publish(Counts(early=50, on_time=50, late=100, not_due=6, paused=6))
    assert {rate.name: rate.value for rate in shown_late.rates}["on_time_of_solved"] == 0.5


def test_all_large_counts_are_shown_and_all_small_ones_hidden() -> None:
    every = publish(Counts(10, 20, 30, 40, 50, 60, 70, 80))
    assert all(isinstance(number, int) for number in every.counts.values())
    none = publish(Counts(early=3))
    assert set(none.counts.values()) == {BELOW}
    assert all(rate.value is None and rate.at_least is None for rate in none.rates)


numbers = st.one_of(st.integers(0, 30), st.integers(0, 100_000))


@given(st.builds(Counts, *[numbers] * len(Bucket)))
def test_no_count_below_ten_follows_from_what_is_public(counts: Counts) -> None:
    public = publish(counts)
    hidden = [b.value for b in Bucket if not isinstance(public.counts[b.value], int)]
    for bucket in Bucket:
        shown = public.counts[bucket.value]
        assert shown in (getattr(counts, bucket.value), BELOW, None)
        assert not isinstance(shown, int) or shown >= THRESHOLD
    if hidden and len(hidden) < len(Bucket):
        assert len(hidden) > 1
        assert sum(getattr(counts, name) for name in hidden) >= THRESHOLD
    for rate, true in zip(public.rates, rates(counts), strict=True):
        assert rate.value is None or rate.at_least is None
        if rate.value is not None:
            assert true.value is not None
            assert rate.value <= true.value < rate.value + 0.001 + 1e-9
        if rate.at_least is not None and true.value is not None:
            assert rate.at_least <= true.value
