"""From what was asked to the command in the log: identity, fingerprint, pseudonyms, time.

:func:`prepare` does everything but the serial number of an acceptance, which other replicas have a say
in; :func:`complete` adds it. Neither publishes anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

import msgspec
from msgspec import Struct

from contracts import identity
from contracts.access import Client
from contracts.codes import format_dossier_code
from contracts.commands import (
    AcceptDossier,
    Command,
    CommandBody,
    CompleteStep,
    RateDossier,
    ReceiveSupplement,
    RefuseDossier,
    RegisterDossier,
    RequestSupplement,
    WithdrawDossier,
)
from contracts.outcomes import ActionName
from contracts.words import Channel, Clock, Step
from services.intake.domain.catalogue import Catalogue
from services.intake.domain.refusals import bad_shape
from services.intake.domain.requests import Ask, check_fields
from services.intake.domain.roles import check_action, check_agency_scope
from services.intake.domain.times import command_time, local_day


class SerialKey(Struct, frozen=True):
    """What serial numbers are counted by: agency and local day of receipt."""

    agency: str
    day: date


class Prepared(Struct, frozen=True, kw_only=True):
    """A request that passed the door. `serial_key` is set when it still needs a serial number."""

    ask: Ask
    client: Client
    command_id: str
    dossier_id: str
    fingerprint: str
    at: datetime
    applicant: str | None
    actor: str
    serial_key: SerialKey | None


def prepare(
    ask: Ask, client: Client, catalogue: Catalogue, *, now: datetime, clock: Clock, province_key: bytes
) -> Prepared:
    """Check a request and give it its identity. `now` is aware.

    Who did it is a pseudonym always: of the person the caller named, else of the key's holder.

    The fingerprint covers what was asked (action, fields, a time of the caller's own), not what intake
    adds (the time it took the request, the serial) nor who typed it, so that a repeat has the same one.
    Raises Refused.
    """
    check_action(client, ask.action)
    check_fields(ask)
    at = command_time(ask.at, now, client, clock)
    day = local_day(at)
    agency = _agency(ask, client)
    if agency is not None:
        check_agency_scope(client, agency)
        catalogue.check_agency(agency, day)
    if ask.procedure is not None:
        catalogue.check_procedure(ask.procedure, ask.channel or Channel.COUNTER, day)
    applicant = _pseudonym(province_key, "applicant", ask.applicant)
    dossier = ask.dossier_id or identity.dossier_id(client.name, ask.key)
    asked = {
        "action": ask.action,
        "procedure": ask.procedure,
        "agency": agency,
        "channel": ask.channel,
        "applicant": applicant,
        "reason": ask.reason,
        "score": ask.score,
        "at": None if ask.at is None else at.isoformat(),
    }
    canonical = msgspec.json.encode(
        {name: value for name, value in asked.items() if value is not None}, order="deterministic"
    )
    serial_key = SerialKey(agency, day) if ask.action is ActionName.ACCEPT and agency is not None else None
    return Prepared(
        ask=ask,
        client=client,
        command_id=identity.command_id(dossier, client.name, ask.key),
        dossier_id=dossier,
        fingerprint=identity.fingerprint(canonical),
        at=at.astimezone(UTC),
        applicant=applicant,
        actor=_actor(province_key, ask, client),
        serial_key=serial_key,
    )


def complete(prepared: Prepared, serial: int | None) -> Command:
    """The command, with `serial` in the legal code of an acceptance (None for everything else)."""
    code = None
    if prepared.serial_key is not None and serial is not None:
        code = format_dossier_code(prepared.serial_key.agency, prepared.serial_key.day, serial)
    return Command(
        id=prepared.command_id,
        dossier_id=prepared.dossier_id,
        at=prepared.at,
        client=prepared.client.name,
        role=prepared.client.role,
        fingerprint=prepared.fingerprint,
        body=_body(prepared.ask, prepared.applicant, code),
        actor=prepared.actor,
        agencies=prepared.client.agencies,
    )


def _agency(ask: Ask, client: Client) -> str | None:
    """The agency a request is about: named, or, at acceptance, the only one of the key."""
    if ask.action is not ActionName.ACCEPT or ask.agency is not None:
        return ask.agency
    if client.agencies is not None and len(client.agencies) == 1:
        return client.agencies[0]
    raise bad_shape("agency", "Cần nêu cơ quan, vì khóa truy cập không thuộc đúng một cơ quan")


def _actor(province_key: bytes, ask: Ask, client: Client) -> str:
    """An auditor must be able to ask who it was: without a name, whoever answers for the key."""
    named = _pseudonym(province_key, "officer", ask.actor)
    return named or identity.pseudonym(province_key, "client", client.name)


def _pseudonym(province_key: bytes, kind: str, text: str | None) -> str | None:
    if text is None:
        return None
    # One person typed with composed or decomposed accents, or with stray spaces, is one person.
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not plain:
        raise bad_shape(kind if kind == "applicant" else "actor", "Chuỗi không có ký tự nào nhìn thấy được")
    return identity.pseudonym(province_key, kind, plain)


# Commands that carry nothing of their own.
_PLAIN: Final[Mapping[ActionName, CommandBody]] = {
    ActionName.APPRAISE: CompleteStep(Step.APPRAISE),
    ActionName.APPROVE: CompleteStep(Step.APPROVE),
    ActionName.STAMP: CompleteStep(Step.STAMP),
    ActionName.RETURN: CompleteStep(Step.RETURN),
    ActionName.RECEIVE_SUPPLEMENT: ReceiveSupplement(),
    ActionName.WITHDRAW: WithdrawDossier(),
}


def _body(ask: Ask, applicant: str | None, code: str | None) -> CommandBody:
    match ask:
        case Ask(
            action=ActionName.REGISTER, procedure=str(code_of), agency=str(agency), channel=Channel() as by
        ):
            return RegisterDossier(procedure=code_of, agency=agency, channel=by, applicant=applicant)
        case Ask(action=ActionName.REQUEST_SUPPLEMENT, reason=str(reason)):
            return RequestSupplement(reason=reason)
        case Ask(action=ActionName.REFUSE, reason=str(reason)):
            return RefuseDossier(reason=reason)
        case Ask(action=ActionName.RATE, score=int(score)):
            return RateDossier(score=score)
    if code is not None:
        return AcceptDossier(dossier_code=code)
    return _PLAIN[ask.action]
