"""What an enclave signs of its answers: ACI's receipts, and signatures of dstack proxies (attestation.md §5.2).

A carrier around a carrier: it hashes what leaves and what arrives, and asks for the receipt over the same channel once
the answer is whole. ``recorded``: what came of it is in the outcome. ``required``: an answer without a good receipt is
an error at its end, and the mark of that end is held back until then. A receipt is about the bytes of one request and
one answer, whoever carried them; the key that signs it must be in the evidence of the lease.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from attestation import signatures, strictjson
from attestation.aci.documents import check_receipt, same_keyset
from attestation.bodies import compact
from attestation.providers.base import Channel, Seal
from attestation.types import AttestationError
from proxy.errors import UpstreamError
from proxy.observe import log_fault
from proxy.outbound import Answer, Outbound, Provenance, exactly
from proxy.settings import UpstreamConfig
from proxy.upstreams import remote
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.sealing import EVENTS, VERIFIED_ONLY, media_type
from proxy.upstreams.transports import Arrived, Carried, Carrier, KeyChanged, Opened

RECEIPT_BYTES = 256 * 1024
RECEIPT_S = 5.0
"""For all tries together."""
PAUSES_S = (0.1, 0.4, 1.0)
"""A receipt is made when the answer is over: it may come a moment later."""
HEAD_BYTES = 64 * 1024
"""How much of an answer is searched for its id."""
FORWARDS = "upstreams.evidence"
"""The check that a service fails which serves from others; whoever waives it lets its word stand for them."""
PATHS = frozenset({"/chat/completions", "/completions", "/embeddings", "/responses", "/messages"})

_CHAT_IDS = (
    re.compile(rb'"id"\s*:\s*"((?:chatcmpl|cmpl|embd|resp|msg)[_-][A-Za-z0-9_-]{1,120})"'),
    re.compile(rb'"id"\s*:\s*"([A-Za-z0-9_-]{1,128})"'),
)
_RECEIPT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_END = re.compile(rb"\[DONE\]|message_stop|response\.(?:completed|incomplete|failed)")
"""Where a stream may end: what stands there and all that follows waits for the receipt."""
_LONGEST = len(b"response.incomplete")


class ProvingCarrier:
    """Implements ``transports.Carrier``. ``channel`` is what the evidence of the lease names; ``doubt`` is called when
    an answer names another keyset; where ``revoked`` says so, nobody is asked for receipts. ``forwards``: the service
    is an aggregator, which may serve from services that nobody attested unless a request forbids it."""

    def __init__(
        self, upstream: str, carrier: Carrier, channel: Channel, wanted: str, doubt: Callable[[], None],
        revoked: Callable[[], bool], *, forwards: bool = False,
    ) -> None:  # fmt: skip
        self._name = upstream
        self._carrier = carrier
        self._channel = channel
        self._wanted = wanted
        self._doubt = doubt
        self._revoked = revoked
        self.forwards = forwards

    @property
    def users(self) -> int:
        return self._carrier.users

    async def open(self, out: Outbound) -> Opened:
        """As that of the carrier within."""
        body = out.body if out.large is None else exactly(out.large)
        arrived = await self.carry(Carried(out.method, out.path, out.query, out.headers, body, out.size))
        answer = Answer(arrived.status, remote.returned(arrived.headers), arrived.chunks, arrived.settle)
        return Opened(answer, arrived.close)

    async def carry(self, sent: Carried) -> Arrived:
        """Raises as the carrier within; AttestationRefused for what has no receipt, where one is required, and for what
        an aggregator cannot be told about."""
        if self.forwards and sent.method != "GET" and not sent.restored:  # what was sealed says so already
            if (told := _verified_only(sent.body)) is None:
                raise AttestationRefused(self._name, ("upstreams.unbound",))
            sent = replace(sent, body=told, size=len(told))
        if sent.method != "POST" or sent.path not in PATHS:
            if self.required:
                raise AttestationRefused(self._name, ("receipts.path",))
            return await self._over(sent)
        if self._wanted == "off":
            return await self._over(sent)
        asked = hashlib.sha256(sent.restored)
        if not sent.restored:
            sent = replace(sent, body=_hashed(sent.body, asked))
        arrived = await self._over(sent)
        if not 200 <= arrived.status < 300:
            return arrived
        proof = _Proof(self, sent, arrived, asked)
        return replace(arrived, chunks=proof.chunks(), settle=proof.settle)

    async def _over(self, sent: Carried) -> Arrived:
        arrived = await self._carrier.carry(sent)
        if self._channel.keyset is not None and not same_keyset(arrived.headers, self._channel.keyset):
            self._doubt()
        return arrived

    async def close(self) -> None:
        await self._carrier.close()

    async def fetch(self, path: str, query: str) -> Mapping[str, Any] | None:
        """A document of the enclave, or None where it has none. Raises UpstreamError or AttestationError."""
        if self._revoked():  # the question would bring it the upstream's key
            raise UpstreamError(f"{self._name} is not trusted any more", code="upstream_untrusted")
        accept = (("accept", "application/json"),)
        arrived = await self._carrier.carry(Carried("GET", path, query, accept))
        try:
            if arrived.status == 404:
                return None
            if arrived.status != 200:
                raise UpstreamError(f"{self._name} gave no receipt", code=f"upstream_{arrived.status}")
            body = bytearray()
            async for chunk in arrived.chunks:
                body += chunk
                if len(body) > RECEIPT_BYTES:
                    raise UpstreamError(f"{self._name} gave too long a receipt", code="receipt_failed")
            return strictjson.load_object(bytes(body), RECEIPT_BYTES, "the receipt")
        finally:
            await arrived.close()

    @property
    def channel(self) -> Channel:
        return self._channel

    @property
    def required(self) -> bool:
        return self._wanted == "required"

    @property
    def name(self) -> str:
        return self._name


class _Proof:
    """One answer on its way, and what its receipt says when it is over."""

    def __init__(self, by: ProvingCarrier, sent: Carried, arrived: Arrived, asked: Any) -> None:
        self._by = by
        self._sent = sent
        self._arrived = arrived
        self._asked = asked
        self._got = hashlib.sha256()
        self._head = bytearray()
        self._whole = False
        self._found: Provenance | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer. Raises UpstreamError at its end for a receipt that is required and not good."""
        held, before = bytearray(), b""
        holding = self._by.required and media_type(self._arrived.headers) != EVENTS
        async for chunk in self._arrived.chunks:
            self._got.update(chunk)
            if len(self._head) < HEAD_BYTES:
                self._head += chunk[: HEAD_BYTES - len(self._head)]
            holding = holding or (self._by.required and _END.search(before + chunk) is not None)
            before = (before + chunk)[1 - _LONGEST :]
            if holding:
                held += chunk
            else:
                yield chunk
        self._whole = True
        if self._by.required:
            found = await self.settle()
            if found.receipt != "verified":
                code = f"receipt_{found.receipt}"
                raise UpstreamError(f"{self._by.name}: no good receipt for this answer", code=code)
        if held:
            yield bytes(held)

    async def settle(self) -> Provenance:
        """Once: what the receipt is worth."""
        if self._found is None:
            try:
                self._found = await self._settled() if self._whole else Provenance("unchecked")
            except Exception as e:  # a bug of ours in code that reads what strangers send: the outcome is recorded
                log_fault(e)
                self._found = Provenance("failed")
        return self._found

    async def _settled(self) -> Provenance:
        ident, check = self._question()
        if ident is None:
            return Provenance("missing")
        hashed = hashlib.sha256(ident.encode()).hexdigest()
        try:
            async with asyncio.timeout(RECEIPT_S):
                for pause in (*PAUSES_S, None):
                    if (good := await check(ident)) is not None:
                        return Provenance("verified" if good else "failed", hashed)
                    if pause is not None:
                        await asyncio.sleep(pause)
        except KeyChanged as e:  # another machine, which has no receipt of this one's
            e.drop()
        except (UpstreamError, TimeoutError):
            pass
        return Provenance("missing", hashed)

    def _question(self) -> tuple[str | None, Callable[[str], Awaitable[bool | None]]]:
        if self._by.channel.keyset is not None:
            named = [v for k, v in self._arrived.headers if k.lower() == "x-receipt-id"]
            ident = named[0] if len(named) == 1 and _RECEIPT_ID.fullmatch(named[0]) else self._chat_id()
            return ident, self._receipt
        return self._chat_id(), self._signature

    def _chat_id(self) -> str | None:
        found = next((m for pattern in _CHAT_IDS if (m := pattern.search(self._head))), None)
        return None if found is None else found[1].decode()

    async def _receipt(self, ident: str) -> bool | None:
        """None: not there yet."""
        try:
            document = await self._by.fetch(f"/aci/receipts/{ident}", "")
            if document is None:
                return None
            said = {"endpoint": f"/v1{self._sent.path}", "method": "POST"}
            if (chat := self._chat_id()) is not None:
                said["chat_id"] = chat
            if "receipt_id" in document and ident != chat:
                said["receipt_id"] = ident
            request, response = (f"sha256:{h.hexdigest()}" for h in (self._asked, self._got))
            keyset = self._by.channel.keyset or {}
            check_receipt(document, keyset, request, response, said, forwards=self._by.forwards)
        except AttestationError:
            return False
        return True

    async def _signature(self, ident: str) -> bool | None:
        algo, key = self._by.channel.signing_key or ("", b"")
        try:
            document = await self._by.fetch(f"/signature/{ident}", f"signing_algo={algo}")
            if document is None:
                return None
            hashes = self._asked.hexdigest(), self._got.hexdigest()
            model = _model(self._sent.body)
            await asyncio.to_thread(signatures.verify, document, algo, key, model, *hashes)
        except AttestationError:
            return False
        return True


def proving(
    upstream: UpstreamConfig, make: Callable[[], Carrier], lease: Lease, doubt: Callable[[], None],
    revoked: Callable[[], bool],
) -> Carrier:  # fmt: skip
    """A new carrier, with receipts as the configuration wants them. Raises AttestationRefused where they are required
    and the evidence names no key for them."""
    wanted = upstream.attestation.receipts if upstream.attestation is not None else "off"
    if wanted == "auto":
        unproven = lease.pin is None and lease.body is not None and lease.body.seal is not Seal.EHBP
        wanted = "required" if unproven else "recorded"
    keyset = lease.channel.keyset
    signed = bool(keyset.get("receipt_signing_keys")) if keyset is not None else lease.channel.signing_key is not None
    if wanted == "required" and not signed:
        raise AttestationRefused(upstream.name, ("receipts.no-key",))
    if not signed and keyset is None:
        return make()
    forwards = keyset is not None and FORWARDS in lease.info.waived
    wanted = wanted if signed else "off"
    return ProvingCarrier(upstream.name, make(), lease.channel, wanted, doubt, revoked, forwards=forwards)


def _verified_only(body: bytes | AsyncIterator[bytes]) -> bytes | None:
    """``body`` with the demand that only attested services see it; None where it has no place for that."""
    try:
        tree = strictjson.load_object(body, len(body)) if isinstance(body, bytes) else None
        provider = tree.get("provider", {}) if tree is not None else None
        if tree is None or not isinstance(body, bytes) or not isinstance(provider, dict):
            return None
        if "provider" in tree:
            return compact({**tree, "provider": provider | VERIFIED_ONLY}).encode()
    except (AttestationError, ValueError):  # the latter for a number or a text that JSON does not have
        return None
    first = compact({"provider": VERIFIED_ONLY}).encode()[:-1]  # all else stays as it was written
    return first + (b"," if tree else b"") + body[body.index(b"{") + 1 :]


def _model(body: bytes | AsyncIterator[bytes]) -> str:
    """The model that a body names; some services write it before the hashes."""
    try:
        named = strictjson.load_object(body, len(body)).get("model") if isinstance(body, bytes) else None
    except AttestationError:
        named = None
    return named if isinstance(named, str) else ""


def _hashed(body: bytes | AsyncIterator[bytes], digest: Any) -> bytes | AsyncIterator[bytes]:
    if isinstance(body, bytes):
        digest.update(body)
        return body
    return _passing(body, digest)


async def _passing(body: AsyncIterator[bytes], digest: Any) -> AsyncIterator[bytes]:
    async for piece in body:
        digest.update(piece)
        yield piece
