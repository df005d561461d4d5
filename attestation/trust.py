"""Which roots evidence may end in (attestation.md §2.1 C4).

The vendor's certificates ship with the package and their SHA-256 is in this source: a :class:`TrustStore` takes no
other root, so nobody can add one by configuration. The simulator's root has a type of its own, :class:`SimulatedTrust`,
which verification accepts only through a separate parameter and marks in the claims. Nothing here fetches anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

AMD_CERTIFICATES: Mapping[str, str] = {
    "amd_milan_ark": "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
    "amd_milan_ask": "67d303bd3905fd38db8b20e0793699870e7fa612eaad5dec358293fd8c0bac1b",
    "amd_milan_asvk": "c5e081f59b7efab1fe2f8b505e159704e72f29cab7ef7cf628a05a42439082f5",
    "amd_genoa_ark": "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
    "amd_genoa_ask": "5464738c1546aed5f2cecf1dc98c5c960a92e8913238a61711bc90ec6e828521",
    "amd_genoa_asvk": "197e610743a917d6b9bb982a5a9226ccc0a15b611be0619e626aca9151457372",
    "amd_turin_ark": "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
    "amd_turin_ask": "5b77ef5fe7a7a004fd9032668fba9d0fda22f88c4442069a479636a6ae3b3185",
    "amd_turin_asvk": "104e10a8bd060a3c20a434261a57d0588fd65a88915b4f65b08bdecaf8df1a3c",
}
"""File name in ``roots/`` -> SHA-256 of the certificate's DER. ARK: root; ASK, ASVK: its issuers of VCEKs and VLEKs."""

PRODUCTS = ("Milan", "Genoa", "Turin")
_ROOTS = frozenset(digest for name, digest in AMD_CERTIFICATES.items() if name.endswith("_ark"))


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Vendor roots as DER. Raises ValueError when empty or for a root whose digest is not in this source."""

    roots: frozenset[bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.roots:
            raise ValueError("a trust store without roots trusts nothing")
        if any(hashlib.sha256(der).hexdigest() not in _ROOTS for der in self.roots):
            raise ValueError("this root is not one of the vendor roots named in the source")


@dataclass(frozen=True, slots=True)
class SimulatedTrust:
    """The root (DER) of a software enclave, for tests and the demo. It proves nothing about any hardware."""

    root: bytes = field(repr=False)


def certificate(name: str) -> bytes:
    """DER of a certificate in ``AMD_CERTIFICATES``. Raises ValueError when the installed file is not that one."""
    pem = resources.files("attestation.roots").joinpath(f"{name}.pem").read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    if hashlib.sha256(der).hexdigest() != AMD_CERTIFICATES[name]:
        raise ValueError(f"roots/{name}.pem is not the certificate named in the source")
    return der


def amd_chain(product: str, *, vlek: bool = False) -> tuple[bytes, bytes]:
    """(intermediate, root) of ``product`` as DER, for evidence that comes with its leaf only.

    They get no trust from being here: verification checks them like any other chain.
    """
    if product not in PRODUCTS:
        raise ValueError("unknown product")
    prefix = f"amd_{product.lower()}"
    return certificate(f"{prefix}_{'asvk' if vlek else 'ask'}"), certificate(f"{prefix}_ark")


AMD = TrustStore(frozenset(certificate(f"amd_{product.lower()}_ark") for product in PRODUCTS))
