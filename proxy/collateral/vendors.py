"""Where published pieces come from: a fixed table of vendors, and the one question for each piece. Connects nowhere.

A question is made of a name of the store and nothing else, so that no text of a request can travel in it. Where a
vendor wants it as a body (OCSP), the body must be a question about that very name; beside it there is only a nonce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from attestation.collateral.examine import SERVICES
from attestation.collateral.pieces import Kind, Name, shown
from attestation.jwt.issuers import GOOGLE, NRAS
from attestation.nvidia.asking import asks
from attestation.nvidia.ocsp import MAX_OCSP_BYTES
from attestation.snp.report import TCB_LAYOUTS
from proxy.errors import ConfigError

INTEL, INTEL_ROOT = "https://api.trustedservices.intel.com", "https://certificates.trustedservices.intel.com"
AMD, NVIDIA_RIM = "https://kdsintf.amd.com", "https://rim.attestation.nvidia.com"
NVIDIA_OCSP = "https://ocsp.ndis.nvidia.com"
GOOGLE_KEYS = "https://www.googleapis.com"
BASES = (INTEL, INTEL_ROOT, AMD, NVIDIA_RIM, NVIDIA_OCSP, GOOGLE_KEYS, "https://portal.trustauthority.intel.com",
         "https://portal.eu.trustauthority.intel.com", "https://nras.attestation.nvidia.com",
         "https://TENANT.REGION.attest.azure.net")  # fmt: skip
"""Every origin that a question can name; for ``config show``."""
_GOOGLE_PATH = "/service_accounts/v1/metadata/jwk/signer@confidentialspace-sign.iam.gserviceaccount.com"
"""Google's documented ``jwks_uri`` of Confidential Space; discovery is not followed."""
_FMSPC = re.compile(r"(tdx|sgx)/([0-9a-f]{12})")
_VCEK = re.compile(r"vcek/(Milan|Genoa|Turin)/([0-9a-f]{16}|[0-9a-f]{128})/([0-9a-f]{16})")
_RIM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OCSP = re.compile(r"(sha1/[0-9a-f]{40}|sha256/[0-9a-f]{64}|sha384/[0-9a-f]{96})/[0-9a-f]{1,40}")
OCSP_TYPE = "application/ocsp-request"
_KDS = {"bootloader": "blSPL", "tee": "teeSPL", "snp": "snpSPL", "microcode": "ucodeSPL", "fmc": "fmcSPL"}
KIB = 1024
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Question:
    """``chain`` is the header in which the issuer's chain comes; ``base`` an origin out of :data:`BASES`; ``sends`` the
    type of the body that goes along, empty where there is none."""

    name: Name
    base: str
    path: str
    max_bytes: int
    chain: str = ""
    sends: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc


@dataclass(frozen=True, slots=True)
class Published:
    """A vendor's answer; ``chain`` as the header has it."""

    body: bytes = field(repr=False)
    chain: str = field(repr=False)


def patience(header: str) -> int | None:
    """Seconds of a Retry-After header, at most a day; None where it has none (a date counts as none: our clock and
    theirs may differ)."""
    return min(int(header), DAY_S) if header.strip().isdecimal() and len(header) < 10 else None


def question(name: Name, instead: Mapping[str, str] | None = None) -> Question:
    """What to ask for the piece ``name``. ``instead`` maps origins to others: tests and the demo.

    Raises ConfigError for a name that no vendor can be asked for.
    """
    kind, key = name
    make = _ASKED.get(kind)
    made = make(name, key) if make is not None else None
    if made is None:
        raise ConfigError(f"{shown(name)}: no vendor can be asked for this")
    return replace(made, base=(instead or {}).get(made.base, made.base))


def fits(asked: Question, body: bytes) -> bool:
    """Whether ``body`` is what this question sends: the name of the piece and a nonce, or nothing."""
    return asks(body) == asked.name[1] if asked.sends else not body


def _amd_crl(name: Name, key: str) -> Question | None:
    return Question(name, AMD, f"/vcek/v1/{key}/crl", 64 * KIB) if key in TCB_LAYOUTS else None


def _amd_key(name: Name, key: str) -> Question | None:
    """AMD 57230 §4: the levels in the order of the product's TCB."""
    found = _VCEK.fullmatch(key)
    if found is None:
        return None
    product, chip, tcb = found[1], found[2], bytes.fromhex(found[3])
    levels = "&".join(f"{_KDS[part]}={tcb[i]:02d}" for part, i in TCB_LAYOUTS[product].items())
    return Question(name, AMD, f"/vcek/v1/{product}/{chip}?{levels}", 8 * KIB)


def _intel_root(name: Name, key: str) -> Question | None:
    return Question(name, INTEL_ROOT, "/IntelSGXRootCA.der", 64 * KIB) if key == "root" else None


def _intel_pck(name: Name, key: str) -> Question | None:
    if key not in ("platform", "processor"):
        return None
    path = f"/sgx/certification/v4/pckcrl?ca={key}&encoding=der"
    return Question(name, INTEL, path, 64 * KIB, "sgx-pck-crl-issuer-chain")


def _intel_tcb(name: Name, key: str) -> Question | None:
    found = _FMSPC.fullmatch(key)
    if found is None:
        return None
    path = f"/{found[1]}/certification/v4/tcb?fmspc={found[2]}"
    return Question(name, INTEL, path, 512 * KIB, "tcb-info-issuer-chain")


def _intel_qe(name: Name, key: str) -> Question | None:
    if key not in ("tdx", "sgx"):
        return None
    path = f"/{key}/certification/v4/qe/identity"
    return Question(name, INTEL, path, 512 * KIB, "sgx-enclave-identity-issuer-chain")


def _jwks(name: Name, key: str) -> Question | None:
    if not any(service.issuer.fullmatch(key) for service in SERVICES):
        return None
    if GOOGLE.issuer.fullmatch(key):
        return Question(name, GOOGLE_KEYS, _GOOGLE_PATH, 512 * KIB)
    return Question(name, key, "/.well-known/jwks.json" if NRAS.issuer.fullmatch(key) else "/certs", 512 * KIB)


def _rim(name: Name, key: str) -> Question | None:
    return Question(name, NVIDIA_RIM, f"/v1/rim/{key}", 1024 * KIB) if _RIM.fullmatch(key) else None


def _ocsp(name: Name, key: str) -> Question | None:
    """RFC 6960 Appendix A.1, by POST: answers are made for our nonce, and a question is too long for some paths."""
    return Question(name, NVIDIA_OCSP, "/", MAX_OCSP_BYTES, sends=OCSP_TYPE) if _OCSP.fullmatch(key) else None


_ASKED = {
    Kind.AMD_CRL: _amd_crl, Kind.AMD_KEY: _amd_key, Kind.INTEL_ROOT_CRL: _intel_root, Kind.INTEL_PCK_CRL: _intel_pck,
    Kind.INTEL_TCB: _intel_tcb, Kind.INTEL_QE: _intel_qe, Kind.JWKS: _jwks, Kind.RIM: _rim, Kind.OCSP: _ocsp,
}  # fmt: skip
