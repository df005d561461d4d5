"""Real documents made by real libraries, with a canary in each place that people or programs can hide one."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from email.message import EmailMessage

import docx
import fpdf
import openpyxl
import pptx
import pptx.chart.data
import pptx.enum.chart
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from openpyxl.comments import Comment
from openpyxl.worksheet.datavalidation import DataValidation
from pypdf import PdfReader, PdfWriter
from pypdf.actions import JavaScript
from pypdf.annotations import FreeText, Text
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject, TextStringObject

CANARY = "jane.roe@example.com"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "html": "text/html",
    "eml": "message/rfc822",
    "json": "application/json",
    "csv": "text/csv",
    "md": "text/markdown",
    "txt": "text/plain",
}


def repack(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A package with its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _without_pictures(parts: dict[str, bytes]) -> None:
    """The libraries' templates bring a thumbnail and printer settings, which nobody can read."""
    for name in [n for n in parts if n.endswith((".jpeg", ".bin"))]:
        del parts[name]
    for name in [n for n in parts if n.endswith(".rels")]:
        parts[name] = re.sub(rb"<Relationship [^>]*(?:thumbnail|printerSettings)[^>]*/>", b"", parts[name])


def word(text: str = "", edit: Callable[[docx.document.Document], None] | None = None) -> bytes:
    document = docx.Document()
    document.add_paragraph(text or "The meeting is on Monday.")
    if edit is not None:
        edit(document)
    out = io.BytesIO()
    document.save(out)
    return repack(out.getvalue(), _without_pictures)


def excel(rows: list[list[object]] | None = None, edit: Callable[[openpyxl.Workbook], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows or [["colour", "count"], ["green", 3]]:
        book.active.append(row)
    if edit is not None:
        edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def slides(text: str = "", edit: Callable[[pptx.presentation.Presentation], None] | None = None) -> bytes:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = text or "Plans for the garden"
    deck.core_properties.last_modified_by = ""
    if edit is not None:
        edit(deck)
    out = io.BytesIO()
    deck.save(out)
    return repack(out.getvalue(), _without_pictures)


def pdf(text: str = "", edit: Callable[[PdfWriter], None] | None = None) -> bytes:
    made = fpdf.FPDF()
    made.add_page()
    made.set_font("Courier", size=12)
    made.multi_cell(0, 8, text or "The meeting is on Monday.")
    data = bytes(made.output())
    if edit is None:
        return data
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    edit(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def mail(text: str = "", edit: Callable[[EmailMessage], None] | None = None) -> bytes:
    message = EmailMessage()
    message["Subject"] = "The meeting"
    message["MIME-Version"] = "1.0"
    message.set_content(text or "It is on Monday.")
    if edit is not None:
        edit(message)
    return message.as_bytes()


def picture() -> bytes:
    """A PNG of one pixel."""
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    return base64.b64decode(pixel)


# -- Word: places -----------------------------------------------------------------------------------------------------


def _xml(fragment: str) -> Callable[[docx.document.Document], None]:
    return lambda d: d.element.body.insert(0, parse_xml(fragment))


def _split_runs(d: docx.document.Document) -> None:
    paragraph = d.add_paragraph("Write to jane.")
    paragraph.add_run("roe@").bold = True
    paragraph.add_run("example.com")


def _hidden_run(d: docx.document.Document) -> None:
    d.add_paragraph("Hello").add_run(CANARY).font.hidden = True


def _table(d: docx.document.Document) -> None:
    d.add_table(1, 1).cell(0, 0).text = CANARY


def _header(d: docx.document.Document) -> None:
    d.sections[0].header.paragraphs[0].text = CANARY


def _footer(d: docx.document.Document) -> None:
    d.sections[0].footer.paragraphs[0].text = CANARY


def _title(d: docx.document.Document) -> None:
    d.core_properties.title = CANARY


def _author(d: docx.document.Document) -> None:
    d.core_properties.last_modified_by = CANARY


def _comment(d: docx.document.Document) -> None:
    d.add_comment(d.paragraphs[0].runs, text=CANARY, author="x", initials="x")


def _comment_author(d: docx.document.Document) -> None:
    d.add_comment(d.paragraphs[0].runs, text="ok", author=CANARY, initials="x")


def _style_name(d: docx.document.Document) -> None:
    d.styles.add_style(CANARY, 1)


def _link(d: docx.document.Document) -> None:
    d.part.relate_to(
        f"mailto:{CANARY}", "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink", True
    )


def _part(name: str, content: str) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.__setitem__(name, content.encode())


def _alt_text() -> bytes:
    drawing = (
        f'<w:p {W} xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><w:r><w:drawing>'
        f'<wp:inline><wp:docPr id="1" name="Shape" descr="{CANARY}"/></wp:inline></w:drawing></w:r></w:p>'
    )
    return word(edit=_xml(drawing))


WORD: Mapping[str, Callable[[], bytes]] = {
    "body": lambda: word(f"Write to {CANARY}."),
    "split runs": lambda: word(edit=_split_runs),
    "hidden run": lambda: word(edit=_hidden_run),
    "table": lambda: word(edit=_table),
    "header": lambda: word(edit=_header),
    "footer": lambda: word(edit=_footer),
    "title": lambda: word(edit=_title),
    "last author": lambda: word(edit=_author),
    "comment": lambda: word(edit=_comment),
    "comment author": lambda: word(edit=_comment_author),
    "style name": lambda: word(edit=_style_name),
    "link": lambda: word(edit=_link),
    "alt text": _alt_text,
    "deleted text": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:t>jane.</w:t></w:r><w:ins w:id="1" w:author="x"><w:r><w:t>new</w:t></w:r></w:ins>'
        f'<w:del w:id="2" w:author="x"><w:r><w:delText>roe@example.com</w:delText></w:r></w:del></w:p>')),
    "text around a deletion": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:t>jane.roe@</w:t></w:r><w:del w:id="2" w:author="x"><w:r><w:delText>old</w:delText></w:r>'
        f'</w:del><w:r><w:t>example.com</w:t></w:r></w:p>')),
    "text around a field code": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:t>jane.roe@</w:t></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
        f'<w:r><w:t>example.com</w:t></w:r></w:p>')),
    "text around hidden text": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:t>jane.roe@</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>zz</w:t></w:r>'
        f'<w:r><w:t>example.com</w:t></w:r></w:p>')),
    "field code": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:instrText>HYPERLINK "mailto:jane.roe@</w:instrText></w:r>'
        f'<w:r><w:instrText>example.com"</w:instrText></w:r></w:p>')),
    "text box": lambda: word(edit=_xml(
        f'<w:p {W}><w:r><w:txbxContent><w:p><w:r><w:t>{CANARY}</w:t></w:r></w:p></w:txbxContent></w:r></w:p>')),
    "attribution of a change": lambda: word(edit=_xml(
        f'<w:p {W}><w:ins w:id="1" w:author="{CANARY}"><w:r><w:t>new</w:t></w:r></w:ins></w:p>')),
    "bookmark": lambda: word(edit=_xml(f'<w:p {W}><w:bookmarkStart w:id="1" w:name="{CANARY}"/></w:p>')),
    "processing instruction": lambda: word(edit=_xml(f"<w:p {W}><?note {CANARY}?></w:p>")),
    "XML comment": lambda: word(edit=_xml(f"<w:p {W}><!-- {CANARY} --></w:p>")),
    "footnotes": lambda: repack(word(), _part(
        "word/footnotes.xml",
        f"<w:footnotes {W}><w:footnote><w:p><w:r><w:t>{CANARY}</w:t></w:r></w:p></w:footnote></w:footnotes>")),
    "custom XML": lambda: repack(word(), _part("customXml/item9.xml", f"<r><person mail='{CANARY}'/></r>")),
    "custom property": lambda: repack(word(), _part("docProps/custom.xml", f"<Properties><property><v>{CANARY}</v>"
                                      "</property></Properties>")),
    "unknown part": lambda: repack(word(), _part("word/notes.txt", f"see {CANARY}")),
    "member name": lambda: repack(word(), _part(f"word/{CANARY}.xml", "<r/>")),
    "namespace": lambda: repack(word(), _part("word/x.xml", f"<r xmlns='mailto:{CANARY}'/>")),
    "package comment": lambda: _zip_comment(word()),
}  # fmt: skip


def _zip_comment(data: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = CANARY.encode()
    return out.getvalue()


# -- Excel ------------------------------------------------------------------------------------------------------------


def _excel_comment(b: openpyxl.Workbook) -> None:
    b.active["A1"].comment = Comment(CANARY, "x")


def _excel_hidden(b: openpyxl.Workbook) -> None:
    sheet = b.create_sheet("more")
    sheet["A1"] = CANARY
    sheet.sheet_state = "veryHidden"


def _excel_rule(b: openpyxl.Workbook) -> None:
    rule = DataValidation(type="list", formula1=f'"{CANARY},other"', promptTitle="x", prompt="x")
    b.active.add_data_validation(rule)
    rule.add("A1")


def _excel_format(b: openpyxl.Workbook) -> None:
    b.active["B2"].number_format = f'0 "{CANARY}"'


def _excel_header(b: openpyxl.Workbook) -> None:
    b.active.oddHeader.center.text = CANARY


def _excel_link(b: openpyxl.Workbook) -> None:
    b.active["A1"].hyperlink = f"mailto:{CANARY}"


EXCEL: Mapping[str, Callable[[], bytes]] = {
    "cell": lambda: excel([["mail"], [CANARY]]),
    "formula": lambda: excel([[f'=HYPERLINK("mailto:{CANARY}")']]),
    "comment": lambda: excel(edit=_excel_comment),
    "hidden sheet": lambda: excel(edit=_excel_hidden),
    "sheet name": lambda: excel(edit=lambda b: b.create_sheet(CANARY)),
    "list of a rule": lambda: excel(edit=_excel_rule),
    "number format": lambda: excel(edit=_excel_format),
    "page header": lambda: excel(edit=_excel_header),
    "link": lambda: excel(edit=_excel_link),
    "creator": lambda: excel(edit=lambda b: setattr(b.properties, "creator", CANARY)),
    "shared text": lambda: _shared(f"<si><t>{CANARY}</t></si>"),
    "unused shared text": lambda: _shared(f"<si><t>a</t></si><si><t>{CANARY}</t></si>"),
    "split rich text": lambda: _shared("<si><r><t>jane.roe@</t></r><r><t>example.com</t></r></si>"),
    "around a reading aid": lambda: _shared(
        "<si><t>jane.roe@</t><rPh sb='0' eb='1'><t>zz</t></rPh><t>example.com</t></si>"),
}  # fmt: skip


def _shared(texts: str) -> bytes:
    """A workbook whose one cell shows the first of its shared texts."""

    def change(parts: dict[str, bytes]) -> None:
        sheet = "xl/worksheets/sheet1.xml"
        parts[sheet] = parts[sheet].replace(b't="inlineStr"><is><t>marker</t></is>', b't="s"><v>0</v>')
        assert b"<v>0</v>" in parts[sheet]
        space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{space}">{texts}</sst>'.encode()

    return repack(excel([["marker"]]), change)


# -- PowerPoint -------------------------------------------------------------------------------------------------------


def _notes(d: pptx.presentation.Presentation) -> None:
    d.slides[0].notes_slide.notes_text_frame.text = CANARY


def _hidden_slide(d: pptx.presentation.Presentation) -> None:
    slide = d.slides.add_slide(d.slide_layouts[5])
    slide.shapes.title.text = CANARY
    slide.element.set("show", "0")


def _slide_runs(d: pptx.presentation.Presentation) -> None:
    paragraph = d.slides[0].shapes.title.text_frame.paragraphs[0]
    for run in ("jane.", "roe@exa", "mple.com"):
        paragraph.add_run().text = run


def _slide_table(d: pptx.presentation.Presentation) -> None:
    d.slides[0].shapes.add_table(1, 1, 0, 0, 100, 100).table.cell(0, 0).text = CANARY


def _shape_name(d: pptx.presentation.Presentation) -> None:
    d.slides[0].shapes.title.name = CANARY


def _chart(d: pptx.presentation.Presentation) -> None:
    data = pptx.chart.data.CategoryChartData()
    data.categories = [CANARY]
    data.add_series("n", (1,))
    d.slides[0].shapes.add_chart(pptx.enum.chart.XL_CHART_TYPE.PIE, 0, 0, 100, 100, data)


POWERPOINT: Mapping[str, Callable[[], bytes]] = {
    "title": lambda: slides(CANARY),
    "notes": lambda: slides(edit=_notes),
    "hidden slide": lambda: slides(edit=_hidden_slide),
    "split runs": lambda: slides(edit=_slide_runs),
    "table": lambda: slides(edit=_slide_table),
    "shape name": lambda: slides(edit=_shape_name),
    "chart with its workbook": lambda: slides(edit=_chart),
    "comment": lambda: repack(
        slides(), _part("ppt/comments/comment1.xml", f"<cmLst><cm><text>{CANARY}</text></cm></cmLst>")
    ),
}


# -- PDF --------------------------------------------------------------------------------------------------------------


def _stream(content: bytes, **entries: str) -> StreamObject:
    stream = StreamObject()
    stream.set_data(content)
    for key, value in entries.items():
        stream[NameObject(f"/{key}")] = NameObject(f"/{value}")
    return stream


def _pdf_form(w: PdfWriter) -> None:
    """A figure that no page shows."""
    form = _stream(f"BT /F1 12 Tf ({CANARY}) Tj ET".encode(), Type="XObject", Subtype="Form")
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                             NameObject("/BaseFont"): NameObject("/Helvetica"),
                             NameObject("/Encoding"): NameObject("/WinAnsiEncoding")})  # fmt: skip
    fonts = DictionaryObject({NameObject("/F1"): font})
    form[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    w._add_object(form)


def _pdf_field(w: PdfWriter) -> None:
    field = DictionaryObject({NameObject("/FT"): NameObject("/Tx"), NameObject("/T"): TextStringObject("mail"),
                              NameObject("/V"): TextStringObject(CANARY)})  # fmt: skip
    w._root_object[NameObject("/AcroForm")] = DictionaryObject(
        {NameObject("/Fields"): ArrayObject([w._add_object(field)])}
    )


def _pdf_alternative(w: PdfWriter) -> None:
    page = w.pages[0]
    data = w.pages[0]["/Contents"].get_object().get_data() + f"\n/Span <</ActualText ({CANARY})>> BDC EMC".encode()
    page[NameObject("/Contents")] = w._add_object(_stream(data))


def _pdf_content_comment(w: PdfWriter) -> None:
    page = w.pages[0]
    page[NameObject("/Contents")] = w._add_object(
        _stream(w.pages[0]["/Contents"].get_object().get_data() + f"\n% {CANARY}\n".encode())
    )


def _pdf_xmp(w: PdfWriter) -> None:
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d xmlns="http://purl.org/dc/elements/1.1/">{CANARY}</d></x:xmpmeta>'
    w._root_object[NameObject("/Metadata")] = w._add_object(_stream(xmp.encode(), Type="Metadata", Subtype="XML"))


def _letters(letters: str, at: Callable[[int], tuple[float, float]]) -> bytes:
    """A page whose letters are placed one by one, in any order."""

    def edit(w: PdfWriter) -> None:
        page = w.pages[0]
        order = sorted(range(len(letters)), key=lambda i: (i * 7) % len(letters))
        shows = "".join("BT /F1 12 Tf 1 0 0 1 {} {} Tm ({}) Tj ET\n".format(*at(i), letters[i]) for i in order)
        page[NameObject("/Contents")] = w._add_object(_stream(shows.encode()))

    return pdf(edit=edit)


PDF: Mapping[str, Callable[[], bytes]] = {
    "page": lambda: pdf(f"Write to {CANARY}."),
    "title": lambda: pdf(edit=lambda w: w.add_metadata({"/Title": CANARY})),
    "own metadata": lambda: pdf(edit=lambda w: w.add_metadata({"/Kunde": CANARY})),
    "outline": lambda: pdf(edit=lambda w: w.add_outline_item(title=CANARY, page_number=0) and None),
    "annotation": lambda: pdf(edit=lambda w: w.add_annotation(0, Text(rect=(1, 1, 9, 9), text=CANARY)) and None),
    "free text": lambda: pdf(edit=lambda w: w.add_annotation(0, FreeText(rect=(1, 1, 9, 9), text=CANARY)) and None),
    "form field": lambda: pdf(edit=_pdf_field),
    "script": lambda: pdf(edit=lambda w: w.add_open_action(JavaScript(f"app.alert('{CANARY}')"))),
    "attachment": lambda: pdf(edit=lambda w: w.add_attachment("x.txt", f"mail {CANARY}".encode()) and None),
    "attached file's name": lambda: pdf(edit=lambda w: w.add_attachment(CANARY, b"x") and None),
    "figure that no page shows": lambda: pdf(edit=_pdf_form),
    "alternative text": lambda: pdf(edit=_pdf_alternative),
    "comment in a page": lambda: pdf(edit=_pdf_content_comment),
    "XMP": lambda: pdf(edit=_pdf_xmp),
    "comment in the file": lambda: pdf() + f"\n% {CANARY}\n".encode(),
    "letters out of order": lambda: _letters(CANARY, lambda i: (50 + 7.2 * i, 700)),
}


# -- e-mail -----------------------------------------------------------------------------------------------------------


def _attach(content: bytes, kind: str, name: str) -> Callable[[EmailMessage], None]:
    main, _, sub = kind.partition("/")
    return lambda m: m.add_attachment(content, maintype=main, subtype=sub, filename=name)


def _message_inside(m: EmailMessage) -> None:
    inner = EmailMessage()
    inner["Subject"] = CANARY
    inner.set_content("x")
    m.add_attachment(inner)


MAIL: Mapping[str, Callable[[], bytes]] = {
    "body": lambda: mail(f"Write to {CANARY}."),
    "base64 body": lambda: mail(edit=lambda m: m.set_content(f"Größe {CANARY}", cte="base64")),
    "quoted-printable body": lambda: mail(edit=lambda m: m.set_content("ä" * 30 + CANARY, cte="quoted-printable")),
    "sender": lambda: mail(edit=lambda m: m.__setitem__("From", CANARY)),
    "unknown header": lambda: mail(edit=lambda m: m.__setitem__("X-Note", CANARY)),
    "encoded subject": lambda: mail().replace(
        b"The meeting", b"=?utf-8?b?" + base64.b64encode(CANARY.encode()) + b"?="),
    "HTML alternative": lambda: mail(
        edit=lambda m: m.add_alternative("<p>jane.<b>roe</b>@example.com</p>", subtype="html")),
    "attached text": lambda: mail(edit=_attach(CANARY.encode(), "text/plain", "a.txt")),
    "attached document": lambda: mail(edit=_attach(word(CANARY), TYPES["docx"], "a.docx")),
    "attached PDF of no type": lambda: mail(edit=_attach(pdf(CANARY), "application/octet-stream", "a.pdf")),
    "attached file's name": lambda: mail(edit=_attach(b"x", "text/plain", f"{CANARY}.txt")),
    "message in a message": lambda: mail(edit=_message_inside),
    "before the first part": lambda: mail(edit=_attach(b"x", "text/plain", "a.txt")).replace(
        b"\n\n--", f"\n\n{CANARY}\n--".encode(), 1),
    "after the last part": lambda: mail(edit=_attach(b"x", "text/plain", "a.txt")) + f"\n{CANARY}\n".encode(),
}  # fmt: skip


# -- HTML, JSON, plain ------------------------------------------------------------------------------------------------

HTML: Mapping[str, Callable[[], bytes]] = {
    "text": lambda: f"<html><p>{CANARY}</p></html>".encode(),
    "inline elements": lambda: b"<html><p>jane.<b>roe</b>@<i>exam</i>ple.com</p></html>",
    "around a comment": lambda: b"<html><p>jane.roe@<!-- zz -->example.com</p></html>",
    "entities": lambda: b"<html><p>jane.roe&#64;example&period;com</p></html>",
    "comment": lambda: f"<html><!-- {CANARY} --></html>".encode(),
    "open comment": lambda: f"<html><!-- {CANARY}".encode(),
    "script": lambda: f"<html><script>var a = '{CANARY}' < 3</script></html>".encode(),
    "style": lambda: f"<html><style>p:after {{content: '{CANARY}'}}</style></html>".encode(),
    "attribute": lambda: f"<html><p title='x {CANARY}'>a</p></html>".encode(),
    "unknown attribute": lambda: f"<html><p x-y={CANARY}>a</p></html>".encode(),
    "entity in an attribute": lambda: b"<html><p title='jane.roe&#64;example.com'>a</p></html>",
    "link": lambda: f"<html><a href='mailto:{CANARY}'>a</a></html>".encode(),
    "meta": lambda: f"<html><meta name=author content='{CANARY}'></html>".encode(),
    "open tag": lambda: f"<html><p>a</p><p title='{CANARY}".encode(),
    "declaration": lambda: f"<!doctype html><html><!ELEMENT {CANARY}></html>".encode(),
    "UTF-16": lambda: f"<html><p>{CANARY}</p></html>".encode("utf-16"),
}

OTHER: Mapping[str, Callable[[], bytes]] = {
    "txt": lambda: f"see {CANARY}".encode(),
    "csv": lambda: f"name,mail\nJane,{CANARY}\n".encode(),
    "md": lambda: f"# Title\n\n*see* {CANARY}\n".encode(),
    "json": lambda: b'{"a": {"mail": "jane.roe\\u0040example.com"}}',
}

PLACES: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "docx": WORD, "xlsx": EXCEL, "pptx": POWERPOINT, "pdf": PDF, "eml": MAIL, "html": HTML,
}  # fmt: skip
BENIGN: Mapping[str, Callable[[], bytes]] = {
    "docx": word, "xlsx": excel, "pptx": slides, "pdf": pdf, "eml": mail,
    "html": lambda: b"<!doctype html><html><title>Garden</title><p>The meeting is on Monday.</p></html>",
    "json": lambda: b'{"colour": "green", "count": 3}', "csv": lambda: b"colour,count\ngreen,3\n",
    "md": lambda: b"# Garden\n\nThe meeting is on *Monday*.\n", "txt": lambda: b"The meeting is on Monday.\n",
}  # fmt: skip


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def bomb(size: int) -> bytes:
    """A package whose one part unpacks to ``size`` zeros."""
    return repack(word(), lambda p: p.__setitem__("word/big.xml", b"\0" * size))


def inflating_pdf(size: int) -> bytes:
    return pdf(edit=lambda w: w._add_object(_stream(b" " * size).flate_encode()) and None)


__all__ = ["BENIGN", "CANARY", "OTHER", "PLACES", "TYPES", "OxmlElement", "bomb", "data_uri", "dt", "excel",
           "inflating_pdf", "mail", "pdf", "picture", "qn", "repack", "slides", "word", "zlib"]  # fmt: skip
