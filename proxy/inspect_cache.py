"""What inspection remembers: spans, categories and places under keyed hashes, never a text or a value.

A key holds the tenant, the depth of the look and the digests of the detectors that looked, beside the text itself: what
one tenant sent is never known to another, also not by the time it takes. Bounded in entries and in bytes; the oldest
goes first. It may be used from several threads.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from proxy.dialects.base import Segment
from redaction.coverage import REASONS as LASTING
from redaction.propagation import Seen
from redaction.types import TextResult

ENTRY, FINDING, PLACE, NEEDLE = 400, 160, 140, 90
"""Bytes that an entry takes, about, and each thing in it."""

T = TypeVar("T")


class SpanCache:
    """One for all tenants of a gate; used through :class:`Shelf`, which is one tenant's."""

    def __init__(self, key: bytes, entries: int, size: int) -> None:
        self._key = key
        self._entries, self._left = entries, size
        self._held: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def shelf(self, tenant: str, depth: str, digests: Iterable[str]) -> Shelf:
        """What is remembered for a tenant of looks of this depth by these detectors."""
        return Shelf(self, self.hasher("shelf", tenant, depth, *sorted(digests)))

    def hasher(self, *parts: str) -> Any:
        """A keyed hash that has taken these parts, each with its length."""
        h = hashlib.blake2b(key=self._key, digest_size=16)
        for part in parts:
            take(h, part)
        return h

    def get(self, key: bytes) -> Any:
        """None where nothing is remembered."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            self._held.move_to_end(key)
            return held[0]

    def put(self, key: bytes, value: Any, size: int) -> None:
        with self._lock:
            old = self._held.pop(key, None)
            self._left -= size - (old[1] if old is not None else 0)
            self._held[key] = value, size
            while self._held and (self._left < 0 or len(self._held) > self._entries):
                _, (_, freed) = self._held.popitem(last=False)
                self._left += freed

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"SpanCache({len(self)} entries)"


def take(h: Any, part: str) -> None:
    """One more part into a hash; parts cannot run into one another."""
    data = part.encode("utf-8", "surrogatepass")
    h.update(len(data).to_bytes(8, "big"))
    h.update(data)


def _lasting(result: TextResult) -> bool:
    return result.uninspected is None or result.uninspected in LASTING


class Shelf:
    """Results of texts, of whole requests, and a memo of searches (``redaction.propagation.Memo``)."""

    def __init__(self, cache: SpanCache, base: Any) -> None:
        self._cache, self._base = cache, base
        self._counted: set[int] = set()
        self._last = "", b""

    def apart(self, purpose: str) -> Shelf:
        """Of the same tenant and look, for other searches."""
        base = self._base.copy()
        take(base, purpose)
        return Shelf(self._cache, base)

    def _key(self, kind: str, *parts: str) -> bytes:
        h = self._base.copy()
        for part in (kind, *parts):
            take(h, part)
        digest: bytes = h.digest()
        return digest

    def result(self, text: str) -> TextResult | None:
        """What was found in a text."""
        found: TextResult | None = self._cache.get(self._key("text", text))
        return found

    def remember(self, text: str, result: TextResult) -> None:
        """Not for a text that somebody may judge the next time."""
        if _lasting(result):
            self._cache.put(self._key("text", text), result, ENTRY + FINDING * len(result.findings))

    def request(self, texts: Iterable[Segment]) -> bytes:
        """The key of a whole request: all that its results depend on."""
        return self._key("request", *(p for s in texts for p in (s.pointer, s.origin, s.kind, s.text)))

    def results(self, request: bytes) -> list[TextResult] | None:
        found: tuple[TextResult, ...] | None = self._cache.get(request)
        return None if found is None else list(found)

    def remember_all(self, request: bytes, results: Iterable[TextResult]) -> None:
        """Not for a request with a text that somebody may judge the next time."""
        held = tuple(results)
        if all(map(_lasting, held)):
            size = sum(ENTRY // 4 + FINDING * len(r.findings) for r in held)
            self._cache.put(request, held, ENTRY + size)

    def mark(self, said: str, /) -> Hashable:
        """See ``Memo``."""
        h = self._base.copy()
        h.update(said.encode("utf-8", "surrogatepass"))
        return h.digest()  # type: ignore[no-any-return]  # bytes

    def seen(self, text: str, /) -> Seen | None:
        """See ``Memo``."""
        self._last = text, self._key("seen", text)
        found: Seen | None = self._cache.get(self._last[1])
        return found

    def note(self, text: str, seen: Seen, /) -> None:
        """See ``Memo``. The set of needles is one object for all texts of a request and counts with its first."""
        size = ENTRY + PLACE * len(seen.places)
        if id(seen.needles) not in self._counted:
            self._counted.add(id(seen.needles))
            size += NEEDLE * len(seen.needles)
        key = self._last[1] if self._last[0] == text else self._key("seen", text)
        self._cache.put(key, seen, size)
