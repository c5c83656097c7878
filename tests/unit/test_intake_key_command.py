"""`motcua key new`: what it prints makes the services know the key, and nothing keeps it."""

from __future__ import annotations

import re

import pytest

from contracts.access import Client, parse_keys
from contracts.words import Role
from motcua.__main__ import main


def _made(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """The key printed, and the lines for the file."""
    assert main(["key", "new", *words]) == 0
    out = capsys.readouterr().out
    [key] = re.findall(r"^[\w-]{43}$", out, re.MULTILINE)
    return key, out[out.index("[clients.") :]


def test_a_key_with_agencies(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--client", "counter-h52-18", "--role", "counter", "--agency", "H52.18", "000.01.18.H52")
    key, lines = _made(capsys, *words)
    assert lines.startswith("[clients.counter-h52-18]\n")
    assert key not in lines
    client = parse_keys(lines).identify(key)
    assert client == Client(name="counter-h52-18", role=Role.COUNTER, agencies=("H52.18", "000.01.18.H52"))


def test_a_key_for_every_agency_and_another_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    one, lines = _made(capsys, "--client", "inspector", "--role", "inspector")
    other, more = _made(capsys, "--client", "inspector-2", "--role", "inspector")
    assert one != other
    ring = parse_keys(lines + more)
    first, second = ring.identify(one), ring.identify(other)
    assert first is not None
    assert second is not None
    assert (first.agencies, second.name) == (None, "inspector-2")


@pytest.mark.parametrize(
    ("words", "option", "shown"),
    [
        (("--client", "", "--role", "counter"), "--client", "''"),
        (("--client", "counter-1\n", "--role", "counter"), "--client", r"'counter-1\n'"),
        (("--client", "Counter 1", "--role", "counter"), "--client", "'Counter 1'"),
        (("--client", 'a"]\nrole = "admin', "--role", "counter"), "--client", "admin"),
        (("--client", "c" * 64, "--role", "counter"), "--client", "at most 63"),
        (("--client", "c", "--role", "counter", "--agency", "h52"), "--agency", "'h52'"),
        (("--client", "c", "--role", "counter", "--agency", ""), "--agency", "''"),
        (("--client", "c", "--role", "counter", "--agency", "H52.18", 'H52"]'), "--agency", "'H52\"]'"),
    ],
)
def test_what_the_services_would_refuse_is_refused_in_words_and_no_key_shown(
    words: tuple[str, ...], option: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "new", *words]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"motcua key: {option}: expected ")
    assert shown in told.err
    assert "regex" not in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("words", [("--client", "c", "--role", "king"), ("--role", "counter")])
def test_wrong_usage(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["key", "new", *words])
    assert ended.value.code == 2
