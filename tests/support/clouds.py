"""Asks a simulated endpoint over TLS like the control door does, and judges what comes back."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import secrets
import ssl

from attested import NOW

from attestation.providers.base import Ask, Heard, Presented, Provider, Reply
from attestation.providers.prove import Proof, prove
from attestation.simulator.providers.loopback import Loopback
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL, Collateral, Expectations, Malformed, Rejected

NONCE = bytes(range(64, 96))


def wants(server: Loopback, tee: str, **changes: object) -> Expectations:
    """What the honest server meets, by its one measurement."""
    base: dict[str, object] = {"minimum_tcb": {}, "measurements": {server.measurement: "release"}}
    return Expectations(
        name="test", tees=frozenset({tee}), approved_by="privacy@acme.example",
        approved_until=dt.date(2027, 3, 31), allow_simulated=True, **{**base, **changes},
    )  # fmt: skip


async def heard(provider: Provider, server: Loopback, nonce: bytes = NONCE) -> Heard:
    """The answers to what ``provider`` asks, and the certificate of the connection."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    port = int(server.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    replies = {ask.name: await _reply(ask, reader, writer) for ask in provider.asks(nonce)}
    writer.close()
    return Heard(replies, certificate)


async def _reply(ask: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
    verb = "GET" if ask.post is None else "POST"
    head = f"{verb} {ask.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    body = ask.post or b""
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    writer.write(head.encode() + b"\r\n" + body)
    raw = await reader.read(-1)
    top, _, rest = raw.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 200"), top[:60]
    return Reply(rest)


async def proven(
    provider: Provider, server: Loopback, want: Expectations, collateral: Collateral = NO_COLLATERAL,
    nonce: bytes = NONCE, now: dt.datetime = NOW,
) -> Proof:  # fmt: skip
    presented = provider.read(await heard(provider, server, nonce), nonce)
    return prove(presented, want, now, VENDORS, server.trust, collateral)


async def refusals(
    provider: Provider, server: Loopback, want: Expectations, collateral: Collateral = NO_COLLATERAL,
    now: dt.datetime = NOW,
) -> set[str]:  # fmt: skip
    """Ids of what fails; empty when it is accepted, {"malformed"} when the answer is of another form."""
    try:
        await proven(provider, server, want, collateral, secrets.token_bytes(32), now)
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed:
        return {"malformed"}
    return set()


def read(provider: Provider, body: bytes, certificate: bytes, nonce: bytes = NONCE) -> Presented:
    """Without a connection."""
    return provider.read(Heard({a.name: Reply(body) for a in provider.asks(nonce)}, certificate), nonce)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()
