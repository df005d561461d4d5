"""``sealgate attest fetch``: what an endpoint presents, judged as in the gate; a file that must be approved."""

import asyncio
import json
from dataclasses import dataclass

import pytest
from attested import NOW
from click.testing import CliRunner
from fake_tls import Identity, TlsPeer
from published import AMD, TRUST, amd_crl, snapshot

from attestation.collateral.store import Snapshot
from attestation.expectations import BadExpectations, load_expectations
from attestation.providers import registry
from attestation.providers.base import BodyKey, Channel, Piece, Presented, Seal
from attestation.providers.sealgate import SealgateProvider
from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import VENDORS
from attestation.types import Check, Source, Status
from policies.types import Zone
from proxy.cli import cli
from proxy.commands import attest_fetch as module
from proxy.commands.attest_fetch import Look, look_at
from proxy.egress import ControlDoor
from proxy.errors import UpstreamError
from proxy.settings import AttestationConfig, UpstreamConfig


def run(*args: object):
    return CliRunner().invoke(cli, ["attest", "fetch", *map(str, args)])


async def in_a_thread(*args: object):
    return await asyncio.to_thread(run, *args)


def door(url: str) -> ControlDoor:
    config = AttestationConfig("sealgate-snp", module.NAME)
    return ControlDoor({module.NAME: UpstreamConfig(module.NAME, Zone.ENCLAVE, "openai", url, attestation=config)})


async def look(enclave: SimulatedEnclave, store: Snapshot | None = None) -> Look:
    return await look_at(SealgateProvider(), door(enclave.url), NOW, VENDORS, TRUST, store)


def failed(found: Look) -> set[str]:
    return {c.id for _, c in found.checks if c.status is Status.FAIL}


@pytest.fixture
async def enclave():
    async with SimulatedEnclave(platform=AMD) as made:
        yield made


async def test_an_honest_enclave_is_genuine_and_proves_its_key(enclave):
    found = await look(enclave)
    assert found.good
    assert found.presented.channel.spki_sha256 == enclave.pin
    assert {role for role, _ in found.checks} == {"", "cpu"}
    assert ("cpu", "binding") in {(role, c.id) for role, c in found.checks}


async def test_a_store_is_used_and_what_it_lacks_refuses(enclave):
    assert (await look(enclave, snapshot(amd_crl()))).good
    found = await look(enclave, Snapshot())
    assert failed(found) == {"collateral.amd-crl"}


NO_LIES = {Misbehaviour.REVOKED_ASK, Misbehaviour.KEY_ROTATION, Misbehaviour.VMPL_1, Misbehaviour.OLD_TCB,
           Misbehaviour.WRONG_MEASUREMENT}  # fmt: skip
"""Genuine evidence: what is wrong with it, expectations or a revocation list say."""
SILENT = {Misbehaviour.SLOW, Misbehaviour.HTTP_500, Misbehaviour.HUGE_DOCUMENT}
LIES = [m for m in Misbehaviour if m not in NO_LIES | SILENT]


@pytest.mark.parametrize("lie", LIES)
async def test_no_lie_is_genuine(enclave, lie):
    enclave.misbehaviour = lie
    found = await look(enclave)
    assert not found.good
    assert failed(found)


@pytest.mark.parametrize("lie", [Misbehaviour.HTTP_500, Misbehaviour.HUGE_DOCUMENT])
async def test_who_cannot_be_asked_is_not_judged(enclave, lie):
    enclave.misbehaviour = lie
    with pytest.raises(UpstreamError):
        await look(enclave)


@dataclass(frozen=True)
class Other:
    """A provider that presents what a test says."""

    presented: Presented
    kind: str = "other"

    def asks(self, nonce):
        return SealgateProvider().asks(nonce)

    def read(self, heard, nonce):
        return self.presented


GOOD = Piece("cpu", AMD.evidence(bytes(64)), {"report_data": bytes(64)})


@pytest.mark.parametrize(
    ("presented", "want"),
    [
        (Presented((GOOD,), Channel(), True), {"channel"}),
        (Presented((), Channel(b"1" * 32), True), {"pieces"}),
        (Presented((GOOD, GOOD), Channel(b"1" * 32), True), {"pieces"}),
        (Presented((Piece("cpu", GOOD.evidence, {}),), Channel(b"1" * 32), True), {"pieces", "binding"}),
        (Presented((GOOD,), Channel(b"1" * 32), True, (Check("own", Status.FAIL, Source.PROVIDER, ""),)), {"own"}),
        (Presented((GOOD,), Channel(b"1" * 32), True, (Check("own", Status.UNKNOWN, Source.PROVIDER, ""),)), set()),
    ],
)
async def test_what_the_gate_would_refuse_is_not_good(enclave, presented, want):
    found = await look_at(Other(presented), door(enclave.url), NOW, VENDORS, TRUST)
    assert not found.good
    assert failed(found) == want


async def test_a_sealed_channel_is_shown(enclave):
    sealed = Presented((GOOD,), Channel(body=BodyKey(Seal.EHBP, b"\7" * 32, "x25519")), False)
    found = await look_at(Other(sealed), door(enclave.url), NOW, VENDORS, TRUST)
    assert found.good
    facts = module._facts(found)
    assert facts["channel"]["body_key"] == f"ehbp x25519 {'07' * 32}"
    assert facts["nonce_bound"] is False


async def test_the_command_never_accepts_simulated_evidence(enclave, tmp_path):
    out = tmp_path / "clinic.yaml"
    got = await in_a_thread(enclave.url, "--out", out)
    assert got.exit_code == 2
    assert "FAIL" in got.output
    assert "chain.root" in got.output
    assert not out.exists()
    body = json.loads((await in_a_thread(enclave.url, "--json")).output)
    assert body["genuine"] is False


async def test_a_file_is_written_that_the_loader_refuses(enclave, tmp_path, monkeypatch):
    real = module.look_at
    monkeypatch.setattr(module, "look_at", lambda *a, store=None: real(*a, TRUST, store))
    out = tmp_path / "clinic.yaml"
    got = await in_a_thread(enclave.url, "--out", out)
    assert got.exit_code == 0, got.output
    assert "unapproved" in got.output
    text = out.read_text()
    assert enclave.measurement.hex() in text
    assert f'fetched_from: "{enclave.url}"' in text
    with pytest.raises(BadExpectations, match="not approved"):
        load_expectations(text)
    again = await in_a_thread(enclave.url, "--out", out)
    assert again.exit_code == 1  # somebody may have approved it meanwhile
    assert out.read_text() == text


async def test_who_cannot_be_reached_is_exit_3():
    assert (await in_a_thread("https://127.0.0.1:9/v1")).exit_code == 3
    async with TlsPeer(Identity()) as peer:
        got = await in_a_thread(f"https://localhost:{peer.port}/v1")
        assert got.exit_code == 2  # it answered, and it was no evidence
        assert got.output


@pytest.mark.parametrize("args", [("http://127.0.0.1/v1",), ("https://a/v1", "--provider", "nobody"),
                                  ("https://a/v1", "--option", "x=1"), ("https://a/v1", "--option", "x")])  # fmt: skip
def test_misuse_is_named(args):
    assert run(*args).exit_code in (1, 2)
    assert run(*args).output or run(*args).exception


def test_options_are_read_as_they_are_declared(monkeypatch):
    @dataclass(frozen=True)
    class Made:
        path: str
        pins: tuple[str, ...] = ()
        count: int | None = None
        strict: bool = False
        key: bytes = b""
        kind: str = "made"

    monkeypatch.setitem(registry.KINDS, "made", Made)
    got = module._provider("made", ("path=/a=b", "pins=x,y", "count=3", "strict=true", "key=0011"))
    assert got == Made("/a=b", ("x", "y"), 3, True, b"\0\x11")
