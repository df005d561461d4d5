"""The right pieces for each kind of evidence; missing or ended ones refuse."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import BINDING, NOW, vector
from published import (
    AMD,
    DAY,
    INTEL,
    TCB_KEY,
    TRUST,
    all_pieces,
    amd_crl,
    amd_key,
    jwks,
    pck_crl,
    qe,
    root_crl,
    snapshot,
    tcb,
)

from attestation.collateral.admit import admit
from attestation.collateral.loose import loose
from attestation.collateral.pieces import Index, Kind
from attestation.collateral.select import find, key_names, needs, select, with_chain
from attestation.collateral.store import Snapshot
from attestation.simulator.snp import ASK_SERIAL
from attestation.simulator.tokens import MAA, NRAS, shared_services
from attestation.snp.report import parse_report
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL, Evidence, Malformed, Rejected
from attestation.verify import verify

QUOTE = Evidence("tdx", INTEL.tdx_quote(BINDING))
REPORT = AMD.evidence(BINDING)
STORE = snapshot(*all_pieces())


def reasons(store: Snapshot, evidence: Evidence, now: dt.datetime = NOW) -> str:
    try:
        select(store, evidence, now)
    except Rejected as e:
        return "\n".join(e.failures)
    return ""


def test_each_kind_of_evidence_names_what_it_needs():
    sim = shared_services()
    intel = {(Kind.INTEL_TCB, TCB_KEY), (Kind.INTEL_QE, "tdx"), (Kind.INTEL_PCK_CRL, "platform"),
             (Kind.INTEL_ROOT_CRL, "root")}  # fmt: skip
    assert set(needs(QUOTE)) == intel
    assert set(needs(replace(QUOTE, kind="azure-tdx"))) == intel
    assert {k for _, k in needs(Evidence("sgx", INTEL.sgx_quote(BINDING)))} == {TCB_KEY.replace("tdx", "sgx"), "sgx",
                                                                               "platform", "root"}  # fmt: skip
    assert needs(REPORT) == ((Kind.AMD_CRL, "Genoa"),)
    assert needs(replace(REPORT, kind="snp", certificates=())) == ((Kind.AMD_CRL, "Genoa"),)
    assert needs(sim.evidence("maa", sim.maa_sgx(NOW))) == ((Kind.JWKS, MAA),)
    nras = Evidence("nras", sim.nras(NOW, {"GPU-0": sim.device(NOW, "ab" * 32)}))
    assert needs(nras) == ((Kind.JWKS, NRAS),)
    own = sim.evidence("google", sim.google(NOW), header={"x5c": sim.x5c})
    assert needs(own) == ()
    assert needs(Evidence("nitro", b"x")) == ()


@pytest.mark.parametrize("kind", ["tdx", "sgx", "azure-tdx", "ratls", "snp", "sealgate-snp", "maa", "ita", "nras"])
@pytest.mark.parametrize("raw", [b"", b"x" * 200, b"a.b.c", b"{}"])
def test_unreadable_evidence_needs_nothing_that_could_be_known(kind, raw):
    with pytest.raises(Malformed):
        needs(Evidence(kind, raw))


def test_what_is_selected_verifies():
    for evidence in (QUOTE, Evidence("tdx", INTEL.tdx_quote(BINDING)), REPORT):
        claims = verify(evidence, NOW, VENDORS, TRUST, select(STORE, evidence, NOW))
        assert claims.simulated
        assert not any(c.status == "unknown" for c in claims.checks)


def test_the_same_pieces_give_the_same_text_so_that_it_is_read_once():
    assert select(STORE, QUOTE, NOW).intel is select(STORE, QUOTE, NOW).intel


def test_a_missing_piece_is_named():
    got = reasons(snapshot(tcb(), root_crl()), QUOTE)
    assert "collateral.intel-qe: tdx: the store has none" in got
    assert "collateral.intel-pck-crl: platform" in got
    assert "intel-tcb" not in got
    assert "collateral.amd-crl: Genoa" in reasons(Snapshot(), REPORT)
    sim = shared_services()
    assert MAA in reasons(Snapshot(), sim.evidence("maa", sim.maa_sgx(NOW)))


def test_without_a_list_revocation_is_not_merely_unknown():
    """Verification alone would call it unknown and go on."""
    claims = verify(REPORT, NOW, VENDORS, TRUST, NO_COLLATERAL)
    assert any(c.id == "crl" and c.status == "unknown" for c in claims.checks)
    with pytest.raises(Rejected):
        select(Snapshot(), REPORT, NOW)


@pytest.mark.parametrize("kind", [Kind.INTEL_TCB, Kind.INTEL_QE, Kind.INTEL_PCK_CRL, Kind.INTEL_ROOT_CRL])
def test_a_second_after_its_end_a_piece_of_intels_refuses(kind):
    end = next(e.next_update for e in STORE.index.entries.values() if e.kind is kind)
    assert end is not None
    assert f"collateral.{kind}" not in reasons(STORE, QUOTE, end)
    assert f"collateral.{kind}" in reasons(STORE, QUOTE, end + dt.timedelta(seconds=1))


def test_a_clock_that_was_set_back_does_not_make_a_piece_count():
    early = NOW - 2 * DAY
    assert "collateral.intel-tcb" in reasons(STORE, QUOTE, early)
    assert not STORE.index.entries[tcb().name].current(early)


def test_ended_pieces_also_fail_in_verification_itself():
    later = NOW + 40 * DAY
    collateral, checks = find(STORE, QUOTE, later)
    assert all(c.status == "fail" for c in checks)
    with pytest.raises(Rejected, match=r"tcb-info\.window"):
        verify(QUOTE, later, VENDORS, TRUST, collateral)


def test_a_key_set_counts_for_a_week():
    sim = shared_services()
    token = sim.evidence("maa", sim.maa_sgx(NOW))
    store = snapshot(jwks())
    assert select(store, token, NOW).jwks[MAA] == store.data((Kind.JWKS, MAA))
    late = NOW + 7 * DAY + dt.timedelta(seconds=1)
    assert "collateral.jwks" in reasons(store, token, late)
    assert find(store, token, late)[0].jwks == {}  # nothing in a key set says that it has ended


def test_a_key_set_is_found_under_the_exact_issuer_only():
    sim = shared_services()
    other = sim.evidence("maa", sim.maa_sgx(NOW, iss="https://other.weu.attest.azure.net"))
    assert "collateral.jwks" in reasons(snapshot(jwks()), other)


def test_text_of_a_token_is_not_repeated_unless_it_is_plain():
    sim = shared_services()
    token = sim.evidence("maa", sim.maa_sgx(NOW, iss="x\nFAIL everything"))
    assert "FAIL" not in reasons(snapshot(jwks()), token)


def test_the_floor_goes_along():
    assert select(STORE, QUOTE, NOW).minimum_evaluation == 17
    rolling = snapshot(tcb(), qe(tcbEvaluationDataNumber=18), pck_crl(), root_crl())
    collateral = select(rolling, QUOTE, NOW)
    assert collateral.minimum_evaluation == 17
    verify(QUOTE, NOW, VENDORS, TRUST, collateral)


def test_a_revoked_issuer_in_the_list_refuses():
    store = snapshot(amd_crl(revoked=(ASK_SERIAL,)))
    with pytest.raises(Rejected, match=r"crl\.intermediate"):
        verify(REPORT, NOW, VENDORS, TRUST, select(store, REPORT, NOW))


def test_a_report_without_its_certificate_gets_it_from_the_store():
    bare = replace(REPORT, kind="snp", certificates=())
    whole = with_chain(STORE, bare)
    assert whole.certificates == (AMD.chip.certificate, AMD.ask, AMD.root)
    verify(whole, NOW, VENDORS, TRUST, select(STORE, whole, NOW))
    assert with_chain(Snapshot(), bare) == bare
    assert with_chain(STORE, REPORT) == REPORT
    assert with_chain(STORE, QUOTE) == QUOTE


def test_a_certificate_of_another_firmware_level_is_not_taken():
    other = AMD.make_chip(tcb={"bootloader": 9, "tee": 1, "snp": 23, "microcode": 184}, chip_id=AMD.chip.chip_id)
    report = AMD.evidence(BINDING, chip=AMD.chip).report
    assert key_names(parse_report(report)) == (amd_key().name,)
    from attestation.collateral.loose import key_piece
    from attestation.x509 import load_certificate

    store = snapshot(key_piece(load_certificate(other.certificate), (AMD.ask, AMD.root), NOW))
    assert with_chain(store, Evidence("snp", report)).certificates == ()


# -- real evidence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "file", "kind", "at", "status"),
    [
        ("tdx/dcap-qvl/tdx_quote", "tdx/dcap-qvl/tdx_quote_collateral.json", "tdx", "2025-06-19T11:00", "UpToDate"),
        ("sgx/dcap-qvl/sgx_quote", "sgx/dcap-qvl/sgx_quote_collateral.json", "sgx", "2025-06-19T11:00",
         "ConfigurationAndSWHardeningNeeded"),
        ("tdx/go-tdx-guest/quote_v5_sample.dat", "tdx/dcap-qvl/tdx_quote_outdated_collateral.json", "tdx",
         "2026-02-19T00:00", "UpToDate"),
    ],
)  # fmt: skip
def test_real_quotes_find_their_collateral(quote, file, kind, at, status):
    now = dt.datetime.fromisoformat(f"{at}:00+00:00")
    pieces = loose(vector(file), now)
    index = admit(Index(), pieces, now, VENDORS)
    store = Snapshot(index, {index.entries[p.name].sha256: p.data for p in pieces})
    evidence = Evidence(kind, vector(quote))
    claims = verify(evidence, now, VENDORS, None, select(store, evidence, now))
    assert claims.tcb_status == status


def test_a_real_report_finds_its_list_and_its_certificate():
    now = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    report = vector("openpcc/extracted/azure_sevsnp_report.bin")[0x20:0x4C0]
    pieces = [*loose(vector("openpcc/extracted/test_vcek.pem"), now),
              *loose(vector("openpcc/extracted/test_amd_genoa_crl.pem"), now)]  # fmt: skip
    index = admit(Index(), pieces, now, VENDORS)
    store = Snapshot(index, {index.entries[p.name].sha256: p.data for p in pieces})
    evidence = with_chain(store, Evidence("snp", report))
    claims = verify(evidence, now, VENDORS, None, select(store, evidence, now))
    assert not any(c.status == "unknown" for c in claims.checks)
    late = dt.datetime(2025, 11, 4, tzinfo=dt.UTC)
    assert "collateral.amd-crl" in reasons(store, evidence, late)


def test_a_real_vlek_is_found_for_its_report():
    now = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    pieces = loose(vector("snp/trustee_milan/test-vlek.der"), now)
    index = admit(Index(), pieces, now, VENDORS)
    store = Snapshot(index, {index.entries[p.name].sha256: p.data for p in pieces})
    report = vector("snp/trustee_milan/test-vlek-report.bin")
    evidence = with_chain(store, Evidence("snp", report))
    assert len(evidence.certificates) == 3
    verify(evidence, now, VENDORS)
    assert key_names(parse_report(report)) == ()
