"""``kill -9`` of the gate at any moment of a request loses no record whose bytes left.

Real gates (their own processes), the real ledger, a recording upstream in this process. What reached the upstream is
tied to its intent by the keyed digest of the very bytes. ``SEALGATE_CRASHES`` says how often (``make crash``: 300).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from crash_support import POINTS, Driver
from fake_cloud import FakeCloud

from proxy import keys
from proxy.audit.query import Filter, query, verify

CRASHES = int(os.environ.get("SEALGATE_CRASHES", "30"))
SEED = int(os.environ.get("SEALGATE_CRASH_SEED", "20260301"))
CLIENTS = 6
KEY = "crash-test-app-key-0001"
TEXT = "Ticket {}: write to anna.berg{}@example.com about invoice DE89 3704 0044 0532 0130 00 and the garden fence."


class Upstream(FakeCloud):
    """Also counts requests of which only a part arrived."""

    begun = 0

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.begun += 1
        return await super()._handle(request)


class Load:
    """Clients that send until the gate is gone."""

    def __init__(self) -> None:
        self.sent = 0

    async def run(self, url: str) -> None:
        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as group:
            for i in range(CLIENTS):
                group.create_task(self._client(session, f"{url}/v1/chat/completions", stream=i % 2 == 0))

    async def _client(self, session: aiohttp.ClientSession, url: str, *, stream: bool) -> None:
        try:
            while True:
                self.sent += 1
                text = TEXT.format(self.sent, self.sent)
                body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": stream}
                async with session.post(url, json=body) as answer:
                    await answer.read()
        except (aiohttp.ClientError, ConnectionError):
            return


class Ledger:
    """What the dead gate left behind, and what must hold of it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "var" / "ledger.sqlite"
        self._keys = folder / "var.keys"

    def records(self) -> list[dict[str, Any]]:
        return query(self._path, Filter()) if self._path.is_file() else []

    def lost(self, bodies: list[bytes]) -> Counter[str]:
        """Bodies that the upstream has and no intent covers, by keyed digest."""
        key = keys.load(self._keys).purpose("body-mac", "")
        received = Counter(hmac.digest(key, b, hashlib.sha256).hex() for b in bodies)
        return received - Counter(r["body_mac"] for r in self.records() if r["kind"] == "intent")

    def open(self) -> set[int]:
        records = self.records()
        ended = {r["ref_seq"] for r in records if r["kind"] == "outcome"}
        return {r["seq"] for r in records if r["kind"] == "intent"} - ended

    def unknown(self) -> set[int]:
        return {r["ref_seq"] for r in self.records() if r["kind"] == "outcome" and r["code"] == "unknown"}

    def problem(self) -> str | None:
        verdict = verify(self._path, keys.load(self._keys).purpose("audit"))
        return verdict.problem or (None if verdict.head_checked else "the head was not checked")


async def crash(driver: Driver, load: Load, point: str | None, dice: random.Random) -> bool:
    """One life of a gate, ended by SIGKILL. True if it served."""
    gate = await driver.start(point, dice.randint(1, 12) if point and not point.endswith("recovery") else 1)
    if "died" in gate:
        return False
    running = asyncio.create_task(load.run(gate["url"]))
    if point is None:
        await asyncio.sleep(dice.uniform(0.0, 0.25))
        os.kill(gate["pid"], signal.SIGKILL)
    await asyncio.wait_for(asyncio.gather(running, driver.dead()), 60)
    return True


def moments(count: int, dice: random.Random) -> list[str | None]:
    """Every named point in turn, and every third crash at a random moment instead; shuffled."""
    fatal = [POINTS[i * 2 // 3 % len(POINTS)] if i % 3 else None for i in range(count)]
    dice.shuffle(fatal)
    return fatal


async def test_kill_9_at_any_moment_loses_no_record_whose_bytes_left(tmp_path: Path) -> None:
    dice, load, ledger = random.Random(SEED), Load(), Ledger(tmp_path)
    served = closed = 0
    cloud = Upstream()
    async with cloud, Driver(tmp_path, cloud.url, KEY) as driver:
        for point in moments(CRASHES, dice):
            left_open = ledger.open()
            served += await crash(driver, load, point, dice)
            where = f"killed at {point or 'a random moment'} (seed {SEED})"
            assert not ledger.lost(cloud.bodies), where
            assert cloud.begun <= sum(r["kind"] == "intent" for r in ledger.records()), where
            assert ledger.problem() is None, where
            if point != "before_recovery":
                assert left_open <= ledger.unknown(), where
                closed += len(left_open)
        left_open = ledger.open()
        last = await driver.start()
        assert last["recovered"] == len(left_open)
        assert not ledger.open()
        assert left_open <= ledger.unknown()
        assert ledger.problem() is None
    assert served > CRASHES / 2
    assert len(cloud.requests) > CRASHES, "the upstream saw too little for this test to mean anything"
    assert closed + len(left_open) > 0, "no crash left an open intent: this test killed at the wrong moments"
    assert not cloud.violations


async def test_the_check_sees_a_gate_that_sends_before_it_records(tmp_path: Path) -> None:
    load, ledger = Load(), Ledger(tmp_path)
    cloud = Upstream()
    async with cloud, Driver(tmp_path, cloud.url, KEY) as driver:
        gate = await driver.start(early=True)
        running = asyncio.create_task(load.run(gate["url"]))
        await cloud.arrived.wait()
        os.kill(gate["pid"], signal.SIGKILL)
        await asyncio.gather(running, driver.dead())
        assert ledger.lost(cloud.bodies)
