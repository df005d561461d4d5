"""Step 9: the answer on its way back, restored whole or as a stream, and the outcome that ends every attempt.

Rule: whoever takes an :class:`Ending` must end it exactly once, on every path; ``chunks`` of a reply do so in their
``finally``, so that an app that goes away is recorded as ``cancelled``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from proxy.audit.record import Outcome
from proxy.dialects.base import Dialect, TextRestorer
from proxy.errors import SealgateError, UpstreamError
from proxy.outbound import Answer, Receipt
from proxy.ports import AuditStore, Clock, Reply
from proxy.tasks import spawn
from redaction.restore import Restorer, json_escape

log = logging.getLogger("sealgate")

PASSED_HEADERS = frozenset({"content-type", "openai-processing-ms", "retry-after", "x-request-id"})
"""Upstream headers an app may see. Everything else stays here."""

Sending = AbstractAsyncContextManager[Answer]


class Restorers:
    """Makes one restorer per channel over the mapping of this request, and counts what came back."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._made: list[Restorer] = []

    def __call__(self, place: str) -> TextRestorer:
        escape = json_escape if place.startswith("tool_args:") else None
        made = Restorer(self._mapping, escape=escape)
        self._made.append(made)
        return made

    def counts(self) -> tuple[int, int]:
        """(restored, seen) over all channels so far."""
        return sum(r.restored for r in self._made), sum(r.seen for r in self._made)

    def text(self) -> str:
        """``14/15``, as the ``sealgate-restored`` header says it."""
        restored, seen = self.counts()
        return f"{restored}/{seen}"


class Ending:
    """Records how one attempt ended. ``end`` is idempotent; it survives the cancellation of its caller."""

    def __init__(self, store: AuditStore, clock: Clock, receipt: Receipt, started: float) -> None:
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
        await asyncio.shield(spawn(self._finish(outcome), "audit-finish"))

    async def _finish(self, outcome: Outcome) -> None:
        try:
            await self._store.finish(outcome)
        except SealgateError as e:
            log.error("outcome not recorded: %s (intent %d)", e.code, outcome.ref_seq)

    async def failed(self, sending: Sending, error: BaseException) -> None:
        """Ends an attempt whose sending raised, and releases the upstream."""
        await sending.__aexit__(type(error), error, error.__traceback__)
        await self.end(_code(error))


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
    dialect: Dialect, sending: Sending, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """A complete answer, restored. An unreadable success is an upstream error, not something to pass on."""
    ending.status = answer.status
    try:
        body = b"".join([c async for c in answer.chunks])
        if answer.status < 400:
            try:
                body, ending.usage = dialect.restore(body, restorers)
            except ValueError:
                raise UpstreamError("the upstream's answer is not readable JSON", code="upstream_unreadable") from None
    except BaseException as e:
        await ending.failed(sending, e)
        raise
    await sending.__aexit__(None, None, None)
    ending.restored = restorers.counts()
    headers["sealgate-restored"] = restorers.text()
    return Reply(answer.status, _reply_headers(answer, headers), _one(body, ending))


async def _one(body: bytes, ending: Ending) -> AsyncIterator[bytes]:
    code = "cancelled"
    try:
        ending.count(body)
        yield body
        code = "ok" if ending.status is not None and ending.status < 400 else "upstream_status"
    finally:
        await ending.end(code)


async def forward_stream(
    dialect: Dialect, sending: Sending, answer: Answer, restorers: Restorers, ending: Ending, headers: dict[str, str]
) -> Reply:
    """An SSE answer, restored as it arrives, with the pace of its reader."""
    ending.status = answer.status
    return Reply(
        answer.status,
        _reply_headers(answer, headers),
        _stream(dialect, sending, answer, restorers, ending),
        stream=True,
    )


async def _stream(
    dialect: Dialect, sending: Sending, answer: Answer, restorers: Restorers, ending: Ending
) -> AsyncIterator[bytes]:
    code = "cancelled"
    restorer = dialect.restore_stream(restorers, lambda: f"sealgate-restored {restorers.text()}")
    exc: tuple[Any, Any, Any] = (None, None, None)
    try:
        async for chunk in answer.chunks:
            if out := restorer.feed(chunk):
                ending.count(out)
                yield out
        if out := restorer.close():
            ending.count(out)
            yield out
        code = "ok" if restorer.complete else "incomplete"
    except SealgateError as e:
        code = e.code
        exc = (type(e), e, e.__traceback__)
        raise
    finally:
        ending.restored = restorers.counts()
        ending.usage = restorer.usage
        await sending.__aexit__(*exc)
        await ending.end(code)
