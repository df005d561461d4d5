"""What a dialect is: bytes in, segments out; edits in, bytes out; answers restored whole or as a stream.

A dialect is pure. It never decides, never sends and never logs. Payload text lives in ``Parsed`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.errors import SealgateError

JOINED = "text+"
"""The place of texts of one answer that readers join, with a name behind it. Each goes on where the last one of that
name ended, so that no link is cut in two by a block, part or line that begins inside it."""

THOUGHT = "thought"
"""The place of what a model thinks: text for people, also where the answer itself is JSON."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of text in a payload.

    ``pointer`` is RFC 6901; inside a string that itself holds JSON (tool arguments) it continues after ``#``:
    ``/messages/3/tool_calls/0/function/arguments#/email``. A JSON object key has ``kind='key'`` and the pointer of
    its member. ``kind='number'`` is a number's lexeme, ``kind='opaque'`` a provider's id or signature.
    ``kind='document'`` is an attachment in base64, of which ``media_type`` and ``name`` say what the app calls it.
    ``origin`` is system, user, assistant, ``tool:NAME`` or other.
    """

    pointer: str
    origin: str
    text: str = field(repr=False)
    kind: str = "text"
    media_type: str = ""
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """State that a request names by id and an upstream holds (architecture §2): ``kind`` is ``response``, ``file``,
    ``batch``, ``container``, ``cache``, … It resolves only if this gate saw it made for the same principal. ``used`` is
    False where the upstream is only asked about it or told to drop it, so that nothing of it is worked on again."""

    kind: str
    id: str = field(repr=False)
    used: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request body that was read completely. ``uninspected`` are reasons (never text) for parts no one can read.

    ``said`` are texts of the assistant that the request holds in pieces (one segment each), put together.
    ``reaches`` names what the provider would use or fetch on its own. ``scope`` is ``app`` where stand-ins must be the
    same in every conversation of the app (embeddings, files), else empty: the policy says.
    """

    dialect: str
    model: str
    stream: bool
    body: bytes = field(repr=False)
    tree: Any = field(repr=False)
    segments: tuple[Segment, ...] = field(repr=False)
    uninspected: frozenset[str] = frozenset()
    content: frozenset[str] = frozenset({"text"})
    tools: frozenset[str] = frozenset()
    first_user: str = field(default="", repr=False)
    references: tuple[Reference, ...] = ()
    scope: str = ""
    said: tuple[str, ...] = field(default=(), repr=False)
    reaches: frozenset[str] = frozenset()


class TextRestorer(Protocol):
    """Puts real values back into one channel of text that arrives in any chunking (redaction.restore)."""

    def feed(self, chunk: str) -> str: ...

    def close(self) -> str: ...


class RestorerFactory(Protocol):
    """What a dialect tells, and asks for, while it reads an answer."""

    def __call__(self, place: str) -> TextRestorer:
        """A restorer for a place: ``text``, ``text+NAME`` (:data:`JOINED`), ``code``, ``link``, which are JSON-escaped
        where the request asks for JSON; ``text:plain`` and :data:`THOUGHT`, which are text in any case;
        ``tool_args:NAME``, always escaped, and ``tool_input:NAME``, a tool's plain text: policy calls both
        ``tool_args:NAME``. Nothing comes back into ``other`` and ``logprobs``."""
        ...

    def created(self, kind: str, id: str) -> None:
        """The answer names state that the upstream now holds (see :class:`Reference`)."""
        ...


class StreamRestorer(Protocol):
    """Restores an SSE answer chunk by chunk. ``feed`` returns the bytes that are safe to hand out now."""

    def feed(self, chunk: bytes) -> bytes: ...

    def close(self) -> bytes:
        """The rest. Whatever is still held back comes out here, before the final event where there is one."""
        ...

    @property
    def usage(self) -> Mapping[str, int]:
        """``tokens_in`` and ``tokens_out`` when the answer said them."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the stream ended the way the protocol demands (``[DONE]`` seen)."""
        ...


class Dialect(Protocol):
    """One wire API."""

    name: str
    error_event: str
    """The event name of an error inside a stream; empty for none."""
    opaque: bool
    """Whether a successful answer that is neither JSON nor a stream (audio, say) passes as it is; else it is an
    upstream error."""

    def parse(self, body: bytes) -> Parsed:
        """Reads a request. Raises BadRequest: bad UTF-8, BOM, duplicate keys, NaN, depth over limit, wrong types."""
        ...

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """The request with ``edits`` ((pointer, kind) -> new text) applied and ``model`` set.

        Types, number lexemes and key order are kept; without any change the original bytes are returned.
        Raises Untransformable when a number would have to become text.
        """
        ...

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """A complete JSON answer with values restored, and its usage. Raises ValueError if it is not readable."""
        ...

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        """A streaming answer; ``trailer()`` gives the text of an SSE comment written before the final event."""
        ...

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """The dialect's own error body, with ``code``, message and request id."""
        ...


class Untransformable(Exception):
    """A value that must not cross cannot be replaced here without changing a JSON type. Carries the pointer's depth
    only, never text."""
