"""Whose seal, whose signature: what stands between an approved result and the seal on it.

The cryptography was verified at the door; here the findings (:class:`contracts.commands.Evidence`) are held
against the register of seals, the inventory of certificates, and what the approver signed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from contracts.commands import Command, CompleteStep, Evidence
from contracts.facts import Holder
from contracts.law import CertificateRegistered, SealRegistered
from contracts.words import CertificateKind, Place, SealKind
from legalclock.moments import local
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.draft import RuleError
from services.workflow.domain.law import Law
from services.workflow.domain.rules import Reason

TOLERANCE: Final = timedelta(minutes=5)
"""How far the clocks of a signer, a time-stamp authority and the door may differ."""

_FINISHING: Final = frozenset({SealKind.AGENCY, SealKind.SECOND})


def check_approval(
    law: Law, holder: Holder, dossier: Dossier, command: Command, evidence: Evidence | None, at: datetime
) -> None:
    """The approver is known, is not who appraised, and the signature is theirs. Raises RuleError."""
    if command.actor is None:
        raise RuleError(Reason.ACTOR_UNKNOWN)
    if command.actor == dossier.appraiser:
        raise RuleError(Reason.SAME_PERSON)
    if evidence is None:
        return
    _check_age(dossier, evidence)
    certificate = _certificate(law, evidence, holder.agency, CertificateKind.PERSON, at)
    if certificate.holder not in (None, command.actor):
        raise RuleError(Reason.CERTIFICATE_OF_OTHER_PERSON)


def check_stamp(
    law: Law,
    holder: Holder,
    dossier: Dossier,
    command: Command,
    body: CompleteStep,
    place: Place,
    at: datetime,
) -> SealRegistered:
    """The seal that may be put on the approved result now. Raises RuleError."""
    if command.actor is None:
        raise RuleError(Reason.ACTOR_UNKNOWN)
    if command.actor == dossier.approver:
        raise RuleError(Reason.SAME_PERSON)
    seal = _seal(law, holder.agency, body, place, at)
    if seal.keeper not in (None, command.actor):
        raise RuleError(Reason.NOT_THE_KEEPER)
    if body.evidence is not None:
        if dossier.document is None:
            raise RuleError(Reason.APPROVAL_NOT_SIGNED)
        _check_age(dossier, body.evidence)
        _certificate(law, body.evidence, seal.agency, CertificateKind.ORGANISATION, at)
        if seal.certificate not in (None, body.evidence.certificate):
            raise RuleError(Reason.CERTIFICATE_OF_OTHER_SEAL)
        if body.evidence.stamped_at is None:
            raise RuleError(Reason.TIME_STAMP_MISSING)
        if body.evidence.covers != dossier.document:
            raise RuleError(Reason.WRONG_DOCUMENT)
    return seal


def check_still_sealed(law: Law, dossier: Dossier) -> None:
    """The certificate of the stamp is not known by now to have been revoked before it. Raises RuleError."""
    stamp = dossier.stamp
    if stamp is None or stamp.certificate is None or stamp.stamped_at is None:
        return
    certificate = law.certificates.get(stamp.certificate)
    if certificate is not None and _revoked(certificate, stamp.stamped_at):
        raise RuleError(Reason.CERTIFICATE_REVOKED)


def _check_age(dossier: Dossier, evidence: Evidence) -> None:
    """A signature older than the matter signs something else: another dossier's result, or a void one."""
    begun = dossier.reopened_at or dossier.accepted_at
    signed = min(evidence.signed_at, evidence.stamped_at or evidence.signed_at)
    if begun is not None and signed < begun - TOLERANCE:
        raise RuleError(Reason.SIGNATURE_TOO_OLD)


def _seal(law: Law, agency: str, body: CompleteStep, place: Place, at: datetime) -> SealRegistered:
    if body.seal is None:
        return _only_seal(law, agency, body.evidence is not None, place, at)
    seal = law.seals.get(body.seal)
    if seal is None:
        raise RuleError(Reason.UNKNOWN_SEAL)
    if seal.agency != agency:
        raise RuleError(Reason.SEAL_OF_OTHER_AGENCY)
    if seal.kind not in _FINISHING:
        raise RuleError(Reason.SEAL_OF_OTHER_KIND)
    if not _valid(seal, at):
        raise RuleError(Reason.SEAL_NOT_VALID)
    if seal.kind is SealKind.SECOND and place is not Place.CENTRE:
        raise RuleError(Reason.SEAL_OF_OTHER_PLACE)
    if seal.electronic and body.evidence is None:
        raise RuleError(Reason.SIGNATURE_MISSING)
    if body.evidence is not None and not seal.electronic:
        raise RuleError(Reason.SEAL_NOT_ELECTRONIC)
    return seal


def _only_seal(law: Law, agency: str, electronic: bool, place: Place, at: datetime) -> SealRegistered:
    """The seal nobody needs to name: the only one there is, or the only one kept where the step is done."""
    usable = [
        seal
        for seal in law.seals.values()
        if seal.agency == agency
        and seal.kind in (_FINISHING if place is Place.CENTRE else {SealKind.AGENCY})
        and seal.electronic is electronic
        and _valid(seal, at)
    ]
    if len(usable) > 1:
        kept = SealKind.SECOND if place is Place.CENTRE else SealKind.AGENCY
        usable = [seal for seal in usable if seal.kind is kept] or usable
    if not usable:
        raise RuleError(Reason.NO_VALID_SEAL)
    if len(usable) > 1:
        raise RuleError(Reason.SEAL_NOT_NAMED)
    return usable[0]


def _valid(seal: SealRegistered, at: datetime) -> bool:
    day = local(at).date()
    return seal.valid_from <= day and (seal.valid_to is None or day <= seal.valid_to)


def _certificate(
    law: Law, evidence: Evidence, agency: str, kind: CertificateKind, at: datetime
) -> CertificateRegistered:
    """The signer's certificate in the inventory, of that agency and kind, good when it signed."""
    # What the signer claims proves nothing: without a time stamp the certificate has to be good now.
    stamped = evidence.stamped_at or at
    if max(stamped, evidence.signed_at) > at + TOLERANCE:
        raise RuleError(Reason.SIGNATURE_IN_FUTURE)
    certificate = law.certificates.get(evidence.certificate)
    if certificate is None:
        raise RuleError(Reason.CERTIFICATE_UNKNOWN)
    if certificate.agency != agency:
        raise RuleError(Reason.CERTIFICATE_OF_OTHER_AGENCY)
    if certificate.kind is not kind:
        raise RuleError(Reason.CERTIFICATE_OF_OTHER_KIND)
    if _revoked(certificate, stamped):
        raise RuleError(Reason.CERTIFICATE_REVOKED)
    begins = max(evidence.not_before, certificate.valid_from)
    ends = min(evidence.not_after, certificate.valid_to)
    if not begins <= stamped <= ends:
        raise RuleError(Reason.CERTIFICATE_EXPIRED)
    return certificate


def _revoked(certificate: CertificateRegistered, at: datetime) -> bool:
    return certificate.revoked_at is not None and certificate.revoked_at <= at
