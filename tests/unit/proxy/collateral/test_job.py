"""The job beside the requests: what is missing is asked for, failures wait, nothing stale passes or valid stops."""

import asyncio
import itertools
from dataclasses import replace

import pytest
from attested import BINDING, NOW
from fake_vendors import GOOGLE_KEYS, FakeVendors
from published import AMD, DAY, INTEL, NVIDIA, TCB_KEY, TRUST, all_pieces, amd_crl, jwks

from attestation.collateral.pieces import Kind
from attestation.simulator.intel import Intel
from attestation.simulator.nvidia import evidence
from attestation.simulator.snp import ASK_SERIAL
from attestation.simulator.tokens import MAA, shared_services
from attestation.trust import VENDORS
from attestation.types import Evidence, Rejected
from attestation.verify import verify
from proxy.collateral import job as module
from proxy.collateral.job import WANTED, CollateralJob
from proxy.collateral.writer import take
from proxy.egress import VendorDoor
from proxy.errors import AuditUnavailable, ConfigError

QUOTE = Evidence("tdx", INTEL.tdx_quote(BINDING))
REPORT = AMD.evidence(BINDING)


def missing(job: CollateralJob, evidence: Evidence) -> set[str]:
    return missing_at(job, evidence, job._clock.now())


def missing_at(job, evidence, now):
    try:
        job.select(evidence, now)
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    return set()


def ask(vendors: FakeVendors, start: str) -> int:
    return sum(path.startswith(start) for path in vendors.asked)


async def test_what_evidence_needs_is_refused_then_fetched_then_there(job, vendors, events):
    assert missing(job, QUOTE) == {f"collateral.intel-{k}" for k in ("tcb", "qe", "pck-crl", "root-crl")}
    assert not vendors.asked  # asking is the job's, never the request's
    await job.round()
    assert missing(job, QUOTE) == set()
    verify(QUOTE, NOW, VENDORS, TRUST, job.select(QUOTE, NOW))
    assert job.revision == 1
    assert events.codes() == ["collateral_changed"]
    (_, details), = events.seen  # fmt: skip
    assert {p["kind"] for p in details["pieces"]} == {"intel-tcb", "intel-qe", "intel-pck-crl", "intel-root-crl"}
    vendors.asked.clear()
    await job.round()
    assert vendors.asked == []  # nothing is due


async def test_a_report_without_its_certificate_gets_it_in_the_next_round(job):
    bare = replace(REPORT, kind="snp", certificates=())
    assert job.whole(bare) == bare
    await job.round()
    assert job.whole(bare).certificates == REPORT.certificates


async def test_a_platform_of_nobody_is_not_asked_about(job, vendors):
    """Anybody may present a quote: only one that ends in Intel's root makes us ask Intel."""
    missing(job, Evidence("tdx", Intel().tdx_quote(BINDING)))
    await job.round()
    assert vendors.asked == []


async def test_what_nobody_could_be_asked_for_is_not_wanted(job, vendors):
    sim = shared_services()
    missing(job, sim.evidence("maa", sim.maa_sgx(NOW, iss="https://attacker.example/x")))
    await job.round()
    assert vendors.asked == []
    assert job.status()["wanted"] == []


async def test_wants_do_not_pile_up(job):
    sim = shared_services()
    for i in range(3 * WANTED):
        missing(job, sim.evidence("maa", sim.maa_sgx(NOW, iss=f"https://tenant{i}.weu.attest.azure.net")))
    assert len(job.status()["wanted"]) == WANTED


async def test_services_do_not_pile_up_either(job, monkeypatch):
    """Whoever presents a token names its issuer, and anybody may have tenants."""
    monkeypatch.setattr(module, "SERVICES", 1)
    sim = shared_services()
    for name in ("tenant1", "tenant2"):
        missing(job, sim.evidence("maa", sim.maa_sgx(NOW, iss=f"https://{name}.weu.attest.azure.net")))
    assert len(job.status()["wanted"]) == 2
    job._wanted.clear()
    take(job._folder, [jwks(NOW)], NOW, VENDORS, TRUST)
    await job.round()
    missing(job, sim.evidence("maa", sim.maa_sgx(NOW, iss="https://tenant3.weu.attest.azure.net")))
    assert not job.status()["wanted"]
    later = NOW + 8 * DAY
    missing_at(job, sim.evidence("maa", sim.maa_sgx(NOW)), later)
    assert job.status()["wanted"] == [f"jwks {MAA}"], "what is known is asked for again"


async def test_failures_are_forgotten_with_what_wanted_them(job, vendors, clock):
    vendors.bad = {"/": "absent"}
    missing(job, REPORT)
    for _ in range(10):
        await job.round()
        clock.tick(4000)
    assert job.status()["wanted"] == []
    assert job._waits == {}
    assert job.status()["failing"] == {}


async def test_pieces_are_asked_for_again_before_they_end(job, vendors, clock):
    missing(job, REPORT)
    await job.round()
    vendors.asked.clear()
    clock.tick(86_400 - 1)
    await job.round()
    assert vendors.asked == []
    clock.tick(1)
    vendors.now = clock.now()
    await job.round()
    assert vendors.asked == ["/vcek/v1/Genoa/crl"]
    assert job.revision == 2


async def test_gates_that_start_together_do_not_ask_together(vendors, clock, events, tmp_path):
    late = CollateralJob(
        tmp_path, VendorDoor(vendors.instead), clock, VENDORS, TRUST, on_event=events, spread=lambda: 1.0
    )
    take(tmp_path, [amd_crl()], NOW, VENDORS, TRUST)
    late.load()
    clock.tick(86_400 + 899)
    await late.round()
    assert vendors.asked == []
    clock.tick(1)
    vendors.now = clock.now()
    await late.round()
    assert vendors.asked == ["/vcek/v1/Genoa/crl"]


@pytest.mark.parametrize("way", ["down", "busy-silent", "broken", "garbage", "redirect", "cut"])
async def test_an_outage_stops_nothing_that_counts_and_lets_nothing_stale_pass(job, vendors, clock, way):
    missing(job, QUOTE)
    missing(job, REPORT)
    await job.round()
    vendors.bad = {"/": way}
    for _ in range(29 * 4):
        clock.tick(86_400 / 4)
        await job.round()
    assert missing(job, QUOTE) == set()  # 29 days without a vendor
    verify(QUOTE, clock.now(), VENDORS, TRUST, job.select(QUOTE, clock.now()))
    assert job.status()["expiring"]
    clock.tick(2 * 86_400)
    await job.round()
    assert missing(job, QUOTE)
    assert job.status()["expired"]
    assert missing(job, REPORT) == set()  # AMD's list lives longer
    vendors.bad = {}
    vendors.now = clock.now()
    clock.tick(7200)
    await job.round()
    assert missing(job, QUOTE) == set()


async def test_failures_wait_longer_each_time(job, vendors, clock):
    vendors.bad = {"/": "broken"}
    missing(job, REPORT)
    times = []
    for _ in range(400):
        before = len(vendors.asked)
        missing(job, REPORT)
        await job.round()
        if len(vendors.asked) > before:
            times.append(clock.passed)
        clock.tick(30)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[:4] == [60, 120, 240, 480]
    assert max(gaps) <= 3630


async def test_a_vendors_own_time_is_kept_for_all_of_it_and_no_other(job, vendors, clock):
    vendors.bad = {"/vcek/v1/Genoa/crl": "busy"}  # Retry-After: 7200
    missing(job, REPORT)
    await job.round()
    bare = replace(REPORT, kind="snp", certificates=())
    job.whole(bare)
    clock.tick(7199)
    await job.round()
    assert ask(vendors, "/vcek") == 1
    clock.tick(2)
    missing(job, REPORT)
    await job.round()
    assert ask(vendors, "/vcek") > 1


async def test_a_key_that_is_new_to_us_makes_its_set_due_but_not_at_every_token(job, vendors, clock):
    sim = shared_services()
    token = sim.evidence("maa", sim.maa_sgx(NOW), header={"kid": "rolled-over"})
    missing(job, token)
    await job.round()
    assert vendors.asked == ["/certs"]
    for _ in range(9):
        clock.tick(30)
        missing(job, token)
        await job.round()
    assert vendors.asked == ["/certs"]
    clock.tick(31)
    missing(job, token)
    await job.round()
    assert vendors.asked == ["/certs", "/certs"]
    known = sim.evidence("maa", sim.maa_sgx(NOW))
    clock.tick(600)
    missing(job, known)
    await job.round()
    assert vendors.asked == ["/certs", "/certs"]


def tokens(now) -> dict[str, Evidence]:
    sim = shared_services()
    devices = {"GPU-0": sim.device(now, "ab" * 32)}
    return {
        "maa": sim.evidence("maa", sim.maa_sgx(now)), "google": sim.evidence("google", sim.google(now)),
        "nras": Evidence("nras", sim.nras(now, devices)),
    }  # fmt: skip


KEYS = {"maa": "/certs", "google": GOOGLE_KEYS, "nras": "/.well-known/jwks.json"}


def judged(job: CollateralJob, service: str) -> bool:
    """With keys out of the store alone."""
    now = job._clock.now()
    token = tokens(now)[service]
    if lacks := missing_at(job, token, now):
        assert lacks == {"collateral.jwks"}
        return False
    return bool(verify(token, now, VENDORS, None, job.select(token, now)))


@pytest.mark.parametrize("service", KEYS)
async def test_keys_of_services_are_fetched_and_renewed_four_times_a_day(job, vendors, clock, service):
    assert not judged(job, service)
    await job.round()
    assert judged(job, service)
    clock.tick(6 * 3600 - 1)
    await job.round()
    assert vendors.asked == [KEYS[service]]
    clock.tick(1)
    await job.round()
    assert vendors.asked == [KEYS[service]] * 2
    (entry,) = job.snapshot.named(Kind.JWKS)
    assert entry.next_update == clock.now() + 7 * DAY


@pytest.mark.parametrize("way", ["busy", "busy-silent", "down", "garbage"])
@pytest.mark.parametrize("service", KEYS)
async def test_keys_outlive_an_outage_for_their_week_and_no_longer(job, vendors, clock, service, way):
    judged(job, service)
    await job.round()
    vendors.bad = {"/": way}
    clock.tick(6.5 * 86_400)
    await job.round()
    assert judged(job, service)
    assert job.status()["expiring"] and job.status()["failing"]
    clock.tick(0.5 * 86_400 + 1)
    await job.round()
    assert not judged(job, service)
    assert job.status()["expired"]
    vendors.bad = {}
    clock.tick(7300)
    await job.round()
    assert judged(job, service)


async def test_a_vendor_that_asks_for_patience_is_asked_once_for_all_that_it_has(job, vendors, clock):
    """Of a thousand devices each would be one more question to somebody who has just said no."""
    device = evidence(NVIDIA.gpu().entry(), NVIDIA.gpu().entry())
    missing(job, device)
    vendors.nvidia.way = "try later"
    await job.round()
    assert (vendors.asked.count("/"), ask(vendors, "/v1/rim")) == (1, 2)  # the manifests are another host's
    clock.tick(61)
    vendors.nvidia.way = ""
    await job.round()
    assert vendors.asked.count("/") == 1 + 4
    assert len(job.snapshot.named(Kind.OCSP)) == 4


async def test_a_piece_that_its_vendor_is_always_busy_for_keeps_no_other_out(job, vendors, clock):
    bare = replace(REPORT, kind="snp", certificates=())
    vendors.bad = {"/vcek/v1/Genoa/crl": "busy-silent"}  # the first of AMD's
    missing(job, REPORT)
    job.whole(bare)
    await job.round()
    assert ask(vendors, "/vcek") == 1
    clock.tick(61)
    await job.round()
    assert job.whole(bare).certificates == REPORT.certificates


async def test_what_another_process_writes_is_taken_up(job, clock, tmp_path, events):
    assert missing(job, REPORT) == {"collateral.amd-crl"}
    job._wanted.clear()
    take(tmp_path, [amd_crl()], NOW, VENDORS, TRUST)
    await job.round()
    assert missing(job, REPORT) == set()
    assert job.revision == 1
    later = NOW + DAY
    take(tmp_path, [jwks(NOW)], later, VENDORS, TRUST)
    await job.round()
    assert job.revision == 2
    assert events.seen == []  # whoever wrote it was no job of ours


async def test_a_revocation_that_arrives_counts(job, vendors, clock):
    missing(job, REPORT)
    await job.round()
    verify(REPORT, NOW, VENDORS, TRUST, job.select(REPORT, NOW))
    vendors.revoked = (ASK_SERIAL,)
    clock.tick(86_400)
    vendors.now = clock.now()
    await job.round()
    with pytest.raises(Rejected, match=r"crl\.intermediate"):
        verify(REPORT, clock.now(), VENDORS, TRUST, job.select(REPORT, clock.now()))


async def test_damage_while_running_keeps_what_was_read_and_says_so(job, vendors, clock, tmp_path, caplog):
    missing(job, REPORT)
    await job.round()
    raw = (tmp_path / "index.json").read_bytes()
    (tmp_path / "index.json").write_bytes(raw[:-5])
    clock.tick(86_400)
    await job.round()
    await job.round()
    assert "index.json" in str(job.status()["damage"])
    assert missing(job, REPORT) == set()
    assert (tmp_path / "index.json").read_bytes() == raw[:-5]
    (tmp_path / "index.json").write_bytes(raw)
    vendors.now = clock.now()
    await job.round()
    assert job.status()["damage"] is None


def test_a_damaged_store_does_not_start(vendors, clock, events, tmp_path):
    take(tmp_path, [amd_crl()], NOW, VENDORS, TRUST)
    (tmp_path / "index.json").write_text("{}")
    job = CollateralJob(tmp_path, VendorDoor(), clock, VENDORS, TRUST, on_event=events)
    with pytest.raises(ConfigError, match="collateral"):
        job.load()


async def test_an_older_answer_is_not_news(job, vendors, clock, tmp_path):
    missing(job, REPORT)
    await job.round()
    clock.tick(86_400)
    vendors.now = NOW - 5 * DAY
    await job.round()
    assert job.status()["failing"] == {"amd-crl Genoa": "collateral_older"}
    assert job.snapshot.index.floors[Kind.AMD_CRL, "Genoa"].issued == NOW - DAY
    assert job.revision == 1


async def test_the_job_runs_by_itself_and_survives_a_fault(job, vendors, events, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    events.fail = AuditUnavailable("full")
    task = asyncio.create_task(job.run())
    try:
        missing(job, QUOTE)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not missing(job, QUOTE):
                break
        assert missing(job, QUOTE) == set()
        events.fail = None
        missing(job, REPORT)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if events.seen:
                break
        assert events.codes() == ["collateral_changed"]
    finally:
        task.cancel()


async def test_a_wanted_piece_is_asked_for_at_once(job, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 30.0)
    task = asyncio.create_task(job.run())
    try:
        await asyncio.sleep(0.05)
        missing(job, REPORT)
        for _ in range(300):
            await asyncio.sleep(0.01)
            if REPORT and not missing(job, REPORT):
                return
        raise AssertionError("the job slept")
    finally:
        task.cancel()


async def test_status_names_what_needs_attention(job, clock, tmp_path):
    take(tmp_path, all_pieces(), NOW, VENDORS, TRUST)
    job.load()
    clock.tick(86_400 * 6.5)
    assert any("jwks" in text for text in job.status()["expiring"])
    clock.tick(86_400 * 18)
    assert any(f"intel-tcb {TCB_KEY}" in text and "in 5 days" in text for text in job.status()["expiring"])
    assert any("jwks" in text for text in job.status()["expired"])
    assert MAA in str(job.status())
