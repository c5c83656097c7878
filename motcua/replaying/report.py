"""What a replay found, as an object, as a table, and as an exit code."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from motcua.failure import Failure

T = TypeVar("T")


class Reconciliation(Struct, frozen=True):
    """The log against the warehouse; nothing wrong is the only good answer. `facts` were compared."""

    missing: int
    duplicated: int
    mismatched: int
    facts: int

    @property
    def clean(self) -> bool:
        """Whether all three are zero."""
        return not (self.missing or self.duplicated or self.mismatched)


class Figures(Struct, frozen=True, kw_only=True):
    """Dossiers of the period by what became of them; the buckets add up to `received`."""

    received: int
    early: int
    on_time: int
    late: int
    not_due: int
    paused: int
    supplement_requested: int
    refused: int
    withdrawn: int
    stopped: int
    declined: int
    late_by_original: int


class Report(Struct, frozen=True, kw_only=True):
    """The result. `seconds` from the first command sent until the last is queryable."""

    figures: Figures
    reconciliation: Reconciliation
    commands: int
    refused_lines: int
    repeated_lines: int
    seconds: float
    peak_rss_bytes: int | None

    @property
    def good(self) -> bool:
        """Whether every line was taken and the log and the warehouse agree."""
        return self.reconciliation.clean and not self.refused_lines

    def as_json(self) -> bytes:
        """One flat object."""
        flat: dict[str, Any] = {
            "commands": self.commands,
            **msgspec.structs.asdict(self.figures),
            "reconciliation": {
                "missing": self.reconciliation.missing,
                "duplicated": self.reconciliation.duplicated,
                "mismatched": self.reconciliation.mismatched,
            },
            "facts": self.reconciliation.facts,
            "refused_lines": self.refused_lines,
            "repeated_lines": self.repeated_lines,
            "seconds": round(self.seconds, 3),
            "commands_per_second": round(self.commands / self.seconds, 1),
            "peak_rss_bytes": self.peak_rss_bytes,
        }
        return msgspec.json.encode(flat)

    def as_table(self) -> str:
        """For people: English, with the Vietnamese name of each figure."""
        figures, checked = self.figures, self.reconciliation
        memory = (
            f"{self.peak_rss_bytes / 2**20:,.0f} MiB" if self.peak_rss_bytes is not None else "not measured"
        )
        rows = [
            ("Received", "Tiếp nhận", figures.received),
            ("  early", "trước hạn", figures.early),
            ("  on time", "đúng hạn", figures.on_time),
            ("  late", "quá hạn", figures.late),
            ("    by the first promise", "quá hạn theo hẹn đầu", figures.late_by_original),
            ("  not yet due", "chưa đến hạn", figures.not_due),
            ("  paused", "tạm dừng", figures.paused),
            ("    of these, supplement requested", "chờ bổ sung", figures.supplement_requested),
            ("  refused", "từ chối tiếp nhận", figures.refused),
            ("  withdrawn", "công dân rút", figures.withdrawn),
            ("  stopped", "dừng giải quyết", figures.stopped),
            ("Declined, whatever the outcome", "từ chối giải quyết", figures.declined),
            ("Facts compared with the log", "sự kiện đối chiếu", checked.facts),
            ("Reconciliation: missing", "thiếu", checked.missing),
            ("Reconciliation: duplicated", "trùng", checked.duplicated),
            ("Reconciliation: mismatched", "lệch", checked.mismatched),
        ]
        table = [f"{name:<36}{vietnamese:<20}{value:>12,}" for name, vietnamese, value in rows]
        pace = f"{self.commands:,} commands in {self.seconds:,.1f} s ({self.commands / self.seconds:,.0f}/s)"
        return "\n".join([*table, f"{pace}, peak memory {memory}"])


def read_figures(answer: object) -> Figures:
    """The figures in an answer of analytics. Raises Failure naming what is wrong with it."""
    return _read(answer, Figures, "/v1/figures")


def read_reconciliation(answer: object) -> Reconciliation:
    """The result in an answer of analytics. Raises Failure naming what is wrong with it."""
    return _read(answer, Reconciliation, "/v1/reconcile")


def _read(answer: object, kind: type[T], path: str) -> T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise Failure(f"analytics answered {path} with something else: {error}") from error
