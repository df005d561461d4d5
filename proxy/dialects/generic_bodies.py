"""Bodies of any other HTTP API that are no JSON: plain text, forms, and what nobody here can read. One way, pure.

Text and forms are taken in UTF-8 only; every other charset and every other type is uninspected. Nothing is put back
into answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote_plus, unquote_to_bytes

from proxy.dialects.base import Dialect, Parsed, RestorerFactory, Segment
from proxy.dialects.generic import GenericJson, Passing
from proxy.dialects.openai_answers import error_body
from proxy.dialects.references import references
from proxy.errors import BadRequest, SealgateError

FORM = "application/x-www-form-urlencoded"
MAX_MEMBERS = 2000
TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
"""RFC 6838 §4.2, in lower case."""
USUAL = frozenset(
    {FORM, "application/json", "application/octet-stream", "application/pdf", "application/xml", "application/x-ndjson",
     "application/zip", "application/gzip", "multipart/form-data", "text/plain", "text/html", "text/csv", "text/xml",
     "text/markdown", "image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/wav", "video/mp4"}
)  # fmt: skip
"""Media types that need no look; any other is a text that the app chose."""
_FORM = re.compile(r"(?:[A-Za-z0-9*._~!$'(),;:@/?=&+-]|%[0-9A-Fa-f]{2})*")


class GenericBytes:
    """A body that nobody here can read, or an empty one. Base of the others."""

    name = "generic"
    error_event = ""
    opaque = True

    def parse(self, body: bytes) -> Parsed:
        """Never raises; a body is uninspected."""
        reasons = frozenset({"content:unknown"}) if body else frozenset[str]()
        kinds = frozenset({"unknown"}) if body else frozenset[str]()
        return Parsed(self.name, "", False, body, None, (), reasons, kinds)

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        return parsed.body

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The answer as it came."""
        return body, {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> Passing:
        """The stream as it comes."""
        return Passing()

    def error(self, error: SealgateError, request_id: str) -> bytes:
        return error_body(error, request_id)


class GenericText(GenericBytes):
    """The whole body is one text. UTF-8 without surprises, or uninspected."""

    def parse(self, body: bytes) -> Parsed:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return super().parse(body)
        segments = (Segment("", "other", text),) if text else ()
        return Parsed(self.name, "", False, body, None, segments, references=references(segments))

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        new = edits.get(("", "text"))
        return parsed.body if new is None else new.encode()


class GenericForm(GenericBytes):
    """``application/x-www-form-urlencoded``: names are keys, values are texts."""

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest for what two readers would take apart differently."""
        text = body.decode("latin-1")
        members = text.split("&") if text else []
        if not _FORM.fullmatch(text) or len(members) > MAX_MEMBERS:
            raise _bad()
        segments = []
        for i, member in enumerate(members):
            name, _, value = member.partition("=")
            for kind, raw in (("key", name), ("text", value)):
                if said := _said(raw):
                    segments.append(Segment(f"/{i}", "other", said, kind))
        return Parsed(self.name, "", False, body, members, tuple(segments), references=references(segments))

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        return "&".join([_member(raw, i, edits) for i, raw in enumerate(parsed.tree)]).encode("ascii")


def _member(raw: str, i: int, edits: Mapping[tuple[str, str], str]) -> str:
    name, equals, value = raw.partition("=")
    new_name, new_value = edits.get((f"/{i}", "key")), edits.get((f"/{i}", "text"))
    name = name if new_name is None else quote_plus(new_name)
    return name + equals + (value if new_value is None else quote_plus(new_value))


def _said(raw: str) -> str:
    try:
        return unquote_to_bytes(raw.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad() from None


def _bad() -> BadRequest:
    return BadRequest("The form in the body is not one that every reader reads alike.", code="invalid_form")


def for_type(content_type: str, max_depth: int) -> tuple[Dialect, str]:
    """The dialect for a Content-Type header, and the header that may leave. Raises BadRequest for no media type."""
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind and not TYPE.fullmatch(kind):
        raise BadRequest("The Content-Type is not a media type.", code="unsupported_content_type")
    readable = rest.strip().lower().replace('"', "").replace(" ", "") in {"", "charset=utf-8", "charset=us-ascii"}
    if kind == "application/json" or kind.endswith("+json"):
        return GenericJson(max_depth), kind
    if kind == FORM and readable:
        return GenericForm(), kind
    if kind.startswith("text/") and readable:
        return GenericText(), f"{kind}; charset=utf-8"
    return GenericBytes(), kind or "application/octet-stream"
