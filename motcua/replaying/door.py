"""Sending a history through the real door, in order and without losing a line.

Every line carries its own key, so saying it again changes nothing: what got no answer, or "later", is said
again from the first such line on. Patience is bounded and starts anew with every success.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from motcua.client import Client, ClientError
from motcua.failure import Failure

T = TypeVar("T")

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
POLL: Final = 0.2
LATER: Final = frozenset({429, 502, 503, 504})


@dataclass
class Sent:
    """What became of the lines."""

    commands: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)


class Door:
    """The stack as the replay sees it.

    `patience` is seconds without any success before giving up; `check` is asked before each wait and
    raises when waiting is of no use.
    """

    def __init__(
        self,
        client: Client,
        *,
        patience: float = 60.0,
        check: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client: Final = client
        self._patience: Final = patience
        self._check: Final = check
        self._now: Final = now
        self._sleep: Final = sleep
        self.sent: Final = Sent()

    def send(self, lines: list[bytes]) -> None:
        """Send one body until each line is taken, or refused for good (kept in `sent`).

        Raises Failure when the door refuses the whole body or is patient for too long.
        """
        pending = lines
        since, pause = self._now(), FIRST_PAUSE
        while pending:
            try:
                answers = list(self._client.post_ndjson("/v1/commands", pending))
                later, wait = "the door took no line", None
            except ClientError as error:
                if not error.retriable:
                    raise
                answers, later, wait = [], str(error), error.retry_after
            except msgspec.DecodeError as error:  # the answer broke off
                answers, later, wait = [], f"the door's answer: {error}", None
            settled = self._settle(pending, answers)
            pending = pending[settled:]
            if settled:
                since, pause = self._now(), FIRST_PAUSE
            if pending:
                self.sent.repeated += len(pending)
                pause = self._wait(since, pause, wait, later)

    def call(self, ask: Callable[[], T]) -> T:
        """Ask once more while nobody answers or the answer is "later". Raises ClientError, Failure."""
        since, pause = self._now(), FIRST_PAUSE
        while True:
            try:
                return ask()
            except ClientError as error:
                if not error.retriable:
                    raise
                pause = self._wait(since, pause, error.retry_after, str(error))

    def get(self, path: str, *, analytics: bool = False, **query: object) -> Any:
        """GET, with patience."""
        return self.call(lambda: self._client.get(path, "analytics" if analytics else "intake", **query))

    def post(self, path: str, json: object = None, *, analytics: bool = False) -> Any:
        """POST of something that may be said twice, with patience."""
        return self.call(lambda: self._client.post(path, json, "analytics" if analytics else "intake"))

    def wait_for_clock(self, to: datetime) -> None:
        """Until all that was sent is queryable. Raises Failure when nothing moves for the patience."""
        since, before = self._now(), None
        while True:
            seen = self.get("/v1/freshness", analytics=True)
            clock = seen.get("clock")
            if clock is not None and datetime.fromisoformat(clock) >= to:
                return
            state = {name: seen.get(name) for name in ("clock", "lag_records", "partitions")}
            if state != before:
                since, before = self._now(), state
            elif self._now() - since > self._patience:
                raise Failure(
                    f"analytics should reach {to.isoformat()}, but nothing moved for {self._patience:g} s:"
                    f" its clock is {clock}, lag {seen.get('lag_records')} records"
                )
            self._check()
            self._sleep(POLL)

    def _settle(self, pending: list[bytes], answers: list[dict[str, Any]]) -> int:
        """How many of the first lines are done with: everything before the first that must be said again."""
        settled = 0
        for line, answer in zip(pending, answers, strict=False):
            status = int(answer.get("status", 503))
            if status in LATER:
                break
            settled += 1
            if 200 <= status < 300:
                self.sent.commands += 1
            else:
                self.sent.refused.append(_why(line, status, answer))
        return settled

    def _wait(self, since: float, pause: float, asked: float | None, why: str) -> float:
        """Sleep as asked or for the pause; the next pause. Raises Failure when patience is over."""
        self._check()
        if self._now() - since > self._patience:
            raise Failure(f"gave up after {self._patience:g} s: {why}")
        self._sleep(pause if asked is None else min(asked, self._patience))
        return min(pause * 2, LONGEST_PAUSE)


class _Named(Struct, frozen=True):
    key: str


def _why(line: bytes, status: int, answer: dict[str, Any]) -> str:
    """Names the line by its key alone: the rest of it may be personal."""
    problem = answer.get("problem") or {}
    words = problem.get("detail") or problem.get("title") or "refused"
    try:
        name = msgspec.json.decode(line, type=_Named).key
    except msgspec.MsgspecError:
        name = "a line without a key"
    return f"{status} {words} ({problem.get('reason', 'no reason given')}): {name}"
