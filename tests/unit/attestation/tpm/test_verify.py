"""Confidential VMs: runtime data, TPM quotes, Google's certified key; each check, every flip, the real vectors."""

import datetime as dt
import hashlib
import json

import pytest
from attested import NOW, der, flips, ids, platform, vector
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.simulator import pki
from attestation.simulator.azure import NONCE, PCRS, VirtualTpm, hcl_blob, runtime, shared_tpm, snp_machine
from attestation.simulator.intel import Guest, shared_intel
from attestation.tpm.hcl import SNP, TDX, split
from attestation.tpm.quote import parse_attest
from attestation.trust import VENDORS, SimulatedTrust, amd_chain
from attestation.types import Collateral, Evidence, Malformed, Status
from attestation.verify import verify

SIM, TPM, INTEL = platform(), shared_tpm(), shared_intel()
DATA = runtime(TPM)
PARTS = TPM.parts()


def verdict(data: bytes = DATA, parts: dict[str, bytes] | None = PARTS) -> set[str]:
    return ids(snp_machine(SIM, data, parts), SIM.trust)


def test_a_good_machine_becomes_claims():
    got = verify(snp_machine(SIM, DATA, PARTS), NOW, VENDORS, SIM.trust)
    assert (got.tee, got.bound["nonce"], got.facts["vm.secure-boot"]) == ("azure-snp", NONCE, "true")
    assert {f"pcr{i}": v for i, v in PCRS.items()}.items() <= got.measurements.items()
    assert got.measurements["measurement"] == got.measurement
    without = verify(snp_machine(SIM, DATA), NOW, VENDORS, SIM.trust)
    assert "nonce" not in without.bound
    assert "pcr0" not in without.measurements


def test_a_tdx_machine_becomes_claims():
    quote = INTEL.tdx_quote(hashlib.sha256(DATA).digest())
    evidence = Evidence("azure-tdx", quote, parts={"runtime": DATA, **PARTS})
    got = verify(evidence, NOW, VENDORS, INTEL.trust, INTEL.collateral(NOW))
    assert (got.tee, got.bound["nonce"]) == ("azure-tdx", NONCE)
    old = Evidence(
        "azure-tdx", INTEL.tdx_quote(hashlib.sha256(DATA).digest(), Guest(attributes=0)), parts=evidence.parts
    )
    assert ids(old, INTEL.trust, NOW, INTEL.collateral(NOW)) == {"td.sept-ve"}
    waived = INTEL.collateral(NOW, waivers=frozenset({"td.sept-ve"}))
    checks = {c.id: c.status for c in verify(old, NOW, VENDORS, INTEL.trust, waived).checks}
    assert checks["td.sept-ve"] is Status.WAIVED


def test_runtime_data_must_be_what_the_report_names():
    evidence = snp_machine(SIM, DATA)
    other = Evidence("azure-snp", evidence.report, evidence.certificates, {"runtime": runtime(VirtualTpm())})
    assert ids(other, SIM.trust) == {"runtime"}


def test_report_data_holds_nothing_but_the_runtime_data():
    found = SIM.evidence(hashlib.sha256(DATA).digest() + b"\1" * 32)
    assert ids(Evidence("azure-snp", found.report, found.certificates, {"runtime": DATA}), SIM.trust) == {"runtime"}


def test_the_hardware_must_be_genuine():
    assert ids(snp_machine(SIM, DATA, PARTS), None) == {"chain.root"}


def test_a_quote_of_another_key_is_refused():
    assert verdict(parts=VirtualTpm().parts()) == {"tpm.signature"}


def test_other_registers_than_quoted_are_refused():
    assert verdict(parts=TPM.parts(shown={**PCRS, 7: bytes(32)})) == {"tpm.registers"}


def test_a_short_key_signs_nothing():
    short = VirtualTpm(1024)
    assert verdict(runtime(short), short.parts()) == {"tpm.key"}


@pytest.mark.parametrize(
    "keys", [[], [TPM.jwk(), TPM.jwk()], [TPM.jwk("HCLEkPub")], [{**TPM.jwk(), "kty": "EC"}], None]
)
def test_one_key_is_the_attestation_key(keys):
    assert verdict(runtime(TPM, keys=keys), None) == {"runtime.key"}


@pytest.mark.parametrize("data", [b"", b"[]", runtime(TPM, keys=[{**TPM.jwk(), "n": "!"}]),
                                  runtime(TPM, **{"user-data": "zz"}), b'{"keys":[],"keys":[]}'])  # fmt: skip
def test_unreadable_runtime_data_is_malformed(data):
    assert verdict(data, None) == {"malformed"}


@pytest.mark.parametrize("missing", list(PARTS))
def test_a_quote_comes_with_all_its_parts(missing):
    assert verdict(parts={k: v for k, v in PARTS.items() if k != missing}) == {"malformed"}
    assert verdict(parts={**PARTS, "more": b""}) == {"malformed"}


@pytest.mark.parametrize("change", [
    lambda m: m + b"\0", lambda m: m[:-1], lambda m: b"", lambda m: b"\0" + m[1:], lambda m: m[:5] + b"\x17" + m[6:],
    lambda m: m.replace(bytes.fromhex("00000001000b03"), bytes.fromhex("00000001000c03")),
    lambda m: m.replace(bytes.fromhex("00000001000b03"), bytes.fromhex("00000002000b03")),
])  # fmt: skip
def test_another_form_of_quote_is_malformed(change):
    with pytest.raises(Malformed):
        parse_attest(change(PARTS["tpm_quote"]))


def test_no_flipped_bit_is_accepted():
    base = snp_machine(SIM, DATA, PARTS)
    for name in base.parts:
        for raw in flips(base.parts[name]):
            changed = Evidence("azure-snp", base.report, base.certificates, {**base.parts, name: raw})
            assert ids(changed, SIM.trust), f"a changed {name} was accepted"


# -- the container


def test_a_container_is_taken_apart():
    report = SIM.report(bytes(64))
    got = split(hcl_blob(report, DATA))
    assert (got.kind, got.report, got.runtime) == (SNP, report, DATA)


def test_each_flipped_bit_outside_its_contents_is_malformed():
    blob = hcl_blob(SIM.report(bytes(64)), DATA)
    contents = (*range(0x20, 0x4C0), *range(0x4D4, 0x4D4 + len(DATA)))
    for i, raw in enumerate(flips(blob)):
        if i not in contents:
            if i == 0x4C0 + 8 and raw[i] == TDX:
                continue
            with pytest.raises(Malformed):
                split(raw)


@pytest.mark.parametrize("raw", [b"", b"HCLA", bytes(2600), hcl_blob(bytes(1184), DATA)[:0x4D4]])
def test_another_container_is_malformed(raw):
    with pytest.raises(Malformed):
        split(raw)


# -- Google's certified key

GOOGLE_KEY = rsa.generate_private_key(65537, 2048)
ROOT = pki.name("EK/AK CA Root", "Sealgate Simulator")
HOW = {"digest": hashes.SHA256(), "pss": None}
GOOGLE_ROOT = pki.issue(ROOT, GOOGLE_KEY.public_key(), ROOT, GOOGLE_KEY, ca=True, **HOW)
AK = pki.issue(pki.name("ak", "x"), TPM.key.public_key(), ROOT, GOOGLE_KEY, **HOW)
GOOGLE = SimulatedTrust(GOOGLE_ROOT)


def shielded(parts: dict[str, bytes] = PARTS, chain: tuple[bytes, ...] = (AK, GOOGLE_ROOT)) -> Evidence:
    rest = {k: v for k, v in parts.items() if k != "tpm_quote"}
    return Evidence("google-vtpm", parts["tpm_quote"], chain, rest)


def test_a_certified_key_gives_claims():
    got = verify(shielded(), NOW, VENDORS, GOOGLE)
    assert (got.tee, got.bound["nonce"], got.simulated) == ("google-vtpm", NONCE, True)
    assert ids(shielded(), None) == {"chain.root"}


def test_a_certified_key_must_have_signed():
    assert ids(shielded(VirtualTpm().parts()), GOOGLE) == {"tpm.signature"}
    assert ids(shielded(TPM.parts(shown={**PCRS, 0: bytes(32)})), GOOGLE) == {"tpm.registers"}
    assert ids(shielded({**PARTS, "runtime": b""}), GOOGLE) == {"malformed"}


# -- real machines


def real(blob: str, leaf: str, product: str, parts: dict[str, bytes] | None = None) -> Evidence:
    got = split(vector(blob))
    assert got.kind == SNP
    chain = (der(vector(leaf)), *amd_chain(product))
    return Evidence("azure-snp", got.report, chain, {"runtime": got.runtime, **(parts or {})})


def test_a_real_genoa_machine_gets_its_verdict():
    evidence = real("openpcc/extracted/azure_sevsnp_report.bin", "openpcc/extracted/test_vcek.pem", "Genoa")
    crl = x509.load_pem_x509_crl(vector("openpcc/extracted/test_amd_genoa_crl.pem"))
    collateral = Collateral(amd_crl=crl.public_bytes(Encoding.DER))
    now = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    assert ids(evidence, None, now, collateral) == set()
    assert ids(evidence, None, now + dt.timedelta(days=120), collateral) == {"crl.window"}
    assert crl.get_revoked_certificate_by_serial_number(0x20001) is not None
    changed = Evidence(
        "azure-snp", evidence.report, evidence.certificates, {"runtime": evidence.parts["runtime"] + b" "}
    )
    assert ids(changed, None, now, collateral) == {"runtime"}


def test_a_real_milan_machine_with_its_quote_gets_its_verdict():
    body = json.loads(vector("trustee/az-snp-vtpm/tpm-quote-v1.json"))
    parts = {"tpm_quote": bytes.fromhex(body["message"]), "tpm_signature": bytes.fromhex(body["signature"]),
             "tpm_pcrs": bytes.fromhex("".join(body["pcrs"]))}  # fmt: skip
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    evidence = real("trustee/az-snp-vtpm/hcl-report.bin", "trustee/az-snp-vtpm/vcek.pem", "Milan")
    assert ids(evidence, None, now) == set()
    # that quote is of another machine: its key is not the one in this runtime data
    spliced = Evidence("azure-snp", evidence.report, evidence.certificates, {**evidence.parts, **parts})
    assert ids(spliced, None, now) <= {"tpm.signature"}


def test_a_real_tdx_machine_gets_its_verdict():
    got = split(vector("openpcc/extracted/azure_tdx_report_hcl.bin"))
    assert got.kind == TDX
    evidence = Evidence("azure-tdx", vector("openpcc/extracted/azure_tdx_quote.bin"), parts={"runtime": got.runtime})
    intel = Collateral(intel=vector("tdx/dcap-qvl/tdx_quote_outdated_collateral.json").decode())
    assert ids(evidence, None, dt.datetime(2026, 2, 19, tzinfo=dt.UTC), intel) == set()
    old = split(vector("trustee/az-tdx-vtpm/hcl-report.bin"))
    first = Evidence("azure-tdx", vector("trustee/az-tdx-vtpm/td-quote.bin"), parts={"runtime": old.runtime})
    assert "td.sept-ve" in ids(first, None, dt.datetime(2026, 2, 19, tzinfo=dt.UTC), intel)


def test_real_quotes_are_read():
    assert parse_attest(vector("trustee/az-snp-vtpm/tpm-quote.msg")).extra_data == b"challenge"
    assert parse_attest(vector("dstack/tpm_quote_sample.bin")).extra_data == bytes.fromhex("12345678")
