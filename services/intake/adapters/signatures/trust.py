"""What signatures are trusted by: a folder with roots, other certificates and revocation lists.

Certificates (``*.pem``, ``*.crt``, PEM or DER): who issued themselves are roots, others only help to find
the way to one. Lists (``*.crl``, PEM or DER) are taken in addition to those inside a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import cryptography.x509
from asn1crypto import crl, pem, x509

_CERTIFICATES: Final = (".pem", ".crt")
_LISTS: Final = (".crl",)


class TrustError(ValueError):
    """The folder cannot be trusted by; the message names the file."""


class Trust(NamedTuple):
    """What a folder held. The items are asn1crypto's, which has no types."""

    roots: tuple[Any, ...]
    others: tuple[Any, ...]
    lists: tuple[Any, ...]


def read_trust(folder: Path) -> Trust:
    """What stands in `folder`. Raises TrustError: unreadable, no root, another thing, a private key."""
    roots: list[Any] = []
    others: list[Any] = []
    lists: list[Any] = []
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in _CERTIFICATES:
                for der in _parts(path):
                    certificate = _certificate(path, der)
                    (roots if certificate.self_issued else others).append(certificate)
            elif path.suffix in _LISTS:
                lists += [_list(path, der) for der in _parts(path)]
    except OSError as error:
        raise TrustError(f"cannot read {str(folder)!r}: {error.strerror}") from error
    if not roots:
        raise TrustError(f"{str(folder)!r} holds no root: a certificate (*.pem, *.crt) that issued itself")
    return Trust(tuple(roots), tuple(others), tuple(lists))


class TrustFolder:
    """A folder that changes while the process runs: renewed lists count from the next signature on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = _look(folder)
        self._trust = read_trust(folder)

    def current(self) -> Trust:
        """What stands there now. Raises TrustError, and keeps doing so until it is put right."""
        seen = _look(self._folder)
        if seen != self._seen:
            self._trust = read_trust(self._folder)
            self._seen = seen
        return self._trust


def _look(folder: Path) -> list[tuple[str, int, int]]:
    """Enough to notice that a file came, went or changed."""
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError as error:
        raise TrustError(f"cannot read {str(folder)!r}: {error.strerror}") from error
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


def _parts(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    if b"PRIVATE KEY-----" in data:
        raise TrustError(f"{path.name}: holds a private key; it must not be here, nor anywhere near Motcua")
    if not pem.detect(data):
        yield data
        return
    try:
        yield from (der for _, _, der in pem.unarmor(data, multiple=True))
    except ValueError as error:
        raise TrustError(f"{path.name}: not PEM") from error


def _certificate(path: Path, der: bytes) -> Any:
    try:
        cryptography.x509.load_der_x509_certificate(der)
        return x509.Certificate.load(der, strict=True)
    except ValueError as error:
        raise TrustError(f"{path.name}: not an X.509 certificate") from error


def _list(path: Path, der: bytes) -> Any:
    try:
        cryptography.x509.load_der_x509_crl(der)
        return crl.CertificateList.load(der, strict=True)
    except ValueError as error:
        raise TrustError(f"{path.name}: not an X.509 revocation list") from error
