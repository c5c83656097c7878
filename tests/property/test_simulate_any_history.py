"""Any seed and scale: every life obeys the law, and the figures come out as counted."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.simulation.counts import count
from motcua.simulation.history import history
from motcua.simulation.profile import parse_profile
from tests.fakes.histories import CALENDAR, CATALOGUE, PROFILE, judge

TEST_PROFILE = parse_profile(PROFILE)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(min_value=-(2**63), max_value=2**63),
    scale=st.decimals(min_value=Decimal("0.002"), max_value=Decimal("0.05"), places=4),
)
def test_every_history_comes_out_as_counted(seed: int, scale: Decimal) -> None:
    lines = list(history(TEST_PROFILE, seed, scale, CATALOGUE, CALENDAR))
    judged, counts = judge(lines, CATALOGUE, CALENDAR), count(TEST_PROFILE, scale)
    assert judged.fates == Counter({str(fate): n for fate, n in counts.fates.items() if n})
    assert judged.channels == Counter({str(channel): n for channel, n in counts.channels.items() if n})
