"""What every audit store must do, whatever it is built on. A further store joins by one more entry in MAKERS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from audit_support import DIGEST, KEY, intent, now, outcome, refusal

from proxy.audit.query import Filter, query, verify
from proxy.audit.sqlite import SqliteStore
from proxy.audit.store import genuine
from proxy.audit.verify import Verdict
from proxy.errors import AuditUnavailable, Misuse


@dataclass
class Ledger:
    """A running store, how to read it, and how to start it again as after a crash."""

    store: SqliteStore
    records: Callable[[], list[dict[str, Any]]]
    verify: Callable[[], Verdict]
    again: Callable[[], SqliteStore]


def _sqlite(folder: Path) -> Ledger:
    path = folder / "ledger.sqlite"

    def make() -> SqliteStore:
        return SqliteStore(path, KEY, now)

    return Ledger(make(), lambda: query(path, Filter()), lambda: verify(path, KEY), make)


MAKERS = {"sqlite": _sqlite}


@pytest.fixture(params=sorted(MAKERS))
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    made = MAKERS[request.param](tmp_path)
    await made.store.open()
    yield made
    await made.store.close()


async def test_an_intent_is_readable_and_its_receipt_genuine_when_begin_returns(ledger: Ledger) -> None:
    receipt = await ledger.store.begin(intent(), DIGEST)
    (record,) = ledger.records()
    assert (receipt.seq, receipt.request_id, receipt.upstream, receipt.digest) == (1, "req-1", "openai", DIGEST)
    assert genuine(receipt)
    assert record["seq"] == 1 and record["kind"] == "intent" and record["rules"][1] == "patient-data"


async def test_every_kind_has_its_own_seq_and_hash_and_the_chain_holds(ledger: Ledger) -> None:
    receipt = await ledger.store.begin(intent(), DIGEST)
    await ledger.store.finish(outcome(receipt.seq))
    assert await ledger.store.refuse(refusal()) == 3
    assert await ledger.store.control("started", {"policy_revision": "a1"}) == 4
    records = ledger.records()
    assert [r["kind"] for r in records] == ["intent", "outcome", "refusal", "control"]
    assert len({r["hash"] for r in records}) == 4
    assert [r["prev_hash"] for r in records[1:]] == [r["hash"] for r in records[:-1]]
    assert ledger.verify() == Verdict(4, records[-1]["hash"], True)


async def test_64_concurrent_begins_all_succeed_in_one_verified_chain(ledger: Ledger) -> None:
    receipts = await asyncio.gather(*(ledger.store.begin(intent(f"req-{i}"), DIGEST) for i in range(64)))
    assert sorted(r.seq for r in receipts) == list(range(1, 65))
    by_seq = {r["seq"]: r["request_id"] for r in ledger.records()}
    assert all(by_seq[r.seq] == r.request_id for r in receipts)
    assert ledger.verify().problem is None


async def test_open_intents_end_as_unknown_at_the_next_start(ledger: Ledger) -> None:
    closed = await ledger.store.begin(intent("closed"), DIGEST)
    await ledger.store.begin(intent("open"), DIGEST)
    await ledger.store.finish(outcome(closed.seq, "closed"))
    await ledger.store.close()
    again = ledger.again()
    await again.open()
    try:
        assert again.recovered == 1
        last = ledger.records()[-1]
        assert (last["kind"], last["code"], last["ref_seq"], last["request_id"]) == ("outcome", "unknown", 2, "open")
        assert (await again.begin(intent("next"), DIGEST)).seq == 5
        assert ledger.verify().problem is None
    finally:
        await again.close()


async def test_a_closed_store_records_nothing_and_says_so(ledger: Ledger) -> None:
    await ledger.store.close()
    assert not ledger.store.healthy()
    with pytest.raises(AuditUnavailable):
        await ledger.store.begin(intent(), DIGEST)
    with pytest.raises(AuditUnavailable):
        await ledger.store.finish(outcome(1))
    with pytest.raises(AuditUnavailable):
        await ledger.store.refuse(refusal())


async def test_text_cannot_enter_a_record(ledger: Ledger) -> None:
    with pytest.raises(Misuse) as caught:
        await ledger.store.refuse(refusal(code="Jane Roe has a fever"))
    assert "Jane" not in str(caught.value)
    with pytest.raises(Misuse):
        await ledger.store.control("started", {"note": "free text with spaces"})
    assert ledger.records() == []


async def test_an_attempt_cancelled_before_its_record_was_durable_ends_as_not_sent(ledger: Ledger) -> None:
    task = asyncio.ensure_future(ledger.store.begin(intent("gone"), DIGEST))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        while len(ledger.records()) < 2:
            await asyncio.sleep(0.01)
    assert [(r["kind"], r.get("code")) for r in ledger.records()] == [("intent", None), ("outcome", "not_sent")]
