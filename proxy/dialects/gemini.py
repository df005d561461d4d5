"""Gemini's generateContent, countTokens and embedContent: the parts of the dialect put together.

The model stands in the path and ``:streamGenerateContent`` makes a stream, so a body says neither; a ``model`` inside a
body (embeddings) belongs to the gate and follows the path. Nothing here decides, sends or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.dialects import json_text, pointers, walk
from proxy.dialects.base import Parsed, RestorerFactory, StreamRestorer
from proxy.dialects.gemini_answers import error_body, restore_answer
from proxy.dialects.gemini_fields import camel, encoded
from proxy.dialects.gemini_request import Request
from proxy.dialects.gemini_stream import GenerateStream
from proxy.dialects.json_text import MAX_DEPTH
from proxy.errors import BadRequest, SealgateError


class GeminiGenerate:
    """The dialect of :generateContent and :streamGenerateContent. ``max_depth``: levels of nesting of a request."""

    name = "gemini.generate"
    error_event = ""
    opaque = False
    scope = ""
    holder = ""
    """The field whose objects name the model once more; empty for none."""

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth

    def _read(self, request: Request, tree: dict[str, Any]) -> None:
        request.generate(tree)

    def parse(self, body: bytes) -> Parsed:
        """``model`` is empty and ``stream`` false: the path says them. Raises BadRequest, with the field's pointer."""
        tree = json_text.parse(body, max_depth=self._max_depth)
        request = Request()
        self._read(request, tree)
        walk = request.walk
        return Parsed(
            dialect=self.name,
            model="",
            stream=False,
            body=body,
            tree=tree,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            content=frozenset(walk.content),
            tools=frozenset(walk.tools),
            first_user=request.first_user or "",
            references=tuple(walk.references),
            scope=self.scope,
            said=tuple(request.said),
            reaches=frozenset(walk.reaches),
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """``model`` replaces what a body says of the model, if it says anything. Raises Untransformable."""
        known = {(s.pointer, s.kind): s.text for s in parsed.segments}
        coded = {
            place: encoded(text) if _in_base64(parsed, place, known) else text
            for place, text in edits.items()
            if text != known.get(place)
        }
        body = walk.render(parsed, coded, parsed.model)
        wanted = f"models/{model}"
        owned = {(p, "text"): wanted for p, said in self._models(parsed.tree) if model and said not in {model, wanted}}
        return json_text.serialize(pointers.edit(json_text.parse(body), owned)) if owned else body

    def _models(self, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(pointer, value) of every ``model`` in a body."""
        if isinstance(tree.get("model"), str):
            yield "/model", tree["model"]
        for key, node in tree.items():
            if self.holder and camel(key) == self.holder:
                items = enumerate(node) if isinstance(node, list) else ((None, node),)
                for i, item in items:
                    if isinstance(item, dict) and isinstance(item.get("model"), str):
                        yield f"/{key}/model" if i is None else f"/{key}/{i}/model", item["model"]

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no answer (broken JSON, an error object)."""
        return restore_answer(body, restorers)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        """Its ``feed`` raises UpstreamError when a line or event is too long to be buffered.

        ``trailer`` is never asked: Google's own client reads a comment as broken JSON and fails.
        """
        return GenerateStream(restorers)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """Google's error object; our ``code`` and the request id stand in ``details``."""
        return error_body(error, request_id)


class GeminiCountTokens(GeminiGenerate):
    """The dialect of :countTokens."""

    name = "gemini.count_tokens"
    holder = "generateContentRequest"

    def _read(self, request: Request, tree: dict[str, Any]) -> None:
        request.count(tree)


class GeminiEmbed(GeminiGenerate):
    """The dialect of :embedContent and :batchEmbedContents."""

    name = "gemini.embed"
    scope = "app"
    holder = "requests"

    def _read(self, request: Request, tree: dict[str, Any]) -> None:
        request.embed(tree)


def check_query(query: Mapping[str, str]) -> None:
    """What stands behind ``?``: how a stream is to come, and the app's key, which the gate has read by now. Raises
    BadRequest for anything else."""
    wrong = any(query[name] not in {"json", "sse"} for name in FORMS if name in query)
    if wrong or set(query) - {"key", *FORMS}:
        raise BadRequest("This path takes no query parameter but alt and key.", code="unexpected_query")


def events_asked(query: Mapping[str, str]) -> bool:
    """Whether a stream is to come as server-sent events; else it is one JSON array."""
    return any(query.get(name) == "sse" for name in FORMS)


FORMS = ("alt", "$alt")
"""The parameter for the form of an answer, in both spellings."""


def _in_base64(parsed: Parsed, place: tuple[str, str], known: Mapping[tuple[str, str], str]) -> bool:
    """Whether a segment is the decoded text of what stands in the document."""
    pointer, kind = place
    if kind != "text" or not pointer.endswith("/data") or place not in known:
        return False
    return bool(pointers.get(parsed.tree, pointer) != known[place])
