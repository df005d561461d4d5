"""EHBP: every body whole, in frames, in both directions (attestation.md §5.1). An answer that opens is the enclave's.

What holds for all sealing is in :mod:`proxy.upstreams.sealing`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from attestation import ehbp
from attestation.endings import CandidateEnding, DoneEnding, Ending, EventEnding, JsonEnding, SseEnding
from attestation.sealing import SealingError
from proxy.errors import UpstreamError
from proxy.outbound import Answer, Outbound, exactly
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.sealing import (
    EVENTS,
    LINES,
    NAMED,
    OLLAMA,
    broken,
    candidates,
    head,
    media_type,
    refuse_exposed,
    returned,
    unsealed,
)
from proxy.upstreams.transports import Arrived, Carried, Carrier, KeyChanged, Opened

PIECE = 256 * 1024
"""Plain bytes that are sealed at a time, so that the event loop serves others in between."""
_MODEL_ENDS = (b"response.completed", b"response.incomplete", b"response.failed")


def ending(path: str, kind: str, count: int = 1) -> Ending | None:
    """How a body of this kind shows its end; None where it cannot. ``kind`` is the sender's word: a wrong one finds no
    end. ``count``: candidates that were asked for, with Gemini's API."""
    if path in OLLAMA and kind in {LINES, "application/json"}:  # a line is a whole document: the kind tells no cut
        return DoneEnding()
    if kind == "application/json" or kind.endswith("+json"):
        return JsonEnding()
    if kind != EVENTS:
        return None
    if NAMED.fullmatch(path):
        return CandidateEnding(count)
    if path == "/messages":
        return EventEnding((b"message_stop",))
    return EventEnding(_MODEL_ENDS) if path.startswith("/responses") else SseEnding()


class EhbpWire:
    """Implements ``transports.Wire``.

    ``withheld``: the configured credential may not go along.
    """

    def __init__(self, upstream: str, carrier: Carrier, attested_key: bytes, *, withheld: bool) -> None:
        self._name = upstream
        self._carrier = carrier
        self._key = attested_key
        self._withheld = withheld

    @property
    def users(self) -> int:
        return self._carrier.users

    async def open(self, out: Outbound) -> Opened:
        """Raises UpstreamError, NotSealable or AttestationRefused; KeyChanged when the enclave says that it could not
        read the request."""
        refuse_exposed(self._name, withheld=self._withheld)
        headers = head(self._name, out)
        try:
            exchange = ehbp.Exchange(self._key)
        except SealingError:
            raise AttestationRefused(self._name, ("body-key.unusable",)) from None
        body = _frames(exchange, out)
        arrived = await self._carrier.carry(
            Carried(out.method, out.path, out.query, (*headers, *exchange.headers.items()), body)
        )
        try:
            opener, kind = await self._opener(exchange, arrived, out)
        except BaseException:
            await arrived.close()
            raise
        back = returned(arrived.headers, kind)
        return Opened(Answer(arrived.status, back, self._plain(opener, arrived), arrived.settle), arrived.close)

    async def _opener(self, exchange: ehbp.Exchange, arrived: Arrived, out: Outbound) -> tuple[ehbp.Opener, str]:
        kind = media_type(arrived.headers)
        if not any(k.lower() == ehbp.RESPONSE_NONCE.lower() for k, _ in arrived.headers):
            if arrived.status == 422 and ehbp.is_key_mismatch(422, arrived.headers, await _start(arrived)):
                raise KeyChanged
            raise unsealed(self._name, arrived.status)
        end = ending(out.path, kind, candidates(out) or 1)
        if end is None:
            raise UpstreamError(f"{self._name}: an answer whose end nobody could see", code="answer_without_end")
        try:
            return exchange.opener(arrived.status, arrived.headers, end), kind
        except SealingError as e:
            raise broken(self._name, e.fault) from None

    async def _plain(self, opener: ehbp.Opener, arrived: Arrived) -> AsyncIterator[bytes]:
        """The end is shown when it is known to be one: nothing follows it, and a receipt that is required is good."""
        held = bytearray()
        try:
            async for data in arrived.chunks:
                plain = opener.feed(data)
                if held or opener.ended:
                    held += plain
                elif plain:
                    yield plain
            opener.close()
        except SealingError as e:
            raise broken(self._name, e.fault) from None
        if held:
            yield bytes(held)

    async def close(self) -> None:
        await self._carrier.close()


async def _frames(exchange: ehbp.Exchange, out: Outbound) -> AsyncIterator[bytes]:
    """The sealed body; it ends only if all of it was what is recorded."""
    if out.large is not None:
        async for chunk in exactly(out.large):
            yield exchange.feed(chunk)
    else:
        for start in range(0, len(out.body), PIECE):
            yield exchange.feed(out.body[start : start + PIECE])
    exchange.close()


async def _start(arrived: Arrived) -> bytes:
    """An unsealed problem report, or as much of it as one may have."""
    body = bytearray()
    async for chunk in arrived.chunks:
        body += chunk
        if len(body) > ehbp.MAX_PROBLEM_BYTES:
            break
    return bytes(body)
