"""Why a digital signature is no evidence: the closed list of reasons, each with its rule in words.

The rule is for whoever signed or keeps the seal: it says what was expected, and names no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.intake.domain.refusals import HOUSE_RULE, Refused

SIGNATURE_LAW: Final = "Luật Giao dịch điện tử 20/2023/QH15; Nghị định 30/2020/NĐ-CP"

HOUSE_RULES: Final[Mapping[str, str]] = {
    "no_trust_configured": "Hệ thống chưa được cấu hình chứng thư gốc tin cậy: quản trị đặt MOTCUA_TRUST",
    "not_a_pdf": "Tệp phải là PDF đọc được",
    "pdf_malformed": "Cấu trúc PDF phải đúng chuẩn ISO 32000 thì mới kiểm tra được chữ ký",
    "pdf_encrypted": "PDF đặt mật khẩu hoặc mã hóa không kiểm tra được",
    "too_hard_to_read": "Việc kiểm tra phải xong trong giới hạn thời gian và bộ nhớ; tệp này vượt quá",
    "signature_too_large": "Tệp chữ ký rời không quá 1 MiB",
}
"""What the house needs to judge at all."""

LAW_RULES: Final[Mapping[str, str]] = {
    "no_signature": "Tài liệu phải có chữ ký số",
    "signature_malformed": "Chữ ký phải đúng dạng PAdES hoặc CAdES và bao trùm trọn tài liệu",
    "several_signers": "Mỗi chữ ký chỉ có một người ký",
    "signature_tampered": "Nội dung hoặc chữ ký đã bị thay đổi sau khi ký",
    "document_changed": "Lần ký cuối chỉ thêm chữ ký, sau đó không thêm gì; chữ ký rời phải đúng tài liệu",
    "earlier_signature_broken": "Chữ ký trước trong tài liệu phải còn nguyên giá trị khi ký tiếp",
    "digest_not_sha256": "Chữ ký rời phải dùng SHA-256 để đối chiếu với tài liệu",
    "algorithm_too_weak": "Thuật toán ký hoặc băm không còn được coi là an toàn",
    "signing_time_missing": "Chữ ký phải ghi thời điểm ký",
    "signature_in_future": "Thời điểm ký không được ở tương lai",
    "signature_untrusted": "Chứng thư phải dẫn tới một chứng thư gốc được hệ thống tin cậy",
    "certificate_not_for_signing": "Chứng thư không được cấp để ký số",
    "certificate_not_yet_valid": "Chứng thư chưa có hiệu lực tại thời điểm ký",
    "certificate_expired": "Chứng thư đã hết hạn tại thời điểm ký",
    "certificate_revoked": "Chứng thư đã bị thu hồi tại thời điểm ký",
    "revocation_unknown": "Phải có CRL hoặc OCSP cho thấy chứng thư chưa bị thu hồi tại thời điểm ký",
    "time_stamp_invalid": "Dấu thời gian phải nguyên vẹn, đúng chữ ký này và của tổ chức được tin cậy",
}
"""What a signature must be to count."""

REASONS: Final = HOUSE_RULES.keys() | LAW_RULES.keys()


def refuse(reason: str) -> Refused:
    """The refusal for `reason`, one of :data:`REASONS`."""
    if reason in HOUSE_RULES:
        return Refused(reason, HOUSE_RULES[reason], legal_ground=HOUSE_RULE)
    return Refused(reason, LAW_RULES[reason], legal_ground=SIGNATURE_LAW)
