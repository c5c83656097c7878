"""Every fact there is rests on a rule in words; a refusal on its own."""

from __future__ import annotations

import typing

from contracts import facts
from contracts.codec import decode_fact
from contracts.transitions import SEAL_DECREE, basis
from contracts.words import Step
from tests.architecture.sources import ROOT


def test_every_kind_of_fact_has_a_basis() -> None:
    seen: set[type] = set()
    for path in (ROOT / "contracts" / "examples" / "dossier.events.v1").glob("*/valid.json"):
        record = decode_fact(path.read_bytes())
        if isinstance(record, facts.Fact):
            found = basis(record.body)
            assert found.rule
            assert found.ground is None or found.ground
            seen.add(type(record.body))
    assert seen == set(typing.get_args(facts.FactBody))


def test_a_step_rests_on_its_own_rule_and_a_refusal_on_what_it_says() -> None:
    assert basis(facts.StepCompleted(Step.STAMP)).ground == SEAL_DECREE
    rules = {basis(facts.StepCompleted(step)).rule for step in Step if step is not Step.RECEIVE}
    assert len(rules) == 4
    refused = facts.CommandRefused("StampResult", "same_person", "Quy tắc", "Căn cứ")
    assert basis(refused) == ("Quy tắc", "Căn cứ")
