"""``sealgate attest verify``: every check with its source and reason, and an exit code that a script can use."""

import base64
import json

import pytest
from attested import BINDING, platform, vector
from click.testing import CliRunner

from proxy.cli import cli

SIM = platform()
EXPECT = """\
name: clinic
tees: [sev-snp]
measurements: {release: "%s"}
minimum_tcb: {snp: 1}
approved_by: privacy@clinic.example
approved_until: 2027-03-31
"""


def run(*args: object):
    return CliRunner().invoke(cli, ["attest", "verify", *map(str, args)])


@pytest.fixture
def turin(tmp_path):
    (tmp_path / "report").write_bytes(vector("snp/turin_v5_inf17/report.bin"))
    folder = tmp_path / "collateral"
    folder.mkdir()
    (folder / "vcek.der").write_bytes(vector("snp/turin_v5_inf17/vcek.der"))
    return tmp_path / "report", "--collateral", folder, "--at", "2026-09-18T18:22:34Z"


def test_genuine_evidence_is_shown_with_every_check(turin):
    got = run(*turin)
    assert got.exit_code == 0
    assert "PASS" in got.output
    assert "hardware" in got.output
    assert "UNKNOWN" in got.output  # no revocation list
    assert "was not asked" in got.output


def test_json_has_every_check_with_status_source_and_reason(turin):
    body = json.loads(run(*turin, "--json").output)
    assert (body["accepted"], body["genuine"], body["compared"], body["tee"]) == (True, True, False, "sev-snp")
    assert all(row["status"] in ("pass", "unknown") and row["reason"] and row["source"] for row in body["checks"])


def test_evidence_is_compared_with_what_was_approved(turin, tmp_path):
    measurement = json.loads(run(*turin, "--json").output)["measurements"]["measurement"]
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(EXPECT % measurement)
    bad.write_text(EXPECT % ("ab" * 48))
    assert "accepted under clinic" in run(*turin, "--expect", good).output
    refused = run(*turin, "--expect", bad)
    assert refused.exit_code == 2
    assert "FAIL" in refused.output


def test_simulated_evidence_is_never_genuine_here(tmp_path):
    from attestation.wire import encode_sealgate_snp

    file = tmp_path / "evidence.json"
    file.write_bytes(encode_sealgate_snp(SIM.evidence(BINDING)))
    got = run(file, "--json")
    assert got.exit_code == 2
    failed = [row["id"] for row in json.loads(got.output)["checks"] if row["status"] == "fail"]
    assert failed == ["chain.root"]


def test_what_is_no_evidence_is_refused(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"nothing")
    got = run(file, "--json")
    assert got.exit_code == 2
    assert json.loads(got.output)["checks"][0]["id"] == "format"


@pytest.mark.parametrize("args", [("--at", "yesterday"), ("--at", "2026-01-01T00:00:00"), ("--waive", "td.debug"),
                                  ("--kind", "any"), ("--expect", "/nowhere")])  # fmt: skip
def test_misuse_is_named(tmp_path, args):
    file = tmp_path / "x"
    file.write_bytes(b"nothing")
    assert run(file, *args).exit_code == 2  # click's own code; the program turns it into 1
    assert "Error" in run(file, *args).output


def test_a_bad_measurement_file_is_misuse(tmp_path):
    file = tmp_path / "x"
    file.write_text("nothing")
    assert run(file, "--expect", file).exit_code == 1


def test_intel_collateral_and_waivers_are_read(tmp_path):
    file, folder = tmp_path / "quote", tmp_path / "collateral"
    folder.mkdir()
    file.write_bytes(vector("tdx/dcap-qvl/tdx_quote"))
    (folder / "intel.json").write_bytes(vector("tdx/dcap-qvl/tdx_quote_collateral.json"))
    at = ("--collateral", folder, "--at", "2025-06-19T11:00:00Z")
    assert run(file, *at).exit_code == 0
    assert run(file, *at, "--waive", "td.sept-ve").exit_code == 0
    assert run(file).exit_code == 2
    (folder / "intel.json").write_text("{}")
    assert run(file, *at).exit_code == 2


def test_key_sets_are_read_under_their_issuers_name(tmp_path):
    file, folder = tmp_path / "token", tmp_path / "collateral"
    folder.mkdir()
    file.write_bytes(vector("jwt/maa_sgx_2023/token.jwt"))
    keys = json.loads(vector("jwt/maa_sgx_2023/certs.json"))
    at = ("--collateral", folder, "--at", "2023-09-26T15:00:00Z")
    for issuer, code in (("https://sharedeus.eus.attest.azure.net", 0), ("https://other.eus.attest.azure.net", 2)):
        (folder / "jwks.json").write_text(json.dumps({issuer: keys}))
        assert run(file, *at).exit_code == code


def test_a_gpus_firmware_is_compared_with_the_manifests_beside_it(tmp_path):
    text = vector("nvidia/sample/gpu/hopperAttestationReport.txt").decode().strip()
    raw = bytes.fromhex(text) if text.startswith("11e0") else base64.b64decode(text)
    pem = vector("nvidia/sample/gpu/hopperCertChain.txt")
    pem = pem if b"BEGIN" in pem else base64.b64decode(pem)
    file, folder = tmp_path / "gpu.json", tmp_path / "collateral"
    folder.mkdir()
    entry = {"arch": "HOPPER", "nonce": raw[4:36].hex(), "evidence": base64.b64encode(raw).decode()}
    file.write_text(json.dumps([{**entry, "certificate": base64.b64encode(pem).decode()}]))
    rim = folder / "NV_GPU_VBIOS_1010_0200_882_96005E0001.xml"

    def seen(manifest: str) -> tuple[int, dict[str, str]]:
        rim.write_bytes(vector(f"nvidia/rims/{manifest}"))
        got = run(file, "--collateral", folder, "--at", "2024-06-01T00:00:00Z", "--json")
        rows = json.loads(got.output)["checks"]
        return got.exit_code, next(r for r in rows if r["id"] == "reference-values")

    code, row = seen("1010_0200_882_96005E0001_PROD.swidtag")
    assert code == 0 and row["status"] == "unknown" and "VBIOS" not in row["reason"]  # only the driver's is missing
    code, row = seen("NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml")
    assert code == 2 and row["status"] == "fail" and "measurements 9 differ" in row["reason"]
    (folder / "device.ocsp").write_bytes(b"no answer")
    assert run(file, "--collateral", folder, "--at", "2024-06-01T00:00:00Z").exit_code == 2
