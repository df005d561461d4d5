"""Privatemode's secret exchange, against a service of our own and against the library's X-Wing."""

import copy
import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from attestation.hpke import Aead, Kem, Receiver, Suite, new_secret
from attestation.privatemode.exchange import ENCAPSULATED_BYTES, PUBLIC_BYTES, SecretExchange, XWing
from attestation.sealing import SealingError
from attestation.simulator.privatemode import Service, encapsulate
from attestation.types import Malformed, Rejected

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SERVICE = Service()


def refused(now: dt.datetime = NOW, mesh_ca: bytes | None = None, **changes) -> set[str]:
    exchange = SecretExchange()
    try:
        exchange.finish(SERVICE.answer(exchange.body, **changes), mesh_ca or SERVICE.mesh_ca, now)
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed:
        return {"malformed"}
    except SealingError as e:
        return {e.fault.value}
    return set()


def test_both_sides_have_the_same_secret():
    exchange = SecretExchange()
    secret = exchange.finish(SERVICE.answer(exchange.body), SERVICE.mesh_ca, NOW)
    assert (secret.id, secret.key) == (SERVICE.id, SERVICE.key) and len(secret.key) == 32
    assert secret.not_after == dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
    assert secret.key.hex() not in repr(secret) and str(secret.key) not in repr(secret)


def test_the_librarys_x_wing_seals_what_ours_opens():
    key = XWing()
    assert len(key.public) == PUBLIC_BYTES
    library = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    public = hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key.public[:1184]), X25519PublicKey.from_public_bytes(key.public[1184:])
    )
    sealed = library.encrypt(b"a secret", public, info=b"info")
    enc, ciphertext = sealed[:ENCAPSULATED_BYTES], sealed[ENCAPSULATED_BYTES:]
    receiver = Receiver(Suite(Kem.X_WING, Aead.AES_256_GCM), key.shared(enc), b"info", None)
    assert receiver.open(ciphertext) == b"a secret"


def test_another_service_is_refused():
    other = Service()
    assert refused(MeshCert=other.leaf) == {"mesh.signature", "secret.signature"}
    assert refused(mesh_ca=other.mesh_ca) == {"mesh.signature"}


def test_the_signature_is_over_our_key_and_the_answers():
    exchange, before = SecretExchange(), SecretExchange()
    old = json.loads(SERVICE.answer(before.body))
    for answer in (old, {**json.loads(SERVICE.answer(exchange.body)), "EncapsulatedKey": old["EncapsulatedKey"]}):
        with pytest.raises(Rejected, match=r"^secret\.signature"):
            exchange.finish(json.dumps(answer).encode(), SERVICE.mesh_ca, NOW)
    assert refused(Signature=b"\0") == {"secret.signature"}


def test_a_certificate_must_be_current_of_a_service_and_no_authority():
    old = SERVICE.certificate("old", SERVICE.leaf_key, end=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    client = SERVICE.certificate("client", SERVICE.leaf_key, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert refused(MeshCert=old) == {"mesh.validity"}
    assert refused(MeshCert=client) == {"mesh.usage"}
    assert refused(MeshCert=SERVICE.certificate("free", SERVICE.leaf_key, usage=None)) == set()
    assert refused(MeshCert=SERVICE.certificate("ca", SERVICE.leaf_key, ca=True)) == {"mesh.constraints"}
    assert refused(now=NOW + dt.timedelta(days=365 * 30)) == {"mesh.validity"}
    assert refused(MeshCert=SERVICE.certificate("x", ec.generate_private_key(ec.SECP256R1()))) == {"secret.signature"}


@pytest.mark.parametrize("enc", [bytes(1119), b"", None, 3, bytes(1121)])
def test_an_encapsulated_key_of_another_form_is_refused(enc):
    assert refused(EncapsulatedKey=enc) in ({"malformed"}, {"secret.signature"})


def test_a_short_or_low_order_key_gives_no_secret():
    key = XWing()
    enc, shared = encapsulate(key.public)
    assert key.shared(enc) == shared
    assert key.shared(bytes((enc[0] ^ 1,)) + enc[1:]) != shared
    for bad in (enc[:-1], enc + b"\0", b"", enc[:-32] + bytes(32)):
        with pytest.raises(SealingError):
            key.shared(bad)


def test_an_answer_of_another_form_is_malformed():
    exchange = SecretExchange()
    good = json.loads(SERVICE.answer(exchange.body))
    for answer in (b"", b"[]", b"\xff", json.dumps({**good, "Extra": ""}).encode(), json.dumps({}).encode(),
                   json.dumps({**good, "MeshCert": "AA"}).encode(), json.dumps({**good, "MeshCert": ""}).encode(),
                   json.dumps(good).encode() + b" " * 70_000):  # fmt: skip
        with pytest.raises(Malformed):
            exchange.finish(answer, SERVICE.mesh_ca, NOW)


def test_keys_cannot_be_copied():
    for held in (SecretExchange(), XWing()):
        with pytest.raises(TypeError, match="must not be copied"):
            copy.copy(held)


def test_x_wing_is_no_diffie_hellman():
    with pytest.raises(SealingError, match="no Diffie-Hellman"):
        new_secret(Kem.X_WING)
