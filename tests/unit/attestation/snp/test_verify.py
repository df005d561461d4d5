"""One test per check of SNP verification, all flips of a good report, and the real vectors at their pinned times."""

import datetime as dt
import hashlib
from dataclasses import replace

import pytest
from attested import BINDING, NOW, claims, failures, platform, real_evidence, vector, verdict
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.simulator import pki
from attestation.simulator.snp import POLICY, TCB, Chip, Guest, Platform, sign, vcek_extensions
from attestation.snp.report import POLICY_DEBUG, POLICY_MIGRATE_MA, POLICY_RESERVED_ONE
from attestation.snp.verify import verify
from attestation.trust import AMD, SimulatedTrust, amd_chain
from attestation.types import Collateral, Evidence, Malformed, Rejected, Source, Status

SIM = platform()
GOOD = SIM.evidence(BINDING)


def changed(offset: int, value: bytes, guest: Guest | None = None, chip: Chip | None = None) -> Evidence:
    """Evidence whose report was altered before it was signed."""
    raw = SIM.report(BINDING, guest, chip)
    raw = sign(raw[:offset] + value + raw[offset + len(value) :], chip or SIM.chip)
    return replace(SIM.evidence(BINDING, guest, chip), report=raw)


def test_good_evidence_becomes_claims():
    got = claims()
    assert (got.tee, got.tcb_status, got.vmpl, got.debug, got.simulated) == ("sev-snp", "committed", 0, False, True)
    assert got.report_data == BINDING
    assert got.tcb == {"bootloader": 10, "tee": 1, "snp": 23, "microcode": 184}
    assert (got.chip_id, got.policy_bits, got.verified_at) == (SIM.chip.chip_id, POLICY, NOW)
    assert got.not_after == pki.END
    raw = SIM.evidence(BINDING)
    again = verify(raw, NOW, AMD, SIM.trust)
    assert again.evidence_sha256 == hashlib.sha256(b"".join((raw.report, *raw.certificates))).digest()


def test_every_check_has_its_own_id_a_source_and_a_reason():
    checks = claims().checks
    assert len({c.id for c in checks}) == len(checks) == 33
    assert all(c.detail for c in checks)
    assert {c.source for c in checks} == {Source.HARDWARE, Source.VERIFIER}
    assert {c.id for c in checks if c.status is not Status.PASS} == {"crl"}


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_each_report_version_is_verified(version):
    assert failures(SIM.evidence(BINDING, Guest(version=version))) == set()


def test_claims_end_with_the_first_certificate_or_the_revocation_list():
    soon = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    chip = SIM.make_chip(end=soon)
    assert verify(SIM.evidence(BINDING, None, chip), NOW, AMD, SIM.trust).not_after == soon
    crl = pki.revocation_list(SIM.root_name, SIM.root_key, end=soon)
    assert verify(GOOD, NOW, AMD, SIM.trust, Collateral(amd_crl=crl)).not_after == soon


def test_a_naive_time_is_our_own_mistake():
    with pytest.raises(ValueError, match="aware"):
        verify(GOOD, dt.datetime(2026, 11, 21), AMD, SIM.trust)


def test_no_bit_of_a_report_is_ignored():
    for at in range(len(GOOD.report)):
        raw = bytearray(GOOD.report)
        raw[at] ^= 1 << at % 8
        assert failures(replace(GOOD, report=bytes(raw))), f"byte {at:#x}"


def test_no_bit_of_a_real_report_is_ignored():
    good = real_evidence(vector("snp/milan_virtee/report.bin"), vector("snp/milan_virtee/vcek_milan.der"), "Milan")
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert verdict(good, now=now) == set()
    for at in range(len(good.report)):
        raw = bytearray(good.report)
        raw[at] ^= 1 << at % 8
        assert verdict(replace(good, report=bytes(raw)), now=now), f"byte {at:#x}"


@pytest.mark.parametrize(
    ("evidence", "want"),
    [
        (changed(0x34, b"\x02"), {"report.algorithm"}),
        (changed(0x48, b"\x04"), {"signing-key"}),
        (changed(0x48, b"\x1c"), {"signing-key"}),
        (changed(0x48, b"\x02"), {"chip-id"}),
        (changed(0x1A0, b"\xee"), {"chip-id"}),
        (changed(0x1A0, bytes(64)), {"chip-id"}),
        (changed(0x188, b"\x19\x01"), {"product"}),
        (changed(0x188, b"\x17\x31"), {"product"}),
        (changed(0x180, b"\x09"), {"tcb.endorsed"}),
        (changed(0x186, b"\x16"), {"tcb.endorsed"}),
        (changed(0x187, b"\x01"), {"tcb.endorsed"}),
        (changed(0x1E0, b"\x09"), {"tcb.order"}),
        (changed(0x1E0, b"\x0b"), {"tcb.order"}),
        (SIM.evidence(BINDING, Guest(policy=POLICY | POLICY_DEBUG)), {"policy.debug"}),
        (SIM.evidence(BINDING, Guest(policy=POLICY | POLICY_MIGRATE_MA)), {"policy.migration"}),
        (SIM.evidence(BINDING, Guest(policy=POLICY & ~POLICY_RESERVED_ONE)), {"policy.reserved"}),
        (changed(0x160, b"\0"), {"migration-agent"}),
        (changed(0x182, b"\x01"), {"malformed"}),
        (changed(0x3C, b"\x01"), {"malformed"}),
        (changed(0x1E3, b"\x01"), {"malformed"}),
        (changed(0x1F2, b"\x01"), {"malformed"}),
    ],
)
def test_each_rule_of_the_report_refuses_on_its_own(evidence, want):
    assert failures(evidence) == want


def test_a_chip_id_of_zero_is_refused_even_when_the_certificate_agrees():
    chip = SIM.make_chip(chip_id=bytes(64))
    assert failures(SIM.evidence(BINDING, None, chip)) == {"chip-id"}


def test_firmware_that_is_not_committed_is_provisional():
    for evidence in (changed(0x38, b"\x0b"), changed(0x1E8, b"\x29")):
        assert verify(evidence, NOW, AMD, SIM.trust).tcb_status == "provisional"


def test_another_chips_key_cannot_sign_for_this_one():
    other = SIM.make_chip()
    borrowed = replace(GOOD, report=sign(GOOD.report, other), certificates=(other.certificate, SIM.ask, SIM.root))
    assert failures(borrowed) == {"chip-id"}


def test_the_key_must_be_endorsed_for_the_reported_firmware():
    older = SIM.make_chip(tcb={**TCB, "snp": 22}, chip_id=SIM.chip.chip_id)
    assert failures(SIM.evidence(BINDING, Guest(), older)) == {"tcb.endorsed"}


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (2**384 - 1, 1), (1, 2**384 - 1)])
def test_a_signature_out_of_range_is_refused(r, s):
    raw = GOOD.report[:0x2A0] + r.to_bytes(72, "little") + s.to_bytes(72, "little") + GOOD.report[0x330:]
    assert failures(replace(GOOD, report=raw)) == {"report.signature"}


def test_a_signature_with_another_digest_is_refused():
    r, s = utils.decode_dss_signature(SIM.chip.key.sign(GOOD.report[:0x2A0], ec.ECDSA(hashes.SHA256())))
    raw = GOOD.report[:0x2A0] + r.to_bytes(72, "little") + s.to_bytes(72, "little") + GOOD.report[0x330:]
    assert failures(replace(GOOD, report=raw)) == {"report.signature"}


def leaf_under(product: str, name: str, **extensions: bytes) -> bytes:
    values = vcek_extensions(product, TCB, SIM.chip.chip_id)
    subject = pki.name(name, "x")
    return pki.issue(subject, SIM.chip.key.public_key(), SIM.ask_name, SIM.ask_key, extensions=values, **extensions)


def test_a_key_for_another_product_is_refused():
    got = failures(replace(GOOD, certificates=(leaf_under("Milan", "SEV-VCEK"), SIM.ask, SIM.root)))
    assert got == {"chain.intermediate-name", "chain.root-name", "product"}


def test_a_vlek_under_the_issuer_of_vceks_is_refused():
    got = failures(replace(GOOD, certificates=(leaf_under("Genoa", "SEV-VLEK"), SIM.ask, SIM.root)))
    assert got == {"chain.intermediate-name", "signing-key"}


def test_a_root_of_another_name_is_refused_even_when_pinned():
    name = pki.name("ARK-Milan", "x")
    key = SIM.root_key.public_key()
    root = pki.issue(name, key, name, SIM.root_key, ca=True)
    ask = pki.issue(SIM.ask_name, SIM.ask_key.public_key(), name, SIM.root_key, ca=True)
    evidence = replace(GOOD, certificates=(SIM.chip.certificate, ask, root))
    with pytest.raises(Rejected) as e:
        verify(evidence, NOW, AMD, SimulatedTrust(root))
    assert [f.partition(":")[0] for f in e.value.failures] == ["chain.root-name"]


def test_turin_has_its_own_layout_and_short_hwid():
    turin = Platform("Turin")
    got = verify(turin.evidence(BINDING), NOW, AMD, turin.trust)
    assert got.tcb == TCB
    raw = turin.report(BINDING)
    long_id = sign(raw[:0x1AF] + b"\1" + raw[0x1B0:], turin.chip)
    with pytest.raises(Rejected, match=r"^chip-id: "):
        verify(replace(turin.evidence(BINDING), report=long_id), NOW, AMD, turin.trust)


def test_the_revocation_list_is_looked_at_when_it_is_there():
    assert failures(GOOD, crl=SIM.crl()) == set()
    assert failures(GOOD, crl=SIM.crl((0x20002,))) == {"crl.intermediate"}
    assert failures(GOOD, crl=b"junk") == {"malformed"}


def test_all_failures_are_reported_at_once():
    bad = changed(0x1A0, b"\xee", Guest(policy=POLICY | POLICY_DEBUG))
    raw = bytearray(bad.report)
    raw[0x90] ^= 1
    got = verdict(replace(bad, report=bytes(raw)), now=dt.datetime(2050, 6, 1, tzinfo=dt.UTC))
    assert got >= {"chain.root", "chain.leaf-validity", "report.signature", "chip-id", "policy.debug"}


def test_a_root_named_like_the_vendors_is_refused():
    false = Platform(organisation="Advanced Micro Devices")
    assert failures(false.evidence(BINDING)) == {"chain.root"}
    real_root = amd_chain("Genoa")[1]
    spliced = replace(false.evidence(BINDING), certificates=(false.chip.certificate, false.ask, real_root))
    assert verdict(spliced) == {"chain.intermediate-signature"}


def test_failures_never_quote_text_of_a_certificate():
    marker = "MARKER-IN-A-NAME"
    leaf = pki.issue(
        pki.name("SEV-VCEK", marker), SIM.chip.key.public_key(), pki.name(marker, marker), SIM.ask_key,
        extensions=vcek_extensions("Genoa", TCB, SIM.chip.chip_id),
    )  # fmt: skip
    with pytest.raises(Rejected) as e:
        verify(replace(GOOD, certificates=(leaf, SIM.ask, SIM.root)), NOW, AMD, SIM.trust)
    assert marker not in str(e.value)


def at(*args: int) -> dt.datetime:
    return dt.datetime(*args, tzinfo=dt.UTC)


# vectors/MANIFEST.md: report, its start, leaf, product, pinned time, VLEK, failing checks, TCB status, VMPL.
# The entry milan_v2_omne_gcp is listed there as good, but it is a debug guest and its VCEK begins on 2026-08-28.
REAL = {
    "milan_v2_google": ("snp/milan_v2_google/report.bin", 0, "snp/milan_v2_google/vcek.der", "Milan", at(2024, 1, 1),
                        False, {"policy.debug"}, "", 0),
    "milan_virtee": ("snp/milan_virtee/report.bin", 0, "snp/milan_virtee/vcek_milan.der", "Milan", at(2024, 1, 1),
                     False, set(), "committed", 0),
    "trustee_milan": ("snp/trustee_milan/test-report.bin", 0, "snp/trustee_milan/test-vcek.der", "Milan",
                      at(2024, 1, 1), False, set(), "provisional", 0),
    "trustee wrong vcek, legacy": ("snp/trustee_milan/test-report.bin", 0,
                                   "snp/trustee_milan/test-vcek-invalid-legacy.der", "Milan", at(2024, 1, 1), False,
                                   {"chain.leaf-signature", "report.signature", "chip-id", "tcb.endorsed"}, "", 0),
    "trustee wrong vcek, new": ("snp/trustee_milan/test-report.bin", 0, "snp/trustee_milan/test-vcek-invalid-new.der",
                                "Milan", at(2024, 1, 1), False,
                                {"chain.leaf-signature", "report.signature", "chip-id", "tcb.endorsed"}, "", 0),
    "trustee vlek": ("snp/trustee_milan/test-vlek-report.bin", 0, "snp/trustee_milan/test-vlek.der", "Milan",
                     at(2025, 6, 1), True, set(), "provisional", 1),
    "trustee vlek, expired": ("snp/trustee_milan/test-vlek-report.bin", 0, "snp/trustee_milan/test-vlek.der", "Milan",
                              at(2025, 12, 11), True, {"chain.leaf-validity"}, "", 0),
    "turin_v5_inf17": ("snp/turin_v5_inf17/report.bin", 0, "snp/turin_v5_inf17/vcek.der", "Turin",
                       at(2026, 9, 18, 18, 22, 34), False, set(), "committed", 0),
    "milan_v2_omne_gcp": ("snp/milan_v2_omne_gcp/report.bin", 0, "snp/milan_v2_omne_gcp/vcek.der", "Milan",
                          at(2026, 1, 1), False, {"chain.leaf-validity", "policy.debug"}, "", 0),
    "azure genoa": ("openpcc/extracted/azure_sevsnp_report.bin", 0x20, "openpcc/extracted/test_vcek.pem", "Genoa",
                    at(2025, 8, 1), False, set(), "committed", 0),
    "dstack milan": ("dstack/sev_snp_attestation.bin", 4, "dstack/sev_snp_vcek.pem", "Milan", at(2026, 8, 1),
                     False, set(), "committed", 0),
    "azure milan hcl": ("trustee/az-snp-vtpm/hcl-report.bin", 0x20, "trustee/az-snp-vtpm/vcek.pem", "Milan",
                        at(2024, 1, 1), False, set(), "provisional", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_a_real_vector_gets_its_verdict(name):
    report, start, leaf, product, now, vlek, want, status, vmpl = REAL[name]
    evidence = real_evidence(vector(report)[start : start + 1184], vector(leaf), product, vlek=vlek)
    assert verdict(evidence, now=now) == want
    if not want:
        got = verify(evidence, now, AMD)
        assert (got.tcb_status, got.vmpl, got.simulated) == (status, vmpl, False)


def test_real_evidence_brings_its_own_chain():
    files = ("vcek.der", "ask.der", "ark.der")
    chain = tuple(vector(f"snp/milan_v2_omne_gcp/{name}") for name in files)
    evidence = Evidence("sealgate-snp", vector("snp/milan_v2_omne_gcp/report.bin"), chain)
    assert verdict(evidence, now=at(2026, 9, 1)) == {"policy.debug"}


def test_a_real_vlek_does_not_pass_under_the_issuer_of_vceks():
    report, _, leaf, product, now, *_ = REAL["trustee vlek"]
    got = verdict(real_evidence(vector(report), vector(leaf), product), now=now)
    assert {"chain.leaf-issuer", "chain.leaf-signature", "chain.intermediate-name"} <= got


@pytest.mark.parametrize(
    ("report", "leaf"), [("snp/milan_virtee/report.bin", "snp/milan_virtee/vcek_turin.der"),
                         ("snp/turin_v5_inf17/report.bin", "snp/milan_virtee/vcek_turin.der"),
                         ("snp/milan_virtee/report.bin", "snp/milan_v2_google/vcek.der")]
)  # fmt: skip
def test_a_real_report_under_another_chips_key_is_refused(report, leaf):
    product = "Turin" if "turin" in leaf else "Milan"
    assert verdict(real_evidence(vector(report), vector(leaf), product), now=at(2026, 9, 18))


def test_a_real_report_without_its_certificate_is_malformed():
    with pytest.raises(Malformed):
        verify(Evidence("sealgate-snp", vector("openpcc/extracted/gce_sevsnp_report.bin"), ()), NOW, AMD)
