"""A person is the same person in a header, in a body, in a bulk line and on the command line."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

import pytest

from contracts import identity
from contracts.commands import HandOver
from motcua.__main__ import main
from tests.fakes.intake_desk import PROVINCE_KEY, REGISTER, Desk, desk, in_loop

DOSSIER: Final = "0" * 32


def pseudonym(name: str) -> str:
    return identity.pseudonym(PROVINCE_KEY, "officer", name.casefold())


async def _acted_by(d: Desk, *actors: bytes) -> tuple[int, str | None]:
    """Status of a registration with these Motcua-Actor headers, and its reason."""
    headers = [(b"Authorization", b"Bearer counter"), (b"Idempotency-Key", b"k")]
    answer = await d.http.post(
        "/v1/dossiers", json=REGISTER, headers=[*headers, *((b"Motcua-Actor", actor) for actor in actors)]
    )
    if answer.status_code == 400:
        assert answer.json()["field"] == "Motcua-Actor"
        assert answer.json()["rule"]
    return answer.status_code, answer.json().get("reason")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"cb-017", "cb-017"),
        (b"  cb-017 ", "cb-017"),
        (b'a+b (c) "d" ~', 'a+b (c) "d" ~'),
        (b"100%25", "100%"),
        (b"%63b-017", "cb-017"),
        (quote("Nguyễn An").encode(), "Nguyễn An"),
        (b"Nguy%e1%bb%85n  An", "Nguyễn An"),
        (quote("Nguye\u0302\u0303n An").encode(), "Nguyễn An"),
        (quote("Đ" * 200).encode(), "Đ" * 200),
        (b"CB-017", "cb-017"),
        (quote("cb\u200b-0\u00ad17").encode(), "cb-017"),
        (quote("ｃｂ-017").encode(), "cb-017"),
    ],
)
@in_loop
async def test_the_header_names_them_encoded(sent: bytes, name: str) -> None:
    async with desk() as d:
        assert await _acted_by(d, sent) == (202, None)
        assert d.commands()[0].actor == pseudonym(name)


@pytest.mark.parametrize(
    "sent",
    [
        "cán bộ".encode(),
        b"",
        b"%20%C2%A0",
        b"100%",
        b"100% sure",
        b"%4",
        b"%zz",
        b"%u1EC5",
        b"%E1%BB",
        b"%C0%AF",
        b"%ED%A0%80",
        b"%00",
        b"a%0Ab",
        b"a%E2%80%A8b",
        b"a" * 201,
        quote("Đ" * 201).encode(),
    ],
)
@in_loop
async def test_a_header_that_names_nobody_is_refused(sent: bytes) -> None:
    async with desk() as d:
        assert await _acted_by(d, sent) == (400, "actor_malformed")
        assert d.commands() == []


@in_loop
async def test_nobody_acts_as_two_persons() -> None:
    async with desk() as d:
        assert await _acted_by(d, b"cb-017", b"cb-018") == (400, "actor_malformed")


@in_loop
async def test_an_officer_with_vietnamese_letters_is_handed_the_step_and_acts() -> None:
    name = "Nguyễn Thị Ánh"
    async with desk() as d:
        path = f"/v1/dossiers/{DOSSIER}"
        await d.post(f"{path}/hand_over", {"to_officer": name}, key="officer", Idempotency_Key="a")
        await d.post(f"{path}/appraise", key="officer", Idempotency_Key="b", Motcua_Actor=quote(name))
        line = {"key": "c", "action": "appraise", "dossier_id": DOSSIER, "actor": name}
        await d.bulk(json.dumps(line))
        handed, acted, in_bulk = d.commands()
        assert isinstance(handed.body, HandOver)
        assert handed.body.officer == acted.actor == in_bulk.actor == pseudonym(name)


@pytest.mark.parametrize("name", ["a" * 201, "a\nb", "a\u2028b", "\u00a0", ""])
@in_loop
async def test_what_is_no_name_is_none_anywhere(name: str) -> None:
    async with desk() as d:
        line = {"key": "c", "action": "withdraw", "dossier_id": DOSSIER, "actor": name}
        problem = json.loads((await d.bulk(json.dumps(line))).text)["problem"]
        assert (problem["reason"], problem["field"]) == ("bad_shape", "actor")
        answer = await d.post(
            f"/v1/dossiers/{DOSSIER}/hand_over", {"to_officer": name}, key="officer", Idempotency_Key="a"
        )
        assert (answer.json()["reason"], answer.json()["field"]) == ("bad_shape", "to_officer")
        assert d.commands() == []


@pytest.mark.parametrize("name", ["a" * 201, "a\nb", "\udcff", "\u00a0"])
def test_the_command_line_takes_no_other_names(
    name: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path_factory.mktemp("key") / "province.key"
    key.write_text(PROVINCE_KEY.hex(), encoding="utf-8")
    assert main(["pseudonym", name, "--province-key", str(key)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "TEXT: " in said.err
