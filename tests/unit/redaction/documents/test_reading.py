"""Everything a document says is read, or the document is incomplete."""

from __future__ import annotations

import re

import document_files as files
import pytest
from document_files import CANARY, TYPES
from pypdf import PdfWriter
from pypdf.generic import ByteStringObject, DictionaryObject, NameObject, TextStringObject

from redaction.documents import Document, Limits, read

CASES = [(kind, place) for kind, places in files.PLACES.items() for place in places]


def seen(document: Document) -> bool:
    return any(CANARY in piece.text for piece in document.texts)


@pytest.mark.parametrize(("kind", "place"), CASES, ids=[f"{k}: {p}" for k, p in CASES])
def test_a_value_is_read_wherever_it_stands(kind: str, place: str) -> None:
    document = read(files.PLACES[kind][place](), TYPES[kind], f"a.{kind}", Limits())

    assert seen(document)


@pytest.mark.parametrize("kind", files.OTHER)
def test_plain_formats_are_read(kind: str) -> None:
    document = read(files.OTHER[kind](), TYPES[kind], f"a.{kind}", Limits())

    assert seen(document)
    assert document.complete


@pytest.mark.parametrize("kind", files.BENIGN)
def test_an_ordinary_document_is_read_completely(kind: str) -> None:
    document = read(files.BENIGN[kind](), TYPES[kind], f"a.{kind}", Limits())

    assert (document.complete, document.reason) == (True, None)
    assert document.kind == {"eml": "mail", "csv": "text", "md": "text", "txt": "text"}.get(kind, kind)


def identified(first: bytes) -> str:
    """What is read of a PDF whose identifier is ``first``."""
    data = files.pdf("Nothing.")
    id_ = data[data.index(b"/ID [") :].split(b"]")[0]
    made = data.replace(id_, b"/ID [<" + first.hex().encode() + b"><" + first.hex().encode() + b">")
    return "\n".join(piece.text for piece in read(made, TYPES["pdf"], "a.pdf", Limits()).texts)


@pytest.mark.parametrize("digest", ["54001e58fb798bc176b33c568e37eeec", "03007272accf0a5e0d88b498b625b7f8", "ff" * 16])
def test_a_pdfs_identifier_is_no_text_whatever_script_its_bytes_look_like(digest: str) -> None:
    assert all(c.isascii() for c in identified(bytes.fromhex(digest)))


@pytest.mark.parametrize("hidden", [CANARY.encode(), CANARY.encode("utf-16-le"), ("é" * 20 + CANARY).encode("latin-1")])
def test_what_is_readable_in_a_pdfs_identifier_is_read(hidden: bytes) -> None:
    assert CANARY in identified(hidden)


def prose_of(data: bytes) -> str:
    document = read(data, TYPES["pdf"], "a.pdf", Limits())
    assert document.complete
    return "\n".join(piece.text for piece in document.texts if piece.prose)


def holding(**entries: TextStringObject | ByteStringObject) -> bytes:
    """A PDF with an object of these entries."""

    def edit(w: PdfWriter) -> None:
        tree = DictionaryObject({NameObject(f"/{key}"): value for key, value in entries.items()})
        w._root_object[NameObject("/StructTreeRoot")] = w._add_object(tree)

    return files.pdf("Nothing.", edit=edit)


def test_only_the_files_own_identifier_is_a_digest() -> None:
    """An element of the structure has an ``/ID`` as well, which says what its author likes."""
    assert "J\u00fcrgen M\u00fcller is ill" in prose_of(holding(ID=TextStringObject("J\u00fcrgen M\u00fcller is ill")))


@pytest.mark.parametrize("said", ["D:41111111111111", "D:19840312"])
def test_only_programs_dates_are_left_out(said: str) -> None:
    assert said in prose_of(holding(V=TextStringObject(said)))
    assert said not in prose_of(holding(ModDate=TextStringObject("D:20240312")))
    if not said.startswith("D:19"):
        assert said in prose_of(holding(ModDate=TextStringObject(said)))


def test_a_byte_that_stands_for_no_character_does_not_make_a_text_a_digest() -> None:
    assert "J\u00fcrgen Zwierlein" in prose_of(holding(V=ByteStringObject(b"J\xfcrgen Zwierlein\x9f")))
    assert prose_of(holding(V=ByteStringObject(bytes(range(100, 200))))) == "Nothing."


@pytest.mark.parametrize(
    ("old", "prose"), [(b"/ID [(jane.roe@example.com) (x)]", False), (b"/Client (jane.roe@example.com)", True)]
)
def test_what_an_earlier_trailer_says_is_read(old: bytes, prose: bool) -> None:
    """A file that was added to has a trailer for each time, of which a reader of the last one sees nothing."""
    document = read(added_to(old), TYPES["pdf"], "a.pdf", Limits())
    assert document.complete
    assert any("jane.roe@example.com" in piece.text and piece.prose is prose for piece in document.texts)
    assert prose_of(added_to(b"")) == "Nothing.", "what every trailer says is no text"


def added_to(entry: bytes) -> bytes:
    """A PDF with ``entry`` in its first trailer, and one more."""
    data = files.pdf("Nothing.")
    start, end = data.rindex(b"trailer"), data.rindex(b"startxref")
    table = data.rindex(b"xref", 0, start)
    trailer = data[start:end].strip()
    first = re.sub(rb"/ID \[[^\]]*\]", b"", trailer)[:-2] + entry + b"\n>>"
    head = data[:start] + first + b"\nstartxref\n%d\n%%%%EOF\n" % table
    newer = b"/Client (Nobody)\n" if b"Client" in entry else b""  # the newer one hides the older one's
    last = trailer[:-2] + newer + b"/Prev %d\n>>" % table
    return head + b"xref\n0 1\n0000000000 65535 f \n" + last + b"\nstartxref\n%d\n%%%%EOF\n" % len(head)
