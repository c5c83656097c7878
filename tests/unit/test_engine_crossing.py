"""The proof over all partitions: every stamp has its draw and one number, and nothing else has one."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codec import decode_command, encode
from contracts.commands import DrawNumber
from contracts.words import Clock
from services.workflow.domain import seals
from services.workflow.domain.seals import Register
from services.workflow.engine import drawing
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.records import Incoming
from services.workflow.engine.verify import Report, verify
from tests.crash.harness.cluster import Topics
from tests.crash.harness.history import Fragile
from tests.crash.harness.oracle import Quiet
from tests.crash.harness.stage import Stage, in_virtual_time
from tests.fakes.workflow import law_record, life


def worked_off() -> list[Topics]:
    """Three ordinary lives in each of two partitions, all stamped with one seal."""

    async def told() -> list[Topics]:
        stage = Stage(Clock.SYSTEM, random.Random(1), Fragile(), partitions=2)
        for number in range(2):
            stage.feed(number, law_record())
            for n in range(3):
                for command in life(f"d{number}-{n}"):
                    stage.feed(number, command)
        await stage.settle()
        assert not stage.judge()
        return stage.cluster.partitions

    return in_virtual_time(told)


SOUND = worked_off()
HOME = next(
    number
    for number, topics in enumerate(SOUND)
    if any(b'"draw"' in (r.value or b"") for r in topics.commands)
)
"""The partition the seal is kept in."""
AWAY = 1 - HOME


@pytest.fixture
def partitions() -> list[Topics]:
    return copy.deepcopy(SOUND)


def proof(partitions: list[Topics], committed: dict[int, int] | None = None) -> list[Report]:
    """The reports of both partitions; all of it committed unless told otherwise."""
    whole = {number: len(topics.commands) for number, topics in enumerate(partitions)}
    crossing = Crossing(whole | (committed or {}))
    reports = [
        verify(n, Clock.SYSTEM, Quiet(topics), crossing=crossing) for n, topics in enumerate(partitions)
    ]
    crossing.judge(dict(enumerate(reports)))
    return reports


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.missing, report.doubled, report.different, report.pending


def draws(topics: Topics) -> list[tuple[int, DrawNumber]]:
    """The draws that stand in a partition, with their offsets."""
    messages = ((record.offset, decode_command(record.value)) for record in topics.commands)
    return [(offset, message) for offset, message in messages if isinstance(message, DrawNumber)]


def put(topics: Topics, offset: int, draw: DrawNumber) -> None:
    """A draw in the place of a record, or at the end."""
    record = Incoming(offset, draw.seal_id.encode(), encode(draw))
    topics.commands[offset : offset + 1] = [record]


def test_sound_partitions_are_sound(partitions: list[Topics]) -> None:
    assert len(draws(partitions[HOME])) == 6
    assert {draw.source.partition for _, draw in draws(partitions[HOME])} == {0, 1}
    assert [counts(report) for report in proof(partitions)] == [(0, 0, 0, 0)] * 2


def test_a_stamp_nobody_drew_for(partitions: list[Topics]) -> None:
    """A record that is none stands where its draw would."""
    offset, draw = next(one for one in reversed(draws(partitions[HOME])) if one[1].source.partition == AWAY)
    topics = partitions[HOME]
    topics.commands[offset] = Incoming(offset, b"x", b"{")
    reports = proof(partitions)
    assert reports[AWAY].missing == 1
    assert reports[AWAY].samples == [f"missing: the draw for stamp {draw.dossier_id}/{draw.stamp}"]
    at_work = proof(partitions, {AWAY: draw.source.offset})
    assert counts(at_work[AWAY]) == (0, 0, 0, 1)


def test_a_draw_nobody_asked_for(partitions: list[Topics]) -> None:
    topics = partitions[HOME]
    _, last = draws(topics)[-1]
    stray = replace(last, source=replace(last.source, n=last.source.n + 1), stamp=last.stamp + 1)
    put(topics, len(topics.commands), stray)
    reports = proof(partitions)
    assert (
        f"doubled: the draw for stamp {stray.dossier_id}/{stray.stamp}: nothing in the log calls for it"
        in (reports[HOME].samples)
    )
    at_work = proof(partitions, {last.source.partition: stray.source.offset})
    assert at_work[HOME].doubled == reports[HOME].doubled - 1


@pytest.mark.parametrize("repeated", [True, False])
def test_a_draw_that_is_not_as_asked_for(partitions: list[Topics], repeated: bool) -> None:
    topics = partitions[HOME]
    offset, draw = draws(topics)[-1]
    put(topics, len(topics.commands) if repeated else offset, replace(draw, agency="000.09.18.H52"))
    reports = proof(partitions)
    said = f"different: the draw for stamp {draw.dossier_id}/{draw.stamp}: not as called for"
    assert said in reports[draw.source.partition].samples


def _gives_none(register: Register | None, *rest: Any) -> Any:
    return None if register and register.seq == 5 else seals.draw(register, *rest)


def _gives_again(register: Register | None, *rest: Any) -> Any:
    return seals.draw(register and replace(register, marks=()), *rest)


@pytest.mark.parametrize(
    ("wrong", "said"), [(_gives_none, "missing: the number"), (_gives_again, "doubled: the number")]
)
def test_a_number_wrongly_drawn_shows_though_deciding_again_says_the_same(
    wrong: Callable[..., Any], said: str, partitions: list[Topics], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = partitions[HOME]
    put(topics, len(topics.commands), draws(topics)[0][1])  # sent again, as after a crash
    assert all(report.clean for report in proof(partitions))
    monkeypatch.setattr(drawing, "draw", wrong)
    assert any(line.startswith(said) for report in proof(partitions) for line in report.samples)


def test_a_number_left_out_shows_in_the_facts(
    partitions: list[Topics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each register's own row: decided again alike, and wrong all the same."""

    def skips(register: Register | None, *rest: Any) -> Any:
        drawn = seals.draw(register, *rest)
        return drawn and (replace(drawn[0], number=drawn[0].number * 2), drawn[1])

    monkeypatch.setattr(drawing, "draw", skips)
    topics = partitions[HOME]
    topics.facts = [
        (cause, _doubled(data) if b'"record":"number"' in data else data) for cause, data in topics.facts
    ]
    report = verify(HOME, Clock.SYSTEM, Quiet(topics))
    assert report.different == 6
    assert "number 4 of 2025 follows 2" in report.samples[1]


def _doubled(data: bytes) -> bytes:
    head, _, tail = data.partition(b'"number":')
    number, comma, rest = tail.partition(b",")
    return b"%b%b%d%b%b" % (head, b'"number":', int(number) * 2, comma, rest)


def test_a_draw_from_a_partition_there_is_none_of_is_never_on_its_way(partitions: list[Topics]) -> None:
    topics = partitions[HOME]
    _, draw = draws(topics)[0]
    stray = replace(draw, source=replace(draw.source, partition=99, offset=10**6), dossier_id="f" * 32)
    put(topics, len(topics.commands), stray)
    assert any(line.startswith("doubled: the draw") for line in proof(partitions)[HOME].samples)
