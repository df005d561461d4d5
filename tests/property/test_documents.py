"""Damaged documents: reading never raises, and what another reader sees in one is seen, or it is incomplete."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from email import message_from_bytes, policy

import document_files as files
import docx
import openpyxl
import pptx
import pypdfium2
import pytest
from document_files import CANARY, TYPES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from redaction.documents import Document, Limits, read

LIMITS = Limits(bytes=2_000_000, inflated=4_000_000, nodes=100_000, pages=20)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Change = tuple[str, float, bytes]
changes = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double", "swap"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=6),
            st.sampled_from([b"endobj", b"stream\n", b"<<", b">>", b"(", b")", b"%", b"<", b">", b"<!--", b"'", b'"',
                             b"\n\n", b"--", b"/Type/Page", b"]", b"[", b"&#64;", b"</", b"=", b"<w:del>", b"</w:p>",
                             b"\0"]),
        ),
    ),
    max_size=4,
)  # fmt: skip


def damaged(data: bytes, how: list[Change]) -> bytes:
    for kind, place, extra in how:
        at = int(place * len(data))
        size = len(extra) * 3
        if kind == "flip":
            data = data[:at] + extra + data[at + len(extra) :]
        elif kind == "cut":
            data = data[:at] + data[at + size :]
        elif kind == "insert":
            data = data[:at] + extra + data[at:]
        elif kind == "double":
            data = data[: at + size] + data[at:]
        else:
            data = data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]
    return data


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def seen(document: Document) -> bool:
    return any(CANARY in bare(piece.text) for piece in document.texts)


def by_pdfium(data: bytes) -> str:
    pdf = pypdfium2.PdfDocument(data)
    try:
        return "".join(page.get_textpage().get_text_range() for page in pdf)
    finally:
        pdf.close()


def by_docx(data: bytes) -> str:
    return "\n".join(p.text for p in docx.Document(io.BytesIO(data)).paragraphs)


def by_openpyxl(data: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return "\n".join(str(c) for sheet in book.worksheets for row in sheet.values for c in row)


def by_pptx(data: bytes) -> str:
    deck = pptx.Presentation(io.BytesIO(data))
    return "\n".join(s.text_frame.text for slide in deck.slides for s in slide.shapes if s.has_text_frame)


def by_lxml(data: bytes) -> str:
    return str(html.fromstring(data).text_content())


def by_email(data: bytes) -> str:
    message = message_from_bytes(data, policy=policy.default)
    parts = [str(message["subject"]), str(message["from"])]
    parts += [p.get_content() for p in message.walk() if p.get_content_maintype() == "text"]
    return "\n".join(parts)


READERS: dict[str, tuple[Callable[[bytes], str], list[bytes]]] = {
    "pdf": (
        by_pdfium,
        [files.pdf(f"Write to {CANARY}."), files.PDF["free text"](), files.PDF["letters out of order"]()],
    ),
    "html": (by_lxml, [make() for make in files.HTML.values()]),
    "eml": (by_email, [make() for make in files.MAIL.values()]),
}
PACKAGES: dict[str, tuple[Callable[[bytes], str], bytes, str]] = {
    "docx": (by_docx, files.WORD["split runs"](), "word/document.xml"),
    "xlsx": (by_openpyxl, files.EXCEL["cell"](), "xl/worksheets/sheet1.xml"),
    "pptx": (by_pptx, files.POWERPOINT["split runs"](), "ppt/slides/slide1.xml"),
}


def holds(document: Document, reader: Callable[[bytes], str], data: bytes) -> None:
    """The rule: complete means that nobody else sees more."""
    if not document.complete or seen(document):
        return
    try:
        other = bare(reader(data))
    except Exception:  # another reader may refuse what is damaged, with any exception
        return
    assert CANARY not in other


@pytest.mark.parametrize("kind", READERS)
@QUIET
@given(data=st.data(), how=changes)
def test_a_damaged_file_is_seen_through_or_incomplete(kind: str, data: st.DataObject, how: list[Change]) -> None:
    reader, originals = READERS[kind]
    made = damaged(data.draw(st.sampled_from(originals)), how)
    holds(read(made, TYPES[kind], f"a.{kind}", LIMITS), reader, made)


@pytest.mark.parametrize("kind", PACKAGES)
@QUIET
@given(how=changes)
def test_a_damaged_package_is_seen_through_or_incomplete(kind: str, how: list[Change]) -> None:
    reader, original, _ = PACKAGES[kind]
    made = damaged(original, how)
    holds(read(made, TYPES[kind], f"a.{kind}", LIMITS), reader, made)


@pytest.mark.parametrize("kind", PACKAGES)
@QUIET
@given(how=changes)
def test_a_package_with_a_damaged_part_is_seen_through_or_incomplete(kind: str, how: list[Change]) -> None:
    reader, original, part = PACKAGES[kind]
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        content = damaged(archive.read(part), how)
    made = files.repack(original, lambda parts: parts.__setitem__(part, content))
    holds(read(made, TYPES[kind], f"a.{kind}", LIMITS), reader, made)


@QUIET
@given(data=st.binary(max_size=400), media_type=st.sampled_from([*TYPES.values(), "", "x", "text/plain; charset=x"]))
def test_any_bytes_under_any_type_are_read_or_incomplete(data: bytes, media_type: str) -> None:
    document = read(data, media_type, "", LIMITS)
    assert document.complete == (document.reason is None)


@QUIET
@given(text=st.text(max_size=200))
def test_any_text_is_read_whole(text: str) -> None:
    document = read(text.encode(), "text/plain", "a.txt", LIMITS)
    assert not document.complete or bare(text) in bare("".join(p.text for p in document.texts)) or not text.strip()
