"""Whatever comes in as a signed file: evidence or a refusal from the closed list, nothing else."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import Evidence
from services.intake.adapters.signatures.trust import read_trust
from services.intake.adapters.signatures.verifier import Verifier
from services.intake.domain.refusals import Refused
from services.intake.domain.signature_rules import REASONS
from tests.fakes.authority import NOW, Authority, pdf

DOCUMENT = b"a result"
DIGEST = hashlib.sha256(DOCUMENT).hexdigest()


@functools.cache
def made() -> tuple[Verifier, bytes, bytes]:
    """A verifier, a file signed twice, and a signature that stands apart."""
    ca = Authority()
    with tempfile.TemporaryDirectory() as folder:
        verifier = Verifier(read_trust(ca.write_trust(Path(folder))))
    seal, leader = ca.organisation("UBND xã Mẫu"), ca.person("UBND xã Mẫu")
    return verifier, ca.seal(ca.approve(pdf(), leader), seal), ca.detached(DOCUMENT, seal)


def judged(data: bytes, *, apart: bool) -> Evidence | None:
    """Evidence, or None for a refusal; anything else is the test's failure."""
    verifier = made()[0]
    try:
        return verifier.verify_detached(data, DIGEST, NOW) if apart else verifier.verify_pdf(data, NOW)
    except Refused as refused:
        if refused.reason not in REASONS:
            raise
        return None


@given(st.binary(max_size=2_000), st.booleans(), st.booleans())
def test_random_bytes(data: bytes, apart: bool, headed: bool) -> None:
    assert judged((b"%PDF-1.7\n" if headed else b"") + data, apart=apart) is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_cut_off_anywhere(data: st.DataObject) -> None:
    _, sealed, apart = made()
    of = data.draw(st.sampled_from([sealed, apart]))
    cut = of[: data.draw(st.integers(0, len(of) - 1))]
    found = judged(cut, apart=of is apart)
    # The file as the approver had it is a cut as well, and a good one.
    assert found is None or found.document == found.covers or sealed.startswith(cut)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_changed_bytes_never_pass_for_the_same_document(data: st.DataObject) -> None:
    _, sealed, apart = made()
    of = data.draw(st.sampled_from([sealed, apart]))
    changed = bytearray(of)
    for place in data.draw(st.lists(st.integers(0, len(of) - 1), min_size=1, max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    found = judged(bytes(changed), apart=of is apart)
    if found is not None and of is sealed:
        assert found.document == hashlib.sha256(changed).hexdigest()
        assert changed == of or _only_padding(bytes(changed), of)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_pieces_in_another_order(data: st.DataObject) -> None:
    _, sealed, _ = made()
    places = sorted(data.draw(st.lists(st.integers(0, len(sealed)), min_size=2, max_size=4)))
    pieces = [sealed[a:b] for a, b in zip([0, *places], [*places, len(sealed)], strict=True)]
    shuffled = b"".join(data.draw(st.permutations(pieces)))
    if shuffled != sealed:
        assert judged(shuffled, apart=False) is None or sealed.startswith(shuffled)


def _only_padding(changed: bytes, original: bytes) -> bool:
    """Whether the differing bytes are all inside signatures' own bytes, which no signature covers."""
    differing = [place for place, (a, b) in enumerate(zip(changed, original, strict=True)) if a != b]
    return all(
        original.rfind(b"/Contents <", 0, place + 11) > original.rfind(b">", 0, place) for place in differing
    )
