"""The simulated Tinfoil server over loopback: what it serves is proven, what it lies about is refused."""

import datetime as dt
import secrets
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tinfoil_support import NONCE, OPTIONS

from attestation.providers.base import Heard, Reply
from attestation.providers.prove import Proof, prove
from attestation.providers.tinfoil import Tinfoil
from attestation.simulator.providers.tinfoil import NOW, Machine
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.providers.tinfoil_present import present
from attestation.simulator.providers.tinfoil_server import TinfoilServer
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL, Rejected


@pytest.fixture(params=["snp", "tdx"])
async def server(request) -> AsyncIterator[TinfoilServer]:
    async with TinfoilServer(Machine(request.param, gpus=2)) as running:
        yield running


class Refused(Exception):
    """An answer that is not 200: the control door gives nothing of it to a provider."""


async def asked(server: TinfoilServer, options: Tinfoil, nonce: bytes) -> Heard:
    """All questions over one connection, and its certificate."""
    seen: list[bytes] = []

    class Seen(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen.append(self.getpeercert(True) or b"")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslobject_class = Seen
    replies = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=1)) as session:
        for ask in options.asks(nonce):
            async with session.get(server.url.removesuffix("/v1") + ask.path) as answer:
                if answer.status != 200:
                    raise Refused(answer.status)
                replies[ask.name] = Reply(await answer.read(), answer.headers["content-type"])
    (certificate,) = seen
    return Heard(replies, certificate)


async def attested(server: TinfoilServer) -> Proof:
    options, nonce = OPTIONS[server.form], secrets.token_bytes(32)
    m = server.machine
    presented = options.read(await asked(server, options, nonce), nonce)
    own = NO_COLLATERAL if server.form is Form.V3 else m.collateral()
    return prove(presented, m.expectations(), NOW, VENDORS, server.trust, own)


@pytest.mark.parametrize("form", Form)
async def test_what_it_serves_is_proven(server, form):
    server.form = form
    proof = await attested(server)
    assert proof.channel.spki_sha256 == server.pin and proof.not_after > NOW
    assert server.attestations == 1


@pytest.mark.parametrize(
    ("lie", "why"),
    [(Lie.OTHER_TLS_KEY, "tls-key"), (Lie.ECHOED_NONCE, "binding"), (Lie.GPU_SPLICED, "binding"),
     (Lie.V2_FOR_V3, "document.version"), (Lie.GPU_TWICE, "distinct")],
)  # fmt: skip
async def test_its_lies_are_refused(server, lie, why):
    server.lie = lie
    with pytest.raises(Rejected) as caught:
        await attested(server)
    assert {f.partition(":")[0] for f in caught.value.failures} == {why}
    server.lie = None
    assert await attested(server)


async def test_a_rotated_key_is_not_the_attested_one(server):
    server.lie = Lie.KEY_ROTATION
    proof = await attested(server)
    assert proof.channel.spki_sha256 != server.pin


async def test_a_broken_server_and_a_bad_nonce_get_no_evidence(server):
    server.lie = Lie.HTTP_500
    with pytest.raises(Refused, match="500"):
        await attested(server)
    server.lie = None
    with pytest.raises(Refused, match="400"):
        await asked(server, Tinfoil(), b"short")


def test_a_lie_that_cannot_be_told_is_an_error():
    with pytest.raises(ValueError, match="does not apply"):
        present(Machine("tdx"), Form.V3, Lie.SNP_VMPL_1, bytes(32), NONCE)
    with pytest.raises(ValueError, match="does not apply"):
        present(Machine(), Form.V2, Lie.GPU_TWICE, bytes(32), NONCE)


def test_its_clock_is_the_testers():
    assert Machine("tdx", now=NOW + dt.timedelta(3)).pcs({}) != Machine("tdx").pcs({})
