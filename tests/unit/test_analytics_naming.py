"""Names of agencies: the last one enacted stands, and trouble on the way is overcome, never raised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contracts.codec import encode
from contracts.law import AgencyPublished, EngineVersion, LawEnacted, LawForwarded
from services.analytics.domain.agencies import AgencyNames
from services.analytics.errors import LogTruncatedError, RetryLaterError
from services.analytics.naming import LawLog, Naming
from tests.waiting import wait_until


def entry(**names: str) -> LawEnacted:
    published = tuple(AgencyPublished(code=code, name_vi=name) for code, name in names.items())
    return LawEnacted(author="admin", changes=(EngineVersion(version=1), *published))


def test_the_last_name_stands() -> None:
    names = AgencyNames()
    names.apply(entry(H52="Sở Y tế", H53="Sở Nội vụ"))
    names.apply(LawForwarded(through=1))
    names.apply(entry(H52="Sở Y tế và Dân số"))
    assert [names.name(code) for code in ("H52", "H53", "H54")] == ["Sở Y tế và Dân số", "Sở Nội vụ", None]


class Log:
    """Gives its batches one by one, then nothing; raises what stands among them."""

    def __init__(self, *batches: list[bytes | None] | Exception) -> None:
        self._batches = list(batches)
        self.closed = threading.Event()

    def poll(self) -> list[bytes | None]:
        if not self._batches:
            return []
        batch = self._batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def close(self) -> None:
        self.closed.set()


@contextmanager
def following(*logs: Log | Exception) -> Iterator[Naming]:
    """A thread that opens each of `logs` in turn."""
    left = list(logs)

    def open_log() -> LawLog:
        log = left.pop(0)
        if isinstance(log, Exception):
            raise log
        return log

    naming = Naming(open_log, pause=0.001)
    naming.start()
    try:
        yield naming
    finally:
        naming.stop(10)


def test_it_follows_the_law_and_closes_what_it_opened() -> None:
    log = Log([encode(entry(H52="Sở Y tế"))], [], [encode(entry(H52="Sở Nội vụ"))])
    with following(log) as naming:
        wait_until(lambda: naming.names.name("H52") == "Sở Nội vụ", 10, "the second name")
    assert log.closed.is_set()


def test_an_entry_that_is_none_is_passed_over() -> None:
    with following(Log([b"{}", None, b"\xff", encode(entry(H52="Sở Y tế"))])) as naming:
        wait_until(lambda: naming.names.name("H52"), 10, "the name after the garbage")


def test_trouble_begins_again_from_the_beginning() -> None:
    first = Log([encode(entry(H52="Sở Y tế"))], LogTruncatedError("gone"))
    second = Log(RetryLaterError("away"))
    third = Log([encode(entry(H53="Sở Nội vụ"))])
    with following(RetryLaterError("away"), first, second, third) as naming:
        wait_until(lambda: naming.names.name("H53"), 10, "the name after the trouble")
        assert naming.names.name("H52") == "Sở Y tế"
    assert first.closed.is_set()
    assert second.closed.is_set()
