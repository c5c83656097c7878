"""What a province settles about receipts; the defaults are the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ReceiptRule(StrEnum):
    """When a dossier counts as received.

    NEXT_SESSION: at the moment, or, outside the working sessions, at the start of the next one. COUNTER: the
    same by the hours of the counter, so that a receipt on a Saturday with an open counter is one of that
    Saturday. ACTUAL: at the moment, day or night.
    """

    NEXT_SESSION = "next_session"
    COUNTER = "counter"
    ACTUAL = "actual"


@dataclass(frozen=True, slots=True)
class Policy:
    """The receipt of ordinary terms, and that of terms in clock hours (ports, which never close)."""

    receipt: ReceiptRule = ReceiptRule.NEXT_SESSION
    clock_hour_receipt: ReceiptRule = ReceiptRule.ACTUAL


DEFAULT_POLICY: Final = Policy()
