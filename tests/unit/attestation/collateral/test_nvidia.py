"""What NVIDIA publishes about devices: what evidence teaches, and the proof before an answer is kept."""

from __future__ import annotations

import pytest
from attested import NOW, vector
from published import DAY, GPU, NVIDIA, TRUST, nvidia_ca, refused, revocation, rim, snapshot

from attestation.collateral.examine import pem
from attestation.collateral.nvidia import about, can_ask, issuers_of, manifest_end, proven, said
from attestation.collateral.pieces import Kind, Piece, Trust
from attestation.collateral.store import Snapshot
from attestation.simulator import pki
from attestation.simulator.nvidia import Vendor, evidence
from attestation.simulator.rim import DRIVER_ID, VBIOS_ID, Signer, both
from attestation.trust import VENDORS
from attestation.types import Evidence, Malformed, Rejected
from attestation.x509 import load_certificate

EVIDENCE = evidence(GPU.entry())
ABOUT = about(EVIDENCE, NOW, VENDORS, TRUST)
RIMS = both(Signer(NVIDIA))


def test_evidence_names_its_certificates_and_manifests_and_brings_the_issuers():
    assert [n[0] for n in ABOUT.names] == [Kind.OCSP] * 3 + [Kind.RIM] * 2
    assert all(n[1].startswith("sha384/") for n in ABOUT.names[:3])
    assert [p.kind for p in ABOUT.issuers] == [Kind.NVIDIA_CA] * 2
    kept = snapshot(*ABOUT.issuers)
    assert {e.trust for e in kept.named(Kind.NVIDIA_CA)} == {Trust.SIMULATED}
    known = issuers_of(kept, (), VENDORS, TRUST)
    assert all(can_ask(n, known) for n in ABOUT.names)
    assert not all(can_ask(n, issuers_of(Snapshot(), (), VENDORS)) for n in ABOUT.names)
    two = about(evidence(GPU.entry(), NVIDIA.gpu().entry()), NOW, VENDORS, TRUST)
    assert (len(two.names), len(two.issuers)) == (4 + 2, 2)


def test_a_real_gpu_names_its_own():
    found = about(Evidence("nvidia", vector("nvidia/evidence_hopper_590_12.json")), NOW, VENDORS)
    assert {n for n in found.names if n[0] is Kind.RIM} >= {(Kind.RIM, "NV_GPU_DRIVER_GH100_590.12")}
    assert len([n for n in found.names if n[0] is Kind.OCSP]) == 3
    assert {e.trust for e in snapshot(*found.issuers).named(Kind.NVIDIA_CA)} == {Trust.SIGNED}


def test_nothing_is_learned_of_other_evidence_or_of_devices_that_are_nobodys():
    assert about(Evidence("tdx", b""), NOW, VENDORS, TRUST).names == ()
    assert about(evidence(Vendor().gpu().entry()), NOW, VENDORS, TRUST).names == ()
    assert about(EVIDENCE, NOW, VENDORS).names == ()
    assert about(EVIDENCE, pki.END + DAY, VENDORS, TRUST).names == ()


def chain(*ders: bytes) -> Piece:
    return Piece(Kind.NVIDIA_CA, nvidia_ca().key, b"".join(map(pem, ders)), NOW)


def test_an_issuer_is_signed_up_to_the_root_and_has_its_own_name():
    issuers = GPU.chain[2:]
    assert refused(nvidia_ca()) == ""
    assert chain(*issuers).data == nvidia_ca().data
    other = Vendor()
    assert "nvidia-ca.signature" in refused(chain(issuers[0], other.issuers[1], other.issuers[0]))
    assert "nvidia-ca.root" in refused(chain(*other.issuers[::-1]))
    assert "nvidia-ca.constraints" in refused(chain(*Signer(NVIDIA).chain))
    assert "nvidia-ca.name" in refused(chain(*issuers[1:]))
    assert "nvidia-ca.root" in refused(nvidia_ca(), trust=None)
    assert "one form" in refused(Piece(Kind.NVIDIA_CA, nvidia_ca().key, nvidia_ca().data[:-1], NOW))


def test_an_answer_is_proven_with_an_issuer_that_is_known():
    known = issuers_of(Snapshot(), ABOUT.issuers, VENDORS, TRUST)
    piece = revocation()
    proven(piece, known, NOW, VENDORS, TRUST)
    assert said(piece.data) == "good"
    with pytest.raises(Rejected, match="issuer is not known"):
        proven(piece, issuers_of(Snapshot(), (), VENDORS, TRUST), NOW, VENDORS, TRUST)
    stranger = (load_certificate(Vendor().issuers[2]),)
    with pytest.raises(Rejected, match="issuer is not known"):
        proven(piece, stranger, NOW, VENDORS, TRUST)


@pytest.mark.parametrize("name", [DRIVER_ID, VBIOS_ID])
def test_a_manifest_is_proven_by_its_signature_and_version(name):
    proven(Piece(Kind.RIM, name, RIMS[name], NOW), (), NOW, VENDORS, TRUST)
    other = next(v for k, v in RIMS.items() if k != name)
    with pytest.raises(Rejected, match=r"rim\.name"):
        proven(Piece(Kind.RIM, name, other, NOW), (), NOW, VENDORS, TRUST)
    with pytest.raises(Rejected, match=r"rim\.chain\.root"):
        proven(Piece(Kind.RIM, name, RIMS[name], NOW), (), NOW, VENDORS)
    with pytest.raises(Malformed):
        proven(Piece(Kind.RIM, name, b"<html/>", NOW), (), NOW, VENDORS, TRUST)


def test_a_real_manifest_is_proven_under_its_name_while_its_signer_is_valid():
    raw = vector("nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml")
    end = manifest_end(raw)
    assert end is not None
    proven(Piece(Kind.RIM, "NV_GPU_DRIVER_GH100_550.144.03", raw, NOW), (), end, VENDORS)
    with pytest.raises(Rejected, match=r"rim\.name"):
        proven(Piece(Kind.RIM, "NV_GPU_DRIVER_GH100_550.144.04", raw, NOW), (), end, VENDORS)
    with pytest.raises(Rejected, match="validity"):
        proven(Piece(Kind.RIM, "NV_GPU_DRIVER_GH100_550.144.03", raw, NOW), (), end + DAY, VENDORS)


def test_what_cannot_be_read_has_no_end():
    assert manifest_end(rim().data) is None
