"""Requests about what an upstream holds (files, batches): by id, with a JSON object as the answer, or with a download.

The path names the state, so the parsed request carries it as a reference. Nothing here decides, sends or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.anthropic_answers import error_body as anthropic_error
from proxy.dialects.base import Parsed, Reference, RestorerFactory, StreamRestorer
from proxy.dialects.json_text import MAX_DEPTH, InvalidJson
from proxy.dialects.lines import any_json, few
from proxy.dialects.openai_answers import error_body as openai_error
from proxy.dialects.walk import Walk, render
from proxy.errors import BadRequest, SealgateError

FILES = "openai.files"
BATCHES = "openai.batches"
MESSAGE_BATCHES = "anthropic.batches"
MADE: Mapping[str, str] = {
    "output_file_id": "file", "error_file_id": "file", "result_files": "file",
}  # fmt: skip
"""Members of an answer that name further state, and its kind."""


class HeldState:
    """A request without a body, or with a JSON object of few fields, that answers with a JSON object of ``kind``.

    ``id`` is what the path names. ``used``: whether the upstream works on it again.
    """

    error_event = ""
    opaque = False

    def __init__(self, name: str, kind: str, id: str = "", *, used: bool = False) -> None:
        self.name = name
        self._kind = kind
        self._references = (Reference(kind, id, used=used),) if id else ()

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest. Every string of a body is a segment, but those that name state."""
        tree = json_text.parse(body, max_depth=MAX_DEPTH) if body else {}
        references, walk = list(self._references), Walk()
        for key, value in tree.items():
            if key == "input_file_id":
                references += [Reference("file", value)] if isinstance(value, str) and value else []
            elif key == "completion_window" and value == "24h":
                continue
            else:
                walk.member("", "other", key, value) if key not in FIELDS else walk.free(f"/{key}", "other", value)
        if body and not references:
            raise BadRequest("/input_file_id must be the id of a file.")
        return Parsed(
            dialect=self.name, model="", stream=False, body=body, tree=tree, segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected), references=tuple(references), scope="app",
        )  # fmt: skip

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        return render(parsed, edits, "")

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no object with an id. Reports the state that the answer names."""
        try:
            tree = json_text.loads_answer(json_text.decode(body))
        except InvalidJson:
            raise ValueError("the answer is not JSON") from None
        if not isinstance(tree, dict) or not isinstance(tree.get("id"), str):
            raise ValueError("the answer names nothing")
        if tree.get("deleted") is not True and tree.get("type") != "message_batch_deleted":
            restorers.created(self._kind, tree["id"])
        for member, kind in MADE.items():
            for id in _ids(tree.get(member)):
                restorers.created(kind, id)
        narrow = few(body, restorers)
        return (any_json(body, narrow) if narrow is not None else body), {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        raise AssertionError("a JSON answer is no stream")

    def error(self, error: SealgateError, request_id: str) -> bytes:
        made = anthropic_error if self.name == MESSAGE_BATCHES else openai_error
        return made(error, request_id)


FIELDS = frozenset({"endpoint", "completion_window", "metadata", "output_expires_after"})


def _ids(value: Any) -> list[str]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


class Download(HeldState):
    """A file's content. ``back`` makes what restores it."""

    flowing = True
    """Its answer is handed on as it comes, whatever its content type."""

    def __init__(self, name: str, kind: str, id: str, back: Callable[[RestorerFactory], StreamRestorer]) -> None:
        super().__init__(name, kind, id)
        self._back = back

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        return body, {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return self._back(restorers)
