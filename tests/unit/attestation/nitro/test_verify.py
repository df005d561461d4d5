"""One test per check of Nitro documents, every flipped bit, and the real vectors at their pinned times."""

import base64
import datetime as dt

import pytest
from attested import NOW, flips, ids, vector
from cryptography.hazmat.primitives.asymmetric import ec

from attestation.simulator.cborwriter import dump
from attestation.simulator.nitro import PCRS, Hypervisor, shared_hypervisor
from attestation.trust import VENDORS
from attestation.types import Evidence
from attestation.verify import verify

SIM = shared_hypervisor()
MINUTE = dt.timedelta(minutes=1)


def verdict(evidence: Evidence, now: dt.datetime = NOW) -> set[str]:
    return ids(evidence, SIM.trust, now)


def payload(**changes: object) -> set[str]:
    return verdict(SIM.evidence(NOW, **changes))


def test_a_good_document_becomes_claims():
    got = verify(SIM.evidence(NOW, nonce=b"n" * 32, public_key=b"k"), NOW, VENDORS, SIM.trust)
    assert (got.tee, got.simulated, got.debug) == ("nitro", True, False)
    assert got.measurement == PCRS[0] == got.measurements["pcr0"]
    assert got.bound == {"nonce": b"n" * 32, "public_key": b"k"}
    assert got.signed_at == NOW


def test_no_vendor_root_accepts_a_simulated_document():
    assert ids(SIM.evidence(NOW), None) == {"chain.root"}


def test_another_root_of_the_same_name_is_refused():
    assert verdict(Hypervisor().evidence(NOW)) == {"chain.root"}


def test_a_spliced_vendor_root_is_refused():
    assert "chain.signature" in verdict(Hypervisor().evidence(NOW, cabundle=[SIM.root, Hypervisor().zone]))


@pytest.mark.parametrize("minutes", [-6, 6, 180])
def test_a_document_of_another_time_is_refused(minutes):
    assert verdict(SIM.evidence(NOW), NOW + minutes * MINUTE) == {"document.age"}


def test_a_document_within_five_minutes_is_accepted():
    assert verdict(SIM.evidence(NOW), NOW + 4 * MINUTE) == set()


def test_an_expired_leaf_is_refused():
    assert payload(certificate=SIM.make_leaf(NOW - MINUTE)) == {"chain.validity"}


def test_a_leaf_that_is_a_ca_is_refused():
    assert payload(certificate=SIM.make_leaf(ca=True)) == {"chain.constraints"}


def test_a_leaf_with_a_key_on_another_curve_is_refused():
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert payload(certificate=SIM.make_leaf(key=other)) == {"chain.leaf-key", "document.signature"}


def test_a_document_signed_by_another_key_is_refused():
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    assert payload(certificate=SIM.make_leaf(key=other)) == {"document.signature"}


@pytest.mark.parametrize("pcrs", [dict.fromkeys(range(16), bytes(48)), {1: b"\1" * 48}, {**PCRS, 0: bytes(48)}])
def test_a_debug_enclave_is_refused(pcrs):
    assert payload(pcrs=pcrs) == {"debug"}


def test_a_bundle_in_the_wrong_order_is_refused():
    assert "chain.root" in payload(cabundle=[SIM.zone, SIM.root])


def test_a_bundle_with_an_extra_certificate_is_refused():
    assert payload(cabundle=[SIM.root, SIM.root, SIM.zone]) == {"chain.distinct"}
    assert "chain.issuer" in payload(cabundle=[SIM.root, SIM.zone, Hypervisor().zone])


@pytest.mark.parametrize(
    "changes",
    [
        {"module_id": ""},
        {"module_id": 5},
        {"digest": "SHA256"},
        {"timestamp": 0},
        {"timestamp": -1},
        {"timestamp": 2**63},
        {"pcrs": {}},
        {"pcrs": {32: bytes(48)}},
        {"pcrs": {0: bytes(47)}},
        {"pcrs": {"0": bytes(48)}},
        {"certificate": b""},
        {"certificate": bytes(1025)},
        {"cabundle": []},
        {"cabundle": SIM.root},
        {"nonce": bytes(513)},
        {"user_data": bytes(513)},
        {"public_key": bytes(1025)},
        {"nonce": "text"},
        {"extra": 1},
    ],
)
def test_a_field_outside_its_documented_form_is_malformed(changes):
    assert payload(**changes) == {"malformed"}


@pytest.mark.parametrize("name", ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"])
def test_each_required_field_is_required(name):
    fields = SIM.fields(NOW)
    del fields[name]
    assert verdict(Evidence("nitro", SIM.sign(dump(fields)))) == {"malformed"}


@pytest.mark.parametrize("empty", [None, b""])
def test_an_optional_field_may_be_empty(empty):
    assert verify(SIM.evidence(NOW, nonce=empty), NOW, VENDORS, SIM.trust).bound == {}


def test_the_headers_have_one_form():
    good = dump(SIM.fields(NOW))
    assert verdict(Evidence("nitro", SIM.sign(good, protected=dump({1: -7})))) == {"malformed"}
    assert verdict(Evidence("nitro", SIM.sign(good, unprotected={1: -35}))) == {"malformed"}


def test_bytes_around_a_document_are_malformed():
    good = SIM.document(NOW)
    for raw in (good + b"\0", b"\0" + good, b"\xd1" + good, b"\xd2\xd2" + good, good[:-1], b""):
        assert verdict(Evidence("nitro", raw)) == {"malformed"}
    assert verdict(Evidence("nitro", b"\xd2" + good)) == set()


def test_a_repeated_key_in_the_payload_is_malformed():
    fields = dump(SIM.fields(NOW))
    assert fields[0] == 0xA9
    twice = b"\xaa" + fields[1:] + dump("nonce") + dump(b"x")
    assert verdict(Evidence("nitro", SIM.sign(twice))) == {"malformed"}


def test_all_failures_are_reported_at_once():
    got = ids(SIM.evidence(NOW, pcrs=dict.fromkeys(range(3), bytes(48))), None, NOW + 10 * MINUTE)
    assert got == {"chain.root", "document.age", "debug"}


def test_no_flipped_bit_is_accepted():
    for raw in flips(SIM.document(NOW)):
        assert verdict(Evidence("nitro", raw)), "a changed document was accepted"


# vectors/MANIFEST.md: file, whether as base64, pinned time, failing checks
REAL = [
    ("nitro/valid-attestation-doc-base64", True, "2023-09-18T15:03:30", {"debug"}),
    ("nitro/beta/valid-attestation-doc-bytes", False, "2022-10-13T08:58:02", set()),
    ("nitro/beta/debug-mode-attestation-doc-bytes", False, "2022-10-12T13:50:06", {"debug"}),
    ("dstack/nitro_attestation.cose", False, "2025-12-25T16:04:19", set()),
    ("dstack/nitro_attestation_dbg.cose", False, "2025-12-25T08:20:46", {"debug"}),
]


@pytest.mark.parametrize(("path", "text", "when", "want"), REAL)
def test_a_real_vector_gets_its_verdict(path, text, when, want):
    raw = base64.b64decode(vector(path)) if text else vector(path)
    now = dt.datetime.fromisoformat(f"{when}+00:00")
    assert ids(Evidence("nitro", raw), None, now) == want
    late = ids(Evidence("nitro", raw), None, now + dt.timedelta(hours=4))
    assert late == want | {"document.age", "chain.validity"}


def test_no_flipped_bit_of_a_real_document_is_accepted():
    raw = vector("dstack/nitro_attestation.cose")
    now = dt.datetime(2025, 12, 25, 16, 4, 19, tzinfo=dt.UTC)
    assert ids(Evidence("nitro", raw), None, now) == set()
    for changed in list(flips(raw))[::7]:  # every byte was tried once; this keeps the suite quick
        assert ids(Evidence("nitro", changed), None, now), "a changed document was accepted"
