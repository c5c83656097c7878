"""Verifiers in processes of their own, asked from the event loop: none can hold it up or bring it down.

A verifier that takes too long is ended with the file it was given, and the next file gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from contracts.commands import Evidence
from services.intake.adapters.signatures import words
from services.intake.domain.signature_rules import refuse
from services.intake.ports import Unavailable

_WORKER: Final = "services.intake.adapters.signatures.worker"
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "VIRTUAL_ENV")
"""All a verifier is told; it reads files from outside and needs to know nothing else."""

_log = logging.getLogger(__name__)


class TrustRefusedError(ValueError):
    """The trust folder cannot be used; the message says why."""


class SignatureVerifier:
    """Evidence of signed files; up to `processes` are judged at once, each within `seconds`."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *,
        processes: int = 2,
        seconds: float = 10.0,
        patience: float = 20.0,
    ) -> None:
        self._folder = folder
        self._environ = {name: environ[name] for name in _ENVIRONMENT if name in environ}
        self._seconds = seconds
        self._patience = patience
        self._room = asyncio.Semaphore(processes)
        self._idle: list[asyncio.subprocess.Process] = []
        self._closed = False

    async def start(self) -> None:
        """Have one ready. Raises TrustRefusedError for a folder that is wrong, Unavailable."""
        self._idle.append(await self._new())

    async def verify_pdf(self, data: bytes, now: datetime) -> Evidence:
        """Evidence of the last signature of a PDF. Raises Refused; Unavailable when nobody can judge now."""
        return await self._ask(words.Question(size=len(data), now=now), data)

    async def verify_detached(self, signature: bytes, document_sha256: str, now: datetime) -> Evidence:
        """Evidence of a signature that stands apart; raises as :meth:`verify_pdf`."""
        question = words.Question(size=len(signature), now=now, document=document_sha256)
        return await self._ask(question, signature)

    async def close(self) -> None:
        """End every process that has nothing to do; those at work end with their file."""
        self._closed = True
        while self._idle:
            await _end(self._idle.pop())

    async def _ask(self, question: words.Question, data: bytes) -> Evidence:
        try:
            async with asyncio.timeout(self._patience):
                await self._room.acquire()
        except TimeoutError as error:
            raise Unavailable("verifier_busy") from error
        try:
            answer = await self._answered(question, data)
        finally:
            self._room.release()
        if answer.evidence is not None:
            return answer.evidence
        if answer.reason is not None:
            raise refuse(answer.reason)
        _log.error("MOTCUA_TRUST: %s", answer.trust)
        raise Unavailable("trust_unusable")

    async def _answered(self, question: words.Question, data: bytes) -> words.Answer:
        try:
            process = await self._free()
        except TrustRefusedError as error:
            return words.Answer(trust=str(error))
        keep = False
        try:
            async with asyncio.timeout(self._seconds):
                answer = await _exchange(process, question, data)
            keep = answer is not None and not self._closed
        except TimeoutError:
            answer = None
        finally:
            if keep:
                self._idle.append(process)
            else:
                await asyncio.shield(_end(process))
        return answer or words.Answer(reason="too_hard_to_read")

    async def _free(self) -> asyncio.subprocess.Process:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await _end(process)
        return await self._new()

    async def _new(self) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _WORKER,
                str(self._folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=words.LINE_LIMIT,
                env=self._environ,
            )
        except OSError as error:
            raise Unavailable("verifier_failing") from error
        try:
            async with asyncio.timeout(self._patience):
                ready = await _answer(process)
        except TimeoutError:
            ready = None
        if ready is not None and ready.trust is None:
            return process
        await asyncio.shield(_end(process))
        if ready is None:
            raise Unavailable("verifier_failing")
        raise TrustRefusedError(ready.trust)


async def _exchange(
    process: asyncio.subprocess.Process, question: words.Question, data: bytes
) -> words.Answer | None:
    """The answer; None when the process ended over it."""
    assert process.stdin is not None
    try:
        process.stdin.write(words.encode(question) + b"\n")
        process.stdin.write(data)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return None
    return await _answer(process)


async def _answer(process: asyncio.subprocess.Process) -> words.Answer | None:
    assert process.stdout is not None
    line = await process.stdout.readline()
    return words.answer(line) if line else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it, whatever it does, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
