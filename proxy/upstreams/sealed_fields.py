"""Bodies whose texts are sealed one by one: ACI's E2EE version 2 and NEAR AI's fields (attestation.md §5.2).

Unlike EHBP these formats do not prove who sealed an answer: it is sealed to a key that is in the request's headers. An
answer that opens was meant for this request; that the enclave wrote it is for its receipt to say (``receipts``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from attestation import bodies, near, strictjson
from attestation.aci import fields as aci
from attestation.bodies import Uncovered, compact
from attestation.opened import MAX_ANSWER, Events
from attestation.opened import Answer as Opening
from attestation.providers.base import BodyKey, Seal
from attestation.sealing import Fault, SealingError
from attestation.types import Malformed
from proxy.errors import NotSealable, UpstreamError
from proxy.outbound import Answer, Outbound
from proxy.tasks import aside
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.sealing import EVENTS, VERIFIED_ONLY, broken, head, media_type, refuse_exposed, returned, unsealed
from proxy.upstreams.transports import Arrived, Carried, Carrier, Opened

MAX_BODY = 32 * 1024 * 1024
"""Plain bytes; sealed texts are more than twice as long."""
ASIDE_BYTES = 16_000
"""A larger body is sealed in a thread, and so is a larger answer opened: every field costs a key agreement."""


_ELSE = "or use an upstream whose TLS key is attested, or whose bodies are sealed whole"
NO_FIELD = f"its format has no seal for that: leave it out, {_ELSE}"
NO_API = f"its format seals chat completions, completions and embeddings only: use one of them, {_ELSE}"


class Exchange(Protocol):
    """One request and its answer in either format."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def seal(self, field: str, plaintext: bytes) -> str: ...

    def require(self, headers: tuple[tuple[str, str], ...]) -> None:
        """Raises SealingError unless the answer says that it is sealed so."""
        ...

    def open(self, field: str, value: str, response_id: str) -> bytes: ...


class _Aci(aci.FieldExchange):
    __slots__ = ()

    def require(self, headers: tuple[tuple[str, str], ...]) -> None:
        self.require_sealed(headers)


class _Near:
    def __init__(self, key: BodyKey) -> None:
        self._exchange = near.FieldExchange(key.algo, key.key.hex())

    @property
    def headers(self) -> Mapping[str, str]:
        return self._exchange.headers

    def seal(self, _: str, plaintext: bytes) -> str:
        return self._exchange.seal(plaintext)

    def require(self, headers: tuple[tuple[str, str], ...]) -> None:
        """Nothing in a head says so: every text must open."""

    def open(self, _: str, value: str, __: str) -> bytes:
        return self._exchange.open(value)


@dataclass(frozen=True, slots=True)
class _Sealed:
    exchange: Exchange
    body: bytes
    restored: bytes
    """What the enclave makes of it, for receipts."""


class FieldsWire:
    """Implements ``transports.Wire`` for the formats that seal texts one by one. ``now``: Unix seconds."""

    def __init__(
        self, upstream: str, carrier: Carrier, key: BodyKey, *, withheld: bool, now: Callable[[], float]
    ) -> None:
        self._name = upstream
        self._carrier = carrier
        self._key = key
        self._withheld = withheld
        self._now = now
        self._table = bodies.ACI if key.seal is Seal.ACI else bodies.NEAR

    @property
    def users(self) -> int:
        return self._carrier.users

    async def open(self, out: Outbound) -> Opened:
        """Raises UpstreamError, NotSealable or AttestationRefused."""
        refuse_exposed(self._name, withheld=self._withheld)
        headers = head(self._name, out)
        if out.large is not None or out.size > MAX_BODY:
            raise NotSealable(self._name, ("body.size",))
        made = await aside(out.size > ASIDE_BYTES, self._seal, out)
        sent = Carried(out.method, out.path, out.query, (*headers, *made.exchange.headers.items()), made.body)
        arrived = await self._carrier.carry(replace(sent, restored=made.restored))
        try:
            back = self._checked(made.exchange, arrived)
        except BaseException:
            await arrived.close()
            raise
        opening = Opening(out.path, made.exchange.open, tools=self._key.seal is Seal.NEAR)
        return Opened(Answer(arrived.status, back, self._plain(opening, arrived), arrived.settle), arrived.close)

    def _seal(self, out: Outbound) -> _Sealed:
        """Raises NotSealable or AttestationRefused."""
        try:
            body = strictjson.load_object(out.body, MAX_BODY, "the request")
            exchange = self._exchange(str(body.get("model", "")))
            sealed = bodies.seal(self._table, out.path, body, exchange.seal)
            if self._key.seal is Seal.NEAR:  # its signatures are about the bytes on the wire
                return _Sealed(exchange, compact(sealed).encode(), b"")
            plain = bodies.seal(self._table, out.path, body, bodies.restored)
            sealed["provider"] = plain["provider"] = dict(VERIFIED_ONLY)
        except Uncovered as e:
            hint = NO_API if e.place == "path" else NO_FIELD
            raise NotSealable(self._name, (f"body.{e.place}",), hint) from None
        except Malformed:
            raise NotSealable(self._name, ("body.json",)) from None
        except SealingError as e:
            if e.fault is Fault.INPUT:
                raise NotSealable(self._name, ("body.size",)) from None
            raise AttestationRefused(self._name, ("body-key.unusable",)) from None
        return _Sealed(exchange, compact(sealed).encode(), compact(plain).encode())

    def _exchange(self, model: str) -> Exchange:
        if self._key.seal is Seal.NEAR:
            return _Near(self._key)
        return _Aci(self._key.algo, self._key.key.hex(), model, int(self._now()))

    def _checked(self, exchange: Exchange, arrived: Arrived) -> dict[str, str]:
        kind = media_type(arrived.headers)
        if not 200 <= arrived.status < 300:
            raise unsealed(self._name, arrived.status)
        if kind not in {EVENTS, "application/json"}:
            raise UpstreamError(f"{self._name}: an answer whose end nobody could see", code="answer_without_end")
        try:
            exchange.require(arrived.headers)
        except SealingError as e:
            raise broken(self._name, e.fault) from None
        return returned(arrived.headers, kind)

    async def _plain(self, opening: Opening, arrived: Arrived) -> AsyncIterator[bytes]:
        try:
            if media_type(arrived.headers) == EVENTS:
                events = Events(opening)
                async for data in arrived.chunks:
                    if plain := await aside(events.held + len(data) > ASIDE_BYTES, events.feed, data):
                        yield plain
                yield events.close()
            else:
                raw = bytearray()
                async for data in arrived.chunks:
                    raw += data
                    if len(raw) > MAX_ANSWER:
                        raise SealingError(Fault.FRAME, "too long")
                whole = bytes(raw)
                yield await aside(len(raw) > ASIDE_BYTES, opening.whole, whole)
        except SealingError as e:
            raise broken(self._name, e.fault) from None

    async def close(self) -> None:
        await self._carrier.close()
