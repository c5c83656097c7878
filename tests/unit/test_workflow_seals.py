"""Seals and signatures: each refusal from exactly one defect in a command that is otherwise good."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from contracts import commands, facts
from contracts.commands import CompleteStep, Evidence
from contracts.law import SealRegistered
from contracts.transitions import SEAL_DECREE, SIGNATURE_LAW
from contracts.words import CertificateKind, Place, SealKind, Step
from services.workflow.domain.law import Law
from services.workflow.domain.rules import Reason
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, SEAL, officer, seal
from tests.fakes.workflow_desk import (
    LAW,
    ORGANISATION,
    PAPER,
    PERSONAL,
    SEALED,
    SIGNED,
    Desk,
    certificate,
    enact,
    local,
    reason,
    sealing,
    signature,
)

ELECTRONIC: Final = "H52.18-E"
SECOND: Final = "H52.18-2"
APPROVER, KEEPER = officer("approve"), officer("stamp")
AT: Final = local("2025-03-04T09:00")


def electronic(agency: str = AGENCY, kind: SealKind = SealKind.AGENCY) -> SealRegistered:
    return replace(seal(ELECTRONIC, agency, kind), electronic=True)


def digital(register: SealRegistered) -> Law:
    """The law with this as its electronic seal."""
    personal = certificate(PERSONAL, CertificateKind.PERSON, holder=APPROVER)
    return enact(LAW, register, certificate(), personal)


DIGITAL: Final = digital(electronic())
GOOD: Final = CompleteStep(Step.STAMP, seal=ELECTRONIC, evidence=sealing(AT))
INK: Final = CompleteStep(Step.STAMP, seal=SEAL)


def approved(law: Law = DIGITAL, *, on_paper: bool = False) -> Desk:
    """A dossier approved an hour before, with the approver's digital signature unless on paper."""
    desk = Desk(law).up_to(Step.APPRAISE)
    evidence = None if on_paper else signature(AT - timedelta(hours=1))
    return desk.do(CompleteStep(Step.APPROVE, evidence=evidence), at=AT - timedelta(hours=1))


def refused(desk: Desk, body: CompleteStep, by: str = KEEPER, at: datetime = AT) -> str | None:
    before = desk.known
    why = reason(desk.give(body, by=by, at=at))
    if why is None:
        assert isinstance(desk.last, facts.ProcessingFinished | facts.StepCompleted)
    else:
        assert isinstance(desk.last, facts.CommandRefused)
        assert (desk.known.step, desk.known.stamp) == (before.step, None)
    return why


def test_the_good_command_is_accepted_and_says_all() -> None:
    desk = approved()
    assert refused(desk, GOOD) is None
    applied, completed, finished = desk.facts[-3:]
    assert applied.body == facts.StampApplied(ELECTRONIC, GOOD.evidence, SEALED)
    assert isinstance(completed.body, facts.StepCompleted)
    assert completed.body.evidence is None  # that of a stamp stands in the stamp
    assert [fact.actor for fact in (applied, completed, finished)] == [KEEPER] * 3
    assert desk.known.stamp is not None
    assert (desk.known.stamp.seal, desk.known.stamp.seq) == (ELECTRONIC, applied.seq)
    approval = next(f.body for f in desk.facts if isinstance(f.body, facts.StepCompleted) and f.body.evidence)
    assert approval.step is Step.APPROVE


def shown(**changes: object) -> CompleteStep:
    return replace(GOOD, evidence=replace(sealing(AT), **changes))


def ended(code: str, day: str) -> SealRegistered:
    return replace(electronic(), code=code, valid_to=date.fromisoformat(day))


REVOKED_BEFORE = certificate(revoked_at=AT - timedelta(seconds=1))
LAPSED = replace(certificate(), valid_to=AT - timedelta(seconds=1))
OTHERS_KEEPER = replace(electronic(), keeper=officer("somebody else"))
AT_CENTRE = replace(electronic(kind=SealKind.SECOND), code="H52.18-EC")
THERE = replace(GOOD, seal=AT_CENTRE.code)
LONG_AGO = local("2025-03-03T07:54")  # six minutes before the dossier was taken in

STAMPS: Final[list[tuple[str, Law, CompleteStep, str]]] = [
    ("unknown_seal", DIGITAL, replace(GOOD, seal="H52.18-X"), KEEPER),
    ("seal_of_other_agency", digital(electronic(OTHER_AGENCY)), GOOD, KEEPER),
    ("seal_of_other_kind", digital(electronic(kind=SealKind.RECEIVED)), GOOD, KEEPER),
    ("seal_of_other_kind", digital(electronic(kind=SealKind.COPY)), GOOD, KEEPER),
    ("seal_of_other_kind", digital(electronic(kind=SealKind.CROSS_PAGE)), GOOD, KEEPER),
    ("seal_not_valid", enact(DIGITAL, ended(ELECTRONIC, "2025-03-03")), GOOD, KEEPER),
    ("seal_not_valid", enact(DIGITAL, replace(electronic(), valid_from=date(2025, 3, 5))), GOOD, KEEPER),
    ("not_the_keeper", enact(DIGITAL, OTHERS_KEEPER), GOOD, KEEPER),
    ("same_person", DIGITAL, GOOD, APPROVER),
    ("signature_missing", DIGITAL, replace(GOOD, evidence=None), KEEPER),
    ("seal_not_electronic", DIGITAL, replace(GOOD, seal=SEAL), KEEPER),
    ("certificate_unknown", DIGITAL, shown(certificate="f" * 64), KEEPER),
    ("certificate_of_other_agency", enact(DIGITAL, certificate(agency=OTHER_AGENCY)), GOOD, KEEPER),
    ("certificate_of_other_kind", DIGITAL, shown(certificate=PERSONAL), KEEPER),
    ("certificate_revoked", enact(DIGITAL, REVOKED_BEFORE), GOOD, KEEPER),
    ("certificate_expired", DIGITAL, shown(not_after=AT - timedelta(seconds=1)), KEEPER),
    ("certificate_expired", DIGITAL, shown(not_before=AT + timedelta(seconds=1)), KEEPER),
    ("certificate_expired", enact(DIGITAL, LAPSED), GOOD, KEEPER),
    ("time_stamp_missing", DIGITAL, replace(GOOD, evidence=sealing(AT, stamped=False)), KEEPER),
    ("signature_in_future", DIGITAL, shown(stamped_at=AT + timedelta(minutes=6)), KEEPER),
    ("signature_in_future", DIGITAL, shown(signed_at=AT + timedelta(minutes=6)), KEEPER),
    ("signature_too_old", DIGITAL, shown(signed_at=LONG_AGO), KEEPER),
    ("signature_too_old", DIGITAL, shown(signed_at=LONG_AGO, stamped_at=LONG_AGO), KEEPER),
    ("certificate_of_other_seal", enact(DIGITAL, replace(electronic(), certificate="1" * 64)), GOOD, KEEPER),
    ("seal_of_other_place", enact(DIGITAL, AT_CENTRE), replace(THERE, place=Place.OFFICE), KEEPER),
    ("wrong_document", DIGITAL, shown(covers=PAPER), KEEPER),
    ("wrong_document", DIGITAL, shown(covers=SEALED), KEEPER),
]


@pytest.mark.parametrize(("why", "law", "body", "by"), STAMPS)
def test_one_defect_of_a_stamp(why: str, law: Law, body: CompleteStep, by: str) -> None:
    assert refused(approved(), GOOD) is None
    assert refused(approved(law), body, by) == why


def test_one_defect_in_the_approval_a_stamp_rests_on() -> None:
    assert refused(approved(on_paper=True), GOOD) == "approval_not_signed"
    assert refused(approved(on_paper=True), INK) is None
    assert refused(approved(), INK) is None  # signed electronically, printed, sealed in ink


def test_a_seal_that_was_taken_back_is_no_seal_again() -> None:
    desk = approved()
    assert refused(desk, GOOD) is None
    desk.do(commands.RevokeStamp("wrong_page"), at=AT + timedelta(hours=1))
    again = AT + timedelta(hours=2)
    assert refused(desk, GOOD, at=again) == "signature_too_old"
    assert refused(desk, replace(GOOD, evidence=sealing(again)), at=again) is None


def test_a_result_that_was_wrong_is_approved_by_another_signature() -> None:
    desk = approved()
    assert refused(desk, GOOD) is None
    desk.do(commands.CorrectResult("wrong_name"), at=AT + timedelta(hours=1))
    desk.do(CompleteStep(Step.APPRAISE), at=AT + timedelta(hours=2))
    old = CompleteStep(Step.APPROVE, evidence=signature(AT - timedelta(hours=1)))
    assert refused(desk, old, APPROVER, at=AT + timedelta(hours=3)) == "signature_too_old"


def test_a_second_seal_is_put_where_it_is_kept() -> None:
    desk = approved(enact(DIGITAL, AT_CENTRE))
    assert refused(desk, THERE) is None
    places = [fact.body.place for fact in desk.facts if isinstance(fact.body, facts.StepCompleted)]
    assert places[-1] is Place.CENTRE


def test_what_one_agency_approved_no_other_one_seals() -> None:
    desk = approved()
    assert reason(desk.give(commands.HandOver(OTHER_AGENCY), at=AT)) == "seal_of_other_agency"
    assert reason(desk.give(commands.HandOver(None, KEEPER), at=AT)) is None
    assert refused(desk, GOOD) is None


def test_an_unknown_person_signs_and_seals_nothing() -> None:
    for step in (Step.APPRAISE, Step.APPROVE, Step.STAMP):
        desk = Desk(DIGITAL).up_to(list(Step)[list(Step).index(step) - 1])
        before = desk.known
        assert reason(desk.anonymous(CompleteStep(step))) == "actor_unknown"
        assert desk.known.step is before.step
    desk = Desk(DIGITAL).up_to(Step.APPRAISE)
    assert reason(desk.anonymous(commands.DeclineDossier("conditions_not_met"))) == "actor_unknown"


APPROVAL: Final = signature(AT)
APPROVALS: Final[list[tuple[str, Law, Evidence, str]]] = [
    ("same_person", DIGITAL, APPROVAL, officer("appraise")),
    ("certificate_unknown", DIGITAL, replace(APPROVAL, certificate="f" * 64), APPROVER),
    ("certificate_of_other_person", DIGITAL, APPROVAL, officer("deputy")),
    ("certificate_of_other_kind", DIGITAL, replace(APPROVAL, certificate=ORGANISATION), APPROVER),
    (
        "certificate_of_other_agency",
        enact(DIGITAL, certificate(PERSONAL, CertificateKind.PERSON, OTHER_AGENCY, APPROVER)),
        APPROVAL,
        APPROVER,
    ),
    (
        "certificate_revoked",
        enact(DIGITAL, certificate(PERSONAL, CertificateKind.PERSON, AGENCY, APPROVER, AT)),
        APPROVAL,
        APPROVER,
    ),
    ("certificate_expired", DIGITAL, replace(APPROVAL, not_after=AT - timedelta(days=1)), APPROVER),
    ("signature_in_future", DIGITAL, replace(APPROVAL, stamped_at=AT + timedelta(hours=1)), APPROVER),
    ("signature_in_future", DIGITAL, replace(APPROVAL, signed_at=AT + timedelta(hours=1)), APPROVER),
]


@pytest.mark.parametrize(("why", "law", "evidence", "by"), APPROVALS)
def test_one_defect_of_an_approval(why: str, law: Law, evidence: Evidence, by: str) -> None:
    desk = Desk(law).up_to(Step.APPRAISE)
    assert refused(desk, CompleteStep(Step.APPROVE, evidence=evidence), by) == why
    assert desk.known.document is None
    good = Desk(DIGITAL).up_to(Step.APPRAISE)
    assert refused(good, CompleteStep(Step.APPROVE, evidence=APPROVAL), APPROVER) is None
    assert good.known.document == SIGNED


def test_every_reason_of_seals_and_signatures_is_tried_here_and_rests_on_its_law() -> None:
    tried = {why for why, *_ in (*STAMPS, *APPROVALS)} | {"actor_unknown", "approval_not_signed"}
    tried |= {"no_valid_seal", "seal_not_named"}  # below
    words = ("seal", "signature", "certificate", "keeper", "same_person", "time_stamp", "document", "actor")
    every = {reason.value for reason in Reason if any(word in reason for word in words)}
    assert every | {"approval_not_signed"} == tried
    desk = approved()
    for body, ground in [(replace(GOOD, seal="H52.18-X"), SEAL_DECREE), (shown(covers=PAPER), SIGNATURE_LAW)]:
        refusal = desk.give(body, by=KEEPER, at=AT).refusal
        assert refusal is not None
        assert refusal.legal_ground == ground


# ---- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2025-01-31T23:59", "seal_not_valid"),
        ("2025-02-01T00:00", None),
        ("2025-02-28T23:59", None),
        ("2025-03-01T00:00", "seal_not_valid"),
    ],
)
def test_a_seal_is_valid_by_the_local_day(at: str, why: str | None) -> None:
    month = replace(seal(), valid_from=date(2025, 2, 1), valid_to=date(2025, 2, 28))
    desk = Desk(enact(LAW, month)).up_to(Step.RECEIVE, local("2025-01-27T08:00"))
    desk.do(CompleteStep(Step.APPRAISE), CompleteStep(Step.APPROVE))
    assert refused(desk, INK, at=local(at)) == why
    unnamed = Desk(desk.law).up_to(Step.RECEIVE, local("2025-01-27T08:00"))
    unnamed.do(CompleteStep(Step.APPRAISE), CompleteStep(Step.APPROVE))
    assert refused(unnamed, CompleteStep(Step.STAMP), at=local(at)) == (why and "no_valid_seal")


@pytest.mark.parametrize(
    ("revoked", "why"), [(-1, "certificate_revoked"), (0, "certificate_revoked"), (1, None)]
)
def test_a_certificate_revoked_after_the_time_stamp_was_good_then(revoked: int, why: str | None) -> None:
    stamped = AT - timedelta(minutes=30)
    law = enact(DIGITAL, certificate(revoked_at=stamped + timedelta(seconds=revoked)))
    assert refused(approved(law), shown(signed_at=stamped, stamped_at=stamped)) == why


def test_the_time_stamp_says_when_and_not_the_signer() -> None:
    """Who claims to have signed before the certificate was revoked has to have it in the time stamp."""
    law = enact(DIGITAL, certificate(revoked_at=AT - timedelta(minutes=10)))
    assert refused(approved(law), shown(signed_at=AT - timedelta(days=1))) == "certificate_revoked"


def test_without_a_time_stamp_the_approvers_certificate_has_to_be_good_now() -> None:
    """A claimed time proves nothing: a certificate revoked since could sign for any day before."""
    claimed = signature(AT - timedelta(days=1), stamped=False)
    revoked = certificate(PERSONAL, CertificateKind.PERSON, AGENCY, APPROVER, AT - timedelta(hours=1))
    for law, why in [(DIGITAL, None), (enact(DIGITAL, revoked), "certificate_revoked")]:
        desk = Desk(law).up_to(Step.APPRAISE)
        assert refused(desk, CompleteStep(Step.APPROVE, evidence=claimed), APPROVER) == why
    with_time = signature(AT - timedelta(days=1))
    desk = Desk(enact(DIGITAL, revoked)).up_to(Step.APPRAISE)
    assert refused(desk, CompleteStep(Step.APPROVE, evidence=with_time), APPROVER) is None


@pytest.mark.parametrize(("seconds", "why"), [(300, None), (301, "signature_in_future")])
def test_clocks_may_differ_by_five_minutes(seconds: int, why: str | None) -> None:
    ahead = AT + timedelta(seconds=seconds)
    assert refused(approved(), shown(stamped_at=ahead)) == why
    assert refused(approved(), shown(signed_at=ahead)) == why
    desk = Desk(DIGITAL).up_to(Step.APPRAISE)
    assert refused(desk, CompleteStep(Step.APPROVE, evidence=signature(ahead)), APPROVER) == why


@pytest.mark.parametrize(("seconds", "why"), [(0, None), (1, "certificate_expired")])
def test_a_certificate_is_good_to_its_last_second(seconds: int, why: str | None) -> None:
    law = enact(DIGITAL, replace(certificate(), valid_to=AT - timedelta(seconds=seconds)))
    assert refused(approved(law), GOOD) == why
    law = enact(DIGITAL, replace(certificate(), valid_from=AT + timedelta(seconds=seconds)))
    assert refused(approved(law), GOOD) == why


# ---- which seal, whose hand ----------------------------------------------------------------------


def test_the_keeper_alone_uses_a_seal_that_has_one() -> None:
    law = enact(DIGITAL, replace(seal(), keeper=KEEPER))
    assert refused(approved(law), INK, officer("another")) == "not_the_keeper"
    assert refused(approved(law), CompleteStep(Step.STAMP), officer("another")) == "not_the_keeper"
    assert refused(approved(law), INK, KEEPER) is None


def test_whoever_appraised_may_keep_the_seal_but_not_who_approved() -> None:
    assert refused(approved(), INK, officer("appraise")) is None
    assert refused(approved(), INK, APPROVER) == "same_person"


def test_the_second_seal_is_the_one_at_the_centre() -> None:
    law = enact(LAW, seal(SECOND, AGENCY, SealKind.SECOND))
    for place, used in [(Place.CENTRE, SECOND), (Place.OFFICE, SEAL), (None, SEAL)]:
        desk = approved(law, on_paper=True)
        assert refused(desk, CompleteStep(Step.STAMP, place)) is None
        assert desk.known.stamp is not None
        assert desk.known.stamp.seal == used
    on_site = enact(law, replace(law.procedures["1.000001"], version=2, on_site=True))
    desk = approved(on_site, on_paper=True)
    assert refused(desk, CompleteStep(Step.STAMP)) is None
    assert desk.known.stamp is not None
    assert desk.known.stamp.seal == SECOND


def test_a_seal_that_is_not_named_is_the_only_one_there_is() -> None:
    twins = enact(LAW, seal("H52.18-3"))
    assert refused(approved(twins, on_paper=True), CompleteStep(Step.STAMP)) == "seal_not_named"
    assert refused(approved(twins, on_paper=True), CompleteStep(Step.STAMP, Place.CENTRE)) == "seal_not_named"
    gone = enact(LAW, replace(seal(), valid_to=date(2025, 3, 3)))
    assert refused(approved(gone, on_paper=True), CompleteStep(Step.STAMP)) == "no_valid_seal"
    received = enact(gone, seal("H52.18-4", AGENCY, SealKind.RECEIVED))
    assert refused(approved(received, on_paper=True), CompleteStep(Step.STAMP)) == "no_valid_seal"
    # With evidence it is the electronic one that is meant, without it one of ink.
    desk = approved()
    assert refused(desk, CompleteStep(Step.STAMP, evidence=sealing(AT))) is None
    assert desk.known.stamp is not None
    assert desk.known.stamp.seal == ELECTRONIC
    only = enact(gone, electronic())
    assert refused(approved(only, on_paper=True), CompleteStep(Step.STAMP)) == "no_valid_seal"


def test_a_seal_withdrawn_after_the_approval_stamps_no_more() -> None:
    desk = approved()
    desk.law = enact(desk.law, ended(ELECTRONIC, "2025-03-03"))
    assert refused(desk, GOOD) == "seal_not_valid"


@pytest.mark.parametrize(("revoked", "why"), [(0, "certificate_revoked"), (1, None)])
def test_what_was_sealed_with_a_revoked_certificate_is_not_handed_out(revoked: int, why: str | None) -> None:
    """That it was revoked may become known only after the stamp."""
    desk = approved().do(GOOD, at=AT)
    desk.law = enact(desk.law, certificate(revoked_at=AT + timedelta(seconds=revoked)))
    later = AT + timedelta(hours=1)
    hand_out = CompleteStep(Step.RETURN)
    assert reason(desk.give(hand_out, by=officer("return"), at=later)) == why
    if why is not None:
        desk.do(commands.RevokeStamp("certificate_revoked"), at=later)
        desk.law = enact(desk.law, replace(certificate(), fingerprint="e" * 64))
        renewed = replace(GOOD, evidence=replace(sealing(later), certificate="e" * 64))
        desk.do(renewed, hand_out, at=later)
    assert isinstance(desk.last, facts.ResultReturned)


def test_a_void_stamp_is_put_again_on_what_was_approved() -> None:
    desk = approved().do(GOOD, at=AT)
    first = desk.known.stamp
    desk.do(commands.RevokeStamp("wrong_seal"), at=AT + timedelta(minutes=1))
    assert first is not None
    assert isinstance(desk.last, facts.StampRevoked)
    assert (desk.last.seal, desk.last.stamp, desk.last.reason) == (ELECTRONIC, first.seq, "wrong_seal")
    again = desk.give(GOOD, by=KEEPER, at=AT + timedelta(minutes=2))
    assert reason(again) is None
    assert desk.known.stamp is not None
    assert desk.known.stamp.seq > first.seq


def test_after_a_correction_the_old_approval_counts_no_more() -> None:
    desk = approved().do(GOOD, at=AT).do(commands.CorrectResult("wrong_name"), at=AT)
    assert (desk.known.stamp, desk.known.document, desk.known.approver, desk.known.appraiser) == (None,) * 4
    assert [type(fact.body) for fact in desk.facts[-2:]] == [facts.StampRevoked, facts.ResultCorrected]
    desk.do(CompleteStep(Step.APPRAISE), CompleteStep(Step.APPROVE), at=AT)
    assert refused(desk, GOOD) == "approval_not_signed"
