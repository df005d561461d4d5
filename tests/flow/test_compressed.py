"""Compressed requests are unpacked within the limit, looked at, and leave plain."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from gate_support import ADDRESS, HARMLESS, MAIL, Plan, chat, world

from proxy.settings import Limits

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "GZIP": gzip.compress,
}
SMALL = Limits(body_bytes=200_000, shutdown_s=5.0)


@pytest.mark.parametrize("encoding", PACK)
async def test_a_packed_request_is_read_and_leaves_plain(tmp_path: Path, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with world(tmp_path) as w:
        for text, size in ((MAIL, 1), (HARMLESS, 60_000)):
            body = json.dumps(chat(text * size if size > 1 else text)).encode()
            async with w.http.post(w.chat_url, data=PACK[encoding](body), headers=headers) as answer:
                assert answer.status == 200
        assert w.cloud.requests[0].header("content-encoding") is None
        assert ADDRESS.encode() not in w.cloud.requests[0].body and not w.cloud.violations
        assert w.cloud.requests[1].body == body, "what needed no change leaves as it was before it was packed"


@pytest.mark.parametrize("encoding", PACK)
async def test_a_bomb_is_413_and_costs_no_more_than_the_limit(tmp_path: Path, encoding: str) -> None:
    bomb = PACK[encoding](b'{"model": "gpt-4o", "messages": "' + b" " * 300_000_000)
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with world(tmp_path, Plan(limits=SMALL)) as w:
        async with w.http.post(w.chat_url, data=bomb[: SMALL.body_bytes], headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (413, "request_too_large")
        assert not w.cloud.requests and not w.house.requests


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("harm", ["cut", "trailing", "plain", "twice"])
async def test_a_body_that_is_not_what_its_encoding_says_is_400(tmp_path: Path, encoding: str, harm: str) -> None:
    body = json.dumps(chat(HARMLESS)).encode()
    packed = PACK[encoding](body)
    sent = {"cut": packed[:-5], "trailing": packed + b"{}", "plain": body, "twice": PACK[encoding](packed)}[harm]
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, data=sent, headers=headers) as answer:
            assert answer.status == 400
        assert not w.cloud.requests and not w.house.requests


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "identity, gzip", "gzip;q=1", "aes128gcm"])
async def test_an_encoding_that_is_not_read_is_400(tmp_path: Path, encoding: str) -> None:
    data = gzip.compress(json.dumps(chat(HARMLESS)).encode())
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, data=data, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "unsupported_encoding")
        assert not w.cloud.requests
