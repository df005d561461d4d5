"""A request body read from the wire: bounded in bytes and time, then decompressed within the same bound.

Nothing is parsed here. The bound holds for what arrives and for what it unpacks to, so a small bomb costs no more
memory than the largest plain body (RFC 9110 §8.4; zstd windows as RFC 9659 allows them).
"""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Callable, Mapping

import brotli
import zstandard
from aiohttp import web

from proxy.errors import BadRequest, RequestTimeout, TooLarge
from proxy.settings import Limits

ZSTD_WINDOW = 8 * 1024 * 1024
"""Bytes; RFC 9659 §3."""
INLINE = 64 * 1024
"""Compressed bytes from which on unpacking is left to a thread."""


class _Corrupt(Exception):
    """The body is not what its Content-Encoding says, or goes on after its end."""


async def read(request: web.Request, limits: Limits, most: int | None = None) -> bytes:
    """The whole body, of ``most`` bytes (``limits.body_bytes``) at most, packed and unpacked. Raises TooLarge,
    RequestTimeout, or BadRequest for an encoding that is unknown or corrupt."""
    most = limits.body_bytes if most is None else most
    encoding = request.headers.get("Content-Encoding", "").strip().lower() or "identity"
    if encoding != "identity" and encoding not in DECODERS:
        known = ", ".join(sorted(DECODERS))
        raise BadRequest(f"The Content-Encoding must be one of: {known}.", code="unsupported_encoding")
    raw = await _arrived(request, most, limits.read_timeout_s)
    if encoding == "identity" or not raw:
        return raw
    unpack = DECODERS[encoding]
    try:
        if len(raw) < INLINE:
            body = unpack(raw, most + 1)
        else:
            body = await asyncio.to_thread(unpack, raw, most + 1)
    except (_Corrupt, zlib.error, brotli.error, zstandard.ZstdError):
        raise BadRequest("The body is not what its Content-Encoding says.", code="invalid_compression") from None
    if len(body) > most:
        raise TooLarge(f"The request is larger than {most} bytes when unpacked.")
    return body


async def _arrived(request: web.Request, most: int, timeout_s: float) -> bytes:
    too_large = TooLarge(f"The request is larger than {most} bytes.")
    if request.content_length is not None and request.content_length > most:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > most:
                    raise too_large
                parts.append(chunk)
    except TimeoutError:
        raise RequestTimeout("The request did not arrive in time.") from None
    return b"".join(parts)


def _zlib(wbits: int) -> Callable[[bytes, int], bytes]:
    def unpack(data: bytes, limit: int) -> bytes:
        stream = zlib.decompressobj(wbits)
        out = stream.decompress(data, limit)
        if len(out) < limit and (not stream.eof or stream.unused_data):
            raise _Corrupt
        return out

    return unpack


def _brotli(data: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    out = bytes(stream.process(data, output_buffer_limit=limit))
    while len(out) < limit and not stream.is_finished():
        more = stream.process(b"", output_buffer_limit=limit - len(out))
        if not more:
            raise _Corrupt
        out += more
    return out


def _zstd(data: bytes, limit: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    with unpacker.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
        out = reader.read(limit)
    if len(out) < limit and not _zstd_whole(data):
        raise _Corrupt
    return bytes(out)


def _zstd_whole(data: bytes) -> bool:
    """Whether the frames end where the body ends: a reader takes a cut frame for a short one."""
    while data:
        stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        stream.decompress(data)
        if not stream.eof:
            return False
        data = stream.unused_data
    return True


DECODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _zlib(31),
    "x-gzip": _zlib(31),
    "deflate": _zlib(15),
    "br": _brotli,
    "zstd": _zstd,
}
"""Content-Encoding -> (body, most bytes to give) -> what it says. A list of encodings is refused."""
