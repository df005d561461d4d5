"""What report data must be, format by format."""

import hashlib

import pytest

from attestation.binding import (
    dstack_report_data,
    sealgate_snp_report_data,
    tinfoil_draft_report_data,
    tinfoil_report_data,
    tinfoil_v2_report_data,
)


def test_report_data_is_the_hash_of_the_key_followed_by_the_nonce():
    nonce = bytes(range(32))
    assert sealgate_snp_report_data(b"spki", nonce) == hashlib.sha256(b"spki").digest() + nonce


@pytest.mark.parametrize(
    ("spki", "nonce"), [(b"", bytes(32)), (b"spki", bytes(31)), (b"spki", bytes(33)), (b"spki", b"")]
)
def test_an_empty_key_or_a_nonce_of_another_length_is_refused(spki, nonce):
    with pytest.raises(ValueError, match="binding needs"):
        sealgate_snp_report_data(spki, nonce)


def test_tinfoil_names_keys_nonce_and_devices_in_every_form():
    tls, hpke, nonce, gpu, switch = (bytes([i]) * 32 for i in range(1, 6))
    sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()  # noqa: E731
    assert tinfoil_v2_report_data(tls, hpke) == tls + hpke
    hashes = (sha(b"keys"), sha(b"devices"))
    want = sha(b"https://tinfoil.sh/report-data/v1", nonce, *hashes) + bytes(32)
    assert tinfoil_report_data(nonce, b"keys", b"devices") == want
    draft = {
        (None, None): sha(tls, hpke, nonce),
        (gpu, None): sha(tls, hpke, nonce, sha(gpu)),
        (gpu, switch): sha(tls, hpke, nonce, sha(gpu), sha(switch)),
    }
    for devices, digest in draft.items():
        assert tinfoil_draft_report_data(tls, hpke, nonce, *devices) == digest + bytes(32)


def test_tinfoil_takes_no_part_of_another_length():
    k = bytes(32)
    for bad in (b"", bytes(31), bytes(33)):
        for make in (
            lambda b: tinfoil_v2_report_data(b, k), lambda b: tinfoil_v2_report_data(k, b),
            lambda b: tinfoil_report_data(b, k, k), lambda b: tinfoil_draft_report_data(b, k, k, None, None),
            lambda b: tinfoil_draft_report_data(k, b, k, None, None),
            lambda b: tinfoil_draft_report_data(k, k, b, None, None),
        ):  # fmt: skip
            with pytest.raises(ValueError, match="32 bytes"):
                make(bad)
    with pytest.raises(ValueError, match="switches without GPUs"):
        tinfoil_draft_report_data(k, k, k, None, b"x")


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
