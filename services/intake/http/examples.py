"""Examples of the API document. Plain data; every one decodes with the type it illustrates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.outcomes import ActionName
from services.intake.domain.refusals import HOUSE_RULE
from services.intake.domain.signature_rules import HOUSE_RULES, LAW_RULES, SIGNATURE_LAW
from services.intake.http.problems import SIGNATURE_STATUS, Problem, problem

_DOSSIER: Final = "3b0c7f1f4a6d4b5c8e9f00112233aabb"
_COMMAND: Final = "a1d2c3b4e5f60718293a4b5c6d7e8f90"
_LINKS: Final = {"dossier": f"https://motcua.example.vn/v1/dossiers/{_DOSSIER}"}

REGISTER: Final = {
    "procedure": "2.000635",
    "agency": "H52.18",
    "channel": "counter",
    "applicant": "identity document number or account of the applicant",
}
ACT: Final[Mapping[str, Mapping[str, Any]]] = {
    "accept": {"agency": "H52.18", "place": "centre"},
    "refuse": {"reason": "not_competent"},
    "appraise": {},
    "approve": {"place": "office"},
    "decline": {"reason": "conditions_not_met"},
    "stamp": {"seal": "H52.18-01"},
    "return": {},
    "request_supplement": {"reason": "papers_missing"},
    "receive_supplement": {},
    "request_payment": {"amount_vnd": 120_000},
    "receive_payment": {},
    "suspend": {"reason": "waits_for_court"},
    "resume": {},
    "stop": {"reason": "applicant_deceased"},
    "withdraw": {},
    "hand_over": {"to_agency": "H52.19", "to_officer": "cb-023"},
    "apologise": {"reason": "site_inspection_late", "until": "2026-03-12T10:00:00Z"},
    "extend": {"reason": "complex_case", "value": 5},
    "correct": {"reason": "wrong_name_on_result"},
    "revoke_stamp": {"reason": "seal_misplaced"},
    "rate": {"score": 5},
}
"""The body of each action."""
TAKEN: Final = {"dossier_id": _DOSSIER, "command_id": _COMMAND, "links": _LINKS}
REGISTERED: Final[Mapping[str, Any]] = {
    "dossier_id": _DOSSIER,
    "command_id": _COMMAND,
    "seq": 1,
    "status": 1,
    "next_step": "receive",
    "overdue": False,
    "allowed_actions": ["accept", "refuse", "withdraw"],
    "links": _LINKS,
}
DECIDED: Final[Mapping[str, Any]] = {
    **REGISTERED,
    "seq": 2,
    "status": 2,
    "next_step": "appraise",
    "dossier_code": "H52.18-260305-0007",
    "due": "2026-03-10T10:00:00Z",
    "allowed_actions": ["appraise", "request_supplement", "withdraw"],
}
BULK: Final = (
    '{"key":"n18-1","action":"register","procedure":"2.000635","agency":"H52.18","channel":"online"}\n'
    '{"key":"n18-2","action":"accept","dossier_key":"n18-1","agency":"H52.18"}\n'
)
BULK_ANSWER: Final = (
    f'{{"line":1,"status":202,"dossier_id":"{_DOSSIER}","command_id":"{_COMMAND}"}}\n'
    '{"line":2,"status":422,"problem":{"type":"urn:motcua:problem:bad_shape",'
    '"title":"Unprocessable Entity","status":422,"reason":"bad_shape","field":"agency"}}\n'
)
_AGENCY: Final[Mapping[str, Any]] = {
    "type": "AgencyPublished",
    "code": "H52.18",
    "name_vi": "Sở Tư pháp",
    "valid_from": "2025-07-01",
}
_PROCEDURE: Final[Mapping[str, Any]] = {
    "type": "ProcedurePublished",
    "code": "2.000635",
    "version": 1,
    "name_vi": "Cấp bản sao trích lục hộ tịch",
    "field_vi": "Hộ tịch",
    "level": "commune",
    "term_value": 0,
    "term_unit": "working_day",
    "channels": ["counter", "online", "postal"],
    "late_cutoff": "15:00:00",
}
_SEAL: Final[Mapping[str, Any]] = {
    "type": "SealRegistered",
    "code": "H52.18-01",
    "agency": "H52.18",
    "kind": "agency",
    "keeper": "5f0c9a1be2d34c7788990011aabbccdd",
    "valid_from": "2025-07-01",
}
_CERTIFICATE: Final[Mapping[str, Any]] = {
    "type": "CertificateRegistered",
    "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "kind": "organisation",
    "agency": "H52.18",
    "valid_from": "2025-07-01T00:00:00Z",
    "valid_to": "2028-07-01T00:00:00Z",
    "issuer": "Cơ quan chứng thực số chuyên dùng Chính phủ",
}
LAW: Final = {"changes": [_AGENCY, _PROCEDURE, _SEAL, _CERTIFICATE]}
LAW_ANSWER: Final = {"version": 3, "enacted": 4, "unchanged": 0}
TIME: Final = {"to": "2026-03-05T10:00:00Z"}
TIME_ANSWER: Final = {"to": "2026-03-05T10:00:00Z", "partitions": 8}
PROCEDURES: Final = {"law_version": 3, "procedures": [{**_PROCEDURE, "fee_vnd": 8000}]}
AGENCIES: Final = {"law_version": 3, "agencies": [_AGENCY]}
SIGNATURE: Final[Mapping[str, Any]] = {
    "evidence": "eyJmb3JtIjoicGFkZXMi4oCmfQ.c2VhbGVkLWJ5LXRoaXMtZG9vcg",
    "form": "pades",
    "document": "9f" * 32,
    "covers": "4b" * 32,
    "certificate": "c3" * 32,
    "issuer": "CN=Cơ quan chứng thực số chuyên dùng công vụ,O=Ban Cơ yếu Chính phủ,C=VN",
    "signed_at": "2026-03-05T08:15:00Z",
    "stamped_at": "2026-03-05T08:15:02Z",
    "not_before": "2024-01-15T00:00:00Z",
    "not_after": "2029-01-15T00:00:00Z",
    "revocation": "ocsp",
    "revocation_at": "2026-03-05T08:10:00Z",
}
_COVERED: Final[Mapping[str, Any]] = {
    "procedures": 283,
    "posted": 283,
    "posted_of_procedures": 1.0,
    "at_centre": 278,
    "on_site": 278,
    "on_site_of_procedures": 0.9823,
    "on_site_of_at_centre": 1.0,
    "online": {
        "none": 191,
        "unknown": 12,
        "partial": 60,
        "full": 20,
        "any": 80,
        "any_of_procedures": 0.2827,
        "any_to_none": 0.4188,
    },
}
COVERAGE: Final = {
    "law_version": 3,
    "day": "2026-03-05",
    "total": _COVERED,
    "levels": {"commune": _COVERED},
}


def _certificates(registered: int, expired: int, revoked: int, expiring: int) -> dict[str, Any]:
    return {
        "registered": registered,
        "valid": registered - expired - revoked,
        "not_yet_valid": 0,
        "expired": expired,
        "revoked": revoked,
        "expiring": {"30": expiring, "60": 2 * expiring, "90": 3 * expiring},
    }


CERTIFICATES: Final = {
    "law_version": 3,
    "at": "2026-03-05T03:00:00Z",
    "total": _certificates(4_075, 110, 25, 40),
    "kinds": {
        "organisation": _certificates(2_403, 70, 15, 28),
        "person": _certificates(1_672, 40, 10, 12),
    },
    "certificates": [
        {
            "fingerprint": _CERTIFICATE["fingerprint"],
            "kind": "organisation",
            "agency": "H52.18",
            "state": "valid",
            "valid_to": "2026-03-20T00:00:00Z",
            "holder": None,
        }
    ],
}
SEALS: Final = {
    "law_version": 3,
    "day": "2026-03-05",
    "seals": [
        {
            "code": "H52.18-01",
            "agency": "H52.18",
            "kind": "agency",
            "electronic": False,
            "valid": True,
            "valid_from": "2025-07-01",
            "valid_to": None,
            "kept": True,
            "keeper": None,
        }
    ],
}
READY: Final[Mapping[str, Any]] = {"ready": True, "why": None, "in_flight_records": 0, "law_version": 3}
ABOUT: Final = {
    "service": "intake",
    "version": "0.1.0",
    "clock": "system",
    "law_version": 3,
    "links": {"analytics": "https://motcua.example.vn"},
}


def _problem(reason: str, status: int | None = None, **members: Any) -> Problem:
    base = problem(reason, status=status)
    return Problem(
        type=base.type, title=base.title, status=base.status, reason=reason, **{"detail": "…", **members}
    )


PROBLEMS: Final[Mapping[str, Problem]] = {
    value.reason: value
    for value in (
        _problem("idempotency_key_missing", field="Idempotency-Key", legal_ground=HOUSE_RULE),
        _problem("unauthorized"),
        _problem("role_not_allowed", rule="Vai trò officer không được thực hiện thao tác stamp"),
        _problem(
            "not_acked",
            503,
            detail="Chưa rõ yêu cầu đã được ghi nhận hay chưa; hãy gửi lại với cùng Idempotency-Key.",
        ),
        _problem("broker_slow", 503),
        _problem(
            "not_ready",
            503,
            detail="Dịch vụ đang khởi động hoặc dừng; hãy hỏi lại sau ít giây (lệnh: giữ Idempotency-Key).",
        ),
        _problem(
            "unknown_procedure",
            field="procedure",
            rule="Thủ tục 9.999999 chưa được công bố trong danh mục tiếp nhận",
            legal_ground="Nghị định 118/2025/NĐ-CP",
        ),
        _problem("body_too_large"),
        _problem("unsupported_media_type", field="Content-Type"),
        _problem("unknown_dossier", rule="Không có hồ sơ này", dossier_id=_DOSSIER),
        _problem(
            "step_out_of_order",
            rule="Năm bước phải theo thứ tự: tiếp nhận, thẩm định, phê duyệt, đóng dấu, trả kết quả",
            legal_ground="Nghị định 118/2025/NĐ-CP",
            allowed_actions=(ActionName.APPRAISE, ActionName.WITHDRAW),
        ),
        _problem("other_agency", field="agency"),
        _problem("channel_not_allowed", field="channel"),
        _problem("idempotency_key_reused", field="Idempotency-Key"),
        _problem("bad_shape", field="changes[0].code"),
        _problem("version_not_newer", field="changes[0].version"),
        _problem("seal_taken", field="changes[0].code"),
        _problem("wrong_clock"),
        _problem("verifier_busy", 503),
        _problem("no_trust_configured", rule=HOUSE_RULES["no_trust_configured"], legal_ground=HOUSE_RULE),
        *(
            _problem(reason, SIGNATURE_STATUS[reason], rule=rule, legal_ground=SIGNATURE_LAW)
            for reason, rule in sorted(LAW_RULES.items())
        ),
    )
}
