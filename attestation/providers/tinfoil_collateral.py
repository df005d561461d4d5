"""What a Tinfoil document brings along of what vendors publish (attestation.md §5.1, ``collateral[]``).

Nothing here is signed by the enclave and nothing is trusted for being here: certificates go through the same chain
checks as any others, lists and TCB levels count only where the verifier has none of its own, and then only signed by
the vendor and current (:mod:`attestation.providers.prove`). Sigstore's entries and those of unknown formats are not
read: which image is approved is the operator's decision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attestation import strictjson
from attestation.encodings import base64_bytes
from attestation.tdx.quote import pem_chain
from attestation.types import Malformed
from attestation.x509 import MAX_CERTIFICATE_BYTES, MAX_CRL_BYTES

PREFIX = "https://tinfoil.sh/collateral/"
AMD_VCEK, AMD_CRL, INTEL_PCS = (f"{PREFIX}{name}/v1" for name in ("amd-vcek", "amd-crl", "intel-pcs"))
ROLES = frozenset({"endorsement", "reference-values"})
CPU = "cpu"
MAX_ENTRIES, MAX_RESPONSES, MAX_RESPONSE_BYTES = 32, 16, 256 * 1024

_PCS = "https://api.trustedservices.intel.com/"
_TCB = re.compile(re.escape(f"{_PCS}tdx/certification/v4/tcb?") + r"[0-9A-Za-z=&]+")
_QE = re.compile(re.escape(f"{_PCS}tdx/certification/v4/qe/identity") + r"(\?[0-9A-Za-z=&]+)?")
_PCK_CRL = re.compile(re.escape(f"{_PCS}sgx/certification/v4/pckcrl?") + r"[0-9A-Za-z=&]+")
_ROOT_CRL = re.compile(r"https://certificates\.trustedservices\.intel\.com/IntelSGXRootCA\.der")
_KINDS = {"tcb_info": _TCB, "qe_identity": _QE, "pck_crl": _PCK_CRL, "root_ca_crl": _ROOT_CRL}
_CHAINS = {"tcb_info": "tcb-info-issuer-chain", "qe_identity": "sgx-enclave-identity-issuer-chain",
           "pck_crl": "sgx-pck-crl-issuer-chain"}  # fmt: skip
MEMBERS = {"tcb_info": "tcbInfo", "qe_identity": "enclaveIdentity"}
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of ``collateral[]``."""

    role: str
    format: str
    subjects: tuple[str, ...]
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of Intel's service as the enclave kept it."""

    headers: Mapping[str, Any]
    body: bytes = field(repr=False)


def parse_entries(value: object) -> tuple[Entry, ...]:
    """Raises Malformed. None stands for a document without any."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise Malformed(f"collateral must be a list of at most {MAX_ENTRIES} entries")
    entries = [_entry(raw) for raw in value]
    if len({raw["id"] for raw in value}) != len(entries):
        raise Malformed("an id of the collateral is there twice")
    return tuple(entries)


def _entry(raw: object) -> Entry:
    need = {"id", "role", "format", "data"}
    if not isinstance(raw, dict) or not need <= set(raw) <= need | {"subjects"}:
        raise Malformed("an entry of the collateral lacks a member, or has one that is not known")
    subjects = raw.get("subjects", [])
    texts = (raw["id"], raw["role"], raw["format"], *(subjects if isinstance(subjects, list) else (None,)))
    if not all(isinstance(text, str) and text for text in texts) or raw["role"] not in ROLES:
        raise Malformed("an entry of the collateral is not of its documented form")
    if not isinstance(raw["data"], dict):
        raise Malformed("the data of the collateral must be an object")
    return Entry(raw["role"], raw["format"], tuple(subjects), raw["data"])


def amd_chain_of(entries: tuple[Entry, ...]) -> tuple[bytes, ...]:
    """Leaf, intermediate and root (DER) that came with a report; empty where none came. Raises Malformed."""
    data = _one(entries, AMD_VCEK, {"vcek_der_base64", "cert_chain_pem"})
    if data is None:
        return ()
    leaf = base64_bytes(data["vcek_der_base64"], "the chip's certificate", MAX_CERTIFICATE_BYTES)
    pem = data["cert_chain_pem"]
    if not isinstance(pem, str) or len(pem) > 4 * MAX_CERTIFICATE_BYTES or not pem.isascii():
        raise Malformed("the chip's issuers are not PEM")
    issuers = pem_chain(pem.encode())
    if len(issuers) != 2:
        raise Malformed("the chip's issuers are ASK and ARK")
    return (leaf, *issuers)


def amd_crl_of(entries: tuple[Entry, ...]) -> bytes | None:
    """AMD's revocation list (DER) that came along. Raises Malformed."""
    data = _one(entries, AMD_CRL, {"crl_der_base64"})
    return None if data is None else base64_bytes(data["crl_der_base64"], "the revocation list", MAX_CRL_BYTES)


def intel_of(entries: tuple[Entry, ...]) -> str | None:
    """Intel's answers that came along, in the form of ``Collateral.intel``. Raises Malformed."""
    data = _one(entries, INTEL_PCS, {"responses"})
    if data is None:
        return None
    found = _responses(data["responses"])
    body: dict[str, str] = {
        "root_ca_crl": found["root_ca_crl"].body.hex(),
        "pck_crl": found["pck_crl"].body.hex(),
        "pck_crl_issuer_chain": _chain(found["pck_crl"], "pck_crl"),
    }
    for name, member in MEMBERS.items():
        signed, signature = _signed(found[name].body, member)
        body |= {name: signed, f"{name}_signature": signature, f"{name}_issuer_chain": _chain(found[name], name)}
    return json.dumps(body)


def _one(entries: tuple[Entry, ...], format_: str, members: set[str]) -> Mapping[str, Any] | None:
    """The data of the one entry of a format that speaks about the CPU."""
    found = [e for e in entries if e.format == format_ and e.role == "endorsement" and CPU in e.subjects]
    if not found:
        return None
    if len(found) > 1 or set(found[0].data) != members:
        raise Malformed("the CPU's collateral is there twice, or not of its documented form")
    return found[0].data


def _responses(value: object) -> dict[str, Response]:
    if not isinstance(value, list) or len(value) > MAX_RESPONSES:
        raise Malformed(f"Intel's answers must be a list of at most {MAX_RESPONSES}")
    out: dict[str, Response] = {}
    for raw in value:
        if not isinstance(raw, dict) or set(raw) != {"url", "headers", "body_base64"}:
            raise Malformed("an answer of Intel's lacks a member, or has one that is not known")
        url, headers = raw["url"], raw["headers"]
        kind = next((k for k, form in _KINDS.items() if isinstance(url, str) and form.fullmatch(url)), None)
        if (
            kind is None
            or kind in out
            or not isinstance(headers, dict)
            or len({h.lower() for h in headers}) != len(headers)
        ):
            raise Malformed("an answer of Intel's is there twice, or to a question that is not known")
        lower = {name.lower(): values for name, values in headers.items()}
        out[kind] = Response(lower, base64_bytes(raw["body_base64"], "an answer of Intel's", MAX_RESPONSE_BYTES))
    if set(out) != set(_KINDS):
        raise Malformed("an answer of Intel's is missing")
    return out


def _chain(response: Response, kind: str) -> str:
    """The issuer chain that Intel sends as a header: PEM in percent encoding."""
    values = response.headers.get(_CHAINS[kind])
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        raise Malformed("an answer of Intel's lacks its issuer chain")
    return _PERCENT.sub(lambda match: chr(int(match[1], 16)), values[0])


def _signed(body: bytes, member: str) -> tuple[str, str]:
    """The signed document as the bytes that Intel signed, and the signature (hex)."""
    members = strictjson.raw_members(body, MAX_RESPONSE_BYTES, "an answer of Intel's")
    if set(members) != {member, "signature"}:
        raise Malformed("an answer of Intel's is not of its documented form")
    signature = json.loads(members["signature"])
    if not isinstance(signature, str):
        raise Malformed("an answer of Intel's is not signed")
    return members[member].decode(), signature
