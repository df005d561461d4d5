"""Documents of a simulated Tinfoil machine, read and proven without a network."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib

from attestation import ehbp
from attestation.providers.base import Heard, Presented, Reply
from attestation.providers.prove import Proof, prove
from attestation.providers.tinfoil import DOCUMENT, KEYS, Tinfoil
from attestation.simulator.providers.tinfoil import NOW, Machine
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.providers.tinfoil_present import present
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL, Collateral, Expectations, Malformed, Rejected

NONCE = bytes.fromhex("a5" * 32)
OPTIONS = {Form.V3: Tinfoil(), Form.DRAFT: Tinfoil(allow_draft=True), Form.V2: Tinfoil(allow_v2=True)}


@functools.cache
def tls() -> SimulatedEnclave:
    """Holds a TLS key and its certificate."""
    enclave = SimulatedEnclave()
    enclave.rotate_key()
    return enclave


def pin() -> bytes:
    return hashlib.sha256(tls().spki).digest()


@functools.cache
def machine(tee: str = "snp", gpus: int = 2, switches: int = 1) -> Machine:
    return Machine(tee, gpus=gpus, switches=switches)


def heard(document: bytes, m: Machine | None = None, certificate: bytes | None = None) -> Heard:
    keys = Reply((m or machine()).key_config(), ehbp.KEYS_TYPE)
    return Heard({DOCUMENT: Reply(document), KEYS: keys}, certificate or tls().certificate)


def told(m: Machine, form: Form = Form.V3, lie: Lie | None = None, options: Tinfoil | None = None) -> Presented:
    return (options or OPTIONS[form]).read(heard(present(m, form, lie, pin(), NONCE), m), NONCE)


def proven(
    m: Machine,
    form: Form = Form.V3,
    lie: Lie | None = None,
    options: Tinfoil | None = None,
    *,
    want: Expectations | None = None,
    collateral: Collateral | None = None,
    now: dt.datetime = NOW,
) -> Proof:
    """With the document's own collateral in version 3, else with the verifier's."""
    own = collateral or (NO_COLLATERAL if form is Form.V3 else m.collateral())
    return prove(told(m, form, lie, options), want or m.expectations(), now, VENDORS, m.trust, own)


def failures(*args: object, **how: object) -> set[str]:
    """Ids of what failed; ``malformed`` for a document that could not be read, nothing where it was accepted."""
    try:
        proven(*args, **how)  # type: ignore[arg-type]
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed:
        return {"malformed"}
    return set()
