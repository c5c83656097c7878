"""Identities: stable for ever, apart where they must be, and without a trace of the person behind them."""

from __future__ import annotations

import re

import pytest

from contracts import identity

KEY = bytes(range(32))


def test_identities_never_change() -> None:
    """They stand in a log that is never deleted. The values come from sha256sum and openssl."""
    assert identity.dossier_id("portal", "k-1") == "c0e276a6d0cae0f192c7a5056463a640"
    assert identity.command_id("d", "portal", "k-1") == "04988c30399b138472a27bc2296155fc"
    assert identity.derived_id("5/1204/0", "seal-number") == "13f7ae013f3e137eef32aa7fcf3329b4"
    assert identity.seal_id("H52.18-1") == "e1739fef3fc818f65bebd5ad4323e551"
    assert identity.fingerprint(b'{"a":1}') == "015abd7f5cc57a2d"
    assert identity.pseudonym(KEY, "officer", "An") == "d399f9e5ac5fa418fa4773187380800a"


def test_saying_it_twice_names_the_same_thing() -> None:
    assert identity.dossier_id("portal", "k") == identity.dossier_id("portal", "k")
    assert identity.command_id("d", "portal", "k") == identity.command_id("d", "portal", "k")
    assert identity.derived_id("c", "p") == identity.derived_id("c", "p")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (identity.dossier_id("ab", "c"), identity.dossier_id("a", "bc")),
        (identity.dossier_id("a", "k"), identity.dossier_id("b", "k")),
        (identity.command_id("d", "a", "k"), identity.command_id("e", "a", "k")),
        (identity.command_id("d", "a", "k"), identity.command_id("d", "b", "k")),
        (identity.dossier_id("a", "b"), identity.derived_id("a", "b")),
        (identity.seal_id("H52.18-1"), identity.seal_id("H52.18-2")),
        (identity.seal_id("H52.18-1"), identity.dossier_id("seal", "H52.18-1")),
        (identity.fingerprint(b"{}"), identity.fingerprint(b"{ }")),
        (identity.pseudonym(KEY, "officer", "x"), identity.pseudonym(KEY, "applicant", "x")),
        (identity.pseudonym(KEY, "officer", "x"), identity.pseudonym(KEY[::-1], "officer", "x")),
    ],
)
def test_different_things_have_different_names(one: str, other: str) -> None:
    assert one != other


def test_the_forms_are_those_of_the_messages() -> None:
    for value in (
        identity.dossier_id("a", "k"),
        identity.command_id("d", "a", "k"),
        identity.derived_id("c", "p"),
        identity.seal_id("H52.18-1"),
        identity.pseudonym(KEY, "applicant", "Nguyễn Thị Hoà"),
    ):
        assert re.fullmatch("[0-9a-f]{32}", value)
    assert re.fullmatch("[0-9a-f]{16}", identity.fingerprint(b""))
