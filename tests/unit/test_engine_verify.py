"""The proof says zero of sound topics, and names what is missing, doubled or different in unsound ones."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from contracts.codec import decode_fact, encode
from contracts.commands import Command, TimeAdvanced, Unparked
from contracts.facts import Cause, Fact
from contracts.words import Clock
from services.workflow.engine import verify as verifying
from services.workflow.engine.records import (
    CorruptStateError,
    Incoming,
    StoredDossier,
    StoredPartition,
    decode_stored,
    encode_stored,
)
from services.workflow.engine.verify import SAMPLES, Report, verify
from tests.crash.harness.cluster import Topics
from tests.crash.harness.history import END, Fragile, history
from tests.crash.harness.oracle import Quiet
from tests.crash.harness.stage import Stage, in_virtual_time


class Source(Quiet):
    """Sound or unsound topics, committed up to `committed`."""

    def __init__(self, topics: Topics, committed: int | None = None) -> None:
        super().__init__(topics)
        self._committed = len(topics.commands) if committed is None else committed

    def committed(self) -> int:
        return self._committed


def worked_off(clock: Clock, *, broken: bool = False) -> Topics:
    """What a worker makes of a history; `broken`: one command crashes it, and is released at the end."""

    async def told() -> Topics:
        entries = history(random.Random(3), clock, 0)
        asked = [entry for entry in entries if isinstance(entry, Command)]
        (busiest, _), *_ = Counter(command.dossier_id for command in asked).most_common(1)
        victim = [command for command in asked if command.dossier_id == busiest][2]
        stage = Stage(clock, random.Random(1), Fragile(commands={victim.id} if broken else set()))
        stage.world.batch = 1  # a state for every record: the tests cut anywhere
        for entry in entries:
            stage.feed(0, entry)
        if clock is Clock.LOG:
            stage.feed(0, TimeAdvanced(to=END))
        stage.over = True
        await stage.settle()
        if broken:
            stage.feed(0, Unparked(dossier_id=victim.dossier_id))
            await stage.settle()
        return stage.cluster.partitions[0]

    return in_virtual_time(told)


SOUND = {clock: worked_off(clock) for clock in Clock}


@pytest.fixture
def topics() -> Topics:
    return copy.deepcopy(SOUND[Clock.SYSTEM])


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.missing, report.doubled, report.different, report.pending


def proof(topics: Topics, committed: int | None = None, clock: Clock = Clock.SYSTEM) -> Report:
    return verify(0, clock, Source(topics, committed))


@pytest.mark.parametrize("clock", list(Clock))
def test_sound_topics_are_sound(clock: Clock) -> None:
    report = proof(SOUND[clock], clock=clock)
    assert counts(report) == (0, 0, 0, 0)
    assert report.clean
    assert report.facts == len(SOUND[clock].facts) > 10
    assert report.commands == len(SOUND[clock].commands)
    assert (report.repeats, report.parked) == (0, 0)
    assert report.dossiers > 1


def test_nothing_at_all_is_sound() -> None:
    assert proof(Topics()) == Report(partition=0)


@pytest.mark.parametrize("clock", list(Clock))
def test_a_parked_dossier_is_found_by_reading_ahead(clock: Clock) -> None:
    """The code of the proof could decide the record; it was not decided, and that is what must follow."""
    topics = worked_off(clock, broken=True)
    assert any(b"parked" in data for _, data in topics.facts)
    assert counts(proof(topics, clock=clock)) == (0, 0, 0, 0)
    topics.commands = [
        Incoming(r.offset, r.key, b"{" if b'"record":"parked"' in (r.value or b"") else r.value)
        for r in topics.commands
    ]
    assert not proof(topics, clock=clock).clean


def test_repeats_are_counted_and_harmless(topics: Topics) -> None:
    topics.facts += topics.facts[:5]
    report = proof(topics)
    assert (report.repeats, report.clean) == (5, True)


def test_a_lost_fact_is_missing_once_its_command_is_committed(topics: Topics) -> None:
    (cause, _) = topics.facts.pop(3)
    report = proof(topics)
    assert counts(report) == (1, 0, 0, 0)
    assert report.samples[0].startswith("missing: ")
    assert f"caused by {cause.offset}/{cause.n}" in report.samples[0]


def test_what_is_not_committed_may_be_on_its_way(topics: Topics) -> None:
    """A worker that has read the last commands only now."""
    cut = topics.facts[-4][0].offset
    topics.facts = [row for row in topics.facts if row[0].offset < cut]
    topics.states = [row for row in topics.states if getattr(decode_stored(row[1]), "applied", -1) < cut]
    assert proof(topics).missing > 0
    missing, doubled, different, pending = counts(proof(topics, committed=cut))
    assert (missing, doubled, different) == (0, 0, 0)
    assert pending > 0


def test_a_fact_nothing_calls_for_is_doubled(topics: Topics) -> None:
    last = next(fact for _, data in reversed(topics.facts) if isinstance(fact := decode_fact(data), Fact))
    cause = Cause(0, len(topics.commands) - 1, 999)  # beyond any list
    again = Fact(**{name: getattr(last, name) for name in last.__struct_fields__} | {"cause": cause})
    topics.facts.append((cause, encode(again)))
    report = proof(topics)
    assert counts(report) == (0, 1, 0, 0)
    assert "nothing in the log calls for it" in " ".join(report.samples)


def _other_byte(topics: Topics) -> None:
    cause, data = topics.facts[2]
    topics.facts[2] = cause, data.replace(b'"seq":', b'"seq": ')


def _garbage(topics: Topics) -> None:
    topics.facts.append((Cause(0, 0, 0), b"{"))


def _other_partition(topics: Topics) -> None:
    cause, data = topics.facts[-1]
    topics.facts.append((cause, data.replace(b'"cause":[0,', b'"cause":[1,')))


def _other_state(topics: Topics) -> None:
    place, (key, data) = next(
        (n, row) for n, row in enumerate(topics.states) if isinstance(decode_stored(row[1]), StoredDossier)
    )
    stored = decode_stored(data)
    assert isinstance(stored, StoredDossier)
    topics.states[place:] = [
        (key, encode_stored(StoredDossier(9_999, stored.dossier))),
        *topics.states[place:],
    ]


def _other_head(topics: Topics) -> None:
    topics.states.append(("@partition", encode_stored(StoredPartition(applied=9_999))))


def _other_law(topics: Topics) -> None:
    key, data = next(row for row in topics.states if row[0] == "@law/1")
    topics.states.append((key, data.replace(b"2025", b"2026")))


@pytest.mark.parametrize(
    "harm", [_other_byte, _garbage, _other_partition, _other_state, _other_head, _other_law]
)
def test_what_is_not_as_decided_is_different(topics: Topics, harm: Callable[[Topics], None]) -> None:
    harm(topics)
    report = proof(topics)
    assert report.different >= 1
    assert (report.missing, report.doubled) == (0, 0)


def test_a_state_that_was_never_written_is_missing(topics: Topics) -> None:
    key = next(key for key, _ in reversed(topics.states) if not key.startswith("@"))
    topics.states = [row for row in topics.states if row[0] != key]
    assert counts(proof(topics)) == (1, 0, 0, 0)


def test_a_state_of_a_dossier_nobody_registered_is_doubled(topics: Topics) -> None:
    key, data = next(row for row in topics.states if not row[0].startswith("@"))
    topics.states.append(("f" * 32, data.replace(key.encode(), b"f" * 32)))
    assert counts(proof(topics)) == (0, 1, 0, 0)


def test_a_state_topic_that_holds_something_else_is_no_state_topic(topics: Topics) -> None:
    topics.states.append(("x", b"{"))
    with pytest.raises(CorruptStateError):
        proof(topics)


def test_a_number_left_out_is_noticed_though_it_was_decided_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deciding again cannot see what is wrong with deciding; the numbers can."""
    topics = copy.deepcopy(SOUND[Clock.SYSTEM])
    by_dossier = [row for row in topics.facts if b'"seq":2,' in row[1]]
    place = topics.facts.index(by_dossier[0])
    topics.facts[place] = by_dossier[0][0], by_dossier[0][1].replace(b'"seq":2,', b'"seq":3,')
    monkeypatch.setattr(
        verifying, "encode", lambda fact: dict(_places(topics))[fact.cause.offset, fact.cause.n]
    )
    assert proof(topics).different >= 1


def _places(topics: Topics) -> list[tuple[tuple[int, int], bytes]]:
    return [((cause.offset, cause.n), data) for cause, data in topics.facts]


def test_words_are_few_however_much_differs(topics: Topics) -> None:
    topics.facts, topics.states = [], []
    report = proof(topics)
    assert report.missing > SAMPLES
    assert len(report.samples) == SAMPLES


def test_what_comes_while_it_reads_is_left_for_the_next_time(topics: Topics) -> None:
    """The second reading of the commands finds more than the first one."""

    class Growing(Source):
        asked = 0

        def commands(self) -> Iterable[Incoming]:
            self.asked += 1
            yield from super().commands()
            if self.asked > 1:
                yield Incoming(len(topics.commands), b"x", b"{")

    report = verify(0, Clock.SYSTEM, Growing(topics))
    assert report.commands == len(topics.commands)
    assert report.clean
