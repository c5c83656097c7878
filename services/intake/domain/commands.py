"""From what was asked to the command in the log: identity, fingerprint, pseudonyms, time.

:func:`prepare` does everything but the serial number of an acceptance, which other replicas have a say
in; :func:`complete` adds it. Neither publishes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts import identity
from contracts.access import Client
from contracts.codes import format_dossier_code
from contracts.commands import (
    AcceptDossier,
    Apologise,
    Command,
    CommandBody,
    CompleteStep,
    CorrectResult,
    DeclineDossier,
    ExtendTerm,
    HandOver,
    RateDossier,
    ReceivePayment,
    ReceiveSupplement,
    RefuseDossier,
    RegisterDossier,
    RequestPayment,
    RequestSupplement,
    ResumeDossier,
    RevokeStamp,
    StopDossier,
    SuspendDossier,
    WithdrawDossier,
)
from contracts.outcomes import ActionName
from contracts.words import Channel, Clock, Step
from services.intake.domain.catalogue import Catalogue
from services.intake.domain.evidence import open_token
from services.intake.domain.persons import person
from services.intake.domain.refusals import bad_shape
from services.intake.domain.requests import FIELDS, Ask, check_fields
from services.intake.domain.roles import check_action, check_agency_scope, check_channel
from services.intake.domain.times import check_range, command_time, local_day


class SerialKey(Struct, frozen=True):
    """What serial numbers are counted by: agency and local day of receipt."""

    agency: str
    day: date


class Prepared(Struct, frozen=True, kw_only=True):
    """A request that passed the door. `asked` is what it says, in the form the log keeps, by name.

    `serial_key` is set when it still needs a serial number.
    """

    ask: Ask
    asked: Mapping[str, Any]
    client: Client
    command_id: str
    dossier_id: str
    fingerprint: str
    at: datetime
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
    if ask.to_agency is not None:
        # Work is handed to others: that agency has to be there, not to be the caller's.
        catalogue.check_agency(ask.to_agency, day, "to_agency")
    if ask.channel is not None:
        check_channel(client, ask.channel)
    if ask.procedure is not None:
        catalogue.check_procedure(ask.procedure, ask.channel or Channel.COUNTER, day)
    dossier = ask.dossier_id or identity.dossier_id(client.name, ask.key)
    asked = _asked(ask, agency, province_key)
    serial_key = SerialKey(agency, day) if ask.action is ActionName.ACCEPT and agency is not None else None
    return Prepared(
        ask=ask,
        asked=asked,
        client=client,
        command_id=identity.command_id(dossier, client.name, ask.key),
        dossier_id=dossier,
        fingerprint=_fingerprint(ask.action, asked, None if ask.at is None else at),
        at=at.astimezone(UTC),
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
        body=_body(prepared.ask.action, prepared.asked, code),
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
    if ask.actor is None:
        return identity.pseudonym(province_key, "client", client.name)
    return person(province_key, "officer", ask.actor, "actor")


def _asked(ask: Ask, agency: str | None, province_key: bytes) -> dict[str, Any]:
    """What a request says as the log keeps it: nobody's name, UTC, evidence instead of a token."""
    asked: dict[str, Any] = {name: getattr(ask, name) for name in FIELDS}
    asked["agency"] = agency
    if ask.applicant is not None:
        asked["applicant"] = person(province_key, "applicant", ask.applicant, "applicant")
    if ask.to_officer is not None:
        # The same pseudonym that Motcua-Actor gets: only so can a holder be told by it.
        asked["to_officer"] = person(province_key, "officer", ask.to_officer, "to_officer")
    if ask.until is not None:
        asked["until"] = check_range(ask.until, "until")
    if ask.evidence is not None:
        asked["evidence"] = open_token(ask.evidence, province_key)
    # An override that is not wanted is the same as none.
    asked["override"] = ask.override or None
    return {name: value for name, value in asked.items() if value is not None}


def _fingerprint(action: ActionName, asked: Mapping[str, Any], at: datetime | None) -> str:
    said = {"action": action, **asked} | ({} if at is None else {"at": at.isoformat()})
    return identity.fingerprint(msgspec.json.encode(said, order="deterministic"))


_A = ActionName
_BODIES: Final[Mapping[ActionName, Callable[..., CommandBody]]] = {
    _A.REGISTER: RegisterDossier,
    _A.ACCEPT: AcceptDossier,
    _A.REFUSE: RefuseDossier,
    _A.APPRAISE: partial(CompleteStep, Step.APPRAISE),
    _A.APPROVE: partial(CompleteStep, Step.APPROVE),
    _A.STAMP: partial(CompleteStep, Step.STAMP),
    _A.RETURN: partial(CompleteStep, Step.RETURN),
    _A.DECLINE: DeclineDossier,
    _A.HAND_OVER: HandOver,
    _A.REQUEST_SUPPLEMENT: RequestSupplement,
    _A.RECEIVE_SUPPLEMENT: ReceiveSupplement,
    _A.REQUEST_PAYMENT: RequestPayment,
    _A.RECEIVE_PAYMENT: ReceivePayment,
    _A.SUSPEND: SuspendDossier,
    _A.RESUME: ResumeDossier,
    _A.STOP: StopDossier,
    _A.APOLOGISE: Apologise,
    _A.EXTEND: ExtendTerm,
    _A.CORRECT: CorrectResult,
    _A.REVOKE_STAMP: RevokeStamp,
    _A.WITHDRAW: WithdrawDossier,
    _A.RATE: RateDossier,
}
"""What each action becomes. The fields that ``requests`` lets an action have are those its body takes."""

_NAMES: Final[Mapping[str, str]] = {"to_agency": "agency", "to_officer": "officer"}
"""Fields that a body calls otherwise than the API."""


def _body(action: ActionName, asked: Mapping[str, Any], code: str | None) -> CommandBody:
    fields = {_NAMES.get(name, name): value for name, value in asked.items()}
    if action is ActionName.ACCEPT:
        # The agency that accepts stands in the legal code.
        fields = {**fields, "dossier_code": code}
        del fields["agency"]
    return _BODIES[action](**fields)
