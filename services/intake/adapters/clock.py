"""The wall clock, the only place intake reads it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(UTC)
