"""What the endpoint bears: of silence, of size, of number. Each may be set, ``--limit NAME=NUMBER``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes; the times are those of a ClickHouse server, but for `patience`."""

    hello: float = 10.0
    """From a connection to its hello."""
    idle: float = 3600.0
    """Between two statements of a client."""
    silence: float = 300.0
    """Inside a statement: for the next bytes of an INSERT to come, for a block of a result to be taken."""
    patience: float = 10.0
    """For running statements after SIGTERM."""
    clients: float = 1000
    """Connections at once."""
    text: float = 64 * 2**20
    """One statement, one setting."""
    block: float = 512 * 2**20
    """One block of an INSERT."""
    insert: float = 2 * 2**30
    """All blocks of an INSERT: they wait in memory for the last one."""

    def having(self, text: str) -> Limits:
        """These, but for one: ``NAME=NUMBER``. Raises ValueError."""
        name, _, number = text.partition("=")
        if name not in {field.name for field in fields(self)} or not float(number) > 0:
            raise ValueError(text)
        return replace(self, **{name: float(number)})
