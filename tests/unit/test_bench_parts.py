"""What the benches reckon with: schedules, percentiles, responses cut in two, meters, profiles."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest

from bench import rig, sink
from bench.chain import in_bodies, lines
from bench.dossiers import COMMANDS_EACH, FACTS_EACH, command_records, law_record
from bench.facts import SIDE_BY_SIDE, Teller
from bench.http_pool import Pool, answered
from bench.latency import STEPS, Asked, Load, request, schedule
from bench.table import Check, percentile, verdict
from bench.workflow import NOTHING, OURS, STOCK, Run, metric_sum, ratios, top_of
from contracts.codec import decode_command
from contracts.commands import Command, LawChanged
from contracts.facts import Cause
from contracts.outcomes import Result
from services.analytics.domain.batch import Record, translate
from services.analytics.domain.intents import Entry, Greeting, PartitionPosition, Position
from services.analytics.domain.intents import encode as encode_entry
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def test_every_command_of_the_benchmark_is_accepted_and_leaves_what_is_counted_on() -> None:
    record = decode_command(law_record(NOW)[1])
    assert isinstance(record, LawChanged)
    law, dossiers, facts = Law().amended(record), dict[str, Dossier](), 0
    written = list(command_records(3, NOW))
    assert len(written) == 3 * COMMANDS_EACH
    for offset, (key, value, _) in enumerate(written):
        command = decode_command(value)
        assert isinstance(command, Command)
        assert key == command.dossier_id.encode()
        decision = decide(dossiers.get(command.dossier_id), law, command, Cause(0, offset, 0))
        assert decision.outcome.result is Result.ACCEPTED
        assert decision.dossier
        dossiers[command.dossier_id] = decision.dossier
        facts += len(decision.facts)
    assert len(dossiers) == 3
    assert facts == 3 * FACTS_EACH


def test_no_two_commands_of_a_dossier_stand_near_each_other() -> None:
    keys = [key for key, _, _ in command_records(50, NOW)]
    assert all(len(set(keys[place : place + 50])) == 50 for place in range(0, len(keys), 50))


def test_the_schedule_keeps_the_rate_and_the_order_of_steps() -> None:
    asked = schedule(Load(rate=200, warm_up=10, seconds=30, seed=3))
    measured = [one for one in asked if one.at >= 10]
    assert len(measured) == pytest.approx(30 * 200, rel=0.05)
    assert [one.at for one in asked] == sorted(one.at for one in asked)
    by_dossier: dict[int, list[Asked]] = {}
    for one in asked:
        by_dossier.setdefault(one.dossier, []).append(one)
    for steps in by_dossier.values():
        assert [one.step for one in steps] == list(range(len(steps)))
    mix = Counter(one.step for one in measured)
    assert min(mix.values()) > 0.8 * max(mix.values())
    assert [one.at for one in schedule(Load(200, 10, 30, 3))] == [one.at for one in asked]


def test_a_request_names_the_dossier_its_registration_will_make() -> None:
    keys = {role: f"key-{role}" for role in ("counter", "officer", "approver", "seal_keeper")}
    stamp = request(Asked(7, STEPS.index("stamp"), 0.0), keys, "000.01.18.H52", "1.000001")
    assert stamp.startswith(f"POST /v1/dossiers/{Asked(7, 0, 0.0).dossier_id}/stamp HTTP/1.1\r\n".encode())
    assert b"Bearer key-seal_keeper\r\n" in stamp
    assert b"Idempotency-Key: stamp-7\r\n" in stamp
    head, _, body = stamp.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize(("share", "found"), [(50, 50), (90, 90), (99, 99), (100, 100), (0.5, 1)])
def test_percentiles_are_values_that_occurred(share: float, found: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == found


@pytest.mark.parametrize(("values", "share"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_a_response_is_whole_only_with_its_last_byte() -> None:
    response = b"HTTP/1.1 201 Created\r\nServer: x\r\nContent-Length: 5\r\n\r\nabcde"
    assert [answered(response[:size]) for size in range(len(response))] == [0] * len(response)
    assert answered(response) == 201


def test_the_pool_keeps_connections_and_opens_more_when_all_are_busy() -> None:
    connections = 0
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        serving.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()
        await writer.wait_closed()

    async def play() -> list[int]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pool = Pool("127.0.0.1", server.sockets[0].getsockname()[1])
        await pool.open(1)
        found = [await pool.ask(b"GET / HTTP/1.1\r\n\r\n") for _ in range(3)]
        assert connections == 1
        found += await asyncio.gather(*(pool.ask(b"GET / HTTP/1.1\r\n\r\n") for _ in range(3)))
        pool.close()
        await asyncio.gather(*(task for task in serving if task))
        server.close()
        await server.wait_closed()
        return found

    assert asyncio.run(play()) == [200] * 6
    assert connections == 3


def test_nobody_at_the_door_is_no_answer() -> None:
    async def play() -> int:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return await Pool("127.0.0.1", port).ask(b"GET / HTTP/1.1\r\n\r\n")

    assert asyncio.run(play()) == 0


def test_a_meter_is_summed_over_its_labels_only() -> None:
    text = 'a_total{partition="0"} 3.0\na_total{partition="1"} 4.0\na_total_created 9\n# a_total 9\n'
    assert metric_sum(text, "a_total") == 7.0


def test_ratios_are_those_of_the_rounds_and_judged() -> None:
    runs = {
        OURS: [Run(1, 1, 100), Run(1, 1, 300), Run(1, 1, 200)],
        STOCK: [Run(1, 1, 50), Run(1, 1, 100), Run(1, 1, 200)],
        NOTHING: [Run(1, 1, 1000), Run(1, 1, 1000), Run(1, 1, 1000)],
    }
    stock, nothing = ratios(runs)
    assert (stock.measured, stock.met) == ("2.00 ×", True)
    assert (nothing.measured, nothing.met) == ("0.20 ×", False)


def test_a_missed_check_is_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    met, missed = Check("speed", "2", "1", True), Check("size", "2", "1", False)
    assert verdict([met]) == 0
    assert verdict([met, missed]) == 1
    assert "MISSED" in capsys.readouterr().out.splitlines()[-1]


def test_cpu_is_read_at_the_nearest_sample() -> None:
    assert rig.nearest([(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)], 2.4) == 20.0
    with pytest.raises(rig.BenchError):
        rig.nearest([], 1.0)


def test_a_profile_counts_each_function_once_a_stack() -> None:
    shown = top_of("main;work;work 3\nmain;wait 1\n")
    assert "75.0%  work" in shown
    assert "100.0%  main" in shown


def test_bulk_bodies_hold_what_a_request_may_and_keep_the_order() -> None:
    bodies = list(in_bodies(lines(3, "000.01.18.H52", "1.000001"), 5))
    assert [len(body) for body in bodies] == [5, 5, 5, 5, 1]
    keys = [line["key"] for body in bodies for line in body]
    assert keys[:4] == ["register-0", "register-1", "register-2", "accept-0"]


def test_whole_lives_make_as_many_rows_as_are_counted_on() -> None:
    told = islice(Teller(NOW).tell(), SIDE_BY_SIDE * sink.EACH)
    records = (Record(one.partition, at, one.key, one.value, 0) for at, one in enumerate(told))
    batch = translate(records, {})
    assert (batch.repeats, batch.poison) == (0, [])
    kinds = Counter(row.type for row in batch.rows)
    assert kinds.total() == SIDE_BY_SIDE * sink.EACH
    assert kinds["NumberDrawn"] == kinds["ProcessingFinished"] == kinds["DossierRated"] == SIDE_BY_SIDE


def test_the_sinks_time_is_from_its_greeting_to_the_position_at_the_end_of_the_log() -> None:
    def position(batch: int, end: int) -> Position:
        part = PartitionPosition(0, end)
        return Position(lane="0of1", batch=batch, writer="w", topic_id="t", partitions=(part,))

    entries: list[Entry] = [Greeting(lane="0of1", writer="w", at=NOW), position(1, 5), position(2, 9)]
    found = [(1000 * at, b"key", encode_entry(entry)) for at, entry in enumerate(entries, start=1)]
    assert sink.lane_times([*found, (9000, b"key", None)], {0: 9}) == (1.0, 3.0)
    with pytest.raises(rig.BenchError):
        sink.lane_times(found[:2], {0: 9})


def test_the_sink_must_be_ahead_of_those_that_write_and_half_as_fast_as_those_that_do_not() -> None:
    def runs(rate: float) -> list[sink.Run]:
        return [sink.Run(1000, 1.0, 1000 / rate, 0.0)]

    rates = {sink.OURS: 50.0, sink.CLIENT: 100.0, sink.ARROYO: 50.0, sink.QUIX: 49.0}
    assert [check.met for check in sink.checks({name: runs(rate) for name, rate in rates.items()})] == [
        True,
        False,
        True,
    ]
    rates[sink.CLIENT] = 101.0
    assert not sink.checks({name: runs(rate) for name, rate in rates.items()})[0].met
