"""Published digests, and the standard's own padding against hashlib at every length around the block size."""

import hashlib

import pytest

from attestation.keccak import keccak256, sponge


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ],
)
def test_published_digests(text, digest):
    assert keccak256(text).hex() == digest


@pytest.mark.parametrize("size", [*range(130, 142), *range(268, 276), 0, 1, 1000])
def test_the_sponge_is_that_of_the_standard(size):
    data = bytes(i * 7 % 256 for i in range(size))
    assert sponge(data, 6) == hashlib.sha3_256(data).digest()
    assert keccak256(data) != sponge(data, 6)
