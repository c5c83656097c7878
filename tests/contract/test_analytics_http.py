"""The HTTP interface of analytics: what each question gets, and what the board says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.rows import FactRow, micros
from services.analytics.errors import FencedError
from services.analytics.rebuild import BehindError
from tests.fakes.analytics import MemoryFactLog
from tests.fakes.analytics_desk import BUCKETS, Desk, a_desk, assert_problem
from tests.fakes.analytics_lives import START


@pytest.fixture
def desk() -> Desk:
    return a_desk()


def test_figures_add_up_and_say_how_old_they_are(desk: Desk) -> None:
    figures = desk.get("/v1/figures").json()
    assert figures["received"] == sum(figures[name] for name in BUCKETS) == 60
    assert figures["supplement_requested"] <= figures["paused"]
    shares = [row.five_on_site for row in desk.tables.dossiers.values() if row.five_on_site is not None]
    share = figures["five_on_site"]
    assert (share["numerator"], share["denominator"]) == (sum(shares), len(shares))
    assert 0 < share["value"] < 1
    assert figures["declined"] > 0
    assert figures["late_by_original"] > 0
    assert set(figures["rates"]) == {"on_time_of_received", "on_time_of_decided", "on_time_of_solved"}
    assert 2.9 < figures["age_seconds"] < 5
    assert figures["as_of"].endswith("Z")


def test_figures_of_a_local_period(desk: Desk) -> None:
    assert desk.get("/v1/figures?from=2020-02-02&to=2020-02-02").json()["received"] == 60
    assert desk.get("/v1/figures?from=2020-02-03").json()["received"] == 0
    assert desk.get("/v1/figures?to=2020-02-01").json()["received"] == 0


def test_compliance_splits_the_same_counts(desk: Desk) -> None:
    whole = desk.get("/v1/figures").json()
    for query in ("", "?by=agency", "?by=agency,channel,procedure&period=day", "?period=all&by=agency"):
        table = desk.get(f"/v1/compliance{query}").json()
        for name in ("received", *BUCKETS):
            assert sum(row[name] for row in table["rows"]) == whole[name]
    agencies = desk.get("/v1/compliance?period=all&by=agency").json()["rows"]
    assert [row["agency"] for row in agencies] == ["H52.18", "H52.19", "H52.20"]
    assert "period" not in agencies[0]
    assert "agency_name" not in desk.get("/v1/compliance?by=channel").json()["rows"][0]
    assert [row["agency_name"] for row in agencies] == ["Ủy ban nhân dân phường Đông Triều", None, None]
    assert desk.get("/v1/compliance").json()["rows"][0]["period"] == "2020-02-01"


def told(desk: Desk) -> list[tuple[FactRow, dict[str, Any]]]:
    """All facts with their bodies."""
    return [(row, json.loads(row.body)) for row in desk.tables.facts]


def test_steps_are_counted_by_who_had_them_in_hand(desk: Desk) -> None:
    ended = [
        (body[holder][0], row.step, row.outcome, datetime.fromisoformat(body["since"]), row.at)
        for row, body in told(desk)
        for holder in [{"StepCompleted": "holder", "HandedOver": "giver"}.get(row.type, "")]
        if body.get(holder) and body.get("since")
    ]
    [whole] = desk.get("/v1/steps?period=all").json()["rows"]
    assert whole["steps"] == len(ended) > 0
    assert whole["late"] == sum(outcome == "late" for *_, outcome, _, _ in ended)
    seconds = sum(at / 1_000_000 - since.timestamp() for *_, since, at in ended)
    assert whole["mean_seconds"] == pytest.approx(seconds / len(ended), abs=0.001)
    split = desk.get("/v1/steps?by=agency,step&period=all").json()
    found = {(row["agency"], row["step"]): row["steps"] for row in split["rows"]}
    assert found == Counter((agency, step) for agency, step, *_ in ended)
    assert all("agency_name" in row for row in split["rows"])
    assert split["by"] == ["agency", "step"]
    assert {agency for agency, *_ in ended} == {"H52.21"}
    assert desk.get("/v1/steps?period=all", "head").json()["rows"] == [whole]
    assert desk.get("/v1/steps?period=all", "scoped").json()["rows"] == []
    months = desk.get("/v1/steps").json()["rows"]
    assert sum(row["steps"] for row in months) == len(ended)
    assert all(row["period"].endswith("-01") for row in months)


def test_ratings_are_counted_score_by_score(desk: Desk) -> None:
    given = [(row.agency, row.score) for row in desk.tables.facts if row.type == "DossierRated"]
    [whole] = desk.get("/v1/ratings?period=all").json()["rows"]
    scores = Counter(score for _, score in given)
    assert whole["ratings"] == len(given) > 0
    assert whole["scores"] == {str(score): scores[score] for score in range(1, 6)}
    assert whole["mean"] == pytest.approx(sum(score for _, score in given) / len(given), abs=0.0001)
    own = desk.get("/v1/ratings?period=all", "scoped").json()["rows"]
    assert sum(row["ratings"] for row in own) == sum(agency == "H52.18" for agency, _ in given)
    assert desk.get("/v1/ratings?from=2019-01-01&to=2019-12-31").json()["rows"] == []


def test_a_key_for_one_agency_sees_that_agency(desk: Desk) -> None:
    own = desk.get("/v1/figures", "scoped").json()["received"]
    assert own == next(
        row["received"]
        for row in desk.get("/v1/compliance?period=all&by=agency").json()["rows"]
        if row["agency"] == "H52.18"
    )
    mine = next(row for row in desk.tables.dossiers.values() if row.agency == "H52.18")
    others = [row for row in desk.tables.dossiers.values() if row.agency == "H52.19"]
    other = next(row for row in others if row.holder_agency != "H52.18")
    assert desk.get(f"/v1/dossiers/{mine.dossier_id}", "scoped").status_code == 200
    assert_problem(desk.get(f"/v1/dossiers/{other.dossier_id}", "scoped"), 403, "other_agency")
    in_hand = next(row for row in others if row.holder_agency == "H52.18")
    assert desk.get(f"/v1/dossiers/{in_hand.dossier_id}", "scoped").status_code == 200


def test_a_dossier_has_its_state_its_history_and_its_link(desk: Desk) -> None:
    state = max(desk.tables.dossiers.values(), key=lambda row: row.seq)
    answer = desk.get(f"/v1/dossiers/{state.dossier_id}").json()
    assert (answer["seq"], answer["status"], answer["bucket"]) == (state.seq, state.status, state.bucket)
    assert [fact["seq"] for fact in answer["history"]] == list(range(1, state.seq + 1))
    assert answer["history"][0]["body"]["type"] == "DossierRegistered"
    assert answer["history"][0]["at"].startswith("2020-02-01T23:")
    assert answer["links"]["self"] == f"/v1/dossiers/{state.dossier_id}"


def whole(desk: Desk, *kinds: str) -> Any:
    """The dossier with all these kinds of facts, as it is told."""
    for state in desk.tables.dossiers.values():
        told = {fact.type for fact in desk.tables.facts if fact.dossier_id == state.dossier_id}
        if set(kinds) <= told:
            return desk.get(f"/v1/dossiers/{state.dossier_id}").json()
    raise AssertionError(f"no dossier has {kinds}")


def test_a_dossier_tells_who_had_it_in_hand_without_a_gap(desk: Desk) -> None:
    told = whole(desk, "HandedOver", "ResultReturned")
    slip = told["control_slip"]
    assert [(one["step"], one["entry"]) for one in slip] == [
        ("receive", "step"),
        ("appraise", "hand_over"),
        ("appraise", "step"),
        ("approve", "step"),
        ("stamp", "step"),
        ("return", "step"),
    ]
    assert [one["since"] for one in slip[1:]] == [one["until"] for one in slip[:-1]]
    assert (slip[2]["agency"], slip[2]["officer"], slip[2]["place"]) == ("H52.21", "e" * 32, "office")
    assert (slip[0]["place"], slip[1]["place"]) == ("centre", None)
    assert (slip[1]["outcome"], slip[1]["due"]) == ("early", "2020-02-05T10:00:00Z")
    assert (told["five_on_site"], told["step"], told["holder"]) == (False, None, None)
    assert told["due"] == told["due_original"] == "2020-02-14T10:00:00Z"


def test_the_last_open_entry_has_no_end(desk: Desk) -> None:
    state = next(row for row in desk.tables.dossiers.values() if row.in_hand)
    told = desk.get(f"/v1/dossiers/{state.dossier_id}").json()
    last = told["control_slip"][-1]
    assert (last["until"], last["entry"], last["step"]) == (None, None, told["step"])
    assert told["holder"]["agency"] == last["agency"]
    assert told["five_on_site"] is None


def test_a_dossier_tells_its_stamps_with_their_numbers(desk: Desk) -> None:
    told = whole(desk, "StampRevoked", "ResultReturned")
    first, second = told["stamps"]
    assert (first["seal"], first["year"], first["revoked"]) == ("H52.18-D1", 2020, True)
    assert (second["seal"], second["year"], second["revoked"]) == ("H52.18-D1", 2020, False)
    assert 0 < first["number"] != second["number"] > 0
    assert first["at"] < second["at"]
    dossier_id = told["dossier_id"]
    desk.tables.facts = [fact for fact in desk.tables.facts if fact.type != "NumberDrawn"]
    waiting = desk.get(f"/v1/dossiers/{dossier_id}").json()["stamps"]
    assert [one["number"] for one in waiting] == [None, None]


def test_a_re_opened_dossier_is_not_finished(desk: Desk) -> None:
    opened = next(
        row for row in desk.tables.dossiers.values() if row.finished_at and row.status not in (9, 10)
    )
    told = desk.get(f"/v1/dossiers/{opened.dossier_id}").json()
    assert (told["finished_at"], told["five_on_site"]) == (None, None)


def test_dossiers_are_found_by_their_legal_code(desk: Desk) -> None:
    found = desk.get("/v1/dossiers?code=H52.18-200201-0001").json()["dossiers"]
    assert found
    assert {one["dossier_code"] for one in found} == {"H52.18-200201-0001"}
    assert desk.get("/v1/dossiers?code=H52.18-200201-9999").json()["dossiers"] == []


def test_the_public_sees_no_count_below_ten(desk: Desk) -> None:
    public = desk.client.get("/v1/public/figures").json()
    assert public["received"] == 60
    for name in BUCKETS:
        assert public[name] in ("<10", None) or public[name] >= 10
    assert "supplement_requested" not in public


def test_a_thousand_open_boards_ask_the_warehouse_once(desk: Desk) -> None:
    before = desk.tables.asked
    for _ in range(20):
        assert desk.client.get("/v1/public/figures").status_code == 200
    assert desk.tables.asked == before + 1
    desk.clock.at += 2
    desk.client.get("/v1/public/figures")
    assert desk.tables.asked == before + 2


def test_freshness_shows_a_clock_only_when_every_partition_has_one(desk: Desk) -> None:
    desk.tables.clocks = {}
    fresh = desk.get("/v1/freshness").json()
    assert (fresh["clock"], fresh["lag_records"], fresh["clock_kind"]) == (None, 0, "log")
    assert len(fresh["partitions"]) == DOSSIER_PARTITIONS
    desk.tables.clocks = {p: micros(START) + 1_000_000 * p for p in range(DOSSIER_PARTITIONS)}
    assert desk.get("/v1/freshness").json()["clock"] == "2020-01-31T23:30:00.123456Z"
    del desk.tables.clocks[3]
    desk.tables.clocks[99] = micros(START)  # of no partition the log has
    assert desk.get("/v1/freshness").json()["clock"] is None


def test_reconcile_is_zero_when_nothing_is_wrong_and_counts_what_is(desk: Desk) -> None:
    proof = desk.post("/v1/reconcile").json()
    assert [proof[kind] for kind in ("missing", "duplicated", "mismatched")] == [0, 0, 0]
    assert (proof["facts"], proof["dossiers"], proof["complete"]) == (len(desk.tables.facts), 60, True)
    assert len(proof["partitions"]) == DOSSIER_PARTITIONS
    lost = desk.tables.facts.pop()
    desk.tables.facts.append(desk.tables.facts[0])
    proof = desk.post("/v1/reconcile").json()
    assert (proof["missing"], proof["duplicated"]) == (1, 1)
    assert proof["partitions"][lost.log_partition]["missing"] == 1
    metrics = desk.client.get("/metrics").text
    assert 'motcua_analytics_reconcile_differences{kind="missing"} 1.0' in metrics


def test_reconcile_sees_what_stands_for_a_partition_nobody_has(desk: Desk) -> None:
    desk.tables.facts.append(desk.tables.facts[0]._replace(log_partition=99))
    desk.tables.clocks[99] = 1
    proof = desk.post("/v1/reconcile").json()
    assert (proof["missing"], proof["duplicated"], proof["mismatched"]) == (0, 3, 0)
    assert (proof["partitions"][-1]["partition"], proof["complete"]) == (99, True)


def test_reconcile_compares_the_clocks(desk: Desk) -> None:
    desk.tables.clocks[0] += 1
    del desk.tables.clocks[1]
    proof = desk.post("/v1/reconcile").json()
    assert (proof["missing"], proof["duplicated"], proof["mismatched"]) == (1, 0, 1)


def test_reconcile_waits_for_the_sink_and_says_when_it_does_not_come(desk: Desk) -> None:
    desk.facts.append(0, b"more")
    assert_problem(desk.post("/v1/reconcile"), 503, "behind")
    desk.facts.records[0].pop()
    with desk.gate:
        assert_problem(desk.post("/v1/reconcile"), 503, "behind")


@pytest.mark.parametrize(
    ("running", "reason", "words"),
    [
        ("/v1/reconcile", "reconcile_running", "đối soát"),
        ("/v1/reconcile/repair", "repair_running", "sửa chữa"),
        ("/v1/rebuild", "rebuild_running", "dựng lại"),
    ],
)
def test_one_at_a_time_and_the_other_is_told_what_runs(
    desk: Desk, running: str, reason: str, words: str
) -> None:
    answers: list[Any] = []

    def ask_meanwhile() -> MemoryFactLog:
        if not answers:
            answers.append(None)
            others = ("/v1/reconcile", "/v1/reconcile/repair", "/v1/rebuild")
            answers.extend(desk.post(path, "admin") for path in others)
        return MemoryFactLog(desk.facts, lambda point: None, lambda: None)

    desk.reconciler._open_log = ask_meanwhile
    assert desk.post(running, "admin").status_code == 200
    assert len(answers) == 4
    for answer in answers[1:]:
        assert words in assert_problem(answer, 409, reason)["detail"]


def test_readiness_says_why_not(desk: Desk) -> None:
    desk.status.beat(desk.clock.monotonic())
    assert desk.client.get("/readyz").json() == {"ready": True, "why": [], "partitions": [*range(8)]}
    desk.status.beat(desk.clock.monotonic(), "insert: away")
    answer = desk.client.get("/readyz")
    assert (answer.status_code, answer.json()["why"]) == (503, ["insert: away"])
    desk.status.beat(desk.clock.monotonic())
    desk.clock.at += 120
    assert desk.client.get("/readyz").json()["why"] == ["the sink does not move"]
    assert desk.client.get("/healthz").json() == {"status": "ok"}


def test_the_board_is_served_whole_and_loads_nothing_from_elsewhere(desk: Desk) -> None:
    page = desk.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert 'lang="vi"' in page.text
    for path in ("board.css", "board.js"):
        assert path in page.text
        part = desk.client.get(f"/{path}")
        assert part.status_code == 200
        assert "http://" not in part.text
        assert "https://" not in part.text
    assert "//" not in page.text.replace("<!doctype html>", "")
    script = desk.client.get("/board.js").text
    assert "Số liệu cách đây" in script
    for name in (*BUCKETS, "on_time_of_received", "on_time_of_decided", "on_time_of_solved"):
        assert name in script


def test_the_board_says_what_it_counts_and_what_it_hides(desk: Desk) -> None:
    page, script = desk.client.get("/").text, desk.client.get("/board.js").text
    assert "Đã nộp" in page
    assert "kể cả hồ sơ chưa được tiếp nhận" in page
    assert "Đã tiếp nhận" not in page + script
    assert "(trước hạn + đúng hạn) ÷ (đã nộp − chưa đến hạn)" in script
    assert "được ẩn thêm" in page
    assert "agency_name" in script


def test_a_repair_puts_right_and_answers_with_a_second_look(desk: Desk) -> None:
    lost = next(row for row in desk.tables.facts if row.log_partition == 0)
    desk.tables.facts.remove(lost)
    desk.tables.dossiers.pop(next(row.dossier_id for row in desk.tables.facts if row.log_partition == 1))
    desk.tables.clocks[2] += 1
    before = desk.post("/v1/reconcile").json()
    assert before["missing"] >= 2
    assert before["mismatched"] > before["drift"] > 0
    repair = desk.post("/v1/reconcile/repair", "admin").json()
    assert [repair[kind] for kind in ("missing", "duplicated", "mismatched", "drift")] == [0, 0, 0, 0]
    assert repair["before"] == {name: before[name] for name in repair["before"]}
    assert repair["repaired"] == before["missing"] + before["duplicated"] + before["mismatched"]
    metrics = desk.client.get("/metrics").text
    assert f"motcua_analytics_repaired_differences_total {repair['repaired']}.0" in metrics
    assert "motcua_analytics_roll_up_drift 0.0" in metrics
    assert desk.post("/v1/reconcile/repair", "admin").json()["repaired"] == 0


def test_a_rebuild_makes_the_roll_ups_of_every_partition_anew(desk: Desk) -> None:
    wanted = desk.get("/v1/figures").json()["received"]
    desk.tables.dossiers.clear()
    answer = desk.post("/v1/rebuild", "admin").json()
    assert answer["complete"]
    assert {"figures", "ratings", "step_times", "dossier_states"} <= set(answer["roll_ups"])
    ends = [{"partition": p, "until": len(records)} for p, records in desk.facts.records.items()]
    assert answer["partitions"] == ends
    assert desk.get("/v1/figures").json()["received"] == wanted


def test_what_was_a_dead_letter_is_left_to_a_repair_at_the_start(desk: Desk) -> None:
    """The sink says it has inserted one fact less than this release makes of the log."""
    lost = next(row for row in desk.tables.facts if row.log_partition == 0)
    desk.tables.facts.remove(lost)
    said = Counter(row.log_partition for row in desk.tables.facts)
    desk.reconciler._hold.said = lambda: said
    facts = list(desk.tables.facts)
    proof = desk.post("/v1/reconcile").json()
    assert [part["unsaid"] for part in proof["partitions"]] == [1] + [0] * (len(proof["partitions"]) - 1)
    assert_problem(desk.post("/v1/reconcile/repair", "admin"), 409, "repair_at_start")
    assert desk.tables.facts == facts


def test_a_process_that_is_the_writer_no_more_says_so(desk: Desk) -> None:
    def confirm() -> None:
        raise FencedError("a newer writer")

    desk.reconciler._rebuilder._hold._confirm = confirm
    assert_problem(desk.post("/v1/rebuild", "admin"), 409, "fenced")


def test_a_clock_is_not_put_back_once_the_log_has_moved_it_on(desk: Desk) -> None:
    right = dict(desk.tables.clocks)
    desk.reconciler._rebuilder.set_clock(1, 0, 5)
    assert desk.tables.clocks == right
    until = len(desk.facts.records[1])
    desk.reconciler._rebuilder.set_clock(1, until, 5)
    assert desk.tables.clocks[1] == 5
    desk.reconciler._rebuilder.set_clock(1, until, None)
    assert 1 not in desk.tables.clocks


def test_before_the_sink_knows_its_position_nothing_is_rebuilt(desk: Desk) -> None:
    desk.status.moved({})
    with pytest.raises(BehindError, match="not recovered"):
        desk.reconciler._rebuilder.lane(0)
