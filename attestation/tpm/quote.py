"""TPM quotes: PCR values signed by an attestation key (TCG TPM 2.0 part 2, TPMS_ATTEST; attestation.md §2.10).

A quote proves nothing about who holds the key: that is the hardware report's word (Azure) or a certificate's (Google).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from attestation.cursor import Cursor
from attestation.types import Check, Malformed, Source
from attestation.x509 import MIN_RSA_BITS, check

QUOTE, SIGNATURE, PCRS = "tpm_quote", "tpm_signature", "tpm_pcrs"
MAX_QUOTE_BYTES = 1024
_HEAD = bytes.fromhex("ff5443478018")  # TPM_GENERATED_VALUE, TPM_ST_ATTEST_QUOTE
_SHA256 = 0x000B


@dataclass(frozen=True, slots=True)
class Attest:
    """``pcrs`` are the selected registers, lowest first."""

    extra_data: bytes = field(repr=False)
    pcrs: tuple[int, ...]
    digest: bytes


def parse_attest(raw: bytes) -> Attest:
    """Raises Malformed for anything but one whole quote over SHA-256 registers."""
    if len(raw) > MAX_QUOTE_BYTES:
        raise Malformed("the TPM quote is too large")
    cursor = Cursor(raw, "the TPM quote", "big")
    if cursor.take(6) != _HEAD:
        raise Malformed("this is not a TPM's quote")
    cursor.sized(2)  # qualifiedSigner
    extra = cursor.sized(2)
    cursor.take(17 + 8)  # clockInfo, firmwareVersion
    count, algorithm, size = map(cursor.number, (4, 2, 1))
    if count != 1 or algorithm != _SHA256 or not 1 <= size <= 4:
        raise Malformed("the TPM quote is not over one set of SHA-256 registers")
    bits = int.from_bytes(cursor.take(size), "little")
    digest = cursor.sized(2)
    if cursor.more or len(digest) != 32 or not bits:
        raise Malformed("the TPM quote is not of its documented form")
    return Attest(extra, tuple(i for i in range(8 * size) if bits >> i & 1), digest)


def check_quote(
    parts: Mapping[str, bytes], key: rsa.RSAPublicKey | None
) -> tuple[tuple[Check, ...], dict[str, bytes], bytes]:
    """(checks, PCRs by name, extraData) of the quote in ``parts``, signed by ``key``. Raises Malformed."""
    if not {QUOTE, SIGNATURE, PCRS} <= set(parts):
        raise Malformed("a TPM quote comes with its signature and registers")
    attest, values = parse_attest(parts[QUOTE]), parts[PCRS]
    if len(values) != 32 * len(attest.pcrs):
        raise Malformed("a TPM quote comes with exactly the registers that it selects")
    registers = {f"pcr{index}": values[32 * i : 32 * i + 32] for i, index in enumerate(attest.pcrs)}
    same = hashlib.sha256(values).digest() == attest.digest
    strong = key is not None and key.key_size >= MIN_RSA_BITS
    genuine = key is not None and _signed(key, parts)
    return (
        check("tpm.key", strong, f"an RSA attestation key of at least {MIN_RSA_BITS} bits"),
        check("tpm.signature", genuine, "signature by the attestation key", Source.HARDWARE),
        check("tpm.registers", same, "the registers must give the signed digest", Source.HARDWARE),
    ), registers, attest.extra_data  # fmt: skip


def _signed(key: rsa.RSAPublicKey, parts: Mapping[str, bytes]) -> bool:
    try:
        key.verify(parts[SIGNATURE], parts[QUOTE], padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
