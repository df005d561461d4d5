"""The enclave's side of sealed bodies: opens requests, seals answers. For tests and simulated enclaves only."""

from __future__ import annotations

import os
from collections.abc import Iterable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from attestation import ehbp
from attestation.hpke import Nonces, new_secret, setup_receiver
from attestation.sealing import Secret


class EhbpServer:
    """Speaks EHBP with one key."""

    def __init__(self, secret: Secret | None = None) -> None:
        self.secret = secret or new_secret(ehbp.SUITE.kem)

    def open(self, headers: dict[str, str], body: bytes) -> tuple[bytes, ehbp.Recovery]:
        """The plaintext of a request, and what its answer is sealed with. Raises SealingError."""
        enc = bytes.fromhex(headers[ehbp.ENCAPSULATED_KEY])
        receiver = setup_receiver(ehbp.SUITE, enc, self.secret, ehbp.REQUEST_INFO)
        plaintext = b"".join(receiver.open(chunk) for chunk in split(body))
        return plaintext, ehbp.Recovery(receiver.export(ehbp.RESPONSE_LABEL, 32), enc)


def seal_answer(recovery: ehbp.Recovery, chunks: Iterable[bytes]) -> tuple[list[tuple[str, str]], list[bytes]]:
    """Headers and frames of an answer; an empty chunk is an empty write."""
    nonce = os.urandom(32)
    key, base = recovery.answer_key(nonce)
    cipher, nonces, frames = AESGCM(key), Nonces(base), []
    for chunk in chunks:
        sealed = b""
        if chunk:
            sealed = cipher.encrypt(nonces.current(), chunk, b"")
            nonces.advance()
        frames.append(len(sealed).to_bytes(4, "big") + sealed)
    return [(ehbp.RESPONSE_NONCE, nonce.hex())], frames


def split(body: bytes) -> list[bytes]:
    """The ciphertexts of a whole, well-framed body."""
    out, at = [], 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        out.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    return out
