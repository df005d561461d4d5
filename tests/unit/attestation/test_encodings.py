import gzip
import tracemalloc
import zlib

import pytest

from attestation.encodings import base64_bytes, gunzip, hex_bytes
from attestation.types import Malformed


def test_base64_has_one_spelling():
    assert base64_bytes("AAE=", "x", 2) == b"\0\1"
    for text in ("AAE", "AAF=", "AAE=\n", "AA E=", "AAE=AAE=", "_-A=", "", "AAEC", "é", "\ud800", None, 3, b"AAE="):
        with pytest.raises(Malformed, match=r"^x "):
            base64_bytes(text, "x", 2)


def test_hex_is_lower_case_and_of_one_length():
    assert hex_bytes("00ff", "x", 2) == b"\0\xff"
    for text in ("00FF", "00f", "00ff00", "00 ff", "0x00", "", "00fé", None, 255):
        with pytest.raises(Malformed, match=r"^x must be 4 digits"):
            hex_bytes(text, "x", 2)


def test_gzip_is_one_whole_member():
    packed = gzip.compress(b"a report")
    assert gunzip(packed, "x", 8) == b"a report"
    for raw in (b"", packed[:-1], packed[:-9], packed + b"\0", packed + packed, zlib.compress(b"a report"), b"a report",
                packed[:-8] + bytes(8)):  # fmt: skip
        with pytest.raises(Malformed, match=r"^x "):
            gunzip(raw, "x", 8)


def test_gzip_that_is_larger_inside_is_not_unpacked():
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    with pytest.raises(Malformed, match="more than 7 bytes"):
        gunzip(gzip.compress(b"a report"), "x", 7)
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="more than 16384 bytes"):
            gunzip(bomb, "x", 16384)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
