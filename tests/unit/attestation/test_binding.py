"""The report data of format sealgate-snp."""

import hashlib

import pytest

from attestation.binding import sealgate_snp_report_data


def test_report_data_is_the_hash_of_the_key_followed_by_the_nonce():
    nonce = bytes(range(32))
    assert sealgate_snp_report_data(b"spki", nonce) == hashlib.sha256(b"spki").digest() + nonce


@pytest.mark.parametrize(
    ("spki", "nonce"), [(b"", bytes(32)), (b"spki", bytes(31)), (b"spki", bytes(33)), (b"spki", b"")]
)
def test_an_empty_key_or_a_nonce_of_another_length_is_refused(spki, nonce):
    with pytest.raises(ValueError, match="binding needs"):
        sealgate_snp_report_data(spki, nonce)
