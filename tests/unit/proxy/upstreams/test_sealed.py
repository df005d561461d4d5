"""Which wire seals to a lease's key, and when the upstream's credential may stand beside it in the clear."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from egress_support import NOW, chat

from attestation.aci.fields import Algo, new_secret
from attestation.ehbp import SUITE
from attestation.hpke import new_secret as hpke_secret
from attestation.near import Algo as NearAlgo
from attestation.near import Identity
from attestation.providers.base import BodyKey, Seal
from attestation.types import Claims
from policies.types import Zone
from proxy.outbound import Outbound
from proxy.ports import LeaseInfo
from proxy.settings import AttestationConfig, Secret, UpstreamConfig
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.sealed import sealer
from proxy.upstreams.transports import Arrived, Carried, Opened

CLAIMS = Claims("snp", b"m", b"r", False, {}, "committed", 0, 0, b"c", b"e", NOW, NOW, ())
INFO = LeaseInfo("snp", "ee", "committed", "clinic", "aa", "bb", NOW + dt.timedelta(minutes=10))
KEYS = {
    Seal.EHBP: BodyKey(Seal.EHBP, hpke_secret(SUITE.kem).public, "x25519"),
    Seal.ACI: BodyKey(Seal.ACI, new_secret(Algo.X25519).public, Algo.X25519),
    Seal.NEAR: BodyKey(Seal.NEAR, Identity(NearAlgo.ED25519).public, "ed25519"),
}
MARKS = {Seal.EHBP: "ehbp-encapsulated-key", Seal.ACI: "x-e2ee-version", Seal.NEAR: "x-encrypt-all-fields"}
OUT = dataclasses.replace(chat("sealed"), headers=(("content-type", "application/json"),))


class Sent(Exception):
    """Something left."""


class Carrier:
    users = 0

    def __init__(self) -> None:
        self.sent: list[Carried] = []

    async def carry(self, sent: Carried) -> Arrived:
        self.sent.append(sent)
        raise Sent

    async def open(self, out: Outbound) -> Opened:
        raise AssertionError("nothing leaves unsealed")

    async def close(self) -> None: ...


def lease(body: BodyKey | None, pin: bytes | None) -> Lease:
    return Lease("sealed", 1, pin, CLAIMS, 0.0, 600.0, INFO, body)


def upstream(*, key: str | None = None, expose: bool | None = None) -> UpstreamConfig:
    proof = None if expose is None else AttestationConfig("aci", "clinic", expose_key=expose)
    secret = Secret(key) if key is not None else None
    return UpstreamConfig("sealed", Zone.ENCLAVE, "openai", "https://sealed.example/v1", secret, attestation=proof)


@pytest.mark.parametrize("seal", Seal)
async def test_each_format_has_its_wire(seal: Seal) -> None:
    carrier = Carrier()
    with pytest.raises(Sent):
        await sealer(upstream())(lease(KEYS[seal], None), carrier).open(OUT)
    names = {name.lower() for name, _ in carrier.sent[0].headers}
    assert [s for s, mark in MARKS.items() if mark in names] == [seal]


def test_a_lease_without_a_key_for_bodies_seals_nothing() -> None:
    with pytest.raises(AttestationRefused) as e:
        sealer(upstream())(lease(None, b"p" * 32), Carrier())
    assert e.value.failures == ("body-key.missing",)


@pytest.mark.parametrize("seal", Seal)
@pytest.mark.parametrize("expose", [None, False, True])
@pytest.mark.parametrize("pin", [None, b"p" * 32])
@pytest.mark.parametrize("key", [None, "sk-upstream"])
async def test_a_credential_goes_along_pinned_or_where_the_configuration_says_so(
    seal: Seal, expose: bool | None, pin: bytes | None, key: str | None
) -> None:
    carrier = Carrier()
    made = sealer(upstream(key=key, expose=expose))(lease(KEYS[seal], pin), carrier)
    if key is None or pin is not None or expose:
        with pytest.raises(Sent):
            await made.open(OUT)
    else:
        with pytest.raises(AttestationRefused) as e:
            await made.open(OUT)
        assert e.value.failures == ("credential.in-clear",) and not carrier.sent
