"""Certificates, revocation lists and OCSP answers in memory, each in one call.

Keys are elliptic and follow from a seed, so the same names give the same keys; pyHanko's own time stamper
knows RSA only, so there is one such key for the process.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate with its key. `parent` issued it; a root issued itself."""

    certificate: x509.Certificate
    key: _Key
    parent: Identity | None = None

    @property
    def asn1(self) -> asn1_x509.Certificate:
        """The certificate as pyHanko wants it."""
        return asn1_x509.Certificate.load(self.certificate.public_bytes(serialization.Encoding.DER))

    @property
    def pem(self) -> bytes:
        """The certificate as a trust folder wants it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def sha256(self) -> str:
        """How evidence names it."""
        return hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    def private(self) -> keys.PrivateKeyInfo:
        """The key as pyHanko wants it; in memory only."""
        der = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return keys.PrivateKeyInfo.load(der)


def certify(
    name: str,
    parent: Identity | None,
    now: datetime,
    *,
    seed: str,
    authority: bool = False,
    key: _Key | None = None,
    purpose: x509.ObjectIdentifier | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    usage: bool = True,
    mail: str | None = None,
) -> Identity:
    """A certificate issued by `parent` (without one: by itself), valid from a year before `now` for three.

    `authority` may issue others and lists; `purpose` is its one extended key usage; with `usage` False the
    key is for something else than signing. `mail` stands in the subject's name.
    """
    key = key or _key(seed)
    named = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
    ]
    subject = x509.Name(named if mail is None else [*named, x509.NameAttribute(NameOID.EMAIL_ADDRESS, mail)])
    begins = not_before or now - timedelta(days=365)
    number = hashlib.sha256(f"{seed}/{begins}/{not_after}".encode()).digest()[:15]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent.certificate.subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(number, "big") | 1)
        .not_valid_before(begins)
        .not_valid_after(not_after or now + timedelta(days=730))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(authority=authority, signs=usage), critical=True)
    )
    if parent is not None:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key())
        builder = builder.add_extension(known, critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    signed = builder.sign(parent.key if parent else key, hashes.SHA256())
    return Identity(signed, key, parent)


def revocation_list(issuer: Identity, revoked: Mapping[int, datetime], at: datetime, days: int) -> bytes:
    """The issuer's list made at `at`, good for `days` (DER): serial numbers, and since when."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + timedelta(days=days))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for serial, since in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def ocsp_answer(identity: Identity, revoked: Mapping[int, datetime], at: datetime, days: int) -> bytes:
    """What the issuer of `identity` answers about it at `at` (DER)."""
    issuer = identity.parent
    assert issuer is not None
    since = revoked.get(identity.certificate.serial_number)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=identity.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if since else ocsp.OCSPCertStatus.GOOD,
        this_update=at,
        next_update=at + timedelta(days=days),
        revocation_time=since,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@functools.cache
def rsa_key() -> rsa.RSAPrivateKey:
    """The one RSA key of the process."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _usage(*, authority: bool, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs and not authority,
        content_commitment=signs and not authority,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key(seed: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31], "big") + 1
    return ec.derive_private_key(number, ec.SECP256R1())
