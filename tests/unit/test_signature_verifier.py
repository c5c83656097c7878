"""Signed files are judged: good ones give evidence, each defect its own reason. All are really signed."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from contracts.commands import Evidence
from contracts.words import RevocationSource, SignatureForm
from services.intake.adapters.signatures.trust import read_trust
from services.intake.adapters.signatures.verifier import DETACHED_LIMIT, Verifier
from services.intake.domain.refusals import Refused
from services.intake.domain.signature_rules import HOUSE_RULES, LAW_RULES, REASONS
from tests.fakes.authority import NOW, Authority, Embed, later, pdf
from tests.fakes.certificates import Identity

AGENCY: Final = "UBND xã Mẫu"
STAMPED: Final = NOW - timedelta(minutes=1)
DAY: Final = timedelta(days=1)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class House:
    """An authority, who signs, and a verifier that trusts its root and has none of its lists."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority()
        self.seal = self.ca.organisation(AGENCY)
        self.leader = self.ca.person(AGENCY)
        self.verifier = Verifier(read_trust(self.ca.write_trust(folder, crls=False)))
        self.folder = folder

    def with_lists(self, at: datetime | None = None) -> Verifier:
        """A verifier that has the authority's lists of `at` in its folder as well."""
        return Verifier(read_trust(self.ca.write_trust(self.folder, at=at)))

    def expired(self) -> Identity:
        """A seal's certificate that ran out an hour ago."""
        return self.ca.organisation(f"{AGENCY} cũ", not_after=NOW - timedelta(hours=1))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- what is good


def test_of_the_issuer_only_the_organisation_is_kept(tmp_path: Path) -> None:
    ca = Authority(mail="nguoi.phu.trach@example.vn")
    seal = ca.organisation(AGENCY)
    assert "example.vn" in seal.certificate.issuer.rfc4514_string()
    verifier = Verifier(read_trust(ca.write_trust(tmp_path)))
    evidence = verifier.verify_pdf(ca.seal(pdf(), seal), NOW)
    assert evidence.issuer == "CN=Tổ chức chứng thực thử nghiệm - cấp phát,C=VN"


def test_the_seal_covers_the_very_file_that_was_approved(house: House) -> None:
    approved = house.ca.approve(pdf(), house.leader)
    sealed = house.ca.seal(approved, house.seal)
    approval = house.verifier.verify_pdf(approved, NOW)
    evidence = house.verifier.verify_pdf(sealed, NOW)
    assert evidence.covers == approval.document == sha256(approved)
    assert evidence.document == sha256(sealed)
    assert (approval.certificate, evidence.certificate) == (house.leader.sha256, house.seal.sha256)
    assert evidence == Evidence(
        form=SignatureForm.PADES,
        document=sha256(sealed),
        covers=sha256(approved),
        certificate=house.seal.sha256,
        issuer="CN=Tổ chức chứng thực thử nghiệm - cấp phát,C=VN",
        signed_at=STAMPED,
        stamped_at=STAMPED,
        not_before=NOW - 365 * DAY,
        not_after=NOW + 730 * DAY,
        revocation=RevocationSource.CRL,
        revocation_at=NOW - timedelta(hours=1),
    )


def test_the_first_signature_covers_the_file_it_was_put_on(house: House) -> None:
    document = pdf()
    assert house.verifier.verify_pdf(house.ca.sign(document, house.leader), NOW).covers == sha256(document)


@pytest.mark.parametrize(
    ("embed", "source"),
    [("crl", RevocationSource.CRL), ("ocsp", RevocationSource.OCSP), ("dss", RevocationSource.CRL)],
)
def test_the_proof_may_stand_in_each_of_its_places(
    house: House, embed: Embed, source: RevocationSource
) -> None:
    approved = house.ca.approve(pdf(), house.leader, embed=embed)
    evidence = house.verifier.verify_pdf(house.ca.seal(approved, house.seal, embed=embed), NOW)
    assert (evidence.covers, evidence.revocation) == (sha256(approved), source)


def test_the_lists_of_the_folder_are_proof_too(house: House) -> None:
    evidence = house.with_lists().verify_pdf(house.ca.seal(pdf(), house.seal, embed="none"), NOW)
    assert evidence.revocation is RevocationSource.CRL


def test_without_a_stamp_it_is_judged_by_now(house: House) -> None:
    evidence = house.verifier.verify_pdf(house.ca.approve(pdf(), house.leader, stamped=False), NOW)
    assert (evidence.stamped_at, evidence.signed_at) == (None, STAMPED)


def test_a_certificate_that_expired_since_is_good_for_what_was_stamped_before(house: House) -> None:
    before = NOW - timedelta(hours=2)
    sealed = house.ca.seal(pdf(), house.expired(), at=before, evidence_at=NOW - timedelta(hours=3))
    assert house.verifier.verify_pdf(sealed, NOW).stamped_at == before


def test_a_certificate_revoked_since_is_good_for_what_was_stamped_before(house: House) -> None:
    sealed = house.ca.seal(pdf(), house.seal, at=NOW - 2 * DAY, evidence_at=NOW - 3 * DAY)
    house.ca.revoke(house.seal, NOW - DAY)
    assert house.with_lists().verify_pdf(sealed, NOW).stamped_at == NOW - 2 * DAY


def test_of_several_proofs_the_first_after_the_signature_is_named(house: House) -> None:
    sealed = house.ca.seal(pdf(), house.seal, at=NOW - 2 * DAY, evidence_at=NOW - 3 * DAY)
    assert house.verifier.verify_pdf(sealed, NOW).revocation_at == NOW - 3 * DAY
    assert house.with_lists(NOW - DAY).verify_pdf(sealed, NOW).revocation_at == NOW - DAY


@pytest.mark.parametrize("embed", ["crl", "ocsp"])
def test_a_signature_that_stands_apart(house: House, embed: Embed) -> None:
    document = b"a result that is no PDF"
    signature = house.ca.detached(document, house.seal, embed=embed)
    evidence = house.verifier.verify_detached(signature, sha256(document), NOW)
    assert evidence.form is SignatureForm.DETACHED
    assert evidence.document == evidence.covers == sha256(document)
    assert (evidence.certificate, evidence.stamped_at) == (house.seal.sha256, STAMPED)


# --- what is not


def _garbled_stamp(h: House) -> bytes:
    """The stamp of another signature in the place of its own."""
    one = h.ca.detached(b"one", h.seal)
    other = h.ca.detached(b"other", h.seal)
    first, second = cms.ContentInfo.load(one), cms.ContentInfo.load(other)
    first["content"]["signer_infos"][0]["unsigned_attrs"] = second["content"]["signer_infos"][0][
        "unsigned_attrs"
    ]
    return bytes(first.dump(force=True))


def _two_signers(h: House) -> bytes:
    content = cms.ContentInfo.load(h.ca.detached(b"one", h.seal))
    other = cms.ContentInfo.load(h.ca.detached(b"one", h.leader))
    content["content"]["signer_infos"] = [
        content["content"]["signer_infos"][0],
        other["content"]["signer_infos"][0],
    ]
    return bytes(content.dump(force=True))


def _flip(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _revoked(h: House, who: Identity, **how: Any) -> bytes:
    h.ca.revoke(who)
    return h.ca.seal(pdf(), h.seal, **how)


def _foreign(h: House) -> bytes:
    other = Authority("Tổ chức lạ")
    return other.seal(pdf(), other.organisation(AGENCY))


def _foreign_stamp(h: House) -> bytes:
    return h.ca.seal(pdf(), h.seal, stamper=Authority("Tổ chức lạ").stamper)


def _earlier_broken(h: House) -> bytes:
    """Approved, then another page put in its place, then sealed."""
    return h.ca.seal(later(h.ca.approve(pdf(), h.leader)), h.seal)


def _encrypted(h: House) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf())))
    writer.encrypt("secret")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


PDFS: Final[list[tuple[str, str, Callable[[House], bytes]]]] = [
    ("not_a_pdf", "text", lambda h: b"no PDF at all"),
    ("not_a_pdf", "empty", lambda h: b""),
    ("pdf_malformed", "cut off", lambda h: h.ca.seal(pdf(), h.seal)[:-2_000]),
    ("pdf_malformed", "only a head", lambda h: b"%PDF-1.7\n"),
    ("pdf_encrypted", "", _encrypted),
    ("no_signature", "", lambda h: pdf()),
    ("signature_tampered", "a byte of the content", lambda h: _flip(h.ca.seal(pdf("x" * 50), h.seal), 60)),
    ("document_changed", "another page after it", lambda h: later(h.ca.seal(pdf(), h.seal))),
    ("document_changed", "bytes after its end", lambda h: h.ca.seal(pdf(), h.seal) + b"\n%more\n"),
    ("document_changed", "an end of line after its end", lambda h: h.ca.seal(pdf(), h.seal) + b"\n"),
    ("earlier_signature_broken", "", _earlier_broken),
    ("signature_untrusted", "foreign root", _foreign),
    ("signature_untrusted", "a root itself", lambda h: h.ca.seal(pdf(), h.ca.root)),
    ("algorithm_too_weak", "", lambda h: h.ca.seal(pdf(), h.seal, algorithm="sha1", stamped=False)),
    ("certificate_not_for_signing", "", lambda h: h.ca.seal(pdf(), h.ca.organisation("khác", usage=False))),
    ("certificate_expired", "stamped after", lambda h: h.ca.seal(pdf(), h.expired())),
    ("certificate_expired", "no stamp", lambda h: h.ca.seal(pdf(), h.expired(), at=NOW - DAY, stamped=False)),
    (
        "certificate_not_yet_valid",
        "",
        lambda h: h.ca.seal(pdf(), h.ca.organisation("mới", not_before=NOW + DAY)),
    ),
    ("certificate_revoked", "the seal's", lambda h: _revoked(h, h.seal)),
    ("certificate_revoked", "its issuer's", lambda h: _revoked(h, h.ca.issuing, stamped=False)),
    ("certificate_revoked", "by OCSP", lambda h: _revoked(h, h.seal, embed="ocsp")),
    ("revocation_unknown", "no proof", lambda h: h.ca.seal(pdf(), h.seal, embed="none")),
    (
        "revocation_unknown",
        "stale",
        lambda h: h.ca.seal(pdf(), h.seal, evidence_at=NOW - 30 * DAY),
    ),
    (
        "revocation_unknown",
        "from the future",
        lambda h: h.ca.seal(pdf(), h.seal, evidence_at=NOW + DAY),
    ),
    ("time_stamp_invalid", "foreign", _foreign_stamp),
    ("time_stamp_invalid", "revoked", lambda h: _revoked(h, h.ca.stamper)),
    (
        "time_stamp_invalid",
        "not a stamper's certificate",
        lambda h: h.ca.seal(pdf(), h.seal, stamper=h.ca.stamper_named("khác", purpose=None)),
    ),
    (
        "time_stamp_invalid",
        "expired stamper",
        lambda h: h.ca.seal(pdf(), h.seal, stamper=h.ca.stamper_named("cũ", not_after=NOW - DAY)),
    ),
    (
        "signature_in_future",
        "claimed",
        lambda h: h.ca.seal(pdf(), h.seal, at=NOW + timedelta(minutes=6), stamped=False),
    ),
    (
        "signature_in_future",
        "stamped",
        lambda h: h.ca.seal(pdf(), h.seal, stamped=NOW + timedelta(minutes=6)),
    ),
]


@pytest.mark.parametrize(("reason", "case", "make"), PDFS, ids=[f"{row[0]} {row[1]}" for row in PDFS])
def test_a_pdf_is_refused_for_its_own_reason(
    house: House, reason: str, case: str, make: Callable[[House], bytes]
) -> None:
    with pytest.raises(Refused) as refused:
        house.verifier.verify_pdf(make(house), NOW)
    assert refused.value.reason == reason, case


APART: Final[list[tuple[str, Callable[[House], bytes]]]] = [
    ("document_changed", lambda h: h.ca.detached(b"other", h.seal)),
    ("digest_not_sha256", lambda h: h.ca.detached(b"one", h.seal, algorithm="sha512")),
    ("signature_malformed", lambda h: b"garbage"),
    ("signature_malformed", lambda h: b""),
    ("signature_too_large", lambda h: bytes(DETACHED_LIMIT + 1)),
    ("several_signers", _two_signers),
    ("time_stamp_invalid", _garbled_stamp),
    (
        "signature_tampered",
        lambda h: _flip(h.ca.detached(b"one", h.seal, stamped=False), -3),
    ),
    ("signing_time_missing", lambda h: h.ca.detached(b"one", h.seal, stamped=False, claims=False)),
    ("revocation_unknown", lambda h: h.ca.detached(b"one", h.seal, embed="none")),
]


@pytest.mark.parametrize(("reason", "make"), APART, ids=[row[0] for row in APART])
def test_a_signature_apart_is_refused_for_its_own_reason(
    house: House, reason: str, make: Callable[[House], bytes]
) -> None:
    with pytest.raises(Refused) as refused:
        house.verifier.verify_detached(make(house), sha256(b"one"), NOW)
    assert refused.value.reason == reason


def test_a_list_of_the_folder_outweighs_the_proof_inside(house: House) -> None:
    sealed = house.ca.seal(pdf(), house.seal, evidence_at=NOW - 3 * DAY)
    assert house.verifier.verify_pdf(sealed, NOW)
    house.ca.revoke(house.seal, NOW - DAY)
    with pytest.raises(Refused, match="certificate_revoked"):
        house.with_lists().verify_pdf(sealed, NOW)


def test_what_was_made_after_the_end_of_a_certificate_proves_nothing_about_it(house: House) -> None:
    sealed = house.ca.seal(pdf(), house.expired(), at=NOW - timedelta(hours=2), embed="none")
    with pytest.raises(Refused, match="revocation_unknown"):
        house.with_lists(NOW - timedelta(minutes=30)).verify_pdf(sealed, NOW)


def test_an_intermediate_in_the_folder_is_no_root(house: House, tmp_path: Path) -> None:
    other = Authority("Tổ chức lạ")
    (house.folder / "issuing.pem").write_bytes(other.issuing.pem)
    verifier = Verifier(read_trust(house.folder))
    with pytest.raises(Refused, match="signature_untrusted"):
        verifier.verify_pdf(other.seal(pdf(), other.organisation(AGENCY)), NOW)


def test_nobody_is_named_in_logs_or_evidence(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    person = house.ca.person("Trần Thị Người Ký", not_after=NOW - DAY)
    with pytest.raises(Refused):
        house.verifier.verify_pdf(house.ca.approve(pdf(), person), NOW)
    with pytest.raises(Refused):
        house.verifier.verify_pdf(_flip(house.ca.approve(pdf(), person), 9), NOW)
    assert "Người Ký" not in caplog.text
    other = house.ca.person("Trần Thị Người Ký")
    assert "Người Ký" not in repr(house.verifier.verify_pdf(house.ca.approve(pdf(), other), NOW))


def test_every_reason_has_a_rule_and_a_test() -> None:
    met = {row[0] for row in PDFS} | {row[0] for row in APART}
    elsewhere = {"no_trust_configured", "too_hard_to_read"}
    assert met | elsewhere == REASONS
    assert not HOUSE_RULES.keys() & LAW_RULES.keys()
