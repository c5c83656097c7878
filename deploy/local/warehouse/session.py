"""One client's conversation: hello, then statements one after the other, until it leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from deploy.local.warehouse import protocol, sql
from deploy.local.warehouse.engine import Engine, EngineError, Scope
from deploy.local.warehouse.protocol import Block, Channel, Column, ProtocolError, Query

_NAME: Final = "ClickHouse"
_TIMEZONE: Final = "UTC"
_UNSUPPORTED: Final = 48
_UNKNOWN_PACKET: Final = 99
_AUTHENTICATION: Final = 516
_INSERTABLE: Final = ("", "DEFAULT")
_SELECTS: Final = ("SELECT", "WITH")

_log = logging.getLogger(__name__)


class Session:
    """Serves `channel` from `engine` until the client leaves. One thread."""

    def __init__(self, channel: Channel, engine: Engine) -> None:
        self._channel = channel
        self._engine = engine
        self._scope = Scope()

    def serve(self) -> None:
        """Returns when the client leaves or has broken the protocol. Raises EOFError, OSError likewise."""
        try:
            if self._hello():
                while True:
                    self._packet()
        except (ProtocolError, UnicodeDecodeError) as error:
            _log.warning("a client broke the protocol: %s", type(error).__name__)
            self._channel.send_exception(_UNKNOWN_PACKET, str(error))

    def _hello(self) -> bool:
        if self._channel.read_packet() != protocol.HELLO:
            raise ProtocolError("the first packet must be Hello")
        hello = self._channel.read_hello()
        if hello.user not in ("", "default") or hello.password:
            self._channel.send_exception(
                _AUTHENTICATION, "there is only the user default, without a password"
            )
            return False
        scope = Scope().then(f"USE {sql.name(hello.database or 'default')}")
        try:
            (version,) = self._rows("SELECT version()", scope)
        except EngineError as error:
            self._channel.send_exception(error.code, error.message)
            return False
        self._scope = scope
        major, minor, patch = (int(part) for part in version[0].split(".")[:3])
        self._channel.send_hello(_NAME, (major, minor, patch), _TIMEZONE)
        return True

    def _packet(self) -> None:
        packet = self._channel.read_packet()
        if packet == protocol.PING:
            self._channel.send_pong()
        elif packet == protocol.QUERY:
            self._query(self._channel.read_query())
        elif packet != protocol.CANCEL:  # a cancel may cross the end of what it cancels
            raise ProtocolError(f"packet {packet} between statements")

    def _query(self, query: Query) -> None:
        if query.compressed:
            raise ProtocolError("compression is off here: connect without it")
        external = list(self._blocks())
        try:
            if external:
                raise EngineError(_UNSUPPORTED, "external tables are not supported here")
            self._execute(query)
        except EngineError as error:
            _log.debug("a statement failed with code %d", error.code)
            self._channel.send_exception(error.code, error.message)
        else:
            self._channel.send_end()

    def _execute(self, query: Query) -> None:
        scope = replace(self._scope, settings=query.settings, required=query.required)
        text = query.text
        verb = sql.verb(text)
        if verb == "CREATE TEMPORARY":
            raise EngineError(_UNSUPPORTED, "temporary tables are not supported here")
        insert = sql.client_insert(text)
        if insert is not None:
            self._insert(insert, scope)
            return
        self._answer(text if sql.has_inline_data(text) else sql.without_format(text), scope)
        if verb in ("SET", "USE"):
            self._scope = self._scope.then(text)

    def _answer(self, text: str, scope: Scope) -> None:
        columns: tuple[Column, ...] = ()
        with closing(self._engine.run(text, scope)) as pieces:
            for block in (block for piece in pieces for block in protocol.from_native(piece)):
                if not columns:
                    columns = self._header(text, scope, block)
                    self._channel.send_block(Block(columns, 0))
                typed = (c._replace(type=h.type) for c, h in zip(block.columns, columns, strict=True))
                self._channel.send_block(Block(tuple(typed), block.rows))
                if self._channel.interrupted():
                    return
        if not columns and sql.verb(text).lstrip("(") in _SELECTS:
            columns = self._describe_result(text, scope)  # none for a WITH that leads an INSERT
            if columns:
                self._channel.send_block(Block(columns, 0))

    def _header(self, text: str, scope: Scope, first: Block) -> tuple[Column, ...]:
        """The columns of a result. The engine's Native output leaves the zone of a DateTime out."""
        columns = tuple(Column(column.name, column.type) for column in first.columns)
        if all(column.type != "DateTime" for column in columns):
            return columns
        described = self._describe_result(text, scope)
        if len(described) != len(columns):
            return columns
        return tuple(
            column._replace(type=known.type) if column.type == "DateTime" else column
            for column, known in zip(columns, described, strict=True)
        )

    def _insert(self, insert: sql.Insert, scope: Scope) -> None:
        described = self._describe(insert.described, scope)
        columns = tuple(
            column
            for column, default in described
            if not insert.all_columns or default in _INSERTABLE  # MATERIALIZED and ALIAS are not
        )
        self._channel.send_block(Block(columns, 0))
        self._engine.insert(insert, map(protocol.to_native, self._blocks()), scope)

    def _blocks(self) -> Iterator[Block]:
        """What the client sends, up to the empty block that ends it."""
        while True:
            packet = self._channel.read_packet()
            if packet != protocol.DATA:
                raise ProtocolError(f"packet {packet} where a block was due")
            _, block = self._channel.read_data()
            if not block.columns:
                return
            yield block

    def _describe_result(self, text: str, scope: Scope) -> tuple[Column, ...]:
        """The columns of a SELECT, none for what cannot be described."""
        try:
            return tuple(column for column, _ in self._describe(f"DESCRIBE TABLE ({text}\n)", scope))
        except EngineError:
            return ()

    def _describe(self, statement: str, scope: Scope) -> list[tuple[Column, str]]:
        rows = self._rows(statement, scope)
        return [(Column(name, kind), default) for name, kind, default, *_ in rows]

    def _rows(self, statement: str, scope: Scope) -> list[tuple[str, ...]]:
        """The rows of a statement of the endpoint's own, whose columns are all String."""
        blocks = (b for piece in self._engine.run(statement, scope) for b in protocol.from_native(piece))
        return [row for block in blocks for row in protocol.text_rows(block)]
