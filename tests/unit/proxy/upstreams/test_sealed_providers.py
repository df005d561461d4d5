"""From a provider's own documents to a sealed answer: evidence is asked and proven, its key seals, its receipt counts.
No lease is made by hand here."""

from __future__ import annotations

import json
import time
from typing import Any

from egress_support import Events, HandClock, chat, enclave, receipt_for
from lease_support import Given

from attestation.aci.fields import Algo
from attestation.providers.base import Seal
from attestation.simulator.fields_server import AciEnclave
from attestation.simulator.intel import shared_intel
from attestation.simulator.providers.aci import DOMAIN, SimulatedAci
from attestation.simulator.providers.tinfoil import Machine
from attestation.simulator.providers.tinfoil_server import TinfoilServer
from attestation.simulator.sealed_server import Meddling, SealedEnclave
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL
from policies.types import Requirements, Zone
from proxy.egress import ControlDoor, DataDoor
from proxy.ports import Candidate
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.enclave import EnclaveLeases

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)
WORDS = "chest pain since Monday"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": WORDS}]}).encode()


class Tinfoil(SealedEnclave, TinfoilServer):
    """A Tinfoil endpoint that serves: its documents name the key that opens its bodies."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self._ehbp = machine.keys

    def rotate_body_key(self) -> None:
        super().rotate_body_key()
        self.machine.keys = self._ehbp


async def sent(door: DataDoor) -> tuple[bytes, Any]:
    await door.prepare(CANDIDATE, Requirements())
    out = chat("sealed", BODY)
    async with door.send(receipt_for(out), out) as answer:
        body = b"".join([c async for c in answer.chunks])
        return body, answer.settle and await answer.settle()


def door(server: Any, proof: AttestationConfig, expectations: Any, events: Events, collateral: Any) -> DataDoor:
    base = enclave(server.url)
    config = {"sealed": UpstreamConfig("sealed", base.zone, base.kind, base.url, attestation=proof)}
    leases = EnclaveLeases(
        config, {expectations.name: expectations}, ControlDoor(config), HandClock(), trust=VENDORS,
        simulated=server.trust, published=None if collateral is NO_COLLATERAL else Given(lambda *_: collateral),
        on_event=events,
    )  # fmt: skip
    return DataDoor(config, leases=leases)


async def test_tinfoil_from_its_documents_to_its_answer() -> None:
    events = Events()
    async with Tinfoil(Machine("snp", gpus=2, now=HandClock().now())) as server:
        proof = AttestationConfig("tinfoil", "tinfoil", 600, {"gpus": 2})
        made = door(server, proof, server.machine.expectations(), events, NO_COLLATERAL)
        body, _ = await sent(made)
        assert WORDS in body.decode() and server.opened == [BODY]
        assert WORDS.encode() not in server.wire_in and WORDS.encode() not in server.wire_out
        server.meddling = Meddling.KEY_CHANGED
        body, _ = await sent(made)
        assert WORDS in body.decode() and events.codes().count("enclave_key_changed") == 1
        await made.close()


class Aci(AciEnclave):
    """An ACI service whose documents are those of the simulated provider, with the keys that this one uses."""

    def __init__(self) -> None:
        super().__init__(Algo.X25519)
        self.clock = time.time
        self.service = SimulatedAci()
        self.service.sealing = {Algo.X25519: self._secret}
        self.service.receipts = self._receipts.key

    @property
    def trust(self) -> Any:
        return self.service.trust

    @property
    def keyset(self) -> dict[str, Any]:
        return self.service.keyset()

    def add_routes(self, app: Any) -> None:
        self.service.spki = self.spki
        app.router.add_get("/v1/aci/attestation", self.service._report)


async def test_aci_from_its_documents_to_its_receipt() -> None:
    events = Events()
    async with Aci() as server:
        options = {"domain": DOMAIN, "seal": True}
        proof = AttestationConfig("aci", "clinic", 600, options, receipts="required")
        until = HandClock().now().date().replace(year=2027)
        expected = server.service.expectations("clinic", until)
        made = door(server, proof, expected, events, shared_intel().collateral(HandClock().now()))
        lease = await made._transports["sealed"]._leases.current("sealed", Requirements())  # type: ignore[attr-defined]
        assert lease.body is not None and lease.body.seal is Seal.ACI and lease.pin == server.pin
        body, found = await sent(made)
        assert WORDS in body.decode() and found.receipt == "verified"
        assert WORDS.encode() not in server.wire_in and WORDS.encode() not in server.wire_out
        await made.close()
