"""Leases of a Tinfoil endpoint over loopback: registry, control door, provider and proof together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from egress_support import Events, HandClock, enclave
from lease_support import Given

from attestation.providers.base import Seal
from attestation.simulator.providers.tinfoil import Machine
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.providers.tinfoil_server import TinfoilServer
from attestation.trust import VENDORS
from policies.types import Requirements
from proxy.egress import ControlDoor
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases

ANY = Requirements()
Make = Callable[..., EnclaveLeases]


@pytest.fixture(params=["snp", "tdx"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[TinfoilServer]:
    async with TinfoilServer(Machine(request.param, gpus=2, now=HandClock().now())) as running:
        yield running


@pytest.fixture
def leases(server: TinfoilServer) -> Make:
    def make(**options: Any) -> EnclaveLeases:
        m = server.machine
        base = enclave(server.url)
        proof = AttestationConfig("tinfoil", "tinfoil", 600, options)
        config = {"sealed": UpstreamConfig("sealed", base.zone, base.kind, base.url, attestation=proof)}
        own = None if server.form is Form.V3 else Given(lambda *_: m.collateral())
        return EnclaveLeases(
            config, {"tinfoil": m.expectations()}, ControlDoor(config), HandClock(), trust=VENDORS, simulated=m.trust,
            published=own, on_event=Events(),
        )  # fmt: skip

    return make


async def failures(leases: EnclaveLeases, want: Requirements = ANY) -> set[str]:
    with pytest.raises(AttestationRefused) as e:
        await leases.current("sealed", want)
    return set(e.value.failures)


async def test_a_lease_holds_both_keys_and_counts_the_gpus(server: TinfoilServer, leases: Make) -> None:
    lease = await leases(gpus=2).current("sealed", Requirements(max_age_s=60))
    assert lease.pin == server.pin
    assert lease.body is not None and lease.body.seal is Seal.EHBP
    assert lease.body.key == server.machine.keys.secret.public
    assert (lease.info.provider, lease.info.nonce_bound, lease.info.simulated) == ("tinfoil", True, True)
    assert any(name.startswith("collateral.") for name in lease.info.unknown)


async def test_version_2_serves_no_rule_with_a_greatest_age(server: TinfoilServer, leases: Make) -> None:
    server.form = Form.V2
    assert await failures(leases()) == {"document.version"}
    lease = await leases(allow_v2=True).current("sealed", Requirements())
    assert not lease.info.nonce_bound and lease.fresh is None
    assert await failures(leases(allow_v2=True), Requirements(max_age_s=60))


@pytest.mark.parametrize(
    ("lie", "why"),
    [(Lie.OTHER_TLS_KEY, {"tls-key"}), (Lie.ECHOED_NONCE, {"binding"}), (Lie.GPU_FEWER, {"gpu.count"}),
     (Lie.NOT_JSON, {"malformed"}), (Lie.HTTP_500, {"evidence_unavailable"})],
)  # fmt: skip
async def test_a_lie_is_refused_with_its_reason(server: TinfoilServer, leases: Make, lie: Lie, why: set[str]) -> None:
    server.lie = lie
    assert await failures(leases(gpus=2)) == why
    assert server.request_bytes > 0 and not server.received
