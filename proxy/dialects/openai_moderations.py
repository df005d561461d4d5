"""POST /v1/moderations. Answers hold categories and scores only and pass. Nothing here decides, sends or logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects.base import RestorerFactory
from proxy.dialects.fields import Fields, answer_object, first_text, parts, usage
from proxy.dialects.openai_plain import OpenAIPlain
from proxy.dialects.openai_tools import as_text, bad

PART_WORDS = frozenset({"type", "image_url", "url"})


class OpenAIModerations(OpenAIPlain):
    """The dialect of /v1/moderations."""

    name = "openai.moderations"
    default_model = "omni-moderation-latest"

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        def read(at: str, node: Any) -> None:
            if isinstance(node, str) or (isinstance(node, list) and all(isinstance(item, str) for item in node)):
                fields.texts(at, node)
                return
            for below, part, kind in parts(at, node):
                _part(fields, below, part, kind)

        if tree.get("input") is None:
            raise bad("/input", "a string, a list of strings or of parts", code="missing_input")
        fields.walk.fields("", "other", tree, fields.table() | {"input": read})
        return first_text(tree["input"])

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no moderation."""
        tree = answer_object(body)
        if not isinstance(tree.get("results"), list):
            raise ValueError("the answer is no moderation")
        return body, usage(tree)


def _part(fields: Fields, at: str, part: dict[str, Any], kind: str) -> None:
    if kind == "text":
        as_text(f"{at}/text", part.get("text"))
        fields.walk.fields(at, "user", part, {"type": lambda p, v: None, "text": fields.text("user")})
    else:
        fields.opaque("image" if kind == "image_url" else "unknown", at, part, PART_WORDS)
