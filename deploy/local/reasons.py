"""The reasons a service gives for not being ready, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def in_words(said: Mapping[str, object]) -> str:
    """The reasons in an answer of /readyz; what is no reason (counts, versions) is left out."""
    return "; ".join(_reasons(said))


def _reasons(said: Mapping[str, object]) -> Iterator[str]:
    for name, value in said.items():
        match name, value:
            case "assigned", []:
                yield "no partition is assigned to it yet"
            case "assigned", _:
                pass
            case "recovering", [*numbers]:
                if numbers:
                    yield f"still reading the states of partition {', '.join(map(str, numbers))}"
            case _, [*lines]:
                yield from (line for line in lines if isinstance(line, str))
            case "why", str():
                yield str(value)
            case _, str():
                yield f"{name}: {value}"
