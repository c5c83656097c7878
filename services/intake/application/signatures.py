"""One signed file: have it judged, and seal what was found into a token. Nothing is kept or published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from contracts.commands import Evidence
from services.intake.domain.evidence import seal_token
from services.intake.domain.signature_rules import refuse
from services.intake.ports import Signatures


class SignatureDesk:
    """Signed files in, evidence and its token out. Without `signatures` nothing is trusted yet."""

    def __init__(
        self, signatures: Signatures | None, province_key: bytes, now: Callable[[], datetime]
    ) -> None:
        self._signatures = signatures
        self._province_key = province_key
        self._now = now

    async def judge_pdf(self, data: bytes) -> tuple[Evidence, str]:
        """Evidence of the last signature of a PDF. Raises Refused, Unavailable."""
        return self._sealed(await self._trusted().verify_pdf(data, self._now()))

    async def judge_detached(self, signature: bytes, document_sha256: str) -> tuple[Evidence, str]:
        """Evidence of a signature that stands apart from its document. Raises Refused, Unavailable."""
        return self._sealed(await self._trusted().verify_detached(signature, document_sha256, self._now()))

    def check_trust(self) -> None:
        """Raises Refused (no_trust_configured), so that nobody sends a file in vain."""
        self._trusted()

    def _trusted(self) -> Signatures:
        if self._signatures is None:
            raise refuse("no_trust_configured")
        return self._signatures

    def _sealed(self, evidence: Evidence) -> tuple[Evidence, str]:
        return evidence, seal_token(evidence, self._province_key)
