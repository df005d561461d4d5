"""ACI services over loopback TLS: honest ones are proven with their keyset, each lie is refused by its own check."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from attested import NOW, vector
from provided import NONCE, hear, proven, refusal, wanted

from attestation.aci.documents import keyset_digest, receipt_key, same_keyset
from attestation.aci.fields import Algo, FieldExchange, open_field, request_aad
from attestation.providers.aci import Aci, parse_keyset
from attestation.providers.base import Heard, Reply, Seal
from attestation.providers.prove import prove
from attestation.providers.reading import DSTACK_PINNED
from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.providers.aci import DOMAIN, END, Lie, SimulatedAci
from attestation.simulator.providers.guest import TdLie, collateral
from attestation.trust import VENDORS
from attestation.types import WAIVABLE, Malformed, Rejected, Source, Status

PLAIN = Aci(DOMAIN)
SEALED = Aci(DOMAIN, seal=True)
INTEL = collateral(NOW)


async def verdict(lie: Any, provider: Aci = PLAIN, tee: Any = "tdx") -> set[str]:
    async with SimulatedAci(tee) as running:
        want = wanted(running)
        running.lie = lie
        heard = await hear(running, provider)
        levels = collateral(NOW, lie) if isinstance(lie, TdLie) else INTEL
        return refusal(provider, heard, want, running.trust, levels)


@pytest.mark.parametrize("tee", ["tdx", "sev_snp"])
async def test_an_honest_service_is_proven_with_its_keyset(tee):
    async with SimulatedAci(tee) as running:
        proof = proven(PLAIN.read(await hear(running, PLAIN), NONCE), wanted(running), running.trust, INTEL)
        assert proof.channel.spki_sha256 == running.pin and proof.channel.body is None
        assert receipt_key(proof.channel.keyset, "receipt-1") == running.receipts.public_key().public_bytes_raw()
        assert proof.keys_until == dt.datetime.fromtimestamp(END, dt.UTC)
        assert proof.not_after == min(proof.keys_until, proof.claims.not_after)
        assert proof.asserted == {"repo_url": "https://code.sim.example/gateway", "repo_commit": "c0ffee1",
                                  "subject": "dstack-app://sim"}  # fmt: skip
    if tee == "tdx":
        assert proof.claims.measurements["compose-hash"] == running.app.compose_hash


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.OLD_NONCE: {"binding", "report-data", "quote-report-data"},
        Lie.ECHOED_NONCE: {"binding", "quote-report-data"},
        Lie.NO_NONCE: {"binding", "report-data", "quote-report-data"},
        Lie.WRONG_QUOTED: {"quote-report-data"},
        Lie.SWAPPED_KEYSET: {"binding", "quote-report-data"},
        Lie.ADDED_KEY: {"binding", "report-data", "quote-report-data"},
        Lie.STALE_DIGEST: {"keyset.digest"},
        Lie.OTHER_TLS_KEY: {"tls-key"},
        Lie.OTHER_DOMAIN: {"tls-key", "channel"},
        Lie.NO_TLS_KEY: {"tls-key", "channel"},
        Lie.EXPIRED: {"keys.expired"},
        Lie.FOR_EVER: {"malformed"},
        Lie.FRACTION: {"malformed"},
        Lie.NEW_MEMBER: {"malformed"},
        Lie.ID_TWICE: {"keyset.ids"},
        Lie.ROLE_TWICE: {"keyset.roles"},
        Lie.DUPLICATE_KEY: {"malformed"},
        Lie.UPPER_HEX: {"malformed"},
        Lie.AGGREGATOR: {"upstreams.evidence"},
        Lie.OTHER_VERSION: {"malformed"},
        Lie.OTHER_TEE: {"malformed"},
        Lie.FLAG_ONLY: {"malformed"},
        Lie.NOT_JSON: {"malformed"},
    }.items(),
)
async def test_a_service_that_lies_is_refused_by_the_check_for_it(lie, why):
    assert await verdict(lie) == why


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        TdLie.TAMPERED_QUOTE: {"quote.signature"},
        TdLie.FALSE_ROOT: {"pck.root", "crl.pck-issuer"},
        TdLie.TRAILING_BYTES: {"cpu.format"},
        TdLie.UPPER_HEX: {"malformed"},
        TdLie.DEBUG_TD: {"td.debug"},
        TdLie.OTHER_FIRMWARE: {"measurement"},
        TdLie.OTHER_APPLICATION: {"measurement"},
        TdLie.OTHER_COMPOSE: {"compose-hash"},
        TdLie.NO_COMPOSE: {"malformed"},
        TdLie.DROPPED_EVENT: {"event-log.rtmr3"},
        TdLie.OUT_OF_DATE: {"tcb.status"},
    }.items(),
)
async def test_a_guest_that_is_not_what_was_approved_is_refused(lie, why):
    assert await verdict(lie) == why


async def test_the_compose_file_must_be_approved_and_not_only_the_operating_system():
    async with SimulatedAci() as running:
        heard, want = await hear(running, PLAIN), wanted(running)
        for name in DSTACK_PINNED:
            images = {k: {n: v for n, v in r.items() if n != name} for k, r in want.registers.items()}
            assert refusal(PLAIN, heard, replace(want, registers=images), running.trust, INTEL) == {"measurement"}


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.ECHOED_NONCE: {"binding", "quote-report-data"},
        Lie.SWAPPED_KEYSET: {"binding", "quote-report-data"},
        Lie.LOOSE_BASE64: {"malformed"},
        Misbehaviour.TAMPERED_REPORT: {"report.signature"},
        Misbehaviour.WRONG_MEASUREMENT: {"measurement"},
        Misbehaviour.TRAILING_BYTES: {"malformed"},
        Misbehaviour.TRUNCATED: {"malformed"},
        Misbehaviour.VMPL_1: {"vmpl"},
    }.items(),
)
async def test_the_same_on_snp(lie, why):
    assert await verdict(lie, tee="sev_snp") == why


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.REORDERED_CHAIN: "chain.root", Misbehaviour.FALSE_ROOT: "chain.root", Misbehaviour.OLD_TCB: "tcb.minimum",
        Misbehaviour.DEBUG_GUEST: "policy.debug", Misbehaviour.SWAPPED_VCEK: "report.signature",
        Misbehaviour.EXPIRED_VCEK: "chain.leaf-validity",
    }.items(),
)  # fmt: skip
async def test_the_chain_of_an_snp_report(lie, why):
    assert why in await verdict(lie, tee="sev_snp")


async def test_requests_are_sealed_to_a_key_of_the_keyset():
    async with SimulatedAci() as running:
        channel = proven(SEALED.read(await hear(running, SEALED), NONCE), wanted(running), running.trust, INTEL).channel
        assert channel.spki_sha256 == running.pin
        assert (channel.body.seal, channel.body.algo) == (Seal.ACI, Algo.X25519)
        sender = FieldExchange(channel.body.algo, channel.body.key.hex(), "m", 1)
        aad = request_aad(Algo.X25519, "m", "messages.0.content", sender.headers["X-E2EE-Nonce"], 1)
        sealed = sender.seal("messages.0.content", b"for the attested key")
        assert open_field(Algo.X25519, running.sealing[Algo.X25519], sealed, aad) == b"for the attested key"


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.NO_TLS_KEY: set(), Lie.OTHER_DOMAIN: set(),  # TLS may end elsewhere where bodies are sealed
        Lie.OTHER_TLS_KEY: {"tls-key"},  # but not under another key than the one that is listed for our host
        Lie.NO_SEALING_KEY: {"malformed"}, Lie.UNKNOWN_SUITE: {"malformed"}, Lie.LOW_ORDER: {"malformed"},
        Lie.OPENS_NOTHING: {"e2ee.version"}, Lie.SWAPPED_KEYSET: {"binding", "quote-report-data"},
    }.items(),
)  # fmt: skip
async def test_what_can_be_wrong_where_requests_are_sealed(lie, why):
    assert await verdict(lie, SEALED) == why


async def test_without_a_tls_key_of_the_keyset_nothing_is_pinned():
    async with SimulatedAci() as running:
        running.lie = Lie.NO_TLS_KEY
        channel = SEALED.read(await hear(running, SEALED), NONCE).channel
    assert channel.spki_sha256 is None and channel.body is not None


async def test_a_key_without_a_domain_counts_for_ours():
    class Anywhere(SimulatedAci):
        def keyset(self) -> dict[str, Any]:
            return {**super().keyset(), "tls_public_keys": [{"spki_sha256": self.pin.hex()}]}

    async with Anywhere() as running:
        assert refusal(PLAIN, await hear(running, PLAIN), wanted(running), running.trust, INTEL) == set()


async def test_a_receipt_key_is_no_sealing_key():
    class OneForAll(SimulatedAci):
        def keyset(self) -> dict[str, Any]:
            keyset = super().keyset()
            keyset["receipt_signing_keys"][0]["public_key"] = keyset["e2ee_public_keys"][1]["public_key"]
            return keyset

    async with OneForAll() as running:
        assert refusal(PLAIN, await hear(running, PLAIN), wanted(running), running.trust, INTEL) == {"keyset.roles"}


async def test_who_serves_behind_an_aggregator_is_accepted_by_a_waiver_and_on_record():
    async with SimulatedAci() as running:
        running.lie = Lie.AGGREGATOR
        presented, accepted = PLAIN.read(await hear(running, PLAIN), NONCE), replace(INTEL, waivers=WAIVABLE)
        proof = proven(presented, wanted(running), running.trust, accepted)
    found = next(c for c in proof.checks if c.id == "upstreams.evidence")
    assert (found.status, found.source) == (Status.WAIVED, Source.OPERATOR)


async def test_a_lease_ends_with_the_keyset():
    async with SimulatedAci() as running:
        presented, want = PLAIN.read(await hear(running, PLAIN), NONCE), wanted(running)
        soon = replace(presented, not_after=NOW + dt.timedelta(seconds=1))
        assert prove(soon, want, NOW, VENDORS, running.trust, INTEL).not_after == NOW + dt.timedelta(seconds=1)
        for over in (NOW, NOW - dt.timedelta(days=1)):
            with pytest.raises(Rejected, match=r"keys\.expired"):
                prove(replace(presented, not_after=over), want, NOW, VENDORS, running.trust, INTEL)


async def test_another_key_on_the_wire_is_refused():
    async with SimulatedAci() as running:
        heard, want = await hear(running, PLAIN), wanted(running)
        running.rotate_key()
        later = await hear(running, PLAIN)
        mixed = Heard(heard.replies, later.certificate)
        assert refusal(PLAIN, mixed, want, running.trust, INTEL) == {"tls-key"}
        assert refusal(PLAIN, later, want, running.trust, INTEL) == set()


async def test_an_answer_names_another_keyset_once_the_keys_have_changed():
    async with SimulatedAci() as running:
        keyset = PLAIN.read(await hear(running, PLAIN), NONCE).channel.keyset
        connector = aiohttp.TCPConnector(ssl=False)
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.get(f"{running.url}/models") as before:
                assert same_keyset(before.headers.items(), keyset)
            running.rotate_receipts()
            async with session.get(f"{running.url}/models") as after:
                assert not same_keyset(after.headers.items(), keyset)


def test_a_keyset_header_that_is_there_twice_is_a_change():
    digest = keyset_digest({"a": 1})
    assert same_keyset([], {"a": 1}) and same_keyset([("X-ACI-Keyset-Digest", digest)], {"a": 1})
    assert not same_keyset([("x-aci-keyset-digest", digest)] * 2, {"a": 1})
    assert not same_keyset([("x-aci-keyset-digest", digest.upper())], {"a": 1})


@pytest.mark.parametrize("domain", ["", "API.example", "a b", "-a", "a/b", "\u0430pi.example", "a" * 254])
def test_the_domain_is_a_plain_host(domain):
    with pytest.raises(ValueError, match="domain"):
        Aci(domain)


GOOD = {"subject": None, "not_after": END, "receipt_signing_keys": [], "e2ee_public_keys": [], "tls_public_keys": []}
KEY = {"key_id": "a", "algo": "b", "public_key": "c"}


@pytest.mark.parametrize(
    "change",
    [
        {"subject": 5}, {"not_after": None}, {"not_after": "1"}, {"not_after": True}, {"not_after": 0},
        {"not_after": -1}, {"not_after": 10**12}, {"receipt_signing_keys": {}}, {"receipt_signing_keys": [5]},
        {"e2ee_public_keys": None},
        {"e2ee_public_keys": [KEY] * 65}, {"e2ee_public_keys": [{**KEY, "more": 1}]},
        {"e2ee_public_keys": [{"key_id": "a"}]},
        {"receipt_signing_keys": [{**KEY, "public_key": 5}]}, {"tls_public_keys": [{}]}, {"tls_public_keys": [KEY]},
        {"tls_public_keys": [{"spki_sha256": "00" * 32, "domain": "A.example"}]},
        {"tls_public_keys": [{"spki_sha256": "00" * 32, "domain": 5}]}, {"tls_public_keys": [{"spki_sha256": "00"}]},
        {"tls_public_keys": [{"spki_sha256": "0x" + "00" * 31}]},
        {"tls_public_keys": [{"spki_sha256": "00" * 32, "x": 1}]},
        {"receipt_signing_keys": [{**KEY, "key_id": "\ud800"}]},
    ],
)  # fmt: skip
def test_a_keyset_of_another_form_is_malformed(change):
    parse_keyset(GOOD)
    with pytest.raises(Malformed):
        parse_keyset({**GOOD, **change})


async def honest(tee: Any = "tdx") -> tuple[dict, bytes]:
    async with SimulatedAci(tee) as running:
        heard = await hear(running, PLAIN)
        return json.loads(heard.replies["report"].body), heard.certificate


@pytest.mark.parametrize(
    ("tee", "change"),
    [
        ("tdx", {"report_data": "00"}), ("tdx", {"report_data": None}), ("tdx", {"evidence": None}),
        ("tdx", {"tee_type": ["tdx"]}), ("tdx", {"tee_type": "sev_snp"}), ("sev_snp", {"tee_type": "tdx"}),
        ("tdx", {"evidence": {"quote": "00", "app_compose": "{}", "event_log": 5}}),
        ("tdx", {"evidence": {"quote": "00", "app_compose": "{}", "quote_report_data": "0X"}}),
        ("sev_snp", {"evidence": {"quote": "00", "cert_chain": []}}),
        ("sev_snp", {"evidence": {"quote": "00" * 1184, "cert_chain": [5, 5, 5]}}),
        ("sev_snp", {"evidence": {"quote": "00" * 1184, "cert_chain": ["A", "A", "A"]}}),
        ("sev_snp", {"evidence": {"quote": "00" * 1184, "cert_chain": ["AB==", "AA==", "AA=="]}}),
        ("tdx", {"workload_keyset": []}),
    ],
)  # fmt: skip
async def test_another_form_is_malformed(tee, change):
    body, certificate = await honest(tee)
    body["attestation"] |= change
    with pytest.raises(Malformed):
        PLAIN.read(Heard({"report": Reply(json.dumps(body).encode())}, certificate), NONCE)


@pytest.mark.parametrize("missing", ["api_version", "attestation", "service_capabilities"])
async def test_a_report_without_a_part_is_malformed(missing):
    body, certificate = await honest()
    with pytest.raises(Malformed):
        PLAIN.read(Heard({"report": Reply(json.dumps({**body, missing: None}).encode())}, certificate), NONCE)
    with pytest.raises(Malformed):
        PLAIN.read(Heard({}, certificate), NONCE)


@pytest.mark.parametrize(
    "stated", [None, [], {"repo_url": "javascript:x", "repo_commit": 5, "image_digest": "sha256:0"}]
)
async def test_provenance_is_quoted_in_its_form_only(stated):
    body, certificate = await honest()
    body["attestation"]["source_provenance"] = stated
    presented = PLAIN.read(Heard({"report": Reply(json.dumps(body).encode())}, certificate), NONCE)
    assert presented.asserted == {"subject": "dstack-app://sim"}


def test_the_published_keyset_is_read():
    published = vector("aci/test-vectors.md").decode()
    keyset = json.loads(next(line for line in published.splitlines() if line.startswith('{"e2ee_public_keys"')))
    found = parse_keyset(keyset)
    assert found.tls_for("api.example.com") == {b"\xc0" * 32} and found.tls_for("example.com") == frozenset()
    assert found.not_after == dt.datetime.fromtimestamp(1800000000, dt.UTC)


def test_the_published_report_has_no_evidence_that_counts():
    """Its quote is a stub and it has no compose file; everything before that is read, and its digest is ours."""
    body = json.loads(vector("aci/aci_report_fixture.json"))
    raw = body["attestation"]["workload_keyset"]
    assert keyset_digest(raw) == body["workload_keyset_digest"] and len(parse_keyset(raw).e2ee) == 2
    with pytest.raises(Malformed, match="app_compose"):
        PLAIN.read(Heard({"report": Reply(json.dumps(body).encode())}, b""), NONCE)
