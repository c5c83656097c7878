"""A broker in doubt: the door says so to probes, tries it by itself, and opens again without a request."""

from __future__ import annotations

from contracts.codec import decode_law
from contracts.law import LawForwarded
from contracts.topics import LAW
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import REGISTER, desk, in_loop, until


@in_loop
async def test_after_a_failure_it_is_not_ready_until_the_broker_has_taken_a_record() -> None:
    async with desk(probe_interval=0.005) as d:
        assert d.metric("ready") == 1
        d.broker.down = True
        failed = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert failed.status_code == 503
        unready = await d.http.get("/readyz")
        assert (unready.status_code, unready.json()["why"]) == (503, "broker_failing")
        assert d.metric("ready") == 0
        d.broker.down = False
        await until(lambda: not d.gate.in_doubt)
        ready = await d.http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["why"]) == (200, True, None)
        assert d.metric("ready") == 1
        # What it tried the broker with changes nothing for any reader.
        assert decode_law(d.log.all(LAW)[-1].value) == LawForwarded(through=1)
        assert d.intake.law.book.forwarded == 1
        assert d.commands() == []


@in_loop
async def test_a_try_that_gets_no_ack_is_followed_by_another() -> None:
    async with desk(probe_interval=0.005, patience=0.02) as d:
        d.broker.down = True
        await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        d.broker.down = False
        d.broker.hold = True
        await until(lambda: d.gate.records == 1)  # the first try, held back
        blocked = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert (blocked.status_code, blocked.json()["reason"]) == (503, "broker_failing")
        d.broker.down = True
        d.broker.release()
        await until(lambda: d.gate.records == 1)  # the next
        d.broker.down = d.broker.hold = False
        d.broker.release()
        await until(lambda: not d.gate.in_doubt)


@in_loop
async def test_without_any_law_doubt_keeps_nobody_away() -> None:
    async with desk(MemoryLog(), probe_interval=0.005) as d:
        d.broker.down = True
        path = f"/v1/dossiers/{'0' * 32}/withdraw"
        assert (await d.post(path, {}, Idempotency_Key="k")).status_code == 503
        assert d.gate.in_doubt
        assert (await d.http.get("/readyz")).status_code == 200
        assert d.log.all(LAW) == []
