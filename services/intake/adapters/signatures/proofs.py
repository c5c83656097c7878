"""Was a certificate revoked? Every list and answer at hand is asked, one by one.

A list or answer counts when it is properly signed for its issuer and was good at the time asked about, or was
made later: what is not revoked later was not before. Not so once the certificate has expired: issuers drop
the expired from their lists. One sound word that it was revoked outweighs all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import CRLValidationError, OCSPValidationError, RevokedError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
)
from pyhanko_certvalidator.revinfo import validate_crl
from pyhanko_certvalidator.revinfo.archival import OCSPContainer
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response

from contracts.words import RevocationSource
from services.intake.adapters.signatures.trust import Trust
from services.intake.domain.signature_rules import refuse

SKEW: Final = timedelta(minutes=5)
"""How far clocks may differ."""
LIMIT: Final = 64
"""Most certificates, lists or answers one document may bring."""


class Proofs(NamedTuple):
    """What a document brought along, and what stands in the trust folder (asn1crypto's types)."""

    trust: Trust
    certificates: tuple[Any, ...] = ()
    lists: tuple[Any, ...] = ()
    answers: tuple[Any, ...] = ()

    def with_more(self, certificates: Sequence[Any], lists: Sequence[Any], answers: Sequence[Any]) -> Proofs:
        """These and more. Raises Refused (signature_malformed) when a document brings too many."""
        more = self._replace(
            certificates=(*self.certificates, *certificates),
            lists=(*self.lists, *lists),
            answers=(*self.answers, *answers),
        )
        if max(map(len, more[1:])) > LIMIT:
            raise refuse("signature_malformed")
        return more

    def paths_at(self, time: datetime) -> ValidationContext:
        """A context that finds and judges the way to a root as of `time`, whatever was revoked."""
        return self._context(time, NO_REVOCATION, (), ())

    def _context(
        self, time: datetime, policy: RevocationCheckingPolicy, lists: Sequence[Any], answers: Sequence[Any]
    ) -> ValidationContext:
        return ValidationContext(
            trust_roots=list(self.trust.roots),
            other_certs=[*self.trust.others, *self.certificates],
            moment=time,
            allow_fetching=False,
            crls=list(lists),
            ocsps=list(answers),
            revinfo_policy=CertRevTrustPolicy(policy, retroactive_revinfo=True),
        )

    async def unrevoked(
        self, path: ValidationPath, time: datetime, now: datetime
    ) -> tuple[RevocationSource, datetime]:
        """What showed that the last certificate of `path` was not revoked at `time`, and when it was made.

        The others on the path, but for the root, must be shown so too. Raises Refused (certificate_revoked,
        revocation_unknown). Of several the first made after `time` is named, else the latest before.
        """
        found: list[tuple[RevocationSource, datetime]] = []
        for certificate in path.iter_certs(include_root=False):
            found = [word async for word in self._words(certificate, path, time, now)]
            if not found:
                raise refuse("revocation_unknown")
        if not found:
            raise refuse("signature_untrusted")  # a root signed by itself
        after = [word for word in found if word[1] >= time]
        return min(after, key=_made) if after else max(found, key=_made)

    async def _words(self, certificate: Any, path: ValidationPath, time: datetime, now: datetime) -> Any:
        """Each sound word that it was good; raises Refused at one that it was revoked."""
        lists = [*self.trust.lists, *self.lists]
        answers = [part for answer in self.answers for part in OCSPContainer.load_multi(answer)]
        for source, item, made in self._about(certificate, lists, answers):
            if made > now + SKEW:
                continue
            try:
                if source is RevocationSource.OCSP:
                    context = self._context(time, REQUIRE_REVINFO, lists, [item])
                    await verify_ocsp_response(certificate, path, context)
                else:
                    others = [one for one in lists if one.issuer != certificate.issuer]
                    context = self._context(time, REQUIRE_REVINFO, [item, *others], answers)
                    await validate_crl.verify_crl(certificate, path, context)
            except RevokedError as error:
                raise refuse("certificate_revoked") from error
            except (CRLValidationError, OCSPValidationError):
                continue
            if made <= certificate.not_valid_after:
                yield source, made

    @staticmethod
    def _about(
        certificate: Any, lists: Sequence[Any], answers: Sequence[OCSPContainer]
    ) -> Iterator[tuple[RevocationSource, Any, datetime]]:
        """Lists and answers that may speak of the certificate, and when they were made."""
        for one in lists:
            if one.issuer == certificate.issuer:
                yield RevocationSource.CRL, one, one["tbs_cert_list"]["this_update"].native
        for answer in answers:
            single = answer.extract_single_response()
            made = answer.issuance_date
            if (
                single is not None
                and made is not None
                and single["cert_id"]["serial_number"].native == certificate.serial_number
            ):
                yield RevocationSource.OCSP, answer, made


def _find_in_list(
    cert: Any, cert_issuer_name: Any, certificate_list: Any, crl_authority_name: Any
) -> tuple[Any, Any]:
    """As the library looks a certificate up in a list, but at once when its number stands nowhere in it.

    The library reads every entry for every certificate, seconds for a list of a hundred thousand.
    """
    if cert["tbs_certificate"]["serial_number"].dump() not in certificate_list.dump():
        return None, None
    found: tuple[Any, Any] = _find_in_list_slowly(
        cert, cert_issuer_name, certificate_list, crl_authority_name
    )
    return found


_find_in_list_slowly: Final = validate_crl.find_cert_in_list
validate_crl.find_cert_in_list = _find_in_list


def _made(word: tuple[RevocationSource, datetime]) -> datetime:
    return word[1]
