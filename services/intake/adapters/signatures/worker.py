"""A verifier in a process of its own: ``python -m services.intake.adapters.signatures.worker FOLDER``.

Questions on stdin, answers on stdout; it ends with its stdin. A file may make it run for ever or eat memory:
the one who asks ends it then, and the limit set here keeps the machine.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import BinaryIO, Final

from services.intake.adapters.signatures import words
from services.intake.adapters.signatures.trust import TrustError, TrustFolder
from services.intake.adapters.signatures.verifier import Verifier
from services.intake.domain.refusals import Refused

MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space; a file of 20 MiB needs a fraction of it."""


def serve(folder: Path, questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""

    def say(answer: words.Answer) -> None:
        answers.write(words.encode(answer) + b"\n")
        answers.flush()

    try:
        trusted = TrustFolder(folder)
    except TrustError as error:
        say(words.Answer(trust=str(error)))
        return
    say(words.Answer())
    for line in questions:
        asked = words.question(line)
        data = questions.read(asked.size)
        if len(data) < asked.size:
            return
        say(_judge(trusted, asked, data))


def _judge(trusted: TrustFolder, asked: words.Question, data: bytes) -> words.Answer:
    try:
        verifier = Verifier(trusted.current())
        if asked.document is None:
            return words.Answer(evidence=verifier.verify_pdf(data, asked.now))
        return words.Answer(evidence=verifier.verify_detached(data, asked.document, asked.now))
    except TrustError as error:
        return words.Answer(trust=str(error))
    except Refused as error:
        return words.Answer(reason=error.reason)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
