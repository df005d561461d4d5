"""What a document is: its first bytes say so, whatever its media type and name claim. Pure.

A claim that the bytes contradict is a mismatch: who sends it may be read in a way that nobody here foresaw.
"""

from __future__ import annotations

import re

PACKAGE = "package"
"""An Office document; which one, its content types say."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", PACKAGE),
    (b"PK\x05\x06", PACKAGE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "legacy_office"),
    (b"{\\rtf", "rtf"),
    (b"%!PS", "postscript"),
    (b"\x89PNG", "image"), (b"\xff\xd8\xff", "image"), (b"GIF8", "image"), (b"BM", "image"), (b"II*\0", "image"),
    (b"MM\0*", "image"), (b"RIFF", "media"), (b"ID3", "media"), (b"OggS", "media"), (b"fLaC", "media"),
    (b"\x1f\x8b", "archive"), (b"BZh", "archive"), (b"\xfd7zXZ\0", "archive"), (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"), (b"\x28\xb5\x2f\xfd", "archive"), (b"SQLite format 3\0", "binary"),
)  # fmt: skip

_TYPES = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/html": "html", "application/xhtml+xml": "html", "application/json": "json", "text/json": "json",
    "application/xml": "xml", "text/xml": "xml", "message/rfc822": "mail",
}  # fmt: skip
_ENDINGS = {
    "pdf": "pdf", "docx": "docx", "xlsx": "xlsx", "pptx": "pptx", "html": "html", "htm": "html", "xhtml": "html",
    "json": "json", "xml": "xml", "eml": "mail", "txt": "text", "md": "text", "csv": "text", "tsv": "text",
}  # fmt: skip
_NEUTRAL = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-unknown"})
BINARY = frozenset({"pdf", "docx", "xlsx", "pptx"})

_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|script|style|title|p|div|span|a|table|br|img|h[1-6])[\s/>]", re.I
)
_MAIL = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)+\r?\n")
_MAIL_FIELDS = re.compile(r"^(?:MIME-Version|Received|Message-ID|Return-Path|Content-Transfer-Encoding):", re.I | re.M)
HEAD = 65_536
"""Characters at the beginning that are looked at."""


def binary(data: bytes) -> str | None:
    """The kind that the first bytes prove, or None for what may be text."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[4:8] == b"ftyp":
        return "media"
    return None


def polyglot(data: bytes, kind: str) -> bool:
    """Whether some reader would take the same bytes for another format."""
    other_zip = kind != PACKAGE and b"PK\x05\x06" in data[-66_000:]
    other_pdf = b"%PDF-" in data[1 if kind == "pdf" else 0 : 1024]
    return other_zip or other_pdf


def textual(text: str, media_type: str, name: str) -> str:
    """``mail``, ``html``, ``json``, ``xml`` or ``text``: what the text looks like, else what it is said to be."""
    start = text.lstrip("\ufeff \t\r\n")
    head = start[:HEAD]
    headers = _MAIL.match(head)
    if headers and _MAIL_FIELDS.search(headers[0]):
        return "mail"
    said = claimed(media_type, name)
    if said in {"mail", "html", "json", "xml"}:
        return said
    if head.startswith("<?xml") or head[:4].lower() == "<svg":
        return "xml"
    if _HTML.search(head):
        return "html" if head.startswith("<") else "text"
    if head[:1] in {"{", "["}:
        return "json"
    return "text"


def claimed(media_type: str, name: str) -> str | None:
    """The kind that a media type, else a name, claims; None for neither."""
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type not in _NEUTRAL:
        known = _TYPES.get(media_type)
        if known or media_type.startswith("text/"):
            return known or "text"
        if media_type.endswith(("+json", "+xml")):
            return media_type[-4:].strip("+")
        return "other"
    return _ENDINGS.get(name.rpartition(".")[2].lower()) if "." in name else None


def mismatch(kind: str, media_type: str, name: str) -> bool:
    """Whether media type or name claim something that the bytes are not. All kinds of text pass for each other."""
    for said in (claimed(media_type, ""), claimed("", name)):
        if said is None:
            continue
        if said == "other":
            if not media_type.lower().startswith(("application/", "text/", "message/")):
                return True
        elif (said in BINARY or kind in BINARY) and said != kind:
            return True
    return False
