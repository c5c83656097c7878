"""`motcua pseudonym`: what it prints is what the door makes of the same person."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from contracts import identity
from motcua.__main__ import main
from tests.fakes.intake_desk import PROVINCE_KEY, desk, in_loop


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "province.key"
    file.write_text(PROVINCE_KEY.hex() + "\n", encoding="utf-8")
    monkeypatch.delenv("MOTCUA_PROVINCE_KEY", raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path))
    return file


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["pseudonym", *words]) == 0
    return capsys.readouterr().out.strip()


def test_it_is_the_pseudonym_of_the_stack_s_key(capsys: pytest.CaptureFixture[str]) -> None:
    expected = identity.pseudonym(PROVINCE_KEY, "officer", "cb-017")
    assert printed(capsys, "cb-017") == expected
    assert printed(capsys, " cb-017  ", "--kind", "officer") == expected
    applicant = identity.pseudonym(PROVINCE_KEY, "applicant", "nguyễn an")
    assert printed(capsys, "Nguye\u0302\u0303n  An", "--kind", "applicant") == applicant


def test_the_door_knows_them_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    acted: list[str | None] = []

    @in_loop
    async def act() -> None:
        async with desk() as d:
            line = {"action": "withdraw", "dossier_id": "0" * 32}
            await d.bulk(json.dumps({**line, "key": "a", "actor": "Trần  Bình"}))
            await d.bulk(json.dumps({**line, "key": "b"}))
            acted.extend(command.actor for command in d.commands())

    act()
    assert acted == [printed(capsys, "Trần Bình"), printed(capsys, "importer", "--kind", "client")]


def test_a_name_need_not_stand_in_a_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("cb-017\r\nmore\n"))
    assert printed(capsys, "-") == identity.pseudonym(PROVINCE_KEY, "officer", "cb-017")


def test_another_key_may_be_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other, third = tmp_path / "other.key", tmp_path / "third.key"
    other.write_text("ab" * 32, encoding="utf-8")
    third.write_text("cd" * 32, encoding="utf-8")
    monkeypatch.setenv("MOTCUA_PROVINCE_KEY", str(other))
    assert printed(capsys, "x") == identity.pseudonym(bytes.fromhex("ab" * 32), "officer", "x")
    named = printed(capsys, "x", "--province-key", str(third))
    assert named == identity.pseudonym(bytes.fromhex("cd" * 32), "officer", "x")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["\u00a0"], "TEXT: "),
        (["x", "--province-key", "nowhere"], "--province-key: cannot read 'nowhere'"),
        (["x", "--home", "/nowhere"], "--home: cannot read '/nowhere/province.key'"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pseudonym", *words]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err


def test_a_key_that_is_none_is_not_repeated(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key.write_text("secret words", encoding="utf-8")
    assert main(["pseudonym", "x"]) == 1
    assert "secret words" not in capsys.readouterr().err
