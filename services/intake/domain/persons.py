"""Persons as callers name them, in a header, in a body or on a command line, and their pseudonyms.

One person named on whichever way is one person: what is a name is judged here for all of them.
"""

from __future__ import annotations

import unicodedata

from contracts import identity
from services.intake.domain.decoding import check_text
from services.intake.domain.refusals import bad_shape
from services.intake.domain.requests import PERSON_LENGTH


def name_of(text: str, field: str) -> str:
    """`text` as the one spelling of a name: accents composed or not, wide letters, capitals, marks nobody
    sees and stray spaces are no matter, or one person could be two, and sign and seal alone.

    Raises Refused (bad_shape) naming `field` for what is empty, too long, holds control characters or is no
    text.
    """
    if len(text) > PERSON_LENGTH:
        raise bad_shape(field, f"Cần nhiều nhất {PERSON_LENGTH} ký tự")
    check_text(text, field)
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    plain = " ".join(unicodedata.normalize("NFKC", seen).casefold().split())
    if not plain:
        raise bad_shape(field, "Chuỗi không có ký tự nào nhìn thấy được")
    if any("\ud800" <= letter <= "\udfff" for letter in plain):
        raise bad_shape(field, "Không phải văn bản mã UTF-8")
    return plain


def person(province_key: bytes, kind: str, text: str, field: str) -> str:
    """The pseudonym of a person; `kind` is "officer" or "applicant". Raises Refused as :func:`name_of`."""
    return identity.pseudonym(province_key, kind, name_of(text, field))
