"""NVIDIA's pieces are verified when they come in: nothing unsigned displaces a good one, and revoked stays revoked."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from attested import NOW, vector
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.ocsp import OCSPCertStatus
from published import DAY, DEVICE, GPU, NVIDIA, RIM_ID, TRUST, ocsp_piece, refused, revocation, rim, snapshot

from attestation.collateral.admit import admit
from attestation.collateral.examine import examine
from attestation.collateral.intel import packed
from attestation.collateral.loose import loose
from attestation.collateral.nvidia import about, answer_piece, read_piece, said
from attestation.collateral.pieces import Index, Kind, Piece, Trust
from attestation.collateral.select import find
from attestation.collateral.store import Snapshot
from attestation.nvidia.ocsp import compare
from attestation.paths import MAX_CHAIN
from attestation.simulator import pki
from attestation.simulator.nvidia import Gpu, Vendor, evidence
from attestation.simulator.ocsp import Responder, responders
from attestation.simulator.rim import Signer
from attestation.trust import VENDORS
from attestation.types import Evidence, Malformed, Rejected, Status
from attestation.x509 import load_certificate

ISSUER, KEY = DEVICE[2], NVIDIA.keys[2]
REVOKED, GOOD, UNKNOWN = OCSPCertStatus.REVOKED, OCSPCertStatus.GOOD, OCSPCertStatus.UNKNOWN
HOLD = x509.ReasonFlags.certificate_hold


def after(*pieces: Piece, index: Index | None = None, now: dt.datetime = NOW) -> Index:
    return admit(index or Index(), pieces, now, VENDORS, TRUST)


def revoked(now: dt.datetime = NOW, reason: x509.ReasonFlags | None = None) -> Piece:
    return revocation(now, status=REVOKED, reason=reason)


def packed_by(der: bytes, path: tuple[x509.Certificate, ...]) -> Piece:
    """What somebody else wrote: with whatever certificates."""
    good = revocation()
    text = "".join(c.public_bytes(pki.Encoding.PEM).decode() for c in path)
    return Piece(good.kind, good.key, packed({"answer": der.hex(), "chain": text}), NOW)


# -- the attack that was: an answer that nobody signed, newer than the one that says revoked


def strangers() -> dict[str, Piece]:
    other = ec.generate_private_key(ec.SECP384R1())
    twin = load_certificate(pki.issue(ISSUER.subject, other.public_key(), ISSUER.subject, other, ca=True))
    name = pki.name("another issuer", "Sealgate Simulator")
    renamed = pki.issue(name, KEY.public_key(), NVIDIA.names[1], NVIDIA.keys[1], ca=True)
    renamed_device = load_certificate(pki.issue(DEVICE[1].subject, other.public_key(), name, KEY, serial=1))
    own = Vendor()
    path = tuple(load_certificate(der) for der in Gpu(own).chain)
    return {
        "another key": ocsp_piece(Responder(ISSUER, KEY, by=other).answer(DEVICE[1], NOW)),
        "no responder": ocsp_piece(Responder(ISSUER, KEY, usage=None).answer(DEVICE[1], NOW)),
        "an issuer of the same name": packed_by(Responder(twin, other).answer(DEVICE[1], NOW), (twin, *DEVICE[3:])),
        "the real certificate beside it": packed_by(
            Responder(twin, other).answer(DEVICE[1], NOW, issuer=ISSUER), DEVICE[2:]
        ),
        "another root": packed_by(responders(own)[0].answer(path[1], NOW), path[2:]),
        "without a root": packed_by(Responder(ISSUER, KEY).answer(DEVICE[1], NOW), DEVICE[2:4]),
        "a device as issuer": packed_by(Responder(ISSUER, KEY).answer(DEVICE[1], NOW), DEVICE[1:]),
        "the CA above": packed_by(Responder(ISSUER, KEY).answer(DEVICE[1], NOW), DEVICE[3:]),
        "another name of its issuer": packed_by(
            Responder(ISSUER, KEY).answer(
                load_certificate(pki.issue(DEVICE[1].subject, other.public_key(), twin.subject, KEY)), NOW
            ),
            (load_certificate(renamed), *DEVICE[3:]),
        ),
        "the certificate of another name": packed_by(Responder(ISSUER, KEY).answer(renamed_device, NOW), DEVICE[2:]),
        "a root twice": packed_by(Responder(ISSUER, KEY).answer(DEVICE[1], NOW), (*DEVICE[2:], DEVICE[4])),
    }


@pytest.mark.parametrize(("name", "piece"), strangers().items(), ids=list(strangers()))
def test_an_answer_that_nobody_signed_never_displaces_one(name, piece):
    seen = after(revoked(NOW - DAY))
    assert refused(piece, index=seen)
    assert refused(piece)  # nor comes in where there is none: its date would keep the genuine one out


def test_an_answer_whose_issuer_is_not_known_does_not_come_in():
    der = read_piece(revocation().data)[0]
    stranger = tuple(load_certificate(c) for c in Vendor().gpu().chain)
    for devices in ([], [stranger]):
        with pytest.raises(Malformed, match="evidence of the device"):
            loose(der, NOW, devices)
    (piece,) = loose(der, NOW, [stranger, DEVICE])
    assert read_piece(piece.data) == (der, DEVICE[2:])


def test_an_answer_about_a_ca_has_the_root_alone_beside_it():
    piece = ocsp_piece(responders(NVIDIA)[2].answer(DEVICE[3], NOW))
    assert read_piece(piece.data)[1] == DEVICE[4:]
    assert examine(piece, VENDORS, TRUST).trust is Trust.SIMULATED
    with pytest.raises(Rejected, match=r"nvidia-ocsp\.chain\.root"):
        examine(piece, VENDORS)


def test_an_issuer_must_have_been_valid_and_a_ca():
    for how, why in (
        ({"end": NOW - DAY, "ca": True}, "validity"),
        ({"ca": False}, "constraints"),
        ({"ca": True, "cert_sign": False}, "constraints"),
    ):
        key = ec.generate_private_key(ec.SECP384R1())
        name = pki.name("Simulated Device CA 9", "Sealgate Simulator")
        issuer = load_certificate(pki.issue(name, key.public_key(), NVIDIA.names[1], NVIDIA.keys[1], **how))
        device = load_certificate(pki.issue(pki.name("GH100 x", "x"), key.public_key(), name, key, ca=True))
        path = (device, device, issuer, *DEVICE[3:])
        (piece,) = loose(Responder(issuer, key).answer(device, NOW), NOW, [path])
        assert f"nvidia-ocsp.chain.{why}" in refused(piece)


# -- what comes after what


def test_what_was_revoked_stays_revoked_whatever_comes_later():
    seen = after(revoked())
    assert seen.entries[revoked().name].number == 1
    for status in (GOOD, UNKNOWN):
        assert "rollback" in refused(revocation(NOW + DAY, status=status), index=seen, now=NOW + DAY)
    assert "rollback" in refused(revoked(NOW + DAY, HOLD), index=seen, now=NOW + DAY)
    gone = Index({}, seen.floors)  # also when the piece itself is gone
    assert "rollback" in refused(revocation(NOW + DAY), index=gone, now=NOW + DAY)
    assert refused(revoked(NOW + DAY), index=seen, now=NOW + DAY) == ""


def test_of_the_same_moment_what_says_revoked_stays():
    for pieces in ((revocation(), revoked()), (revoked(), revocation())):
        assert after(*pieces).entries[revoked().name].number == 1
    assert "rollback" in refused(revocation(), index=after(revoked()))


def test_what_says_revoked_comes_in_whatever_was_there_and_however_old_it_is():
    seen = after(revocation())
    assert refused(revoked(NOW - 300 * DAY), index=seen) == ""
    assert examine(revoked(NOW - 300 * DAY), VENDORS, TRUST).next_update is None


def test_a_device_on_hold_may_be_released_by_a_newer_answer_only():
    seen = after(revoked(NOW, HOLD))
    assert seen.entries[revoked().name].number is None
    assert "rollback" in refused(revocation(NOW - DAY), index=seen)
    assert refused(revocation(NOW + DAY), index=seen, now=NOW + DAY) == ""


def test_an_older_answer_comes_after_no_newer_one():
    assert "rollback" in refused(revocation(NOW - DAY), index=after(revocation()))


def test_an_answer_ends_with_who_signed_it():
    end = NOW + DAY / 2
    piece = ocsp_piece(Responder(ISSUER, KEY, end=end).answer(DEVICE[1], NOW))
    assert examine(piece, VENDORS, TRUST).next_update == end
    assert "expired" in refused(piece, now=end + dt.timedelta(seconds=1))


def test_the_store_gives_what_says_revoked_also_after_its_end():
    piece = revoked(NOW - 200 * DAY)
    held = snapshot(piece)
    gpu = Gpu(NVIDIA)
    gpu.chain = tuple(c.public_bytes(pki.Encoding.DER) for c in DEVICE)  # type: ignore[assignment]
    collateral, _ = find(held, evidence(gpu.entry()), NOW)
    assert compare([DEVICE], collateral.ocsp, NOW)[0].status is Status.FAIL


# -- what is kept has one form


@pytest.mark.parametrize(
    "change",
    {
        "upper case": lambda b: {**b, "answer": b["answer"].upper()},
        "spaces": lambda b: {**b, "answer": b["answer"] + " "},
        "no hex": lambda b: {**b, "answer": "zz"},
        "more lines": lambda b: {**b, "chain": b["chain"] + "\n"},
        "a word before": lambda b: {**b, "chain": "x" + b["chain"]},
        "no chain": lambda b: {**b, "chain": ""},
        "cut": lambda b: {**b, "chain": b["chain"].removesuffix("\n")},
        "more": lambda b: {**b, "x": "y"},
        "number": lambda b: {**b, "chain": 1},
        "another answer": lambda b: {**b, "answer": read_piece(revoked().data)[0].hex()[:-2]},
        "far too long a chain": lambda b: {**b, "chain": b["chain"] * 3},
    }.values(),
)
def test_a_kept_answer_has_one_form(change):
    good = revocation()
    body = json.loads(good.data)
    data = json.dumps(change(body), sort_keys=True, separators=(",", ":")).encode()
    assert refused(Piece(good.kind, good.key, data, NOW))
    assert refused(good) == ""
    assert answer_piece(read_piece(good.data)[0], [DEVICE]) == good.data


def test_a_chain_beside_an_answer_has_its_length():
    text = DEVICE[4].public_bytes(pki.Encoding.PEM).decode()
    for many, fits in ((0, False), (1, True), (MAX_CHAIN, True), (MAX_CHAIN + 1, False)):
        data = packed({"answer": "00", "chain": text * many})
        if fits:
            assert len(read_piece(data)[1]) == many
        else:
            with pytest.raises(Malformed):
                read_piece(data)


# -- manifests


def manifests() -> dict[str, bytes]:
    signer = Signer(NVIDIA)
    return {
        "nothing": b"<SoftwareIdentity/>",
        "another version": signer.rim("550.144.04"),
        "another chip": signer.rim("550.144.03", product="GB100"),
        "another root": Signer(Vendor()).rim("550.144.03"),
        "another key": signer.rim("550.144.03", key=ec.generate_private_key(ec.SECP384R1())),
        "changed": signer.rim("550.144.03", after=lambda t: t.replace('"True"', '"False"', 1)),
        "ended": Signer(NVIDIA, NOW - DAY).rim("550.144.03"),
    }


@pytest.mark.parametrize("name", manifests())
def test_a_manifest_that_does_not_count_never_displaces_one(name):
    bad = Piece(Kind.RIM, RIM_ID, manifests()[name], NOW)
    assert refused(bad, index=after(rim()))
    assert refused(bad)


@pytest.mark.parametrize(
    ("name", "version", "product", "fits"),
    [
        ("NV_GPU_DRIVER_GH100_550.144.03", "550.144.03", "GH100", True),
        ("NV_GPU_DRIVER_GH100_1550.144.03", "550.144.03", "GH100", False),
        ("NV_GPU_CC_DRIVER_GB100_550.144.03", "550.144.03", "GH100", False),
        ("NV_GPU_CC_DRIVER_GB100_550.144.03", "550.144.03", "GB100", True),
        ("NV_GPU_DRIVER_GH100_55014403", "550.144.03", "GH100", False),
        ("NV_GPU_VBIOS_G520_0200_885_9600A50001", "96.00.a5.00.01", "GH100", True),
        ("NV_GPU_VBIOS_G520_0200_885_9600A50001", "96.00.A5.00.01", "LS10", False),
        ("NV_SWITCH_BIOS_5612_0002_890_9610550001", "96.10.55.00.01", "LS10", True),
        ("NV_SWITCH_BIOS_5612_0002_890_9610550001", "96.10.55.00.01", "GH100", False),
    ],
)
def test_a_manifest_is_kept_under_a_name_that_may_be_its_own(name, version, product, fits):
    piece = Piece(Kind.RIM, name, Signer(NVIDIA).rim(version, product=product), NOW)
    assert refused(piece) == "" if fits else "rim.name" in refused(piece)


def test_a_manifest_of_an_older_signer_comes_after_no_newer_one():
    """NVIDIA signs them anew before a signer's certificate ends; the old one would leave the question open then."""
    seen = after(rim())
    assert "rollback" in refused(rim(NOW - DAY), index=seen)
    assert refused(rim(NOW), index=seen) == ""


def test_real_manifests_are_examined():
    at = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    for name, file in (
        ("NV_GPU_VBIOS_1010_0200_882_96005E0001", "rims/1010_0200_882_96005E0001_PROD.swidtag"),
        ("NV_GPU_DRIVER_GH100_550.144.03", "NV_GPU_DRIVER_GH100_550.144.03.xml"),
    ):
        piece = Piece(Kind.RIM, name, vector(f"nvidia/{file}"), at)
        got = examine(piece, VENDORS)
        assert got.trust is Trust.SIGNED and got.next_update is not None and got.issued < got.next_update
    with pytest.raises(Rejected, match=r"rim\.digest"):
        examine(Piece(Kind.RIM, name, vector("nvidia/rims/NV_GPU_DRIVER_GH100_570.124.03_expired.xml"), at), VENDORS)


def test_a_snapshot_without_pieces_has_none():
    assert find(Snapshot(), evidence(Gpu(NVIDIA).entry()), NOW)[0].ocsp == ()


# -- what can be asked about devices


def test_evidence_names_its_certificates_and_manifests_and_brings_their_issuers():
    found = about(evidence(GPU.entry()), NOW, VENDORS, TRUST)
    assert [n[0] for n in found.names] == [Kind.OCSP] * 3 + [Kind.RIM] * 2
    assert all(n[1].startswith("sha384/") for n in found.issuers)
    assert [path[0] for path in found.issuers.values()] == list(DEVICE[2:])
    two = about(evidence(GPU.entry(), NVIDIA.gpu().entry()), NOW, VENDORS, TRUST)
    assert (len(two.names), len(two.issuers)) == (4 + 2, 4)


def test_a_real_gpu_names_its_own():
    found = about(Evidence("nvidia", vector("nvidia/evidence_hopper_590_12.json")), NOW, VENDORS)
    assert (Kind.RIM, "NV_GPU_DRIVER_GH100_590.12") in found.names
    assert len(found.issuers) == 3


def test_nothing_is_learned_of_other_evidence_or_of_devices_that_are_nobodys():
    assert about(Evidence("tdx", b""), NOW, VENDORS, TRUST).names == ()
    assert about(evidence(Vendor().gpu().entry()), NOW, VENDORS, TRUST).names == ()
    assert about(evidence(GPU.entry()), NOW, VENDORS).names == ()
    assert about(evidence(GPU.entry()), pki.END + DAY, VENDORS, TRUST).names == ()


def test_a_kept_answer_says_its_word():
    assert said(revocation().data) == "good"
    assert "REVOKED" in said(revocation(status=OCSPCertStatus.REVOKED).data)
    assert said(revocation(status=OCSPCertStatus.UNKNOWN).data) == "not known to NVIDIA"
