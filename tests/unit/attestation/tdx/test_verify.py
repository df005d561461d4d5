"""One test per check of Intel quotes, every flipped bit, dcap-qvl's known gaps, and the real vectors."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from attested import BINDING, NOW, flips, ids, vector
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.simulator.intel import LEAF, PLATFORM, ROOT, SIGNER, Guest, Intel, pck_extension, pem, shared_intel
from attestation.tdx import verify as module
from attestation.trust import VENDORS
from attestation.types import Collateral, Evidence, Status
from attestation.verify import verify

SIM = shared_intel()
GOOD = SIM.tdx_quote(BINDING)
INTEL = SIM.collateral(NOW)


def verdict(quote: bytes = GOOD, collateral: Collateral = INTEL, now: dt.datetime = NOW) -> set[str]:
    return ids(Evidence("tdx", quote), SIM.trust, now, collateral)


def guest(**changes: object) -> set[str]:
    return verdict(SIM.tdx_quote(BINDING, Guest(**changes)))


def info(**changes: object) -> set[str]:
    return verdict(collateral=SIM.collateral(NOW, info=changes))


def parts(**changes: str) -> set[str]:
    return verdict(collateral=SIM.collateral(NOW, parts=changes))


def accepted(quote: bytes = GOOD, collateral: Collateral = INTEL):
    return verify(Evidence("tdx", quote), NOW, VENDORS, SIM.trust, collateral)


@pytest.mark.parametrize("version", [4, 5])
def test_a_good_td_becomes_claims(version):
    got = accepted(SIM.tdx_quote(BINDING, Guest(version=version)))
    assert (got.tee, got.tcb_status, got.debug, got.simulated) == ("tdx", "UpToDate", False, True)
    assert got.report_data == BINDING
    assert got.measurements["mrtd"] == got.measurement
    assert got.facts["version"] == str(version)
    assert {c.status for c in got.checks} == {Status.PASS}
    assert got.not_after == NOW + dt.timedelta(days=30)


def test_a_good_enclave_becomes_claims():
    got = accepted(SIM.sgx_quote(BINDING), SIM.collateral(NOW, sgx=True))
    assert (got.tee, got.tcb["isvsvn"], got.facts["isvprodid"]) == ("sgx", 3, "7")
    assert got.measurements == {"mrenclave": b"\xe1" * 32, "mrsigner": b"\xe2" * 32}


def test_without_collateral_nothing_passes():
    assert verdict(collateral=Collateral()) == {"collateral"}


def test_no_vendor_root_accepts_a_simulated_quote():
    assert "pck.root" in ids(Evidence("tdx", GOOD), None, NOW, INTEL)


def test_what_was_read_once_is_judged_anew_by_every_clock_and_under_every_root():
    """Chains, lists and documents are remembered by their bytes; whether they count now is not."""
    windows = {"tcb-info.window", "qe-identity.window", "crl.root-window", "crl.pck-window"}
    for _ in range(2):
        assert verdict() == set()
        assert verdict(now=NOW + dt.timedelta(days=31)) == windows
        assert verdict(now=NOW - dt.timedelta(days=31)) == windows
        assert {"pck.validity", "tcb-info.chain.validity"} <= verdict(now=NOW + dt.timedelta(days=99 * 365))
        assert {"pck.root", "tcb-info.chain.root"} <= ids(Evidence("tdx", GOOD), None, NOW, INTEL)
        assert "quote.signature" in verdict(GOOD[:500] + bytes((GOOD[500] ^ 1,)) + GOOD[501:])


def test_another_root_of_the_same_name_is_refused():
    other = Intel()
    assert {"pck.root", "tcb-info.chain.root"} <= verdict(other.tdx_quote(BINDING), other.collateral(NOW))
    assert "pck.root" in verdict(other.tdx_quote(BINDING))


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"attributes": 1 << 28 | 1}, "td.debug"),
        ({"attributes": 0}, "td.sept-ve"),
        ({"attributes": 1 << 28 | 1 << 3}, "td.attributes"),
        ({"attributes": 1 << 28 | 1 << 31}, "td.attributes"),
        ({"attributes": 1 << 28 | 1 << 40}, "td.attributes"),
        ({"xfam": 0}, "td.xfam"),
        ({"xfam": 0x602E7 | 1 << 20}, "td.xfam"),
        ({"version": 5, "service_td": b"\1" * 48}, "td.service"),
    ],
)
def test_a_guest_in_a_forbidden_state_is_refused(changes, want):
    assert guest(**changes) == {want}


def test_xfam_zero_is_refused_though_the_library_takes_it():
    got = ids(Evidence("tdx", SIM.tdx_quote(BINDING, Guest(xfam=0))), SIM.trust, NOW, INTEL)
    assert got == {"td.xfam"}


@pytest.mark.parametrize(
    ("flags", "want"), [(0x7, {"sgx.debug"}), (0x15, {"sgx.attributes"}), (0x4, {"sgx.attributes"})]
)
def test_an_enclave_in_a_forbidden_state_is_refused(flags, want):
    assert verdict(SIM.sgx_quote(BINDING, flags=flags), SIM.collateral(NOW, sgx=True)) == want


def test_reserved_bytes_of_an_enclave_are_zero():
    quote = SIM.sgx_quote(BINDING, reserved=b"\1" + bytes(11))
    assert verdict(quote, SIM.collateral(NOW, sgx=True)) == {"sgx.reserved"}


def test_each_signature_counts():
    assert verdict(SIM.tdx_quote(BINDING, signed=b"other")) == {"quote.signature"}
    assert verdict(SIM.tdx_quote(BINDING, signer=SIGNER)) == {"qe.signature"}
    assert verdict(SIM.tdx_quote(BINDING, qe_data=bytes(32))) == {"qe.key"}


def test_the_quoting_enclave_must_be_intels():
    assert verdict(SIM.tdx_quote(BINDING, qe_mrsigner=bytes(32))) == {"qe.identity"}
    assert verdict(SIM.tdx_quote(BINDING, isvsvn=3)) == {"qe.level"}


def chain(**changes: object) -> bytes:
    leaf = SIM.certificate(LEAF, PLATFORM, **{"extension": pck_extension(), **changes})
    return SIM.tdx_quote(BINDING, chain=pem(leaf, SIM.platform, SIM.root).encode())


def test_the_pck_chain_is_checked():
    assert verdict(chain()) == set()
    assert verdict(chain(end=NOW - dt.timedelta(1))) == {"pck.validity"}
    assert verdict(chain(ca=True)) == {"pck.constraints"}
    assert verdict(chain(title="Intel SGX PCK")) == {"pck.names"}
    assert "malformed" in verdict(chain(extension=None))


def test_the_platform_must_be_the_one_of_the_tcb_info():
    assert verdict(chain(extension=pck_extension(fmspc=b"\1" * 6))) == {"tcb.platform"}
    assert verdict(chain(extension=pck_extension(pceid=b"\1\0"))) == {"tcb.platform"}
    got = ids(Evidence("tdx", chain(extension=pck_extension(pceid=b"\1\0"))), SIM.trust, NOW, INTEL)
    assert "tcb.platform" in got


def test_a_platform_below_every_level_is_refused():
    assert verdict(chain(extension=pck_extension(svn=2))) == {"tcb.level"}
    assert verdict(chain(extension=pck_extension(pcesvn=10))) == {"tcb.level"}
    assert guest(tcb_svn=b"\2" + bytes(15)) == {"tcb.level"}
    assert guest(version=5, tcb_svn=b"\2" + bytes(15)) == {"tcb.level", "tcb.current"}


def test_the_module_must_be_one_that_intel_names():
    assert guest(tcb_svn=b"\3\1" + bytes(14)) == set()
    assert guest(tcb_svn=b"\3\2" + bytes(14)) == {"module.identity", "module.level"}
    assert guest(tcb_svn=b"\2\1" + bytes(14)) == {"module.level"}
    assert info(tdxModule={"mrsigner": "11" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}) == {
        "module.identity"
    }


@pytest.mark.parametrize(
    "status", ["SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"]
)
def test_a_status_is_a_claim_and_agrees_with_the_library(status):
    got = accepted(collateral=SIM.collateral(NOW, info={"tcbStatus": status, "advisoryIDs": ["INTEL-SA-00001"]}))
    assert (got.tcb_status, got.advisories) == (status, ("INTEL-SA-00001",))


@pytest.mark.parametrize(("platform", "qe", "want"), [
    ("UpToDate", "OutOfDate", "OutOfDate"), ("SWHardeningNeeded", "OutOfDate", "OutOfDate"),
    ("ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"),
])  # fmt: skip
def test_a_worse_quoting_enclave_makes_the_status_worse(platform, qe, want):
    collateral = SIM.collateral(NOW, info={"tcbStatus": platform}, identity={"status": qe})
    assert accepted(collateral=collateral).tcb_status == want


def test_a_revoked_or_unknown_status_is_refused():
    assert info(tcbStatus="Revoked") == {"tcb.revoked"}
    assert verdict(collateral=SIM.collateral(NOW, identity={"status": "Revoked"})) == {"tcb.revoked"}
    for status in ("Bogus", "TDRelaunchAdvised", "uptodate", None):
        assert info(tcbStatus=status) == {"malformed"}


def test_older_evaluation_data_than_seen_is_refused():
    assert verdict(collateral=replace(INTEL, minimum_evaluation=17)) == set()
    assert verdict(collateral=replace(INTEL, minimum_evaluation=18)) == {"tcb.evaluation"}
    assert info(tcbEvaluationDataNumber=0) == {"tcb.evaluation"}


def test_documents_of_another_kind_are_refused():
    assert "tcb.kind" in info(id="SGX")
    assert info(version=2) == {"tcb.kind"}
    assert verdict(collateral=SIM.collateral(NOW, identity={"id": "QE"})) == {"tcb.kind"}


def test_each_document_is_signed_by_intels_signer():
    assert parts(tcb_info_signature="00" * 64) == {"tcb-info.signature"}
    assert parts(qe_identity_signature="00" * 64) == {"qe-identity.signature"}
    chained = pem(SIM.pck, SIM.platform, SIM.root)
    got = parts(tcb_info_issuer_chain=chained)
    assert got == {"tcb-info.signer", "tcb-info.signature"}


def test_each_document_is_current():
    for doc in ("tcb-info", "qe-identity"):
        which = "info" if doc == "tcb-info" else "identity"
        late = SIM.collateral(NOW, **{which: {"nextUpdate": "2026-11-01T00:00:00Z"}})
        early = SIM.collateral(NOW, **{which: {"issueDate": "2026-12-01T00:00:00Z"}})
        assert verdict(collateral=late) == verdict(collateral=early) == {f"{doc}.window"}


def test_a_revoked_certificate_is_refused():
    assert parts(pck_crl=SIM.crl(PLATFORM, NOW, [SIM.pck]).hex()) == {"crl.pck-revoked"}
    assert parts(root_ca_crl=SIM.crl(ROOT, NOW, [SIM.platform]).hex()) == {"crl.ca-revoked"}
    signer = parts(root_ca_crl=SIM.crl(ROOT, NOW, [SIM.signer]).hex())
    assert signer == {"tcb-info.signer-revoked", "qe-identity.signer-revoked"}


def test_each_revocation_list_is_genuine_and_current():
    month = dt.timedelta(days=60)
    assert parts(pck_crl=SIM.crl(PLATFORM, NOW, signer=ROOT).hex()) == {"crl.pck-signature"}
    assert parts(root_ca_crl=SIM.crl(ROOT, NOW, signer=SIGNER).hex()) == {"crl.root-signature"}
    for shift in (month, -month):
        assert parts(pck_crl=SIM.crl(PLATFORM, NOW + shift).hex()) == {"crl.pck-window"}
        assert parts(root_ca_crl=SIM.crl(ROOT, NOW + shift).hex()) == {"crl.root-window"}
    assert parts(pck_crl=SIM.crl(PLATFORM, NOW, partial=True).hex()) == {"crl.pck-scope"}
    assert parts(root_ca_crl=SIM.crl(ROOT, NOW, partial=True).hex()) == {"crl.root-scope"}
    assert parts(pck_crl=SIM.crl(ROOT, NOW).hex()) == {"crl.pck-signature"}
    other = SIM.certificate(PLATFORM, ROOT, ca=True, end=NOW + month)
    assert parts(pck_crl_issuer_chain=pem(other, SIM.root)) == {"crl.pck-issuer"}
    assert parts(pck_crl_issuer_chain=pem(SIM.platform, Intel().root)) == {"crl.pck-root"}


@pytest.mark.parametrize("part", json.loads(INTEL.intel or "{}"))
@pytest.mark.parametrize("value", ["", "x", "{}", "00"])
def test_unreadable_collateral_never_passes(part, value):
    assert parts(**{part: value})


def test_a_missing_or_unknown_part_of_collateral_is_malformed():
    body = json.loads(INTEL.intel or "{}")
    assert verdict(collateral=Collateral(intel=json.dumps({**body, "more": ""}))) == {"malformed"}
    assert verdict(collateral=Collateral(intel=json.dumps({k: v for k, v in body.items() if k != "pck_crl"})))
    assert verdict(collateral=Collateral(intel="[]")) == {"malformed"}


def test_bytes_after_a_quote_are_malformed_unless_zero():
    assert verdict(GOOD + bytes(70)) == set()
    assert accepted(GOOD + bytes(70)).evidence_sha256 == accepted().evidence_sha256
    for raw in (GOOD + b"evil", GOOD + bytes(10) + b"\1", GOOD[:-1], GOOD[:640], b""):
        assert verdict(raw) == {"malformed"}


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, b"\6"), (0, b"\3"), (2, b"\3"), (4, b"\0"), (8, b"\1"), (10, b"\1"), (12, b"\0"), (632, b"\xff\xff\xff\xff")],
)
def test_another_header_or_length_is_malformed(at, value):
    assert verdict(GOOD[:at] + value + GOOD[at + len(value) :]) == {"malformed"}


@pytest.mark.parametrize("how", [
    {"tail": b"\1"}, {"chain": b""}, {"chain": pem(SIM.pck).encode()},
    {"chain": pem(SIM.pck, SIM.platform, SIM.root).encode() + b"x"},
    {"chain": pem(SIM.pck, SIM.platform, SIM.root).encode() + b"\0\0"},
    {"chain": pem(SIM.pck, SIM.platform, SIM.root).replace("\n", "\r\n").encode()},
    {"chain": b"subject\n" + pem(SIM.pck, SIM.platform, SIM.root).encode()},
    {"chain": pem(SIM.pck, SIM.platform, SIM.root, SIM.root).encode()},
])  # fmt: skip
def test_certificates_have_one_form(how):
    assert verdict(SIM.tdx_quote(BINDING, **how)) == {"malformed"}


def test_a_nul_after_the_certificates_is_accepted():
    assert verdict(SIM.tdx_quote(BINDING, chain=pem(SIM.pck, SIM.platform, SIM.root).encode() + b"\0")) == set()


def test_a_waiver_is_visible_and_covers_nothing_else():
    waived = replace(INTEL, waivers=frozenset({"td.sept-ve"}))
    azure = SIM.tdx_quote(BINDING, Guest(attributes=0))
    got = {c.id: c for c in accepted(azure, waived).checks}
    assert got["td.sept-ve"].status is Status.WAIVED
    assert got["dcap-qvl"].status is Status.UNKNOWN
    assert verdict(SIM.tdx_quote(BINDING, Guest(attributes=1)), waived) == {"td.debug"}
    assert {c.status for c in accepted(GOOD, waived).checks} == {Status.PASS}
    with pytest.raises(ValueError, match="cannot be waived"):
        Collateral(waivers=frozenset({"td.debug"}))


def test_the_second_verifier_must_agree(monkeypatch):
    class Other:
        status, advisory_ids = "OutOfDate", ()

    monkeypatch.setattr(module.dcap_qvl, "verify_with_root_ca", lambda *_: Other)
    assert ids(Evidence("tdx", GOOD), SIM.trust, NOW, INTEL) == {"dcap-qvl"}

    def refuse(*_):
        raise ValueError("no")

    monkeypatch.setattr(module.dcap_qvl, "verify_with_root_ca", refuse)
    assert ids(Evidence("tdx", GOOD), SIM.trust, NOW, INTEL) == {"dcap-qvl"}


def test_the_second_verifier_is_not_asked_about_what_failed(monkeypatch):
    monkeypatch.setattr(module.dcap_qvl, "verify_with_root_ca", lambda *_: pytest.fail("asked"))
    assert guest(attributes=1 << 28 | 1) == {"td.debug"}


def test_no_flipped_bit_is_accepted(monkeypatch):
    monkeypatch.setattr(module, "_second_opinion", lambda *_: ALONE)
    for raw in flips(GOOD + bytes(8)):
        assert verdict(raw), "a changed quote was accepted"


# vectors/MANIFEST.md: quote, collateral, pinned time, failing checks, status, advisories
OLD = "tdx/dcap-qvl/tdx_quote_outdated_collateral.json"
ALONE = module.check("dcap-qvl", True, "left out: ours alone must see every flip")
REAL = [
    ("tdx/dcap-qvl/tdx_quote", "tdx/dcap-qvl/tdx_quote_collateral.json", "2025-06-19T11:00", set(), "UpToDate", ()),
    ("tdx/dcap-qvl/tdx_quote_outdated", OLD, "2026-02-19T00:00", {"tcb.level", "tcb.current"}, "", ()),
    ("tdx/go-tdx-guest/quote_v5_sample.dat", OLD, "2026-02-19T00:00", set(), "UpToDate", ()),
    ("openpcc/extracted/azure_tdx_quote.bin", OLD, "2026-02-19T00:00", set(), "UpToDate", ()),
    ("sgx/dcap-qvl/sgx_quote", "sgx/dcap-qvl/sgx_quote_collateral.json", "2025-06-19T11:00", set(),
     "ConfigurationAndSWHardeningNeeded", ("INTEL-SA-00289", "INTEL-SA-00615")),
    ("trustee/tdx_quote_4.dat", None, "2026-02-19T00:00", {"td.debug", "collateral"}, "", ()),
    ("trustee/tdx_quote_5.dat", None, "2026-02-19T00:00", {"td.service", "collateral"}, "", ()),
    ("trustee/tdx_quote_6.dat", None, "2026-02-19T00:00", {"collateral"}, "", ()),
    ("trustee/occlum_quote.dat", None, "2026-02-19T00:00", {"sgx.debug", "collateral"}, "", ()),
    ("trustee/az-tdx-vtpm/td-quote.bin", None, "2026-02-19T00:00", {"td.sept-ve", "collateral"}, "", ()),
    ("openpcc/extracted/gce_tdx_report.bin", None, "2026-02-19T00:00", {"collateral"}, "", ()),
    ("dstack/tdx_quote", None, "2026-02-19T00:00", {"collateral"}, "", ()),
]  # fmt: skip


def real(quote: str, collateral: str | None, when: str) -> tuple[Evidence, dt.datetime, Collateral]:
    text = vector(collateral).decode() if collateral else None
    return Evidence("tdx", vector(quote)), dt.datetime.fromisoformat(f"{when}:00+00:00"), Collateral(intel=text)


@pytest.mark.parametrize(("quote", "collateral", "when", "want", "status", "advisories"), REAL)
def test_a_real_vector_gets_its_verdict(quote, collateral, when, want, status, advisories):
    evidence, now, parts_ = real(quote, collateral, when)
    assert ids(evidence, None, now, parts_) == want
    if not want:
        got = verify(evidence, now, VENDORS, None, parts_)
        assert (got.tcb_status, got.advisories, got.simulated) == (status, advisories, False)
        late = ids(evidence, None, now + dt.timedelta(days=365), parts_)
        assert {"tcb-info.window", "qe-identity.window", "crl.pck-window"} <= late


def test_a_real_quote_with_text_after_it_is_malformed():
    raw = vector("tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat")
    now = dt.datetime(2023, 6, 30, tzinfo=dt.UTC)
    assert ids(Evidence("tdx", raw), None, now) == {"malformed"}
    cut = raw[: raw.index(b"\nextra bytes")]
    assert ids(Evidence("tdx", cut), None, now) == {"collateral", "td.sept-ve"}


@pytest.mark.parametrize("name", ["tdx/dcap-qvl/tdx_quote", "sgx/dcap-qvl/sgx_quote"])
def test_no_flipped_bit_of_a_real_quote_is_accepted(name, monkeypatch):
    monkeypatch.setattr(module, "_second_opinion", lambda *_: ALONE)
    evidence, now, collateral = real(name, f"{name}_collateral.json", "2025-06-19T11:00")
    assert ids(evidence, None, now, collateral) == set()
    for raw in list(flips(evidence.report))[::5]:  # every byte was tried once; this keeps the suite quick
        assert ids(replace(evidence, report=raw), None, now, collateral), "a changed quote was accepted"


def test_the_root_is_intels():
    assert VENDORS.of("intel", None).isdisjoint({SIM.root.public_bytes(Encoding.DER)})
