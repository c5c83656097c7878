"""The last signature of a PDF: what it covers, what came before it, and that nothing came after.

A signed PDF grows by revisions, each appended to the one before. The agency signs last; what lies before its
revision is, byte for byte, the file that was approved, and that revision brings the signature alone.
"""

from __future__ import annotations

import hashlib
import io
import re
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from asn1crypto import crl, ocsp
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DecodePurpose, DocumentDecodeBudget
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    DiffPolicy,
    DiffResult,
    ModificationLevel,
    SuspiciousModification,
)
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from services.intake.adapters.signatures.additions import Additions
from services.intake.adapters.signatures.cms import Claim, check_integrity
from services.intake.adapters.signatures.proofs import Proofs
from services.intake.domain.refusals import Refused
from services.intake.domain.signature_rules import refuse

_MIB: Final = 1024 * 1024
_LIMITS: Final = DecodeLimits(document_budget=DocumentDecodeBudget(base_allowance=128 * _MIB, max_ratio=20))
_LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")


class Signed(NamedTuple):
    """What a PDF says of its last signature; nothing of it is verified but the shape and the revisions."""

    claim: Claim
    covers: str
    reader: PdfFileReader


def read_pdf(data: bytes) -> Signed:
    """The last signature of `data`, on a file that is whole up to it and after it.

    Raises Refused (not_a_pdf, pdf_encrypted, no_signature, signature_malformed, signature_tampered,
    document_changed, earlier_signature_broken), and whatever the library stumbles over in a file that is no
    proper PDF.
    """
    if not data.startswith(b"%PDF-"):
        raise refuse("not_a_pdf")
    reader = _open(data)
    if reader.encrypted:
        raise refuse("pdf_encrypted")
    signatures = sorted(reader.embedded_regular_signatures, key=lambda one: one.signed_revision)
    if not signatures:
        raise refuse("no_signature")
    last = signatures[-1]
    if len(signatures) > 1 and signatures[-2].signed_revision == last.signed_revision:
        raise refuse("signature_malformed")
    begin, end = _extent(last, data)
    _check_hybrids(reader, signatures[0].signed_revision)
    if end < len(data):
        _check_after(last, data)
    for earlier in signatures[:-1]:
        _check_earlier(earlier)
    claim = _claim(last)
    before = _before(last, data, begin)
    if before is not data:
        check_integrity(claim)  # of a file that was tampered with, that says more
        _check_own(last, before)
    return Signed(claim, hashlib.sha256(before).hexdigest(), reader)


def _open(data: bytes) -> PdfFileReader:
    return PdfFileReader(io.BytesIO(data), strict=True, decode_limits=_LIMITS)


def store_of(reader: PdfFileReader, proofs: Proofs) -> Proofs:
    """`proofs` with what stands in the document's security store."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return proofs
    lists = [_load(crl.CertificateList, reference, DecodePurpose.CRL) for reference in store.crls]
    answers = [_load(ocsp.OCSPResponse, reference, DecodePurpose.OCSP_RESPONSE) for reference in store.ocsps]
    return proofs.with_more(list(store.load_certs()), lists, answers)


def _load(kind: Any, reference: Any, purpose: DecodePurpose) -> Any:
    return kind.load(reference.get_object().read_data(purpose))


def _claim(signature: EmbeddedPdfSignature) -> Claim:
    written = signature.sig_object.get("/M")
    time: datetime | None = signature.self_reported_timestamp if written is not None else None
    if time is not None and time.tzinfo is None:
        time = time.replace(tzinfo=_LOCAL)
    return Claim(signature.signed_data, signature.compute_digest(), "signature_tampered", time)


def _extent(signature: EmbeddedPdfSignature, data: bytes) -> tuple[int, int]:
    """Where the signature's own bytes begin, and where what it covers ends: all but those, from the start.

    The library compares lengths; here the bytes themselves are looked at, so that no gap is left.
    """
    numbers = [int(number) for number in signature.byte_range]
    if len(numbers) != 4 or min(numbers) < 0:
        raise refuse("signature_malformed")
    start, first, second, length = numbers
    hole = data[first:second]
    if start != 0 or hole[:1] != b"<" or hole[-1:] != b">" or second + length > len(data):
        raise refuse("signature_malformed")
    try:
        contents = bytes.fromhex(hole[1:-1].decode("ascii"))
    except ValueError as error:
        raise refuse("signature_malformed") from error
    if contents != signature.pkcs7_content:
        raise refuse("signature_malformed")
    return first, second + length


def _check_hybrids(reader: PdfFileReader, first_signed: int) -> None:
    """Word writes files with two tables of contents; after a signature that is a way to hide things."""
    for revision in range(first_signed, reader.xrefs.total_revisions):
        if reader.xrefs.get_xref_data(revision).hybrid is not None:
            raise refuse("signature_malformed")


def _check_after(last: EmbeddedPdfSignature, data: bytes) -> None:
    """After the last signature only proofs may be added: the security store, and stamps upon it."""
    appended = last.reader.xrefs.total_revisions - 1 > last.signed_revision
    if not appended or not data.rstrip(b"\r\n").endswith(b"%%EOF"):
        raise refuse("document_changed")
    if _changes(last, Additions()) > ModificationLevel.LTA_UPDATES:
        raise refuse("document_changed")


def _check_own(last: EmbeddedPdfSignature, before: bytes) -> None:
    """The revision that brought the last signature brought nothing else: the approved file shows unchanged.

    That file is read by itself, so that nothing in it can reach into what was appended.
    """
    approved = _open(before)
    revision = last.signed_revision
    if approved.xrefs.total_revisions != revision:
        raise refuse("document_changed")
    old = approved.get_historical_resolver(revision - 1)
    new = last.reader.get_historical_resolver(revision)
    try:
        Additions(last.sig_field.get_value_as_reference("/V")).apply(old, new)
    except SuspiciousModification as error:
        raise refuse("document_changed") from error


def _check_earlier(signature: EmbeddedPdfSignature) -> None:
    """Who signed before must still be right: only forms were filled in and signatures added since.

    Whether those signers are trusted is not asked here; their own evidence says so.
    """
    if _changes(signature, DEFAULT_DIFF_POLICY) > ModificationLevel.FORM_FILLING:
        raise refuse("earlier_signature_broken")
    try:
        check_integrity(_claim(signature))
    except Refused as error:
        raise refuse("earlier_signature_broken") from error


def _changes(signature: EmbeddedPdfSignature, policy: DiffPolicy) -> ModificationLevel:
    """How much was changed after a signature; OTHER for what no rule of the policy allows."""
    coverage = signature.evaluate_signature_coverage()
    if coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return ModificationLevel.OTHER
    signature.coverage = coverage  # type: ignore[assignment]  # declared None; the next call asks for it
    found = signature.evaluate_modifications(policy)
    if not isinstance(found, DiffResult):
        return ModificationLevel.OTHER
    level, allowed = found.modification_level, signature.docmdp_level
    return ModificationLevel.OTHER if allowed is not None and level.value > allowed.value else level


def _before(last: EmbeddedPdfSignature, data: bytes, begin: int) -> bytes:
    """The file as it was before the revision of its last signature; the whole when there is none before."""
    reader = last.reader
    if last.signed_revision == 0:
        return data
    table = reader.xrefs.get_startxref_for_revision(last.signed_revision - 1)
    mark = re.compile(rb"startxref\s+%d\s+%%%%EOF(\r\n|\r|\n)?" % table)
    found = mark.search(data, 0, begin)
    if found is None:
        raise PdfReadError("the revision before has no end")
    # Whether the end of line belongs to the file or to what was appended only a signature can tell, which
    # covered its file to the last byte. Without one it belongs to the file: so do the usual writers.
    for one in reader.embedded_signatures:
        end = sum(int(number) for number in list(one.byte_range)[2:])
        if found.end() - len(found[1] or b"") <= end <= found.end():
            return data[:end]
    return data[: found.end()]
