"""Ollama's own API (/api/chat, /api/generate, /api/embed): the parts put together. Nothing here decides, sends or logs.

Answers are streams unless ``stream`` is false. A stream is a JSON object per line (application/x-ndjson).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proxy.dialects import json_text, walk
from proxy.dialects.base import Parsed, RestorerFactory
from proxy.dialects.json_text import MAX_DEPTH, Number
from proxy.dialects.ollama_answers import LineStream, error_body, restore_answer
from proxy.dialects.ollama_request import Request
from proxy.errors import SealgateError


class OllamaChat:
    """The dialect of /api/chat. ``max_depth``: levels of nesting a request may have."""

    name = "ollama.chat"
    error_event = ""
    opaque = False
    scope = ""
    streams = True
    """Whether an answer is a stream when the request does not say."""

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth

    def _read(self, request: Request) -> None:
        request.chat()

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest, with the pointer of the field where there is one."""
        tree = json_text.parse(body, max_depth=self._max_depth)
        request = Request(tree)
        self._read(request)
        walk = request.walk
        return Parsed(
            dialect=self.name,
            model=tree["model"],
            stream=self.streams and tree.get("stream") is not False,
            body=body,
            tree=tree,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            content=frozenset(walk.content),
            tools=frozenset(walk.tools),
            first_user=request.first_user or "",
            scope=self.scope,
            said=tuple(request.said),
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """Another model alone changes the bytes of its name only. Raises Untransformable."""
        return walk.render(parsed, edits, model)

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no answer (broken JSON, an error object)."""
        return restore_answer(body, restorers)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> LineStream:
        """Its ``feed`` raises UpstreamError when a line is too long to be buffered. ``trailer`` is never asked."""
        return LineStream(restorers)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """Ollama's error object, with ``code`` and ``request_id``. With a newline it is a line of a stream."""
        return error_body(error, request_id)


class OllamaGenerate(OllamaChat):
    """The dialect of /api/generate."""

    name = "ollama.generate"

    def _read(self, request: Request) -> None:
        request.generate()


class OllamaEmbed(OllamaChat):
    """The dialect of /api/embed."""

    name = "ollama.embed"
    scope = "app"
    streams = False

    def _read(self, request: Request) -> None:
        request.embed()


_DETAILS = {"parent_model": "", "format": "", "family": "", "families": [], "parameter_size": "",
            "quantization_level": ""}  # fmt: skip


def shown() -> bytes:
    """The answer of POST /api/show for a configured model, of which the gate knows its name only."""
    made = {"license": "", "modelfile": "", "parameters": "", "template": "", "details": _DETAILS, "model_info": {},
            "capabilities": ["completion", "tools"], "modified_at": "1970-01-01T00:00:00Z"}  # fmt: skip
    return json_text.serialize(made)


def tags(names: Sequence[str]) -> bytes:
    """The answer of GET /api/tags: the configured models. What the gate does not know of them is empty."""
    models = [
        {"name": name, "model": name, "modified_at": "1970-01-01T00:00:00Z", "size": Number("0"), "digest": "",
         "details": _DETAILS}
        for name in names
    ]  # fmt: skip
    return json_text.serialize({"models": models})
