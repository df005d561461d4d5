"""What cannot be read, costs too much or is not what it says is incomplete, quickly and with a reason."""

from __future__ import annotations

import base64
import io
import logging
import struct
import zipfile
import zlib

import document_files as files
import pytest
from document_files import CANARY, TYPES
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from redaction.documents import Document, Limits, read


def reading(data: bytes, kind: str = "", name: str = "", limits: Limits | None = None) -> Document:
    return read(data, TYPES.get(kind, kind), name, limits or Limits())


def reason(data: bytes, kind: str = "", name: str = "", limits: Limits | None = None) -> str | None:
    document = reading(data, kind, name, limits)
    assert document.complete == (document.reason is None)
    return document.reason


def with_part(name: str, content: bytes) -> bytes:
    return files.repack(files.word(), lambda p: p.__setitem__(name, content))


def with_relation(target: str, kind: str) -> bytes:
    relation = (
        f'<Relationship Id="x9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
        f'Target="{target}" TargetMode="External"/></Relationships>'
    )
    rels = "word/_rels/document.xml.rels"
    return files.repack(
        files.word(), lambda p: p.__setitem__(rels, p[rels].replace(b"</Relationships>", relation.encode()))
    )


def macros() -> bytes:
    def change(parts: dict[str, bytes]) -> None:
        parts["word/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + bytes(40)
        types = parts["[Content_Types].xml"]
        entry = b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
        parts["[Content_Types].xml"] = types.replace(b"</Types>", entry)

    return files.repack(files.word(), change)


def encrypted_pdf() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(files.pdf(CANARY))))
    writer.encrypt("", "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def encrypted_zip() -> bytes:
    data = bytearray(files.word())
    for at in (6, data.rfind(b"PK\x01\x02") + 8):
        data[at] |= 1
    return bytes(data)


def with_stream(content: bytes, **entries: object) -> bytes:
    """A PDF with one more object, a stream."""

    def edit(writer: PdfWriter) -> None:
        stream = StreamObject()
        stream.set_data(content)
        for key, value in entries.items():
            stream[NameObject(f"/{key}")] = value  # type: ignore[assignment]
        writer._add_object(stream)

    return files.pdf(edit=edit)


def drawn(operators: bytes, keep: bool = True) -> bytes:
    """A PDF whose page paints, beside or in place of its text."""

    def edit(writer: PdfWriter) -> None:
        page = writer.pages[0]
        stream = StreamObject()
        stream.set_data((page["/Contents"].get_object().get_data() if keep else b"") + b"\n" + operators)
        page[NameObject("/Contents")] = writer._add_object(stream)

    return files.pdf(edit=edit)


def revised() -> bytes:
    """A PDF that was changed by appending; the first version is still in it."""
    writer = PdfWriter(io.BytesIO(files.pdf(f"Write to {CANARY}.")), incremental=True)
    page = writer.pages[0]
    stream = StreamObject()
    stream.set_data(b"BT /F1 12 Tf 30 700 Td (nothing here) Tj ET")
    page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def without_meaning() -> bytes:
    """A PDF whose font does not say what its glyphs are."""

    def edit(writer: PdfWriter) -> None:
        fonts = writer.pages[0]["/Resources"]["/Font"]
        font = fonts[next(iter(fonts))].get_object()
        del font["/Encoding"]
        flags = DictionaryObject(
            {NameObject("/Type"): NameObject("/FontDescriptor"), NameObject("/Flags"): NumberObject(4)}
        )
        font[NameObject("/FontDescriptor")] = flags

    return files.pdf(CANARY, edit=edit)


def behind_its_end() -> bytes:
    """A PDF with a packed stream that has more bytes than its packing."""
    return with_stream(zlib.compress(b"hi") + CANARY.encode(), Filter=NameObject("/FlateDecode"))


def two_of_a_name() -> bytes:
    out = io.BytesIO(files.word())
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("word/document.xml", b"<a/>")
    return out.getvalue()


def other_packing() -> bytes:
    out = io.BytesIO(files.word())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("word/x.xml", b"<a/>")
    return out.getvalue()


def longer_than_it_says() -> bytes:
    """A package with a member that unpacks to more than its headers say."""
    data = bytearray(files.repack(files.word(), lambda p: p.__setitem__("word/x.xml", b"<a/>" + b" " * 400)))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        member = archive.getinfo("word/x.xml")
    entry = data.index(b"word/x.xml", archive.start_dir) - 46
    for at in (member.header_offset + 14, entry + 16):
        struct.pack_into("<I", data, at, zlib.crc32(b"<a/>"))
        struct.pack_into("<I", data, at + 8, 4)
    return bytes(data)


def nested_mail(depth: int) -> bytes:
    inner = b"MIME-Version: 1.0\nSubject: x\n\nhi\n"
    for i in range(depth):
        head = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b{i}"\n\n--b{i}\n'
        inner = head.encode() + b"Content-Type: message/rfc822\n\n" + inner + f"\n--b{i}--\n".encode()
    return inner


def deep_xml(depth: int) -> bytes:
    return b"<?xml version='1.0'?>" + b"<a>" * depth + b"</a>" * depth


LAUGHS = b"<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><a>&b;</a>"
OUTSIDE = b"<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><a>&a;</a>"

UNREAD = {
    "a picture in a document": (with_part("word/media/image1.png", files.picture()), "docx", "image"),
    "a thumbnail": (with_part("docProps/thumbnail.jpeg", b"\xff\xd8\xff" + bytes(9)), "docx", "thumbnail"),
    "macros": (macros(), "docx", "macros"),
    "an object": (with_part("word/embeddings/o.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99)), "docx",
                  "legacy_office"),
    "printer settings": (with_part("word/printer.bin", bytes(range(256))), "docx", "encoding"),
    "a picture elsewhere": (with_relation("https://x.example/i.png", "image"), "docx", "external"),
    "a template elsewhere": (with_relation("https://x.example/t.dotm", "attachedTemplate"), "docx", "external"),
    "entities in a document": (with_part("word/x.xml", LAUGHS), "docx", "dtd"),
    "an outside entity in a document": (with_part("word/x.xml", OUTSIDE), "docx", "dtd"),
    "broken XML in a document": (with_part("word/x.xml", b"<a><b></a>"), "docx", "xml"),
    "deep XML in a document": (with_part("word/x.xml", deep_xml(500)), "docx", "depth"),
    "an encrypted package": (encrypted_zip(), "docx", "encrypted"),
    "an encrypted Office file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "docx",
                                 "encrypted"),
    "an old Office file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/msword", "legacy_office"),
    "rich text": (b"{\\rtf1 jane}", "application/rtf", "rtf"),
    "an archive": (files.repack(files.word(), lambda p: p.pop("[Content_Types].xml") and None), "docx", "archive"),
    "gzip": (b"\x1f\x8b" + bytes(20), "application/gzip", "archive"),
    "a picture": (files.picture(), "image/png", "image"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'><text>hi</text></svg>", "image/svg+xml", "image"),
    "a drawing in HTML": (b"<html><svg><path d='M0 0'/></svg></html>", "html", "image"),
    "a picture in HTML": (f"<html><img src='{files.data_uri(files.picture(), 'image/png')}'></html>".encode(), "html",
                          "image"),
    "bytes": (bytes(range(256)), "application/octet-stream", "encoding"),
    "text with a NUL": (b"jane\0.roe", "txt", "control"),
    "text that is not in its charset": (b"caf\xe9", "txt", "encoding"),
    "an unknown charset": (b"+AGoAYQ-", "text/plain; charset=utf-7", "charset"),
    "entities in XML": (LAUGHS, "application/xml", "dtd"),
    "deep XML": (deep_xml(500), "application/xml", "depth"),
    "an encrypted PDF": (encrypted_pdf(), "pdf", "encrypted"),
    "an image in a PDF": (with_stream(b"\0", Subtype=NameObject("/Image")), "pdf", "image"),
    "an inline image in a PDF": (drawn(b"BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI"), "pdf", "image"),
    "unknown bytes in a PDF": (with_stream(bytes(range(256))), "pdf", "encoding"),
    "letters as curves": (drawn(b"".join(b"%d 0 m 1 2 3 4 5 %d c S\n" % (i, i) for i in range(150))), "pdf", "drawing"),
    "letters as slanted lines": (drawn(b"".join(b"%d 0 m %d 9 l S\n" % (i, i + 1) for i in range(150))), "pdf",
                                 "drawing"),
    "a page without text": (drawn(b"0 0 99 99 re f", keep=False), "pdf", "page"),
    "a PDF that was changed": (revised(), "pdf", "leftover"),
    "a font without meaning": (without_meaning(), "pdf", "font"),
    "text between the objects of a PDF": (files.pdf().replace(b"\nendobj\n", b"\nendobj\nx\n"), "pdf", "pdf"),
    "text after the end of a PDF": (files.pdf() + CANARY.encode(), "pdf", "leftover"),
    "bytes behind a packed stream": (behind_its_end(), "pdf", "damaged"),
    "two members of one name": (two_of_a_name(), "docx", "ambiguous"),
    "another way of packing": (other_packing(), "docx", "compression"),
    "a member that is longer than it says": (longer_than_it_says(), "docx", "package"),
    "bare carriage returns in mail": (files.mail().replace(b"\n\n", b"\n\rX: y\n\n"), "eml", "ambiguous"),
    "half a character": (b'{"a": "\\ud83d"}', "json", "encoding"),
    "a cut PDF": (files.pdf()[:-200], "pdf", "pdf"),
    "a cut package": (files.word()[:-200], "docx", "package"),
    "bytes before a package": (b"PK\x03\x04" + files.word(), "docx", "package"),
    "bytes after a package": (files.word() + CANARY.encode(), "docx", "package"),
    "a PDF that is a package too": (files.pdf() + files.word(), "pdf", "polyglot"),
    "a text that is a package too": (b"hello " + files.word(), "txt", "polyglot"),
    "mail whose base64 is none": (b"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n!!aGk=\n", "eml",
                                  "malformed"),
    "mail of an unknown encoding": (b"MIME-Version: 1.0\nContent-Transfer-Encoding: uuencode\n\nbegin\n", "eml",
                                    "encoding"),
    "mail with parts that never begin": (b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\nhi\n',
                                         "eml", "malformed"),
    "mail in mail in mail": (nested_mail(100), "eml", "depth"),
    "a picture in mail": (files.mail(edit=lambda m: m.add_attachment(files.picture(), maintype="image", subtype="png")),
                          "eml", "image"),
    "JSON without end": (b"[" * 100_000, "json", "depth"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREAD)
def test_what_cannot_be_read_is_incomplete(case: str) -> None:
    data, kind, why = UNREAD[case]

    assert reason(data, kind) == why


@pytest.mark.parametrize(
    ("data", "media_type", "name"),
    [
        (files.word(), TYPES["pdf"], ""),
        (files.word(), TYPES["xlsx"], ""),
        (files.word(), "text/plain", ""),
        (files.word(), "", "report.pdf"),
        (files.word(), TYPES["docx"], "report.txt"),
        (files.pdf(), "text/html", ""),
        (files.pdf(), "image/png", ""),
        (b"just text", TYPES["pdf"], ""),
        (b"just text", TYPES["docx"], ""),
        (b"just text", "image/png", ""),
    ],
)
def test_a_type_that_lies_is_found_out_by_the_first_bytes(data: bytes, media_type: str, name: str) -> None:
    assert read(data, media_type, name, Limits()).reason == "mismatch"


@pytest.mark.parametrize(
    "media_type", ["", "application/octet-stream", "text/plain", "text/x-python", "application/x-sh"]
)
def test_texts_pass_under_any_type_of_text(media_type: str) -> None:
    assert read(b"print('hi')", media_type, "a.txt", Limits()).complete


# -- costs ------------------------------------------------------------------------------------------------------------


def inflating_stream(size: int) -> bytes:
    return with_stream(zlib.compress(b" " * size, 9), Filter=NameObject("/FlateDecode"))


def twice_inflating() -> bytes:
    inner = zlib.compress(zlib.compress(b" " * 100_000_000, 9), 9)
    return with_stream(inner, Filter=ArrayObject([NameObject("/FlateDecode"), NameObject("/FlateDecode")]))


def many_pages(count: int) -> bytes:
    def edit(writer: PdfWriter) -> None:
        for _ in range(count):
            writer.add_blank_page()

    return files.pdf(edit=edit)


def loop_of_pages() -> bytes:
    def edit(writer: PdfWriter) -> None:
        pages = writer._root_object["/Pages"]
        pages["/Kids"].append(writer._root_object.raw_get("/Pages"))

    return files.pdf(edit=edit)


def loop_of_figures() -> bytes:
    def edit(writer: PdfWriter) -> None:
        form = StreamObject()
        form.set_data(b"/F Do")
        form[NameObject("/Subtype")] = NameObject("/Form")
        made = writer._add_object(form)
        forms = DictionaryObject({NameObject("/F"): made})
        form[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): forms})
        page = writer.pages[0]
        page["/Resources"][NameObject("/XObject")] = forms
        page[NameObject("/Contents")] = made

    return files.pdf(edit=edit)


def many_members(count: int) -> bytes:
    return files.repack(files.word(), lambda p: p.update({f"word/{i}.xml": b"<a/>" for i in range(count)}))


def overlapping() -> bytes:
    """A package whose directory names the same bytes many times (a bomb without a nested one)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"0" * 1_000_000)
    data = out.getvalue()
    at = data.index(b"PK\x01\x02")
    entry, end = data[at : data.index(b"PK\x05\x06")], bytearray(data[data.index(b"PK\x05\x06") :])
    struct.pack_into("<HHI", end, 8, 60, 60, len(entry) * 60)
    return data[:at] + entry * 60 + bytes(end)


COSTLY = {
    "a package that unpacks to much": files.bomb(60_000_000),
    "a stream that unpacks to much": inflating_stream(60_000_000),
    "a stream that is packed twice": twice_inflating(),
    "many pages": many_pages(400),
    "pages in a loop": loop_of_pages(),
    "figures in a loop": loop_of_figures(),
    "many members": many_members(6000),
    "members in one place": overlapping(),
    "much text": b"a " * 2_000_000,
    "too many bytes": bytes(9 * 1024 * 1024),
    "many cells": files.excel([[1] * 200 for _ in range(2_000)]),
}


@pytest.mark.parametrize("case", COSTLY)
def test_what_costs_too_much_is_incomplete(case: str) -> None:
    assert reason(COSTLY[case], limits=Limits(nodes=200_000)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "<!--",
        "<a",
        "<a '",
        '<a b="',
        "<!",
        "<?",
        "</",
        "<script>",
        "<script",
        "&",
        "&#",
        "<a b=",
        "a=b ",
        "data:,",
        "< ",
    ],
)
def test_markup_that_is_left_open_takes_linear_time(text: str) -> None:
    assert read(b"<html>" + text.encode() * (400_000 // len(text)), "text/html", "", Limits())


@pytest.mark.parametrize(
    "text", [b"stream\n", b"1 0 obj ", b"%", b"trailer", b"endobj ", b"(", b"<<", b"xref\n", b"[ "]
)
def test_a_pdf_that_is_left_open_takes_linear_time(text: bytes) -> None:
    end = b"\nstartxref\n9\n%%EOF\n"
    assert reason(b"%PDF-1.7\n" + text * (200_000 // len(text)) + end) is not None


@pytest.mark.parametrize(
    "text", [b"A: b\n", b"A: =?utf-8?q?x?= ", b"\n--x\n", b"Content-Type: a/b;", b"A:\n ", b'"', b"=?"]
)
def test_mail_that_is_left_open_takes_linear_time(text: bytes) -> None:
    head = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n'
    assert read(head + text * (60_000 // len(text)), "message/rfc822", "", Limits())


# -- what a reader says -----------------------------------------------------------------------------------------------


def test_nothing_of_a_document_is_said_in_logs_or_words(caplog: pytest.LogCaptureFixture) -> None:
    made = (files.pdf(CANARY)[:-100], revised(), files.pdf(CANARY).replace(b"/Type /Page", b"/Typo /Page"))
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        for data in made:
            assert CANARY not in repr(read(data, TYPES["pdf"], CANARY, Limits()))
    assert not caplog.records


def test_a_document_inside_documents_is_read_to_a_depth() -> None:
    data = b"to " + CANARY.encode()
    for i in range(6):
        kind = ("text", "plain") if i == 0 else ("application", "octet-stream")
        inner = data
        data = files.mail(edit=lambda m, inner=inner, kind=kind: m.add_attachment(inner, *kind, filename="x"))
        document = reading(data, "eml")
        assert document.complete == (i < 4) and (any(CANARY in p.text for p in document.texts)) == (i < 4)


def test_base64_in_the_fuzz_helper_is_what_it_says() -> None:
    assert base64.b64decode(files.data_uri(b"x", "text/plain").partition(",")[2]) == b"x"
