"""Every row of the vectors' MANIFEST gets its verdict at its pinned time: one entry here per row, none without.

An entry says which checks fail (none: genuine). Where the verdict differs from the manifest's word, or only a part of a
row can be judged, the entry's ``note`` says why.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from attested import VECTORS, der, ids, real_evidence, vector
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.collateral.examine import examine
from attestation.collateral.intel import document_piece, list_piece
from attestation.collateral.loose import loose
from attestation.collateral.pieces import Kind, Piece
from attestation.nvidia.signedxml import read as read_signed_xml
from attestation.paths import RSA, check_path, load_path
from attestation.snp.report import parse_report
from attestation.tdx.quote import parse_quote
from attestation.tpm.hcl import SNP, TDX, split
from attestation.trust import AMD_CERTIFICATES, VENDORS, SimulatedTrust, amd_chain, certificate
from attestation.types import Collateral, Evidence, Malformed
from attestation.verify import verify
from attestation.x509 import load_certificate

INTEL_2025, INTEL_2026 = "tdx/dcap-qvl/tdx_quote_collateral.json", "tdx/dcap-qvl/tdx_quote_outdated_collateral.json"
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
NOTHING: set[str] = set()


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def certificates(path: str) -> list[bytes]:
    return [der(pem) for pem in PEM.findall(vector(path))]


def fails(evidence: Evidence, when: str, collateral: Collateral | None = None) -> set[str]:
    return ids(evidence, None, at(when), collateral)


def snp(report: str, leaf: str, product: str, when: str, *, vlek: bool = False, start: int = 0) -> set[str]:
    raw = vector(report)[start : start + 1184]
    return fails(real_evidence(raw, vector(leaf), product, vlek=vlek), when)


def quote(path: str, when: str, collateral: str | None = None, kind: str = "tdx") -> set[str]:
    intel = vector(collateral).decode() if collateral else None
    return fails(Evidence(kind, vector(path)), when, Collateral(intel=intel))


def status(path: str, when: str, collateral: str, kind: str = "tdx") -> str:
    intel = Collateral(intel=vector(collateral).decode())
    return verify(Evidence(kind, vector(path)), at(when), VENDORS, None, intel).tcb_status


# -- snp ------------------------------------------------------------------------------------------------------------


def amd_roots() -> None:
    for product in ("milan", "genoa", "turin"):
        for file, kind in ((f"ask_ark_{product}", "ask"), (f"ask_ark_{product}_vlek", "asvk")):
            name = {"ask_ark_turin": "ask_ark_turin_vcek", "ask_ark_turin_vlek": "ask_ark_turin_vlek"}.get(file, file)
            issuer, root = certificates(f"snp/roots/{name}.pem")
            assert hashlib.sha256(issuer).hexdigest() == AMD_CERTIFICATES[f"amd_{product}_{kind}"]
            assert hashlib.sha256(root).hexdigest() == AMD_CERTIFICATES[f"amd_{product}_ark"]


def google() -> None:
    folder = "snp/milan_v2_google"
    assert snp(f"{folder}/report.bin", f"{folder}/vcek.der", "Milan", "2024-01-01") == {"policy.debug"}


def virtee() -> None:
    folder = "snp/milan_virtee"
    assert snp(f"{folder}/report.bin", f"{folder}/vcek_milan.der", "Milan", "2024-01-01") == NOTHING
    turin = load_certificate(vector(f"{folder}/vcek_turin.der"))
    (piece,) = loose(turin.public_bytes(Encoding.DER), at("2026-01-01"))
    assert examine(piece, VENDORS).key.startswith("vcek/Turin/")


def provisional() -> None:
    report, leaf = "snp/trustee_milan/test-report.bin", "snp/trustee_milan/test-vcek.der"
    claims = verify(real_evidence(vector(report), vector(leaf), "Milan"), at("2024-01-01"), VENDORS)
    assert claims.tcb_status == "provisional"  # what expectations refuse unless they list it


def wrong_keys() -> None:
    for name in ("legacy", "new"):
        leaf = f"snp/trustee_milan/test-vcek-invalid-{name}.der"
        assert "report.signature" in snp("snp/trustee_milan/test-report.bin", leaf, "Milan", "2024-01-01")


def vlek() -> None:
    files = ("snp/trustee_milan/test-vlek-report.bin", "snp/trustee_milan/test-vlek.der", "Milan")
    assert snp(*files, "2025-06-01", vlek=True) == NOTHING
    assert snp(*files, "2025-12-11", vlek=True) == {"chain.leaf-validity"}
    evidence = real_evidence(vector(files[0]), vector(files[1]), "Milan", vlek=True)
    claims = verify(evidence, at("2025-06-01"), VENDORS)
    assert (claims.vmpl, any(claims.chip_id)) == (1, False)


def turin() -> None:
    folder = "snp/turin_v5_inf17"
    assert snp(f"{folder}/report.bin", f"{folder}/vcek.der", "Turin", "2026-09-18T18:22:34") == NOTHING


def omne() -> None:
    folder = "snp/milan_v2_omne_gcp"
    got = snp(f"{folder}/report.bin", f"{folder}/vcek.der", "Milan", "2026-01-01")
    assert got == {"chain.leaf-validity", "policy.debug"}
    assert snp(f"{folder}/report.bin", f"{folder}/vcek.der", "Milan", "2026-09-01") == {"policy.debug"}


# -- openpcc --------------------------------------------------------------------------------------------------------

GENOA = "openpcc/extracted/azure_sevsnp_report.bin"


def azure_snp() -> None:
    blob = split(vector(GENOA))
    assert blob.kind == SNP
    chain = (der(vector("openpcc/extracted/test_vcek.pem")), *amd_chain("Genoa"))
    found = Evidence("azure-snp", blob.report, chain, {"runtime": blob.runtime})
    assert fails(found, "2025-08-01") == NOTHING
    assert len(blob.runtime) == 1200


def genoa_list() -> None:
    (piece,) = loose(vector("openpcc/extracted/test_amd_genoa_crl.pem"), at("2025-06-01"))
    found = examine(piece, VENDORS)
    assert (f"{found.issued:%F}", f"{found.next_update:%F}") == ("2024-10-23", "2025-11-03")
    crl = x509.load_der_x509_crl(piece.data)
    assert {r.serial_number for r in crl} == {0x20001}
    assert load_certificate(certificate("amd_genoa_ask")).serial_number == 0x20002
    evidence = real_evidence(vector(GENOA)[0x20:0x4C0], vector("openpcc/extracted/test_vcek.pem"), "Genoa")
    assert fails(evidence, "2025-06-12", Collateral(amd_crl=piece.data)) == NOTHING
    assert fails(evidence, "2025-11-04", Collateral(amd_crl=piece.data)) == {"crl.window"}


def milan_list() -> None:
    (piece,) = loose(vector("openpcc/extracted/test_amd_milan_crl.pem"), at("2025-08-01"))
    found = examine(piece, VENDORS)
    assert found.current(at("2025-08-01"))
    assert not found.current(at("2026-05-13"))
    assert len(list(x509.load_der_x509_crl(piece.data))) == 0


def gce_snp() -> None:
    report = parse_report(vector("openpcc/extracted/gce_sevsnp_report.bin"))
    assert (report.version, report.policy, bytes(report.cpuid or ())) == (4, 0x30000, bytes.fromhex("190101"))


def azure_tdx() -> None:
    blob = split(vector("openpcc/extracted/azure_tdx_report_hcl.bin"))
    assert blob.kind == TDX
    raw = vector("openpcc/extracted/azure_tdx_quote.bin")
    found = Evidence("azure-tdx", raw, (), {"runtime": blob.runtime})
    assert fails(found, "2026-02-19", Collateral(intel=vector(INTEL_2026).decode())) == NOTHING
    assert status("openpcc/extracted/azure_tdx_quote.bin", "2026-02-19", INTEL_2026) == "UpToDate"


def gce_tdx() -> None:
    assert quote("openpcc/extracted/gce_tdx_report.bin", "2026-02-19") == {"collateral"}


def tpm_chains() -> None:
    pinned = VENDORS.of("google", None)
    root = der(vector("openpcc/verify/gce_ek_ak_root.pem"))
    for file in ("openpcc/gce_ak_certificates.txt", "openpcc/verify/gce_ak_certificates.txt"):
        path = load_path((*certificates(file), root))
        assert not [c.id for c in check_path("ak", path, pinned, at("2026-01-01"), RSA) if c.status == "fail"]
    azure = VENDORS.of("azure", None)
    for number, when in (("01", "2025-06-01"), ("03", "2026-06-01")):
        own = load_certificate(certificates(f"openpcc/verify/azure_tpm_intermediate_{number}.pem")[0])
        top = load_certificate(certificates("openpcc/verify/azure_tpm_root_2023.pem")[0])
        assert top.public_bytes(Encoding.DER) in azure
        own.verify_directly_issued_by(top)
        assert own.not_valid_before_utc <= at(when) <= own.not_valid_after_utc
    assert certificates("openpcc/verify/tdx_root.pem")[0] in VENDORS.of("intel", None)
    leaf, issuers = (
        certificates("openpcc/verify/nvidia_certificates.txt")[0],
        certificates("openpcc/verify/nras_root.pem"),
    )
    assert sum(load_certificate(leaf).issuer == load_certificate(i).subject for i in issuers) >= 1
    leaf_, issuer = load_certificate(leaf), load_certificate(issuers[-1])
    leaf_.verify_directly_issued_by(issuer)
    assert issuer.not_valid_after_utc > at("2026-01-01")


def event_log() -> None:
    assert vector("openpcc/tcg_eventlog.txt")


# -- tdx, sgx -------------------------------------------------------------------------------------------------------


def sgx() -> None:
    files = ("sgx/dcap-qvl/sgx_quote", "2025-06-19T11:00", "sgx/dcap-qvl/sgx_quote_collateral.json", "sgx")
    assert quote(*files) == NOTHING
    intel = Collateral(intel=vector(files[2]).decode())
    claims = verify(Evidence("sgx", vector(files[0])), at(files[1]), VENDORS, None, intel)
    assert (claims.tcb_status, claims.advisories) == (
        "ConfigurationAndSWHardeningNeeded", ("INTEL-SA-00289", "INTEL-SA-00615"))  # fmt: skip
    assert "tcb-info.window" in quote(files[0], "2025-07-20", files[2], "sgx")


def tdx_v4() -> None:
    assert quote("tdx/dcap-qvl/tdx_quote", "2025-06-19T11:00", INTEL_2025) == NOTHING
    assert status("tdx/dcap-qvl/tdx_quote", "2025-06-19T11:00", INTEL_2025) == "UpToDate"


def tdx_v5_old() -> None:
    assert quote("tdx/dcap-qvl/tdx_quote_outdated", "2026-02-19", INTEL_2026) == {"tcb.level", "tcb.current"}


def tdx_hex() -> None:
    for name in ("quote-from-tappd", "tdx-quote"):
        assert (
            parse_quote(bytes.fromhex(vector(f"tdx/dcap-qvl/{name}.hex").decode().strip().removeprefix("0x"))).version
            == 4
        )


def tdx_v5() -> None:
    assert quote("tdx/go-tdx-guest/quote_v5_sample.dat", "2026-02-19", INTEL_2026) == NOTHING
    assert status("tdx/go-tdx-guest/quote_v5_sample.dat", "2026-02-19", INTEL_2026) == "UpToDate"


def sapphire_rapids() -> None:
    folder = "tdx/go-tdx-guest"
    chains = json.loads(vector(INTEL_2025))
    info, identity = (
        json.loads(document_piece(vector(f"{folder}/sample_{name}_response"), chains["tcb_info_issuer_chain"]))
        for name in ("tcbInfo", "qeIdentity")
    )
    body = {
        "pck_crl_issuer_chain": chains["pck_crl_issuer_chain"], "pck_crl": vector(f"{folder}/pckcrl").hex(),
        "root_ca_crl": vector(f"{folder}/rootcrl.der").hex(), "tcb_info_issuer_chain": info["chain"],
        "tcb_info": info["document"], "tcb_info_signature": info["signature"],
        "qe_identity_issuer_chain": identity["chain"], "qe_identity": identity["document"],
        "qe_identity_signature": identity["signature"],
    }  # fmt: skip
    raw = vector(f"{folder}/tdx_prod_quote_SPR_E4.dat")
    found = Evidence("tdx", raw[: raw.index(b"\nextra bytes")])
    got = fails(found, "2023-06-30", Collateral(intel=json.dumps(body)))
    assert got == {"tcb.level", "td.sept-ve", "tcb-info.chain.validity", "qe-identity.chain.validity"}


def debug_td() -> None:
    assert quote("trustee/tdx_quote_4.dat", "2026-02-19") == {"td.debug", "collateral"}


def without_collateral() -> None:
    assert quote("trustee/tdx_quote_5.dat", "2026-02-19") == {"td.service", "collateral"}
    assert quote("trustee/tdx_quote_6.dat", "2026-02-19") == {"collateral"}
    chain, when = json.loads(vector(INTEL_2025))["tcb_info_issuer_chain"], at("2025-10-30")
    for file, kind, key in (("tcbInfo", Kind.INTEL_TCB, "tdx/00a06d080000"), ("enclaveIdentity", Kind.INTEL_QE, "tdx")):
        piece = Piece(kind, key, document_piece(vector(f"trustee/{file}.json").strip(), chain), when)
        assert examine(piece, VENDORS).current(when)


def occlum() -> None:
    assert quote("trustee/occlum_quote.dat", "2026-02-19", kind="sgx") == {"sgx.debug", "collateral"}


def azure_first_tdx() -> None:
    assert quote("trustee/az-tdx-vtpm/td-quote.bin", "2026-02-19") == {"td.sept-ve", "collateral"}
    assert split(vector("trustee/az-tdx-vtpm/hcl-report.bin")).kind == TDX


def azure_snp_vtpm() -> None:
    blob = split(vector("trustee/az-snp-vtpm/hcl-report.bin"))
    chain = (der(vector("trustee/az-snp-vtpm/vcek.pem")), *amd_chain("Milan"))
    found = Evidence("azure-snp", blob.report, chain, {"runtime": blob.runtime})
    assert fails(found, "2024-01-01") == NOTHING


def intel_qvl() -> None:
    for folder, tee, levels in (("intel_qvl", "sgx", False), ("intel_qvl/tdx", "tdx", True)):
        trust = SimulatedTrust(der(vector(f"{folder}/trustedRootCaCert.pem")))
        order = -1 if levels else 1  # the TDX set has its roots first
        now = at("2025-01-01")

        def chain(name: str, folder: str = folder, order: int = order) -> str:
            return b"".join(p.rstrip() + b"\n" for p in PEM.findall(vector(f"{folder}/{name}"))[::order]).decode()

        pck = list_piece(vector(f"{folder}/intermediateCaCrl.der"), chain("pckSignChain.pem"))
        identity = document_piece(vector(f"{folder}/qeIdentity.json"), chain("tcbSignChain.pem"))
        info = document_piece(vector(f"{folder}/tcbInfo.json"), chain("tcbSignChain.pem"))
        fmspc = json.loads(vector(f"{folder}/tcbInfo.json"))["tcbInfo"]["fmspc"].lower()
        for kind, key, data in (
            (Kind.INTEL_PCK_CRL, "processor", pck), (Kind.INTEL_QE, tee, identity),
            (Kind.INTEL_ROOT_CRL, "root", vector(f"{folder}/rootCaCrl.der")),
        ):  # fmt: skip
            assert examine(Piece(kind, key, data, now), VENDORS, trust).current(now)
            with pytest.raises(Exception, match=r"pinned root|signature"):
                examine(Piece(kind, key, data, now), VENDORS)
        own = Piece(Kind.INTEL_TCB, f"{tee}/{fmspc}", info, now)
        if levels:
            assert examine(own, VENDORS, trust).current(now)
        else:
            with pytest.raises(Exception, match="known version"):
                examine(own, VENDORS, trust)
        with pytest.raises(Malformed):
            parse_quote(vector(f"{folder}/quote.dat"))


# -- nitro ----------------------------------------------------------------------------------------------------------


def nitro(raw: bytes, when: str, want: set[str]) -> None:
    assert fails(Evidence("nitro", raw), when) == want


def nitro_root() -> None:
    root = der(vector("nitro/aws_nitro_root_g1.pem"))
    assert hashlib.sha256(root).hexdigest() == "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
    assert root in VENDORS.of("aws", None)


def nitro_debug() -> None:
    nitro(base64.b64decode(vector("nitro/valid-attestation-doc-base64")), "2023-09-18T15:03:30", {"debug"})


def nitro_beta() -> None:
    nitro(vector("nitro/beta/valid-attestation-doc-bytes"), "2022-10-13T08:58:02", NOTHING)


def nitro_beta_debug() -> None:
    nitro(vector("nitro/beta/debug-mode-attestation-doc-bytes"), "2022-10-12T13:50:06", {"debug"})


def nitro_in_certificates() -> None:
    """The document is one long name of the certificate, in hex, before the host's."""
    for name, want in (("debug-mode-cert-containing-attestation-doc-18-1-23.pem", {"debug"}),
                       ("non-debug-cert-containing-attestation-document-18-1-23.pem", NOTHING)):  # fmt: skip
        own = x509.load_der_x509_certificate(der(vector(f"nitro/beta/{name}")))  # larger than any that we read
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        long = max((str(n.value) for n in names), key=len)
        raw = bytes.fromhex(long.partition(".")[0])
        stamp = re.search(rb"timestamp\x1b(.{8})", raw, re.DOTALL)
        assert stamp is not None
        when = dt.datetime.fromtimestamp(int.from_bytes(stamp[1], "big") / 1000, dt.UTC)
        assert ids(Evidence("nitro", raw), None, when) == want
        assert fails(Evidence("ratls", own.public_bytes(Encoding.DER)), "2023-01-18") == {"malformed"}


def nitro_dstack() -> None:
    nitro(vector("dstack/nitro_attestation.cose"), "2025-12-25T16:04:19", NOTHING)


def nitro_dstack_debug() -> None:
    nitro(vector("dstack/nitro_attestation_dbg.cose"), "2025-12-25T08:20:46", {"debug"})


# -- nvidia ---------------------------------------------------------------------------------------------------------


def devices(path: str, want: set[str] = NOTHING) -> None:
    assert fails(Evidence("nvidia", vector(f"nvidia/{path}")), "2026-01-01") == want, path


def gpu_evidence() -> None:
    folder = "serialized_test_evidence"
    for name in ("hopper_evidence", "multi_gpu_hopper", "hopper_evidence_cert_hold", "switch_evidence_ls10"):
        devices(f"{folder}/{name}.json")


def gpus_with_switches() -> None:
    devices("ppcie/gpu_evidence.json")
    devices("ppcie/switch_evidence.json")
    nonces = {
        d["nonce"] for name in ("gpu", "switch") for d in json.loads(vector(f"nvidia/ppcie/{name}_evidence.json"))
    }
    assert len(nonces) == 1
    assert next(iter(nonces)).startswith("4760e305")


def gpu_samples() -> None:
    for report, chain, arch, want in (
        ("gpu/hopperAttestationReport", "gpu/hopperCertChain", "HOPPER", NOTHING),
        ("gpu/blackwellAttestationReport", "gpu/blackwellCertChain", "BLACKWELL", NOTHING),
        ("switch/switchAttestationReport", "switch/switchCertChain", "LS10", NOTHING),
        ("switch/switchAttestationReportInvalidSignature", "switch/switchCertChain", "LS10", {"device-0.signature"}),
        ("gpu/hopperAttestationReportInvalidSignature", "gpu/hopperCertChain", "HOPPER",
         {"device-0.signature", "device-0.identity"}),
    ):  # fmt: skip
        text = vector(f"nvidia/sample/{report}.txt").decode().strip()
        raw = bytes.fromhex(text) if text.startswith("11e0") else base64.b64decode(text)
        pem = vector(f"nvidia/sample/{chain}.txt")
        pem = pem if b"BEGIN" in pem else base64.b64decode(pem)
        entry = {"arch": arch, "nonce": raw[4:36].hex(), "evidence": base64.b64encode(raw).decode(),
                 "certificate": base64.b64encode(pem).decode()}  # fmt: skip
        assert fails(Evidence("nvidia", json.dumps([entry]).encode()), "2026-01-01") == want, report


def nras() -> None:
    for name, device in (("hopperClaimsv3_detached_eat", "gpu-0"), ("switch_detached_eat", "switch-0")):
        raw = vector(f"nvidia/sample/{name}.json")
        issued = json.loads(base64.urlsafe_b64decode(json.loads(raw)[0][1].split(".")[1] + "=="))["iat"]
        got = ids(Evidence("nras", raw), None, dt.datetime.fromtimestamp(issued + 60, dt.UTC))
        assert "devices" not in got  # the digests of the submodules are right
        keys = {f"{p}.{c}" for p in ("token", device) for c in ("keys", "key", "signature")}
        assert got - {"token.issuer", f"{device}.issuer"} == keys


RIM_DATES = {
    "rims/1010_0200_882_96005E0001_PROD.swidtag": "2024-06-01",
    "rims/NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml": "2026-01-01",
    "rims/NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml": "2024-06-01",
    "rims/NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml": "2024-06-01",
    "rims/NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml": "2026-01-01",
    "NV_GPU_DRIVER_GH100_550.144.03.xml": "2026-01-01",
    "incorrect_signature_driver_rim.xml": "2026-01-01",
}
RIM_FAULTS = {
    "rims/NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml": {"rim.digest"},
    "rims/NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml": {"rim.digest"},
    "rims/NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml": {"rim.digest"},
    "incorrect_signature_driver_rim.xml": {"rim.signature"},
}


def rim(name: str, when: str) -> set[str]:
    _, _, checks = read_signed_xml(vector(f"nvidia/{name}"), 2**20, VENDORS.of("nvidia-rim", None), at(when))
    return {c.id for c in checks if c.status == "fail"}


def rims() -> None:
    """Which measurements differ from a good one is in nvidia/test_rim.py."""
    for name, when in RIM_DATES.items():
        assert rim(name, when) == RIM_FAULTS.get(name, NOTHING), name
    for when in ("2024-06-01", "2026-01-01"):
        assert rim("rims/NV_GPU_DRIVER_GH100_570.124.03_expired.xml", when) == {"rim.chain.validity", "rim.digest"}


def nvidia_roots() -> None:
    assert der(vector("nvidia/roots/verifier_device_root.pem")) in VENDORS.of("nvidia", None)
    assert der(vector("nvidia/roots/verifier_RIM_root.pem")) in VENDORS.of("nvidia-rim", None)


def h100() -> None:
    body = json.loads(vector("dstack/gpu_attestation_h100.json"))
    assert set(body) == {"claims", "detached_eat", "result_code", "result_message"}
    assert fails(Evidence("nras", json.dumps(body["detached_eat"]).encode()), "2026-01-01")


# -- jwt, and the sets without a table ------------------------------------------------------------------------------


def maa() -> None:
    issuer = "https://sharedeus.eus.attest.azure.net"
    token = Evidence("maa", vector("jwt/maa_sgx_2023/token.jwt").strip())
    keys = vector("jwt/maa_sgx_2023/certs.json")
    assert fails(token, "2023-09-26T15:00", Collateral(jwks={issuer: keys})) == NOTHING
    other = Collateral(jwks={"https://sealgate.eus.attest.azure.net": keys})
    assert "token.keys" in fails(token, "2023-09-26T15:00", other)
    assert fails(token, "2023-09-26T22:15:48", Collateral(jwks={issuer: keys})) == {"token.expiry"}


def elsewhere(*files: str) -> Callable[[], None]:
    """Vectors of a protocol, held to byte for byte in the tests of that protocol."""

    def there() -> None:
        for file in files:
            assert vector(file)

    return there


def dstack() -> None:
    assert parse_quote(vector("dstack/tdx_quote")).version == 4
    assert quote("dstack/tdx_quote", "2026-02-19") == {"collateral"}
    assert snp("dstack/sev_snp_attestation.bin", "dstack/sev_snp_vcek.pem", "Milan", "2026-08-01", start=4) == NOTHING
    found = parse_report(vector("dstack/sev_snp_attestation.bin")[4 : 4 + 1184])
    assert found.report_data.startswith(b"attest-test-fixture-2026")


@dataclass(frozen=True)
class Row:
    """``note``: what differs from the manifest's word, or what no test can say."""

    judge: Callable[[], None]
    note: str = ""


OMNE = "the manifest says OK at 2026-01-01: its VCEK begins later, and the guest has the DEBUG bit: refused always"
AK = "Azure's test certificates of attestation keys are padded as a TPM stores them, and their root is not given"
LOG = "there is no reader of TCG event logs: PCRs are compared by value"
SPR = "without the signer's certificate of 2023: Intel's later one of the same key stands in, and was not valid then"
QVL = "its collateral under its own roots; TCB info of version 2 and quotes without a chain of today's form are refused"
CAGE = "no provider uses this form: the test takes the document out; the certificate itself is no RA-TLS certificate"
HOLD = "HOLD is OCSP's word, which is not asked: revocation is unknown"
RIM = "most of the wrong ones were changed after they were signed, and so fail by their digest"
H100 = "it holds no evidence of a device: a local tool's claims and a token without a signature, which is refused"
GPUS = ("serialized_test_evidence/hopper_evidence.json, multi_gpu_hopper.json, hopper_evidence_cert_hold.json, "
        "*ls10*.json")  # fmt: skip
EHBP = ("ehbp/derive.json", "ehbp/response-decryption.json", "ehbp/session-recovery-token.json")
ACI = ("aci/test-vectors.md", "aci/e2ee-v2-test-vectors.md", "aci/aci_report_fixture.json")
ROWS = {
    ("snp", "roots/*.pem"): Row(amd_roots),
    ("snp", "milan_v2_google"): Row(google),
    ("snp", "milan_virtee"): Row(virtee),
    ("snp", "trustee_milan/test-report.bin + test-vcek.der"): Row(provisional),
    ("snp", "trustee_milan/test-vcek-invalid-*.der"): Row(wrong_keys),
    ("snp", "trustee_milan/test-vlek-report.bin + test-vlek.der"): Row(vlek),
    ("snp", "turin_v5_inf17"): Row(turin),
    ("snp", "milan_v2_omne_gcp"): Row(omne, OMNE),
    ("openpcc", "extracted/azure_sevsnp_report.bin"): Row(azure_snp),
    ("openpcc", "extracted/test_amd_genoa_crl.pem"): Row(genoa_list),
    ("openpcc", "extracted/test_amd_milan_crl.pem"): Row(milan_list),
    ("openpcc", "extracted/gce_sevsnp_report.bin"): Row(gce_snp),
    ("openpcc", "extracted/azure_tdx_quote.bin + azure_tdx_report_hcl.bin"): Row(azure_tdx),
    ("openpcc", "extracted/gce_tdx_report.bin"): Row(gce_tdx),
    ("openpcc", "*_ak_certificates.txt, verify/*.pem"): Row(tpm_chains, AK),
    ("openpcc", "tcg_eventlog.txt"): Row(event_log, LOG),
    ("tdx", "sgx/dcap-qvl/sgx_quote(+_collateral.json)"): Row(sgx),
    ("tdx", "tdx/dcap-qvl/tdx_quote(+collateral)"): Row(tdx_v4),
    ("tdx", "tdx/dcap-qvl/tdx_quote_outdated(+collateral)"): Row(tdx_v5_old),
    ("tdx", "tdx/dcap-qvl/{quote-from-tappd,tdx-quote}.hex"): Row(tdx_hex),
    ("tdx", "tdx/go-tdx-guest/quote_v5_sample.dat"): Row(tdx_v5),
    ("tdx", "tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat + sample_* + crls"): Row(sapphire_rapids, SPR),
    ("tdx", "trustee/tdx_quote_4.dat"): Row(debug_td),
    ("tdx", "trustee/tdx_quote_5.dat, _6.dat"): Row(without_collateral),
    ("tdx", "trustee/occlum_quote.dat"): Row(occlum),
    ("tdx", "trustee/az-tdx-vtpm"): Row(azure_first_tdx),
    ("tdx", "trustee/az-snp-vtpm"): Row(azure_snp_vtpm),
    ("tdx", "intel_qvl/"): Row(intel_qvl, QVL),
    ("nitro", "aws_nitro_root_g1.pem"): Row(nitro_root),
    ("nitro", "valid-attestation-doc-base64"): Row(nitro_debug),
    ("nitro", "beta/valid-attestation-doc-bytes"): Row(nitro_beta),
    ("nitro", "beta/debug-mode-attestation-doc-bytes"): Row(nitro_beta_debug),
    ("nitro", "beta/*cert-containing*"): Row(nitro_in_certificates, CAGE),
    ("nitro", "../dstack/nitro_attestation.cose"): Row(nitro_dstack),
    ("nitro", "../dstack/nitro_attestation_dbg.cose"): Row(nitro_dstack_debug),
    ("nvidia", GPUS): Row(gpu_evidence, HOLD),
    ("nvidia", "ppcie/{gpu,switch}_evidence.json"): Row(gpus_with_switches),
    ("nvidia", "sample/gpu, sample/switch (Blackwell, invalid-signature)"): Row(gpu_samples),
    ("nvidia", "sample/hopperClaimsv3_detached_eat.json, switch_detached_eat.json"): Row(nras),
    ("nvidia", "rims/* , incorrect_signature_driver_rim.xml"): Row(rims, RIM),
    ("nvidia", "roots/verifier_device_root.pem, verifier_RIM_root.pem"): Row(nvidia_roots),
    ("nvidia", "../dstack/gpu_attestation_h100.json"): Row(h100, H100),
    ("jwt", "maa_sgx_2023/token.jwt + certs.json"): Row(maa),
    ("ehbp", ""): Row(elsewhere(*EHBP), "byte for byte in test_ehbp.py"),
    ("aci", ""): Row(elsewhere(*ACI), "byte for byte in aci/test_documents.py and aci/test_fields.py"),
    ("dstack", ""): Row(dstack, "event logs in tdx/test_eventlog.py, the TPM quote in tpm/test_verify.py"),
}


def manifest() -> list[tuple[str, str]]:
    """(section, first cell) of every row, and every section without a table."""
    out: list[tuple[str, str]] = []
    section = ""
    for line in vector("MANIFEST.md").decode().splitlines():
        if heading := re.match(r"## (\w+)", line):
            section = heading[1]
            out.append((section, ""))
        elif line.startswith("|") and not re.match(r"\|(path|---)", line.replace(" ", "")):
            out.append((section, line.split("|")[1].strip()))
    tabled = {s for s, cell in out if cell}
    return [(s, cell) for s, cell in out if cell or s not in tabled]


def test_no_row_of_the_manifest_is_without_an_entry():
    rows = manifest()
    assert len(rows) > 40
    assert set(rows) == set(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}")
def test_a_row_gets_its_verdict(row):
    if not (VECTORS / "MANIFEST.md").exists():
        pytest.skip("real evidence is not here")
    ROWS[row].judge()


def test_every_entry_judges_what_it_reads(monkeypatch):
    """Each one fails when its files are cut short, but for those that say that no test can judge them here."""
    if not (VECTORS / "MANIFEST.md").exists():
        pytest.skip("real evidence is not here")
    whole = vector
    lazy = []
    for row, entry in ROWS.items():
        monkeypatch.setitem(globals(), "vector", lambda path: (raw := whole(path))[: len(raw) // 2])
        try:
            entry.judge()
        except Exception:  # whatever a cut file causes
            continue
        lazy.append(row)
    assert lazy == [("openpcc", "tcg_eventlog.txt"), ("ehbp", ""), ("aci", "")]
