"""The report data of format sealgate-snp and of dstack proxies."""

import hashlib

import pytest

from attestation.binding import dstack_report_data, sealgate_snp_report_data


def test_report_data_is_the_hash_of_the_key_followed_by_the_nonce():
    nonce = bytes(range(32))
    assert sealgate_snp_report_data(b"spki", nonce) == hashlib.sha256(b"spki").digest() + nonce


@pytest.mark.parametrize(
    ("spki", "nonce"), [(b"", bytes(32)), (b"spki", bytes(31)), (b"spki", bytes(33)), (b"spki", b"")]
)
def test_an_empty_key_or_a_nonce_of_another_length_is_refused(spki, nonce):
    with pytest.raises(ValueError, match="binding needs"):
        sealgate_snp_report_data(spki, nonce)


def test_a_dstack_proxy_signs_its_key_with_the_tls_key_or_alone():
    address, key, tls, nonce = b"\1" * 20, b"\2" * 32, b"\3" * 32, bytes(range(32))
    for signer in (address, key):
        bound = dstack_report_data(signer, tls, nonce)
        assert bound == hashlib.sha256(signer + tls).digest() + nonce
        assert dstack_report_data(signer, None, nonce) == signer + bytes(32 - len(signer)) + nonce


@pytest.mark.parametrize(
    "parts",
    [
        (b"", bytes(32), bytes(32)), (bytes(64), bytes(32), bytes(32)), (bytes(20), bytes(20), bytes(32)),
        (bytes(20), b"", bytes(32)), (bytes(20), None, bytes(31)), (bytes(21), None, bytes(32)),
    ],
)  # fmt: skip
def test_the_dstack_binding_needs_all_its_parts(parts):
    with pytest.raises(ValueError, match="binding"):
        dstack_report_data(*parts)
