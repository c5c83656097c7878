"""The trust folder: what counts as what, what is refused by the file's name; renewed lists are seen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives import serialization

from services.intake.adapters.signatures.trust import TrustError, TrustFolder, read_trust
from tests.fakes.authority import NOW, Authority

ARMOUR: Final = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority()


def test_roots_others_and_lists_are_told_apart(ca: Authority, tmp_path: Path) -> None:
    ca.write_trust(tmp_path)
    (tmp_path / "both.crt").write_bytes(ca.issuing.pem + Authority("Tổ chức khác").root.pem)
    (tmp_path / "notes.txt").write_text("not read", encoding="utf-8")
    der = ca.stamper.certificate.public_bytes(serialization.Encoding.DER)
    (tmp_path / "stamper.crt").write_bytes(der)
    trust = read_trust(tmp_path)
    assert [len(part) for part in trust] == [2, 2, 2]


@pytest.mark.parametrize("name", ["bad.pem", "bad.crt", "bad.crl"])
@pytest.mark.parametrize("data", [b"", b"garbage", ARMOUR])
def test_what_is_not_what_its_name_says_is_named(
    ca: Authority, tmp_path: Path, name: str, data: bytes
) -> None:
    ca.write_trust(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TrustError, match=rf"^{name}: not "):
        read_trust(tmp_path)


def test_a_private_key_is_refused_and_not_shown(ca: Authority, tmp_path: Path) -> None:
    ca.write_trust(tmp_path)
    key = ca.root.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "with-key.pem").write_bytes(ca.root.pem + key)
    with pytest.raises(TrustError, match=r"^with-key.pem: holds a private key") as refused:
        read_trust(tmp_path)
    assert key.decode().splitlines()[1] not in str(refused.value)


def test_a_folder_without_a_root_or_none_at_all(ca: Authority, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="holds no root"):
        read_trust(tmp_path)
    (tmp_path / "issuing.pem").write_bytes(ca.issuing.pem)
    with pytest.raises(TrustError, match="holds no root"):
        read_trust(tmp_path)
    with pytest.raises(TrustError, match="cannot read"):
        read_trust(tmp_path / "nowhere")


def test_a_renewed_list_counts_from_the_next_question_on(ca: Authority, tmp_path: Path) -> None:
    trusted = TrustFolder(ca.write_trust(tmp_path, at=NOW - timedelta(days=3)))
    first = trusted.current()
    assert trusted.current() is first
    fresh = tmp_path / "list-1.crl.new"
    fresh.write_bytes(ca.crls(NOW)[1])
    fresh.replace(tmp_path / "list-1.crl")
    made = [one["tbs_cert_list"]["this_update"].native for one in trusted.current().lists]
    assert NOW in made


def test_a_broken_folder_is_refused_until_it_is_put_right(ca: Authority, tmp_path: Path) -> None:
    trusted = TrustFolder(ca.write_trust(tmp_path))
    bad = tmp_path / "bad.crl"
    bad.write_bytes(b"half")
    for _ in range(2):
        with pytest.raises(TrustError, match=r"^bad\.crl: "):
            trusted.current()
    bad.unlink()
    assert trusted.current().roots
