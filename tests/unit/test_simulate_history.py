"""Made-up histories, judged by an oracle that reads the lines and asks the law alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.law import AgencyPublished, CalendarAmended
from contracts.outcomes import ActionName
from motcua.simulation.counts import count
from motcua.simulation.history import history
from motcua.simulation.law import calendar_of
from motcua.simulation.lines import Story
from motcua.simulation.profile import ProfileError, parse_profile
from tests.fakes.histories import CALENDAR, CATALOGUE, PROFILE, judge


def _history(seed: int = 1, scale: str = "0.1", profile: str = PROFILE) -> list[bytes]:
    return list(history(parse_profile(profile), seed, Decimal(scale), CATALOGUE, CALENDAR))


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return _history(scale="0.5")


@pytest.fixture(scope="module")
def commands(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines[1:]]


def test_every_life_obeys_the_law_and_ends_as_counted(lines: list[bytes]) -> None:
    judged, counts = judge(lines, CATALOGUE, CALENDAR), count(parse_profile(PROFILE), Decimal("0.5"))
    assert judged.fates == Counter({str(fate): n for fate, n in counts.fates.items() if n})
    assert judged.channels == Counter({str(channel): n for channel, n in counts.channels.items() if n})
    # A supplement comes back in some lives, is still awaited in others.
    assert judged.actions["receive_supplement"] > 100
    assert (
        judged.actions["request_supplement"] - judged.actions["receive_supplement"] == judged.fates["waiting"]
    )


def test_the_header_says_what_follows(lines: list[bytes]) -> None:
    header = json.loads(lines[0])["history"]
    assert header == {
        "profile": "test-2020",
        "seed": 1,
        "scale": 0.5,
        "period": {"from": "2020-01-01", "to": "2020-12-31"},
        "dossiers": 2110,
        "time_to": "2020-12-31T23:59:59+07:00",
    }
    assert sum(b'"register"' in line for line in lines) == 2110


def test_commands_stand_in_order_of_time(commands: list[dict[str, Any]]) -> None:
    moments = [datetime.fromisoformat(command["at"]) for command in commands]
    assert moments == sorted(moments)


def test_every_key_is_used_once_and_every_dossier_is_registered_first(
    commands: list[dict[str, Any]],
) -> None:
    keys = [command["key"] for command in commands]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[!-~]{1,128}", key) for key in keys)
    registered: set[str] = set()
    for command in commands:
        if command["action"] == "register":
            registered.add(command["key"])
        else:
            assert command["dossier_key"] in registered


def test_nobody_approves_and_seals(commands: list[dict[str, Any]]) -> None:
    actors: dict[str, set[str]] = {"approve": set(), "stamp": set()}
    for command in commands:
        if command["action"] in actors:
            actors[command["action"]].add(command["actor"])
    assert actors["approve"]
    assert not actors["approve"] & actors["stamp"]


def test_agencies_take_their_share(commands: list[dict[str, Any]]) -> None:
    shares = Counter(command["agency"] for command in commands if command["action"] == "register")
    assert set(shares) == {"000.01.18.H52", "000.02.18.H52"}
    assert shares["000.01.18.H52"] > 3 * shares["000.02.18.H52"]


def test_online_comes_at_any_time_and_the_counter_keeps_its_hours(commands: list[dict[str, Any]]) -> None:
    hours: dict[str, set[int]] = {"online": set(), "counter": set(), "postal": set()}
    days: dict[str, set[int]] = {"online": set(), "counter": set(), "postal": set()}
    for command in commands:
        if command["action"] == "register":
            at = datetime.fromisoformat(command["at"])
            hours[command["channel"]].add(at.hour)
            days[command["channel"]].add(at.weekday())
    assert hours["online"] == set(range(24))
    assert days["online"] == set(range(7))
    assert hours["counter"] <= {7, 8, 9, 10, 11, 13, 14, 15, 16}


def test_the_same_profile_seed_and_scale_give_the_same_bytes() -> None:
    assert _history(7, "0.1") == _history(7, "0.10")
    assert _history(7, "0.1")[1:] != _history(8, "0.1")[1:]


def test_two_histories_never_share_a_key() -> None:
    keys = [
        {json.loads(line)["key"] for line in _history(seed, scale)[1:]}
        for seed, scale in [(1, "0.1"), (2, "0.1"), (1, "0.2"), (11, "0.1")]
    ]
    assert sum(map(len, keys)) == len(set().union(*keys))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"000.02.18.H52"', '"000.99.18.H52"', "000.99.18.H52 is not in the catalogue"),
        ("terms = { 0 = 4", "terms = { 7 = 4", "no procedure of 7 working days"),
        ("to = 2020-12-31", "to = 2022-12-31", "has no data for the year 2023"),
        (
            "terms = { 0 = 4, 1 = 2, 3 = 2, 5 = 2, 15 = 1, 30 = 1 }",
            "terms = { 0 = 1 }",
            "no day and procedure of the period allow early",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_before_the_first_line(old: str, new: str, message: str) -> None:
    assert old in PROFILE
    with pytest.raises(ProfileError, match=message):
        history(parse_profile(PROFILE.replace(old, new)), 1, Decimal(1), CATALOGUE, CALENDAR)


def test_an_agency_closed_within_the_period_is_refused() -> None:
    profile = PROFILE + '[[agencies]]\ncode = "000.09.18.H52"\nweight = 1\n'
    closed = AgencyPublished(code="000.09.18.H52", name_vi="Đã giải thể", valid_to=date(2020, 6, 30))
    with pytest.raises(ProfileError, match="not open through the period"):
        history(parse_profile(profile), 1, Decimal(1), [*CATALOGUE, closed], CALENDAR)


def test_a_story_never_goes_back_in_time() -> None:
    story = Story("key", "000.01.18.H52")
    story.then(ActionName.ACCEPT, 1_600_000_000)
    with pytest.raises(ValueError, match="not later"):
        story.then(ActionName.APPRAISE, 1_600_000_000)


def test_a_calendar_without_sessions_takes_the_default_week() -> None:
    bare = CalendarAmended(years=(2020,), days=(), source="test")
    assert calendar_of(bare).sessions_on(date(2020, 6, 5))
