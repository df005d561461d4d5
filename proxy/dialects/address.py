"""The path and the query of a request to any HTTP API, as segments: values hide there as well as in bodies. Pure.

Both are taken apart, percent-decoded strictly, and written again; a path segment or a query member that is not changed
keeps its own bytes. ``.`` and ``..``, empty segments, encoded slashes and control characters are refused: two readers
would disagree about them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from proxy.dialects.base import Segment, Untransformable
from proxy.errors import BadRequest

MAX_PARTS = 512
_RAW_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_RAW_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$'()*+,;:@/?=&-]|%[0-9A-Fa-f]{2})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAFE = "-._~"


@dataclass(frozen=True, slots=True)
class Address:
    """``path`` has a leading slash; both are as they came, percent-encoded."""

    path: str = field(repr=False)
    query: str = field(repr=False)
    media: str = field(default="", repr=False)
    """The media type of the body, where it is none of the usual ones: it travels on as it came, or not at all."""

    def segments(self) -> list[Segment]:
        """Each part of the path, each name and value of the query. Raises BadRequest."""
        if not _RAW_PATH.fullmatch(self.path) or not _RAW_QUERY.fullmatch(self.query):
            raise _bad()
        parts = [_decoded(p, plus=False) for p in self.path[1:].split("/")]
        if any(p in {".", ".."} or "/" in p or "\\" in p for p in parts):
            raise _bad()
        members = self.query.split("&") if self.query else []
        if len(parts) + len(members) > MAX_PARTS:
            raise _bad()
        out = [Segment(f"/{i}", "other", part, "path") for i, part in enumerate(parts)]
        for i, member in enumerate(members):
            name, _, value = member.partition("=")
            for kind, raw in (("query_name", name), ("query", value)):
                if text := _decoded(raw, plus=True):
                    out.append(Segment(f"/{i}", "other", text, kind))
        if self.media:
            out.append(Segment("/media", "other", self.media, "header"))
        return out

    def render(self, edits: Mapping[tuple[str, str], str]) -> Address:
        """With ``edits`` ((pointer, kind) -> new text); unchanged parts keep their bytes.

        Raises Untransformable for the type of the body.
        """
        if ("/media", "header") in edits:
            raise Untransformable
        parts = self.path[1:].split("/")
        path = "/".join(_part(edits, i, "path", raw) for i, raw in enumerate(parts))
        return Address(
            f"/{path}", "&".join(self._member(edits, i, raw) for i, raw in enumerate(self.query.split("&"))), self.media
        )

    def _member(self, edits: Mapping[tuple[str, str], str], i: int, raw: str) -> str:
        name, equals, value = raw.partition("=")
        return _part(edits, i, "query_name", name) + equals + _part(edits, i, "query", value)


KINDS = frozenset({"header", "path", "query", "query_name"})
"""Kinds of segments that stand in an address."""


def _part(edits: Mapping[tuple[str, str], str], i: int, kind: str, raw: str) -> str:
    new = edits.get((f"/{i}", kind))
    return raw if new is None else quote(new, safe=_SAFE)


def _decoded(raw: str, *, plus: bool) -> str:
    try:
        text = unquote_to_bytes(raw.replace("+", " ") if plus else raw).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad() from None
    if _CONTROL.search(text):
        raise _bad()
    return text


def _bad() -> BadRequest:
    return BadRequest("The path or query of this request is not one that every reader reads alike.", code="bad_address")
