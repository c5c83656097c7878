"""ClickHouse's native protocol, the server's side, on the readers and writers of `clickhouse_driver`.

At revision 54440 settings travel as strings and a block is the Native format behind a short info.
Blocks are passed on as the bytes they came in; the driver's column readers only find where each column
ends, so no value is converted on its way through.
"""

from __future__ import annotations

import io
import re
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, Protocol

from clickhouse_driver.block import BlockInfo
from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.columns.service import read_column
from clickhouse_driver.protocol import ClientPacketTypes, ServerPacketTypes
from clickhouse_driver.reader import read_binary_str, read_binary_uint8
from clickhouse_driver.varint import read_varint, write_varint
from clickhouse_driver.writer import (
    write_binary_int32,
    write_binary_str,
    write_binary_uint8,
)

from deploy.local.warehouse.limits import Limits

REVISION: Final = 54440
HELLO, QUERY, DATA, CANCEL, PING = (
    ClientPacketTypes.HELLO,
    ClientPacketTypes.QUERY,
    ClientPacketTypes.DATA,
    ClientPacketTypes.CANCEL,
    ClientPacketTypes.PING,
)
_BUFFER: Final = 1 << 20
_EXCEPTION: Final = "DB::Exception"
_MOST_COLUMNS: Final = 10_000
_MOST_ROWS: Final = 1 << 24
# Types whose values are measured as a plain type of the same width: cheaper, and no value can be refused.
_PLAIN: Final = (
    (re.compile(r"Enum(8|16)\((?:'(?:[^'\\]|\\.)*'|[^')])*\)"), r"Int\1"),
    (re.compile(r"DateTime64\([^()]*\)"), "Int64"),
    (re.compile(r"DateTime(?:\('[^']*'\))?"), "UInt32"),
    (re.compile(r"\bDate32\b"), "Int32"),
    (re.compile(r"\bDate\b"), "UInt16"),
    (re.compile(r"\bUUID\b"), "FixedString(16)"),
    (re.compile(r"\bBool\b"), "UInt8"),
)
_CONTEXT: Final = SimpleNamespace(client_settings={"strings_as_bytes": True, "use_numpy": False}, settings={})


class ProtocolError(Exception):
    """The client spoke something else. Tell it if possible, and close its connection."""


class UnreadableError(Exception):
    """A block `clickhouse_driver` has no reader for: of a type or with a name it does not know."""


class Column(NamedTuple):
    """A column of a block; `data` is empty in a header."""

    name: str
    type: str
    data: bytes = b""


@dataclass(frozen=True)
class Block:
    """Rows by column, undecoded. No column: the end of a client's data."""

    columns: tuple[Column, ...]
    rows: int


@dataclass(frozen=True)
class Hello:
    """The client's introduction."""

    database: str
    user: str
    password: str


@dataclass(frozen=True)
class Query:
    """One statement with its settings."""

    text: str
    settings: dict[str, str]
    compressed: bool


class _Source(Protocol):
    def recv_into(self, buffer: bytearray) -> int: ...


class _Memory:
    """Bytes read like a socket."""

    def __init__(self, data: bytes) -> None:
        self.left = memoryview(data)

    def recv_into(self, buffer: bytearray) -> int:
        size = min(len(self.left), len(buffer))
        buffer[:size] = self.left[:size]
        self.left = self.left[size:]
        return size


class _Recorder:
    """A source that notes what was read through it. Knows nothing of its reader: together they would be a
    cycle, and megabytes of buffers wait for the collector."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._size = 0  # of the reader's buffer
        self.taken: list[bytes] | None = None
        self.start = 0
        self.room: float = inf

    def recv_into(self, buffer: bytearray) -> int:
        if self.taken is not None:  # the driver refills only when everything in its buffer is consumed
            self.taken.append(bytes(buffer[self.start : self._size]))
            self.start = 0
            self.room -= len(self.taken[-1])
            if self.room < 0:
                raise ProtocolError("a block larger than is borne here")
        self._size = self._source.recv_into(buffer)
        return self._size


class _Tap:
    """The driver's buffered reader on a source, able to give back the bytes it consumed."""

    def __init__(self, source: _Source, size: int = _BUFFER) -> None:
        self._recorder = _Recorder(source)
        self.fin = BufferedSocketReader(self._recorder, size)

    @property
    def buffered(self) -> bool:
        return bool(self.fin.position < self.fin.current_buffer_size)

    def allow(self, size: float) -> None:
        """Give back no more than so many bytes from now on."""
        self._recorder.room = size

    def start(self) -> None:
        self._recorder.taken, self._recorder.start = [], self.fin.position

    def stop(self) -> bytes:
        taken, self._recorder.taken = self._recorder.taken or [], None
        return b"".join([*taken, bytes(self.fin.buffer[self._recorder.start : self.fin.position])])


def _read_block(tap: _Tap) -> Block:
    """Raises UnreadableError."""
    width, rows = read_varint(tap.fin), read_varint(tap.fin)
    if not (0 <= width <= _MOST_COLUMNS and 0 <= rows <= _MOST_ROWS):
        raise ProtocolError(f"a block of {width} columns and {rows} rows")
    columns = []
    for _ in range(width):
        name, kind = read_binary_str(tap.fin), read_binary_str(tap.fin)
        data = b""
        if rows:
            plain = kind
            for pattern, same in _PLAIN:
                plain = pattern.sub(same, plain)
            tap.start()
            try:
                read_column(_CONTEXT, plain, rows, tap.fin)
            except (EOFError, OSError, ProtocolError):
                raise
            except Exception as error:  # the driver's own, and whatever nonsense makes its readers raise
                raise UnreadableError(f"column {name!r} of type {kind} has no reader: {error}") from error
            data = tap.stop()
        columns.append(Column(name, kind, data))
    return Block(tuple(columns), rows)


def _write_block(block: Block, out: Any) -> None:
    write_varint(len(block.columns), out)
    write_varint(block.rows, out)
    for column in block.columns:
        write_binary_str(column.name, out)
        write_binary_str(column.type, out)
        out.write(column.data)


def from_native(piece: bytes) -> Iterator[Block]:
    """The blocks with rows in a piece of the engine's Native output. Raises UnreadableError."""
    memory = _Memory(piece)
    tap = _Tap(memory, min(len(piece), _BUFFER))
    while memory.left or tap.buffered:
        try:
            block = _read_block(tap)
        except UnicodeDecodeError as error:
            raise UnreadableError("a column's name is not UTF-8") from error
        if block.rows:
            yield block


def to_native(block: Block) -> bytes:
    """The block in the engine's Native input format."""
    out = io.BytesIO()
    _write_block(block, out)
    return out.getvalue()


def text_rows(block: Block) -> list[tuple[str, ...]]:
    """The rows of a block whose columns are all String."""
    columns = []
    for column in block.columns:
        fin = _Tap(_Memory(column.data), len(column.data)).fin
        values = read_column(_CONTEXT, "String", block.rows, fin)
        columns.append([value.decode() for value in values])
    return list(zip(*columns, strict=True))


class Channel:
    """One connection, packet by packet. Reading raises EOFError or OSError when the client is gone."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.sock = sock
        self._limits = limits
        self._tap = _Tap(sock)
        self._fin = self._tap.fin
        self._out = BufferedSocketWriter(sock, _BUFFER)

    def read_packet(self) -> int:
        """The kind of the next packet; its content is read by the method of that kind."""
        return int(read_varint(self._fin))

    def read_first_packet(self) -> int:
        """The same, for a connection that is new."""
        self.sock.settimeout(self._limits.hello)
        return self.read_packet()

    def read_next_packet(self) -> int:
        """The same, between statements."""
        self.sock.settimeout(self._limits.idle)
        packet = self.read_packet()
        self.sock.settimeout(self._limits.silence)
        return packet

    def _text(self) -> str:
        size = read_varint(self._fin)
        if not 0 <= size <= self._limits.text:
            raise ProtocolError(f"a text of {size} bytes")
        return bytes(self._fin.read(size)).decode()

    def read_hello(self) -> Hello:
        """After HELLO. Raises ProtocolError for a client older than the revision spoken here."""
        self._text()  # the client's name and version say nothing we need
        read_varint(self._fin), read_varint(self._fin)
        revision = read_varint(self._fin)
        database, user, password = (self._text() for _ in range(3))
        if revision < REVISION:
            raise ProtocolError(f"the client's revision is {revision}, at least {REVISION} is needed")
        return Hello(database, user, password)

    def read_query(self) -> Query:
        """After QUERY; the layout is that of revision 54440."""
        fin = self._fin
        self._text()  # query id: the engine has no place for it
        if read_binary_uint8(fin):  # client info, absent for kind 0
            for _ in range(3):  # initial user, query id and address
                self._text()
            read_binary_uint8(fin)  # interface
            for _ in range(3):  # system user, host and client name
                self._text()
            for _ in range(3):  # client version and revision
                read_varint(fin)
            self._text()  # quota key
            read_varint(fin)  # version patch
        settings: dict[str, str] = {}
        while name := self._text():
            read_binary_uint8(fin)  # whether it is important: here every setting is
            settings[name] = self._text()
        read_varint(fin)  # stage: always complete
        compressed = bool(read_varint(fin))
        return Query(self._text(), settings, compressed)

    def read_data(self) -> tuple[str, Block]:
        """After DATA: the table's name (empty but for external tables) and the block."""
        table = self._text()
        BlockInfo().read(self._fin)
        self._tap.allow(self._limits.block)
        try:
            return table, _read_block(self._tap)
        except UnreadableError as error:  # where the block ends, nobody can tell
            raise ProtocolError(str(error)) from error

    def interrupted(self) -> bool:
        """Whether the client cancelled the running statement. Raises ProtocolError."""
        if not self._tap.buffered and not select.select([self.sock], [], [], 0)[0]:
            return False
        try:
            packet = self.read_packet()
        except EOFError:  # nothing more to read; whether the client is gone as well, sending will tell
            return False
        if packet != CANCEL:
            raise ProtocolError(f"packet {packet} while a statement runs")
        return True

    def send_hello(self, name: str, version: tuple[int, ...], timezone: str) -> None:
        """Introduce the server."""
        major, minor, patch, *_ = version
        write_varint(ServerPacketTypes.HELLO, self._out)
        write_binary_str(name, self._out)
        for number in (major, minor, REVISION):
            write_varint(number, self._out)
        write_binary_str(timezone, self._out)
        write_binary_str(name, self._out)
        write_varint(patch, self._out)
        self._out.flush()

    def send_block(self, block: Block) -> None:
        """One block of a result, or the header of an INSERT."""
        write_varint(ServerPacketTypes.DATA, self._out)
        write_binary_str("", self._out)
        BlockInfo().write(self._out)
        _write_block(block, self._out)
        self._out.flush()

    def send_exception(self, code: int, message: str) -> None:
        """The statement failed."""
        if not message.startswith(_EXCEPTION):
            message = f"{_EXCEPTION}: {message}"
        write_varint(ServerPacketTypes.EXCEPTION, self._out)
        write_binary_int32(code, self._out)
        for text in (_EXCEPTION, message, ""):  # the last is a stack trace
            write_binary_str(text, self._out)
        write_binary_uint8(0, self._out)  # no nested exception
        self._out.flush()

    def send_progress(self, rows: int, size: int) -> None:
        """Rows and bytes read from storage since the last time. Sent with what follows."""
        write_varint(ServerPacketTypes.PROGRESS, self._out)
        for number in (rows, size, 0, 0, 0):  # of how many is not known; nothing written
            write_varint(number, self._out)

    def send_profile(self, rows: int, blocks: int, size: int) -> None:
        """What the whole result was. Sent with what follows."""
        write_varint(ServerPacketTypes.PROFILE_INFO, self._out)
        for number in (rows, blocks, size):
            write_varint(number, self._out)
        write_binary_uint8(0, self._out)  # rows before LIMIT: not known
        write_varint(0, self._out)
        write_binary_uint8(0, self._out)

    def send_pong(self) -> None:
        """Answer a ping."""
        write_varint(ServerPacketTypes.PONG, self._out)
        self._out.flush()

    def send_end(self) -> None:
        """The statement succeeded."""
        write_varint(ServerPacketTypes.END_OF_STREAM, self._out)
        self._out.flush()
