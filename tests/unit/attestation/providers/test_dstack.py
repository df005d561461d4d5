"""dstack proxies and gateways over loopback TLS: the honest ones are proven, each lie is refused by its own check."""

import datetime as dt
import hashlib
import json
from dataclasses import replace

import pytest
from attested import NOW, TODAY, vector
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fake_tls import Identity
from provided import NONCE, hear, proven, refusal, wanted

from attestation.expectations import load_expectations
from attestation.near import Algo, FieldExchange, open_field
from attestation.providers.base import Heard, Reply, Seal
from attestation.providers.dstack import Dstack, parse_report
from attestation.providers.prove import prove
from attestation.providers.reading import DSTACK_PINNED, dstack_guest
from attestation.signatures import address_of
from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.providers.aci import SimulatedAci
from attestation.simulator.providers.dstack import Lie, SimulatedDstack, gateway
from attestation.simulator.providers.guest import TdLie, collateral
from attestation.tdx.eventlog import check_events
from attestation.tdx.quote import parse_quote
from attestation.trust import VENDORS
from attestation.types import Collateral, Malformed, Rejected, Source, Status

DIRECT = Dstack(gpu_count=2)
SEALED = Dstack(gpu_count=2, signing_algo=Algo.ED25519, seal=True, binding="signing-key")
CURVE = replace(SEALED, signing_algo=Algo.ECDSA)
FRONT = Dstack(gpu_count=1, gateway=True)
INTEL = collateral(NOW)


async def verdict(
    lie: Lie | TdLie | None, provider: Dstack = DIRECT, enclave: SimulatedDstack | None = None
) -> set[str]:
    async with enclave or SimulatedDstack() as running:
        want = wanted(running)
        running.lie = lie
        heard = await hear(running, provider)
        levels = collateral(NOW, lie) if isinstance(lie, TdLie) else INTEL
        return refusal(provider, heard, want, running.trust, levels)


async def test_an_honest_proxy_is_proven_with_its_keys_and_gpus():
    async with SimulatedDstack() as running:
        proof = proven(DIRECT.read(await hear(running, DIRECT), NONCE), wanted(running), running.trust, INTEL)
        assert proof.channel.spki_sha256 == running.pin and proof.channel.body is None
        assert proof.channel.signing_key == ("ecdsa", running.own.address)
        assert proof.claims.measurements["compose-hash"] == running.own.app.compose_hash
        assert [role for role, _ in proof.others] == ["gpu"] and proof.others[0][1].facts["devices"] == "2"
        asked = running.asked[0]
    assert asked == {"nonce": NONCE.hex(), "signing_algo": "ecdsa", "version": "2", "include_tls_fingerprint": "true"}


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.OLD_NONCE: {"binding", "nonce", "report-data"},
        Lie.ECHOED_NONCE: {"binding", "report-data"},
        Lie.WRONG_ECHO: {"nonce"},
        Lie.WRONG_DATA: {"report-data"},
        Lie.OTHER_TLS_KEY: {"binding", "tls-key"},
        Lie.HIDDEN_TLS_KEY: {"binding"},
        Lie.DOWNGRADED: {"binding", "tls-key"},
        Lie.HIDDEN_DOWNGRADE: {"binding"},
        Lie.OTHER_SIGNER: {"binding"},
        Lie.OTHER_ALGORITHM: {"malformed"},
        Lie.GPU_OLD: {"binding", "nonce"},
        Lie.GPU_ECHOED: {"device-0.nonce", "device-1.nonce"},
        Lie.GPU_TWICE: {"distinct"},
        Lie.GPU_FEWER: {"gpu.count"},
        Lie.GPU_NONE: {"gpu.count"},
        Lie.GPU_FORGED: {"device-0.chain.root"},
        Lie.FLAG_ONLY: {"malformed"},
        Lie.NOT_JSON: {"malformed"},
        Lie.DUPLICATE_KEY: {"malformed"},
        Lie.OTHER_SHAPE: {"malformed"},
    }.items(),
)
async def test_a_proxy_that_lies_is_refused_by_the_check_for_it(lie, why):
    assert await verdict(lie) == why


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        TdLie.TAMPERED_QUOTE: {"quote.signature"},
        TdLie.FALSE_ROOT: {"pck.root", "crl.pck-issuer"},
        TdLie.TRAILING_BYTES: {"cpu.format"},
        TdLie.TRUNCATED: {"cpu.format"},
        TdLie.UPPER_HEX: {"malformed"},
        TdLie.DEBUG_TD: {"td.debug"},
        TdLie.MIGRATION_TD: {"td.service"},
        TdLie.SEPT_VE_OFF: {"td.sept-ve"},
        TdLie.OTHER_FIRMWARE: {"measurement"},
        TdLie.OTHER_HARDWARE: {"measurement"},
        TdLie.OTHER_KERNEL: {"measurement"},
        TdLie.OTHER_APPLICATION: {"measurement"},
        TdLie.OTHER_COMPOSE: {"compose-hash"},
        TdLie.NO_COMPOSE: {"malformed"},
        TdLie.DROPPED_EVENT: {"event-log.rtmr3"},
        TdLie.FORGED_EVENT: {"event-log.events", "compose-hash"},
        TdLie.REPEATED_EVENT: {"event-log.once", "compose-hash"},
        TdLie.DEEP_LOG: {"cpu.format"},
        TdLie.OUT_OF_DATE: {"tcb.status"},
        TdLie.REVOKED_PCK: {"crl.pck-revoked"},
    }.items(),
)
async def test_a_guest_that_is_not_what_was_approved_is_refused(lie, why):
    assert await verdict(lie) == why


async def test_gpus_of_another_machine_that_answer_our_nonce_pass_as_the_page_says():
    """The formats tie no GPU to a CPU: what a proxy reports is a set of genuine GPUs that answered just now."""
    assert await verdict(Lie.GPU_RELAYED) == set()


async def test_the_report_must_be_for_the_model_that_was_asked_for():
    provider = replace(DIRECT, model="sealed-llm")
    assert await verdict(None, provider) == set()
    assert await verdict(Lie.OTHER_MODEL, provider) == {"model"}
    assert provider.asks(NONCE)[0].path.startswith("/v1/attestation/report?model=sealed-llm&nonce=0001")


async def test_where_there_are_no_gpus_none_may_be_shown():
    provider = Dstack(gpu_count=0)
    assert await verdict(None, provider, SimulatedDstack(gpus=0)) == set()
    assert await verdict(None, provider) == {"gpu.count"}


async def test_the_compose_file_must_be_approved_and_not_only_the_operating_system():
    async with SimulatedDstack() as running:
        heard, want = await hear(running, DIRECT), wanted(running)
        for name in DSTACK_PINNED:
            images = {k: {n: v for n, v in r.items() if n != name} for k, r in want.registers.items()}
            assert refusal(DIRECT, heard, replace(want, registers=images), running.trust, INTEL) == {"measurement"}


async def test_another_certificate_on_the_wire_is_refused():
    async with SimulatedDstack() as running:
        running.misbehaviour = Misbehaviour.KEY_ROTATION
        heard = await hear(running, DIRECT)
        later = await hear(running, DIRECT)
        mixed = Heard(heard.replies, later.certificate)
        assert refusal(DIRECT, heard, wanted(running), running.trust, INTEL) == set()
        assert refusal(DIRECT, mixed, wanted(running), running.trust, INTEL) == {"binding", "tls-key"}


@pytest.mark.parametrize("provider", [SEALED, CURVE])
async def test_version_1_counts_only_as_a_key_to_seal_to_and_never_as_tls(provider):
    async with SimulatedDstack() as running:
        presented = provider.read(await hear(running, provider), NONCE)
        channel = proven(presented, wanted(running), running.trust, INTEL).channel
        assert channel.spki_sha256 is None
        known = {
            Algo.ED25519: (running.own.public, running.own.secret),
            Algo.ECDSA: (running.own.point, running.own.curve),
        }
        key, secret = known[provider.signing_algo]
        assert (channel.body.seal, channel.body.key, channel.body.algo) == (Seal.NEAR, key, provider.signing_algo)
        assert "version" not in running.asked[0] and "include_tls_fingerprint" not in running.asked[0]
        sealed = FieldExchange(channel.body.algo, channel.body.key.hex()).seal(b"for the attested key")
        assert open_field(provider.signing_algo, secret, sealed) == b"for the attested key"


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.OLD_NONCE: {"binding", "nonce", "report-data"}, Lie.ECHOED_NONCE: {"binding", "report-data"},
        Lie.OTHER_SIGNER: {"binding"}, Lie.OTHER_PUBLIC_KEY: {"malformed"},
        TdLie.OTHER_APPLICATION: {"measurement"},
    }.items(),
)  # fmt: skip
async def test_a_key_to_seal_to_must_be_the_one_that_is_bound(lie, why):
    assert await verdict(lie, SEALED) == why
    assert await verdict(lie, CURVE) == why


async def test_an_address_alone_cannot_be_sealed_to_and_an_ed25519_key_can():
    assert await verdict(Lie.NO_PUBLIC_KEY, CURVE) == {"malformed"}
    assert await verdict(Lie.NO_PUBLIC_KEY, SEALED) == set()
    assert await verdict(Lie.NO_PUBLIC_KEY) == set()


@pytest.mark.parametrize(
    "key",
    [
        b"\1" * 64,  # not on the curve
        bytes(64),
        b"\xff" * 64,  # beyond the prime
        SimulatedDstack().own.point[:63],
        SimulatedDstack().own.curve.public + b"\0",
        b"\6" + SimulatedDstack().own.point,  # the hybrid form's first byte
        b"\2" + SimulatedDstack().own.point[:32],
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )[1:],
    ],
)  # fmt: skip
async def test_a_key_that_has_the_address_and_is_none_is_malformed(key):
    """Whoever runs the proxy could choose such an address: then requests would be sealed to nobody's key."""
    async with SimulatedDstack() as running:
        heard = await hear(running, CURVE)
        body = json.loads(heard.replies["report"].body)
        body |= {"signing_public_key": key.hex(), "signing_address": f"0x{address_of(key).hex()}"}
        with pytest.raises(Malformed):
            CURVE.read(Heard(heard_of(body).replies, heard.certificate), NONCE)


async def test_a_key_with_its_first_byte_is_taken():
    async with SimulatedDstack() as running:
        heard = await hear(running, CURVE)
        body = json.loads(heard.replies["report"].body)
        body["signing_public_key"] = running.own.curve.public.hex()
        heard = Heard(heard_of(body).replies, heard.certificate)
        assert CURVE.read(heard, NONCE).channel.body.key == running.own.curve.public
        assert refusal(CURVE, heard, wanted(running), running.trust, INTEL) == set()


async def test_a_version_2_report_does_not_pass_for_version_1():
    async with SimulatedDstack() as running:
        asked = replace(SEALED, binding="tls")
        heard = await hear(running, asked)
        assert refusal(asked, heard, wanted(running), running.trust, INTEL) == set()
        assert refusal(SEALED, heard, wanted(running), running.trust, INTEL) == {"binding"}


@pytest.mark.parametrize(
    "options",
    [
        {"gpu_count": -1}, {"gpu_count": 33}, {"gpu_count": 1, "model": "a b"}, {"gpu_count": 1, "model": "a&b=c"},
        {"gpu_count": 1, "models": "asserted", "gateway": True}, {"gpu_count": 0, "models": "asserted"},
        {"gpu_count": 1, "binding": "signing-key"},
        {"gpu_count": 0, "models": "asserted", "gateway": True, "seal": True, "signing_algo": Algo.ED25519},
    ],
)  # fmt: skip
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match="dstack"):
        Dstack(**options)


async def test_a_gateway_and_every_proxy_behind_it_are_proven():
    async with gateway(count=2) as running:
        proof = proven(FRONT.read(await hear(running, FRONT), NONCE), wanted(running), running.trust, INTEL)
        assert sorted(role for role, _ in proof.others) == ["gateway", "gpu", "gpu", "model"]
        assert proof.claims.measurements["compose-hash"] == running.behind[0].app.compose_hash
        assert proof.channel.spki_sha256 == running.pin
        assert proof.channel.signing_key == ("ecdsa", running.behind[0].address)


@pytest.mark.parametrize(
    ("lie", "why"),
    {
        Lie.OLD_NONCE: {"binding", "gateway.nonce", "gateway.report-data"},
        Lie.OTHER_TLS_KEY: {"binding", "gateway.tls-key"},
        Lie.HIDDEN_TLS_KEY: {"binding"},
        Lie.DOWNGRADED: {"binding", "gateway.tls-key"},
        Lie.OTHER_SHAPE: {"malformed"},
        Lie.MODEL_OLD: {"binding", "model-0.nonce", "model-0.report-data", "model-1.nonce", "model-1.report-data"},
        Lie.MODEL_NONE: {"malformed"},
        Lie.MODEL_FLAG: {"malformed"},
        Lie.MODEL_OTHER_APPLICATION: {"measurement"},
        Lie.MODELS_SHARE_GPU: {"gpu.distinct"},
        TdLie.OTHER_APPLICATION: {"measurement"},
        TdLie.DEBUG_TD: {"td.debug"},
    }.items(),
)
async def test_a_gateway_that_lies_is_refused_by_the_check_for_it(lie, why):
    assert await verdict(lie, FRONT, gateway(count=2)) == why


async def test_a_gateway_that_nobody_approved_is_refused_though_its_proxies_are():
    async with gateway() as running:
        want = wanted(running)
        images = {n: r for n, r in want.registers.items() if n != running.own.app.name}
        heard = await hear(running, FRONT)
        assert refusal(FRONT, heard, replace(want, registers=images), running.trust, INTEL) == {"measurement"}


@pytest.mark.parametrize("algo", list(Algo))
async def test_requests_are_sealed_past_a_gateway_to_the_one_key_of_its_proxies(algo):
    provider = replace(FRONT, seal=True, signing_algo=algo)
    async with gateway(count=2) as running:
        channel = proven(
            provider.read(await hear(running, provider), NONCE), wanted(running), running.trust, INTEL
        ).channel
        key = running.behind[0].public if algo is Algo.ED25519 else running.behind[0].point
        assert channel.body.key == key and channel.spki_sha256 == running.pin
    assert await verdict(None, provider, gateway(count=2, shared_key=False)) == {"models.key"}


async def test_proxies_with_a_key_each_sign_under_no_one_key():
    async with gateway(count=2, shared_key=False) as running:
        channel = proven(FRONT.read(await hear(running, FRONT), NONCE), wanted(running), running.trust, INTEL).channel
        assert channel.signing_key is None


@pytest.mark.parametrize("lie", [None, Lie.MODEL_NONE, Lie.MODEL_FLAG, Lie.MODEL_OLD])
async def test_what_a_gateway_only_says_about_models_is_accepted_by_a_waiver_and_on_record(lie):
    provider = Dstack(gpu_count=0, gateway=True, models="asserted")
    async with gateway() as running:
        running.lie = lie
        heard, want = await hear(running, provider), wanted(running)
        assert refusal(provider, heard, want, running.trust, INTEL) == {"models.evidence"}
        accepted = replace(INTEL, waivers=frozenset({"models.evidence"}))
        proof = proven(provider.read(heard, NONCE), want, running.trust, accepted)
        assert proof.claims.measurements["compose-hash"] == running.own.app.compose_hash
        found = next(c for c in proof.checks if c.id == "models.evidence")
        assert (found.status, found.source) == (Status.WAIVED, Source.OPERATOR)
        assert proof.channel.signing_key == ("ecdsa", running.own.address)


def heard_of(body: object) -> Heard:
    return Heard({"report": Reply(json.dumps(body).encode())}, b"")


async def honest() -> tuple[dict, bytes]:
    async with SimulatedDstack() as running:
        heard = await hear(running, DIRECT)
        return json.loads(heard.replies["report"].body), heard.certificate


@pytest.mark.parametrize(
    "change",
    [
        {"signing_address": None}, {"signing_address": "0x12"}, {"signing_address": 5},
        {"signing_address": "0X" + "0" * 40}, {"intel_quote": ""}, {"intel_quote": "0x00"}, {"intel_quote": "0"},
        {"intel_quote": [1]}, {"request_nonce": "AB" * 32},
        {"request_nonce": "ab"}, {"info": None}, {"info": "{"}, {"info": {"tcb_info": 5}}, {"event_log": 5},
        {"tls_cert_fingerprint": "ab"}, {"tls_cert_fingerprint": "AB" * 32}, {"report_data": "00"}, {"model_name": 5},
        {"nvidia_payload": "[]"}, {"nvidia_payload": {"nonce": "00" * 32, "evidence_list": []}},
        {"nvidia_payload": {"nonce": "00" * 32, "evidence_list": [5]}}, {"signing_public_key": "zz"},
        {"info": {"tcb_info": {"app_compose": "\ud800"}}}, {"event_log": [[[["\ud800"]]]], "model_name": "\ud800"},
        {"signing_public_key": "00" * 66}, {"gateway_attestation": {}},
    ],
)  # fmt: skip
async def test_another_form_is_malformed(change):
    body, certificate = await honest()
    DIRECT.read(Heard(heard_of(body).replies, certificate), NONCE)
    with pytest.raises(Malformed):
        DIRECT.read(Heard(heard_of(body | change).replies, certificate), NONCE)


async def test_nested_documents_may_come_as_text_and_addresses_in_mixed_case():
    body, _ = await honest()
    shaped = {**body, "info": json.dumps({**body["info"], "tcb_info": json.dumps(body["info"]["tcb_info"])}),
              "event_log": json.loads(body["event_log"]), "nvidia_payload": json.loads(body["nvidia_payload"]),
              "signing_address": f"0x{body['signing_address'][2:].upper()}"}  # fmt: skip
    assert parse_report(shaped, Algo.ECDSA).signer == parse_report(body, Algo.ECDSA).signer
    moved = {k: v for k, v in body.items() if k not in ("event_log", "request_nonce", "report_data", "model_name")}
    moved["info"] = {"tcb_info": {**body["info"]["tcb_info"], "event_log": body["event_log"]}}
    assert parse_report(moved, Algo.ECDSA).guest == parse_report(body, Algo.ECDSA).guest


@pytest.mark.parametrize("enclave", [SimulatedDstack(), gateway(), SimulatedAci(), SimulatedAci("sev_snp")])
def test_a_measurement_file_can_name_the_compose_file(enclave):
    assert load_expectations(enclave.expectations_yaml("sim", TODAY)) == wanted(enclave)


def test_no_answer_or_no_certificate_is_malformed():
    for heard in (Heard({}, b""), heard_of({}), Heard({"report": Reply(b"{}")}, b"\x30")):
        with pytest.raises(Malformed):
            DIRECT.read(heard, NONCE)


def registers_of(name: str) -> tuple[dict, object]:
    body = json.loads(vector(f"dstack/{name}"))
    return body, parse_quote(bytes.fromhex(body["quote"])).body


def test_a_real_log_names_the_application_that_runs():
    body, td = registers_of("quote-report.json")
    checks, measured = check_events({"event_log": body["event_log"].encode()}, td)
    assert all(c.status is Status.PASS for c in checks)
    assert measured["compose-hash"][:20] == measured["app-id"] and len(measured["compose-hash"]) == 32


def test_a_real_log_of_dstack_0_6_leaves_digests_out_and_replays():
    body, td = registers_of("tdx-lite-getquote.json")
    checks, measured = check_events({"event_log": body["event_log"].encode()}, td)
    assert all(c.status is Status.PASS for c in checks)
    assert td.registers["mrconfigid"] == b"\1" + measured["compose-hash"] + bytes(15)


def test_a_real_guest_refuses_another_compose_file():
    body, td = registers_of("tdx-lite-getquote.json")
    guest = dstack_guest(body["quote"], body["event_log"], "{}")
    failed = {c.id for c in check_events(guest.parts, td)[0] if c.status is Status.FAIL}
    assert failed == {"compose-hash"} and hashlib.sha256(b"{}").digest() != td.registers["mrconfigid"][1:33]


def test_real_parts_in_a_gateways_document_are_genuine_and_bind_nothing_of_ours():
    """A real dstack guest and real GPUs as a gateway's model shows them, at the time when Intel's word was current:
    only what ties them to each other and to us fails, and what nobody handed on (the compose file)."""
    when = dt.datetime(2026, 2, 19, tzinfo=dt.UTC)
    intel = Collateral(intel=vector("tdx/dcap-qvl/tdx_quote_outdated_collateral.json").decode())
    guest = json.loads(vector("dstack/quote-report.json"))
    gpus = json.loads(vector("nvidia/serialized_test_evidence/multi_gpu_hopper.json"))
    nonce, model = bytes.fromhex(gpus[0]["nonce"]), SimulatedDstack().own
    report = {
        "model_name": "qwen/qwen3-30b", "signing_address": f"0x{model.address.hex()}", "signing_algo": "ecdsa",
        "signing_public_key": model.point.hex(), "request_nonce": nonce.hex(), "intel_quote": guest["quote"],
        "event_log": json.loads(guest["event_log"]), "tls_cert_fingerprint": "11" * 32,
        "nvidia_payload": json.dumps({"nonce": nonce.hex(), "evidence_list": gpus, "arch": "HOPPER"}),
        "info": {"app_id": "ab" * 20, "tcb_info": json.dumps({"app_compose": "{}", "event_log": []})},
    }  # fmt: skip
    front = {k: v for k, v in report.items() if k not in ("model_name", "signing_public_key", "nvidia_payload")}
    body = {"gateway_attestation": front, "model_attestations": [report], "all_attestations": [report]}
    provider = Dstack(gpu_count=len(gpus), model="qwen/qwen3-30b", gateway=True, seal=True)

    def failures() -> set[str]:
        presented = provider.read(Heard(heard_of(body).replies, Identity().certificate), nonce)
        with pytest.raises(Rejected) as e:
            prove(presented, wanted(SimulatedDstack()), when, VENDORS, None, intel)
        return {f.partition(":")[0] for f in e.value.failures}

    assert failures() == {"compose-hash", "gateway.tls-key"}
    flipped = bytearray.fromhex(guest["quote"])
    flipped[640] ^= 1  # the guest's signature
    report["intel_quote"], gpus[1] = flipped.hex(), gpus[0]
    report["nvidia_payload"] = json.dumps({"nonce": nonce.hex(), "evidence_list": gpus, "arch": "HOPPER"})
    assert failures() == {"compose-hash", "gateway.tls-key", "quote.signature", "distinct"}
