"""Signed files in, evidence out. It blocks, and is at the mercy of the file: to be run in its own process."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from typing import Any, Final

import cryptography.x509
from asn1crypto import cms, pem
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.misc import PdfDecodeLimitError

from contracts.commands import Evidence
from contracts.words import SignatureForm
from services.intake.adapters.signatures.cms import Claim, Finding, judge
from services.intake.adapters.signatures.pdf import read_pdf, store_of
from services.intake.adapters.signatures.proofs import Proofs
from services.intake.adapters.signatures.trust import Trust
from services.intake.domain.refusals import Refused
from services.intake.domain.signature_rules import refuse

DETACHED_LIMIT: Final = 1024 * 1024
_ISSUER_LENGTH: Final = 300
_OF_AN_ORGANISATION: Final = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COUNTRY_NAME,
)

_log = logging.getLogger(__name__)
for _name in ("pyhanko", "pyhanko_certvalidator"):
    # The library's log names whom a certificate was issued to.
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Verifier:
    """Judges signatures by what is trusted."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def verify_pdf(self, data: bytes, now: datetime) -> Evidence:
        """Evidence of the last signature of a PDF. Raises Refused, and nothing else, for what is none."""
        reason = "pdf_malformed"
        try:
            signed = read_pdf(data)
            reason = "signature_malformed"
            proofs = store_of(signed.reader, Proofs(self._trust))
            found = asyncio.run(judge(signed.claim, proofs, now))
            return _evidence(SignatureForm.PADES, hashlib.sha256(data).hexdigest(), signed.covers, found)
        except Refused:
            raise
        except Exception as error:
            raise _unreadable(reason, error) from error

    def verify_detached(self, signature: bytes, document_sha256: str, now: datetime) -> Evidence:
        """Evidence of a CMS signature (DER or PEM) on the document of that hash. Raises Refused, as above."""
        if len(signature) > DETACHED_LIMIT:
            raise refuse("signature_too_large")
        try:
            signed_data = _signed_data(signature)
            for signer in signed_data["signer_infos"]:
                if signer["digest_algorithm"]["algorithm"].native != "sha256":
                    raise refuse("digest_not_sha256")
            claim = Claim(signed_data, bytes.fromhex(document_sha256), "document_changed")
            found = asyncio.run(judge(claim, Proofs(self._trust), now))
            return _evidence(SignatureForm.DETACHED, document_sha256, document_sha256, found)
        except Refused:
            raise
        except Exception as error:
            raise _unreadable("signature_malformed", error) from error


def _unreadable(reason: str, error: Exception) -> Refused:
    """Anything may be wrong with a file from outside, and the library says so in many ways."""
    _log.info("%s: %s", reason, type(error).__name__)  # never its text: that names people
    too_much = isinstance(error, MemoryError | RecursionError | PdfDecodeLimitError)
    return refuse("too_hard_to_read" if too_much else reason)


def _signed_data(signature: bytes) -> Any:
    if pem.detect(signature):
        _, _, signature = pem.unarmor(signature)
    content = cms.ContentInfo.load(signature, strict=True)
    if content["content_type"].native != "signed_data":
        raise refuse("signature_malformed")
    return content["content"]


def _evidence(form: SignatureForm, document: str, covers: str, found: Finding) -> Evidence:
    der = found.certificate.dump()
    certificate = cryptography.x509.load_der_x509_certificate(der)
    return Evidence(
        form=form,
        document=document,
        covers=covers,
        certificate=hashlib.sha256(der).hexdigest(),
        issuer=_issuer(certificate),
        signed_at=found.signed_at.astimezone(UTC),
        stamped_at=found.stamped_at,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        revocation=found.revocation,
        revocation_at=found.revocation_at.astimezone(UTC),
    )


def _issuer(certificate: cryptography.x509.Certificate) -> str:
    """Who issued it: name, organisation, unit and country. Mail addresses and the like lead to people."""
    parts = [[part for part in one if part.oid in _OF_AN_ORGANISATION] for one in certificate.issuer.rdns]
    name = cryptography.x509.Name(cryptography.x509.RelativeDistinguishedName(one) for one in parts if one)
    return name.rfc4514_string()[:_ISSUER_LENGTH]
