"""What a piece must show before it is anything: whose it is, who signed it, its name and its dates."""

import datetime as dt
import json

import pytest
from attested import NOW, vector
from published import (
    AMD,
    DAY,
    INTEL,
    NVIDIA,
    TCB_KEY,
    TRUST,
    all_pieces,
    amd_crl,
    amd_key,
    jwks,
    pck_crl,
    qe,
    refused,
    revocation,
    rim,
    root_crl,
    tcb,
)

from attestation.collateral.examine import examine
from attestation.collateral.intel import joined, taken_apart
from attestation.collateral.loose import loose
from attestation.collateral.pieces import KEY_SET_DAYS, Kind, Piece, Trust
from attestation.recognise import der_of
from attestation.simulator.intel import LEAF, PLATFORM, ROOT, Intel
from attestation.simulator.snp import VENDOR, Platform
from attestation.simulator.tokens import MAA, shared_services
from attestation.trust import VENDORS
from attestation.types import Malformed, Rejected
from attestation.x509 import load_certificate


def entry(piece: Piece):
    return examine(piece, VENDORS, TRUST)


@pytest.mark.parametrize("piece", all_pieces(), ids=lambda p: p.kind.value)
def test_a_good_piece_is_described(piece):
    got = entry(piece)
    assert got.name == piece.name
    assert got.size == len(piece.data)
    assert got.trust == {Kind.JWKS: Trust.TLS}.get(piece.kind, Trust.SIMULATED)
    assert got.current(NOW)


def test_dates_and_numbers_are_those_that_were_signed():
    got = entry(tcb())
    assert (got.issued, got.next_update, got.number) == (NOW - DAY, NOW + 30 * DAY, 17)
    got = entry(amd_crl(number=9))
    assert (got.issued, got.next_update, got.number) == (NOW - DAY, NOW + 300 * DAY, 9)
    assert entry(amd_crl(number=None)).number is None
    got = entry(jwks())
    assert (got.issued, got.next_update) == (NOW, NOW + KEY_SET_DAYS)
    got = entry(rim())
    assert (got.issued, got.next_update) == (NOW, load_certificate(NVIDIA.issuers[0]).not_valid_after_utc)
    got = entry(revocation())
    assert (got.issued, got.next_update, got.number) == (NOW, NOW + 300 * DAY, None)


def test_a_piece_ends_with_its_signer():
    short = Intel()
    short.signer = short.certificate("Intel SGX TCB Signing", ROOT, end=NOW + DAY)
    trust = short.trust
    assert examine(tcb(intel=short), VENDORS, trust).next_update == NOW + DAY


def test_a_naive_time_is_a_mistake():
    with pytest.raises(ValueError, match="aware"):
        entry(Piece(Kind.RIM, "a", b"x", dt.datetime(2026, 1, 1)))


@pytest.mark.parametrize("piece", [p for p in all_pieces() if p.kind is not Kind.JWKS],
                         ids=lambda p: p.kind.value)  # fmt: skip
def test_no_pinned_root_vouches_for_a_simulated_piece(piece):
    with pytest.raises(Rejected):
        examine(piece, VENDORS, None)


@pytest.mark.parametrize("piece", all_pieces(), ids=lambda p: p.kind.value)
def test_a_piece_under_another_name_is_refused(piece):
    other = {Kind.AMD_CRL: "Milan", Kind.INTEL_PCK_CRL: "processor", Kind.INTEL_QE: "sgx", Kind.INTEL_ROOT_CRL: "other",
             Kind.INTEL_TCB: "tdx/000000000000", Kind.JWKS: "https://attacker.example"}  # fmt: skip
    assert refused(Piece(piece.kind, other.get(piece.kind, "vcek/Genoa/00/00"), piece.data, NOW))


@pytest.mark.parametrize("piece", all_pieces(), ids=lambda p: p.kind.value)
@pytest.mark.parametrize("cut", [0, 1, 10, -1, -20])
def test_a_truncated_piece_is_refused(piece, cut):
    assert refused(Piece(piece.kind, piece.key, piece.data[:cut], NOW))


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"\x30\x00", b"<html>", b"{" * 5000, b"\xff" * 300])
def test_rubbish_is_refused_with_the_documented_errors(kind, raw):
    with pytest.raises((Malformed, Rejected)):
        entry(Piece(kind, "x", raw, NOW))


def test_lists_of_another_issuer_are_refused():
    false = Platform(organisation=VENDOR)
    other = Intel()
    assert "crl.signature" in refused(Piece(Kind.AMD_CRL, "Genoa", false.crl(), NOW))  # the real root's very name
    nobody = Platform(organisation="Nobody")
    assert "crl.issuer" in refused(Piece(Kind.AMD_CRL, "Genoa", nobody.crl(), NOW))
    assert refused(pck_crl(intel=other))
    assert "intel-root-crl" in refused(root_crl(intel=other))
    # the right names, the wrong key
    assert "signature" in refused(root_crl(signer=PLATFORM))
    assert "signature" in refused(pck_crl(signer=LEAF))
    assert refused(Piece(Kind.INTEL_ROOT_CRL, "root", INTEL.crl(PLATFORM, NOW), NOW))
    assert refused(Piece(Kind.AMD_CRL, "Genoa", INTEL.crl(ROOT, NOW), NOW))


def test_a_list_for_some_certificates_only_is_refused():
    assert "crl.scope" in refused(amd_crl(partial=True))
    assert "scope" in refused(pck_crl(partial=True))


def test_a_ca_of_pck_certificates_must_be_one():
    false = Intel()
    false.platform = false.certificate(PLATFORM, ROOT)  # no CA
    got = refused(pck_crl(intel=false), trust=false.trust)
    assert "intel-pck-crl.ca" in got
    ended = Intel()
    ended.platform = ended.certificate(PLATFORM, ROOT, ca=True, end=NOW - 2 * DAY)
    assert "intel-pck-crl.dates" in refused(pck_crl(intel=ended), trust=ended.trust)
    alien = Intel()
    false.platform = alien.platform  # not issued by this root
    assert "intel-pck-crl.ca" in refused(pck_crl(intel=false), trust=false.trust)


def test_a_document_of_another_root_or_signer_is_refused():
    other = Intel()
    assert "tcb.chain.root" in refused(tcb(intel=other)).replace("intel-", "")
    wrong = Intel()
    wrong.signer = wrong.certificate("Intel SGX TCB Signing", ROOT, title="Intel SGX PCK Certificate")
    assert "signer" in refused(tcb(intel=wrong), trust=wrong.trust)


def test_one_changed_byte_of_a_document_is_refused():
    good = json.loads(tcb().data)
    good["document"] = good["document"].replace("UpToDate", "upToDate")
    data = json.dumps(good, sort_keys=True, separators=(",", ":")).encode()
    assert "signature" in refused(Piece(Kind.INTEL_TCB, TCB_KEY, data, NOW))


def test_a_kept_document_has_one_form():
    spaced = json.dumps(json.loads(tcb().data)).encode()
    assert "form" in refused(Piece(Kind.INTEL_TCB, TCB_KEY, spaced, NOW))


def test_an_identity_is_no_tcb_info():
    assert "kind" in refused(Piece(Kind.INTEL_TCB, TCB_KEY, qe().data, NOW))
    assert "kind" in refused(Piece(Kind.INTEL_QE, "tdx", tcb().data, NOW))
    assert "kind" in refused(qe(version=3))


def test_a_key_of_a_false_chain_is_refused():
    false = Platform(organisation=VENDOR)
    chain = amd_key().data.split(b"-----END CERTIFICATE-----\n")
    assert refused(Piece(Kind.AMD_KEY, amd_key().key, b"-----END CERTIFICATE-----\n".join(chain[:2]) + chain[3], NOW))
    from attestation.collateral.loose import key_piece
    from attestation.x509 import load_certificate

    leaf = load_certificate(AMD.chip.certificate)
    assert "chain.root" in refused(key_piece(leaf, (false.ask, false.root), NOW))
    milan = Platform("Milan")
    got = refused(key_piece(load_certificate(milan.chip.certificate), (AMD.ask, AMD.root), NOW))
    assert "amd-key.names" in got


@pytest.mark.parametrize(
    "issuer",
    [
        "https://attacker.example",
        "http://sharedeus.eus.attest.azure.net",
        MAA + "/",
        MAA + ".attacker.example",
        "https://nras.attestation.nvidia.com.evil.example",
    ],
)
def test_key_sets_come_from_known_services_only(issuer):
    assert refused(jwks(issuer=issuer))


@pytest.mark.parametrize(
    "keys", ["[]", "[{}]", "{}", '[{"kid":"a","kty":"oct"}]', '[{"kid":"a","kty":"RSA","n":"AQ","e":"AQ"}]', "null"]
)
def test_a_key_set_without_a_usable_key_is_refused(keys):
    assert refused(jwks(body=b'{"keys":%s}' % keys.encode()))


def test_a_key_that_cannot_be_used_does_not_spoil_a_set():
    services = shared_services()
    keys = [services.jwk(services.rsa), {"kid": "other", "kty": "OKP", "crv": "Ed25519", "x": "AA"}]
    assert refused(jwks(body=json.dumps({"keys": keys}).encode())) == ""


# -- real pieces ----------------------------------------------------------------------------------------------------

REAL = dt.datetime(2026, 2, 19, tzinfo=dt.UTC)
COLLATERALS = {
    "tdx/dcap-qvl/tdx_quote_collateral.json": ("tdx/b0c06f000000", 17, "2025-06-19"),
    "tdx/dcap-qvl/tdx_quote_outdated_collateral.json": ("tdx/90c06f000000", 18, "2026-02-18"),
    "sgx/dcap-qvl/sgx_quote_collateral.json": ("sgx/00a067110000", 17, "2025-06-19"),
}


@pytest.mark.parametrize("file", COLLATERALS)
def test_real_collateral_of_intel_is_taken_apart_examined_and_put_together(file):
    key, number, day = COLLATERALS[file]
    raw = vector(file)
    pieces = loose(raw, REAL)
    found = {p.kind: examine(p, VENDORS) for p in pieces}
    assert {e.trust for e in found.values()} == {Trust.SIGNED}
    info = found[Kind.INTEL_TCB]
    assert (info.key, info.number, f"{info.issued:%F}") == (key, number, day)
    tcb_, qe_, pck, root = (p.data for p in pieces)
    again, before = json.loads(joined(tcb_, qe_, pck, root)), json.loads(raw)
    assert {k: v.strip() for k, v in again.items()} == {k: v.strip() for k, v in before.items()}
    assert taken_apart(json.dumps(again)) == (tcb_, qe_, pck, root)


@pytest.mark.parametrize(("product", "number", "end"), [("genoa", 4, "2025-11-03"), ("milan", 6, "2026-05-12")])
def test_real_lists_of_amd_are_examined(product, number, end):
    raw = vector(f"openpcc/extracted/test_amd_{product}_crl.pem")
    (piece,) = loose(raw, REAL)
    got = examine(piece, VENDORS)
    assert (got.key, got.number, got.trust) == (product.capitalize(), number, Trust.SIGNED)
    assert f"{got.next_update:%F}" == end
    assert piece.data == der_of(raw)


@pytest.mark.parametrize(
    ("file", "beginning"),
    [
        ("snp/milan_virtee/vcek_milan.der", "vcek/Milan/d49554ec"),
        ("snp/turin_v5_inf17/vcek.der", "vcek/Turin/8213235ae64d30d5/010302050000"),
        ("openpcc/extracted/test_vcek.pem", "vcek/Genoa/"),
        ("snp/trustee_milan/test-vlek.der", "vlek/Milan/CN=cc-us-east-2.amazonaws.com/"),
    ],
)
def test_real_keys_of_amd_are_examined(file, beginning):
    (piece,) = loose(vector(file), REAL)
    assert piece.key.startswith(beginning)
    assert examine(piece, VENDORS).trust is Trust.SIGNED


def test_a_real_key_set_is_examined():
    piece = Piece(Kind.JWKS, "https://sharedeus.eus.attest.azure.net", vector("jwt/maa_sgx_2023/certs.json"), REAL)
    assert examine(piece, VENDORS).trust is Trust.TLS


def test_intels_lists_all_have_number_1_so_that_only_dates_tell_them_apart():
    """Measured on real lists eight months apart; a floor by number alone would let an old one in."""
    old, new = (loose(vector(f), REAL)[2] for f in list(COLLATERALS)[:2])
    before, after = examine(old, VENDORS), examine(new, VENDORS)
    assert before.name == after.name
    assert (before.number, after.number) == (1, 1)
    assert before.issued < after.issued


def test_a_list_counts_no_longer_than_who_signed_it():
    """One that outlives its issuer would be believed after that."""
    end = load_certificate(AMD.root).not_valid_after_utc
    assert entry(amd_crl(days=(end - NOW).days + 30)).next_update == end
    assert entry(amd_crl(days=30)).next_update == NOW + 30 * DAY < end
