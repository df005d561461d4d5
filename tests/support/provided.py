"""Asks a simulated endpoint over real TLS what a provider asks, and says what is then refused."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Any

from attested import NOW, TODAY

from attestation.providers.base import Ask, Heard, Presented, Provider, Reply
from attestation.providers.prove import Proof, prove
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import VENDORS, SimulatedTrust
from attestation.types import Collateral, Expectations, Malformed, Rejected

NONCE = bytes(range(32))


async def hear(enclave: SimulatedEnclave, provider: Provider, nonce: bytes = NONCE) -> Heard:
    """The answers and the certificate of one connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = int(enclave.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        replies = {ask.name: await _asked(reader, writer, ask) for ask in provider.asks(nonce)}
        return Heard(replies, writer.get_extra_info("ssl_object").getpeercert(True))
    finally:
        writer.close()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: Ask) -> Reply:
    writer.write(f"GET {ask.path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert head.startswith("http/1.1 200")
    size = int(head.split("content-length:")[1].split("\r\n")[0])
    return Reply(await reader.readexactly(size))


def proven(presented: Presented, want: Expectations, trust: SimulatedTrust | None, collateral: Collateral,
           **change: Any) -> Proof:  # fmt: skip
    return prove(presented, replace(want, **change), NOW, VENDORS, trust, collateral)


def refusal(
    provider: Provider, heard: Heard, want: Expectations, trust: SimulatedTrust | None, collateral: Collateral,
    nonce: bytes = NONCE,
) -> set[str]:  # fmt: skip
    """Ids of everything that is wrong; empty when it is proven, {"malformed"} when it cannot be read."""
    try:
        proven(provider.read(heard, nonce), want, trust, collateral)
    except Malformed:
        return {"malformed"}
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    return set()


def wanted(enclave: Any) -> Expectations:
    return enclave.expectations("sim", TODAY)
