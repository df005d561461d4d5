"""Step 9: the answer on its way back, restored whole or as a stream, and the outcome that ends every attempt.

Rule: an attempt that was begun is ended once, on every path. The flow does so until it hands out a reply; then the
reply's :class:`Chunks` do, also when nobody ever reads them: an app that goes away is recorded as ``cancelled``.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager

from proxy.audit.record import Outcome
from proxy.dialects.base import Dialect, TextRestorer
from proxy.errors import SealgateError, UpstreamError
from proxy.outbound import Answer, Receipt
from proxy.ports import AuditStore, Clock, Reply
from proxy.state import TAPPED, TEXTS, Keeping
from proxy.tasks import spawn
from redaction.restore import Restorer, json_escape

log = logging.getLogger("sealgate")

PASSED_HEADERS = frozenset({"content-type", "openai-processing-ms", "retry-after", "x-request-id"})
"""Upstream headers an app may see. Everything else stays here."""

Sending = AbstractAsyncContextManager[Answer]


STATE_ID = re.compile(r"[A-Za-z0-9_.:/@+-]{1,512}")
"""What an upstream may call something that it holds; anything else is not remembered and resolves never."""


class Tap:
    """A restorer whose text is also noted, up to ``TAPPED`` characters."""

    def __init__(self, place: str, restorer: Restorer) -> None:
        self.place = place
        self._restorer = restorer
        self._parts: list[str] = []
        self._left = TAPPED

    def feed(self, chunk: str) -> str:
        return self._note(self._restorer.feed(chunk))

    def close(self) -> str:
        return self._note(self._restorer.close())

    def _note(self, text: str) -> str:
        if text and self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
        return text

    def text(self) -> str:
        return "".join(self._parts)


class Restorers:
    """Makes one restorer per channel over the mapping of this request, counts what came back, and has ``keeping`` note
    what the answer leaves behind: before the app sees an id, and before it sees the end of the answer."""

    def __init__(self, mapping: Mapping[str, str], keeping: Keeping | None = None) -> None:
        self._mapping = mapping
        self._keeping = keeping
        self._made: list[Restorer] = []
        self._taps: list[Tap] = []
        self._kept = 0
        self._index: dict[str, list[str]] | None = None
        self._child: Restorers | None = None
        self._gone = (0, 0)
        self.made: list[tuple[str, str]] = []
        """(kind, id) of what the upstream holds since this answer."""

    def __call__(self, place: str) -> TextRestorer:
        escape = json_escape if place.startswith("tool_args:") else None
        made = Restorer(self._mapping, escape=escape)
        self._made.append(made)
        if self._keeping is None or not self._keeping.taints or len(self._taps) >= TEXTS:
            return made
        tap = Tap(place, made)
        self._taps.append(tap)
        return tap

    def created(self, kind: str, id: str) -> None:
        if STATE_ID.fullmatch(id) and (kind, id) not in self.made:
            self.made.append((kind, id))

    def within(self, text: str) -> Restorers | None:
        """Restorers of the values whose stand-ins can occur in ``text``, or None. Their counts count here; the ones
        made before are done."""
        self._gone, self._child = self._sums(), None
        if self._index is None:
            self._index = _by_word(self._mapping)
        known = self._index
        found = {key for word in set(_WORD.findall(text.casefold())) for key in known.get(word, ())}
        if found:
            self._child = Restorers({key: self._mapping[key] for key in found})
        return self._child

    def _sums(self) -> tuple[int, int]:
        child = self._child.counts() if self._child is not None else (0, 0)
        return self._gone[0] + child[0], self._gone[1] + child[1]

    async def keep(self) -> None:
        """Notes durably what the upstream holds by now. Raises VaultUnavailable."""
        fresh = self.made[self._kept :]
        if fresh and self._keeping is not None:
            await self._keeping.state(fresh)
        self._kept += len(fresh)

    async def remember(self) -> None:
        """Notes durably the words of the answer, where they keep a ceiling. Raises VaultUnavailable."""
        taps, self._taps = self._taps, []
        if taps and self._keeping is not None:
            await self._keeping.answer([(t.place, t.text()) for t in taps])

    def counts(self) -> tuple[int, int]:
        """(restored, seen) over all channels so far."""
        restored, seen = self._sums()
        return restored + sum(r.restored for r in self._made), seen + sum(r.seen for r in self._made)

    def text(self) -> str:
        """``14/15``, as the ``sealgate-restored`` header says it."""
        restored, seen = self.counts()
        return f"{restored}/{seen}"


_WORD = re.compile(r"[^\W_]+")


def _by_word(mapping: Mapping[str, str]) -> dict[str, list[str]]:
    """Stand-ins by the word that the fewest of them have: ``EMAIL_k3f9…`` by ``k3f9…``."""
    words = {key: _WORD.findall(key.casefold()) for key in mapping}
    often = Counter(word for found in words.values() for word in set(found))
    index: dict[str, list[str]] = {}
    for key, found in words.items():
        if found:
            index.setdefault(min(found, key=lambda w: often[w]), []).append(key)
    return index


class Ending:
    """Releases the upstream and records how one attempt ended. ``end`` is idempotent; it survives the cancellation
    of its caller, and neither of its two halves waits for the other."""

    def __init__(self, store: AuditStore, clock: Clock, receipt: Receipt, started: float, sending: Sending) -> None:
        self._sending = sending
        self._store = store
        self._clock = clock
        self._receipt = receipt
        self._started = started
        self._ended = False
        self.status: int | None = None
        self.bytes = 0
        self.first_ms: int | None = None
        self.usage: Mapping[str, int] = {}
        self.restored: tuple[int, int] = (0, 0)

    def _ms(self) -> int:
        return int((self._clock.monotonic() - self._started) * 1000)

    def count(self, data: bytes) -> None:
        """Notes bytes handed to the app."""
        if self.first_ms is None:
            self.first_ms = self._ms()
        self.bytes += len(data)

    async def end(self, code: str) -> None:
        """Writes the outcome. A store that fails is logged by code; its open intent is closed at the next start."""
        if self._ended:
            return
        self._ended = True
        outcome = Outcome(
            self._receipt.seq, self._receipt.request_id, code, self.status, self.bytes,
            self.usage.get("tokens_in"), self.usage.get("tokens_out"), self.first_ms, self._ms(),
            {"restored": self.restored[0], "seen": self.restored[1]},
        )  # fmt: skip
        releasing = spawn(self._release(), "upstream-release")
        await asyncio.shield(asyncio.gather(spawn(self._finish(outcome), "audit-finish"), releasing))

    async def _release(self) -> None:
        await self._sending.__aexit__(None, None, None)

    async def _finish(self, outcome: Outcome) -> None:
        try:
            await self._store.finish(outcome)
        except SealgateError as e:
            log.error("outcome not recorded: %s (intent %d)", e.code, outcome.ref_seq)

    async def failed(self, error: BaseException) -> None:
        """Ends an attempt that raised."""
        await self.end(_code(error))


class Chunks(AsyncIterator[bytes]):
    """The bytes of a reply. ``aclose`` ends the attempt even if nothing was read: a generator that never started would
    skip its ``finally``."""

    def __init__(self, source: AsyncGenerator[bytes, None], ending: Ending) -> None:
        self._source = source
        self._ending = ending

    async def __anext__(self) -> bytes:
        return await anext(self._source)

    async def aclose(self) -> None:
        """Idempotent."""
        try:
            await self._source.aclose()
        finally:
            await self._ending.end("cancelled")


def _code(error: BaseException) -> str:
    if isinstance(error, SealgateError):
        return error.code
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return "cancelled"
    return "internal_error"


def _reply_headers(answer: Answer, headers: dict[str, str]) -> dict[str, str]:
    passed = {k: v for k, v in answer.headers.items() if k in PASSED_HEADERS or k.startswith("x-ratelimit-")}
    return passed | headers


async def forward_json(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """A complete answer, restored. An unreadable success is an upstream error, not something to pass on."""
    body = b"".join([c async for c in answer.chunks])
    if answer.status < 400:
        try:
            body, ending.usage = dialect.restore(body, restorers)
        except ValueError:
            raise UpstreamError("the upstream's answer is not readable JSON", code="upstream_unreadable") from None
        await restorers.keep()
        await restorers.remember()
    ending.restored = restorers.counts()
    headers["sealgate-restored"] = restorers.text()
    return Reply(answer.status, _reply_headers(answer, headers), Chunks(_one(body, ending), ending))


async def _one(body: bytes, ending: Ending) -> AsyncGenerator[bytes, None]:
    code = "cancelled"
    try:
        ending.count(body)
        yield body
        code = "ok" if ending.status is not None and ending.status < 400 else "upstream_status"
    finally:
        await ending.end(code)


async def forward_stream(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """An SSE answer, restored as it arrives, with the pace of its reader."""
    chunks = Chunks(_stream(dialect, answer, restorers, ending), ending)
    return Reply(answer.status, _reply_headers(answer, headers), chunks, stream=True)


async def _stream(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending
) -> AsyncGenerator[bytes, None]:
    code = "internal_error"
    restorer = dialect.restore_stream(restorers, lambda: f"sealgate-restored {restorers.text()}")
    try:
        async for chunk in answer.chunks:
            if out := restorer.feed(chunk):
                await restorers.keep()
                if restorer.complete:
                    await restorers.remember()
                ending.count(out)
                yield out
        if out := restorer.close():
            await restorers.keep()
            await restorers.remember()
            ending.count(out)
            yield out
        code = "ok" if restorer.complete else "incomplete"
    except BaseException as e:
        code = _code(e)
        raise
    finally:
        ending.restored = restorers.counts()
        ending.usage = restorer.usage
        await asyncio.shield(spawn(_remember(restorers), "answer-remember"))
        await ending.end(code)


async def _remember(restorers: Restorers) -> None:
    """What the app has of an answer that broke off keeps its ceiling too."""
    try:
        await restorers.remember()
    except SealgateError as e:
        log.error("the words of an answer were not remembered: %s", e.code)
