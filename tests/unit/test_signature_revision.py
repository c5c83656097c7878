"""The revision of the last signature adds a signature and changes nothing that was approved before it."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.metadata.model import DocumentMetadata
from pyhanko.pdf_utils.metadata.xmp_xml import MetadataStream, update_xmp_with_meta
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfTimeStamper

from services.intake.adapters.signatures.trust import read_trust
from services.intake.adapters.signatures.verifier import Verifier
from services.intake.domain.refusals import Refused
from tests.fakes.authority import NOW, Authority, Change, pdf
from tests.fakes.certificates import Identity

BOX: Final = (40, 40, 200, 120)
SHOWN: Final = b"% DONG Y\n"


class House:
    """Who approves, who seals, and the verifier that trusts both."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority()
        self.keeper: Identity = self.ca.organisation("UBND xã Mẫu")
        self.leader: Identity = self.ca.person("UBND xã Mẫu")
        self.verifier = Verifier(read_trust(self.ca.write_trust(folder)))

    def approved(self, document: bytes, *, signed: bool) -> bytes:
        """The approved file: with its approval inside, or as it is when the approval stands apart."""
        return self.ca.approve(document, self.leader) if signed else document

    def covers(self, sealed: bytes) -> str:
        return self.verifier.verify_pdf(sealed, NOW).covers

    def refusal(self, sealed: bytes) -> str:
        with pytest.raises(Refused) as refused:
            self.verifier.verify_pdf(sealed, NOW)
        return refused.value.reason


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("trust"))


either = pytest.mark.parametrize("signed", [False, True], ids=["approved apart", "approved inside"])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])


def text(value: str) -> generic.TextStringObject:
    return generic.TextStringObject(value)


def note(x: int, *, kind: str = "/FreeText", said: str = "TỪ CHỐI") -> generic.DictionaryObject:
    return dictionary(
        Type=pdf_name("/Annot"), Subtype=pdf_name(kind), Rect=numbers(x, 10, 200, 40), Contents=text(said)
    )


def form() -> bytes:
    """A file with what a change may hit: text field, font, notes, title, list of attachments."""
    writer = PdfFileWriter(stream_xrefs=False)
    content = generic.StreamObject(stream_data=b"% TU CHOI\n")
    page = PageObject(contents=writer.add_object(content), media_box=(0, 0, 595, 842))
    field = note(10, kind="/Widget")
    field.update(dictionary(FT=pdf_name("/Tx"), T=text("ket_qua"), V=text("TỪ CHỐI")))
    reference = writer.add_object(field)
    annotations = [reference, *(writer.add_object(note(x)) for x in (20, 30))]
    page[pdf_name("/Annots")] = generic.ArrayObject(annotations)
    writer.insert_page(page)
    fonts = dictionary(Font=dictionary(F1=writer.add_object(dictionary(Type=pdf_name("/Font")))))
    writer.root[pdf_name("/AcroForm")] = writer.add_object(
        dictionary(Fields=generic.ArrayObject([reference]), DR=fonts, DA=text("/F1 12 Tf"))
    )
    writer.root[pdf_name("/Names")] = writer.add_object(dictionary(EmbeddedFiles=dictionary()))
    writer.set_info(dictionary(Title=text("Quyết định"), Author=text("UBND xã Mẫu")))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def title(writer: IncrementalPdfFileWriter, said: str) -> None:
    """The document's title, in XML."""
    meta = DocumentMetadata(title=said, author="UBND xã Mẫu", keywords=["một"])
    writer.root[pdf_name("/Metadata")] = writer.add_object(
        MetadataStream.from_xmp(update_xmp_with_meta(meta))
    )
    writer.update_root()


def first_page(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/Pages"]["/Kids"][0]


def contents(document: bytes) -> bytes:
    """What the first page shows."""
    data: bytes = PdfFileReader(io.BytesIO(document)).root["/Pages"]["/Kids"][0]["/Contents"].data
    return data


def appended(document: bytes, change: Change) -> bytes:
    """The document with one more revision, which no signature is in."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- changes in the revision of the signature


def swap_contents(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=SHOWN))
    writer.update_container(page)


def overwrite_contents(writer: IncrementalPdfFileWriter) -> None:
    stream = first_page(writer)["/Contents"]
    stream._data, stream._encoded_data = SHOWN, None
    writer.mark_update(first_page(writer).raw_get("/Contents"))


def fill_in(writer: IncrementalPdfFileWriter) -> None:
    [field] = [
        one.get_object() for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/FT"] == "/Tx"
    ]
    field[pdf_name("/V")] = text("ĐỒNG Ý")
    writer.update_container(field)


def annotate(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    added = writer.add_object(note(10, said="ĐỒNG Ý"))
    page[pdf_name("/Annots")] = generic.ArrayObject([*page.get("/Annots", ()), added])
    writer.update_container(page)


def reword_annotation(writer: IncrementalPdfFileWriter) -> None:
    annotation = first_page(writer)["/Annots"][1]
    annotation[pdf_name("/Contents")] = text("ĐỒNG Ý")
    writer.update_container(annotation)


def turn_annotations(writer: IncrementalPdfFileWriter) -> None:
    """What lay below now lies on top."""
    page = first_page(writer)
    field, below, above, *more = [page["/Annots"].raw_get(n) for n in range(len(page["/Annots"]))]
    page[pdf_name("/Annots")] = generic.ArrayObject([field, above, below, *more])
    writer.update_container(page)


def add_page(writer: IncrementalPdfFileWriter) -> None:
    content = writer.add_object(generic.StreamObject(stream_data=SHOWN))
    writer.insert_page(PageObject(contents=content, media_box=(0, 0, 595, 842)))


def rename(writer: IncrementalPdfFileWriter) -> None:
    writer.set_info(dictionary(Title=text("Đồng ý"), Author=text("UBND xã Mẫu")))


def entitle(writer: IncrementalPdfFileWriter) -> None:
    title(writer, "Đồng ý")


def reopen(writer: IncrementalPdfFileWriter) -> None:
    writer.root[pdf_name("/OpenAction")] = dictionary(S=pdf_name("/JavaScript"), JS=text("this.pageNum=1"))
    writer.update_root()


def attach(writer: IncrementalPdfFileWriter) -> None:
    names = writer.root.setdefault(pdf_name("/Names"), dictionary()).get_object()
    names[pdf_name("/EmbeddedFiles")] = dictionary(Names=generic.ArrayObject([text("a"), dictionary()]))
    writer.update_container(names)


def add_text_field(writer: IncrementalPdfFileWriter) -> None:
    field = note(10, kind="/Widget")
    field.update(dictionary(FT=pdf_name("/Tx"), T=text("khac"), V=text("ĐỒNG Ý")))
    reference = writer.add_object(field)
    shape = writer.root.setdefault(
        pdf_name("/AcroForm"), dictionary(Fields=generic.ArrayObject())
    ).get_object()
    shape["/Fields"].append(reference)
    writer.update_container(shape)


def add_empty_signature_field(writer: IncrementalPdfFileWriter) -> None:
    append_signature_field(writer, SigFieldSpec("khac", box=(0, 0, 595, 842)))


def swap_fonts(writer: IncrementalPdfFileWriter) -> None:
    shape = writer.root["/AcroForm"]
    shape["/DR"]["/Font"][pdf_name("/F1")] = writer.add_object(dictionary(Type=pdf_name("/Font")))
    writer.update_container(shape)


FIRST: Final[tuple[Change, ...]] = (swap_contents, entitle, add_text_field, add_empty_signature_field)
"""What differs where there was no form, no title in XML, no note yet."""

ANYTHING: Final[tuple[Change, ...]] = (
    *(*FIRST, overwrite_contents, annotate, reword_annotation, turn_annotations, add_page),
    *(rename, reopen, attach, fill_in, swap_fonts),
)


@either
@pytest.mark.parametrize(
    ("make", "change"),
    [*((pdf, change) for change in FIRST), *((form, change) for change in ANYTHING)],
    ids=lambda one: one.__name__,
)
def test_what_was_approved_may_not_change_under_the_seal(
    house: House, make: Callable[[], bytes], change: Change, signed: bool
) -> None:
    approved = house.approved(make(), signed=signed)
    sealed = house.ca.seal(approved, house.keeper, change=change)
    allowed = ("document_changed", "earlier_signature_broken") if signed else ("document_changed",)
    assert house.refusal(sealed) in allowed


@pytest.mark.parametrize("change", [fill_in, rename], ids=lambda one: one.__name__)
def test_what_an_earlier_signature_allows_is_still_no_part_of_a_seal(house: House, change: Change) -> None:
    approved = house.approved(form(), signed=True)
    assert house.refusal(house.ca.seal(approved, house.keeper, change=change)) == "document_changed"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"TU": text("con dấu")}, None),
        ({"AA": dictionary(E=dictionary(S=pdf_name("/JavaScript"), JS=text("1")))}, "document_changed"),
        ({"Subtype": pdf_name("/FreeText"), "Contents": text("ĐỒNG Ý")}, "document_changed"),
    ],
)
def test_the_field_of_a_seal_is_that_alone(house: House, entry: dict[str, Any], reason: str | None) -> None:
    def shape(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(writer, SigFieldSpec("Signature1", box=BOX))
        writer.root["/AcroForm"]["/Fields"][0].update(dictionary(**entry))

    sealed = house.ca.seal(pdf(), house.keeper, change=shape)
    assert reason is None or house.refusal(sealed) == reason
    assert reason is not None or house.covers(sealed)


def test_permissions_that_are_none_of_the_seals(house: House) -> None:
    def permit(writer: IncrementalPdfFileWriter) -> None:
        writer.root[pdf_name("/Perms")] = dictionary(UR3=dictionary())
        writer.update_root()

    assert house.refusal(house.ca.seal(pdf(), house.keeper, change=permit)) == "document_changed"


def test_a_form_that_is_drawn_otherwise(house: House) -> None:
    """While it is approved the reader draws the fields, under the seal the file does: that may differ."""

    def draw(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/AcroForm"][pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
        writer.update_container(writer.root["/AcroForm"])

    drawn = appended(form(), draw)
    sealed = house.ca.seal(drawn, house.keeper)
    assert "/NeedAppearances" not in PdfFileReader(io.BytesIO(sealed)).root["/AcroForm"]
    assert house.refusal(sealed) == "document_changed"


def test_a_title_in_xml_that_changes(house: House) -> None:
    approved = appended(pdf(), lambda writer: title(writer, "Từ chối"))
    assert house.covers(house.ca.seal(approved, house.keeper)) == sha256(approved)
    sealed = house.ca.seal(approved, house.keeper, change=lambda writer: title(writer, "Đồng ý"))
    assert house.refusal(sealed) == "document_changed"


def test_a_page_that_waits_for_what_the_seal_brings(house: House) -> None:
    """The approved page points to contents that are not there; the seal's revision has them."""
    approved = pdf().replace(b"/Contents 3 0 R", b"/Contents 7 0 R")

    def bring(writer: IncrementalPdfFileWriter) -> None:
        assert writer.add_object(generic.StreamObject(stream_data=SHOWN)).idnum == 7

    sealed = house.ca.seal(approved, house.keeper, change=bring)
    assert contents(sealed) == SHOWN
    assert house.refusal(sealed) == "pdf_malformed"


def test_a_page_whose_contents_lie_behind_the_end(house: House) -> None:
    """The table of the approved file names a place beyond it, where the seal's revision has contents."""
    hidden = b"3 0 obj\n<</Length 9>>\nstream\n" + SHOWN + b"\nendstream\nendobj\n"

    def bring(writer: IncrementalPdfFileWriter) -> None:
        writer.add_object(generic.StreamObject(stream_data=hidden))

    whole = pdf()
    place = house.ca.seal(whole, house.keeper, change=bring).index(hidden)
    [row] = re.findall(rb"(\d{10}) 00000 n", b"%010d 00000 n" % whole.index(b"3 0 obj"))
    approved = whole.replace(row, b"%010d" % place)
    sealed = house.ca.seal(approved, house.keeper, change=bring)
    assert contents(sealed) == SHOWN
    assert house.refusal(sealed) == "pdf_malformed"


@either
@pytest.mark.parametrize("make", [pdf, form])
@pytest.mark.parametrize("how", [{}, {"box": BOX, "embed": "dss"}])
def test_a_seal_that_shows(
    house: House, make: Callable[[], bytes], how: dict[str, Any], signed: bool
) -> None:
    approved = house.approved(make(), signed=signed)
    sealed = house.ca.seal(approved, house.keeper, **how)
    assert house.covers(sealed) == sha256(approved)


@either
def test_a_seal_in_the_field_that_was_left_for_it(house: House, signed: bool) -> None:
    name = f"Signature{2 if signed else 1}"
    draft = appended(pdf(), lambda writer: append_signature_field(writer, SigFieldSpec(name, box=BOX)))
    approved = house.approved(draft, signed=signed)
    assert house.covers(house.ca.seal(approved, house.keeper)) == sha256(approved)


def test_a_seal_that_says_what_is_allowed_from_now_on(house: House) -> None:
    approved = form()
    sealed = house.ca.seal(approved, house.keeper, certify=True)
    assert "/Perms" in PdfFileReader(io.BytesIO(sealed)).root
    assert house.covers(sealed) == sha256(approved)


def test_a_seal_after_stamps_upon_the_approval(house: House) -> None:
    approved = house.ca.approve(form(), house.leader, embed="dss", box=BOX)
    stamper = PdfTimeStamper(house.ca.time_stamper(NOW))
    kept = stamper.timestamp_pdf(IncrementalPdfFileWriter(io.BytesIO(approved)), "sha256").getvalue()
    sealed = house.ca.seal(kept, house.keeper, box=(300, 40, 500, 120), embed="dss")
    assert house.covers(sealed) == sha256(kept)


def test_a_number_written_before_the_seal_makes_another_file(house: House) -> None:
    approved = form()
    numbered = appended(approved, annotate)
    assert house.covers(house.ca.seal(numbered, house.keeper)) == sha256(numbered) != sha256(approved)


@pytest.mark.parametrize("change", [rename, add_empty_signature_field], ids=lambda one: one.__name__)
def test_what_follows_the_seal_is_proof_only(house: House, change: Change) -> None:
    assert house.refusal(appended(house.ca.seal(form(), house.keeper), change)) == "document_changed"
