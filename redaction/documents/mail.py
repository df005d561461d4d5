"""E-mail: every header, every part, and what lies between the parts. Pure; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value

from redaction.documents.text import printable
from redaction.documents.types import Reading

Nested = Callable[[bytes, str, str], None]

MAX_HEADER = 65_536
"""Bytes of one header that are decoded; a longer one is missing."""
_BARE_CR = re.compile(rb"\r(?!\n)")
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_NOT_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|\Z)")


def read_mail(data: bytes, reading: Reading, nested: Nested) -> None:
    """Reads a message; what is attached is read as a document of its own. Raises Unreadable."""
    if _BARE_CR.search(data):
        reading.missing("ambiguous")
    message = message_from_bytes(data, policy=policy.compat32)
    for part in _walk(message, reading):
        _headers(part, reading)
        if part.defects:
            reading.missing("malformed")
        for beside in (part.preamble, part.epilogue):
            if beside and beside.strip():
                reading.prose(_text(beside))
        if not part.is_multipart():
            _body(part, reading, nested)


def _walk(message: Message, reading: Reading) -> list[Message]:
    out, waiting = [], [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        reading.part()
        if depth > reading.limits.depth:
            reading.missing("depth")
            continue
        out.append(part)
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting += [(p, depth + 1) for p in reversed(payload) if isinstance(p, Message)]
    return out


def _headers(part: Message, reading: Reading) -> None:
    lines, raw = [], []
    for name, value in part.raw_items():
        source = _text(str(value))
        if len(source) > MAX_HEADER:
            reading.missing("budget")
            continue
        lines.append(f"{name}: {_decoded(source, reading)}")
        raw.append(f"{name}: {source}")
    if (filename := part.get_filename()) is not None:
        lines.append(_text(filename))
    for _, value in part.get_params(failobj=[]):
        lines.append(_text(collapse_rfc2231_value(value)))
    reading.prose("\n".join(dict.fromkeys(lines)))
    reading.technical("\n".join(raw))


def _decoded(value: str, reading: Reading) -> str:
    try:
        return _text(str(make_header(decode_header(value))))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        reading.missing("encoding")
        return value


def _text(value: str) -> str:
    """Bytes that are no ASCII arrive as surrogates; they are UTF-8 (RFC 6532) or unknown."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _body(part: Message, reading: Reading, nested: Nested) -> None:
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    source = part.get_payload()
    raw = source.encode("utf-8", "surrogateescape") if isinstance(source, str) else b""
    if encoding not in _ENCODINGS:
        reading.missing("encoding")
        reading.technical(printable(raw))
        return
    if (encoding == "base64" and _NOT_BASE64.search(raw)) or (
        encoding == "quoted-printable" and _NOT_QUOTED.search(raw)
    ):
        reading.missing("malformed")
        reading.technical(printable(raw))
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else raw
    reading.inflate(len(content))
    charset = part.get_param("charset")
    said = f"; charset={collapse_rfc2231_value(charset)}" if charset else ""
    nested(content, f"{part.get_content_type()}{said}", _text(part.get_filename() or ""))
