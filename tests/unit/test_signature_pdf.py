"""How signed PDFs are built: revisions, their ends, what may be appended, and ways to hide something."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfTimeStamper

from services.intake.adapters.signatures.trust import read_trust
from services.intake.adapters.signatures.verifier import Verifier
from services.intake.domain.refusals import Refused
from tests.fakes.authority import NOW, Authority, later, pdf
from tests.fakes.certificates import Identity

Signed = tuple[Authority, Identity, Verifier]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    ca = Authority()
    folder: Path = ca.write_trust(tmp_path_factory.mktemp("trust"))
    return ca, ca.organisation("UBND xã Mẫu"), Verifier(read_trust(folder))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def refusal(verifier: Verifier, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        verifier.verify_pdf(data, NOW)
    return refused.value.reason


def appended(document: bytes, change: Any) -> bytes:
    """The document with one more revision, made by `change(writer)`."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def as_word_does() -> bytes:
    """A file whose object 5 is only found by the second table (7), which the first points to."""
    out = b"%PDF-1.5\n"
    places: dict[int, int] = {}
    for number, content in {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
        4: b"<</Length 3>>\nstream\n% x\nendstream",
        6: b"<</Type/ObjStm/N 1/First 4/Length 16>>\nstream\n5 0 <</Hidden 1>>\nendstream",
    }.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    second = len(out)
    rows = [(2, 6, 0), (1, places[6], 0), (1, second, 0)]
    table = b"".join(bytes([kind]) + where.to_bytes(3, "big") + bytes([n]) for kind, where, n in rows)
    out += b"7 0 obj\n<</Type/XRef/Size 8/Index[5 3]/W[1 3 1]/Root 1 0 R/Length 15>>\nstream\n"
    out += table + b"\nendstream\nendobj\n"
    first = len(out)
    out += b"xref\n0 8\n0000000005 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % places[number] for number in (1, 2, 3, 4))
    out += b"0000000006 65535 f \n0000000007 65535 f \n0000000000 65535 f \n"
    return out + b"trailer\n<</Size 8/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF" % (second, first)


def by_hand(document: bytes, number: int, content: bytes, trailer: bytes = b"") -> bytes:
    """The document with a revision written by hand: one object, and whatever the trailer is to say."""
    [*_, previous] = re.findall(rb"startxref\s+(\d+)", document)
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", document)) + 1
    [root] = set(re.findall(rb"/Root (\d+ 0 R)", document))
    at = len(document)
    body = document + b"%d 0 obj\n%b\nendobj\n" % (number, content)
    return (
        body
        + b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
        + b"trailer\n<</Size %d/Root %b/Prev %b%b>>\n" % (size, root, previous, trailer)
        + b"startxref\n%d\n%%%%EOF\n" % len(body)
    )


def test_each_signature_covers_all_before_it(signed: Signed) -> None:
    ca, _, verifier = signed
    files = [pdf()]
    for who in ("một", "hai", "ba"):
        files.append(ca.sign(files[-1], ca.person(who)))
    for before, after in pairwise(files):
        assert verifier.verify_pdf(after, NOW).covers == sha256(before)


def test_a_file_that_ends_without_an_end_of_line(signed: Signed) -> None:
    ca, seal, verifier = signed
    bare = pdf().rstrip(b"\n")
    once = ca.sign(bare, seal)
    assert once[len(bare)] not in b"\r\n"
    assert verifier.verify_pdf(once, NOW).covers == sha256(bare)


def test_a_file_with_two_tables_of_contents_as_word_writes_it(signed: Signed) -> None:
    ca, seal, verifier = signed
    document = as_word_does()
    approved = ca.approve(document, ca.person("một"))
    assert verifier.verify_pdf(approved, NOW).covers == sha256(document)
    assert verifier.verify_pdf(ca.seal(approved, seal), NOW).covers == sha256(approved)


def test_stamps_upon_the_document_may_follow(signed: Signed) -> None:
    ca, seal, verifier = signed
    sealed = ca.seal(pdf(), seal, embed="dss")
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    stamper = PdfTimeStamper(ca.time_stamper(NOW))
    stamped = stamper.timestamp_pdf(writer, "sha256").getvalue()
    evidence = verifier.verify_pdf(stamped, NOW)
    assert (evidence.document, evidence.covers) == (sha256(stamped), verifier.verify_pdf(sealed, NOW).covers)


def test_filling_a_form_after_the_last_signature_is_a_change(signed: Signed) -> None:
    ca, seal, verifier = signed

    def note(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/Note"] = generic.TextStringObject("added")
        writer.update_root()

    assert refusal(verifier, appended(ca.seal(pdf(), seal), note)) == "document_changed"


def test_a_seal_on_a_changed_approval_is_no_seal_on_the_approval(signed: Signed) -> None:
    ca, seal, verifier = signed
    approved = ca.approve(pdf(), ca.person("một"))
    assert refusal(verifier, ca.seal(later(approved), seal)) == "earlier_signature_broken"
    changed = bytearray(approved)
    changed[changed.index(b"Signature1")] ^= 1
    assert refusal(verifier, ca.seal(bytes(changed), seal)) in ("earlier_signature_broken", "pdf_malformed")


def test_two_tables_of_contents_after_a_signature_hide_nothing(signed: Signed) -> None:
    ca, seal, verifier = signed
    sealed = ca.seal(pdf(), seal)
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", sealed))
    row = bytes([1]) + (9).to_bytes(3, "big") + bytes([0])
    [root] = set(re.findall(rb"/Root (\d+ 0 R)", sealed))
    second = b"<</Type/XRef/Size %d/Index[%d 1]/W[1 3 1]/Root %b/Length 5>>\nstream\n%b\nendstream"
    hybrid = by_hand(sealed, size, second % (size + 1, size, root, row), b"/XRefStm %d" % len(sealed))
    assert refusal(verifier, hybrid) == "signature_malformed"


def test_a_time_written_without_its_zone_is_local(signed: Signed) -> None:
    ca, seal, verifier = signed
    sealed = ca.seal(pdf(), seal, embed="dss", stamped=False, zone=False)
    assert verifier.verify_pdf(sealed, NOW).signed_at == NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("another root", b"<</Type/Catalog/Pages 9 0 R>>"),
        ("a page that is its own parent", b"<</Type/Pages/Kids[1 0 R 2 0 R 3 0 R]/Count 1/Parent 2 0 R>>"),
    ],
)
def test_objects_written_over_after_the_signature(signed: Signed, what: str, content: bytes) -> None:
    ca, seal, verifier = signed
    for number in (1, 2, 3):
        reason = refusal(verifier, by_hand(ca.seal(pdf(), seal), number, content))
        assert reason in ("document_changed", "no_signature", "pdf_malformed"), what


@pytest.mark.parametrize("place", ["first", "second", "third", "fourth"])
def test_a_byte_range_that_leaves_a_gap(signed: Signed, place: str) -> None:
    ca, seal, verifier = signed
    sealed = ca.seal(pdf(), seal)
    found = re.search(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", sealed)
    assert found is not None
    group = ["first", "second", "third", "fourth"].index(place) + 1
    value = b"%d" % (int(found[group]) + 1 if group == 1 else int(found[group]) - 1)
    value = value.rjust(found.end(group) - found.start(group), b"0")
    moved = sealed[: found.start(group)] + value + sealed[found.end(group) :]
    assert refusal(verifier, moved) in ("signature_malformed", "document_changed")


@pytest.mark.parametrize("previous", [0, 9, "own"])
def test_tables_that_lead_in_a_circle(signed: Signed, previous: int | str) -> None:
    _, _, verifier = signed
    document = pdf()
    [table] = re.findall(rb"startxref\s+(\d+)", document)
    prev = table if isinstance(previous, str) else b"%d" % previous
    circle = document.replace(b"trailer\n<<", b"trailer\n<</Prev %b " % prev)
    assert refusal(verifier, circle) in ("pdf_malformed", "no_signature")


def test_a_store_with_too_many_proofs(signed: Signed) -> None:
    ca, seal, verifier = signed

    def many(writer: IncrementalPdfFileWriter) -> None:
        lists = [ca.crls(NOW - timedelta(minutes=n))[0] for n in range(70)]
        streams = [writer.add_object(generic.StreamObject(stream_data=one)) for one in lists]
        writer.root["/DSS"] = writer.add_object(
            generic.DictionaryObject({generic.pdf_name("/CRLs"): generic.ArrayObject(streams)})
        )
        writer.update_root()

    assert refusal(verifier, appended(ca.seal(pdf(), seal), many)) == "signature_malformed"


def test_a_stream_that_swells(signed: Signed) -> None:
    """A list in the store that is 200 MB of zeros when read."""
    ca, seal, verifier = signed

    def bomb(writer: IncrementalPdfFileWriter) -> None:
        stream = generic.StreamObject(stream_data=bytes(200_000_000))
        stream.compress()
        streams = generic.ArrayObject([writer.add_object(stream)])
        store = generic.DictionaryObject({generic.pdf_name("/CRLs"): streams})
        writer.root["/DSS"] = writer.add_object(store)
        writer.update_root()

    assert refusal(verifier, appended(ca.seal(pdf(), seal), bomb)) == "too_hard_to_read"
