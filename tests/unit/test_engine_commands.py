"""`motcua engine` and `motcua dlq`: what they print, what they append, what they refuse, their exit codes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from contracts.codec import decode_command, encode
from contracts.commands import Parked, TimeAdvanced, Unparked
from contracts.topics import COMMANDS, COMMANDS_DLQ, FACTS, FACTS_DLQ, STATES
from contracts.words import Clock
from motcua import brokers
from motcua.__main__ import main
from motcua.dlq import ORIGINS, safe
from services.workflow.adapters.topics import TopicsUnavailableError
from services.workflow.engine.parking import Parking
from tests.fakes.topics import MemoryTopics
from tests.fakes.workflow import START, life
from tests.unit.test_engine_verify import worked_off

Captured = pytest.CaptureFixture[str]

REGISTER = life()[0]
DLQ = COMMANDS_DLQ
KEY = REGISTER.dossier_id.encode()
REASON = [("dlq_reason", b"parked: key_error"), ("dlq_topic", COMMANDS.encode())]
PLACE = [("dlq_partition", b"3"), ("dlq_offset", b"41")]


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> MemoryTopics:
    memory = MemoryTopics()
    monkeypatch.setenv("MOTCUA_KAFKA", "127.0.0.1:1")
    monkeypatch.delenv("MOTCUA_CLOCK", raising=False)
    monkeypatch.setattr(brokers, "connect", lambda bootstrap: memory)
    return memory


def park(topics: MemoryTopics, partition: int = 3) -> None:
    parking = Parking()
    states = parking.park(Parked(dossier_id=REGISTER.dossier_id, offset=41, reason="key_error"))
    for key, data in states.items():
        topics.append(STATES, partition, key.encode(), data, [])


def letter(
    topics: MemoryTopics, value: bytes | None, key: bytes | None = KEY, topic: str = COMMANDS_DLQ
) -> str:
    offset = topics.append(topic, 3, key, value, [*REASON, *PLACE])
    return f"{topic}/3/{offset}"


# ---- engine -------------------------------------------------------------------------------------


def test_verify_says_zero_of_a_sound_system(topics: MemoryTopics, capsys: Captured) -> None:
    topics.take(worked_off(Clock.SYSTEM), 0)
    assert main(["engine", "verify"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("Facts and states follow from the log.\n")
    assert len(out.splitlines()) == 1 + 8 + 1 + 1


def test_verify_names_what_differs_and_fails(topics: MemoryTopics, capsys: Captured) -> None:
    topics.take(worked_off(Clock.SYSTEM), 0)
    del topics.rows[FACTS, 0][4]
    assert main(["engine", "verify", "--json", "--partition", "0"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["missing"], answer["doubled"], answer["different"]) == (1, 0, 0)
    assert [part["partition"] for part in answer["partitions"]] == [0]
    assert main(["engine", "verify"]) == 1
    out = capsys.readouterr().out
    assert "partition 0: missing: " in out
    assert "do NOT follow" in out


def test_verify_goes_by_the_clock_it_is_told(
    topics: MemoryTopics, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    topics.take(worked_off(Clock.LOG), 0)
    assert main(["engine", "verify", "--clock", "log"]) == 0
    monkeypatch.setenv("MOTCUA_CLOCK", "log")
    assert main(["engine", "verify"]) == 0


def test_verify_refuses_a_partition_there_is_not(topics: MemoryTopics, capsys: Captured) -> None:
    assert main(["engine", "verify", "--partition", "8"]) == 1
    assert "0 to 7" in capsys.readouterr().err


def test_verify_says_so_when_the_log_cannot_be_decided(topics: MemoryTopics, capsys: Captured) -> None:
    topics.append(STATES, 2, b"x", b"{", [])
    assert main(["engine", "verify"]) == 1
    assert "cannot be decided" in capsys.readouterr().err


def test_parked_dossiers_are_listed_and_released(topics: MemoryTopics, capsys: Captured) -> None:
    park(topics)
    assert main(["engine", "parked", "--json"]) == 0
    row = {"dossier_id": REGISTER.dossier_id, "partition": 3, "offset": 41, "reason": "key_error"}
    assert json.loads(capsys.readouterr().out) == [row]
    assert main(["engine", "parked"]) == 0
    assert "offset 41: key_error\n1 dossier(s)" in capsys.readouterr().out
    assert main(["engine", "unpark", REGISTER.dossier_id]) == 0
    [record] = topics.rows[COMMANDS, 3]
    assert record.key == KEY
    assert decode_command(record.value) == Unparked(dossier_id=REGISTER.dossier_id)
    assert ("ce_type", b"vn.motcua.Unparked.v1") in record.headers
    assert "offset 0 of partition 3" in capsys.readouterr().out


def test_who_is_not_parked_cannot_be_released(topics: MemoryTopics, capsys: Captured) -> None:
    assert main(["engine", "unpark", REGISTER.dossier_id]) == 1
    assert "is parked" in capsys.readouterr().err
    assert not any(topics.rows.values())


# ---- dead letters -------------------------------------------------------------------------------


def test_every_dead_letter_topic_has_an_origin() -> None:
    assert ORIGINS == {COMMANDS_DLQ: COMMANDS, FACTS_DLQ: FACTS}


def test_letters_are_listed_oldest_first(topics: MemoryTopics, capsys: Captured) -> None:
    names = [letter(topics, b"{", None), letter(topics, None, topic=FACTS_DLQ)]
    names.append(letter(topics, encode(REGISTER)))
    assert main(["dlq", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["letter"] for row in rows} == set(names)
    assert rows == sorted(rows, key=lambda row: str(row["at"]))
    assert {row["origin"] for row in rows} == {f"{COMMANDS}/3/41"}
    assert [row["bytes"] for row in rows if row["letter"] == names[0]] == [1]
    assert main(["dlq", "list", "--topic", COMMANDS_DLQ]) == 0
    out = capsys.readouterr().out
    assert out.endswith("2 dead letter(s), 2 not replayed\n")
    assert "2025-06-15T15:06:40+00:00" in out


def test_a_letter_is_shown_safely(topics: MemoryTopics, capsys: Captured) -> None:
    name = letter(topics, b"\x1b]0;gone\x07\xff<b>" + "hồ sơ\u202e".encode() + b"x" * 5_000, b"\x00k")
    assert main(["dlq", "show", name]) == 0
    out = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in out)
    assert r"\x1b]0;gone\x07\xff<b>hồ sơ\u202e" in out
    assert "5024 bytes in all" in out
    assert main(["dlq", "show", name, "--json"]) == 0
    whole: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert bytes.fromhex(whole["value"]).endswith(b"xxx")
    assert whole["headers"]["dlq_offset"] == "41"


@pytest.mark.parametrize("name", ["nonsense", "x/3/0", f"{COMMANDS_DLQ}/3/-1", f"{COMMANDS_DLQ}/99/0", FACTS])
def test_a_letter_that_is_none_is_said_to_be_none(topics: MemoryTopics, capsys: Captured, name: str) -> None:
    letter(topics, b"{")
    assert main(["dlq", "show", name]) == 1
    assert name in capsys.readouterr().err


def test_a_letter_is_replayed_once(topics: MemoryTopics, capsys: Captured) -> None:
    name = letter(topics, encode(REGISTER))
    assert main(["dlq", "replay", name, "--yes"]) == 0
    [record] = topics.rows[COMMANDS, 3]
    assert (record.key, record.value) == (KEY, encode(REGISTER))
    assert ("dlq_letter", name.encode()) in record.headers
    assert main(["dlq", "replay", name, "--yes"]) == 1
    assert "replayed before" in capsys.readouterr().err
    assert len(topics.rows[COMMANDS, 3]) == 1
    assert main(["dlq", "list"]) == 0
    assert "1 dead letter(s), 0 not replayed" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("", 1)])
def test_it_asks_before_it_replays(
    topics: MemoryTopics, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    name = letter(topics, encode(REGISTER))
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["dlq", "replay", name]) == code
    assert len(topics.rows[COMMANDS, 3]) == 1 - code


@pytest.mark.parametrize(
    ("value", "key", "why"),
    [
        (b"{", KEY, "still cannot be decoded"),
        (None, KEY, "still cannot be decoded"),
        (encode(REGISTER), b"other", "its key is not"),
        (encode(TimeAdvanced(to=START)), None, "only a command"),
    ],
)
def test_what_is_still_poison_stays(
    topics: MemoryTopics, capsys: Captured, value: bytes, key: bytes, why: str
) -> None:
    name = letter(topics, value, key)
    assert main(["dlq", "replay", name, "--yes"]) == 1
    assert why in capsys.readouterr().err
    assert topics.rows[COMMANDS, 3] == []


def test_a_command_of_a_dossier_that_stands_still_stays(topics: MemoryTopics, capsys: Captured) -> None:
    park(topics)
    name = letter(topics, encode(REGISTER))
    assert main(["dlq", "replay", name, "--yes"]) == 1
    assert f"motcua engine unpark {REGISTER.dossier_id}" in capsys.readouterr().err


def test_a_fact_is_never_put_back(topics: MemoryTopics, capsys: Captured) -> None:
    name = letter(topics, b"{}", topic=FACTS_DLQ)
    assert main(["dlq", "replay", name, "--yes"]) == 1
    assert "rebuild the warehouse" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["engine", "verify"], ["dlq", "list"]])
def test_brokers_that_do_not_answer_are_a_failure(
    topics: MemoryTopics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
    words: list[str],
) -> None:
    def silent(*_: object) -> None:
        raise TopicsUnavailableError("reading: the brokers do not answer")

    monkeypatch.setattr(topics, "read", silent)
    assert main(words) == 1
    assert "do not answer" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"plain", "Đồng ý".encode()])
def test_harmless_text_is_shown_as_it_is(data: bytes) -> None:
    assert safe(data) == data.decode()
