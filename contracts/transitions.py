"""The transition table of a dossier, as data: what may be done in which national status, and what follows.

The statuses are those of the national public service portal (1 to 10). The workflow decides by this table
and no other, what it refuses and what it says may be done next alike; readers derive from it what the facts
leave unsaid: the rule a fact rests on, the actions open after it. ``docs/transitions.md`` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from msgspec import Struct

from contracts import facts
from contracts.outcomes import ActionName
from contracts.words import NationalStatus, Step

MOST_MOVES: Final = 200
"""A dossier's clock takes no more pauses, apologies and extensions than that; a life needs a handful."""


class Situation(NamedTuple):
    """All of a dossier that the table asks for; there are few of them, so answers are kept.

    `step` is the one in hand, None once nobody has anything to do; `full` says that its clock takes no more
    moves. `stamped` is by a stamp that stands.
    """

    status: NationalStatus
    step: Step | None
    stamped: bool = False
    rated: bool = False
    overdue: bool = False
    full: bool = False
    extended: bool = False


class Need(StrEnum):
    """What a transition needs besides status and step."""

    STAMPED = "stamped"
    NOT_RATED = "not_rated"
    NOT_OVERDUE = "not_overdue"
    NOT_EXTENDED = "not_extended"
    ROOM = "room"


class Transition(Struct, frozen=True, kw_only=True):
    """One action: from where to where, the facts it gives, and the rule it rests on.

    `after` None: the status stays. `step`: the one that must be in hand. `ground` None: the decree on the
    one-stop mechanism the dossier stands under.
    """

    before: tuple[NationalStatus, ...]
    after: NationalStatus | None
    facts: tuple[type[Struct], ...]
    rule: str
    step: Step | None = None
    needs: tuple[Need, ...] = ()
    ground: str | None = None


_S = NationalStatus
_A = ActionName
_IN_HAND: Final = (_S.ACCEPTED, _S.IN_PROGRESS)
_FINISHED: Final = (_S.FINISHED, _S.RETURNED)

ACTION_OF_STEP: Final[Mapping[Step, ActionName]] = {
    Step.APPRAISE: _A.APPRAISE,
    Step.APPROVE: _A.APPROVE,
    Step.STAMP: _A.STAMP,
    Step.RETURN: _A.RETURN,
}
"""The action that completes a step; `receive` is completed by accepting, which gives more than that."""

SEAL_DECREE: Final = "Nghị định 30/2020/NĐ-CP, Điều 32, 33"
SIGNATURE_LAW: Final = "Luật Giao dịch điện tử 20/2023/QH15; Nghị định 30/2020/NĐ-CP"

TRANSITIONS: Final[Mapping[ActionName, Transition]] = {
    _A.REGISTER: Transition(
        before=(),
        after=_S.REGISTERED,
        facts=(facts.DossierRegistered,),
        rule="Hồ sơ nộp trực tiếp, trực tuyến hoặc qua bưu chính công ích được ghi nhận ngay khi nộp",
    ),
    _A.ACCEPT: Transition(
        before=(_S.REGISTERED,),
        after=_S.ACCEPTED,
        step=Step.RECEIVE,
        facts=(facts.DossierAccepted,),
        rule="Hồ sơ đủ thì cấp giấy tiếp nhận và hẹn trả kết quả; thời hạn tính từ đó",
    ),
    _A.REFUSE: Transition(
        before=(_S.REGISTERED,),
        after=_S.NOT_ACCEPTED,
        step=Step.RECEIVE,
        facts=(facts.DossierRefused,),
        rule="Từ chối tiếp nhận thì cấp phiếu từ chối, nêu rõ lý do",
    ),
    _A.APPRAISE: Transition(
        before=_IN_HAND,
        after=_S.IN_PROGRESS,
        step=Step.APPRAISE,
        facts=(facts.StepCompleted,),
        rule="Người được giao thẩm định hồ sơ trong phần thời hạn của mình",
    ),
    _A.APPROVE: Transition(
        before=(_S.IN_PROGRESS,),
        after=_S.IN_PROGRESS,
        step=Step.APPROVE,
        facts=(facts.StepCompleted,),
        rule="Người có thẩm quyền ký phê duyệt kết quả, và không phải là người thẩm định",
    ),
    _A.STAMP: Transition(
        before=(_S.IN_PROGRESS,),
        after=_S.FINISHED,
        step=Step.STAMP,
        facts=(facts.StampApplied, facts.StepCompleted, facts.ProcessingFinished),
        rule="Chỉ đóng dấu lên kết quả đã được người có thẩm quyền ký; người giữ dấu không phải là người ký",
        ground=SEAL_DECREE,
    ),
    _A.RETURN: Transition(
        before=(_S.FINISHED,),
        after=_S.RETURNED,
        step=Step.RETURN,
        facts=(facts.StepCompleted, facts.ResultReturned),
        rule="Kết quả chỉ được trả khi đã có dấu, hoặc khi là văn bản từ chối giải quyết",
    ),
    _A.REQUEST_SUPPLEMENT: Transition(
        before=_IN_HAND,
        after=_S.WAITING_SUPPLEMENT,
        needs=(Need.ROOM,),
        facts=(facts.SupplementRequested,),
        rule="Yêu cầu bổ sung bằng phiếu, nêu rõ lý do; thời gian chờ không tính vào thời hạn",
    ),
    _A.RECEIVE_SUPPLEMENT: Transition(
        before=(_S.WAITING_SUPPLEMENT,),
        after=_S.IN_PROGRESS,
        facts=(facts.SupplementReceived,),
        rule="Nhận đủ giấy tờ bổ sung thì thời hạn chạy tiếp phần còn lại",
    ),
    _A.REQUEST_PAYMENT: Transition(
        before=_IN_HAND,
        after=_S.WAITING_PAYMENT,
        needs=(Need.ROOM,),
        facts=(facts.PaymentRequested,),
        rule="Thời gian người nộp thực hiện nghĩa vụ tài chính không tính vào thời hạn",
    ),
    _A.RECEIVE_PAYMENT: Transition(
        before=(_S.WAITING_PAYMENT,),
        after=_S.IN_PROGRESS,
        facts=(facts.PaymentReceived,),
        rule="Nghĩa vụ tài chính xong thì thời hạn chạy tiếp phần còn lại",
    ),
    _A.SUSPEND: Transition(
        before=_IN_HAND,
        after=_S.STOPPED,
        needs=(Need.ROOM,),
        facts=(facts.DossierSuspended,),
        rule="Tạm dừng giải quyết phải nêu rõ lý do; thời hạn đứng lại",
    ),
    _A.RESUME: Transition(
        before=(_S.STOPPED,),
        after=_S.IN_PROGRESS,
        facts=(facts.DossierResumed,),
        rule="Chỉ người có thẩm quyền phê duyệt cho giải quyết tiếp hồ sơ đang tạm dừng",
    ),
    _A.STOP: Transition(
        before=(*_IN_HAND, _S.WAITING_SUPPLEMENT, _S.WAITING_PAYMENT, _S.STOPPED),
        after=_S.STOPPED,
        facts=(facts.DossierStopped,),
        rule="Dừng giải quyết hồ sơ bằng thông báo, nêu rõ lý do",
    ),
    _A.DECLINE: Transition(
        before=(_S.IN_PROGRESS,),
        after=_S.FINISHED,
        step=Step.APPROVE,
        facts=(facts.DossierDeclined, facts.ProcessingFinished),
        rule="Từ chối giải quyết sau khi thẩm định, bằng văn bản có nêu lý do của người có thẩm quyền",
    ),
    _A.WITHDRAW: Transition(
        before=(_S.REGISTERED, *_IN_HAND, _S.WAITING_SUPPLEMENT, _S.WAITING_PAYMENT),
        after=_S.WITHDRAWN,
        facts=(facts.DossierWithdrawn,),
        rule="Người nộp được rút hồ sơ khi chưa có kết quả",
    ),
    _A.HAND_OVER: Transition(
        before=_IN_HAND,
        after=None,
        facts=(facts.HandedOver,),
        rule="Mỗi lần giao nhận được ghi vào phiếu kiểm soát quá trình; mỗi lúc một người chịu trách nhiệm",
    ),
    _A.APOLOGISE: Transition(
        before=_IN_HAND,
        after=None,
        needs=(Need.ROOM,),
        facts=(facts.ApologyGiven,),
        rule="Xin lỗi và hẹn lại một lần, chậm nhất một ngày làm việc trước ngày hẹn trả",
    ),
    _A.EXTEND: Transition(
        before=_IN_HAND,
        after=None,
        needs=(Need.NOT_OVERDUE, Need.NOT_EXTENDED, Need.ROOM),
        facts=(facts.TermExtended,),
        rule="Gia hạn thời hạn giải quyết phải quyết định trước khi hết hạn",
    ),
    _A.CORRECT: Transition(
        before=_FINISHED,
        after=_S.IN_PROGRESS,
        facts=(facts.ResultCorrected,),
        rule="Kết quả có sai sót do cơ quan thì cơ quan phải sửa lại và chịu chi phí",
    ),
    _A.REVOKE_STAMP: Transition(
        before=_FINISHED,
        after=_S.IN_PROGRESS,
        needs=(Need.STAMPED,),
        facts=(facts.StampRevoked,),
        rule="Dấu đã thu hồi thì kết quả không còn giá trị trả, phải đóng dấu lại",
        ground=SEAL_DECREE,
    ),
    _A.RATE: Transition(
        before=_FINISHED,
        after=None,
        needs=(Need.NOT_RATED,),
        facts=(facts.DossierRated,),
        rule="Người nộp đánh giá một lần khi hồ sơ đã xử lý xong",
    ),
}
"""Every action. `before` is the status the dossier must have; a stopped or closed one (no step in hand) has
none of them, but a returned result may still be corrected, its stamp revoked, and rated."""


def lacks(need: Need, now: Situation) -> bool:
    """Whether the situation is not what the transition needs."""
    match need:
        case Need.STAMPED:
            return not now.stamped
        case Need.NOT_RATED:
            return now.rated
        case Need.NOT_OVERDUE:
            return now.overdue
        case Need.NOT_EXTENDED:
            return now.extended
        case Need.ROOM:  # pragma: no branch - the last there is
            return now.full


def is_closed(now: Situation) -> bool:
    """Whether nobody has anything to do any more."""
    return now.step is None


@cache
def permits(action: ActionName, now: Situation) -> bool:
    """Whether the table lets a dossier in that situation do the action."""
    row = TRANSITIONS[action]
    if now.status not in row.before or (row.step is not None and row.step is not now.step):
        return False
    if is_closed(now) and now.status is not NationalStatus.RETURNED:
        return False
    return not any(lacks(need, now) for need in row.needs)


@cache
def allowed(now: Situation) -> tuple[ActionName, ...]:
    """The actions open to a dossier in that situation, in the order of the enumeration."""
    return tuple(action for action in ActionName if permits(action, now))


class Basis(NamedTuple):
    """What a fact rests on: the rule in words (Vietnamese, for people), and the instrument behind it.

    `ground` None: the decree on the one-stop mechanism the dossier stands under.
    """

    rule: str
    ground: str | None = None


_CIVIL_CODE: Final = "Bộ luật Dân sự 2015, Điều 147, 148"

_OF_TIME: Final[Mapping[type[Struct], Basis]] = {
    facts.DueDateNear: Basis("Cảnh báo trước ngày hẹn trả cho người đang giữ hồ sơ"),
    facts.ApologyDeadlinePassed: Basis("Hết lúc còn được xin lỗi: một ngày làm việc trước ngày hẹn trả"),
    facts.StepDuePassed: Basis("Mỗi bước có phần thời hạn và người chịu trách nhiệm của mình"),
    facts.Escalated: Basis("Quá hạn một ngày làm việc thì báo cho người đứng đầu cơ quan đang giữ hồ sơ"),
    facts.DueDatePassed: Basis("Quá ngày hẹn trả mà hồ sơ chưa xử lý xong", _CIVIL_CODE),
    facts.DueDateAmended: Basis("Lịch làm việc thay đổi thì tính lại ngày hẹn trả", _CIVIL_CODE),
}
_OF_COMMANDS: Final = {
    kind: Basis(row.rule, row.ground)
    for row in TRANSITIONS.values()
    for kind in row.facts
    if kind is not facts.StepCompleted
}


def basis(body: facts.FactBody) -> Basis:
    """What a fact rests on: the transition it belongs to, the rule of a deadline, or the refusal's own."""
    if isinstance(body, facts.CommandRefused):
        return Basis(body.rule, body.legal_ground)
    if isinstance(body, facts.StepCompleted):
        row = TRANSITIONS[ACTION_OF_STEP[body.step]]
        return Basis(row.rule, row.ground)
    return _OF_TIME.get(type(body)) or _OF_COMMANDS[type(body)]
