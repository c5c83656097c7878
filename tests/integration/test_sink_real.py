"""Analytics as a process, over a real broker and a real warehouse: exact whatever is killed in between."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from clickhouse_driver import Client
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from contracts.codec import encode
from contracts.law import AgencyPublished, LawEnacted
from contracts.topics import DOSSIER_PARTITIONS, FACTS, FACTS_DLQ, INTENTS, LAW, TOPICS
from deploy.local.ports import HOST
from services.analytics.adapters import kafka
from services.analytics.adapters.kafka import Brokers, KafkaFactLog
from services.analytics.domain.buckets import Bucket
from services.analytics.domain.intents import Range
from services.analytics.errors import TopicRecreatedError, WarehouseMismatchError
from tests.brokers import ensure_topics
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill, truth
from tests.fakes.analytics_lives import START
from tests.integration.sink_stack import PATIENCE, Stack, a_log, interleaved
from tests.waiting import wait_until


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    one = Stack(tmp_path)
    try:
        yield one
    finally:
        one.close()


def test_facts_become_figures_and_a_stop_is_clean(stack: Stack) -> None:
    facts = a_log(100, seed=1)
    stack.analytics.start()
    stack.wait_ready()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    stack.assert_exact(facts)

    figures, fresh = stack.ask("/v1/figures"), stack.ask("/v1/freshness")
    wait_until(
        lambda: stack.ask("/v1/freshness")["lag_records"] == 0, PATIENCE, "the lag to be known as none"
    )
    assert figures["received"] == sum(figures[bucket.value] for bucket in Bucket)
    assert datetime.fromisoformat(fresh["clock"]) == START + timedelta(days=400)
    board = stack.client.get(f"http://{stack.http}/")
    assert board.status_code == 200
    assert "Bảng theo dõi hồ sơ" in board.text
    garbage = truth(record for records in facts.records.values() for record in records).garbage
    assert garbage > 0
    assert len(stack.read(FACTS_DLQ)) == garbage

    assert stack.analytics.running is not None
    stack.analytics.running.send_signal(signal.SIGTERM)
    assert stack.analytics.ended(30) == 0


def test_garbage_among_facts_of_one_batch_goes_to_the_dead_letters_once(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    lives = MemoryFacts(range(1))
    fill(lives, 6, random.Random(11), noise=False)
    garbage = [b"\xff\xfe", b"{}", None, b"[]", b'{"record":"fact"}', b""]
    for n, record in enumerate(lives.records[0]):
        facts.append(0, record.value, record.key)
        if n % 3 == 0:
            facts.append(0, garbage[n // 3 % len(garbage)], b"who sent it")
    poison = [r for r in facts.records[0] if r.key == b"who sent it"]
    assert len(poison) >= 2 * len(garbage)
    with contextlib.closing(KafkaProducer(bootstrap_servers=stack.kafka, linger_ms=60_000)) as whole:
        stack.producer.close()
        stack.producer = whole  # all that is sent before a flush goes as one
        stack.send(facts.records[0])
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    metrics = stack.client.get(f"http://{stack.http}/metrics").text
    assert "motcua_analytics_batch_rows_count 1.0" in metrics
    assert f"motcua_analytics_dead_letters_total {len(poison)}.0" in metrics

    def letters() -> list[tuple[int, bytes | None, bytes | None]]:
        return [(int(head["dlq_offset"]), r.key, r.value) for r, head in stack.read(FACTS_DLQ)]

    assert letters() == [(r.offset, r.key, r.value) for r in poison]
    stack.analytics.kill()
    stack.analytics.start()  # another start has nothing to add
    stack.wait_ready()
    assert letters() == [(r.offset, r.key, r.value) for r in poison]


def test_a_lone_fact_is_visible_without_another_one(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 1, random.Random(1), noise=False)
    stack.analytics.start()
    stack.wait_ready()
    stack.send(facts.records[0][:1])
    wait_until(lambda: stack.ask("/v1/dossiers/" + "0" * 32), PATIENCE, "the lone fact")


def test_figures_go_on_being_of_now_while_nothing_happens(stack: Stack) -> None:
    stack.analytics.start()
    stack.wait_ready()
    wait_until(lambda: stack.ask("/v1/figures")["as_of"], PATIENCE, "the first answer of the brokers")
    seen = {stack.ask("/v1/figures")["as_of"]}

    def later() -> bool:
        seen.add(stack.ask("/v1/figures")["as_of"])
        return len(seen) > 3

    wait_until(later, PATIENCE, "later moments, though no fact came")


def test_agencies_have_the_names_the_law_gives_them_while_it_runs(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 9, random.Random(8), noise=False)

    def enact(name: str) -> None:
        change = AgencyPublished(code="H52.18", name_vi=name)
        stack.producer.send(LAW, value=encode(LawEnacted(author="admin", changes=(change,))), partition=0)
        stack.producer.flush(30)

    def names() -> dict[str, str | None]:
        rows = (stack.ask("/v1/compliance?period=all&by=agency") or {}).get("rows", [])
        return {row["agency"]: row["agency_name"] for row in rows}

    enact("Sở Y tế")
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    wait_until(lambda: names().get("H52.18") == "Sở Y tế", PATIENCE, "the name enacted before the start")
    enact("Sở Nội vụ")
    wait_until(lambda: names().get("H52.18") == "Sở Nội vụ", PATIENCE, "the name enacted after it")
    assert names()["H52.19"] is None


def test_a_frozen_warehouse_is_a_503_soon_and_the_rest_goes_on(stack: Stack) -> None:
    stack.analytics.start()
    stack.wait_ready()
    url, key = f"http://{stack.http}", {"Authorization": "Bearer k"}
    assert stack.ask("/v1/figures")["received"] == 0
    assert stack.warehouse.running is not None
    stack.warehouse.running.send_signal(signal.SIGSTOP)
    # More boards than the service has threads, and an inspector's question among them.
    with ThreadPoolExecutor(60) as boards:
        asked = [boards.submit(httpx.get, f"{url}/v1/public/figures", timeout=60) for _ in range(60)]
        answer = httpx.get(f"{url}/v1/figures", headers=key, timeout=60)
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        answers = [answer, *(one.result() for one in asked)]
    for answer in answers:
        assert (answer.status_code, answer.json()["reason"]) == (503, "warehouse_down")
        assert answer.headers["Retry-After"] == "1"
    stack.warehouse.running.send_signal(signal.SIGCONT)
    wait_until(lambda: stack.ask("/v1/figures"), PATIENCE, "figures after the thaw")


def test_analytics_killed_again_and_again_in_the_middle_is_exact(stack: Stack) -> None:
    facts, rng = a_log(400, seed=2), random.Random(2)
    records = interleaved(facts)
    step = len(records) // 5 + 1
    for start in range(0, len(records), step):
        stack.analytics.start()
        stack.send(records[start : start + step])
        wait_until(lambda: position_sum(stack) > 0, PATIENCE, "some work to be done")
        time.sleep(rng.random() * 0.3)  # a random moment to die in; nothing waits for it
        stack.analytics.kill()
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)


def position_sum(stack: Stack) -> int:
    """How many records stand inserted, as far as analytics says."""
    parts = (stack.ask("/v1/freshness") or {}).get("partitions", {})
    return sum(part["position"] for part in parts.values())


def test_the_warehouse_killed_in_the_middle_gets_the_same_batches_again(stack: Stack) -> None:
    facts, rng = a_log(400, seed=3), random.Random(3)
    records = interleaved(facts)
    step = len(records) // 4 + 1
    stack.analytics.start()
    stack.wait_ready()
    for start in range(0, len(records), step):
        stack.send(records[start : start + step])
        time.sleep(rng.random() * 0.4)  # a random moment to die in; nothing waits for it
        stack.warehouse.kill()
        wait_until(lambda: stack.ask("/readyz") is None, PATIENCE, "the trouble to be visible")
        stack.warehouse.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    stack.wait_ready()


def test_a_batch_of_one_partition_begun_by_a_dead_process_is_finished(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 1, random.Random(7), noise=False)
    del facts.records[0][1:]
    stack.analytics.start()
    stack.wait_ready()
    wait_until(lambda: stack.ask("/v1/freshness")["lag_records"] == 0, PATIENCE, "the first look at the log")
    stack.warehouse.kill()
    stack.send(facts.records[0])
    wait_until(lambda: "insert:" in stack.why_not_ready(), PATIENCE, "an insert that cannot be done")
    stack.analytics.kill()
    stack.warehouse.start()
    for partition in range(1, DOSSIER_PARTITIONS):
        facts.records[partition].clear()
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    assert "finishing batch 1, begun by an earlier writer" in stack.analytics.text()


def test_a_topic_created_again_is_refused_while_running_and_at_start(stack: Stack) -> None:
    facts = a_log(20, seed=4)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    before = len(stack.rows())
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    admin.delete_topics([FACTS])
    admin.create_topics({FACTS: {"num_partitions": TOPICS[FACTS].partitions, "replication_factor": 1}})
    admin.close()
    assert stack.analytics.ended(PATIENCE) == TopicRecreatedError.exit_code
    assert "created again" in stack.analytics.text()
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == TopicRecreatedError.exit_code
    assert len(stack.rows()) == before


def test_a_warehouse_that_lost_everything_is_refused(stack: Stack) -> None:
    facts = a_log(20, seed=5)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    stack.analytics.kill()
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute("TRUNCATE TABLE facts")
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    assert "do not belong together" in stack.analytics.text()


def test_a_lost_part_of_a_roll_up_is_seen_by_the_proof_and_refused_at_the_start(stack: Stack) -> None:
    facts = a_log(20, seed=10)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        [(lost,)] = client.execute("SELECT min(log_partition) FROM facts")
        client.execute(
            f"ALTER TABLE dossier_states DELETE WHERE log_partition = {lost} SETTINGS mutations_sync = 1"
        )
    proof = stack.ask("/v1/reconcile", "POST")
    assert proof["missing"] + proof["mismatched"] > 0
    stack.analytics.kill()
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    assert "dossier_states is made of 0 facts" in stack.analytics.text()


def test_a_window_shrunk_under_a_running_sink_stops_it_and_is_cured_as_told(stack: Stack) -> None:
    facts = a_log(20, seed=13)
    stack.analytics.start()
    stack.wait_ready()
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute("ALTER TABLE stamp_states MODIFY SETTING non_replicated_deduplication_window = 5")
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    assert "table stamp_states must have a non_replicated_deduplication_window" in stack.analytics.text()
    assert_cured_as_told(stack, facts)


def assert_cured_as_told(stack: Stack, facts: MemoryFacts, *, sent: bool = False) -> None:
    """One start with the variable puts back what is gone and right what was missed; then one without it."""
    assert "a start with MOTCUA_REPAIR=1 makes it anew" in stack.analytics.text()
    stack.analytics.environ["MOTCUA_REPAIR"] = "1"
    stack.analytics.start()
    if not sent:
        stack.send(interleaved(facts))
    stack.wait_for(facts)
    assert "put back: " in stack.analytics.text()
    proof = stack.ask("/v1/reconcile", "POST")
    assert [proof[kind] for kind in ("missing", "duplicated", "mismatched", "drift")] == [0, 0, 0, 0]
    stack.analytics.kill()
    del stack.analytics.environ["MOTCUA_REPAIR"]
    stack.analytics.start()
    stack.wait_for(facts)


def test_a_feed_dropped_under_a_running_sink_is_refused_and_cured_as_told(stack: Stack) -> None:
    facts = a_log(20, seed=11)
    stack.analytics.start()
    stack.wait_ready()
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute("DROP VIEW figures_feed SYNC")
        stack.send(interleaved(facts))
        # Here, or, when it happens to look first, never: what matters is that the roll-up lacks what came.
        wait_until(lambda: stack.rows() or stack.analytics.over(), PATIENCE, "facts without their figures")
        stack.analytics.kill()
        stack.analytics.start()
        assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
        assert "the feed figures_feed is gone" in stack.analytics.text()
    assert_cured_as_told(stack, facts, sent=True)


def test_a_warehouse_is_rebuilt_from_the_log_into_a_fresh_database(stack: Stack) -> None:
    facts = a_log(60, seed=9)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    figures = stack.ask("/v1/figures")
    assert stack.analytics.running is not None
    stack.analytics.running.send_signal(signal.SIGTERM)
    assert stack.analytics.ended(30) == 0

    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute("CREATE DATABASE rebuilt")
    old, new = (f"clickhouse://default@{stack.house}/{name}" for name in ("default", "rebuilt"))
    stack.analytics.environ["MOTCUA_CLICKHOUSE"] = new
    stack.analytics.start()  # too soon: the topic still says what the other database holds
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    admin.delete_topics([INTENTS])
    admin.close()
    ensure_topics(stack.kafka, 1, patience=30)
    stack.analytics.environ["MOTCUA_CLICKHOUSE"] = old
    stack.analytics.start()  # the wrong one: it holds what the fresh topic knows nothing of
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    stack.analytics.environ["MOTCUA_CLICKHOUSE"] = new
    stack.analytics.start()
    stack.wait_for(facts)
    assert {**stack.ask("/v1/figures"), "as_of": 0, "age_seconds": 0} == {
        **figures,
        "as_of": 0,
        "age_seconds": 0,
    }
    proof = stack.ask("/v1/reconcile", "POST")
    assert [proof[kind] for kind in ("missing", "duplicated", "mismatched")] == [0, 0, 0]
    assert proof["facts"] == len(stack.rows()), "as many as the old database, which still stands"


def test_a_reader_that_rests_misses_nothing_that_came_meanwhile(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client fetches ahead: an answer may be from before the rest, and must not be all there is."""
    monkeypatch.setattr(kafka, "_CATCH_UP", PATIENCE)  # a slow machine's second fetch is as good
    facts = a_log(60, seed=7).records[0]
    reader = KafkaFactLog(Brokers((stack.kafka,), 0.02, "test"), range(DOSSIER_PARTITIONS))

    def poll(most: int) -> list[int]:
        return [record.offset for record in reader.poll(most, 0.3)]

    try:
        reader.seek(dict.fromkeys(range(DOSSIER_PARTITIONS), 0))
        stack.send(facts[:2])
        assert wait_until(lambda: poll(1), PATIENCE, "a fact", every=0) == [0]
        stack.send(facts[2:4])
        assert poll(1_000) == [1]  # was fetched with the one before; a fetch of the next two is on its way
        stack.send(facts[4:5])
        assert poll(1_000) == [2, 3, 4]
    finally:
        reader.close()


def test_a_reader_gets_exactly_the_ranges_it_asks_for(stack: Stack) -> None:
    facts = a_log(60, seed=6)
    stack.send(interleaved(facts))
    reader = KafkaFactLog(Brokers((stack.kafka,), 0.02, "test"), range(DOSSIER_PARTITIONS))
    try:
        ends = {partition: len(records) for partition, records in facts.records.items()}
        # First of all a part of the partitions, as a start that finishes another writer's batch does.
        for ranges in ([Range(2, 0, ends[2]), Range(5, 1, 2)], [Range(0, 3, 9)], [Range(1, 4, 4)]):
            found = reader.read(ranges)
            wanted = [record for r in ranges for record in facts.records[r.partition][r.start : r.end]]
            key = [(r.partition, r.offset, r.key, r.value) for r in found]
            assert sorted(key) == sorted((r.partition, r.offset, r.key, r.value) for r in wanted)
        assert reader.true_ends() == ends
        assert reader.topic_id() == reader.topic_id() != ""
    finally:
        reader.close()
