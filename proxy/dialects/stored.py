"""What an upstream keeps of earlier answers: a response by its id, whole or as a stream once more, and the items it was
asked with.

A request here names the response and holds no content. Values of the request that made it come back as they came the
first time. Nothing here decides, sends or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from proxy.dialects import json_text, sse
from proxy.dialects.base import Parsed, RestorerFactory, StreamRestorer
from proxy.dialects.held import HeldState
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.responses_answers import Repeats, error_body, item, restore_answer
from proxy.dialects.responses_stream import ResponseStream
from proxy.errors import SealgateError

STORED = "openai.stored_responses"
"""What upstreams speak; for rules and records its requests belong to ``openai.responses``."""


class StoredResponse(HeldState):
    """A response that is fetched, cancelled or deleted. ``after`` is the number of the last event that the app has."""

    error_event = "error"

    def __init__(self, id: str = "", after: int = -1) -> None:
        super().__init__(STORED, "response", id)
        self._after = after

    def parse(self, body: bytes) -> Parsed:
        return replace(super().parse(body), dialect="openai.responses")

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is neither a response nor the word that one was deleted."""
        if b'"deleted"' in body[:256] and _object(body).get("deleted") is True:
            return body, {}
        made, _ = restore_answer(body, restorers)
        return made, {}  # its tokens were counted when it was made

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return Resumed(ResponseStream(restorers, trailer), self._after)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        return error_body(error, request_id)


class InputItems(StoredResponse):
    """A page of the items that a response was asked with."""

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no list of items."""
        tree = _object(body)
        items = tree.get("data")
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise ValueError("the answer is no list of items")
        for one in items:
            if isinstance(one.get("id"), str):
                restorers.created("item", one["id"])
        restore = Repeats(restorers)
        made = {**tree, "data": [item(one, restore) for one in items]}
        return json_text.serialize(made) if made != tree else body, {}


class Resumed:
    """A stream from behind one event on. It is restored from its beginning, since a stand-in may begin earlier, and
    since the gate's events are numbered on from those of the upstream; what the app has already is left out."""

    def __init__(self, stream: ResponseStream, after: int) -> None:
        self._stream = stream
        self._after = after
        self._parser = sse.Parser()

    @property
    def usage(self) -> Mapping[str, int]:
        return {}

    @property
    def complete(self) -> bool:
        return self._stream.complete

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when the upstream's line or event is too long to be buffered."""
        return self._later(self._stream.feed(chunk))

    def close(self) -> bytes:
        rest = self._later(self._stream.close())
        return rest + b"".join([e.raw for e in self._parser.close()])

    def _later(self, made: bytes) -> bytes:
        if self._after < 0:
            return made
        return b"".join([e.raw for e in self._parser.feed(made) if not self._had(e)])

    def _had(self, event: sse.Event) -> bool:
        try:
            tree = json_text.loads_answer(event.data) if event.data is not None else None
        except InvalidJson:
            return False
        number = tree.get("sequence_number") if isinstance(tree, dict) else None
        return isinstance(number, Number) and number.lexeme.isdigit() and int(number.lexeme[:15]) <= self._after


def _object(body: bytes) -> dict[str, object]:
    """Raises ValueError for what is no JSON object."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict):
        raise ValueError("the answer is no object")
    return tree
