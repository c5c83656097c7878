"""The engine: chDB, typed, with one fresh chDB connection a statement.

A statement that fails leaves its unsent rows in its chDB connection, and the next result of that
connection begins with them. Opening one costs a tenth of a millisecond, so none is ever used twice;
what belongs to a client (database, settings) is kept in a :class:`Scope` and applied each time.

chDB allows one path a process and one process a path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, NamedTuple

from deploy.local.warehouse import sql as sqltext

UNKNOWN_SETTING: Final = 115
_STD_EXCEPTION: Final = 1001
_CODE: Final = re.compile(r"Code: (\d+)\. (.*)", re.DOTALL)
_NOT_STREAMED: Final = "Streaming query is not supported"
_NOTE: Final = "engine-version"
_NAME: Final = re.compile(r"\w+")


class EngineError(Exception):
    """The engine refused or failed a statement; `code` is ClickHouse's. Tell the client, go on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of(cls, error: Exception) -> EngineError:
        """The code and text inside an error of chDB."""
        found = _CODE.search(str(error))
        return cls(int(found[1]), found[2]) if found else cls(_STD_EXCEPTION, str(error))


class PathUnavailableError(Exception):
    """The path cannot be opened. Stop the process; nothing was changed."""


@dataclass(frozen=True)
class Scope:
    """What holds for a client: its USE and SET statements so far, and the settings of this statement.

    A setting the engine does not know fails the statement: none is left out in silence.
    """

    statements: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    def then(self, statement: str) -> Scope:
        """The scope after the client's `statement`, a USE or a SET; said again, it moves to the end."""
        others = (known for known in self.statements if known != statement)
        return replace(self, statements=(*others, statement))


class Piece(NamedTuple):
    """Part of a result in the Native format; rows and bytes read from storage for it."""

    data: bytes
    rows_read: int
    bytes_read: int


class Engine:
    """The engine on one path, open until :meth:`close`. All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create `path`. Raises PathUnavailableError."""
        os.environ["TZ"] = "UTC"  # read by chDB when it is loaded: DateTime without a zone means UTC
        from chdb import engine_version  # here, after TZ, and because it takes a second
        from chdb.state.sqlitelike import Connection

        self.version = tuple(int(part) for part in engine_version.split("."))
        self._connect = Connection
        self._path = str(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            _check_version(path / _NOTE, engine_version)
            _check_writable(path)
            self._anchor = Connection(self._path)  # keeps the engine open between statements
        except OSError as error:
            raise PathUnavailableError(f"cannot open {path}: {error.strerror}") from error
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise PathUnavailableError(
                f"cannot open {path}: another process owns it, or the engine cannot read it ({reason})"
            ) from error
        (path / _NOTE).write_text(f"{engine_version}\n", encoding="ascii")

    def close(self) -> None:
        """Close the path. Statements must have ended."""
        self._anchor.close()

    def run(self, statement: str, scope: Scope) -> Generator[Piece, None, None]:
        """Run one statement; its result piece by piece, none if it has none.

        Closing the iterator cancels the statement. Raises EngineError, also while iterating.
        """
        with self._connection(scope) as connection, _errors():
            try:
                stream = connection.send_query(statement, "Native")
            except Exception as error:
                if _NOT_STREAMED not in str(error):
                    raise
                yield _piece(connection.query(statement, "Native"))
                return
            with stream:
                for piece in stream:
                    yield _piece(piece)

    def check(self, scope: Scope) -> None:
        """Whether statements can run in `scope`. Raises EngineError."""
        with self._connection(scope):
            pass

    def insert(self, insert: sqltext.Insert, rows: Rows, scope: Scope) -> None:
        """Write `rows` as one INSERT. On return they survive a kill of the process. Raises EngineError.

        chDB's own streaming insert is not used: it reports success for rows the table refused.
        """
        source = f"FROM INFILE {sqltext.quoted(rows.path)} COMPRESSION 'none'"
        statement = f"{insert.target}\n{source} {insert.settings}\nFORMAT Native"
        with self._connection(scope) as connection, _errors():
            connection.query(statement, "Native")

    def kill(self, thread: int) -> None:
        """Kill the statement that runs in the thread of this native id, if one does: it fails with 394."""
        with self._connection(Scope()) as connection, _errors():
            connection.query(f"KILL QUERY WHERE has(thread_ids, {thread}) ASYNC", "Native")

    @contextmanager
    def _connection(self, scope: Scope) -> Iterator[Any]:
        with _errors():
            connection = self._connect(self._path)
        try:
            with _errors():
                for statement in scope.statements:
                    connection.query(statement)
                if scope.settings:
                    _set(connection, scope.settings)
            yield connection
        finally:
            connection.close()


class Rows:
    """Blocks in the Native format, one after the other, in memory and yet under a path."""

    def __init__(self) -> None:
        self._file = open(os.memfd_create("insert"), "wb")  # noqa: PTH123, SIM115 - a descriptor; close()
        self.path = f"/proc/self/fd/{self._file.fileno()}"
        self.size = 0

    def add(self, block: bytes) -> None:
        """Once more rows; complete for who reads the path when this returns."""
        self.size += len(block)
        self._file.write(block)
        self._file.flush()

    def close(self) -> None:
        """Give the memory back."""
        self._file.close()


def _check_writable(path: Path) -> None:
    with TemporaryFile(dir=path):
        pass


def _check_version(note: Path, ours: str) -> None:
    """`note` says which engine wrote the path last: an older one may misread it, but for patches."""
    if not note.exists():
        return
    text = note.read_text(encoding="ascii", errors="replace").strip()
    try:
        later = _release(text) > _release(ours)
    except ValueError:
        later = True
    if later:
        raise PathUnavailableError(f"cannot open {note.parent}: engine {text!r} wrote it, this is {ours}")


def _release(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:2]]


def _piece(result: Any) -> Piece:
    return Piece(result.bytes(), result.storage_rows_read(), result.storage_bytes_read())


def _set(connection: Any, settings: dict[str, str]) -> None:
    for name in settings:
        if not _NAME.fullmatch(name):
            raise EngineError(UNKNOWN_SETTING, f"Unknown setting {sqltext.quoted(name)}")
    connection.query(sqltext.set_statement(settings))


@contextmanager
def _errors() -> Iterator[None]:
    """chDB's errors as EngineError; those raised by our own code inside are not touched."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:  # chDB raises RuntimeError, ChdbError(Exception) and plain Exception
        raise EngineError.of(error) from error
