"""Random lives of dossiers: any command of anybody, time passing, the law changing in between."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from contracts import commands, facts
from contracts.codec import decode_fact, encode
from contracts.commands import Command, CommandBody, CompleteStep
from contracts.facts import Cause
from contracts.law import DayKind, LawChange
from contracts.outcomes import ActionName, CommandOutcome, Result
from contracts.words import (
    Channel,
    NationalStatus,
    Outcome,
    Role,
    SealKind,
    Step,
    TermUnit,
)
from legalclock import dossier_clock
from legalclock.moments import local as local_time
from services.workflow.domain.actions import allowed_actions
from services.workflow.domain.decide import decide, fire
from services.workflow.domain.dossier import MEMORY, Dossier
from services.workflow.domain.evolve import evolve
from services.workflow.domain.redate import redate
from services.workflow.domain.rules import Reason
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, START, command
from tests.fakes.workflow_choices import (
    BASE,
    DICE,
    ELECTRONIC,
    ENDS,
    FREE,
    GO_ON,
    HOURS,
    INK,
    KEPT,
    OTHERS,
    PEOPLE,
    PROCEDURES,
    ROLES,
    SECOND,
    STRANGER,
    variants,
)
from tests.fakes.workflow_desk import (
    CODE,
    ORGANISATION,
    PERSONAL,
    STEP_OF,
    enact,
    of_days,
    sealing,
    signature,
)
from tests.fakes.workflow_invariants import Life, clock_from, minutes_run


class AnyLife(RuleBasedStateMachine):
    """One dossier, its facts, and the commands that made them."""

    def __init__(self) -> None:
        super().__init__()
        self.law, self.off = BASE, set(FREE)
        self.dossier: Dossier | None = None
        self.facts: list[facts.Fact] = []
        self.asked: dict[str, CommandBody] = {}
        self.answers: list[tuple[Command, CommandOutcome]] = []
        self.now, self.offset = START, 0
        self.procedure = PROCEDURES[0]

    @property
    def known(self) -> Dossier:
        assert self.dossier is not None
        return self.dossier

    @initialize(published=st.sampled_from(PROCEDURES), done=st.integers(0, 6))
    def begin(self, published: object, done: int) -> None:
        """A life begins somewhere on the ordinary way, so that many get old."""
        self.procedure = next(one for one in PROCEDURES if one == published)
        self._give(commands.RegisterDossier(self.procedure.code, AGENCY, Channel.COUNTER), PEOPLE[0])
        for _ in range(done):
            self.now += timedelta(minutes=45)
            self._forward(random.Random(done))

    def _give(
        self,
        body: CommandBody,
        actor: str | None,
        role: Role = Role.ADMIN,
        agencies: tuple[str, ...] | None = None,
    ) -> CommandOutcome:
        record = command(body, key=f"k{self.offset}", at=self.now, actor=actor, role=role, agencies=agencies)
        return self._send(record if actor else replace(record, actor=None))

    def _send(self, record: Command) -> CommandOutcome:
        cause = Cause(1, self.offset, 0)
        decision = decide(self.dossier, self.law, record, cause)
        again = decide(self.dossier, self.law, record, cause)
        assert encode(decision.outcome) == encode(again.outcome)
        assert [encode(fact) for fact in decision.facts] == [encode(fact) for fact in again.facts]
        assert [fact.cause.n for fact in decision.facts] == list(range(len(decision.facts)))
        outcome = decision.outcome
        if outcome.result is Result.REFUSED:
            assert outcome.refusal is not None
            assert outcome.refusal.reason in set(Reason)
            assert outcome.refusal.rule
            assert outcome.refusal.legal_ground
        else:
            assert outcome.refusal is None
            self.asked[record.id] = record.body
        self.offset += 1
        self.facts += decision.facts
        self.dossier = decision.dossier
        self.answers.append((record, outcome))
        if decision.facts and isinstance(decision.facts[-1].body, facts.ProcessingFinished):
            self._judged(decision.facts[-1].body)
        return outcome

    def _judged(self, finished: facts.ProcessingFinished) -> None:
        clock, calendar = clock_from(self.facts, self.procedure), self.law.calendar_for(AGENCY)
        assert clock is not None
        assert calendar is not None
        judged = dossier_clock.judge(calendar, clock, self.known.at)
        assert finished.outcome == Outcome(judged.by_current)
        assert finished.by_original == Outcome(judged.by_original)
        assert finished.by_term == Outcome(judged.by_term)

    # ---- what happens ------------------------------------------------------------------------

    @rule(dice=DICE)
    def what_is_allowed(self, dice: random.Random) -> None:
        """An action that is open, by somebody and somehow; an end is a rare one."""
        self.now += timedelta(minutes=dice.randrange(1500))
        open_now = allowed_actions(self.known)
        likely = [action for action in open_now if action not in ENDS or dice.random() < 0.1]
        if likely:
            self._give(dice.choice(variants(dice.choice(likely), self.now)), dice.choice(PEOPLE))

    @rule(dice=DICE)
    def the_next_step(self, dice: random.Random) -> None:
        self.now += timedelta(minutes=dice.randrange(600))
        self._forward(dice)

    def _forward(self, dice: random.Random) -> None:
        """The next step as it should be done, mostly by who does it; what pauses the dossier ends."""
        dossier, now = self.known, self.now
        step, holder = dossier.step, dossier.holder
        who = {Step.APPRAISE: PEOPLE[0], Step.APPROVE: PEOPLE[1], Step.STAMP: PEOPLE[2]}
        if step is None or holder is None:
            return
        actor = holder.officer or who.get(step, PEOPLE[3])
        if dice.random() < 0.2:
            actor = dice.choice(PEOPLE)
        if dossier.status in GO_ON:
            self._give(GO_ON[dossier.status], actor)
        elif step is Step.RECEIVE:
            self._give(commands.AcceptDossier(CODE), actor)
        elif step is Step.APPROVE:
            self._give(CompleteStep(step, evidence=dice.choice([None, signature(now)])), actor)
        elif step is Step.STAMP:
            code = OTHERS if holder.agency != AGENCY else dice.choice([INK, SECOND, KEPT])
            digital = dossier.document is not None and dice.random() < 0.7
            good = (
                CompleteStep(step, None, ELECTRONIC, sealing(now))
                if digital
                else CompleteStep(step, seal=code)
            )
            self._give(good, actor)
        else:
            self._give(CompleteStep(step), actor)

    @rule(dice=DICE)
    def anything(self, dice: random.Random) -> None:
        """Anything by anybody; clocks of doors differ, so also a little back in time."""
        at = self.now + timedelta(minutes=dice.randrange(-30, 300))
        action = dice.choice([action for action in ActionName if action not in ENDS or dice.random() < 0.1])
        role = dice.choice([*Role, *ROLES[action] * 5])
        agencies = dice.choice([*[None] * 8, (AGENCY,), (AGENCY,), (OTHER_AGENCY,), STRANGER, ()])
        before, self.now = self.now, at
        self._give(dice.choice(variants(action, at)), dice.choice([None, *PEOPLE * 3]), role, agencies)
        self.now = max(before, at)

    @rule(dice=DICE)
    def time_alone(self, dice: random.Random) -> None:
        self.now += timedelta(minutes=dice.choice([30, 300, 3000]))
        for _ in range(dice.randrange(1, 8)):
            due = sorted((one for one in self.known.timers if one.at < self.now), key=lambda one: one.at)
            if not due:
                return
            fired = fire(self.known, due[0].name, due[0].version, self.now, Cause(1, self.offset, 0))
            assert fired is not None
            assert fired[0].command_id is None
            self.offset += 1
            self.facts.append(fired[0])
            self.dossier = fired[1]
            assert fire(self.known, due[0].name, due[0].version, self.now, Cause(1, 9999, 0)) is None

    @rule(dice=DICE, kind=st.sampled_from(DayKind))
    def the_calendar_is_amended(self, dice: random.Random, kind: DayKind) -> None:
        day = local_time(self.now).date()
        chosen = [day + timedelta(days=dice.randrange(-3, 9)) for _ in range(2)]
        chosen = [day for day in chosen if day.weekday() < 5]
        if chosen:
            self.off = self.off | set(chosen) if kind is DayKind.OFF else self.off - set(chosen)
            self._enact(of_days(kind, *(day.isoformat() for day in chosen)))

    @rule(which=st.sampled_from([INK, SECOND, KEPT, ELECTRONIC, OTHERS]), back=st.booleans())
    def a_seal_is_withdrawn(self, which: str, back: bool) -> None:
        standing = self.law.seals[which]
        until = None if back else local_time(self.now).date() - timedelta(days=1)
        self._enact(replace(standing, valid_to=until))

    @rule(which=st.sampled_from([ORGANISATION, PERSONAL]), back=st.booleans())
    def a_certificate_is_revoked(self, which: str, back: bool) -> None:
        self._enact(replace(self.law.certificates[which], revoked_at=None if back else self.now))

    def _enact(self, change: LawChange) -> None:
        self.law = enact(self.law, change)
        cause = Cause(1, self.offset, 0)
        moved = redate(self.known, self.law, self.now, cause)
        self.offset += 1
        if moved:
            assert isinstance(moved[0].body, facts.DueDateAmended)
            assert self.known.outcome is None
            self.facts.append(moved[0])
            self.dossier = moved[1]
            assert redate(self.known, self.law, self.now, cause) is None

    @precondition(lambda self: self.answers)
    @rule(dice=DICE)
    def a_command_comes_again(self, dice: random.Random) -> None:
        record, first = dice.choice(self.answers)
        before = self.known
        if before.remembers(record.id, record.fingerprint):
            answer = decide(before, self.law, record, Cause(1, 10_000, 0))
            assert (answer.facts, answer.dossier, answer.outcome.repeated) == ((), before, True)
            assert (answer.outcome.result, answer.outcome.refusal) == (first.result, first.refusal)

    # ---- what is open is what is accepted ----------------------------------------------------

    @rule()
    def what_is_allowed_is_what_is_accepted(self) -> None:
        dossier = self.known
        for action in ActionName:
            allowed = action in allowed_actions(dossier)
            taken = self._somebody_can(dossier, action, PEOPLE if allowed else PEOPLE[1:2])
            if allowed:
                assert taken or (action is ActionName.STAMP and not self._seal_to_use(dossier)), action
            else:
                assert not taken, action

    def _somebody_can(self, dossier: Dossier, action: ActionName, people: tuple[str, ...]) -> bool:
        later = (dossier.due or dossier.at) + timedelta(days=30)
        bodies = variants(action, dossier.at)
        if action is ActionName.APOLOGISE:
            bodies = [commands.Apologise("staff_shortage", later, override=True)]
        for body in bodies:
            for actor in people:
                record = command(body, key="probe", at=dossier.at, actor=actor)
                if decide(dossier, self.law, record, Cause(1, 10_000, 0)).outcome.result is Result.ACCEPTED:
                    return True
                if action not in (*STEP_OF, ActionName.DECLINE):
                    break  # who asks makes no difference
        return False

    def _seal_to_use(self, dossier: Dossier) -> bool:
        """Whether a seal of ink may be put by somebody today, reckoned from the register alone."""
        day, holder = local_time(dossier.at).date(), dossier.holder
        assert holder is not None
        hands = {holder.officer} if holder.officer else {*PEOPLE}
        return any(
            one.agency == holder.agency
            and one.kind in (SealKind.AGENCY, SealKind.SECOND)
            and not one.electronic
            and one.valid_from <= day <= (one.valid_to or day)
            and ((hands & {one.keeper}) if one.keeper else hands) - {dossier.approver}
            for one in self.law.seals.values()
        )

    # ---- what always holds -------------------------------------------------------------------

    @invariant()
    def the_facts_are_a_lawful_life(self) -> None:
        Life(self.asked).walk(self.facts)

    @invariant()
    def the_state_is_the_fold_of_the_facts(self) -> None:
        folded: Dossier | None = None
        for fact in self.facts:
            folded = evolve(folded, decode_fact_of(fact))
        assert folded == self.dossier
        if folded:
            assert len(folded.memory) <= MEMORY
            last = self.facts[-1]
            assert (last.status, last.due, last.overdue) == (folded.status, folded.due, folded.overdue)

    @invariant()
    def dates_are_those_of_the_history(self) -> None:
        clock = clock_from(self.facts, self.procedure) if self.facts else None
        calendar = self.law.calendar_for(AGENCY)
        if clock is None or self.dossier is None or calendar is None:
            return
        dossier = self.dossier
        if dossier.step is None or dossier.status is NationalStatus.FINISHED:
            assert dossier.timers == ()
            return
        reading = dossier_clock.read(calendar, clock)
        assert dossier.due == reading.due_current
        due = dossier.timer("due")
        runs = reading.paused is None or bool(dossier.timers)
        assert (due is not None) == (runs and not dossier.overdue)
        assert due is None or due.at == reading.due_counted
        assert (reading.paused is not None) == (dossier.paused_at is not None)

    @invariant()
    def pauses_are_never_counted(self) -> None:
        """Terms that run by the minute, counted minute by minute."""
        if self.dossier is None or self.procedure.code not in HOURS or not self._plain():
            return
        dossier, extended = self.dossier, 0
        extended = sum(fact.body.value for fact in self.facts if isinstance(fact.body, facts.TermExtended))
        unit = 60 if self.procedure.term_unit is TermUnit.WORKING_HOUR else 450
        assert dossier.due is not None
        assert minutes_run(self.facts, dossier.due, self.off) == HOURS[self.procedure.code] + extended * unit

    def _plain(self) -> bool:
        """Running and within its term, and no apology in it: the due date is the term and nothing else."""
        dossier = self.known
        apologised = any(isinstance(fact.body, facts.ApologyGiven) for fact in self.facts)
        late = any(fact.overdue for fact in self.facts) or (dossier.due or dossier.at) <= dossier.at
        runs = dossier.status in (NationalStatus.ACCEPTED, NationalStatus.IN_PROGRESS)
        return runs and not apologised and not late


def decode_fact_of(fact: facts.Fact) -> facts.Fact:
    """The fact as it comes off the wire."""
    record = decode_fact(encode(fact))
    assert isinstance(record, facts.Fact)
    return record


# A life that was thrown is not made simpler in reasonable time.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
AnyLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, phases=_PHASES)
TestAnyLife = AnyLife.TestCase
