"""Asking vendors: the one question per piece, and every way in which a vendor or the network may be wrong."""

import pytest
from attested import NOW, vector
from fake_vendors import BAD
from published import DAY, TCB_KEY, TRUST, amd_key, jwks, tcb

from attestation.collateral.admit import admit
from attestation.collateral.pieces import Index, Kind
from attestation.collateral.select import key_names
from attestation.simulator.tokens import MAA, NRAS
from attestation.snp.report import parse_report
from attestation.trust import VENDORS
from proxy import egress
from proxy.collateral.fetch import fetch, in_order, keep
from proxy.collateral.vendors import BASES, patience, question
from proxy.egress import VendorDoor
from proxy.errors import ConfigError, UpstreamError

NAMES = [
    (Kind.AMD_CRL, "Genoa"), amd_key().name, (Kind.INTEL_TCB, TCB_KEY), (Kind.INTEL_QE, "tdx"),
    (Kind.INTEL_PCK_CRL, "platform"), (Kind.INTEL_ROOT_CRL, "root"), (Kind.JWKS, MAA), (Kind.JWKS, NRAS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ((Kind.AMD_CRL, "Turin"), "https://kdsintf.amd.com/vcek/v1/Turin/crl"),
        ((Kind.AMD_KEY, f"vcek/Milan/{'ab' * 64}/0300000000000873"),
         f"https://kdsintf.amd.com/vcek/v1/Milan/{'ab' * 64}?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"),
        ((Kind.AMD_KEY, "vcek/Turin/8213235ae64d30d5/0103020500000061"),
         "https://kdsintf.amd.com/vcek/v1/Turin/8213235ae64d30d5?fmcSPL=01&blSPL=03&teeSPL=02&snpSPL=05&ucodeSPL=97"),
        ((Kind.INTEL_TCB, "tdx/90c06f000000"),
         "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=90c06f000000"),
        ((Kind.INTEL_QE, "sgx"), "https://api.trustedservices.intel.com/sgx/certification/v4/qe/identity"),
        ((Kind.INTEL_PCK_CRL, "processor"),
         "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=processor&encoding=der"),
        ((Kind.INTEL_ROOT_CRL, "root"), "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"),
        ((Kind.JWKS, "https://sharedeus.eus.attest.azure.net"), "https://sharedeus.eus.attest.azure.net/certs"),
        ((Kind.JWKS, "https://portal.eu.trustauthority.intel.com"), "https://portal.eu.trustauthority.intel.com/certs"),
        ((Kind.JWKS, "https://nras.attestation.nvidia.com"),
         "https://nras.attestation.nvidia.com/.well-known/jwks.json"),
        ((Kind.RIM, "NV_GPU_DRIVER_GH100_550.144.03"),
         "https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_550.144.03"),
        ((Kind.OCSP, f"sha384/{'ab' * 48}/1f"), "https://ocsp.ndis.nvidia.com/"),
    ],
)  # fmt: skip
def test_each_piece_has_one_place(name, url):
    asked = question(name)
    assert asked.base + asked.path == url
    assert asked.base in BASES or asked.base.endswith(".attest.azure.net")


@pytest.mark.parametrize(
    "name",
    [
        (Kind.AMD_CRL, "Milan/../x"), (Kind.AMD_CRL, "Naples"), (Kind.AMD_KEY, "vcek/Milan/ab/03"),
        (Kind.AMD_KEY, f"vlek/Milan/CN=x/{'00' * 8}"), (Kind.INTEL_TCB, "tdx/90c06f00000"),
        (Kind.INTEL_TCB, "tdx/90c06f000000&update=early"), (Kind.INTEL_QE, "tdx/x"), (Kind.INTEL_PCK_CRL, "root"),
        (Kind.INTEL_ROOT_CRL, "x"), (Kind.JWKS, "https://attacker.example"), (Kind.JWKS, "http://a.b.attest.azure.net"),
        (Kind.JWKS, "https://sharedeus.eus.attest.azure.net@attacker.example"), (Kind.RIM, "../x"), (Kind.RIM, "a b"),
        (Kind.OCSP, f"sha384/{'ab' * 32}/1f"), (Kind.OCSP, f"sha512/{'ab' * 64}/1f"), (Kind.OCSP, f"sha1/{'ab' * 20}/"),
        (Kind.OCSP, f"sha1/{'ab' * 20}/{'0' * 41}"),
    ],
)  # fmt: skip
def test_no_other_place_can_be_named(name):
    with pytest.raises(ConfigError):
        question(name)


def test_a_real_report_asks_for_its_own_certificate():
    report = parse_report(vector("snp/turin_v5_inf17/report.bin"))
    (name,) = key_names(report)
    assert question(name).path.startswith("/vcek/v1/Turin/8213235ae64d30d5?fmcSPL=")


async def test_everything_comes_and_is_admitted(vendors):
    got = await fetch(VendorDoor(vendors.instead), NAMES, NOW, vendors.chain)
    assert got.failures == []
    assert [p.name for p in got.pieces] == NAMES
    index = admit(Index(), got.pieces, NOW, VENDORS, TRUST)
    assert set(index.entries) == set(NAMES)


@pytest.mark.parametrize("way", [*BAD, "cut", "slow"])
async def test_a_vendor_that_misbehaves_brings_nothing_and_the_others_come(vendors, way, monkeypatch, tmp_path):
    monkeypatch.setattr(egress, "VENDOR_S", 0.5)
    vendors.bad = {"/vcek/v1/Genoa/crl": way, "/tdx/certification/v4/tcb": way, "/certs": way}
    got = await fetch(VendorDoor(vendors.instead), NAMES, NOW, vendors.chain)
    taken, refused = keep(tmp_path, got.pieces, NOW, VENDORS, TRUST)
    failed = {f.name for f in (*got.failures, *refused)}
    assert failed == {(Kind.AMD_CRL, "Genoa"), (Kind.INTEL_TCB, TCB_KEY), (Kind.JWKS, MAA)}
    assert set(taken[-1].snapshot.index.entries) == set(NAMES) - failed - set(got.spared)
    spared = {amd_key().name, (Kind.INTEL_QE, "tdx"), (Kind.INTEL_PCK_CRL, "platform")}  # of the same two vendors
    assert set(got.spared) == (spared if way in ("busy", "busy-silent", "down") else set())
    codes = {f.code for f in (*got.failures, *refused)}
    want = {"redirect": "redirect_refused", "busy": "vendor_busy", "down": "vendor_busy", "absent": "vendor_refused",
            "huge": "answer_too_large", "packed": "encoding_refused", "slow": "upstream_timeout"}  # fmt: skip
    assert codes == {want[way]} if way in want else codes
    if way in ("busy", "down"):
        assert {f.busy_s for f in got.failures} == {7200 if way == "busy" else 120}


async def test_a_vendor_that_is_not_there(vendors):
    door = VendorDoor(dict.fromkeys(vendors.instead, "http://127.0.0.1:9"))
    got = await fetch(door, NAMES[:1], NOW)
    assert [f.code for f in got.failures] == ["upstream_unreachable"]


async def test_another_platforms_levels_are_refused(vendors, tmp_path):
    vendors.changes = {"fmspc": "AB" * 6}
    got = await fetch(VendorDoor(vendors.instead), [(Kind.INTEL_TCB, TCB_KEY)], NOW)
    taken, refused = keep(tmp_path, got.pieces, NOW, VENDORS, TRUST)
    assert not taken
    assert [f.code for f in refused] == ["collateral_refused"]


async def test_an_old_answer_is_refused_as_older(vendors, tmp_path):
    door = VendorDoor(vendors.instead)
    keep(tmp_path, (await fetch(door, NAMES, NOW, vendors.chain)).pieces, NOW, VENDORS, TRUST)
    vendors.now = NOW - 3 * DAY
    later = NOW + DAY
    got = await fetch(door, NAMES[:4], later, vendors.chain)
    _, refused = keep(tmp_path, got.pieces, later, VENDORS, TRUST)
    assert {f.code for f in refused} == {"collateral_older"}
    assert {f.name[0] for f in refused} == {Kind.AMD_CRL, Kind.INTEL_TCB, Kind.INTEL_QE}


async def test_plain_http_goes_to_loopback_only():
    door = VendorDoor({"https://kdsintf.amd.com": "http://203.0.113.7"})
    with pytest.raises(UpstreamError) as e:
        await door.ask((Kind.AMD_CRL, "Genoa"))
    assert e.value.code == "address_refused"


async def test_the_webs_authorities_are_asked_about_https():
    from fake_tls import Identity, TlsPeer

    async with TlsPeer(Identity()) as peer:
        door = VendorDoor({"https://kdsintf.amd.com": f"https://localhost:{peer.port}"})
        with pytest.raises(UpstreamError) as e:
            await door.ask((Kind.AMD_CRL, "Genoa"))
        assert e.value.code == "upstream_untrusted"
        assert not peer.received


async def test_nothing_but_the_name_travels(vendors):
    await VendorDoor(vendors.instead).ask((Kind.AMD_CRL, "Genoa"))
    assert vendors.asked == ["/vcek/v1/Genoa/crl"]


def test_levels_are_asked_for_before_identities():
    assert [n[0] for n in in_order([(Kind.INTEL_QE, "tdx"), (Kind.INTEL_TCB, "tdx/x"), (Kind.INTEL_QE, "tdx")])] == [
        Kind.INTEL_TCB, Kind.INTEL_QE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("", None), ("-1", None), ("9" * 9, 86_400), ("1e3", None), ("9" * 400, None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_patience(header, seconds):
    assert patience(header) == seconds


async def test_what_is_fetched_for_one_store_never_spoils_it(vendors, tmp_path):
    """A piece that is refused leaves the one that was there."""
    keep(tmp_path, [tcb(), jwks()], NOW, VENDORS, TRUST)
    before = (tmp_path / "index.json").read_bytes()
    vendors.bad = {"/": "garbage"}
    got = await fetch(VendorDoor(vendors.instead), NAMES, NOW, vendors.chain)
    keep(tmp_path, got.pieces, NOW, VENDORS, TRUST)
    assert (tmp_path / "index.json").read_bytes() == before
