"""The evidence token: what goes in comes out, and nothing but what this door sealed comes in."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.commands import Evidence
from contracts.identity import pseudonym
from contracts.words import RevocationSource, Role, SignatureForm
from services.intake.domain.evidence import SIGNERS, TOKEN_LIMIT, open_token, seal_token
from services.intake.domain.refusals import Refused

KEY = bytes(range(32))
AT = datetime(2026, 3, 5, 2, 30, tzinfo=UTC)
EVIDENCE = Evidence(
    form=SignatureForm.PADES,
    document="a" * 64,
    covers="b" * 64,
    certificate="c" * 64,
    issuer="CN=Cơ quan chứng thực số",
    signed_at=AT,
    not_before=AT.replace(year=2024),
    not_after=AT.replace(year=2029),
    revocation=RevocationSource.OCSP,
    revocation_at=AT,
    stamped_at=AT,
)


def refused(token: str, key: bytes = KEY) -> Refused:
    with pytest.raises(Refused) as caught:
        open_token(token, key)
    assert (caught.value.reason, caught.value.field) == ("bad_evidence", "evidence")
    return caught.value


def test_what_is_sealed_comes_out_again() -> None:
    token = seal_token(EVIDENCE, KEY)
    assert open_token(token, KEY) == EVIDENCE
    assert seal_token(EVIDENCE, KEY) == token
    unstamped = msgspec.structs.replace(EVIDENCE, stamped_at=None)
    assert open_token(seal_token(unstamped, KEY), KEY) == unstamped


def test_the_longest_evidence_there_is_still_fits() -> None:
    longest = msgspec.structs.replace(EVIDENCE, issuer="\U0001f58b" * 300)
    assert open_token(seal_token(longest, KEY), KEY) == longest


@pytest.mark.parametrize("place", range(0, len(seal_token(EVIDENCE, KEY)), 7))
def test_a_changed_character_is_noticed(place: int) -> None:
    token = seal_token(EVIDENCE, KEY)
    other = "A" if token[place] != "A" else "B"
    refused(token[:place] + other + token[place + 1 :])


def test_another_key_another_purpose_no_key() -> None:
    token = seal_token(EVIDENCE, KEY)
    refused(token, bytes(32))
    payload = token.partition(".")[0]
    refused(f"{payload}.{pseudonym(KEY, 'officer', payload)}")
    plain = base64.urlsafe_b64encode(hmac.new(KEY, payload.encode(), hashlib.sha256).digest()).decode()
    refused(f"{payload}.{plain.rstrip('=')}")
    refused(payload)
    refused("")
    refused(".")


def test_there_is_one_token_for_each_finding() -> None:
    token = seal_token(EVIDENCE, KEY)
    refused(token + "=")
    refused(token + "\n")
    refused(" " + token)
    refused(token.replace(".", "..", 1))


def test_too_long_and_not_ascii() -> None:
    refused("A" * TOKEN_LIMIT + "." + "A" * 43)
    refused("ạ." + "A" * 43)


def test_a_token_of_another_contract_is_refused() -> None:
    payload = base64.urlsafe_b64encode(b'{"form":"xades"}').rstrip(b"=")
    mac = hmac.new(KEY, b"motcua evidence v1\x00" + payload, hashlib.sha256).digest()
    token = payload + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")
    assert isinstance(refused(token.decode()).__cause__, msgspec.MsgspecError)


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_worse(token: str) -> None:
    refused(token)


def test_who_may_have_a_signature_verified() -> None:
    assert {Role.APPROVER, Role.LEADER, Role.SEAL_KEEPER, Role.IMPORTER, Role.ADMIN} == SIGNERS
