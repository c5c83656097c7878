"""One signature in CMS form, in a PDF or apart: intact, by whom, when, and was the certificate good then?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives import hashes
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.general import (
    MultivaluedAttributeError,
    NonexistentAttributeError,
    find_cms_attribute_iter,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.generic_cms import (
    async_validate_cms_signature,
    extract_certs_for_validation,
    validate_sig_integrity,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureStatus, TimestampSignatureStatus
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from contracts.words import RevocationSource
from services.intake.adapters.signatures.proofs import SKEW, Proofs
from services.intake.domain.refusals import Refused
from services.intake.domain.signature_rules import refuse

_FOR_SIGNING: Final = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
_UNKNOWN: Final = AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND
_WEAK: Final = (
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE,
    AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
)


class Claim(NamedTuple):
    """A signature to be judged: the CMS, the digest of what it was put on, the time written beside it.

    `mismatch` is what it means when the signature itself is whole but not on that digest.
    """

    signed_data: Any
    digest: bytes
    mismatch: str
    written: datetime | None = None


class Finding(NamedTuple):
    """What was found of a good signature; `certificate` is asn1crypto's."""

    certificate: Any
    signed_at: datetime
    stamped_at: datetime | None
    revocation: RevocationSource
    revocation_at: datetime


async def judge(claim: Claim, proofs: Proofs, now: datetime) -> Finding:
    """What there is to say of a good signature. Raises Refused with the reason when it is none."""
    signer = check_integrity(claim)
    proofs = proofs.with_more(*_brought(claim.signed_data, signer["signed_attrs"]))
    try:
        stamped_at = await _time_stamp(signer, proofs, now)
    except Refused:
        # Of a signature from elsewhere it says more that its signer is unknown than that its stamp is.
        if (await _chain(claim, proofs, now)).trust_problem_indic is _UNKNOWN:
            raise refuse("signature_untrusted") from None
        raise
    signed_at = _claimed(signer) or claim.written or stamped_at
    if signed_at is None:
        raise refuse("signing_time_missing")
    if signed_at > now + SKEW:
        raise refuse("signature_in_future")
    time = stamped_at or now
    status = await _chain(claim, proofs, time)
    path = _trusted_path(status, time)
    source, made = await proofs.unrevoked(path, time, now)
    return Finding(status.signing_cert, signed_at, stamped_at, source, made)


async def _chain(claim: Claim, proofs: Proofs, time: datetime) -> SignatureStatus:
    """What the library makes of the signature and its way to a root as of `time`, whatever was revoked."""
    status: SignatureStatus = await async_validate_cms_signature(
        claim.signed_data,
        status_cls=SignatureStatus,
        raw_digest=claim.digest,
        validation_context=proofs.paths_at(time),
        key_usage_settings=_FOR_SIGNING,
    )
    return status


def check_integrity(claim: Claim) -> Any:
    """The one SignerInfo of an intact signature, whoever made it.

    Raises Refused (several_signers, signature_malformed, signature_tampered, or the claim's `mismatch`).
    """
    signers = claim.signed_data["signer_infos"]
    if len(signers) > 1:
        raise refuse("several_signers")
    if len(signers) < 1 or not signers[0]["signed_attrs"]:
        raise refuse("signature_malformed")
    content = claim.signed_data["encap_content_info"]
    if content["content_type"].native != "data" or content["content"].native is not None:
        raise refuse("signature_malformed")
    certificate = extract_certs_for_validation(claim.signed_data).signer_cert
    intact, valid = validate_sig_integrity(signers[0], certificate, "data", claim.digest)
    if not valid:
        raise refuse("signature_tampered")
    if not intact:
        raise refuse(claim.mismatch)
    return signers[0]


def _brought(signed_data: Any, signed_attributes: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Certificates, lists and answers inside the signature: in its own places, and in Adobe's attribute."""
    certificates = [one.chosen for one in signed_data["certificates"] if one.name == "certificate"]
    lists = [one.chosen for one in signed_data["crls"] if one.name == "crl"]
    answers = [
        one.chosen["other_rev_info"].parsed
        for one in signed_data["crls"]
        if one.name == "other" and one.chosen["other_rev_info_format"].native == "ocsp_response"
    ]
    for archive in _attribute(signed_attributes, "adobe_revocation_info_archival"):
        lists += list(archive["crl"] or ())
        answers += list(archive["ocsp"] or ())
    return certificates, lists, answers


def _attribute(attributes: Any, name: str) -> list[Any]:
    return list(find_cms_attribute_iter(attributes, name)) if attributes else []


def _claimed(signer: Any) -> datetime | None:
    try:
        return _aware(find_unique_cms_attribute(signer["signed_attrs"], "signing_time").native)
    except NonexistentAttributeError:
        return None
    except MultivaluedAttributeError as error:
        raise refuse("signature_malformed") from error


async def _time_stamp(signer: Any, proofs: Proofs, now: datetime) -> datetime | None:
    """When the signature was stamped; None without a stamp. Raises Refused for one that is not good."""
    tokens = _attribute(signer["unsigned_attrs"], "signature_time_stamp_token")
    if not tokens:
        return None
    if len(tokens) > 1 or tokens[0]["content_type"].native != "signed_data":
        raise refuse("time_stamp_invalid")
    try:
        return await _stamped(tokens[0]["content"], signer["signature"].native, proofs, now)
    except Refused as error:
        if error.reason in ("revocation_unknown", "signature_in_future"):
            raise
        raise refuse("time_stamp_invalid") from error
    except Exception as error:
        # Whatever the library stumbles over in a token is a defect of the token.
        raise refuse("time_stamp_invalid") from error


async def _stamped(token: Any, signature: bytes, proofs: Proofs, now: datetime) -> datetime:
    def imprint(algorithm: str) -> bytes:
        digest = hashes.Hash(get_pyca_cryptography_hash(algorithm))
        digest.update(signature)
        return digest.finalize()

    time = _aware(token["encap_content_info"]["content"].parsed["gen_time"].native)
    if time > now + SKEW:
        raise refuse("signature_in_future")
    proofs = proofs.with_more(*_brought(token, None))
    found = await validate_tst_signed_data(token, proofs.paths_at(time), imprint)
    status = TimestampSignatureStatus(**found)
    if not (status.intact and status.valid):
        raise refuse("time_stamp_invalid")
    await proofs.unrevoked(_trusted_path(status, time), time, now)
    return time


def _trusted_path(status: SignatureStatus, time: datetime) -> ValidationPath:
    """The way to a root. Raises Refused with the reason why there is none at `time`."""
    certificate: Any = status.signing_cert
    if status.trust_problem_indic is None and status.validation_path is not None:
        return status.validation_path
    if status.trust_problem_indic in _WEAK:
        raise refuse("algorithm_too_weak")
    if status.trust_problem_indic is _UNKNOWN:
        raise refuse("signature_untrusted")
    if status.trust_problem_indic is AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE:
        raise refuse("certificate_not_for_signing")
    if certificate.not_valid_after < time:
        raise refuse("certificate_expired")
    if certificate.not_valid_before > time:
        raise refuse("certificate_not_yet_valid")
    raise refuse("signature_untrusted")


def _aware(time: datetime) -> datetime:
    """ASN.1 times without a zone are UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
