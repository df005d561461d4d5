"""Keys and small helpers for the tests of sealed bodies."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from attestation.hpke import Kem
from attestation.sealing import CurveSecret, Fault, SealingError, Secret, X25519Secret

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "attestation"
OWN = json.loads((FOLDER / "sealed_vectors.json").read_text())
RFC9180 = json.loads((FOLDER / "rfc9180_vectors.json").read_text())["vectors"]

x = bytes.fromhex


def secret(kem: Kem, private: str) -> Secret:
    if kem is Kem.X25519:
        return X25519Secret(X25519PrivateKey.from_private_bytes(x(private)))
    return CurveSecret(ec.SECP256R1(), ec.derive_private_key(int(private, 16), ec.SECP256R1()))


def refused(fault: Fault, call, *args) -> SealingError:
    """The error with ``fault`` that ``call`` must raise."""
    with pytest.raises(SealingError) as e:
        call(*args)
    assert e.value.fault is fault
    return e.value
