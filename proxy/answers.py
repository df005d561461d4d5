"""Step 9: the answer on its way back, restored whole or as a stream, and the outcome that ends every attempt.

Rule: an attempt that was begun is ended once, on every path. The flow does so until it hands out a reply; then the
reply's :class:`Chunks` do, also when nobody ever reads them: an app that goes away is recorded as ``cancelled``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from proxy.audit.record import Outcome
from proxy.dialects.base import Dialect
from proxy.errors import SealgateError, UpstreamError
from proxy.outbound import Answer, Receipt, Settle
from proxy.ports import AuditStore, Clock, Reply
from proxy.restorers import Restorers
from proxy.tasks import spawn

log = logging.getLogger("sealgate")

PASSED_HEADERS = frozenset({"content-type", "openai-processing-ms", "retry-after", "x-request-id"})
"""Upstream headers an app may see. Everything else stays here."""

Sending = AbstractAsyncContextManager[Answer]


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
        self.restored: Mapping[str, int] = {}
        self.settle: Settle | None = None

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
            dict(self.restored) or {"restored": 0, "seen": 0, "refused": 0},
        )  # fmt: skip
        releasing = spawn(self._release(), "upstream-release")
        await asyncio.shield(asyncio.gather(spawn(self._finish(outcome), "audit-finish"), releasing))

    async def _release(self) -> None:
        await self._sending.__aexit__(None, None, None)

    async def _finish(self, outcome: Outcome) -> None:
        try:
            if self.settle is not None:
                found = await self.settle()
                outcome = replace(outcome, receipt=found.receipt, receipt_sha256=found.id_sha256)
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
            if restorers.listening is not None:
                dialect.restore(body, restorers.listening)
                await restorers.listening.judge()
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


async def forward_raw(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """A successful answer that is no text (audio, say): every byte as it arrives, with the pace of its reader."""
    return Reply(
        answer.status, _reply_headers(answer, headers), Chunks(_raw(answer, ending), ending), stream=True, raw=True
    )


async def _raw(answer: Answer, ending: Ending) -> AsyncGenerator[bytes, None]:
    code = "internal_error"
    try:
        async for chunk in answer.chunks:
            ending.count(chunk)
            yield chunk
        code = "ok"
    except BaseException as e:
        code = _code(e)
        raise
    finally:
        await ending.end(code)


async def forward_stream(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """An answer that streams, restored as it arrives, with the pace of its reader."""
    if kind := getattr(dialect, "stream_type", ""):  # what the app asked for is not what the upstream sends
        headers["content-type"] = kind
    chunks = Chunks(_stream(dialect, answer, restorers, ending), ending)
    raw = getattr(dialect, "flowing", False)  # a file has no place for an error: a broken one must not look whole
    return Reply(answer.status, _reply_headers(answer, headers), chunks, stream=True, raw=raw)


async def _stream(
    dialect: Dialect, answer: Answer, restorers: Restorers, ending: Ending
) -> AsyncGenerator[bytes, None]:
    code = "internal_error"
    restorer = dialect.restore_stream(restorers, lambda: f"sealgate-restored {restorers.text()}")
    listening = restorers.listening
    heard = dialect.restore_stream(listening, str) if listening is not None else None
    try:
        async for chunk in answer.chunks:
            if heard is not None and listening is not None:
                heard.feed(chunk)
                await listening.judge()
            if out := restorer.feed(chunk):
                await restorers.keep()
                if restorer.complete:
                    await restorers.remember()
                ending.count(out)
                yield out
        if heard is not None and listening is not None:
            heard.close()
            await listening.judge()
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
        try:
            await asyncio.shield(spawn(_remember(restorers), "answer-remember"))
        except BaseException as e:
            code = _code(e)
            raise
        finally:
            await ending.end(code)


async def _remember(restorers: Restorers) -> None:
    """What the app has of an answer that broke off keeps its ceiling too."""
    try:
        await restorers.remember()
    except SealgateError as e:
        log.error("the words of an answer were not remembered: %s", e.code)
