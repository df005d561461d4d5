"""Answers of NVIDIA's OCSP responder as the store keeps them: with the certificates of the issuer that they name.

An answer brings its responder's certificate at most, and whether that one may answer is for the issuer to say. So the
issuer's own chain stands beside it, up to the root: without, anybody's answer would be as good as any. Nothing is
believed here.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.serialization import Encoding

from attestation.collateral.intel import packed, unpacked
from attestation.nvidia.ocsp import Path, by_issuer, read_answer
from attestation.nvidia.verify import pem_certificates
from attestation.paths import MAX_CHAIN
from attestation.types import Malformed
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


def _pem(path: Path) -> bytes:
    return b"".join(c.public_bytes(Encoding.PEM) for c in path)
