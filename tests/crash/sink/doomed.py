"""A connection to a real warehouse whose process meets its fate at one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from services.analytics.adapters.clickhouse import Connection, Parameter, Pool
from services.analytics.errors import RetryLaterError
from tests.fakes.analytics import DiedError

T = TypeVar("T")


class Fate(StrEnum):
    """What becomes of the process at its statement."""

    BEFORE = "dies before it"
    AFTER = "dies after it"
    LOST = "lives on, but the answer is lost"
    FROZEN = "is frozen before it, and goes on when another has taken over"
    KILLED = "lives on, but the warehouse dies during it"


@dataclass
class Doom:
    """Counts statements once `at` is set, and strikes at number `at`, or at the first that begins so;
    `meanwhile` happens before that one, or beside it where the warehouse dies.

    A dead process gives no more statements, whatever still runs of it in this one.
    """

    fate: Fate = Fate.BEFORE
    at: int | str | None = None
    meanwhile: Callable[[], None] = lambda: None
    given: list[str] = field(default_factory=list)
    dead: bool = False
    struck: bool = False

    def count(self, act: Callable[[], T], text: str) -> T:
        """The answer of a statement, if it comes to that."""
        if self.dead:
            raise DiedError(text)
        if self.at is None:
            return act()
        self.given.append(text)
        here = text.startswith(self.at) if isinstance(self.at, str) else len(self.given) - 1 == self.at
        if self.struck or not here:
            return act()
        self.struck = True
        if self.fate in (Fate.FROZEN, Fate.KILLED):
            self.meanwhile()
            return act()
        if self.fate is not Fate.BEFORE:
            act()
        if self.fate is Fate.LOST:
            raise RetryLaterError("the answer is lost")
        self.dead = True
        raise DiedError(text)


class DoomedConnection(Connection):
    """Every statement goes by the doom."""

    def __init__(self, url: str, doom: Doom) -> None:
        super().__init__(url)
        self.doom = doom

    def rows(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """See `Connection`."""
        return self.doom.count(partial(super().rows, text, parameters), text)

    def run(self, statement: str) -> None:
        """See `Connection`."""
        self.doom.count(partial(super().run, statement), statement)

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], token: str
    ) -> None:
        """See `Connection`."""
        insert = partial(super().insert, table, columns, rows, token)
        self.doom.count(insert, f"INSERT INTO {table}")


class OnePool(Pool):
    """A pool of one connection, for one thread."""

    def __init__(self, connection: Connection) -> None:
        super().__init__("clickhouse://nobody", size=0)
        self._connection = connection

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """See `Pool`."""
        yield self._connection
