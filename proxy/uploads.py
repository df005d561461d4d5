"""An upload as it arrives: the form read strictly, the file into an encrypted spool, and how what it holds is read.

By its name and its bytes together: lines of a batch through the dialect of their path, other JSON Lines and JSON value
by value, text block by block, a document (PDF, Office, mail, HTML) as a whole by a worker; anything else is
``uninspected``. Nothing here decides or sends.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from aiohttp import web

from proxy.dialects import multipart
from proxy.dialects.base import Dialect
from proxy.dialects.document_file import DocumentFile
from proxy.dialects.generic import GenericJson
from proxy.dialects.lines import Enveloped, Opaque, Text
from proxy.errors import BadRequest, RequestTimeout, TooLarge
from proxy.forms import FormReader
from proxy.pieces import Cargo
from proxy.settings import Limits
from proxy.spool import Spool

PURPOSES = frozenset({"assistants", "batch", "fine-tune", "vision", "user_data", "evals"})
FORM = {
    "purpose": re.compile(r"[a-z0-9_-]{1,32}"),
    "expires_after[anchor]": re.compile("created_at"),
    "expires_after[seconds]": re.compile("[0-9]{1,7}"),
}
"""Fields of an upload, which leave as they came: none has room for a value."""
FIELD_BYTES = 256
BLOCK_BYTES = 16_384
"""Bytes of a block of text, up to its last line end."""
HALF = BLOCK_BYTES // 2
"""Bytes of every block but the last: values are looked for across one border, so none may be between two of them."""
LINES = frozenset({".jsonl", ".ndjson"})
TEXTS = frozenset({".txt", ".md", ".csv", ".tsv", ".log", ".markdown", ".rst"})
KEPT = LINES | TEXTS | {".json", ".pdf", ".docx", ".xlsx", ".pptx", ".html", ".htm", ".xml", ".eml", ".png", ".jpg",
                        ".jpeg", ".gif", ".webp"}  # fmt: skip
"""Endings that go along, since upstreams tell kinds of files by them."""


@dataclass(slots=True)
class Form:
    """What an app uploaded. ``fields`` are checked words."""

    body: Spool
    fields: dict[str, str] = field(default_factory=dict)
    name: str = field(default="", repr=False)
    media: str = field(default="", repr=False)
    present: bool = False

    @property
    def ending(self) -> str:
        return Path(self.name).suffix.lower()


async def read_form(request: web.Request, body: Spool, limits: Limits) -> Form:
    """The multipart form, its file in ``body``. Raises BadRequest, TooLarge or RequestTimeout."""
    said = request.headers.getall("Content-Type", [])
    mark = multipart.boundary(said[0] if len(said) == 1 else "")
    if request.query_string:
        raise BadRequest("This path takes no query parameters.", code="unexpected_query")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest("Compressed uploads are not read.", code="unsupported_encoding")
    form = Form(body)
    try:
        async with asyncio.timeout(limits.upload_timeout_s):
            reader = FormReader(request.content.iter_any(), mark)
            async for part in reader.parts():
                await _part(part, reader, form, limits.file_bytes)
    except TimeoutError:
        raise RequestTimeout("The file did not arrive in time.") from None
    body.seal()
    if not form.present or form.fields.get("purpose") not in PURPOSES:
        raise BadRequest("An upload needs a file and a known purpose.", code="invalid_form")
    return form


async def _part(part: multipart.Part, reader: FormReader, form: Form, limit: int) -> None:
    if part.name == "file" and not form.present:
        form.present, form.name, form.media = True, part.filename or "upload", part.media
        async for chunk in reader.content():
            form.body.write(chunk)
            if form.body.size > limit:
                raise TooLarge(f"The file is larger than {limit} bytes.")
        return
    said, value = FORM.get(part.name), b""
    async for chunk in reader.content():
        value = value[: FIELD_BYTES + 1] + chunk  # what is cut here is too long for any field
    text = value[: FIELD_BYTES + 1].decode("ascii", "replace")
    if said is None or part.filename is not None or part.name in form.fields or not said.fullmatch(text):
        raise BadRequest("The form has a field that is not known, or of the wrong form.", code="invalid_form")
    form.fields[part.name] = text


def cargo_of(form: Form, dialects: Mapping[str, Dialect], limits: Limits) -> Cargo:
    """How a file is read, and what stands around it on the wire. Raises BadRequest."""
    body, purpose = form.body, form.fields["purpose"]
    mark = f"sealgate-{secrets.token_hex(16)}"
    reader, pieces, dialect, between = _reader(form, limits, dialects)
    return Cargo(
        pieces, dialect, multipart.header(mark), _head(form, mark, form.ending), _tail(mark), between,
        purpose == "batch", "file:unread" if reader == "opaque" else "",
        {"reader": reader, "endpoint": _endpoint(body, limits) if reader == "batch" else ""}, reader == "text",
    )  # fmt: skip


def document_of(form: Form) -> tuple[bytes, DocumentFile]:
    """A file that a worker reads as a whole: the form as it would leave, and its dialect."""
    mark = f"sealgate-{secrets.token_hex(16)}"
    head, tail = _head(form, mark, form.ending), _tail(mark)
    text_head = _head(form, mark, ".txt", "text/plain")  # never as ``head`` is: by it the guard knows what it may read
    body = head + b"".join(form.body.read()) + tail
    return body, DocumentFile(multipart.header(mark), head, text_head, tail, form.media, form.name)


def _head(form: Form, mark: str, ending: str, media: str = "application/octet-stream") -> bytes:
    fields = (f'name="{name}"\r\n\r\n{value}\r\n' for name, value in form.fields.items())
    name = f"upload{ending if ending in KEPT else ''}"
    file = f'name="file"; filename="{name}"\r\ncontent-type: {media}\r\n\r\n'
    return "".join(f"--{mark}\r\ncontent-disposition: form-data; {part}" for part in (*fields, file)).encode()


def _tail(mark: str) -> bytes:
    return f"\r\n--{mark}--\r\n".encode()


Reading = tuple[str, Callable[[], Iterator[bytes]], Dialect, bytes]


def _reader(form: Form, limits: Limits, dialects: Mapping[str, Dialect]) -> Reading:
    """(reader, pieces, their dialect, what stands between them) by purpose, ending and bytes."""
    body = form.body

    def lines() -> Iterator[bytes]:
        try:
            yield from body.lines(limits.body_bytes)
        except ValueError:
            raise TooLarge(f"A line of the file is longer than {limits.body_bytes} bytes.") from None

    if form.fields["purpose"] == "batch":
        return "batch", lines, Enveloped("body", dialects, {"method": "POST"}), b"\n"
    if form.ending in LINES:
        return "lines", lines, GenericJson(limits.json_depth), b"\n"
    if form.ending == ".json" and body.size <= limits.body_bytes:
        return "json", lambda: iter([b"".join(body.read())]), GenericJson(limits.json_depth), b""
    if form.ending in TEXTS and _is_text(body):
        return "text", lambda: blocks(body), Text(), b""
    return "opaque", body.read, Opaque(), b""


def _is_text(body: Spool) -> bool:
    """UTF-8 without a byte order mark and without control characters that only binary formats have."""
    try:
        for number, block in enumerate(blocks(body)):
            text = block.decode("utf-8")
            if "\0" in text or (number == 0 and text.startswith(("\ufeff", "%PDF"))):
                return False
    except UnicodeDecodeError:
        return False
    return True


def blocks(body: Spool) -> Iterator[bytes]:
    """A text in pieces that end where a line ends and no key goes on, or a character where a line is too long."""
    held = b""
    for chunk in body.read():
        held += chunk
        while len(held) > BLOCK_BYTES:
            at = held.rfind(b"\n", HALF, BLOCK_BYTES) + 1 or held.rfind(b" ", HALF, BLOCK_BYTES) + 1 or BLOCK_BYTES
            begun = held.rfind(b"-----BEGIN ", HALF, at)
            if begun >= 0 and held.find(b"-----END ", begun, at) < 0:  # a key has one name, at its beginning
                at = begun
            while at < len(held) and held[at] & 0xC0 == 0x80:  # not inside a character
                at += 1
            yield held[:at]
            held = held[at:]
    if held:
        yield held


def _endpoint(body: Spool, limits: Limits) -> str:
    """The path of a batch's first line; the lines themselves are held to it when they are judged."""
    try:
        first = next((line for line in body.lines(limits.body_bytes) if line.strip()), b"{}")
        url = orjson.loads(first).get("url", "")
    except (ValueError, AttributeError):
        return ""
    return url if isinstance(url, str) else ""
