"""``sealgate attest collateral`` with real pieces: exit codes, what is said, and ``attest verify`` with the store."""

import datetime as dt
import json
import tarfile

import pytest
from attested import NOW, vector
from click.testing import CliRunner
from published import NVIDIA, TRUST, amd_crl, amd_key, jwks, snapshot

from attestation.simulator.nvidia import Vendor, evidence
from attestation.simulator.ocsp import responders
from attestation.simulator.tokens import MAA, shared_services
from attestation.x509 import load_certificate
from proxy.cli import cli
from proxy.collateral.archive import pack
from proxy.collateral.vendors import Published
from proxy.collateral.writer import take
from proxy.commands import attest_collateral as module
from proxy.errors import UpstreamError

JUNE = dt.datetime(2025, 6, 19, 12, tzinfo=dt.UTC)
"""Both AMD lists and dcap-qvl's collateral of that day count."""
MILAN, GENOA = "openpcc/extracted/test_amd_milan_crl.pem", "openpcc/extracted/test_amd_genoa_crl.pem"
TDX, SGX = "tdx/dcap-qvl/tdx_quote_collateral.json", "sgx/dcap-qvl/sgx_quote_collateral.json"


def run(*args: object):
    return CliRunner().invoke(cli, ["attest", *map(str, args)])


def collateral(*args: object):
    return run("collateral", *args)


@pytest.fixture
def clock(monkeypatch):
    now = [JUNE]
    monkeypatch.setattr(module, "_now", lambda: now[0])
    return now


@pytest.fixture
def files(tmp_path):
    for name in (MILAN, GENOA, TDX, SGX):
        (tmp_path / name.rpartition("/")[2]).write_bytes(vector(name))
    return tmp_path


@pytest.fixture
def store(files, clock):
    at = ("--collateral", files / "store")
    done = collateral("import", *files.glob("test_amd*"), *files.glob("*collateral.json"), *at)
    assert done.exit_code == 0, done.output
    return at


def test_loose_pieces_are_imported_and_shown(store):
    got = collateral("status", *store)
    assert got.exit_code == 0
    lines = got.output.splitlines()
    assert len(lines) == 9  # two lists of AMD's; of Intel's two levels, two identities, two lists, the root's
    assert "OK        amd-crl Genoa" in got.output
    assert "number 4, ends 2025-11-03T01:00:00Z" in got.output
    assert all(" signed " in line for line in lines)


def test_status_as_data_has_floors(store):
    body = json.loads(collateral("status", *store, "--json").output)
    info = next(p for p in body["pieces"] if p["kind"] == "intel-tcb" and p["key"].startswith("tdx"))
    assert (info["number"], info["trust"], info["state"]) == (17, "signed", "ok")
    assert {f["kind"] for f in body["floors"]} == {p["kind"] for p in body["pieces"]}


def test_what_ends_soon_is_said_and_what_has_ended_is_exit_2(store):
    soon = collateral("status", *store, "--at", "2025-07-14T00:00:00Z")
    assert soon.exit_code == 0
    assert "EXPIRING" in soon.output
    assert "in 5 days" in soon.output
    late = collateral("status", *store, "--at", "2025-07-20T00:00:00Z")
    assert late.exit_code == 2
    assert "EXPIRED" in late.output


def test_a_store_travels_in_one_tar(store, files, clock):
    tar = files / "out.tar"
    assert collateral("export", tar, *store).exit_code == 0
    again = files / "again.tar"
    clock[0] += dt.timedelta(hours=3)
    collateral("export", again, *store)
    assert tar.read_bytes() == again.read_bytes()
    assert tarfile.is_tarfile(tar)
    there = ("--collateral", files / "there")
    assert collateral("import", tar, *there).exit_code == 0
    assert collateral("status", *there).output == collateral("status", *store).output
    assert "SAME" in collateral("import", tar, *there).output


def test_what_has_ended_is_left_out_of_an_export(store, files, clock):
    clock[0] = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    got = collateral("export", files / "out.tar", *store, "--json")
    assert got.exit_code == 0
    left = json.loads(got.output)["left_out"]
    assert {row["kind"] for row in left} == {"intel-tcb", "intel-qe", "intel-pck-crl"}
    clock[0] = dt.datetime(2030, 8, 1, tzinfo=dt.UTC)
    assert collateral("export", files / "none.tar", *store).exit_code == 2
    assert not (files / "none.tar").exists()


@pytest.mark.parametrize("now", ["2025-12-01", "2024-01-01"])
def test_ended_and_future_pieces_are_not_imported(files, clock, now):
    clock[0] = dt.datetime.fromisoformat(f"{now}T00:00:00+00:00")
    got = collateral("import", files / "test_amd_genoa_crl.pem", "--collateral", files / "store")
    assert got.exit_code == 2
    assert "REFUSED  amd-crl Genoa" in got.output


def test_one_bad_file_refuses_all(files, clock):
    (files / "bad").write_bytes(b"rubbish")
    got = collateral("import", files / "test_amd_milan_crl.pem", files / "bad", "--collateral", files / "store")
    assert got.exit_code == 2
    assert not (files / "store").exists()


def test_a_damaged_store_is_exit_3_and_stays_as_it_is(store, files):
    index = files / "store" / "index.json"
    index.write_bytes(index.read_bytes()[:-3])
    before = index.read_bytes()
    for args in (("status",), ("export", files / "x.tar"), ("import", files / "test_amd_milan_crl.pem"), ("fetch",)):
        assert collateral(*args, *store).exit_code == 3
    assert run("verify", files / "test_amd_milan_crl.pem", *store).exit_code == 3
    assert index.read_bytes() == before


class Door:
    """Vendors that have the real lists only."""

    def __init__(self, files, fail=None):
        self.files, self.fail, self.asked = files, fail, []

    async def ask(self, name, body=b""):
        self.asked.append(name)
        if self.fail is not None:
            raise self.fail
        file = self.files / f"test_amd_{name[1].lower()}_crl.pem"
        if name[0] == "amd-crl" and file.exists():
            return Published(module.loose(file.read_bytes(), JUNE)[0].data, "")
        return Published(b"<html>", "")


def test_fetch_asks_for_what_is_named_and_then_for_what_is_there(files, clock, monkeypatch):
    door = Door(files)
    monkeypatch.setattr(module, "_door", lambda: door)
    at = ("--collateral", files / "store")
    got = collateral("fetch", "--amd", "Genoa", "--amd", "Milan", *at)
    assert got.exit_code == 0
    assert "FETCHED  amd-crl Genoa: number 4" in got.output
    again = collateral("fetch", *at, "--json")
    assert {row["key"] for row in json.loads(again.output)["fetched"]} == {"Genoa", "Milan"}
    assert len(door.asked) == 4


def test_fetch_says_what_was_refused_and_what_could_not_be_found_out(files, clock, monkeypatch):
    at = ("--collateral", files / "store")
    monkeypatch.setattr(module, "_door", lambda: Door(files))
    bad = collateral("fetch", "--amd", "Genoa", "--tdx", "B0C06F000000", *at, "--json")
    assert bad.exit_code == 2
    body = json.loads(bad.output)
    assert [row["key"] for row in body["fetched"]] == ["Genoa"]
    assert {row["code"] for row in body["failures"]} == {"vendor_malformed", "collateral_refused"}
    monkeypatch.setattr(module, "_door", lambda: Door(files, UpstreamError("kdsintf.amd.com cannot be reached")))
    down = collateral("fetch", *at)
    assert down.exit_code == 3
    assert "FAILED   amd-crl Genoa: kdsintf.amd.com cannot be reached" in down.output
    assert collateral("status", *at).exit_code == 0


def test_fetch_takes_what_evidence_needs(files, clock, monkeypatch):
    door = Door(files)
    monkeypatch.setattr(module, "_door", lambda: door)
    (files / "report").write_bytes(vector("snp/turin_v5_inf17/report.bin"))
    (files / "quote").write_bytes(vector("tdx/dcap-qvl/tdx_quote"))
    collateral("fetch", "--evidence", files / "report", "--evidence", files / "quote", "--collateral", files / "store")
    kinds = [name[0] for name in door.asked]
    assert set(kinds) == {"amd-crl", "amd-key", "intel-tcb", "intel-qe", "intel-pck-crl", "intel-root-crl"}
    assert kinds.index("intel-tcb") < kinds.index("intel-qe")


def test_fetch_asks_nvidia_about_the_devices_of_evidence(files, clock, monkeypatch):
    door = Door(files)
    monkeypatch.setattr(module, "_door", lambda: door)
    (files / "gpus").write_bytes(vector("nvidia/evidence_hopper_590_12.json"))
    at = ("--collateral", files / "store")
    got = collateral("fetch", "--evidence", files / "gpus", *at)
    assert [name[0] for name in door.asked] == ["nvidia-ocsp"] * 3 + ["rim"] * 2
    assert got.exit_code == 2  # this door answers junk
    assert got.output.count("FAILED") == 5
    assert "FAILED   nvidia-ocsp sha384/" in got.output


@pytest.mark.parametrize(
    "args",
    [("fetch",), ("fetch", "--issuer", "https://attacker.example"), ("fetch", "--tdx", "xyz"), ("import",),
     ("fetch", "--amd", "Naples"), ("status", "--at", "today")],
)  # fmt: skip
def test_misuse_is_named(tmp_path, args):
    got = collateral(*args, "--collateral", tmp_path)
    assert got.exit_code in (1, 2)
    assert "Error" in got.output or got.exception is not None


def test_the_folder_may_come_from_the_configuration(files, clock):
    (files / "sealgate.yaml").write_text(
        "collateral: ./store\napps: [{name: a, tenant: t, key: 0123456789abcdef}]\n"
        "upstreams: {local: {zone: onprem, kind: llama, model: smollm2-135m}}\n"
        "models: {m: {use: [local/smollm2-135m]}}\n"
    )
    config = ("--config", files / "sealgate.yaml")
    assert collateral("import", files / "test_amd_milan_crl.pem", *config).exit_code == 0
    assert (files / "store" / "index.json").exists()
    shown = CliRunner().invoke(cli, ["config", "show", *map(str, config), "--json"])
    door = json.loads(shown.output)["collateral"]
    assert "https://kdsintf.amd.com" in door["control_door"]
    none = collateral("status", "--config", files / "none.yaml")
    assert none.exit_code == 2
    assert "--collateral DIR" in none.output


# -- attest verify with the store -----------------------------------------------------------------------------------


def test_verify_takes_the_store(store, files):
    (files / "quote").write_bytes(vector("tdx/dcap-qvl/tdx_quote"))
    got = run("verify", files / "quote", *store, "--at", "2025-06-19T12:00:00Z", "--json")
    assert got.exit_code == 0, got.output
    ids = {row["id"] for row in json.loads(got.output)["checks"]}
    assert {"collateral.intel-tcb", "collateral.intel-pck-crl", "tcb-info.window"} <= ids
    late = run("verify", files / "quote", *store, "--at", "2025-07-20T00:00:00Z", "--json")
    assert late.exit_code == 2
    failed = {row["id"] for row in json.loads(late.output)["checks"] if row["status"] == "fail"}
    assert {"collateral.intel-tcb", "tcb-info.window"} <= failed


def test_verify_finds_the_certificate_and_the_list_of_a_report(store, files, clock):
    (files / "report").write_bytes(vector("openpcc/extracted/azure_sevsnp_report.bin")[0x20:0x4C0])
    (files / "vcek").write_bytes(vector("openpcc/extracted/test_vcek.pem"))
    at = ("--at", "2025-08-01T00:00:00Z")
    bare = run("verify", files / "report", *store, *at)
    assert bare.exit_code == 2  # no certificate anywhere
    assert collateral("import", files / "vcek", *store).exit_code == 0
    good = run("verify", files / "report", *store, *at, "--json")
    assert good.exit_code == 0
    assert "unknown" not in {row["status"] for row in json.loads(good.output)["checks"]}


def test_a_missing_piece_refuses_with_a_store(files, clock):
    """Without one, revocation would be unknown and the report genuine."""
    at = ("--collateral", files / "store")
    collateral("import", files / "test_amd_milan_crl.pem", *at)
    (files / "report").write_bytes(vector("snp/turin_v5_inf17/report.bin"))
    pieces = files / "pieces"
    pieces.mkdir()
    (pieces / "vcek.der").write_bytes(vector("snp/turin_v5_inf17/vcek.der"))
    when = ("--at", "2026-09-18T18:22:34Z")
    got = run("verify", files / "report", *at, "--collateral", pieces, *when, "--json")
    assert got.exit_code == 2
    failed = [row["id"] for row in json.loads(got.output)["checks"] if row["status"] == "fail"]
    assert failed == ["collateral.amd-crl"]
    assert run("verify", files / "report", "--collateral", pieces, *when).exit_code == 0


def test_a_loose_file_counts_instead_of_the_stores(store, files):
    (files / "quote").write_bytes(vector("sgx/dcap-qvl/sgx_quote"))
    folder = files / "loose"
    folder.mkdir()
    (folder / "intel.json").write_text("{}")
    at = ("--at", "2025-06-19T12:00:00Z")
    assert run("verify", files / "quote", *store, *at).exit_code == 0
    assert run("verify", files / "quote", *store, "--collateral", folder, *at).exit_code == 2
    assert run("verify", files / "quote", *store, *store, *at).exit_code == 2


@pytest.fixture
def forged(tmp_path, clock):
    """An archive whose only piece is a key set that anybody could have written."""
    raw, _ = pack(snapshot(jwks(JUNE), now=JUNE), JUNE)
    (tmp_path / "forged.tar").write_bytes(raw)
    return tmp_path / "forged.tar"


def unsigned_refused(there, *sources):
    got = collateral("import", *sources, *there)
    assert got.exit_code == 2
    assert f"jwks {MAA}: nobody signed it" in got.output and "--unsigned" in got.output
    assert "empty" in collateral("status", *there).output
    assert collateral("import", *sources, *there, "--unsigned").exit_code == 0
    assert f"jwks {MAA}" in collateral("status", *there).output


def test_keys_that_nobody_signed_come_in_only_when_that_is_said(forged, tmp_path):
    """Whoever makes an archive could choose the keys, and sign tokens of any machine with them."""
    unsigned_refused(("--collateral", tmp_path / "there"), forged)


def test_they_keep_out_what_is_signed_beside_them(forged, files):
    unsigned_refused(("--collateral", files / "there"), files / "test_amd_milan_crl.pem", forged)


def test_keys_that_are_here_already_need_nobody_s_word(forged, tmp_path, clock):
    there = ("--collateral", tmp_path / "there")
    collateral("import", forged, *there, "--unsigned")
    assert collateral("import", forged, *there).exit_code == 0
    clock[0] += dt.timedelta(hours=1)
    other = json.dumps({"keys": [shared_services().jwk(shared_services().ec)]}).encode()
    (tmp_path / "other.tar").write_bytes(pack(snapshot(jwks(clock[0], body=other), now=clock[0]), clock[0])[0])
    assert collateral("import", tmp_path / "other.tar", *there).exit_code == 2


def test_of_too_many_keys_some_are_not_kept_and_nothing_breaks(forged, tmp_path, clock, monkeypatch):
    clock[0] = NOW
    monkeypatch.setattr("attestation.collateral.admit.MAX_KEYS", 0)
    monkeypatch.setattr(module, "_pieces", lambda *_: (amd_crl(), amd_key()))
    monkeypatch.setattr(module, "take", lambda at, pieces, now, trust: take(at, pieces, now, trust, TRUST))
    got = collateral("import", forged, "--collateral", tmp_path / "there", "--json")
    assert got.exit_code == 0
    assert [p["kind"] for p in json.loads(got.output)["imported"]] == ["amd-crl"]


@pytest.mark.parametrize("order", [1, -1])
def test_files_of_one_platform_may_come_in_any_order(files, clock, order):
    """Two of one name at once left the older one, or a store that could not be read."""
    jsons = sorted(files.glob("*collateral.json"))[::order]
    there = ("--collateral", files / "there")
    assert collateral("import", *jsons, *there).exit_code == 0
    shown = collateral("status", *there)
    assert shown.exit_code == 0
    assert collateral("import", *jsons[::-1], *there).exit_code in {0, 2}
    assert collateral("status", *there).output == shown.output


def test_an_answer_of_nvidias_responder_comes_with_evidence_of_its_device(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_now", lambda: NOW)
    gpu = NVIDIA.gpu()
    answer, device, other = tmp_path / "answer.der", tmp_path / "gpu.json", tmp_path / "other.json"
    answer.write_bytes(responders(NVIDIA)[0].answer(load_certificate(gpu.chain[1]), NOW))
    device.write_bytes(evidence(gpu.entry()).report)
    other.write_bytes(evidence(Vendor().gpu().entry()).report)
    at = ("--collateral", tmp_path / "store")
    for how in ((), ("--evidence", other)):
        got = collateral("import", answer, *at, *how)
        assert got.exit_code == 2 and "evidence of the device" in got.output
    got = collateral("import", answer, *at, "--evidence", other, "--evidence", device)  # no root of NVIDIA's, but named
    assert got.exit_code == 2 and "nvidia-ocsp.chain.root" in got.output
    (tmp_path / "quote.jwt").write_bytes(vector("jwt/maa_sgx_2023/token.jwt"))
    got = collateral("import", answer, *at, "--evidence", tmp_path / "quote.jwt")
    assert got.exit_code == 2 and "NVIDIA's devices" in got.output
    assert not (tmp_path / "store" / "index.json").exists()
