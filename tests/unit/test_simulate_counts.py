"""Published figures at every scale: each rounded half up, everything adding up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from contracts.words import Channel
from motcua.simulate import load_profile
from motcua.simulation.counts import Fate, count, deal, half_up
from motcua.simulation.dice import Dice
from motcua.simulation.profile import ProfileError, parse_profile
from tests.fakes.histories import PROFILE

SCALES = ["0.001", "0.002", "0.003", "0.01", "0.05", "0.1", "0.25", "0.333", "0.5", "0.75", "1", "2", "10"]


def _rounded(figure: int, scale: str) -> int:
    """Half up, by fractions alone."""
    value = figure * Fraction(scale)
    whole = value.numerator // value.denominator
    return whole + (value - whole >= Fraction(1, 2))


@pytest.mark.parametrize(("value", "expected"), [("0.5", 1), ("1.5", 2), ("2.5", 3), ("0.49", 0), ("7", 7)])
def test_exactly_a_half_goes_up(value: str, expected: int) -> None:
    assert half_up(Decimal(value)) == expected


@pytest.mark.parametrize("scale", SCALES)
def test_yen_chau_buckets_are_the_published_figures_times_the_scale(scale: str) -> None:
    counts = count(load_profile("yen-chau-2020"), Decimal(scale))
    fates = counts.fates
    assert fates[Fate.EARLY] + fates[Fate.ON_TIME] == _rounded(99_788, scale)
    assert fates[Fate.NOT_DUE] == _rounded(318, scale)
    assert fates[Fate.REFUSED] + fates[Fate.WAITING] == _rounded(138, scale)
    assert counts.received == sum(_rounded(figure, scale) for figure in (99_788, 318, 138))
    assert sum(counts.channels.values()) == counts.received
    assert min(*fates.values(), *counts.channels.values()) >= 0


def test_yen_chau_at_a_twentieth() -> None:
    counts = count(load_profile("yen-chau-2020"), Decimal("0.05"))
    assert counts.received == 5_012
    assert counts.fates[Fate.EARLY] + counts.fates[Fate.ON_TIME] == 4_989
    assert counts.fates[Fate.NOT_DUE] == 16
    assert counts.fates[Fate.REFUSED] + counts.fates[Fate.WAITING] == 7


@pytest.mark.parametrize("scale", SCALES)
def test_dong_trieu_keeps_its_share_of_early_and_its_online_dossiers(scale: str) -> None:
    counts = count(load_profile("dong-trieu-2021"), Decimal(scale))
    assert counts.received == _rounded(80_000, scale)
    assert counts.fates[Fate.EARLY] == half_up(Decimal(counts.received) * Decimal("0.6646"))
    assert counts.fates[Fate.ON_TIME] == counts.received - counts.fates[Fate.EARLY]
    assert counts.channels[Channel.ONLINE] == _rounded(16_200, scale)


def test_dong_trieu_in_full() -> None:
    counts = count(load_profile("dong-trieu-2021"), Decimal(1))
    assert (counts.received, counts.fates[Fate.EARLY], counts.channels[Channel.ONLINE]) == (
        80_000,
        53_168,
        16_200,
    )


def test_a_scale_that_leaves_no_dossier_is_refused() -> None:
    with pytest.raises(ProfileError, match="no dossier is left"):
        count(load_profile("yen-chau-2020"), Decimal("0.000001"))


def test_more_channels_than_dossiers_are_refused() -> None:
    profile = parse_profile(PROFILE.replace("online = 0.2", "online = 0.95"))
    with pytest.raises(ProfileError, match="online and"):
        count(profile, Decimal(1))


def test_channels_are_dealt_exactly_as_counted() -> None:
    counts = count(parse_profile(PROFILE), Decimal("0.1"))
    dealt = deal(counts, Dice("deal"))
    for fate, dossiers in counts.fates.items():
        assert sum(n for (f, _), n in dealt.items() if f is fate) == dossiers
    for channel, dossiers in counts.channels.items():
        assert sum(n for (_, c), n in dealt.items() if c is channel) == dossiers
