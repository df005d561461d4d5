""":streamGenerateContent without ``alt=sse``: one JSON array that grows element by element.

The upstream is asked for events in any case; they are restored as events, and written as elements afterwards, so that
both forms of a stream say the same. What is no JSON is no element: then the array stays open, and no reader takes a
broken stream for a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.dialects import json_text, sse
from proxy.dialects.base import RestorerFactory, StreamRestorer
from proxy.dialects.gemini import GeminiGenerate
from proxy.dialects.gemini_stream import GenerateStream
from proxy.dialects.json_text import InvalidJson


class GeminiArray(GeminiGenerate):
    """As ``GeminiGenerate``, with streams as arrays."""

    stream_type = "application/json"
    """The content type of a stream, whatever the upstream calls its own."""

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return ArrayStream(GenerateStream(restorers))


class ArrayStream:
    """Elements out of events. Every piece that it gives holds whole elements."""

    def __init__(self, stream: GenerateStream) -> None:
        self._stream = stream
        self._parser = sse.Parser()
        self._begun = False
        self._torn = False

    @property
    def usage(self) -> Mapping[str, int]:
        return self._stream.usage

    @property
    def complete(self) -> bool:
        return self._stream.complete

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when the upstream's line or event is too long to be buffered."""
        return self._elements(self._parser.feed(self._stream.feed(chunk)))

    def close(self) -> bytes:
        out = self._elements([*self._parser.feed(self._stream.close()), *self._parser.close()])
        if self._torn:
            return out
        return out + (b"\n]\n" if self._begun else b"[]\n")

    def _elements(self, events: list[sse.Event]) -> bytes:
        out = b""
        for event in events:
            if event.data is None:
                continue
            try:
                json_text.loads_answer(event.data)
            except InvalidJson:
                self._torn = True
                continue
            out += (b",\r\n" if self._begun else b"[") + event.data.encode()
            self._begun = True
        return out
