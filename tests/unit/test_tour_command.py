"""`motcua tour`: where it walks, what it says and prints, and when it is content."""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest

from motcua import client, own_stack, tour
from motcua.__main__ import main
from motcua.catalogue import sample_procedures
from motcua.client import Client
from motcua.failure import Failure
from motcua.touring import record, words
from motcua.touring.plan import PROCEDURE, WALK
from motcua.touring.walk import Walk
from tests.fakes.door import FakeTime
from tests.fakes.tour import CODE, DOSSIER, DUE, FakeOffice, accepted

(GUARDIANSHIP,) = (one for one in sample_procedures() if one.code == PROCEDURE)
ACCEPTED: Final = "2026-11-23T00:12:22Z"


def fact(seq: int, kind: str, at: str, **body: object) -> dict[str, Any]:
    return {"seq": seq, "type": kind, "at": at, "body": {"type": kind, **body}}


def entry(step: str, since: str, until: str | None, due: str | None = None) -> dict[str, Any]:
    return {
        "step": step,
        "agency": "H44.101",
        "officer": "0123456789abcdef" * 2,
        "since": since,
        "until": until,
        "due": due,
        "outcome": "early" if due else None,
        "place": "centre",
        "entry": "step",
    }


TIMES: Final = [f"2026-11-23T00:12:{second:02d}Z" for second in range(21, 33)]
HISTORY: Final = [
    fact(1, "DossierRegistered", TIMES[0]),
    fact(2, "DossierAccepted", ACCEPTED, dossier_code=CODE, due=DUE, rules="nd118"),
    fact(3, "StepCompleted", TIMES[2], step="appraise"),
    fact(4, "CommandRefused", TIMES[3], command="stamp", reason="step_out_of_order"),
    fact(5, "SupplementRequested", TIMES[4], reason="missing_paper"),
    fact(6, "SupplementReceived", TIMES[5], due=DUE),
    fact(7, "ResultReturned", TIMES[6]),
]
WHOLE: Final[dict[str, Any]] = {
    "dossier_id": DOSSIER,
    "seq": 99,
    "agency": "H44.101",
    "due": DUE,
    "five_on_site": True,
    "history": HISTORY,
    "control_slip": [
        entry("receive", TIMES[0], TIMES[1]),
        entry("appraise", TIMES[1], TIMES[2], DUE),
        entry("approve", TIMES[2], TIMES[4], DUE),
        entry("stamp", TIMES[4], TIMES[5], DUE),
        entry("return", TIMES[5], TIMES[6]),
    ],
    "stamps": [{"seal": "H44.101-2", "number": 7, "year": 2026}],
}


def shown(change: Callable[[dict[str, Any]], object] = lambda _: None) -> dict[str, Any]:
    """What analytics shows, with a change."""
    whole = copy.deepcopy(WHOLE)
    change(whole)
    return whole


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> FakeOffice:
    """A stack that --url names."""
    made = FakeOffice(shown=[WHOLE])

    @contextlib.contextmanager
    def clients(*_: object) -> Iterator[Callable[[str], Client]]:
        yield made.client

    monkeypatch.setattr(client, "connect", lambda _: made.client())
    monkeypatch.setattr(tour, "clients_of", clients)
    return made


def walk(*more: str) -> int:
    return main(["tour", "--url", "http://intake", "--key", "k", *more])


def test_a_good_day_is_told_in_the_words_of_the_law(
    office: FakeOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk() == 0
    said = capsys.readouterr().out
    assert said.count("accepted. National status") == len(WALK) - 2
    assert "409 refused: same_person. National status 4, Đang xử lý." in said
    assert "Nộp trước giờ làm việc nên tính là nhận lúc 07:30 thứ Hai 23/11/2026." in said
    assert "outside office hours" in said
    assert said.count("Không tính ngày đầu; đếm 3 ngày làm việc") == 1, "what was told is not told again"
    assert "chờ bổ sung hồ sơ, thời hạn dừng" in said
    assert f"legal code {CODE}" in said
    assert "seal H44.101-2, number 7 of 2026\nNăm bước tại chỗ" in said
    assert "approve   07:12:23 23/11/2026 to 07:12:25 23/11/2026, H44.101 at the centre" in said
    assert " 4  07:12:24 23/11/2026  CommandRefused step_out_of_order" in said
    assert "5 % of the time, at the centre, counter" in said


def test_without_a_key_each_role_has_that_of_the_stack_which_is_named(
    office: FakeOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOTCUA_KEY", raising=False)
    monkeypatch.setattr(client, "key_for", lambda args, url, role: f"key of {role} at {url}")
    args = argparse.Namespace(url="http://intake", key=None, home=None)
    with tour._stage(args) as stage:
        assert (stage.key("counter"), stage.one_key) == ("key of counter at http://intake", None)


def test_one_key_for_every_role_is_called_what_it_is(
    office: FakeOffice, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert walk() == 0
    said = capsys.readouterr().out
    assert "register by citizen-1, as portal, with the key of --key" in said
    assert "with the key of portal" not in said
    monkeypatch.setenv("MOTCUA_KEY", "k")
    office.decided.clear()
    assert main(["tour", "--url", "http://intake"]) == 0
    assert "as portal, with the key of MOTCUA_KEY" in capsys.readouterr().out


def test_without_such_a_key_each_role_has_its_own() -> None:
    office = FakeOffice()
    stage = tour.Stage("http://intake", None, str)
    (visit, *_) = WALK
    first = next(iter(Walk(office.client).answers()))
    assert (
        f"register by {visit.actor}, with the key of portal" in list(words.visit(1, first, stage.one_key))[1]
    )


@pytest.mark.parametrize(
    ("place", "answer"),
    [(3, accepted(9, 4)), (7, httpx.Response(409, json={"reason": "parked"})), (9, accepted(9, 11))],
)
def test_what_went_astray_is_not_praised(
    place: int, answer: httpx.Response, office: FakeOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    office.instead = {place: [answer]}
    assert walk() == 1
    said = capsys.readouterr()
    assert WALK[place - 1].shows in said.out
    assert WALK[place].shows not in said.out
    assert "None" not in said.out
    assert "should be: " in said.err


def test_json_is_one_list_and_nothing_else(office: FakeOffice, capsys: pytest.CaptureFixture[str]) -> None:
    assert walk("--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["action"] for row in rows] == [visit.action for visit in WALK]
    members = ["action", "actor", "http_status", "accepted", "reason", "rule", "national_status", "due"]
    assert all(list(row) == members for row in rows)


def test_what_was_walked_is_listed_also_when_it_goes_astray(
    office: FakeOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    office.instead = {3: [httpx.Response(409, json={"reason": "parked"})]}
    assert walk("--json") == 1
    said = capsys.readouterr()
    assert [row["reason"] for row in json.loads(said.out)] == [None, None, None, "parked"]
    assert "should be: step_out_of_order" in said.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda slip: slip.pop(2), "the control slip shows the steps receive, appraise, stamp, return done"),
        (lambda slip: slip.clear(), "the control slip shows the steps none done"),
        (
            lambda slip: slip[1].update(entry="hand_over"),
            "shows the steps receive, approve, stamp, return done",
        ),
        (lambda slip: slip[1].update(until=TIMES[3]), "nobody, or more than one, was in charge for a while"),
        (lambda slip: slip[4].update(until=None), "nobody, or more than one, was in charge for a while"),
        (lambda slip: slip[0].update(since=TIMES[1]), "nobody, or more than one, was in charge for a while"),
    ],
)
def test_a_control_slip_with_a_gap_is_no_good_day(
    change: Callable[[list[dict[str, Any]]], object],
    words: str,
    office: FakeOffice,
    capsys: pytest.CaptureFixture[str],
) -> None:
    office.shown = [shown(lambda whole: change(whole["control_slip"]))]
    assert walk() == 1
    assert words in capsys.readouterr().err


def test_another_clock_or_no_sample_law_is_said(
    office: FakeOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    office.clock = "log"
    assert walk("--json") == 1
    said = capsys.readouterr()
    assert "the clock of this stack is 'log'" in said.err
    assert json.loads(said.out) == []
    office.clock, office.lawless = "system", True
    assert walk() == 1
    assert "catalogue seed" in capsys.readouterr().err
    assert not office.asked


def test_without_a_stack_one_is_started(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def start(*_: object, **options: object) -> None:
        raise Failure(f"started with {options['clock']}")

    monkeypatch.delenv("MOTCUA_URL", raising=False)
    monkeypatch.setattr(own_stack, "LocalStack", start)
    assert main(["tour", "--home", str(tmp_path_factory.mktemp("home"))]) == 1
    said = capsys.readouterr().err
    assert "no stack runs: the tour starts one of its own" in said
    assert "started with system" in said


def test_the_record_is_waited_for_and_not_for_ever() -> None:
    time = FakeTime()
    office = FakeOffice(shown=[shown(lambda whole: whole.update(seq=3)), WHOLE])
    session = office.client()
    enough = record.both(record.has_seq(50), record.is_numbered)
    found = record.dossier(session, DOSSIER, enough, "it", now=time, sleep=time.sleep)
    assert found["seq"] == 99
    assert office.looked == 2
    unnumbered = shown(lambda whole: whole["stamps"][0].update(number=None))
    for never in ([], [unnumbered], [shown(lambda whole: whole.update(stamps=[]))]):
        behind = FakeOffice(shown=never).client()
        with pytest.raises(Failure, match="analytics does not show the number within 5 s"):
            record.dossier(
                behind, DOSSIER, record.is_numbered, "the number", patience=5, now=time, sleep=time.sleep
            )


def test_a_date_by_another_calendar_is_not_explained_away() -> None:
    assert record.explained(WHOLE, GUARDIANSHIP) is not None
    later = shown(lambda whole: whole.update(due="2026-11-30T10:00:00Z"))
    assert record.explained(later, GUARDIANSHIP) is None
    assert "another calendar" in "\n".join(words.due(None, None, DUE))
