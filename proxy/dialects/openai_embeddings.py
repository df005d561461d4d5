"""POST /v1/embeddings. Stand-ins are the same in every conversation of the app: equal texts stay near each other.

Answers are arrays of numbers and pass unread: only their usage is looked for. Nothing here decides, sends or logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from proxy.dialects.base import RestorerFactory
from proxy.dialects.fields import Fields
from proxy.dialects.openai_plain import OpenAIPlain
from proxy.dialects.openai_tools import bad

FORMATS = frozenset({"float", "base64"})
EDGE = 64 * 1024
"""Bytes at either end of an answer in which its usage stands; between them are the numbers."""
_USAGE = re.compile(rb'"usage"\s*:\s*\{[^{}]{0,4096}?"prompt_tokens"\s*:\s*([0-9]{1,15})')


class OpenAIEmbeddings(OpenAIPlain):
    """The dialect of /v1/embeddings."""

    name = "openai.embeddings"
    scope = "app"

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        if tree.get("input") is None:
            raise bad("/input", "a string, a list of strings, or token ids", code="missing_input")
        table = fields.table(("dimensions",), (), {"encoding_format": FORMATS, "user": frozenset()})
        fields.walk.fields("", "other", tree, table | {"input": fields.texts})
        return ""

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The very bytes; no tree of millions of numbers is made. Raises ValueError for what cannot be an answer."""
        if not body.lstrip()[:1] == b"{" or not body.rstrip()[-1:] == b"}" or b'"data"' not in body:
            raise ValueError("the answer holds no embeddings")
        found = _USAGE.search(body, max(0, len(body) - EDGE)) or _USAGE.search(body, 0, EDGE)
        return body, {"tokens_in": int(found[1])} if found else {}
