"""An upload of one document, small enough to be read as a whole: the form around it is the gate's own.

The document is one segment, which a worker reads; where it must change, policy may let its text go in its place, under
the name of a text file. Nothing here decides, sends or logs.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from proxy.attachments import DOCUMENT
from proxy.dialects.base import Parsed, Segment
from proxy.dialects.held import FILES, HeldState
from proxy.errors import BadRequest

AT = "/file"


class DocumentFile(HeldState):
    """``head`` and ``tail`` stand around the file on the wire, ``text_head`` in place of ``head`` where its text goes.
    ``media`` and ``name`` are what the app says of it; neither leaves."""

    details: Mapping[str, str] = {"reader": "document"}
    """Kept with the file."""

    def __init__(
        self, content_type: str, head: bytes, text_head: bytes, tail: bytes, media: str = "", name: str = ""
    ) -> None:
        super().__init__(FILES, "file")
        self.content_type = content_type
        self._head = head
        self._text_head = text_head
        self._tail = tail
        self._media = media
        self._name = name

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest for what is not this form."""
        head = self._head if body.startswith(self._head) else self._text_head
        if not body.startswith(head) or not body.endswith(self._tail):
            raise BadRequest("This is not the form of a file.", code="invalid_form")
        content = body[len(head) : len(body) - len(self._tail)]
        if head is self._head:
            text = base64.b64encode(content).decode("ascii")
            segment = Segment(AT, "user", text, DOCUMENT, self._media, self._name)
        else:
            segment = Segment(AT, "user", content.decode("utf-8"))
        return Parsed(
            FILES, "", stream=False, body=body, tree=None, segments=(segment,), content=frozenset({"file"}), scope="app"
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        text = edits.get((AT, DOCUMENT))
        return parsed.body if text is None else self._text_head + text.encode() + self._tail
