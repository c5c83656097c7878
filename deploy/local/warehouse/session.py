"""One client's conversation: hello, then statements one after the other, until it leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from deploy.local.warehouse import protocol, sql
from deploy.local.warehouse.engine import Engine, EngineError, Rows, Scope
from deploy.local.warehouse.limits import Limits
from deploy.local.warehouse.protocol import Block, Channel, Column, ProtocolError, Query, UnreadableError
from deploy.local.warehouse.watch import Watch

_NAME: Final = "ClickHouse"
_TIMEZONE: Final = "UTC"
_UNSUPPORTED: Final = 48
_UNKNOWN_TYPE: Final = 50
_UNKNOWN_PACKET: Final = 99
_TOO_MANY: Final = 202
_MEMORY: Final = 241
_CANCELLED: Final = 394
_SYNTAX: Final = 62
_AUTHENTICATION: Final = 516
_INSERTABLE: Final = ("", "DEFAULT")
_SELECTS: Final = ("SELECT", "WITH")

_log = logging.getLogger(__name__)


class Session:
    """Serves `channel` from `engine` until the client leaves. One thread."""

    def __init__(self, channel: Channel, engine: Engine, watch: Watch, limits: Limits) -> None:
        self._channel = channel
        self._engine = engine
        self._watch = watch
        self._limits = limits
        self._scope = Scope()

    def refuse(self) -> None:
        """Instead of :meth:`serve`, when there are too many."""
        self._channel.send_exception(_TOO_MANY, f"{self._limits.clients:g} clients are connected already")

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
        if self._channel.read_first_packet() != protocol.HELLO:
            raise ProtocolError("the first packet must be Hello")
        hello = self._channel.read_hello()
        if hello.user not in ("", "default") or hello.password:
            self._channel.send_exception(
                _AUTHENTICATION, "there is only the user default, without a password"
            )
            return False
        scope = Scope().then(f"USE {sql.name(hello.database or 'default')}")
        try:
            self._engine.check(scope)
        except EngineError as error:
            self._channel.send_exception(error.code, error.message)
            return False
        self._scope = scope
        self._channel.send_hello(_NAME, self._engine.version, _TIMEZONE)
        return True

    def _packet(self) -> None:
        packet = self._channel.read_next_packet()
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
        scope = replace(self._scope, settings=query.settings)
        text = query.text
        verb = sql.verb(text)
        if not_served := sql.not_served(text, query.settings):
            raise EngineError(_UNSUPPORTED, f"{not_served} not supported here")
        insert = sql.client_insert(text)
        if insert is not None:
            self._insert(insert, scope)
            return
        if not sql.has_inline_data(text):
            text = sql.without_format(text)
        elif sql.several(text):
            raise EngineError(_SYNTAX, "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)")
        with self._watch.over(self._channel.sock) as watched:
            try:
                self._answer(text, scope)
            except UnreadableError as error:
                raise EngineError(_UNKNOWN_TYPE, str(error)) from error
            except EngineError as error:
                if not (watched.killed and error.code == _CANCELLED):
                    raise
                if not self._channel.interrupted():
                    raise EOFError("the client left while its statement ran") from error
        if verb in ("SET", "USE"):
            self._scope = self._scope.then(text)

    def _answer(self, text: str, scope: Scope) -> None:
        columns: tuple[Column, ...] = ()
        rows = blocks = size = 0
        if self._channel.interrupted():  # it came along with the statement; later the watch hears it
            return
        with closing(self._engine.run(text, scope)) as pieces:
            for piece in pieces:
                self._channel.send_progress(piece.rows_read, piece.bytes_read)
                for block in protocol.from_native(piece.data):
                    if not columns:
                        columns = self._header(text, scope, block)
                        self._channel.send_block(Block(columns, 0))
                    typed = (c._replace(type=h.type) for c, h in zip(block.columns, columns, strict=True))
                    self._channel.send_block(Block(tuple(typed), block.rows))
                    rows, blocks, size = (
                        rows + block.rows,
                        blocks + 1,
                        size + sum(len(c.data) for c in block.columns),
                    )
        if not columns and sql.verb(text).lstrip("(") in _SELECTS:
            columns = self._describe_result(text, scope)  # none for a WITH that leads an INSERT
            if columns:
                self._channel.send_block(Block(columns, 0))
        if columns:
            self._channel.send_profile(rows, blocks, size)

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
        with closing(Rows()) as rows:
            for block in self._blocks():  # to the end, also when it is too much: only then errors are read
                if rows.size <= self._limits.insert:
                    rows.add(protocol.to_native(block))
            if rows.size > self._limits.insert:
                raise EngineError(_MEMORY, f"an INSERT of more than {self._limits.insert:g} bytes")
            self._engine.insert(insert, rows, scope)

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
        """The columns of a SELECT, none for what is something else."""
        try:
            return tuple(column for column, _ in self._describe(f"DESCRIBE TABLE ({text}\n)", scope))
        except EngineError as error:
            if error.code != _SYNTAX:
                raise
            return ()

    def _describe(self, statement: str, scope: Scope) -> list[tuple[Column, str]]:
        rows = self._rows(statement, scope)
        return [(Column(name, kind), default) for name, kind, default, *_ in rows]

    def _rows(self, statement: str, scope: Scope) -> list[tuple[str, ...]]:
        """The rows of a statement of the endpoint's own, whose columns are all String."""
        pieces = self._engine.run(statement, scope)
        blocks = (block for piece in pieces for block in protocol.from_native(piece.data))
        return [row for block in blocks for row in protocol.text_rows(block)]
