"""Explanations in words: one sentence a step, in Vietnamese or English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from legalclock.explain import Explanation
from legalclock.sentences_en import english
from legalclock.sentences_vi import vietnamese
from legalclock.steps import Step

LANGUAGES: Final[Mapping[str, Callable[[Step], str]]] = {"vi": vietnamese, "en": english}


def sentences(explanation: Explanation, language: str = "vi") -> tuple[str, ...]:
    """The sentences in the order of the steps. Raises ValueError for an unknown language."""
    say = LANGUAGES.get(language)
    if say is None:
        raise ValueError(f"expected a language ({', '.join(LANGUAGES)}), got {language!r}")
    return tuple(map(say, explanation.steps))
