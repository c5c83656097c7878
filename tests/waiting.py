"""Waiting in tests: for a condition, with a deadline, saying what did not come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T | None], seconds: float, what: str, *, every: float = 0.05) -> T:
    """Call `predicate` until it is truthy and return that; after `seconds` raise TimeoutError naming `what`.

    The last call happens after the deadline, so a slow machine gets its one chance.
    """
    until = time.monotonic() + seconds
    while True:
        late = time.monotonic() > until
        result = predicate()
        if result:
            return result
        if late:
            raise TimeoutError(f"waited {seconds:g} s for {what}; last seen: {result!r}")
        time.sleep(every)
