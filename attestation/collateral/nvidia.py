"""Answers of NVIDIA's OCSP responder as the store keeps them: with the certificates of the issuer that they name; and
what NVIDIA can be asked about the devices of some evidence.

An answer brings its responder's certificate at most, and whether that one may answer is for the issuer to say. So the
issuer's own chain stands beside it, up to the root: without, anybody's answer would be as good as any. Nothing is
believed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding

from attestation.collateral.intel import packed, unpacked
from attestation.collateral.pieces import Kind, Name
from attestation.nvidia.asking import ASKED_BY
from attestation.nvidia.ocsp import Path, by_issuer, keys_for, read_answer
from attestation.nvidia.rim import wanted
from attestation.nvidia.verify import CHAIN_LENGTH, parse_devices, pem_certificates
from attestation.paths import MAX_CHAIN, check_path
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Evidence, Malformed, Status
from attestation.x509 import load_certificate


def answer_piece(der: bytes, devices: Iterable[Path]) -> bytes:
    """An answer (DER) and the issuer that it names, out of the paths of ``devices`` -> bytes to keep. Raises Malformed
    where it is the answer of no issuer of theirs.
    """
    answer = read_answer(der)
    for path in devices:
        for i, issuer in enumerate(path):
            if by_issuer(answer, issuer):
                return packed({"answer": der.hex(), "chain": _pem(path[i:]).decode()})
    raise Malformed("an OCSP answer comes with evidence of the device that it is about: nothing here names its issuer")


def read_piece(data: bytes) -> tuple[bytes, Path]:
    """An answer (DER), and its issuer's certificates up to the root. Raises Malformed."""
    body = unpacked(data, {"answer", "chain"})
    path = tuple(load_certificate(der) for der in pem_certificates(body["chain"].encode()))
    try:
        answer = bytes.fromhex(body["answer"])
    except ValueError:
        raise Malformed("an OCSP answer is not hex") from None
    if not 1 <= len(path) <= MAX_CHAIN or _pem(path).decode() != body["chain"] or answer.hex() != body["answer"]:
        raise Malformed("a kept answer has one form")
    return answer, path


@dataclass(frozen=True, slots=True)
class About:
    """What NVIDIA publishes about the devices of some evidence: names of answers and manifests. ``issuers`` are those
    of the certificates that answers are about, up to the root: who may answer, and what a question names."""

    names: tuple[Name, ...] = ()
    issuers: Mapping[Name, Path] = field(default_factory=dict)


def about(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None) -> About:
    """Nothing for evidence of another kind, and nothing about a device whose chain does not end in NVIDIA's root now:
    anybody may present evidence, and nobody is asked about what anybody made up. Raises Malformed."""
    names: dict[Name, None] = {}
    issuers: dict[Name, Path] = {}
    for device in parse_devices(evidence.report) if evidence.kind == "nvidia" else ():
        path = device.path
        checks = check_path("device", path, trust.of("nvidia", simulated), now)
        if len(path) != CHAIN_LENGTH or any(c.status is not Status.PASS for c in checks):
            continue
        for i in range(1, len(path) - 1):
            key = next(k for k in keys_for(path[i], path[i + 1]) if k.startswith(f"{ASKED_BY}/"))
            issuers[Kind.OCSP, key] = path[i + 1 :]
        names |= dict.fromkeys(issuers)
        try:
            names |= {(Kind.RIM, one.name): None for one in wanted(device.architecture, device.report)}
        except Malformed:  # it does not say what it runs
            continue
    return About(tuple(names), issuers)


def said(data: bytes) -> str:
    """What a kept answer says."""
    word = read_answer(read_piece(data)[0]).certificate_status.name.lower()
    return {"revoked": "REVOKED: its devices are refused", "unknown": "not known to NVIDIA"}.get(word, word)


def _pem(path: Path) -> bytes:
    return b"".join(c.public_bytes(Encoding.PEM) for c in path)
