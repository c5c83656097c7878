"""A stack behind a fake transport that answers the requests of the tour as planned, or as it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec

from contracts.outcomes import ActionName
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client
from motcua.touring.plan import AGENCY, PROCEDURE, WALK

DOSSIER: Final = "5b1c6d0f3a9e4c7788aa01e2f4d6b8c0"
DUE: Final = "2026-11-27T10:00:00Z"
CODE: Final = "H44.101-261123-0001"


@dataclass
class FakeOffice:
    """Intake and analytics in one.

    `instead` holds other answers to the visit of that number (from 0) than planned, used up front to back;
    then comes the planned one. `shown` is what analytics answers, one look after the other, the last one on
    and on; without any it knows no dossier.
    """

    clock: str = "system"
    instead: dict[int, list[httpx.Response]] = field(default_factory=dict)
    shown: Sequence[Mapping[str, Any]] = ()
    lawless: bool = False
    asked: list[httpx.Request] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    looked: int = 0

    def client(self, role: str = "admin") -> Client:
        """A client of it; the role is its key."""
        transport = httpx.MockTransport(self._answer)
        return Client("http://intake", role, analytics_url="http://analytics", transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.url.host == "analytics":
            self.looked += 1
            return self._shown()
        if path == "/v1/about":
            return httpx.Response(200, json={"clock": self.clock, "links": {"analytics": "http://analytics"}})
        if path in ("/v1/procedures", "/v1/agencies"):
            name = path.removeprefix("/v1/")
            return httpx.Response(200, content=msgspec.json.encode({name: self._law(name)}))
        return self._decided(request)

    def _law(self, name: str) -> list[msgspec.Struct]:
        if self.lawless:
            return []
        if name == "procedures":
            return [one for one in sample_procedures() if one.code == PROCEDURE]
        return [one for one in sample_agencies() if one.code == AGENCY]

    def _shown(self) -> httpx.Response:
        if not self.shown:
            return httpx.Response(404, json={"reason": "unknown_dossier"})
        return httpx.Response(200, json=self.shown[min(self.looked, len(self.shown)) - 1])

    def _decided(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        key = request.headers["Idempotency-Key"]
        if key not in self.decided:
            self.decided.append(key)
        place = len(self.decided) - 1
        if self.instead.get(place):
            return self.instead[place].pop(0)
        visit = WALK[place]
        if visit.refusal:
            said = {
                "reason": visit.refusal,
                "rule": "Luật",
                "legal_ground": "Nghị định",
                "allowed_actions": [],
            }
            return httpx.Response(409, json=said)
        registers = visit.action is ActionName.REGISTER
        return accepted(
            int(visit.status), place + 1, 201 if registers else 200, due=None if registers else DUE
        )


def accepted(status: int, seq: int, code: int = 200, due: str | None = DUE) -> httpx.Response:
    """A command was accepted."""
    said = {"dossier_id": DOSSIER, "seq": seq, "status": status, "due": due, "dossier_code": CODE}
    return httpx.Response(code, json=said)


def bodies(requests: Sequence[httpx.Request]) -> list[Any]:
    """What was sent."""
    return [json.loads(request.content) for request in requests]
