"""Why a command is refused: a reason code, the rule for people in Vietnamese, and its legal ground.

The legal ground is the decree of the rule set the dossier stands under, chosen by its date.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.outcomes import Refusal
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
    Reason.NOT_FINISHED: "Chỉ đánh giá khi hồ sơ đã xử lý xong",
    Reason.ALREADY_FINISHED: "Hồ sơ đã xử lý xong",
    Reason.ALREADY_RATED: "Mỗi hồ sơ chỉ được đánh giá một lần",
    Reason.CLOSED: "Hồ sơ đã kết thúc",
    Reason.PARKED: "Hồ sơ đang tạm dừng do lỗi kỹ thuật; gửi lại khi đã được khắc phục",
}

# Not a matter of the one-stop law but of how the system is used.
_HOUSE_RULES: Final = frozenset(
    {Reason.UNKNOWN_DOSSIER, Reason.KEY_REUSED, Reason.ALREADY_REGISTERED, Reason.PARKED}
)


def refusal(reason: Reason, rules: str) -> Refusal:
    """The refusal for `reason` under the rule set of this name ("nd61", "nd118")."""
    if reason in _HOUSE_RULES:
        ground = "Quy định kỹ thuật của hệ thống"
    elif reason is Reason.NO_CALENDAR:
        ground = "Bộ luật Lao động 2019, Điều 112"
    else:
        ground = named(rules).decree
    return Refusal(reason=reason, rule=_RULES[reason], legal_ground=ground)
