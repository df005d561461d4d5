"""What OpenAI's smaller JSON endpoints share: one object in, a model name, an answer that passes unless said otherwise.

A subclass names itself and reads its fields; it overrides ``restore`` where an answer holds text. Nothing here decides,
sends or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import json_text, provider_tools
from proxy.dialects.base import Parsed, RestorerFactory, StreamRestorer
from proxy.dialects.events import TypedStream
from proxy.dialects.fields import Fields, answer_object, usage
from proxy.dialects.json_text import MAX_DEPTH
from proxy.dialects.openai_answers import error_body
from proxy.dialects.openai_tools import bad
from proxy.dialects.walk import Walk, render
from proxy.errors import SealgateError


class OpenAIPlain:
    """The frame of a dialect. ``max_depth``: levels of nesting a request may have."""

    name = ""
    error_event = ""
    opaque = False
    scope = ""
    default_model = ""
    """The model that the vendor takes where a request names none; empty where it must be named."""
    ends: frozenset[str] = frozenset()
    """Types of events that end a stream."""

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        """Walks the request; returns the text that ties stand-ins of equal requests together, or nothing."""
        raise NotImplementedError

    def _streams(self, tree: dict[str, Any]) -> bool:
        return tree.get("stream") is True

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest, with the pointer of the field where there is one."""
        tree = json_text.parse(body, max_depth=self._max_depth)
        model = tree.get("model")
        model = self.default_model if model is None else model
        if not isinstance(model, str) or not model:
            raise bad("/model", "a model name", code="missing_model")
        walk = Walk()
        first = self._read(Fields(walk), tree)
        return Parsed(
            dialect=self.name,
            model=model,
            stream=self._streams(tree),
            body=body,
            tree=tree,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            content=frozenset(walk.content),
            reaches=frozenset(walk.reaches) | provider_tools.members(tree),
            first_user=first,
            scope=self.scope,
            references=tuple(walk.references),
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """A request that named no model gets one only where it is another than the vendor's. Raises Untransformable."""
        if parsed.tree.get("model") is not None or model == parsed.model:
            return render(parsed, edits, model)
        tree = json_text.parse(render(parsed, edits, parsed.model), max_depth=self._max_depth)
        return json_text.serialize({**tree, "model": model})

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The answer as it came, and its usage. Raises ValueError for what is no JSON object."""
        return body, usage(answer_object(body))

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return TypedStream(restorers, trailer, self.ends)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """OpenAI's error object, with ``request_id`` beside its usual members."""
        return error_body(error, request_id)
