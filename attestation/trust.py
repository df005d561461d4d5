"""Which roots evidence may end in (attestation.md §2.1 C4).

The vendor's certificates ship with the package and their SHA-256 is in this source: a :class:`TrustStore` takes no
other root, so nobody can add one by configuration. The simulator's root has a type of its own, :class:`SimulatedTrust`,
which verification accepts only through a separate parameter and marks in the claims. Nothing here fetches anything.
"""

from __future__ import annotations

import functools
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

VENDOR_ROOTS: Mapping[str, Mapping[str, str]] = {
    "amd": {name: digest for name, digest in AMD_CERTIFICATES.items() if name.endswith("_ark")},
    "aws": {"aws_nitro_root_g1": "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"},
    "intel": {"intel_sgx_root": "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"},
    "nvidia": {"nvidia_device_root": "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48"},
    "nvidia-rim": {"nvidia_rim_root": "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1"},
    "azure": {"azure_vtpm_root_2023": "e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95"},
    "google-tokens": {
        "google_confidential_space_root": "148b293821bb0c6a317f413c8ba475814091cb22d49b9e3c94198db8e8f86c39"
    },
    "intel-tokens": {"intel_trust_authority_root": "de77babfddca9f26881af28a71e37af836a11a125f2ac8a88940efa232c359ea"},
    "google": {"google_ek_ak_root": "594759594b9b61524f6c8ef668f7177f7b9066bc0674f2f49fe9e052be78beb2"},
}
"""Vendor -> its roots by file name. A root counts for its own vendor's evidence only."""

PRODUCTS = ("Milan", "Genoa", "Turin")
_DIGESTS: Mapping[str, str] = {d: vendor for vendor, files in VENDOR_ROOTS.items() for d in files.values()}
FILES: Mapping[str, str] = {n: d for files in (AMD_CERTIFICATES, *VENDOR_ROOTS.values()) for n, d in files.items()}
"""Every file in ``roots/`` -> SHA-256 of its DER."""


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Vendor roots as DER. Raises ValueError when empty or for a root whose digest is not in this source."""

    roots: frozenset[bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.roots:
            raise ValueError("a trust store without roots trusts nothing")
        if any(hashlib.sha256(der).hexdigest() not in _DIGESTS for der in self.roots):
            raise ValueError("this root is not one of the vendor roots named in the source")

    def of(self, vendor: str, simulated: SimulatedTrust | None) -> frozenset[bytes]:
        """The roots that evidence of ``vendor`` may end in; the simulator's too where the caller passes it."""
        return _of(self.roots, vendor) | (simulated.roots if simulated is not None else frozenset())


@dataclass(frozen=True, slots=True)
class SimulatedTrust:
    """The root (DER) of a software enclave, for tests and the demo. It proves nothing about any hardware."""

    root: bytes = field(repr=False)
    more: frozenset[bytes] = field(default=frozenset(), repr=False)
    jwks: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Issuer -> key set of simulated token issuers; claims made with these keys say ``simulated``."""

    @property
    def roots(self) -> frozenset[bytes]:
        return self.more | {self.root}


@functools.lru_cache(maxsize=64)
def _of(roots: frozenset[bytes], vendor: str) -> frozenset[bytes]:
    return frozenset(der for der in roots if _DIGESTS[hashlib.sha256(der).hexdigest()] == vendor)


def certificate(name: str) -> bytes:
    """DER of a certificate named in this source. Raises ValueError when the installed file is not that one."""
    pem = resources.files("attestation.roots").joinpath(f"{name}.pem").read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    if hashlib.sha256(der).hexdigest() != FILES[name]:
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


AMD = TrustStore(frozenset(certificate(name) for name in VENDOR_ROOTS["amd"]))
VENDORS = TrustStore(frozenset(certificate(name) for files in VENDOR_ROOTS.values() for name in files))
