from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from audit_support import DIGEST, KEY, intent, outcome, refusal

from proxy.audit.query import Filter, query, verify
from proxy.audit.sqlite import SqliteStore
from proxy.errors import ConfigError


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A running gate's ledger; each transaction is one minute later than the one before."""
    minutes = iter(range(10_000))

    def tick() -> dt.datetime:
        return dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC) + dt.timedelta(minutes=next(minutes))

    made = SqliteStore(tmp_path / "ledger.sqlite", KEY, tick)
    await made.open()
    await made.begin(intent("a", app="crm"), DIGEST)
    await made.finish(outcome(1, "a"))
    await made.begin(intent("b", app="bot", zone="onprem", action="local", upstream="local"), DIGEST)
    await made.refuse(refusal("b"))
    await made.control("enclave_refused", {"upstream": "sealed", "ref_seq": 1})
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("want", "seqs"),
    [
        (Filter(), [1, 2, 3, 4, 5]),
        (Filter(limit=2), [4, 5]),
        (Filter(limit=0), []),
        (Filter(app="bot"), [3]),
        (Filter(app="crm", kind="intent"), [1]),
        (Filter(zone="onprem"), [3]),
        (Filter(action="redacted"), [1]),
        (Filter(request_id="b"), [3, 4]),
        (Filter(upstream="sealed"), [4, 5]),
        (Filter(code="attestation_failed"), [4]),
        (Filter(ref_seq=1), [2, 5]),
        (Filter(since="2026-11-21T12:03"), [4, 5]),
        (Filter(until="2026-11-21T12:02"), [1, 2]),
        (Filter(since="2026-11-21T12:01", until="2026-11-21T12:03"), [2, 3]),
        (Filter(app="' OR 1=1 --"), []),
    ],
)
async def test_filters_narrow_and_keep_the_order_of_the_ledger(
    store: SqliteStore, want: Filter, seqs: list[int]
) -> None:
    assert [r["seq"] for r in query(store._path, want)] == seqs


async def test_reading_works_while_the_gate_writes_and_sees_one_state(store: SqliteStore) -> None:
    async def write() -> None:
        for i in range(60):
            await store.begin(intent(f"w-{i}"), DIGEST)

    writing = asyncio.ensure_future(write())
    while not writing.done():
        verdict = await asyncio.to_thread(verify, store._path, KEY)
        assert verdict.problem is None
    await writing
    assert verify(store._path, KEY).records == 65


async def test_reading_leaves_the_ledger_as_it_is(store: SqliteStore) -> None:
    await store.close()
    before = store._path.read_bytes()
    query(store._path, Filter())
    verify(store._path, KEY)
    assert store._path.read_bytes() == before


def test_no_ledger_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--data"):
        query(tmp_path / "ledger.sqlite", Filter())
