"""dstack proxies, gateways and ACI services as upstreams: both doors, real TLS, and what reaches them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from egress_support import NOW, Events, HandClock, chat, receipt_for
from lease_support import Given

from attestation.simulator.providers.aci import DOMAIN, SimulatedAci
from attestation.simulator.providers.aci import Lie as AciLie
from attestation.simulator.providers.dstack import Lie, SimulatedDstack, gateway
from attestation.simulator.providers.guest import TdLie, collateral
from attestation.trust import VENDORS
from policies.types import Requirements, Zone
from proxy.egress import ControlDoor, DataDoor
from proxy.ports import Candidate
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)
CASES: Mapping[str, Any] = {
    "proxy": (SimulatedDstack, "dstack", {"gpu_count": 2}),
    "gateway": (gateway, "dstack", {"gpu_count": 1, "gateway": True}),
    "tdx": (SimulatedAci, "aci", {"domain": DOMAIN}),
    "snp": (lambda: SimulatedAci("sev_snp"), "aci", {"domain": DOMAIN}),
}
LIES = (
    ("proxy", Lie.HIDDEN_TLS_KEY, "binding"), ("proxy", TdLie.OTHER_APPLICATION, "measurement"),
    ("gateway", Lie.MODEL_OLD, "model-0.nonce"), ("gateway", Lie.OTHER_TLS_KEY, "gateway.tls-key"),
    ("tdx", AciLie.SWAPPED_KEYSET, "binding"), ("tdx", AciLie.EXPIRED, "keys.expired"),
    ("snp", AciLie.ECHOED_NONCE, "binding"),
)  # fmt: skip


class World:
    def __init__(self, running: Any, kind: str, options: Mapping[str, Any]) -> None:
        port = running.url.split(":")[2].split("/")[0]
        proof = AttestationConfig(kind, "clinic", 600.0, options)
        url = f"https://localhost:{port}/v1"
        config = {"sealed": UpstreamConfig("sealed", Zone.ENCLAVE, "openai", url, None, attestation=proof)}
        want = running.expectations("clinic", dt.date(2027, 1, 1))
        self.control, self.clock = ControlDoor(config), HandClock()
        self.leases = EnclaveLeases(
            config, {"clinic": want}, self.control, self.clock, trust=VENDORS, simulated=running.trust,
            published=Given(lambda *_: collateral(NOW)), on_event=Events(),
        )  # fmt: skip
        self.door = DataDoor(config, leases=self.leases)

    async def __aenter__(self) -> "World":
        return self

    async def __aexit__(self, *_: object) -> None:
        for part in (self.leases, self.door, self.control):
            await part.close()


@pytest.mark.parametrize("name", CASES)
async def test_a_request_reaches_a_proven_service_under_its_proven_key(name: str) -> None:
    make, kind, options = CASES[name]
    async with make() as running, World(running, kind, options) as world:
        await world.door.prepare(CANDIDATE, Requirements())
        lease = await world.leases.current("sealed", Requirements())
        assert lease.pin == running.pin and lease.info.provider == kind and lease.info.image
        out = chat("sealed")
        async with world.door.send(receipt_for(out), out) as answer:
            assert answer.status == 200
        assert running.received == [out.body]


@pytest.mark.parametrize(("name", "lie", "why"), LIES)
async def test_one_that_lies_receives_nothing(name: str, lie: Any, why: str) -> None:
    make, kind, options = CASES[name]
    async with make() as running, World(running, kind, options) as world:
        running.lie = lie
        with pytest.raises(AttestationRefused) as refused:
            await world.door.prepare(CANDIDATE, Requirements())
        assert why in refused.value.failures and not running.received
