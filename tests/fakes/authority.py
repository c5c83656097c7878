"""A certification authority in memory, with everybody who signs: for whatever wants a really signed document.

    ca = Authority()
    agency = ca.organisation("UBND xã Mẫu")
    leader = ca.person("UBND xã Mẫu")
    ca.write_trust(folder)                       # what MOTCUA_TRUST names
    approved = ca.approve(pdf(), leader)         # PAdES, time stamped, CRLs inside
    sealed = ca.seal(approved, agency)

One root, one issuing authority, one time stamper: nothing here touches a network, and nothing but
:meth:`Authority.write_trust` a disk. Certificates and what is said of them: :mod:`tests.fakes.certificates`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import pdf as asn1_pdf
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import cms_embedder, pdf_byterange
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, SimpleSigner
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.fakes.certificates import Identity, certify, ocsp_answer, revocation_list, rsa_key

NOW: Final = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
"""When everybody signs unless told otherwise; a minute before, to be exact about what is past."""

LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")

Embed = Literal["crl", "ocsp", "dss", "none"]
"""Where the proof that no certificate was revoked stands: in the signature as CRLs or as OCSP answers, in the
document's security store as CRLs, or nowhere."""


Change = Callable[[IncrementalPdfFileWriter], None]
Box = tuple[int, int, int, int]


@dataclass
class Authority:
    """A root, its issuing authority and its time stamper, with what was revoked since."""

    name: str = "Tổ chức chứng thực thử nghiệm"
    now: datetime = NOW
    revoked: dict[int, datetime] = field(default_factory=dict)
    """Serial numbers, and since when."""
    mail: str | None = None
    """An address in the issuing authority's name."""

    def __post_init__(self) -> None:
        """Make the three."""
        self.root = self._certify(f"{self.name} - gốc", None, authority=True)
        self.issuing = self._certify(f"{self.name} - cấp phát", self.root, authority=True, mail=self.mail)
        self.stamper = self._certify(
            f"{self.name} - dấu thời gian",
            self.issuing,
            key=rsa_key(),
            purpose=ExtendedKeyUsageOID.TIME_STAMPING,
        )

    # --- who signs

    def organisation(self, agency: str, **changes: Any) -> Identity:
        """The certificate of an agency's seal.

        `changes` are not_before, not_after, and usage: with False the key is not for signing.
        """
        return self._certify(agency, self.issuing, **changes)

    def person(self, agency: str, **changes: Any) -> Identity:
        """The certificate of somebody who signs for an agency; they have no name here either."""
        return self._certify(f"{agency} - người ký", self.issuing, **changes)

    def revoke(self, identity: Identity, at: datetime | None = None) -> None:
        """From `at` on (without it: a day ago) the certificate is void; lists and answers say so."""
        self.revoked[identity.certificate.serial_number] = at or self.now - timedelta(days=1)

    # --- what is published

    def write_trust(self, folder: Path, *, crls: bool = True, at: datetime | None = None) -> Path:
        """What MOTCUA_TRUST names: the root and, unless told otherwise, the CRLs as of `at`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "root.pem").write_bytes(self.root.pem)
        for number, crl in enumerate(self.crls(at) if crls else ()):
            (folder / f"list-{number}.crl").write_bytes(crl)
        return folder

    def crls(self, at: datetime | None = None, *, days: int = 7) -> list[bytes]:
        """The lists of the root and of the issuing authority, made at `at`, good for so many days (DER)."""
        at = at or self.now - timedelta(hours=1)
        return [revocation_list(issuer, self.revoked, at, days) for issuer in (self.root, self.issuing)]

    def ocsp(self, identity: Identity, at: datetime | None = None, *, days: int = 7) -> bytes:
        """What the issuer of a certificate answers about it at `at` (DER)."""
        return ocsp_answer(identity, self.revoked, at or self.now - timedelta(hours=1), days)

    # --- signing

    def approve(self, document: bytes, by: Identity, **how: Any) -> bytes:
        """The document with the signature of who approves; see :meth:`sign`."""
        return self.sign(document, by, **how)

    def seal(self, document: bytes, by: Identity, **how: Any) -> bytes:
        """The document with the agency's seal as its last signature; see :meth:`sign`."""
        return self.sign(document, by, **how)

    def sign(
        self,
        document: bytes,
        by: Identity,
        *,
        at: datetime | None = None,
        stamped: datetime | bool = True,
        stamper: Identity | None = None,
        embed: Embed = "crl",
        evidence_at: datetime | None = None,
        algorithm: str = "sha256",
        zone: bool = True,
        change: Change | None = None,
        box: Box | None = None,
        certify: bool = False,
    ) -> bytes:
        """A PAdES signature added to `document` as an incremental update.

        `at` is the time the signer claims (a minute ago), `stamped` that of the time stamp (the same) or
        False for none; with `zone` False the claim is in local time and does
        not say so. `evidence_at` is when the CRLs or answers were made (an hour ago). What `change` does to
        it stands in the same revision. `box` is where it shows; `certify` allows only forms to be filled in.
        """
        at = at or self.now - timedelta(minutes=1)
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        if change is not None:
            change(writer)
        session = _field(writer, f"Signature{1 + document.count(b'/ByteRange')}", box)
        # Lists and answers inside the signature are Adobe's way; PAdES has them in the document's store.
        pades = embed in ("dss", "none")
        subfilter = SigSeedSubFilter.PADES if pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED
        placeholder = pdf_byterange.SignatureObject(timestamp=at, subfilter=subfilter, bytes_reserved=12_000)
        if not zone:
            written = f"{at.astimezone(LOCAL):D:%Y%m%d%H%M%S}"
            placeholder[generic.pdf_name("/M")] = generic.TextStringObject(written)
        session.send(_setup(placeholder, at, box, certify=certify))
        prepared, out = session.send(cms_embedder.SigIOSetup(md_algorithm=algorithm, in_place=False))
        crls = self.crls(evidence_at) if embed == "crl" else []
        answers = self._answers(by, evidence_at) if embed == "ocsp" else []
        signed = self._cms(
            prepared.document_digest,
            by,
            at,
            stamped,
            stamper,
            crls,
            answers,
            algorithm=algorithm,
            pades=pades,
        )
        contents = session.send(signed)
        session.close()
        if embed == "dss":
            DocumentSecurityStore.add_dss(
                out,
                contents,
                certs=[self.issuing.asn1],
                crls=[asn1_crl.CertificateList.load(crl) for crl in self.crls(evidence_at)],
            )
        return bytes(out.getvalue())

    def detached(
        self,
        document: bytes,
        by: Identity,
        *,
        at: datetime | None = None,
        stamped: datetime | bool = True,
        stamper: Identity | None = None,
        algorithm: str = "sha256",
        embed: Embed = "crl",
        claims: bool = True,
    ) -> bytes:
        """A CAdES signature that stands apart from `document` (DER); without `claims` no time is claimed."""
        at = at or self.now - timedelta(minutes=1)
        digest = hashlib.new(algorithm, document).digest()
        crls = self.crls() if embed == "crl" else []
        answers = self._answers(by, None) if embed == "ocsp" else []
        signed = self._cms(
            digest, by, at, stamped, stamper, crls, answers, algorithm=algorithm, claims=claims
        )
        return bytes(signed.dump())

    def _cms(
        self,
        digest: bytes,
        by: Identity,
        at: datetime,
        stamped: datetime | bool,
        stamper: Identity | None,
        crls: Sequence[bytes],
        answers: Sequence[bytes],
        *,
        algorithm: str = "sha256",
        claims: bool = True,
        pades: bool = False,
    ) -> cms.ContentInfo:
        store = SimpleCertificateStore()
        if by.parent is not None:
            store.register(by.parent.asn1)
        signer = SimpleSigner(
            signing_cert=by.asn1, signing_key=by.private(), cert_registry=store, embed_roots=False
        )
        revocation = None
        if crls or answers:
            revocation = asn1_pdf.RevocationInfoArchival(
                {
                    "crl": [asn1_crl.CertificateList.load(crl) for crl in crls],
                    "ocsp": [asn1_ocsp.OCSPResponse.load(answer) for answer in answers],
                }
            )
        attributes = PdfCMSSignedAttributes(
            signing_time=at if claims else None, adobe_revinfo_attr=revocation
        )
        timestamper = None
        if stamped is not False:
            timestamper = self.time_stamper(at if stamped is True else stamped, stamper)
        return _finish(
            signer.async_sign(
                digest,
                algorithm,
                use_pades=pades,
                timestamper=timestamper,
                signed_attr_settings=attributes,
                is_pdf_sig=True,
            )
        )

    def time_stamper(self, at: datetime, stamper: Identity | None = None) -> DummyTimeStamper:
        """An RFC 3161 time stamper whose clock stands at `at`."""
        who = stamper or self.stamper
        store = SimpleCertificateStore()
        if who.parent is not None:
            store.register(who.parent.asn1)
        return DummyTimeStamper(who.asn1, who.private(), certs_to_embed=store, fixed_dt=at)

    def stamper_named(self, name: str, **changes: Any) -> Identity:
        """Another time stamper's certificate, with `changes` as for :meth:`organisation`."""
        purpose = changes.pop("purpose", ExtendedKeyUsageOID.TIME_STAMPING)
        return self._certify(name, self.issuing, key=rsa_key(), purpose=purpose, **changes)

    def _answers(self, by: Identity, at: datetime | None) -> list[bytes]:
        return [self.ocsp(identity, at) for identity in (by, self.issuing, self.stamper)]

    def _certify(self, name: str, parent: Identity | None, **changes: Any) -> Identity:
        return certify(name, parent, self.now, seed=f"{self.name}/{name}", **changes)


def pdf(text: str = "Kết quả", *, pages: int = 1) -> bytes:
    """A small PDF; each one made is another file."""
    writer = PdfFileWriter(stream_xrefs=False)
    for number in range(pages):
        content = generic.StreamObject(stream_data=f"% {text} {number}\n".encode())
        page = PageObject(contents=writer.add_object(content), media_box=(0, 0, 595, 842))
        writer.insert_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def later(document: bytes, text: str = "thêm") -> bytes:
    """The document with something added after all signatures: its first page has other contents."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=f"% {text}\n".encode()))
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _field(writer: IncrementalPdfFileWriter, name: str, box: Box | None) -> Any:
    """The first step of a signature: its field, the empty one of that name if there is one."""
    spec = None if box is None else SigFieldSpec(name, box=box)
    embedder = cms_embedder.PdfCMSEmbedder(new_field_spec=spec)
    session = embedder.write_cms(field_name=name, writer=writer)
    next(session)
    return session


def _setup(placeholder: Any, at: datetime, box: Box | None, *, certify: bool) -> cms_embedder.SigObjSetup:
    """The second step: what is to be signed, how it shows and what it allows."""
    look = permissions = None
    if box is not None:
        look = cms_embedder.SigAppearanceSetup(TextStampStyle(), at, "con dấu")
    if certify:
        permissions = cms_embedder.SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.FILL_FORMS)
    return cms_embedder.SigObjSetup(placeholder, mdp_setup=permissions, appearance_setup=look)


def _finish(work: Coroutine[Any, Any, cms.ContentInfo]) -> cms.ContentInfo:
    """What the coroutine gives; in a thread of its own, so that a test on an event loop can sign too."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
