"""Who judges signatures, in this process: for the door, where the processes are not what is tested."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from contracts.commands import Evidence
from services.intake.adapters.signatures.trust import read_trust
from services.intake.adapters.signatures.verifier import Verifier


class ThreadedVerifier:
    """The verifier of a trust folder, off the event loop."""

    def __init__(self, folder: Path) -> None:
        self._verifier = Verifier(read_trust(folder))

    async def verify_pdf(self, data: bytes, now: datetime) -> Evidence:
        """Evidence of the last signature of a PDF."""
        return await asyncio.to_thread(self._verifier.verify_pdf, data, now)

    async def verify_detached(self, signature: bytes, document_sha256: str, now: datetime) -> Evidence:
        """Evidence of a signature that stands apart."""
        return await asyncio.to_thread(self._verifier.verify_detached, signature, document_sha256, now)
