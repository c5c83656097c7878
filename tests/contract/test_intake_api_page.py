"""docs/api.md is true: its lines run, and its table is the one the API document shows."""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path
from typing import Final, get_args

import httpx
import pytest

from contracts.commands import CommandBody
from contracts.outcomes import ActionName
from motcua import catalogue
from motcua.__main__ import main
from services.intake.http.operations import action_table, signature_table
from tests.fakes.authority import Authority, pdf
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import Desk, accept_all, desk, in_loop, law_in
from tests.fakes.signatures import ThreadedVerifier

PAGE: Final = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SHELL: Final = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
LINES: Final = [line for line in SHELL.replace("\\\n", " ").splitlines() if line]
SAMPLE: Final = list(catalogue.sample_changes())
RESULT: Final = b"a result that is no PDF"
KEYS: Final = {
    "COUNTER": "wide",
    "OFFICER": "officer",
    "APPROVER": "approver",
    "LEADER": "leader",
    "SEAL_KEEPER": "seal-keeper",
    "ADMIN": "admin",
    "INSPECTOR": "inspector",
}


async def _curl(d: Desk, line: str, values: dict[str, str], files: dict[str, bytes]) -> httpx.Response:
    """What curl would do with a line of the page."""
    words = iter(shlex.split(re.sub(r"\$(\w+)", lambda name: values[name[1]], line)))
    assert next(words) == "curl"
    method, url, headers = "GET", "", {}
    body: str | bytes | None = None
    for word in words:
        match word:
            case "-s":
                continue
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case "--data-binary":
                body = files[next(words).removeprefix("@")]
            case _:
                assert word.startswith("http://")
                url = word
    return await d.http.request(method, url, headers=headers, content=body)


def _signed(authority: Authority) -> dict[str, bytes]:
    """The signed files the page speaks of."""
    seal = authority.organisation("UBND xã Mẫu")
    approved = authority.approve(pdf(), authority.person("UBND xã Mẫu"))
    return {
        "approved.pdf": approved,
        "sealed.pdf": authority.seal(approved, seal),
        "result.p7s": authority.detached(RESULT, seal),
    }


@in_loop
async def test_every_line_of_the_page_runs(tmp_path: Path) -> None:
    values = {**KEYS, "DOOR": "http://intake.test", "SHA256": hashlib.sha256(RESULT).hexdigest()}
    authority = Authority()
    files = _signed(authority)
    log = MemoryLog()
    law_in(log, SAMPLE)
    async with desk(log, signatures=ThreadedVerifier(authority.write_trust(tmp_path))) as d:
        d.workflow = accept_all
        for line in LINES:
            if line.startswith("printf"):
                *words, _, name = shlex.split(line)
                files[name] = "\n".join(words[2:]).encode()
                continue
            answer = await _curl(d, line, values, files)
            assert answer.is_success, (line, answer.text)
            if "/v1/commands" in line:
                assert answer.text.count('"status":202') == 2, answer.text
            if "DOSSIER" not in values:  # the first line hands one in
                values["DOSSIER"] = answer.json()["dossier_id"]
        names = {type(command.body).__name__ for command in d.commands()}
    assert names == {body.__name__ for body in get_args(CommandBody)}
    actions = {action for action in ActionName if any(f"$DOSSIER/{action}" in line for line in LINES)}
    assert actions == set(ActionName) - {ActionName.REGISTER}


def test_the_table_is_that_of_the_api_document() -> None:
    assert action_table() in PAGE
    assert signature_table() in PAGE


def test_the_line_that_makes_a_key_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = re.findall(r"^motcua (key new .*)$", PAGE, re.MULTILINE)
    assert main(shlex.split(line)) == 0
    assert "[clients.counter-h44-100]" in capsys.readouterr().out
