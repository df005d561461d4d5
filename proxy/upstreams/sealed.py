"""Requests sealed to an attested key and their answers opened: a wire around a wire (attestation.md §5.1, §5.2).

For upstreams whose TLS may end outside the enclave. What is sealed is the finished request, after the leak guard and
the record; the receipt at the door covers the plain bytes. Rules:

* Nothing leaves in the clear but method, path and headers, and of these only words of the protocol.
* What cannot be sealed whole is not sent (NotSealable); there is no way to send without sealing.
* An answer counts when it opens. One that comes in the clear is never read as an answer nor shown, whatever its
  status: anybody on the way may have written it. Its status alone is believed, as a failure.
* An answer that was cut is an error at its end.
* The upstream's credential is a header and therefore in the clear: where TLS ends who knows where, it goes along only
  where the configuration says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from attestation import ehbp
from attestation.endings import Ending, EventEnding, JsonEnding, SseEnding
from attestation.providers.base import Seal
from attestation.sealing import Fault, SealingError
from proxy.errors import NotSealable, UpstreamError
from proxy.outbound import Answer, Outbound, exactly
from proxy.settings import UpstreamConfig
from proxy.upstreams import remote
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.transports import Arrived, Carried, Carrier, KeyChanged, Opened, Sealer, Wire

PATHS = frozenset(
    {"/chat/completions", "/completions", "/embeddings", "/moderations", "/responses", "/responses/compact",
     "/responses/input_tokens", "/messages", "/messages/count_tokens", "/images/generations", "/images/edits",
     "/images/variations", "/audio/transcriptions", "/audio/translations"}
)  # fmt: skip
"""Paths that say nothing about what is sent. All others hold names or ids, or have answers without an end."""
PIECE = 256 * 1024
"""Plain bytes that are sealed at a time, so that the event loop serves others in between."""
CODES = {
    Fault.UNSEALED: "answer_unsealed",
    Fault.TRUNCATED: "answer_truncated",
    Fault.AUTHENTICITY: "answer_not_authentic",
    Fault.FRAME: "answer_malformed",
    Fault.SEQUENCE: "answer_not_authentic",
}
"""What a fault of an answer is called in records and to the app."""

_EVENTS = "text/event-stream"
_MODEL_ENDS = (b"response.completed", b"response.incomplete", b"response.failed")


def broken(upstream: str, fault: Fault) -> UpstreamError:
    """An answer that does not count, in our words."""
    code = CODES.get(fault, "answer_broken")
    return UpstreamError(f"{upstream}: its sealed answer failed ({fault.value})", code=code)


def unsealed(upstream: str, status: int) -> UpstreamError:
    """An answer in the clear. Its body is dropped unread."""
    if 200 <= status < 300:
        return broken(upstream, Fault.UNSEALED)
    return UpstreamError(f"{upstream} answered {status}, in the clear", code=f"upstream_{status}")


def head(upstream: str, out: Outbound) -> tuple[tuple[str, str], ...]:
    """The headers of ``out`` as they may stand in the clear. Raises NotSealable for a path or query that says more than
    the protocol's words, and for a request without a body: to that no key is bound (EHBP SPEC.md §7.4)."""
    wrong = [
        name
        for name, bad in (
            ("request.path", out.path not in PATHS or out.method != "POST"),
            ("request.query", out.query not in {"", "beta=true"}),
            ("request.body", not out.size),
        )
        if bad
    ]
    if wrong:
        raise NotSealable(upstream, tuple(wrong))
    accept = ("accept", _EVENTS if out.stream else "application/json")
    return (*((k, v) for k, v in out.headers if k != "accept"), accept)


def media_type(headers: tuple[tuple[str, str], ...]) -> str:
    values = [v for k, v in headers if k.lower() == "content-type"]
    return values[0].partition(";")[0].strip().lower() if len(values) == 1 else ""


def ending(path: str, kind: str) -> Ending | None:
    """How a body of this kind shows its end; None where it cannot. ``kind`` is the sender's word: a wrong one finds no
    end."""
    if kind == "application/json" or kind.endswith("+json"):
        return JsonEnding()
    if kind != _EVENTS:
        return None
    if path == "/messages":
        return EventEnding((b"message_stop",))
    return EventEnding(_MODEL_ENDS) if path.startswith("/responses") else SseEnding()


def sealer(upstream: UpstreamConfig) -> Sealer:
    """Wraps wires to ``upstream`` so that nothing leaves but sealed to the lease's key. The result raises
    AttestationRefused for a format that is not spoken here."""

    def wrap(lease: Lease, carrier: Carrier) -> Wire:
        exposed = lease.pin is None and not (upstream.attestation is not None and upstream.attestation.expose_key)
        withheld = upstream.key is not None and exposed
        if lease.body is None or lease.body.seal is not Seal.EHBP:
            raise AttestationRefused(upstream.name, ("body-key.format",))
        return EhbpWire(upstream.name, carrier, lease.body.key, withheld=withheld)

    return wrap


class EhbpWire:
    """Every body whole, in frames, in both directions. Implements ``transports.Wire``.

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
            opener, kind = await self._opener(exchange, arrived, out.path)
        except BaseException:
            await arrived.close()
            raise
        back = remote.returned(arrived.headers) | {"content-type": kind}
        return Opened(Answer(arrived.status, back, self._plain(opener, arrived)), arrived.close)

    async def _opener(self, exchange: ehbp.Exchange, arrived: Arrived, path: str) -> tuple[ehbp.Opener, str]:
        kind = media_type(arrived.headers)
        if not any(k.lower() == ehbp.RESPONSE_NONCE.lower() for k, _ in arrived.headers):
            if arrived.status == 422 and ehbp.is_key_mismatch(422, arrived.headers, await _start(arrived)):
                raise KeyChanged
            raise unsealed(self._name, arrived.status)
        end = ending(path, kind)
        if end is None:
            raise UpstreamError(f"{self._name}: an answer whose end nobody could see", code="answer_without_end")
        try:
            return exchange.opener(arrived.status, arrived.headers, end), kind
        except SealingError as e:
            raise broken(self._name, e.fault) from None

    async def _plain(self, opener: ehbp.Opener, arrived: Arrived) -> AsyncIterator[bytes]:
        try:
            async for data in arrived.chunks:
                if plain := opener.feed(data):
                    yield plain
            opener.close()
        except SealingError as e:
            raise broken(self._name, e.fault) from None

    async def close(self) -> None:
        await self._carrier.close()


def refuse_exposed(upstream: str, *, withheld: bool) -> None:
    """Raises AttestationRefused where the upstream wants a credential that may not stand in the clear."""
    if withheld:
        raise AttestationRefused(upstream, ("credential.in-clear",))


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
