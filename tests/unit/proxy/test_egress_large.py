"""Bodies from disk through the data door: the recorded bytes, with their length, or a request without an end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from egress_support import receipt_for, upstream
from fake_cloud import FakeCloud

from proxy.egress import DataDoor
from proxy.errors import Misuse
from proxy.outbound import Outbound
from proxy.spool import CHUNK, Spool

TYPE = (("content-type", "application/octet-stream"),)


class Arriving(FakeCloud):
    """Takes anything, and counts what was not sent to its end."""

    async def _behave(self, request: object, body: bytes) -> object:  # type: ignore[override]  # any answer will do
        from aiohttp import web

        return web.json_response({})


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    async with Arriving() as made:
        yield made


@pytest.fixture
async def door(cloud: FakeCloud) -> AsyncIterator[DataDoor]:
    made = DataDoor({"cloud": upstream(url=cloud.url)})
    yield made
    await made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path) as made:
        made.write(os.urandom(3 * CHUNK + 5))
        made.seal()
        yield made


async def test_a_large_body_arrives_whole_with_its_length(door: DataDoor, cloud: FakeCloud, spool: Spool) -> None:
    out = Outbound("cloud", "POST", "/files", headers=TYPE, large=spool)
    async with door.send(receipt_for(out), out) as answer:
        assert answer.status == 200
    assert cloud.bodies == [b"".join(spool.read())]
    assert cloud.requests[0].header("content-length") == str(3 * CHUNK + 5)
    assert cloud.requests[0].header("transfer-encoding") is None


async def test_another_body_than_the_recorded_one_does_not_leave(
    door: DataDoor, cloud: FakeCloud, spool: Spool, tmp_path: Path
) -> None:
    out = Outbound("cloud", "POST", "/files", headers=TYPE, large=spool)
    receipt = receipt_for(out)
    with Spool(tmp_path) as other:
        other.write(os.urandom(3 * CHUNK + 5))
        other.seal()
        with pytest.raises(Misuse):
            async with door.send(receipt, Outbound("cloud", "POST", "/files", headers=TYPE, large=other)):
                pass
    assert cloud.connections == 0


class Turning:
    """A body whose bytes are others than its digest says, from the second reading on."""

    def __init__(self, spool: Spool) -> None:
        self.size, self.sha256 = spool.size, spool.sha256

    async def chunks(self) -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * CHUNK
        yield b"xxxxx"


async def test_bytes_that_are_not_the_digests_never_make_a_complete_request(
    door: DataDoor, cloud: FakeCloud, spool: Spool
) -> None:
    out = Outbound("cloud", "POST", "/files", headers=TYPE, large=Turning(spool))
    with pytest.raises(Exception, match=r".*") as failed:
        async with asyncio.timeout(20), door.send(receipt_for(out), out):
            pass
    assert not isinstance(failed.value, TimeoutError)
    assert cloud.bodies == []


async def test_a_get_has_no_body_and_no_request_has_two(door: DataDoor, spool: Spool) -> None:
    for out in (Outbound("cloud", "GET", "/x", large=spool), Outbound("cloud", "POST", "/x", large=spool, body=b"x")):
        with pytest.raises(Misuse):
            async with door.send(receipt_for(out), out):
                pass
