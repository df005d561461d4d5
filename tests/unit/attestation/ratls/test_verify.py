"""TLS certificates with evidence: the three forms, each binding, each check, every flipped bit."""

import datetime as dt
import hashlib

import pytest
from attested import NOW, flips, ids
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.ratls.certificate import (
    DSTACK_LOG,
    DSTACK_QUOTE,
    GRAMINE,
    INTEROPERABLE,
    OPEN_ENCLAVE,
    dstack_report_data,
)
from attestation.simulator import pki
from attestation.simulator.cborwriter import dump, tagged
from attestation.simulator.intel import Guest, shared_intel, tlv
from attestation.tdx import verify as intel
from attestation.trust import VENDORS
from attestation.types import Evidence
from attestation.verify import verify

SIM = shared_intel()
INTEL = SIM.collateral(NOW)
KEY = ec.generate_private_key(ec.SECP256R1())
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
NAME = pki.name("enclave", "Sealgate Simulator")


def certificate(extensions: dict[str, bytes], signer: ec.EllipticCurvePrivateKey = KEY, **how: object) -> bytes:
    return pki.issue(NAME, KEY.public_key(), NAME, signer, extensions=extensions, digest=hashes.SHA256(), **how)


def quote(data: bytes, guest: Guest | None = None) -> bytes:
    return SIM.tdx_quote(data, guest)


def interoperable(claims: object = None, **changes: object) -> dict[str, bytes]:
    said = dump(claims if claims is not None else {"pubkey-hash": [1, hashlib.sha256(SPKI).digest()], **changes})
    return {INTEROPERABLE: tagged(60000, [quote(hashlib.sha256(said).digest()), said])}


def open_enclave(raw: bytes) -> dict[str, bytes]:
    return {OPEN_ENCLAVE: bytes.fromhex("0100000002000000") + len(raw).to_bytes(8, "little") + raw}


LEGACY = quote(hashlib.sha256(SPKI).digest())
DSTACK = {DSTACK_QUOTE: tlv(4, quote(dstack_report_data(SPKI))), DSTACK_LOG: tlv(4, b"[]")}
FORMS = {"interoperable": interoperable(), "gramine": {GRAMINE: LEGACY}, "oe": open_enclave(LEGACY), "dstack": DSTACK}


def verdict(extensions: dict[str, bytes], now: dt.datetime = NOW, **how: object) -> set[str]:
    return ids(Evidence("ratls", certificate(extensions, **how)), SIM.trust, now, INTEL)


@pytest.mark.parametrize("form", FORMS)
def test_a_good_certificate_binds_its_key(form):
    got = verify(Evidence("ratls", certificate(FORMS[form])), NOW, VENDORS, SIM.trust, INTEL)
    assert (got.tee, got.bound["spki"], got.simulated) == ("tdx", hashlib.sha256(SPKI).digest(), True)
    assert "nonce" not in got.bound


def test_a_nonce_in_the_claims_is_bound():
    der = certificate(interoperable(nonce=b"n" * 32))
    assert verify(Evidence("ratls", der), NOW, VENDORS, SIM.trust, INTEL).bound["nonce"] == b"n" * 32


@pytest.mark.parametrize("algorithm", [(7, hashlib.sha384), (8, hashlib.sha512)])
def test_claims_may_name_the_key_by_another_hash(algorithm):
    number, digest = algorithm
    assert verdict(interoperable({"pubkey-hash": [number, digest(SPKI).digest()]})) == set()


def test_a_stolen_quote_does_not_bind_another_key():
    other = hashlib.sha256(b"another key").digest()
    assert verdict({GRAMINE: quote(other)}) == {"certificate.bound"}
    assert verdict(open_enclave(quote(other))) == {"certificate.bound"}
    assert verdict({DSTACK_QUOTE: tlv(4, LEGACY)}) == {"certificate.bound"}
    assert verdict(interoperable({"pubkey-hash": [1, other]})) == {"certificate.key"}
    said = dump({"pubkey-hash": [1, hashlib.sha256(SPKI).digest()]})
    assert verdict({INTEROPERABLE: tagged(60000, [LEGACY, said])}) == {"certificate.bound"}


def test_the_quote_is_verified():
    debug = quote(hashlib.sha256(SPKI).digest(), Guest(attributes=1 << 28 | 1))
    assert verdict({GRAMINE: debug}) == {"td.debug"}
    assert "pck.root" in ids(Evidence("ratls", certificate({GRAMINE: LEGACY})), None, NOW, INTEL)
    assert ids(Evidence("ratls", certificate({GRAMINE: LEGACY})), SIM.trust) == {"collateral"}


def test_all_failures_are_reported_at_once():
    debug = quote(hashlib.sha256(SPKI).digest(), Guest(attributes=1 << 28 | 1))
    assert verdict({GRAMINE: debug}, end=NOW - dt.timedelta(1)) == {"td.debug", "certificate.validity"}


def test_a_certificate_holds_between_its_dates():
    assert verdict(FORMS["gramine"], end=NOW - dt.timedelta(1)) == {"certificate.validity"}
    assert verdict(FORMS["gramine"], start=NOW + dt.timedelta(1)) == {"certificate.validity"}


def test_a_certificate_is_signed_by_itself_or_the_issuer_that_came_along():
    other = ec.generate_private_key(ec.SECP256R1())
    assert verdict(FORMS["gramine"], signer=other) == {"certificate.signature"}
    issuer = pki.issue(NAME, other.public_key(), NAME, other, digest=hashes.SHA256(), ca=True)
    evidence = Evidence("ratls", certificate(FORMS["gramine"], signer=other), (issuer,))
    assert ids(evidence, SIM.trust, NOW, INTEL) == set()
    assert ids(Evidence("ratls", evidence.report, (issuer, issuer)), SIM.trust, NOW, INTEL) == {"malformed"}


def test_an_event_log_in_the_certificate_is_replayed():
    log = b'[{"imr":3,"event_type":1,"digest":"%s","event":"","event_payload":""}]' % (b"01" * 48)
    assert verdict({**DSTACK, DSTACK_LOG: tlv(4, log)}) == {"event-log.rtmr3"}


@pytest.mark.parametrize("extensions", [
    {}, {GRAMINE: LEGACY, DSTACK_QUOTE: tlv(4, LEGACY)}, {GRAMINE: b""}, {OPEN_ENCLAVE: LEGACY},
    {OPEN_ENCLAVE: bytes(16) + LEGACY}, {DSTACK_QUOTE: LEGACY}, {INTEROPERABLE: b"\xf6"},
    {INTEROPERABLE: tagged(60001, [LEGACY, b""])}, {INTEROPERABLE: tagged(60000, [LEGACY])},
    {INTEROPERABLE: tagged(60000, [LEGACY, "x"])}, {INTEROPERABLE: tagged(60000, [LEGACY, dump({})])},
    interoperable({"pubkey-hash": [2, b""]}), interoperable({"pubkey-hash": b""}), interoperable(more=1),
    interoperable(nonce="x"),
])  # fmt: skip
def test_another_form_is_malformed(extensions):
    assert verdict(extensions) == {"malformed"}


def test_no_flipped_bit_is_accepted(monkeypatch):
    monkeypatch.setattr(intel, "_second_opinion", lambda *_: intel.check("dcap-qvl", True, "left out: ours alone"))
    der = certificate(FORMS["interoperable"])
    for raw in list(flips(der))[::3]:  # every byte was tried once; this keeps the suite quick
        assert ids(Evidence("ratls", raw), SIM.trust, NOW, INTEL), "a changed certificate was accepted"


def test_a_certificate_is_der():
    pem = x509.load_der_x509_certificate(certificate(FORMS["gramine"])).public_bytes(Encoding.PEM)
    assert ids(Evidence("ratls", pem), SIM.trust, NOW, INTEL) == {"malformed"}
