"""Leases of cloud endpoints over loopback: configuration as it is written, registry, control door, provider, proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import pytest
import yaml
from egress_support import Events, HandClock, enclave
from lease_support import Given

from attestation.expectations import load_expectations
from attestation.simulator.azure import PCRS as TPM
from attestation.simulator.intel import MRTD
from attestation.simulator.nitro import PCRS
from attestation.simulator.providers import azure, gcp, generic, nitro, ratls
from attestation.simulator.providers.loopback import Loopback
from attestation.simulator.snp import MEASUREMENT
from attestation.simulator.tokens import IMAGE, MAA
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL
from policies.types import Requirements
from proxy.egress import ControlDoor
from proxy.errors import UpstreamError
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases

CLOCK = HandClock()
END = "approved_by: a@acme.example\napproved_until: 2027-03-31\nallow_simulated: true\n"
TDX = f"tees: [tdx]\nmeasurements: {{r: {{mrtd: {MRTD.hex()}, rtmr1: {'00' * 48}, rtmr2: {'00' * 48}}}}}\n"
VM = f"measurements: {{r: {{measurement: {MEASUREMENT.hex()}, pcr4: {TPM[4].hex()}}}}}\nminimum_tcb: {{snp: 6}}\n"
AZURE = f"tees: [azure-snp]\n{VM}"
GCP = f"tees: [google-cs]\nmeasurements: {{r: {IMAGE}}}\nfacts: {{audience: ['{gcp.AUDIENCE}']}}\n"
CASES: dict[str, tuple[type[Loopback], dict[str, Any], str, str]] = {
    "nitro": (nitro.NitroServer, {}, f"tees: [nitro]\nmeasurements: {{r: {PCRS[0].hex()}}}\n", """
        provider: nitro
        path: /enclave/attestation
        nonce_bytes: 20
        encoding: base64
        bind: [{field: user_data, format: sha256-cert, offset: 2}]
    """),
    "ratls": (ratls.RaTlsServer, {}, TDX, "{provider: ratls, max_certificate_age: 86400}"),
    "generic": (generic.GenericServer, {}, TDX, """
        provider: generic
        evidence: tdx
        path: /attest
        document: {pointer: /evidence/quote, encoding: hex}
        bind: {report_data: sha256(spki) + nonce}
    """),
    "azure": (azure.AzureServer, {"evidence": "snp"}, AZURE, f"""
        provider: azure
        evidence: snp
        path: /attest
        fields: {{ask: {{encoding: base64url, pointer: /ask}}, ark: {{encoding: base64url, pointer: /ark}}}}
        maa: {{issuer: '{MAA}', policy_hash: policy-1}}
    """),
    "gcp": (gcp.GcpServer, {}, GCP, "{provider: gcp, evidence: token, path: /attest}"),
}  # fmt: skip


@asynccontextmanager
async def running(kind: str, lie: StrEnum | None = None) -> AsyncIterator[tuple[Loopback, EnclaveLeases]]:
    make, how, want, text = CASES[kind]
    async with make(CLOCK.now, lie, **how) as server:
        options = yaml.safe_load(text)
        base = enclave(server.url)
        proof = AttestationConfig(options.pop("provider"), "cloud", 600, options)
        config = {"sealed": UpstreamConfig("sealed", base.zone, base.kind, base.url, attestation=proof)}
        own = server.collateral() if hasattr(server, "collateral") else NO_COLLATERAL
        wanted = {"cloud": load_expectations(f"name: cloud\n{want}{END}")}
        yield server, EnclaveLeases(
            config, wanted, ControlDoor(config), CLOCK, trust=VENDORS,
            simulated=server.trust, published=Given(lambda *_: own), on_event=Events(),
        )  # fmt: skip


@pytest.mark.parametrize("kind", list(CASES))
async def test_a_lease_pins_the_key_of_the_connection(kind: str) -> None:
    async with running(kind) as (server, leases):
        lease = await leases.current("sealed", Requirements())
        assert lease.pin == server.pin and lease.info.provider == kind and lease.info.simulated
        assert lease.info.nonce_bound is (kind != "ratls")


LIES = [("nitro", nitro.Lie.FORMER_CERTIFICATE), ("ratls", ratls.Lie.OTHER_KEY), ("generic", generic.Lie.OLD_NONCE),
        ("azure", azure.Lie.CROSS_TENANT), ("gcp", gcp.Lie.NO_KEY)]  # fmt: skip


@pytest.mark.parametrize(("kind", "lie"), LIES)
async def test_a_lie_gives_no_lease(kind: str, lie: StrEnum) -> None:
    async with running(kind, lie) as (server, leases):
        with pytest.raises(AttestationRefused) as e:
            await leases.current("sealed", Requirements())
        assert set(e.value.failures) <= {"binding", "certificate.key", "token.tenant"} and not server.received


async def test_where_nothing_is_asked_no_byte_is_sent() -> None:
    async with running("ratls") as (server, leases):
        await leases.current("sealed", Requirements())
        assert (server.request_bytes, server.attestations) == (0, 0)


async def test_evidence_in_a_certificate_is_as_old_as_the_certificate() -> None:
    async with running("ratls") as (_, leases):
        lease = await leases.current("sealed", Requirements(max_age_s=3700))
        assert lease.fresh is not None
        with pytest.raises(AttestationRefused):  # it was made an hour ago
            await leases.current("sealed", Requirements(max_age_s=3500))


async def test_a_place_that_shows_no_certificate_is_not_reached() -> None:
    async with running("ratls") as (server, _):
        url = server.url
    gone = enclave(url)
    with pytest.raises(UpstreamError):
        await ControlDoor({"sealed": gone}).fetch_evidence("sealed", ())
