"""A stack behind a fake transport: takes commands by key, and can be told to misbehave on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from motcua.client import Client

BUCKETS: Final = (
    "early",
    "on_time",
    "late",
    "not_due",
    "paused",
    "supplement_requested",
    "refused",
    "withdrawn",
    "stopped",
    "declined",
    "late_by_original",
)


@dataclass
class FakeTime:
    """A clock that only moves by sleeping."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeStack:
    """Intake and analytics in one. `mischief` is used up front to back, one entry a request of commands.

    ``ok`` takes all lines; ``busy`` answers 503 with Retry-After 3; ``busy-at-N`` takes the first N lines and
    says 503 to the rest; ``lost`` takes all and never answers; ``down`` does not even take them;
    ``short-N`` takes all and answers only the first N lines; ``torn`` takes all and breaks off mid-line.
    """

    clock: str = "log"
    mischief: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    taken: list[str] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    time_to: str | None = None
    clocks: list[str | None] = field(default_factory=list)
    reconciliation: dict[str, Any] = field(
        default_factory=lambda: {"missing": 0, "duplicated": 0, "mismatched": 0, "facts": 9}
    )
    figures_query: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def client(self) -> Client:
        """A client of this stack."""
        return Client("http://intake.test", "key", transport=httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(f"{request.method} {request.url.path}")
        routes: dict[str, Callable[[httpx.Request], httpx.Response]] = {
            "GET /v1/about": self._about,
            "POST /v1/commands": self._commands,
            "POST /v1/time": self._time,
            "GET /v1/freshness": self._freshness,
            "GET /v1/figures": self._figures,
            "POST /v1/reconcile": lambda _: httpx.Response(200, json=self.reconciliation),
        }
        return routes[self.asked[-1]](request)

    def _about(self, _: httpx.Request) -> httpx.Response:
        links = {"analytics": "http://analytics.test"}
        return httpx.Response(200, json={"service": "intake", "clock": self.clock, "links": links})

    def _commands(self, request: httpx.Request) -> httpx.Response:
        lines = [json.loads(line) for line in request.content.splitlines()]
        self.bodies.append(len(lines))
        how = self.mischief.pop(0) if self.mischief else "ok"
        if how == "busy":
            return httpx.Response(503, headers={"Retry-After": "3"}, json={"title": "Busy"})
        if how == "down":
            raise httpx.ConnectError("connection refused", request=request)
        taken = int(how.removeprefix("busy-at-")) if how.startswith("busy-at-") else len(lines)
        answers = [self._take(number, line, taken) for number, line in enumerate(lines, start=1)]
        if how == "lost":
            raise httpx.ReadError("connection reset", request=request)
        if how.startswith("short-"):
            answers = answers[: int(how.removeprefix("short-"))]
        body = "".join(json.dumps(answer) + "\n" for answer in answers)
        return httpx.Response(200, text=body[:-9] if how == "torn" else body)

    def _take(self, number: int, line: dict[str, Any], taken: int) -> dict[str, Any]:
        if number > taken:
            return {"line": number, "status": 503, "problem": {"title": "Busy"}}
        if line["key"] in self.refused:
            problem = {"detail": "unknown procedure", "reason": "unknown_procedure"}
            return {"line": number, "status": 422, "problem": problem}
        if line["key"] not in self.taken:
            self.taken.append(line["key"])
        return {"line": number, "status": 202, "dossier_id": "0" * 32, "command_id": "0" * 32}

    def _time(self, request: httpx.Request) -> httpx.Response:
        self.time_to = json.loads(request.content)["to"]
        return httpx.Response(202)

    def _freshness(self, _: httpx.Request) -> httpx.Response:
        clock = self.clocks.pop(0) if self.clocks else self.time_to
        return httpx.Response(200, json={"clock": clock, "lag_records": len(self.clocks), "partitions": {}})

    def _figures(self, request: httpx.Request) -> httpx.Response:
        self.figures_query = dict(request.url.params)
        counts = dict.fromkeys(BUCKETS, 0)
        return httpx.Response(200, json={"received": len(self.taken), **counts, "rates": {}})
