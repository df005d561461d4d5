"""POST /v1/chat/completions: the parts of the dialect put together.

Reading is in ``openai_request`` and ``openai_tools``, answers in ``openai_answer`` and ``openai_stream``. Nothing here
decides, sends or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.dialects import json_text
from proxy.dialects.base import Parsed, RestorerFactory
from proxy.dialects.json_text import MAX_DEPTH
from proxy.dialects.openai_answers import error_body, restore_answer
from proxy.dialects.openai_request import Request, file_place
from proxy.dialects.openai_stream import ChatStream
from proxy.dialects.walk import render
from proxy.errors import SealgateError


class OpenAIChat:
    """The dialect of /v1/chat/completions. ``max_depth``: levels of nesting a request may have."""

    name = "openai.chat"
    error_event = ""
    opaque = False

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest, with the pointer of the field where there is one."""
        tree = json_text.parse(body, max_depth=self._max_depth)
        request = Request(tree)
        walk = request.walk
        return Parsed(
            dialect=self.name,
            model=tree["model"],
            stream=tree.get("stream") is True,
            body=body,
            tree=tree,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            content=frozenset(walk.content),
            tools=frozenset(walk.tools),
            reaches=frozenset(walk.reaches),
            references=tuple(walk.references),
            said=tuple(request.said),
            first_user=request.first_user or "",
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """Another model alone changes the bytes of its name only. Raises Untransformable."""
        return render(parsed, edits, model, file_place)

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no chat completion (broken JSON, an error object)."""
        return restore_answer(body, restorers)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> ChatStream:
        """Its ``feed`` raises UpstreamError when a line or event of the upstream is too long to be buffered."""
        return ChatStream(restorers, trailer)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """OpenAI's error object, with ``request_id`` beside its usual members."""
        return error_body(error, request_id)
