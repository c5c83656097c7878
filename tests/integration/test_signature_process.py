"""Verifiers in processes of their own: a file that takes for ever, eats memory or kills costs only itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from services.intake.adapters.signatures.process import SignatureVerifier, TrustRefusedError
from services.intake.domain.refusals import Refused
from services.intake.ports import Unavailable
from tests.fakes.authority import NOW, Authority, pdf
from tests.fakes.intake_desk import in_loop, until

SLOW: Final = b"%PDF-1.7\n1 0 obj\n<" + b"0" * 15_000_000 + b">\nendobj\n"
"""Reading its one object takes a minute."""


def slow() -> bytes:
    """A file whose table leads to that object as its root."""
    at = SLOW.index(b"1 0 obj")
    table = len(SLOW)
    return (
        SLOW
        + b"xref\n0 2\n0000000000 65535 f \n%010d 00000 n \n" % at
        + b"trailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table
    )


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority()


@pytest.fixture
def folder(ca: Authority, tmp_path: Path) -> Path:
    return ca.write_trust(tmp_path / "trust")


@asynccontextmanager
async def started(folder: Path, **limits: Any) -> AsyncIterator[SignatureVerifier]:
    verifier = SignatureVerifier(folder, os.environ, **limits)
    await verifier.start()
    try:
        yield verifier
    finally:
        await verifier.close()


def processes(verifier: SignatureVerifier) -> list[int]:
    """Those that wait for a file."""
    return [process.pid for process in verifier._idle]


def told(pid: int) -> bytes:
    """The environment a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


async def refusal(verifier: SignatureVerifier, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        await verifier.verify_pdf(data, NOW)
    return refused.value.reason


@in_loop
async def test_evidence_and_refusals_come_through(ca: Authority, folder: Path) -> None:
    seal = ca.organisation("UBND xã Mẫu")
    async with started(folder) as verifier:
        evidence = await verifier.verify_pdf(ca.seal(pdf(), seal), NOW)
        assert (evidence.certificate, evidence.stamped_at) == (seal.sha256, NOW - timedelta(minutes=1))
        assert await refusal(verifier, pdf()) == "no_signature"
        assert await refusal(verifier, b"") == "not_a_pdf"
        with pytest.raises(Refused, match="document_changed"):
            await verifier.verify_detached(ca.detached(b"a", seal), "0" * 64, NOW)
        assert len(processes(verifier)) == 1


@in_loop
async def test_a_file_that_takes_too_long_is_ended_with_its_process(ca: Authority, folder: Path) -> None:
    async with started(folder, seconds=1.5) as verifier:
        [first] = processes(verifier)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        assert await refusal(verifier, slow()) == "too_hard_to_read"
        ticking.cancel()
        assert ticks > 20  # the loop went on meanwhile
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert await verifier.verify_pdf(ca.seal(pdf(), ca.organisation("UBND xã Mẫu")), NOW)


@in_loop
async def test_a_slow_file_holds_up_nobody_else(ca: Authority, folder: Path) -> None:
    sealed = ca.seal(pdf(), ca.organisation("UBND xã Mẫu"))
    async with started(folder, seconds=4.0) as verifier:
        held = asyncio.create_task(refusal(verifier, slow()))
        assert await verifier.verify_pdf(sealed, NOW)
        assert not held.done()
        assert await held == "too_hard_to_read"


@in_loop
async def test_when_all_are_at_work_for_too_long_it_says_so(folder: Path) -> None:
    async with started(folder, processes=1, seconds=3.0, patience=10.0) as verifier:
        verifier._patience = 0.2
        held = asyncio.create_task(refusal(verifier, slow()))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="verifier_busy"):
            await verifier.verify_pdf(pdf(), NOW)
        assert await held == "too_hard_to_read"


@in_loop
async def test_a_process_that_dies_over_a_file_is_replaced(folder: Path) -> None:
    async with started(folder, seconds=20.0) as verifier:
        [first] = processes(verifier)
        held = asyncio.create_task(refusal(verifier, slow()))
        await until(lambda: not processes(verifier))
        os.kill(first, signal.SIGKILL)
        assert await held == "too_hard_to_read"
        assert await refusal(verifier, pdf()) == "no_signature"


@in_loop
async def test_one_that_died_while_idle_is_nobodys_fault(folder: Path) -> None:
    async with started(folder) as verifier:
        [process] = verifier._idle
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        assert await refusal(verifier, pdf()) == "no_signature"


@in_loop
async def test_a_wrong_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(TrustRefusedError, match="holds no root"):
        await SignatureVerifier(tmp_path, os.environ).start()


def test_the_door_does_not_start_with_a_wrong_folder(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(f'[clients.a]\nsha256 = "{"0" * 64}"\nrole = "admin"\n')
    (tmp_path / "province.key").write_text("00" * 32)
    settings = {
        "MOTCUA_KAFKA": "127.0.0.1:1",
        "MOTCUA_HTTP": "127.0.0.1:1",
        "MOTCUA_API_KEYS": str(tmp_path / "keys.toml"),
        "MOTCUA_PROVINCE_KEY": str(tmp_path / "province.key"),
        "MOTCUA_ANALYTICS_URL": "http://figures.test",
        "MOTCUA_TRUST": str(tmp_path),
    }
    door = subprocess.run(
        [sys.executable, "-m", "services.intake"],
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert door.returncode == 78
    assert "MOTCUA_TRUST: " in door.stderr
    assert "holds no root" in door.stderr


@in_loop
async def test_a_folder_that_goes_wrong_later_is_no_fault_of_the_file(ca: Authority, folder: Path) -> None:
    sealed = ca.seal(pdf(), ca.organisation("UBND xã Mẫu"), embed="none")
    async with started(folder) as verifier:
        assert await verifier.verify_pdf(sealed, NOW)
        (folder / "bad.crl").write_bytes(b"half")
        with pytest.raises(Unavailable, match="trust_unusable"):
            await verifier.verify_pdf(sealed, NOW)
        (folder / "bad.crl").unlink()
        for name in ("list-0.crl", "list-1.crl"):
            (folder / name).unlink()
        assert await refusal(verifier, sealed) == "revocation_unknown"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@in_loop
async def test_a_process_knows_nothing_of_the_door(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_PROVINCE_KEY", "/somewhere/province.key")
    async with started(folder) as verifier:
        [pid] = processes(verifier)
        assert b"MOTCUA" not in told(pid)
