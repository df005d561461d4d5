"""The question to NVIDIA's responder, and what may count as its answer."""

from __future__ import annotations

import pytest
from attested import NOW, vector
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from attestation import strictjson
from attestation.der import items
from attestation.encodings import base64_bytes
from attestation.nvidia.asking import NONCE_BYTES, asks, echoes, question, refusal
from attestation.nvidia.ocsp import asked, key_of, keys_for, read_answer
from attestation.nvidia.verify import pem_certificates
from attestation.paths import load_path
from attestation.simulator.nvidia import shared_vendor
from attestation.simulator.responder import NvidiaService
from attestation.types import Malformed
from attestation.x509 import load_certificate

SIM = shared_vendor()
GPU = SIM.gpu()
PATH = tuple(load_certificate(der) for der in GPU.chain)
DEVICE, ISSUER = PATH[1], PATH[2]
KEYS = keys_for(DEVICE, ISSUER)
NONCE = bytes(range(NONCE_BYTES))


def answer(key: str = KEYS[2], nonce: bytes = NONCE, way: str = "", *, critical: bool = False) -> bytes:
    service = NvidiaService(SIM, NOW)
    service.way, service.critical = way, critical
    return service.status(question(key, ISSUER, nonce))


@pytest.mark.parametrize("key", KEYS)
def test_a_question_names_one_certificate_as_the_store_does(key):
    der = question(key, ISSUER, NONCE)
    assert asks(der) == key
    assert echoes(answer(key), NONCE)


def test_a_real_device_is_asked_about_as_nvidias_own_verifier_does():
    """SHA-384 of the issuer's name and key, and the serial number (gpu-verifier: OCSPRequestBuilder, SHA384)."""
    body = strictjson.load(vector("nvidia/evidence_hopper_590_12.json"), 2**21)
    path = load_path(pem_certificates(base64_bytes(body[0]["certificate"], "a chain", 2**20)))
    pairs = list(asked(path))
    assert len(pairs) == 3
    for certificate, issuer in pairs:
        (key,) = (k for k in keys_for(certificate, issuer) if k.startswith("sha384/"))
        whole = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA384())
        want = whole.add_extension(x509.OCSPNonce(NONCE), critical=False).build().public_bytes(Encoding.DER)
        assert question(key, issuer, NONCE) == want


@pytest.mark.parametrize("key", ["", "sha384", "md5/00/1", f"sha384/{'0' * 96}/x", f"sha224/{'0' * 56}/1"])
def test_another_name_is_nobodys(key):
    with pytest.raises(ValueError, match="names no certificate"):
        question(key, ISSUER, NONCE)
    with pytest.raises(ValueError, match="length"):
        question(KEYS[2], ISSUER, NONCE[1:])


def request(extra: list[x509.ExtensionType] | None = None) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(DEVICE, ISSUER, hashes.SHA384())
    for extension in extra if extra is not None else [x509.OCSPNonce(NONCE)]:
        builder = builder.add_extension(extension, critical=False)
    return builder.build().public_bytes(Encoding.DER)


def named(der: bytes, name: bytes) -> bytes:
    """``der`` with a requestor's name, which the format has room for."""
    ((_, inner),) = items(items(der)[0][1])
    return _tlv(0x30, _tlv(0x30, _tlv(0xA1, _tlv(0x81, name)) + inner))


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value)) if len(value) < 128 else (tag, 0x81, len(value))) + value


ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"a patient's name")
GOOD = request()


@pytest.mark.parametrize(
    "der",
    {
        "nothing": b"", "text": b"a patient's name", "tail": GOOD + b"\0", "no nonce": request(extra=[]),
        "requestor": named(GOOD, b"a patient's name"),
        "more": request(extra=[x509.OCSPNonce(NONCE), ODD]), "odd": request(extra=[ODD]),
        "long nonce": request(extra=[x509.OCSPNonce(b"a patient's name, and their illness")]),
    }.values(),
)  # fmt: skip
def test_nothing_else_is_a_question(der):
    assert asks(GOOD) == KEYS[2]
    assert asks(der) is None


def test_a_requestor_s_name_is_readable_and_refused():
    assert ocsp.load_der_ocsp_request(named(GOOD, b"a patient's name")).serial_number == DEVICE.serial_number


def test_an_answer_is_for_its_question():
    assert echoes(answer(), NONCE)
    assert echoes(answer(critical=True), NONCE)
    assert not echoes(answer(), bytes(NONCE_BYTES))
    assert not echoes(answer(way="no nonce"), NONCE)
    assert not echoes(answer(way="another nonce"), NONCE)


@pytest.mark.parametrize("way", ["cut", "junk", "no end"])
def test_junk_is_malformed_and_no_refusal(way):
    der = answer(way=way)
    assert refusal(der) is None
    with pytest.raises(Malformed):
        echoes(der, NONCE)


def test_a_responder_may_say_that_it_does_not_answer():
    assert refusal(answer(way="try later")) == (True, "try later")
    assert refusal(answer(way="unauthorized")) == (False, "unauthorized")
    assert refusal(answer()) is None
    assert refusal(bytes.fromhex("30030a0106")) == (
        False,
        "unauthorized",
    )  # what the real one says of a device's own leaf
    assert refusal(b"\x30" * 70_000) is None


def test_the_names_of_an_answer_and_of_its_question_are_one():
    for key in KEYS:
        assert key_of(read_answer(answer(key))) == key
