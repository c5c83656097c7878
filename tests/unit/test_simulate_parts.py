"""Dice, weights, the axis of working time, the profile format."""

from __future__ import annotations

from collections import Counter
from datetime import date, time

import pytest

from motcua.simulate import load_profile, profile_names
from motcua.simulation.axis import Axis, epoch, moment
from motcua.simulation.dice import Dice, Weights
from motcua.simulation.law import Law, calendar_of
from motcua.simulation.profile import ProfileError, parse_profile
from tests.fakes.histories import CALENDAR, PROFILE


@pytest.fixture(scope="module")
def axis() -> Axis:
    return Law(calendar_of(CALENDAR)).axis(date(2020, 1, 1), date(2020, 12, 31))


def test_the_same_name_rolls_the_same() -> None:
    one, two, other = Dice("a"), Dice("a"), Dice("b")
    rolls = [one.below(1000) for _ in range(20)]
    assert rolls == [two.below(1000) for _ in range(20)]
    assert rolls != [other.below(1000) for _ in range(20)]


def test_rolls_stay_in_their_range_and_reach_both_ends() -> None:
    dice = Dice("range")
    assert {dice.between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert {dice.late_between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert not any(dice.chance(0) for _ in range(50))
    assert all(dice.chance(1) for _ in range(50))


def test_weights_draw_in_proportion_and_never_a_zero() -> None:
    weights, dice = Weights([0, 1, 0, 3, 0]), Dice("weights")
    drawn = Counter(dice.pick(weights) for _ in range(4000))
    assert set(drawn) == {1, 3}
    assert 2700 < drawn[3] < 3300
    assert weights.place(0.0) == 1
    assert weights.place(1 - 2**-53) == 3


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="every weight is zero"):
        Weights([0, 0])


def test_the_axis_has_no_nights_and_no_days_off(axis: Axis) -> None:
    friday, monday = date(2020, 6, 5), date(2020, 6, 8)
    assert axis.end_of(friday) == axis.start_of(monday)
    assert axis.end_of(friday) - axis.start_of(friday) == 27_000
    assert not axis.works(date(2020, 6, 6))
    assert axis.works(date(2020, 8, 22))
    assert axis.next_working_day(friday) == monday
    assert moment(axis.at(axis.end_of(friday))).isoformat() == "2020-06-08T07:30:00+07:00"
    assert axis.left_in_session(axis.start_of(monday)) == 4 * 3600
    assert axis.left_in_session(axis.end_of(date(2020, 12, 31)) - 5) == 5


@pytest.mark.parametrize(
    ("at", "later"),
    [
        (time(7, 30), "2020-06-05T07:30:00+07:00"),
        (time(11, 29, 59), "2020-06-05T11:29:59+07:00"),
        (time(11, 30), "2020-06-05T13:30:00+07:00"),
        (time(3), "2020-06-05T07:30:00+07:00"),
        (time(17), "2020-06-08T07:30:00+07:00"),
        (time(23, 59, 59), "2020-06-08T07:30:00+07:00"),
    ],
)
def test_a_moment_outside_the_sessions_is_the_next_start(axis: Axis, at: time, later: str) -> None:
    assert moment(axis.at(axis.position(epoch(date(2020, 6, 5), at)))).isoformat() == later


def test_the_axis_ends(axis: Axis) -> None:
    assert axis.position(epoch(date(2019, 5, 1), time(9))) == 0
    with pytest.raises(ValueError, match="not on the axis"):
        axis.at(axis.end_of(date(2020, 12, 31)))


def test_every_shipped_profile_says_what_it_is() -> None:
    assert profile_names() == ["dong-trieu-2021", "yen-chau-2020"]
    for name in profile_names():
        profile = load_profile(name)
        assert profile.name == name
        assert profile.source
        assert profile.title_vi


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("finished = 4000", "finished = -1", r"published\.finished"),
        ("finished = 4000", "finishd = 4000", "finish"),
        ("early_of_finished = 0.6", "early_of_finished = 1.6", "early_of_finished: expected a share"),
        ("early_of_finished = 0.6", "", "early_of_finished must stand in exactly one"),
        ("not_due = 130", "online = 3, not_due = 130", "online must stand in exactly one"),
        ("from = 2020-01-01", "from = 2021-01-01", r"period\.to is before period\.from"),
        ("terms = { 0 = 4", "terms = { five = 4", "'five' is no number of working days"),
        ("[receipts]", "[receipts", "profile: "),
    ],
)
def test_a_profile_that_does_not_fit_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in PROFILE
    with pytest.raises(ProfileError, match=message):
        parse_profile(PROFILE.replace(old, new))
