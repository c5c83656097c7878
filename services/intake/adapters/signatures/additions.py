"""What the revision of a signature may add: the signature, its field and look, proofs, and nothing else.

The library's own policy judges what somebody may do to a file after a signature: fill in forms, rename it.
Here the question is a narrower one, asked of files without an earlier signature too: does the reader see what
was approved? So the library's rules for signatures and proofs are taken alone and made stricter:

* other fields of a form, their resources and their being drawn anew stay as they are;
* one signature, in one field of its own or an empty one that was waiting; no field is left over;
* the notes on a page keep their order, for one may hide another;
* programs write when and by what a file was last saved (Info, XMP): that may change, titles and names not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.etree import ElementTree as Xml

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext, FormUpdate, FormUpdatingRule
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    DSSCompareRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule
from pyhanko.sign.diff_analysis.rules_api import QualifiedWhitelistRule, ReferenceUpdate

_CATALOG: Final = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version", "/Perms"})
_SAVED: Final = frozenset({"/ModDate", "/Producer"})
_XAP: Final = "{http://ns.adobe.com/xap/1.0/}"
_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SAVED_XMP: Final = frozenset(
    {
        *(_XAP + "ModifyDate", _XAP + "MetadataDate", _RDF + "about"),
        *("{http://ns.adobe.com/pdf/1.3/}Producer", "{http://ns.adobe.com/xap/1.0/mm/}InstanceID"),
    }
)
_FORM: Final = frozenset({"/Fields", "/SigFlags"})
_FORM_DEFAULTS: Final = frozenset({"/DR", "/DA", "/Q", "/NeedAppearances"})


class Additions(StandardDiffPolicy):
    """What may be added for the signature that is `value` (a reference); without it, for a time stamp."""

    def __init__(self, value: generic.Reference | None = None) -> None:
        lasting = ModificationLevel.LTA_UPDATES
        rules: list[QualifiedWhitelistRule] = [
            _Catalog(value),
            *(rule.as_qualified(lasting) for rule in (_Info(), XrefStreamRule(), ObjectStreamRule())),
            *(rule.as_qualified(lasting) for rule in (DSSCompareRule(), _Metadata())),
        ]
        form = _Form([_NewField(value), SigFieldModificationRule()])
        super().__init__(global_rules=rules, form_rule=form)


class _Catalog(CatalogModificationRule):
    """The document's root: a first signature may say in /Perms what it allows."""

    def __init__(self, value: generic.Reference | None) -> None:
        super().__init__(_CATALOG)  # type: ignore[no-untyped-call]  # the library's has no types
        self._value = value

    def apply_qualified(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, ReferenceUpdate]]:
        yield from super().apply_qualified(old, new)
        before, after = _raw(old.root, "/Perms"), _raw(new.root, "/Perms")
        if before == after:
            return
        if isinstance(after, generic.IndirectObject):
            if not old.is_ref_unassignable(after.reference):
                raise SuspiciousModification("permissions written over something")
            yield ModificationLevel.LTA_UPDATES, ReferenceUpdate(after.reference)
            after = after.get_object()
        allowed = isinstance(after, generic.DictionaryObject) and after.keys() == {"/DocMDP"}
        if before is not None or not allowed or not _points_to(after, "/DocMDP", self._value):
            raise SuspiciousModification("permissions changed")


class _Info(DocInfoRule):
    """The old place for title, author and so on."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        before, after = (_lasting_info(one) for one in (old, new))
        if before != after:
            raise SuspiciousModification("title, author or the like changed")
        yield from super().apply(old, new)


def _lasting_info(revision: HistoricalResolver) -> dict[str, Any]:
    info = _value(revision.trailer_view, "/Info") or generic.DictionaryObject()
    return {key: info.raw_get(key) for key in info if key not in _SAVED}


class _Metadata(MetadataUpdateRule):
    """The new place for the same, in XML."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library's has no types

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        before, after = _raw(old.root, "/Metadata"), _raw(new.root, "/Metadata")
        touched = {(one.idnum, one.generation) for one in new.explicit_refs_in_revision()}
        if before == after and (after is None or (after.idnum, after.generation) not in touched):
            return
        yield from super().apply(old, new)
        if _lasting_metadata(before) != _lasting_metadata(after):
            raise SuspiciousModification("title, author or the like changed")


def _lasting_metadata(reference: Any) -> list[tuple[str, str]]:
    """Each property with what it says, whether it was written as an attribute or as an element."""
    if reference is None:
        return []
    root = Xml.fromstring(reference.get_object().read_data(DecodePurpose.XMP_METADATA))
    found: list[tuple[str, str]] = []
    for described in root.iter(_RDF + "Description"):
        found += described.attrib.items()
        found += [(one.tag, _said(one)) for one in described]
    return sorted((name, said) for name, said in found if name not in _SAVED_XMP)


def _said(element: Xml.Element) -> str:
    if not len(element) and not element.attrib:
        return element.text or ""
    return Xml.canonicalize(Xml.tostring(element, encoding="unicode"), strip_text=True)


class _Form(FormUpdatingRule):
    """The form as a whole: where it has no fields but signatures, its defaults do not show."""

    def apply(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        if "/AcroForm" not in new.root and "/AcroForm" not in old.root:
            return
        # The library's rule wants a form to compare with; `old` is a view, and its file stays as it is.
        form = old.root.setdefault(generic.pdf_name("/AcroForm"), generic.DictionaryObject())
        fields = form.get_object().setdefault(generic.pdf_name("/Fields"), generic.ArrayObject())
        others = any(_value(one.get_object(), "/FT") != "/Sig" for one in fields.get_object())
        self.ignored_acroform_keys = _FORM if others else _FORM | _FORM_DEFAULTS
        yield from super().apply(old, new)
        if others and _raw(old.root["/AcroForm"], "/DR") is not None:
            before, after = (one.root["/AcroForm"]["/DR"] for one in (old, new))
            if before != after:
                raise SuspiciousModification("what other fields are drawn with changed")


class _NewField(SigFieldCreationRule):
    """The one field that is signed now, and where it stands among the notes of its page."""

    def __init__(self, value: generic.Reference | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library's has no types
        self._value = value

    def apply(self, context: FieldComparisonContext) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        added: set[generic.Reference] = set()
        for spec in context.field_specs.values():
            field = spec.new_field
            if field is None or spec.field_type != "/Sig":
                continue
            fresh = spec.old_field is None
            changed = fresh or _raw(field, "/V") != _raw(spec.old_field, "/V")
            if changed and self._value is not None and not _points_to(field, "/V", self._value):
                raise SuspiciousModification("another signature field")
            if fresh and spec.new_field_ref is not None:
                added |= set(_widgets(spec.new_field_ref, field))
        yield from super().apply(context)
        for before, after in _pages(context.old.root["/Pages"], context.new.root["/Pages"]):
            kept = [one for one in _raw_list(after, "/Annots") if _reference(one) not in added]
            if kept != _raw_list(before, "/Annots"):
                raise SuspiciousModification("notes changed their order")


def _widgets(reference: generic.Reference, field: Any) -> Iterator[generic.Reference]:
    """The field's places on pages. Raises SuspiciousModification if one is another kind of note, or acts."""
    places = [_reference(one) for one in _raw_list(field, "/Kids")] or [reference]
    for one in places:
        place = one.get_object()
        if _value(place, "/Subtype") not in (None, "/Widget") or place.keys() & {"/A", "/AA"}:
            raise SuspiciousModification("a signature that is more than that")
        yield one


def _pages(before: Any, after: Any) -> Iterator[tuple[Any, Any]]:
    """Each page in both revisions; the trees have been found the same."""
    for old, new in zip(_raw_list(before, "/Kids"), _raw_list(after, "/Kids"), strict=True):
        pair = old.get_object(), new.get_object()
        if "/Kids" in pair[0]:
            yield from _pages(*pair)
        else:
            yield pair


def _raw(dictionary: Any, key: str) -> Any:
    return dictionary.raw_get(key) if key in dictionary else None


def _value(dictionary: Any, key: str) -> Any:
    try:
        return dictionary[key]
    except KeyError:
        return None


def _raw_list(dictionary: Any, key: str) -> list[Any]:
    found = _value(dictionary, key) or generic.ArrayObject()
    return [found.raw_get(n) for n in range(len(found))]


def _reference(value: Any) -> Any:
    return value.reference if isinstance(value, generic.IndirectObject) else None


def _points_to(dictionary: Any, key: str, target: generic.Reference | None) -> bool:
    return target is not None and _reference(_raw(dictionary, key)) == target
