"""What a process and its verifier say to each other: a line of JSON, and after a question the file itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from contracts.commands import Evidence

LINE_LIMIT: Final = 64 * 1024


class Question(Struct, frozen=True, kw_only=True):
    """Judge the `size` bytes that follow: a PDF, or, with `document`, a signature on what has that hash."""

    size: int
    now: datetime
    document: str | None = None


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the three: evidence, a reason of the closed list, or what is wrong with the trust folder.

    The first answer, before any question, has none: the verifier is ready.
    """

    evidence: Evidence | None = None
    reason: str | None = None
    trust: str | None = None


encode: Final = msgspec.json.encode
question: Final = msgspec.json.Decoder(Question).decode
answer: Final = msgspec.json.Decoder(Answer).decode
