"""POST /v1/images/generations. A revised prompt is restored; images and their addresses pass untouched.

Nothing here decides, sends or logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.base import RestorerFactory
from proxy.dialects.fields import Fields, answer_object, usage
from proxy.dialects.openai_answers import TEXT, put
from proxy.dialects.openai_plain import OpenAIPlain
from proxy.dialects.openai_tools import as_object, as_text, bad

NUMBERS = ("n", "output_compression", "partial_images", "frame_count", "frame_duration_ms")
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
WORDS: Mapping[str, frozenset[str]] = {
    "background": frozenset({"transparent", "opaque", "auto"}),
    "complexity": frozenset({"low", "medium", "high"}),
    "input_fidelity": frozenset({"low", "high"}),
    "moderation": frozenset({"low", "auto"}),
    "output_format": frozenset({"png", "webp", "jpeg", "gif", "svg"}),
    "quality": frozenset({"low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"}),
    "response_format": frozenset({"url", "b64_json"}),
    "size": frozenset(
        {"auto", "1024x1024", "1536x1024", "1024x1536", "256x256", "512x512", "1792x1024", "1024x1792"}
    ),
    "style": frozenset({"vivid", "natural"}),
    "safety_identifier": frozenset(), "user": frozenset(),
}  # fmt: skip
ENDS = frozenset({"image_generation.completed", "image_edit.completed"})


class OpenAIImages(OpenAIPlain):
    """The dialect of /v1/images/generations."""

    name = "openai.images"
    ends = ENDS

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        prompt = tree.get("prompt")
        if prompt is None:
            raise bad("/prompt", "a string", code="missing_input")
        efforts = fields.words(EFFORTS)

        def svg(at: str, node: Any) -> None:
            inner = {"model": None, "reasoning": lambda p, v: _object(fields, p, v, {"effort": efforts})}
            _object(fields, at, node, inner)

        table = fields.table(NUMBERS, ("stream",), WORDS)
        fields.walk.fields("", "other", tree, table | {"prompt": fields.text("user"), "svg": svg})
        return as_text("/prompt", prompt)

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no JSON object."""
        return restore_images(body, restorers)


def _object(fields: Fields, at: str, node: Any, known: Mapping[str, Any]) -> None:
    if node is not None:
        fields.walk.fields(at, "other", as_object(at, node), known)


def restore_images(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """An answer with images: of generations, edits or variations. Raises ValueError for what is none."""
    tree = answer_object(body)
    images = tree.get("data")
    if not isinstance(images, list):
        raise ValueError("the answer holds no images")
    changed = False
    for image in images:
        changed |= isinstance(image, dict) and put(image, "revised_prompt", restorers, TEXT)
    return json_text.serialize(tree) if changed else body, usage(tree)
