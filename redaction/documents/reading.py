"""The entry: what is it, who reads it, and what came of it. Pure: no file, no network, no clock, no process.

Whatever goes wrong makes a document incomplete, never clean and never an exception.
"""

from __future__ import annotations

from email.message import Message

from redaction.documents import sniff
from redaction.documents.html import read_html
from redaction.documents.mail import read_mail
from redaction.documents.office import read_office
from redaction.documents.text import decode, printable, read_json, read_text
from redaction.documents.types import Document, Limits, Reading, Unreadable
from redaction.documents.xml import read_xml


def read(data: bytes, media_type: str, name: str, limits: Limits) -> Document:
    """All text of a document, or as much of it as can be read.

    ``media_type`` and ``name`` are claims: the bytes decide. Never raises for a document.
    """
    reading = Reading(limits)
    kind = _read(data, media_type, name, reading)
    reason = reading.reasons[0] if reading.reasons else None
    return Document(tuple(reading.pieces), kind, reason is None, reason)


def _read(data: bytes, media_type: str, name: str, reading: Reading) -> str:
    kind = sniff.binary(data) or "text"
    try:
        if len(data) > reading.limits.bytes:
            raise Unreadable("budget")
        kind = _dispatch(data, media_type, name, reading)
        if sniff.mismatch(kind, media_type, name):
            reading.missing("mismatch")
    except Unreadable as e:
        reading.missing(e.reason)
    except (MemoryError, RecursionError):
        reading.missing("budget")
    except Exception as e:  # whatever a parser raises makes the document incomplete, stricter than raising
        reading.missing(f"error:{type(e).__name__}")
    return kind


def _dispatch(data: bytes, media_type: str, name: str, reading: Reading) -> str:
    kind = sniff.binary(data)
    if sniff.polyglot(data, kind or "text"):
        reading.missing("polyglot")

    def nested(content: bytes, media_type: str, name: str) -> None:
        _nested(content, media_type, name, reading)

    if kind == "pdf":
        from redaction.documents.pdf import read_pdf

        read_pdf(data, reading, nested)
        return kind
    if kind == sniff.PACKAGE:
        return read_office(data, reading, nested)
    if kind is not None:
        encrypted = kind == "legacy_office" and "EncryptedPackage".encode("utf-16-le") in data
        reading.missing("encrypted" if encrypted else kind)
        reading.technical(printable(data) if kind == "rtf" else "")
        return kind
    return _textual(data, media_type, name, reading, nested)


def _textual(data: bytes, media_type: str, name: str, reading: Reading, nested: object) -> str:
    text = decode(data, _charset(media_type), reading)
    if "control" in reading.reasons and "\x00" in text:
        raise Unreadable("binary")
    kind = sniff.textual(text, media_type, name)
    if kind == "mail":
        read_mail(data, reading, lambda content, type_, name_: _nested(content, type_, name_, reading))
    elif kind == "html":
        read_html(text, reading)
    elif kind == "json":
        read_json(text, reading)
    elif kind == "xml":
        read_xml(data, text, reading)
    else:
        read_text(text, reading)
    return kind


def _charset(media_type: str) -> str | None:
    if "charset" not in media_type.lower():
        return None
    message = Message()
    message["Content-Type"] = media_type
    charset = message.get_param("charset")
    return charset if isinstance(charset, str) else "unknown"


def _nested(data: bytes, media_type: str, name: str, reading: Reading) -> None:
    """A document inside a document: part of the same reading."""
    if not data:
        return
    reading.part()
    reading.level += 1
    try:
        if reading.level > reading.limits.nested:
            raise Unreadable("nested")
        reading.technical(name)
        kind = _dispatch(data, media_type, name, reading)
        if sniff.mismatch(kind, media_type, name):
            reading.missing("mismatch")
    except Unreadable as e:
        if e.reason == "budget":
            raise
        reading.missing(e.reason)
    finally:
        reading.level -= 1
