"""A gate with a store of what vendors publish: learned, refreshed and counted beside the requests."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from fake_vendors import FakeVendors
from gate_support import RECORD, Plan, World, world
from published import AMD, DAY, amd_crl

from attestation.collateral.pieces import Kind, Piece
from attestation.simulator.server import SimulatedEnclave
from attestation.simulator.snp import ASK_SERIAL
from attestation.trust import VENDORS
from proxy.collateral import job
from proxy.collateral.writer import take
from proxy.errors import ConfigError
from proxy.upstreams import enclave


@pytest.fixture
async def vendors(monkeypatch):
    monkeypatch.setattr(enclave, "REFUSED_S", 0.05)
    monkeypatch.setattr(job, "LOOK_S", 0.05)
    async with FakeVendors(dt.datetime.now(dt.UTC)) as made:
        yield made


def plan(vendors: FakeVendors) -> Plan:
    return Plan(vendors=vendors.instead, enclave=SimulatedEnclave(platform=AMD))


async def answered(w: World, status: int) -> bool:
    for _ in range(200):
        if (await w.ask(RECORD, model="sealed-only")).status == status:
            return True
        await asyncio.sleep(0.02)
    return False


async def ready(w: World) -> dict:
    async with w.http.get(f"{w.gate.admin_url}/readyz") as answer:
        return await answer.json()


async def test_what_is_missing_is_fetched_beside_the_requests_and_then_counts(tmp_path, vendors):
    async with world(tmp_path, plan(vendors)) as w:
        first = await w.ask(RECORD, model="sealed-only")
        assert (first.status, first.code) == (503, "attestation_failed")
        assert w.enclave.received == []
        assert await answered(w, 200)
        (record,) = w.records(code="collateral_changed")
        assert [p["kind"] for p in record["details"]["pieces"]] == ["amd-crl"]
        shown = (await ready(w))["collateral"]
        assert (shown["pieces"], shown["expired"], shown["damage"]) == (1, [], None)
        lease = next(r["lease"] for r in w.records(kind="intent") if r.get("lease"))
        assert "crl" not in lease["unknown"]
        assert w.intact()
    vendors.bad = {"/": "down"}
    async with world(tmp_path, plan(vendors)) as w:  # a restart without any vendor
        assert (await w.ask(RECORD, model="sealed-only")).status == 200


async def test_a_revocation_that_an_operator_imports_ends_the_lease_at_the_next_request(tmp_path, vendors):
    async with world(tmp_path, plan(vendors)) as w:
        assert await answered(w, 200)
        now = dt.datetime.now(dt.UTC)
        news = amd_crl(now, number=int(now.timestamp()) + 10, revoked=(ASK_SERIAL,))
        await asyncio.to_thread(take, tmp_path / "collateral", [news], now, VENDORS, w.enclave.trust)
        assert await answered(w, 503)
        served = len(w.enclave.received)
        assert (await w.ask(RECORD, model="sealed-only")).code == "attestation_failed"
        assert len(w.enclave.received) == served
        assert any("crl.intermediate" in r["details"]["failures"] for r in w.records(code="enclave_refused"))


async def test_an_ended_list_stops_new_leases_and_says_so(tmp_path: Path, vendors):
    vendors.bad = {"/": "down"}
    now = dt.datetime.now(dt.UTC)
    short = AMD.crl(start=now - DAY, end=now + dt.timedelta(seconds=2), number=5)
    take(tmp_path / "collateral", [Piece(Kind.AMD_CRL, "Genoa", short, now)], now, VENDORS, AMD.trust)
    async with world(tmp_path, plan(vendors)) as w:
        assert (await w.ask(RECORD, model="sealed-only")).status == 200
        assert await answered(w, 503)
        shown = (await ready(w))["collateral"]
        assert "amd-crl Genoa" in shown["expired"][0]
        while not shown["failing"]:  # the job asks when it comes to it; a hang is the suite's to end
            await asyncio.sleep(0.05)
            shown = (await ready(w))["collateral"]
        assert shown["failing"] == {"amd-crl Genoa": "vendor_busy"}


async def test_a_damaged_store_does_not_start(tmp_path, vendors):
    (tmp_path / "collateral").mkdir()
    (tmp_path / "collateral" / "index.json").write_text("{}")
    with pytest.raises(ConfigError, match="collateral"):
        async with world(tmp_path, plan(vendors)):
            raise AssertionError("it started")
