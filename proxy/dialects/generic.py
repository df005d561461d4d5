"""Any other JSON API, one way: every string, key and number is a segment, and nothing is put back into answers.

Who answers is not known here, so no field is exempt; a ``model`` member names the model where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from proxy.dialects import json_text, provider_tools
from proxy.dialects.base import Parsed, RestorerFactory
from proxy.dialects.json_text import MAX_DEPTH
from proxy.dialects.openai_answers import error_body
from proxy.dialects.references import references
from proxy.dialects.walk import Walk, render
from proxy.errors import BadRequest, SealgateError

T = TypeVar("T")


class GenericJson:
    """One-way walk of unknown JSON. ``max_depth``: levels of nesting a request may have; ``routed``: the ``model``
    member names a configured route (the flow checks that) and is no text."""

    name = "generic"
    error_event = ""
    opaque = True

    def __init__(self, max_depth: int = MAX_DEPTH, *, routed: bool = False) -> None:
        self._max_depth = max_depth
        self._routed = routed

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest. A document that is no object is walked as well."""
        tree = json_text.parse(body, max_depth=self._max_depth, any_top=True)
        walk = Walk()
        if self._routed and isinstance(tree, dict):
            walk.fields("", "other", tree, {"model": _model})
        else:
            walk.free("", "other", tree)
        return Parsed(
            dialect=self.name,
            model=_member(tree, "model", str, ""),
            stream=_member(tree, "stream", bool, False),
            body=body,
            tree=tree,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            references=references(walk.segments),
            reaches=provider_tools.asked(tree),
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """``model`` is set where the request names one. Raises Untransformable."""
        return render(parsed, edits, model if parsed.model else "")

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The answer as it came."""
        return body, {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> Passing:
        """The stream as it comes."""
        return Passing()

    def error(self, error: SealgateError, request_id: str) -> bytes:
        return error_body(error, request_id)


class Passing:
    """A stream that nothing is put back into. It has no end of its own, so it is complete once it was closed."""

    def __init__(self) -> None:
        self._closed = False

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def close(self) -> bytes:
        self._closed = True
        return b""

    @property
    def usage(self) -> Mapping[str, int]:
        return {}

    @property
    def complete(self) -> bool:
        return self._closed


def _model(at: str, node: Any) -> None:
    if not isinstance(node, str) or not node:
        raise BadRequest("`model` must be a model name.", code="missing_model")


def _member(tree: Any, key: str, kind: type[T], default: T) -> T:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, kind) else default
