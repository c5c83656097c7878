"""Why a command is refused: a reason code, the rule for people in Vietnamese, and its legal ground.

The legal ground is the decree of the rule set the dossier stands under, chosen by its date.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.outcomes import Refusal
from contracts.transitions import SEAL_DECREE, SIGNATURE_LAW
from legalclock.rulesets import named


class Reason(StrEnum):
    """Every reason the workflow refuses for."""

    UNKNOWN_DOSSIER = "unknown_dossier"
    ALREADY_REGISTERED = "already_registered"
    UNKNOWN_PROCEDURE = "unknown_procedure"
    CHANNEL_NOT_OFFERED = "channel_not_offered"
    NO_CALENDAR = "no_calendar"
    OTHER_AGENCY = "other_agency"
    CODE_OF_OTHER_AGENCY = "code_of_other_agency"
    KEY_REUSED = "idempotency_key_reused"
    NOT_ACCEPTED_YET = "not_accepted_yet"
    ALREADY_ACCEPTED = "already_accepted"
    STEP_OUT_OF_ORDER = "step_out_of_order"
    WAITING_FOR_SUPPLEMENT = "waiting_for_supplement"
    NO_SUPPLEMENT_REQUESTED = "no_supplement_requested"
    WAITING_FOR_PAYMENT = "waiting_for_payment"
    NO_PAYMENT_REQUESTED = "no_payment_requested"
    SUSPENDED = "suspended"
    NOT_SUSPENDED = "not_suspended"
    OVERDUE = "overdue"
    EXTENDED_ALREADY = "extended_already"
    NOT_LATER = "not_later"
    APOLOGY_TOO_LATE = "apology_too_late"
    APOLOGY_AGAIN = "apology_again"
    TOO_MANY_MOVES = "too_many_moves"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    HELD_ELSEWHERE = "held_elsewhere"
    NOT_THE_HOLDER = "not_the_holder"
    SAME_HOLDER = "same_holder"
    ACTOR_UNKNOWN = "actor_unknown"
    SAME_PERSON = "same_person"
    NOT_THE_KEEPER = "not_the_keeper"
    UNKNOWN_SEAL = "unknown_seal"
    NO_VALID_SEAL = "no_valid_seal"
    SEAL_NOT_NAMED = "seal_not_named"
    SEAL_OF_OTHER_AGENCY = "seal_of_other_agency"
    SEAL_OF_OTHER_KIND = "seal_of_other_kind"
    SEAL_NOT_VALID = "seal_not_valid"
    SEAL_OF_OTHER_PLACE = "seal_of_other_place"
    SEAL_NOT_ELECTRONIC = "seal_not_electronic"
    NO_STAMP = "no_stamp"
    SIGNATURE_MISSING = "signature_missing"
    APPROVAL_NOT_SIGNED = "approval_not_signed"
    WRONG_DOCUMENT = "wrong_document"
    SIGNATURE_IN_FUTURE = "signature_in_future"
    SIGNATURE_TOO_OLD = "signature_too_old"
    TIME_STAMP_MISSING = "time_stamp_missing"
    CERTIFICATE_OF_OTHER_SEAL = "certificate_of_other_seal"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_OF_OTHER_AGENCY = "certificate_of_other_agency"
    CERTIFICATE_OF_OTHER_KIND = "certificate_of_other_kind"
    CERTIFICATE_OF_OTHER_PERSON = "certificate_of_other_person"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_EXPIRED = "certificate_expired"
    NOT_FINISHED = "not_finished"
    ALREADY_FINISHED = "already_finished"
    ALREADY_RATED = "already_rated"
    CLOSED = "closed"
    PARKED = "parked"


_RULES: Final = {
    Reason.UNKNOWN_DOSSIER: "Không có hồ sơ này",
    Reason.ALREADY_REGISTERED: "Hồ sơ đã được đăng ký",
    Reason.UNKNOWN_PROCEDURE: "Thủ tục phải được công bố trước khi nộp hồ sơ",
    Reason.CHANNEL_NOT_OFFERED: "Thủ tục không nhận hồ sơ qua kênh này",
    Reason.NO_CALENDAR: "Chưa có lịch làm việc cho năm cần tính hạn",
    Reason.OTHER_AGENCY: "Hồ sơ thuộc cơ quan khác",
    Reason.CODE_OF_OTHER_AGENCY: "Mã hồ sơ phải do cơ quan tiếp nhận hồ sơ cấp",
    Reason.KEY_REUSED: "Một khóa chống trùng chỉ dùng cho một yêu cầu",
    Reason.NOT_ACCEPTED_YET: "Hồ sơ phải được tiếp nhận trước",
    Reason.ALREADY_ACCEPTED: "Hồ sơ đã được tiếp nhận",
    Reason.STEP_OUT_OF_ORDER: (
        "Năm bước phải theo thứ tự: tiếp nhận, thẩm định, phê duyệt, đóng dấu, trả kết quả"
    ),
    Reason.WAITING_FOR_SUPPLEMENT: "Hồ sơ đang chờ bổ sung, chưa được xử lý tiếp",
    Reason.NO_SUPPLEMENT_REQUESTED: "Chưa có yêu cầu bổ sung nào đang chờ",
    Reason.WAITING_FOR_PAYMENT: "Hồ sơ đang chờ thực hiện nghĩa vụ tài chính, chưa được xử lý tiếp",
    Reason.NO_PAYMENT_REQUESTED: "Chưa có yêu cầu nộp tiền nào đang chờ",
    Reason.SUSPENDED: "Hồ sơ đang tạm dừng giải quyết",
    Reason.NOT_SUSPENDED: "Hồ sơ không ở trạng thái tạm dừng",
    Reason.OVERDUE: "Hồ sơ đã quá hạn; gia hạn phải được quyết định trước khi hết hạn",
    Reason.EXTENDED_ALREADY: "Hồ sơ chỉ được gia hạn một lần",
    Reason.NOT_LATER: "Ngày hẹn lại phải sau ngày hẹn trả hiện nay",
    Reason.APOLOGY_TOO_LATE: "Phải xin lỗi chậm nhất một ngày làm việc trước ngày hẹn trả",
    Reason.APOLOGY_AGAIN: "Chỉ được xin lỗi và hẹn lại một lần",
    Reason.TOO_MANY_MOVES: "Hồ sơ đã dừng, hẹn lại và gia hạn quá số lần hệ thống cho phép",
    Reason.ROLE_NOT_ALLOWED: "Vai trò này không được thực hiện thao tác",
    Reason.HELD_ELSEWHERE: "Bước này đang do cơ quan khác chịu trách nhiệm",
    Reason.NOT_THE_HOLDER: "Bước này đã giao cho người khác chịu trách nhiệm",
    Reason.SAME_HOLDER: "Bước này đã ở người và cơ quan được nêu",
    Reason.ACTOR_UNKNOWN: "Việc ký và đóng dấu phải có người thực hiện được nêu rõ",
    Reason.SAME_PERSON: "Một người không được vừa thẩm định vừa phê duyệt, hay vừa ký vừa đóng dấu",
    Reason.NOT_THE_KEEPER: "Chỉ người được giao giữ con dấu này mới được đóng",
    Reason.UNKNOWN_SEAL: "Con dấu không có trong sổ đăng ký",
    Reason.NO_VALID_SEAL: "Cơ quan không có con dấu nào đang có hiệu lực để đóng kết quả này",
    Reason.SEAL_NOT_NAMED: "Cơ quan có nhiều con dấu; cần nêu con dấu được đóng",
    Reason.SEAL_OF_OTHER_AGENCY: "Con dấu của cơ quan khác",
    Reason.SEAL_OF_OTHER_KIND: "Loại dấu này không dùng để đóng lên kết quả",
    Reason.SEAL_NOT_VALID: "Con dấu không có hiệu lực vào ngày đóng",
    Reason.SEAL_OF_OTHER_PLACE: "Con dấu thứ hai đặt tại trung tâm, chỉ đóng tại trung tâm",
    Reason.SEAL_NOT_ELECTRONIC: "Con dấu này không phải là chữ ký số; không nhận chứng cứ chữ ký số",
    Reason.NO_STAMP: "Kết quả chưa có dấu đang có hiệu lực",
    Reason.SIGNATURE_MISSING: "Con dấu điện tử cần chữ ký số đã được kiểm tra",
    Reason.APPROVAL_NOT_SIGNED: "Kết quả điện tử chưa được người có thẩm quyền ký số",
    Reason.WRONG_DOCUMENT: "Chữ ký số không nằm trên văn bản đã được phê duyệt",
    Reason.SIGNATURE_IN_FUTURE: "Thời điểm ký ở sau thời điểm hiện tại",
    Reason.SIGNATURE_TOO_OLD: "Chữ ký số có trước khi hồ sơ được tiếp nhận hoặc được mở lại",
    Reason.CERTIFICATE_OF_OTHER_SEAL: "Chứng thư số không phải là của con dấu này",
    Reason.TIME_STAMP_MISSING: "Chữ ký số của con dấu phải có dấu thời gian",
    Reason.CERTIFICATE_UNKNOWN: "Chứng thư số không có trong danh mục",
    Reason.CERTIFICATE_OF_OTHER_AGENCY: "Chứng thư số của cơ quan khác",
    Reason.CERTIFICATE_OF_OTHER_KIND: "Con dấu cần chứng thư số của tổ chức, phê duyệt cần của cá nhân",
    Reason.CERTIFICATE_OF_OTHER_PERSON: "Chứng thư số của người khác",
    Reason.CERTIFICATE_REVOKED: "Chứng thư số đã bị thu hồi khi ký",
    Reason.CERTIFICATE_EXPIRED: "Chứng thư số không có hiệu lực khi ký",
    Reason.NOT_FINISHED: "Hồ sơ chưa xử lý xong",
    Reason.ALREADY_FINISHED: "Hồ sơ đã xử lý xong",
    Reason.ALREADY_RATED: "Mỗi hồ sơ chỉ được đánh giá một lần",
    Reason.CLOSED: "Hồ sơ đã kết thúc",
    Reason.PARKED: "Hồ sơ đang tạm dừng do lỗi kỹ thuật; gửi lại khi đã được khắc phục",
}

# Not a matter of the one-stop law but of how the system is used.
_HOUSE_RULES: Final = frozenset(
    {
        Reason.UNKNOWN_DOSSIER,
        Reason.KEY_REUSED,
        Reason.ALREADY_REGISTERED,
        Reason.PARKED,
        Reason.TOO_MANY_MOVES,
        Reason.ROLE_NOT_ALLOWED,
    }
)
_OF_SEALS: Final = frozenset(
    {
        Reason.NOT_THE_KEEPER,
        Reason.UNKNOWN_SEAL,
        Reason.NO_VALID_SEAL,
        Reason.SEAL_NOT_NAMED,
        Reason.SEAL_OF_OTHER_AGENCY,
        Reason.SEAL_OF_OTHER_KIND,
        Reason.SEAL_NOT_VALID,
        Reason.SEAL_OF_OTHER_PLACE,
        Reason.NO_STAMP,
        Reason.SAME_PERSON,
        Reason.ACTOR_UNKNOWN,
    }
)
_OF_SIGNATURES: Final = frozenset(
    {
        Reason.SEAL_NOT_ELECTRONIC,
        Reason.SIGNATURE_MISSING,
        Reason.APPROVAL_NOT_SIGNED,
        Reason.WRONG_DOCUMENT,
        Reason.SIGNATURE_IN_FUTURE,
        Reason.SIGNATURE_TOO_OLD,
        Reason.CERTIFICATE_OF_OTHER_SEAL,
        Reason.TIME_STAMP_MISSING,
        Reason.CERTIFICATE_UNKNOWN,
        Reason.CERTIFICATE_OF_OTHER_AGENCY,
        Reason.CERTIFICATE_OF_OTHER_KIND,
        Reason.CERTIFICATE_OF_OTHER_PERSON,
        Reason.CERTIFICATE_REVOKED,
        Reason.CERTIFICATE_EXPIRED,
    }
)


def refusal(reason: Reason, rules: str) -> Refusal:
    """The refusal for `reason` under the rule set of this name ("nd61", "nd118")."""
    if reason in _HOUSE_RULES:
        ground = "Quy định kỹ thuật của hệ thống"
    elif reason in _OF_SEALS:
        ground = SEAL_DECREE
    elif reason in _OF_SIGNATURES:
        ground = SIGNATURE_LAW
    elif reason is Reason.NO_CALENDAR:
        ground = "Bộ luật Lao động 2019, Điều 112"
    else:
        ground = named(rules).decree
    return Refusal(reason=reason, rule=_RULES[reason], legal_ground=ground)
