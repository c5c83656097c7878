"""Walking: each visit a request with a key of its own, its answer held against what has to come of it."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from contracts.outcomes import ActionName
from motcua.client import Client, ClientError
from motcua.failure import Failure
from motcua.touring.plan import WALK, Visit

DECIDED: Final = frozenset({200, 201})
WAIT: Final = "wait=10"
PATIENCE: Final = 60.0
"""Seconds a visit may take, with all its repetitions; a stack that has just come up is slow at first."""
PAUSE: Final = 0.3


class Row(Struct, frozen=True, kw_only=True):
    """What `--json` says of a visit; times are instants with their offset.

    After a refusal `national_status` and `due` are those the dossier had, for nothing changed.
    """

    action: ActionName
    actor: str
    http_status: int
    accepted: bool
    reason: str | None
    rule: str | None
    national_status: int | None
    due: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a visit: the row, and everything that was said."""

    visit: Visit
    row: Row
    said: Mapping[str, Any]


class AstrayError(Failure):
    """An answer that is not what the walk says."""


class Walk:
    """One dossier's day. `clients` gives the client that has the key of a role."""

    def __init__(
        self,
        clients: Callable[[str], Client],
        *,
        run: str | None = None,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`run` makes the idempotency keys those of this walk alone; `patience` is seconds for a visit."""
        self._clients: Final = clients
        self._run: Final = run or f"tour-{secrets.token_hex(8)}"
        self._patience: Final = patience
        self._now, self._sleep = now, sleep
        self.dossier_id = ""
        self.seq = 0

    def answers(self) -> Iterator[Answer]:
        """Visit by visit. Raises AstrayError after the answer that is not what it has to be."""
        before: Row | None = None
        for place, visit in enumerate(WALK):
            answer = self._ask(place, visit, before)
            before = answer.row
            yield answer
            _check(answer)

    def _ask(self, place: int, visit: Visit, before: Row | None) -> Answer:
        path = f"/v1/dossiers/{self.dossier_id}/{visit.action}" if before else "/v1/dossiers"
        headers = {
            "Idempotency-Key": f"{self._run}-{place}-{visit.action}",
            "Motcua-Actor": visit.actor,
            "Prefer": WAIT,
        }
        status, said = self._decided(self._clients(visit.role), path, visit.body, headers)
        accepted = status in DECIDED
        if accepted:
            self.dossier_id, self.seq = str(said["dossier_id"]), int(said["seq"])
        row = Row(
            action=visit.action,
            actor=visit.actor,
            http_status=status,
            accepted=accepted,
            reason=said.get("reason"),
            rule=said.get("rule"),
            national_status=said.get("status") if accepted else _of(before, "national_status"),
            due=said.get("due") if accepted else _of(before, "due"),
        )
        return Answer(visit, row, said)

    def _decided(
        self, client: Client, path: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and body of the answer. Asked again, with the same key, while there is no decision yet."""
        until = self._now() + self._patience
        while True:
            wait = PAUSE
            try:
                answer = client.request("POST", path, json=dict(body), headers=headers)
                if answer.status_code in DECIDED:
                    return answer.status_code, answer.json()
                why = "the workflow has not decided"
            except ClientError as error:
                if error.status is not None and not error.retriable:
                    return error.status, error.problem
                why, wait = str(error), error.retry_after or wait
            if self._now() + wait > until:
                raise Failure(f"{path}: no decision within {self._patience:g} s: {why}")
            self._sleep(wait)


def _of(before: Row | None, name: str) -> Any:
    """What stood before a refusal stands after it."""
    return None if before is None else getattr(before, name)


def _check(answer: Answer) -> None:
    if why := astray(answer):
        raise AstrayError(why)


def astray(answer: Answer) -> str | None:
    """How an answer differs from what has to come of its visit; None when it does not."""
    visit, row = answer.visit, answer.row
    wanted = visit.refusal or "accepted"
    found = "accepted" if row.accepted else row.reason or f"an answer {row.http_status}"
    if (found, row.national_status) == (wanted, visit.status):
        return None
    return (
        f"{visit.action} by {visit.actor} should be: {wanted}, national status {visit.status};"
        f" it was: {found}, national status {row.national_status}"
    )


@contextlib.contextmanager
def clients_of(
    intake: str, analytics: str | None, keys: Callable[[str], str]
) -> Iterator[Callable[[str], Client]]:
    """A client for each key, made when it is first needed."""
    made: dict[str, Client] = {}
    with contextlib.ExitStack() as stack:

        def client(role: str) -> Client:
            key = keys(role)
            if key not in made:
                made[key] = stack.enter_context(Client(intake, key, analytics_url=analytics))
            return made[key]

        yield client
