"""Requests of intake: decoding, fields, roles, times, catalogue, and the commands they become."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts.access import Client
from contracts.commands import (
    AcceptDossier,
    CommandBody,
    CompleteStep,
    RateDossier,
    ReceiveSupplement,
    RefuseDossier,
    RegisterDossier,
    RequestSupplement,
    WithdrawDossier,
)
from contracts.law import AgencyPublished, EngineVersion
from contracts.outcomes import ActionName
from contracts.roles import GRANTS
from contracts.words import Channel, Clock, Role, Step
from services.intake.domain.catalogue import Catalogue
from services.intake.domain.commands import Prepared, complete, prepare
from services.intake.domain.decoding import (
    LINE_LIMIT,
    check_text,
    decode_action,
    decode_law,
    decode_line,
    decode_register,
    decode_time,
)
from services.intake.domain.refusals import Refused, one_stop_decree
from services.intake.domain.requests import Ask
from services.intake.domain.roles import check_action
from services.intake.domain.times import check_range, command_time, local_day
from tests.fakes.intake_desk import AGENCY, LAW_AT_START, NOW, PROCEDURE, PROVINCE_KEY

DOSSIER = "0" * 32
IMPORTER = Client(name="importer", role=Role.IMPORTER)
COUNTER = Client(name="counter", role=Role.COUNTER, agencies=(AGENCY,))


@pytest.fixture
def catalogue() -> Catalogue:
    made = Catalogue()
    for change in (*LAW_AT_START, EngineVersion(version=1)):
        made.apply(change)
    return made


def _prepare(ask: Ask, catalogue: Catalogue, client: Client = IMPORTER, now: datetime = NOW) -> Prepared:
    return prepare(ask, client, catalogue, now=now, clock=Clock.SYSTEM, province_key=PROVINCE_KEY)


@pytest.mark.parametrize(
    ("action", "fields", "body"),
    [
        ("register", {"applicant": None}, RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE)),
        ("accept", {"agency": AGENCY}, AcceptDossier("H52.18-260305-0007")),
        ("appraise", {}, CompleteStep(Step.APPRAISE)),
        ("approve", {}, CompleteStep(Step.APPROVE)),
        ("stamp", {}, CompleteStep(Step.STAMP)),
        ("return", {}, CompleteStep(Step.RETURN)),
        ("request_supplement", {"reason": "papers_missing"}, RequestSupplement("papers_missing")),
        ("receive_supplement", {}, ReceiveSupplement()),
        ("refuse", {"reason": "not_ours"}, RefuseDossier("not_ours")),
        ("withdraw", {}, WithdrawDossier()),
        ("rate", {"score": 4}, RateDossier(4)),
    ],
)
def test_every_action_has_its_command(
    action: str, fields: dict[str, Any], body: CommandBody, catalogue: Catalogue
) -> None:
    name = ActionName(action)
    if name is ActionName.REGISTER:
        fields |= {"procedure": PROCEDURE, "agency": AGENCY, "channel": Channel.ONLINE}
    else:
        fields |= {"dossier_id": DOSSIER}
    prepared = _prepare(Ask(key="k", action=name, **fields), catalogue)
    assert (prepared.serial_key is not None) == (name is ActionName.ACCEPT)
    assert complete(prepared, 7 if name is ActionName.ACCEPT else None).body == body


def test_all_actions_are_covered_by_the_table_of_roles() -> None:
    assert set(GRANTS) == set(Role)
    assert frozenset().union(*GRANTS.values()) == frozenset(ActionName)
    for role in Role:
        for action in ActionName:
            client = Client(name="x", role=role)
            if action in GRANTS[role]:
                check_action(client, action)
            else:
                with pytest.raises(Refused, match="role_not_allowed"):
                    check_action(client, action)


def test_the_fingerprint_is_of_what_was_asked_and_nothing_else(catalogue: Catalogue) -> None:
    ask = Ask(key="k", action=ActionName.ACCEPT, dossier_id=DOSSIER, agency=AGENCY, actor="a")
    first = _prepare(ask, catalogue)
    later = _prepare(
        Ask(key="other", action=ActionName.ACCEPT, dossier_id=DOSSIER, agency=AGENCY, actor="b"),
        catalogue,
        now=NOW + timedelta(hours=1),
    )
    assert first.fingerprint == later.fingerprint
    assert first.command_id != later.command_id
    assert complete(first, 1).fingerprint == complete(first, 2).fingerprint
    others = [
        Ask(key="k", action=ActionName.ACCEPT, dossier_id=DOSSIER, agency="H52.19"),
        Ask(key="k", action=ActionName.WITHDRAW, dossier_id=DOSSIER),
        Ask(key="k", action=ActionName.ACCEPT, dossier_id=DOSSIER, agency=AGENCY, at=NOW),
    ]
    assert first.fingerprint not in {_prepare(other, catalogue).fingerprint for other in others}


def test_one_instant_is_one_instant_in_every_offset(catalogue: Catalogue) -> None:
    moments = [datetime.fromisoformat(text) for text in ("2026-03-05T02:00:00Z", "2026-03-05T09:00:00+07:00")]
    prints = {
        _prepare(Ask(key="k", action=ActionName.WITHDRAW, dossier_id=DOSSIER, at=at), catalogue).fingerprint
        for at in moments
    }
    assert len(prints) == 1


def test_an_only_agency_need_not_be_named(catalogue: Catalogue) -> None:
    ask = Ask(key="k", action=ActionName.ACCEPT, dossier_id=DOSSIER)
    named = Ask(key="k", action=ActionName.ACCEPT, dossier_id=DOSSIER, agency=AGENCY)
    assert _prepare(ask, catalogue, COUNTER).fingerprint == _prepare(named, catalogue, COUNTER).fingerprint


@pytest.mark.parametrize("kind", ["applicant", "actor"])
def test_a_person_without_a_visible_character_is_refused(kind: str, catalogue: Catalogue) -> None:
    ask = Ask(
        key="k", action=ActionName.REGISTER, procedure=PROCEDURE, agency=AGENCY, channel=Channel.COUNTER
    )
    with pytest.raises(Refused) as refused:
        _prepare(
            Ask(**{name: getattr(ask, name) for name in ask.__struct_fields__} | {kind: "  "}), catalogue
        )
    assert refused.value.field == kind


def test_fields_an_action_has_no_use_for_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(Refused) as refused:
        _prepare(Ask(key="k", action=ActionName.STAMP, dossier_id=DOSSIER, score=3), catalogue)
    assert (refused.value.reason, refused.value.field) == ("bad_shape", "score")


def test_agencies_are_open_between_two_days() -> None:
    catalogue = Catalogue()
    catalogue.apply(
        AgencyPublished(code="H01", name_vi="x", valid_from=date(2025, 7, 1), valid_to=date(2025, 7, 3))
    )
    for day in (1, 2, 3):
        catalogue.check_agency("H01", date(2025, 7, day))
    for closed in (date(2025, 6, 30), date(2025, 7, 4)):
        with pytest.raises(Refused, match="agency_closed") as refused:
            catalogue.check_agency("H01", closed)
        assert refused.value.legal_ground == one_stop_decree(closed)


def test_the_decree_follows_the_day() -> None:
    assert "61/2018" in one_stop_decree(date(2025, 6, 30))
    assert "118/2025" in one_stop_decree(date(2025, 7, 1))


def test_the_day_is_the_day_in_vietnam() -> None:
    assert local_day(datetime(2026, 3, 5, 16, 59, tzinfo=UTC)) == date(2026, 3, 5)
    assert local_day(datetime(2026, 3, 5, 17, 0, tzinfo=UTC)) == date(2026, 3, 6)


def test_times_at_the_edges() -> None:
    assert command_time(None, NOW, COUNTER, Clock.SYSTEM) == NOW
    assert command_time(NOW, NOW, IMPORTER, Clock.SYSTEM) == NOW
    assert command_time(NOW - timedelta(hours=8), NOW, IMPORTER, Clock.SYSTEM) == NOW - timedelta(hours=8)
    first = datetime(2000, 1, 1, tzinfo=UTC)
    assert command_time(first, NOW, IMPORTER, Clock.LOG) == first
    with pytest.raises(Refused, match="bad_shape"):
        check_range(datetime(2100, 1, 1, tzinfo=UTC), "to")


def test_decoders_take_what_is_well_formed() -> None:
    assert decode_action(b"").reason is None
    assert decode_action(b'{"reason":"papers_missing"}').reason == "papers_missing"
    assert decode_register(
        json.dumps({"procedure": PROCEDURE, "agency": "H52", "channel": "postal"}).encode()
    )
    assert decode_line(b'{"key":"k","action":"stamp","dossier_key":"x"}\r').action is ActionName.STAMP
    assert decode_time(b'{"to":"2026-03-05T03:00:00Z"}').to == NOW
    law = decode_law(
        b'{"changes":[{"type":"CalendarAmended","years":[2026],"days":[{"date":"2026-01-01","kind":"off",'
        b'"name_vi":"T\xe1\xba\xbft","source":"BLL"}],"source":"x","sessions":[[["07:30:00","11:30:00"]],[],[],[],[],[],[]]}]}'
    )
    assert len(law.changes) == 1


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b'{"key":"k","action":"stamp","key":"k"}', "key"),
        (b'{"action":"stamp"}', "key"),
        (b'{"key":"k","action":"stamp","score":6}', "score"),
        (b'{"key":"k","action":"stamp","dossier_id":"' + b"0" * 32 + b'\\n"}', "dossier_id"),
        (b"", None),
        (b" " * (LINE_LIMIT + 1), None),
        (b'{"key":"\xc3\x28"}', None),
    ],
)
def test_decoding_names_the_field(line: bytes, field: str | None) -> None:
    with pytest.raises(Refused) as refused:
        decode_line(line)
    assert (refused.value.reason, refused.value.field) == ("bad_shape", field)


@pytest.mark.parametrize(
    "body",
    [
        b'{"changes":[{"type":"EngineVersion","version":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b'{"changes":[{"type":"EngineVersion","version":1,"x":' + b"9" * 10_000 + b"}]}",
        b'{"changes":[]}',
    ],
    ids=["deep", "giant", "empty"],
)
def test_law_that_would_hurt_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="bad_shape"):
        decode_law(body)


def test_text_is_checked_at_every_depth() -> None:
    check_text({"a": ["b", {"c": None, "d": 1}]}, "")
    with pytest.raises(Refused) as refused:
        check_text({"a": ["b", {"c": "x\u2028"}]}, "")
    assert refused.value.field == "a[1].c"
