"""Serial numbers under every interleaving: agreed upon by all replicas, given once, none beyond 9 999."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.commands import SerialKey
from services.intake.domain.refusals import Refused
from services.intake.domain.serials import SerialClaim, SerialLedger

KEY = SerialKey("H52.18", date(2026, 3, 5))


@given(st.data())
def test_no_number_is_given_twice(data: st.DataObject) -> None:
    """Replicas plan, publish, lose claims, read at their own pace, take and give back, in any order."""
    replicas = [SerialLedger(f"r{n}") for n in range(3)]
    log: list[SerialClaim] = []
    read = [0] * len(replicas)
    given_out: list[int] = []
    last = SerialClaim(agency=KEY.agency, day=KEY.day, block=0, claimant="x")
    for _ in range(data.draw(st.integers(1, 40), label="steps")):
        n = data.draw(st.integers(0, len(replicas) - 1), label="replica")
        ledger = replicas[n]
        match data.draw(st.sampled_from(("plan", "read", "take", "restart")), label="step"):
            case "plan":
                ledger.want(KEY, data.draw(st.integers(1, 60), label="want"))
                for claim in ledger.plan(KEY):
                    last = claim
                    fate = data.draw(st.sampled_from(("sent", "lost", "unknown", "twice")), label="fate")
                    log += {"sent": [claim], "lost": [], "unknown": [claim], "twice": [claim, claim]}[fate]
                    if fate in ("lost", "unknown"):
                        ledger.dropped(claim)
            case "read":
                upto = data.draw(st.integers(read[n], len(log)), label="upto")
                for claim in log[read[n] : upto]:
                    ledger.apply(claim)
                read[n] = upto
            case "take":
                taken = ledger.take(KEY, data.draw(st.integers(1, 30), label="take"))
                if data.draw(st.booleans(), label="give back"):
                    ledger.give_back(KEY, taken)
                else:
                    given_out += taken
            case "restart":
                replicas[n], read[n] = SerialLedger(f"{ledger.claimant}'"), 0
    assert len(given_out) == len(set(given_out))
    assert all(1 <= serial <= 9_999 for serial in given_out)
    assert last.block < 500


@given(st.lists(st.integers(1, 700), min_size=15, max_size=40))
def test_a_day_gives_all_its_numbers_and_then_none(wants: list[int]) -> None:
    ledger = SerialLedger("r")
    given_out: list[int] = []
    reasons: set[str] = set()
    for want in wants:
        ledger.want(KEY, want)
        try:
            for claim in ledger.plan(KEY):
                ledger.apply(claim)
        except Refused as refused:
            reasons.add(refused.reason)
        taken = ledger.take(KEY, want)
        given_out += taken
        ledger.want(KEY, len(taken) - want)
    assert given_out == list(range(1, min(sum(wants), 9_999) + 1))
    assert reasons == ({"serial_exhausted"} if sum(wants[:-1]) >= 9_999 else set())
