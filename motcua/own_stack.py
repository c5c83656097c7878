"""A stack for one command alone, in a temporary folder, gone with it when the command ends."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from typing import Literal

from deploy.local.stack import LocalStack


@contextlib.contextmanager
def own_stack(
    command: str,
    *,
    clock: Literal["system", "log"],
    broker: Literal["tansu", "apache"] = "tansu",
    brokers: int = 1,
) -> Iterator[LocalStack]:
    """The stack, with the sample law. Stopped when the block ends, is interrupted, or gets SIGTERM."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f"motcua-{command}-") as home,
            LocalStack(home, clock=clock, broker=broker, brokers=brokers) as stack,
        ):
            yield stack
    finally:
        signal.signal(signal.SIGTERM, before)
