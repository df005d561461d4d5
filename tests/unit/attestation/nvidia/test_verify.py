"""One test per check of NVIDIA devices, every flipped bit of report and certificates, and the real vectors."""

import base64
import datetime as dt
import json

import pytest
from attested import NOW, flips, ids, vector
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from attestation.nvidia.report import DRIVER, FWID
from attestation.nvidia.verify import BLOCKS
from attestation.simulator import pki
from attestation.simulator.nvidia import NONCE, OPAQUE, Vendor, evidence, shared_vendor
from attestation.simulator.rim import DRIVER_ID, Signer, both
from attestation.trust import VENDORS
from attestation.types import Collateral, Evidence, Status
from attestation.verify import verify
from attestation.x509 import load_certificate

SIM = shared_vendor()
GPU, OTHER = SIM.gpu(), SIM.gpu()


def verdict(*entries: dict[str, str]) -> set[str]:
    return ids(evidence(*entries), SIM.trust)


def reported(**how: object) -> set[str]:
    return verdict(GPU.entry(GPU.report(**how)))


def test_good_devices_become_claims_without_a_measurement():
    got = verify(evidence(GPU.entry(), OTHER.entry()), NOW, VENDORS, SIM.trust)
    assert (got.tee, got.measurement, got.simulated) == ("nvidia-spdm", b"", True)
    assert got.bound["nonce"] == NONCE
    assert got.facts == {"devices": "2", "architectures": "HOPPER", "drivers": "590.12", "vbios": "96.00.A5.00.01"}
    unknown = {c.id for c in got.checks if c.status is Status.UNKNOWN}
    assert unknown == {"reference-values", "revocation"}


def test_no_vendor_root_accepts_a_simulated_device():
    assert ids(evidence(GPU.entry()), None) == {"device-0.chain.root"}


def test_another_root_of_the_same_name_is_refused():
    assert verdict(Vendor().gpu().entry()) == {"device-0.chain.root"}


def test_a_report_of_another_key_is_refused():
    assert reported(key=ec.generate_private_key(ec.SECP384R1())) == {"device-0.signature"}
    assert verdict(OTHER.entry(GPU.report())) == {"device-0.signature"}


def test_a_key_on_another_curve_signs_nothing():
    assert reported(key=ec.generate_private_key(ec.SECP256R1())) == {"device-0.signature"}


def test_a_leaf_for_other_firmware_is_refused():
    assert verdict(SIM.gpu(firmware=b"\1" * 48).entry()) == {"device-0.identity"}
    assert reported(opaque={**OPAQUE, FWID: bytes(48)}) == {"device-0.identity"}
    assert reported(opaque={**OPAQUE, FWID: b"\x5f" * 47}) == {"device-0.identity"}


def test_a_device_that_states_no_firmware_is_unknown():
    without = {k: v for k, v in OPAQUE.items() if k != FWID}
    got = verify(evidence(GPU.entry(GPU.report(opaque=without))), NOW, VENDORS, SIM.trust)
    assert {c.id for c in got.checks if c.status is Status.UNKNOWN} > {"device-0.identity"}


def test_the_signed_nonce_counts_not_the_one_beside_it():
    assert verdict(GPU.entry(nonce="cd" * 32)) == {"device-0.nonce"}
    other = OTHER.report(b"\xcd" * 32)
    assert verdict(GPU.entry(), OTHER.entry(other)) == {"device-1.nonce"}
    assert verdict(GPU.entry(), OTHER.entry(other, nonce=NONCE.hex())) == {"device-1.nonce"}


def test_one_device_does_not_count_twice():
    assert verdict(GPU.entry(), GPU.entry()) == {"distinct"}
    assert verdict(GPU.entry(), GPU.entry(GPU.report())) == {"distinct"}


def test_a_report_with_fewer_measurements_is_refused():
    assert reported(blocks=63) == {"device-0.blocks"}
    assert verdict(GPU.entry(arch="LS10")) == {"device-0.blocks", "device-0.architecture"}


@pytest.mark.parametrize(
    ("chip", "arch"),
    [("GH100", "HOPPER"), ("GH200", "HOPPER"), ("GB100", "BLACKWELL"), ("GB202", "BLACKWELL"), ("LS_10", "LS10")],
)
def test_a_device_is_of_the_architecture_that_nvidia_certified(chip, arch):
    """Nobody signs the name beside a report; it chooses whose values the measurements are compared with, and a wrong
    one turned a device whose firmware differs into one of which nothing is known."""
    gpu = SIM.gpu(chip=chip)
    report = gpu.report(blocks=BLOCKS[arch])
    assert verdict(gpu.entry(report, arch=arch)) == set()
    for other in set(BLOCKS) - {arch}:
        got = verdict(gpu.entry(report, arch=other))
        assert got - {"device-0.blocks"} == {"device-0.architecture"}


def test_no_name_beside_a_report_makes_a_difference_from_nvidias_values_unknown():
    differs = Collateral(rims={**both(Signer(SIM)), DRIVER_ID: Signer(SIM).rim(values={7: [b"\x77" * 48]})})
    assert ids(evidence(GPU.entry()), SIM.trust, collateral=differs) == {"reference-values"}
    assert ids(evidence(GPU.entry(arch="BLACKWELL")), SIM.trust, collateral=differs) == {"device-0.architecture"}


def test_a_device_without_one_name_is_of_no_architecture():
    assert verdict(SIM.gpu(chip="AD102").entry()) == {"device-0.architecture"}


def test_what_is_said_beside_a_report_must_be_in_it():
    assert verdict(GPU.entry(driver_version="590.12", vbios_version="96.00.A5.00.01", version="1.0")) == set()
    assert verdict(GPU.entry(driver_version="999.99")) == {"device-0.driver"}
    assert verdict(GPU.entry(vbios_version="96.00.A5.00.02")) == {"malformed"}
    assert verdict(GPU.entry(version="2.0")) == {"malformed"}


def test_the_chain_is_checked():
    gpu = SIM.gpu()
    gpu.chain = gpu.chain[:2] + gpu.chain[3:]
    assert {"device-0.chain.issuer", "device-0.chain.signature", "device-0.chain.length"} == verdict(gpu.entry())
    assert verdict(SIM.gpu(leaf_ca=True).entry()) == {"device-0.chain.constraints"}


@pytest.mark.parametrize(
    "changes",
    [{"arch": "VOLTA"}, {"arch": ""}, {"nonce": "AB" * 32}, {"nonce": "x"}, {"evidence": ""}, {"evidence": "!"},
     {"certificate": ""}, {"certificate": "AA=="}, {"more": "x"}],
)  # fmt: skip
def test_another_form_is_malformed(changes):
    assert verdict(GPU.entry(**changes)) == {"malformed"}


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"[1]", b"[{}]", b"5", b"null", b'"x"', b'{"a": 1}'])
def test_another_document_is_malformed(raw):
    assert ids(Evidence("nvidia", raw), SIM.trust) == {"malformed"}


def test_bytes_around_a_report_are_malformed():
    assert reported(tail=b"\0") == {"malformed"}
    good = GPU.report()
    for at in (0, 1, 37, 38, 40, 50, len(good) - 1):
        assert verdict(GPU.entry(good[:at] + good[at + 1 :])) == {"malformed"}
    assert reported(opaque={DRIVER: b"x", FWID: b""}) == {"device-0.identity"}


def test_no_flipped_bit_of_a_report_is_accepted():
    good = GPU.report()
    for raw in flips(good):
        assert verdict(GPU.entry(raw, nonce=NONCE.hex())), "a changed report was accepted"


def test_no_flipped_bit_of_a_document_is_accepted():
    for raw in list(flips(evidence(GPU.entry()).report))[::4]:  # every byte was tried once
        assert ids(Evidence("nvidia", raw), SIM.trust), "a changed document was accepted"


NOTHING: set[str] = set()
REAL = [
    ("serialized_test_evidence/hopper_evidence.json", NOTHING, 1),
    ("serialized_test_evidence/hopper_evidence_cert_hold.json", NOTHING, 1),  # only OCSP knows of the hold
    ("serialized_test_evidence/multi_gpu_hopper.json", NOTHING, 4),
    ("serialized_test_evidence/multi_switch_ls10.json", {"distinct"}, 4),  # the same switch four times
    ("serialized_test_evidence/switch_evidence_ls10.json", NOTHING, 1),
    ("ppcie/gpu_evidence.json", NOTHING, 8),
    ("ppcie/switch_evidence.json", NOTHING, 4),
    ("evidence_hopper_590_12.json", NOTHING, 1),
]
SAMPLES = [
    ("gpu/hopperAttestationReport", "gpu/hopperCertChain", "HOPPER", NOTHING),
    (
        "gpu/hopperAttestationReportInvalidSignature",
        "gpu/hopperCertChain",
        "HOPPER",
        {"device-0.signature", "device-0.identity"},
    ),
    ("gpu/blackwellAttestationReport", "gpu/blackwellCertChain", "BLACKWELL", NOTHING),
    ("switch/switchAttestationReport", "switch/switchCertChain", "LS10", NOTHING),
    ("switch/switchAttestationReportInvalidSignature", "switch/switchCertChain", "LS10", {"device-0.signature"}),
]


@pytest.mark.parametrize(("name", "want", "count"), REAL)
def test_a_real_vector_gets_its_verdict(name, want, count):
    found = Evidence("nvidia", vector(f"nvidia/{name}"))
    assert ids(found, None) == want
    if not want:
        got = verify(found, NOW, VENDORS)
        assert (got.simulated, got.facts["devices"]) == (False, str(count))
        assert got.bound["nonce"].hex() == json.loads(found.report)[0]["nonce"]


@pytest.mark.parametrize(("report", "chain", "arch", "want"), SAMPLES)
def test_a_real_sample_gets_its_verdict(report, chain, arch, want):
    text = vector(f"nvidia/sample/{report}.txt").decode().strip()
    raw = bytes.fromhex(text) if text.startswith("11e0") else base64.b64decode(text)
    pem = vector(f"nvidia/sample/{chain}.txt")
    pem = pem if b"BEGIN" in pem else base64.b64decode(pem)
    entry = {"arch": arch, "nonce": raw[4:36].hex(), "evidence": base64.b64encode(raw).decode(),
             "certificate": base64.b64encode(pem).decode()}  # fmt: skip
    assert ids(evidence(entry), None, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) == want


def test_a_splice_of_two_real_answers_is_refused():
    four = json.loads(vector("nvidia/serialized_test_evidence/multi_gpu_hopper.json"))
    eight = json.loads(vector("nvidia/ppcie/gpu_evidence.json"))
    assert "device-1.nonce" in ids(evidence(four[0], eight[0]), None)


@pytest.mark.parametrize("name", ["arch", "certificate", "evidence", "nonce", "version", "driver_version"])
@pytest.mark.parametrize("value", [5, None, [], {}, True])
def test_a_devices_parts_are_texts(name, value):
    assert ids(Evidence("nvidia", json.dumps([{**GPU.entry(), name: value}]).encode()), SIM.trust) == {"malformed"}


def test_firmware_that_is_nothing_is_no_identity():
    gpu = SIM.gpu(firmware=bytes(48))
    assert verdict(gpu.entry(gpu.report(opaque={**OPAQUE, FWID: bytes(48)}))) == {"device-0.identity"}
    short = SIM.gpu(firmware=b"\x5f" * 47)
    assert verdict(short.entry(short.report(opaque={**OPAQUE, FWID: b"\x5f" * 47}))) == {"device-0.identity"}


def test_firmware_stands_in_the_extension_that_is_about_it():
    gpu = SIM.gpu()
    own = load_certificate(gpu.chain[0])
    (said,) = [e.value.value for e in own.extensions if isinstance(e.value, x509.UnrecognizedExtension)]
    for where, good in (
        ("2.23.133.5.4.1", True),
        ("2.23.133.5.4.1.1", True),
        ("2.23.133.5.4.2", False),
        ("1.2.3.4", False),
    ):
        leaf = pki.issue(own.subject, gpu.key.public_key(), own.issuer, gpu.identity, extensions={where: said})
        gpu.chain = (leaf, *gpu.chain[1:])
        assert verdict(gpu.entry()) == (set() if good else {"device-0.identity"})


@pytest.mark.parametrize("many", [32, 33])
def test_a_machine_has_so_many_devices(many):
    assert verdict(*[GPU.entry()] * many) == ({"distinct"} if many == 32 else {"malformed"})


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_a_device_signs_with_a_key_on_the_one_curve(kind):
    gpu = SIM.gpu()
    other = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    own = load_certificate(gpu.chain[0])
    extensions = {e.oid.dotted_string: e.value.value for e in own.extensions
                  if isinstance(e.value, x509.UnrecognizedExtension)}  # fmt: skip
    leaf = pki.issue(own.subject, other.public_key(), own.issuer, gpu.identity, extensions=extensions)
    report = gpu.report(key=other if isinstance(other, ec.EllipticCurvePrivateKey) else None)
    gpu.chain = (leaf, *gpu.chain[1:])
    assert verdict(gpu.entry(report)) == {"device-0.signature"}
