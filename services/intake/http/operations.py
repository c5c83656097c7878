"""What the API document says about each route, as data: one entry per operation.

Every operation shows an example of what to send and of each answer worth telling apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.words import Role
from services.intake.domain import requests
from services.intake.domain.signature_rules import HOUSE_RULES, LAW_RULES
from services.intake.http import answers, examples

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
TEXT: Final = "text/plain"


class Operation(Struct, frozen=True, kw_only=True):
    """What the document says about one route. Examples are plain data, or text for other media types."""

    summary: str
    description: str = ""
    request: type[Struct] | None = None
    request_type: str = JSON
    request_example: Any = None
    request_files: tuple[str, ...] = ()
    """Instead of a shape: the media types of a file."""
    query: tuple[tuple[str, str, str], ...] = ()
    """Name, description and example of each parameter of the address."""
    request_examples: Mapping[str, Any] = {}
    """Instead of one example: several by name."""
    answers: Mapping[int, tuple[type[Struct] | None, Any]] = {}
    answer_type: str = JSON
    problems: tuple[str, ...] = ()
    command: bool = False
    open: bool = False


def action_table() -> str:
    """Actions, their fields and the roles that may do them, as a Markdown table."""
    rows = ["| action | fields | roles |", "| --- | --- | --- |"]
    for action in ActionName:
        needed = requests.REQUIRED.get(action, ())
        fields = [*needed, *(f"{name}?" for name in requests.OPTIONAL.get(action, ()))]
        allowed = [role.value for role in Role if may(role, action)]
        rows.append(f"| {action} | {', '.join(fields) or '(none)'} | {', '.join(allowed)} |")
    return "\n".join(rows)


def signature_table() -> str:
    """Why a signed file is no evidence, as a Markdown table."""
    rows = ["| reason | rule |", "| --- | --- |"]
    rules = {**HOUSE_RULES, **LAW_RULES}
    return "\n".join([*rows, *(f"| `{reason}` | {rule} |" for reason, rule in rules.items())])


ACTIONS: Final = f"""One action of one dossier. Accept gives the legal dossier code.

{action_table()}

A field with ? may be left out: agency, when the key belongs to exactly one; seal, when the agency has only
one; `place` (`centre` or `office`), where the procedure says it; `evidence` (what `POST /v1/signatures`
answered), on paper. `hand_over` needs one of its two. `to_officer` is identity text as in Motcua-Actor (not
encoded) and kept as the same pseudonym. An importer may also send `at`. `register` is `POST /v1/dossiers`.
What the dossier allows next stands in each answer as `allowed_actions`.
"""

_COMMAND_PROBLEMS: Final = ("idempotency_key_missing", "unauthorized", "role_not_allowed", "not_acked")

OPERATIONS: Final[Mapping[str, Operation]] = {
    "register": Operation(
        summary="Register a dossier",
        description="202 once the command stands in the log; with Prefer: wait the workflow's decision.",
        request=requests.RegisterRequest,
        request_example=examples.REGISTER,
        answers={
            201: (answers.DecidedAnswer, examples.REGISTERED),
            202: (answers.TakenAnswer, examples.TAKEN),
        },
        problems=(
            *_COMMAND_PROBLEMS,
            "channel_not_allowed",
            "unknown_procedure",
            "body_too_large",
            "unsupported_media_type",
        ),
        command=True,
    ),
    "act": Operation(
        summary="Do something with a dossier",
        description=ACTIONS,
        request=requests.ActionRequest,
        request_examples=examples.ACT,
        answers={200: (answers.DecidedAnswer, examples.DECIDED), 202: (answers.TakenAnswer, examples.TAKEN)},
        problems=(
            *_COMMAND_PROBLEMS,
            "unknown_dossier",
            "step_out_of_order",
            "idempotency_key_reused",
            "body_too_large",
            "unsupported_media_type",
        ),
        command=True,
    ),
    "bulk": Operation(
        summary="Many commands, one a line",
        description="At most 5 000 lines and 8 MiB. Every line has an answer line, in order. The order of "
        "lines is the order of commands inside a dossier. There is no wait here.",
        request=requests.BulkLine,
        request_type=NDJSON,
        request_example=examples.BULK,
        answers={200: (answers.LineAnswer, examples.BULK_ANSWER)},
        answer_type=NDJSON,
        problems=("unauthorized", "bad_shape", "body_too_large", "unsupported_media_type", "broker_slow"),
    ),
    "law": Operation(
        summary="Change the law: procedures, agencies, calendar, seals, certificates",
        description="Answers when every partition has the law and this door goes by it. What stands "
        "already is dropped, so a request may be repeated.",
        request=requests.LawRequest,
        request_example=examples.LAW,
        answers={200: (answers.LawAnswer, examples.LAW_ANSWER)},
        problems=(
            "unauthorized",
            "role_not_allowed",
            "version_not_newer",
            "seal_taken",
            "bad_shape",
            "not_acked",
        ),
    ),
    "time": Operation(
        summary="Move the log clock",
        description="Only in a stack whose clock is the log: a replay says how late it is.",
        request=requests.TimeRequest,
        request_example=examples.TIME,
        answers={202: (answers.TimeAnswer, examples.TIME_ANSWER)},
        problems=("unauthorized", "role_not_allowed", "wrong_clock", "bad_shape", "not_acked"),
    ),
    "signatures": Operation(
        summary="Have a signed file judged",
        description="A PDF, whose last signature is judged, or a CMS signature that stands apart, with the "
        "hash of its document in the address. At most 20 MiB. Nothing is kept or published: the answer's "
        "`evidence` goes into the `approve` or `stamp` it is for.",
        request_files=("application/pdf", "application/pkcs7-signature"),
        query=(("sha256", "Of the document, when the signature stands apart from it.", "9f" * 32),),
        answers={200: (answers.SignatureAnswer, examples.SIGNATURE)},
        problems=(
            "unauthorized",
            "role_not_allowed",
            "no_trust_configured",
            "body_too_large",
            "unsupported_media_type",
            "bad_shape",
            *sorted(LAW_RULES),
            "verifier_busy",
        ),
    ),
    "procedures": Operation(
        summary="Procedures in force at this door",
        answers={200: (answers.ProceduresAnswer, examples.PROCEDURES)},
        problems=("unauthorized", "not_ready"),
    ),
    "agencies": Operation(
        summary="Agencies known to this door",
        answers={200: (answers.AgenciesAnswer, examples.AGENCIES)},
        problems=("unauthorized", "not_ready"),
    ),
    "coverage": Operation(
        summary="How far the catalogue is covered",
        description="Procedures in force: made public, done on site, offered online; all, and by level. "
        "A share names its denominator and is null where there is nothing to divide by. `unknown` takes "
        "dossiers in online, but how far was never said. A procedure of several levels counts in each.",
        answers={200: (answers.CoverageAnswer, examples.COVERAGE)},
        problems=("unauthorized", "not_ready"),
    ),
    "certificates": Operation(
        summary="The inventory of certificates",
        description="Counts by kind and state, and how many end within 30, 60 and 90 days. `agency` and "
        "`expiring_within` (days) add the list. Leaders, inspectors, seal keepers and admins, each for the "
        "agencies of their key; only an admin is told the pseudonym of a holder.",
        answers={200: (answers.CertificatesAnswer, examples.CERTIFICATES)},
        problems=("unauthorized", "role_not_allowed", "other_agency", "bad_shape", "not_ready"),
    ),
    "seals": Operation(
        summary="The register of seals",
        description="Who may read it: as for certificates. `agency` names one.",
        answers={200: (answers.SealsAnswer, examples.SEALS)},
        problems=("unauthorized", "role_not_allowed", "other_agency", "not_ready"),
    ),
    "healthz": Operation(
        summary="Whether the process is alive",
        answers={200: (answers.HealthAnswer, {"status": "ok"})},
        open=True,
    ),
    "readyz": Operation(
        summary="Whether requests are taken",
        answers={
            200: (answers.ReadyAnswer, examples.READY),
            503: (answers.ReadyAnswer, {**examples.READY, "ready": False, "why": "broker_failing"}),
        },
        open=True,
    ),
    "metrics": Operation(
        summary="Metrics for Prometheus",
        answers={200: (None, "motcua_intake_ready 1.0\n")},
        answer_type=TEXT,
        open=True,
    ),
    "about": Operation(
        summary="What this is", answers={200: (answers.AboutAnswer, examples.ABOUT)}, open=True
    ),
}
