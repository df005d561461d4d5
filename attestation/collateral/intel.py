"""Intel's answers as the store keeps them, and the one JSON per platform that ``dcap-qvl`` reads (Intel PCS v4).

The documents are kept as the very text that Intel signed, with the chain that came in a header beside it. Nothing is
believed here.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass

from attestation import strictjson
from attestation.types import Malformed

MAX_PIECE_BYTES = 512 * 1024
MAX_CHAIN_CHARACTERS = 16 * 1024
_SIGNED = re.compile(
    rb'\s*\{\s*"(tcbInfo|enclaveIdentity)"\s*:\s*(\{.*\})\s*,\s*"signature"\s*:\s*"([0-9a-f]{128})"\s*\}\s*', re.DOTALL
)
_DER_HEAD = b"\x30"


@dataclass(frozen=True, slots=True)
class Document:
    """A signed JSON document: chain (PEM), signed text, signature (hex)."""

    chain: str
    text: str
    signature: str


@dataclass(frozen=True, slots=True)
class PckList:
    """A PCK CA's revocation list with its issuer's chain (PEM); ``crl`` is DER."""

    chain: str
    crl: bytes


def document_piece(body: bytes, chain: str) -> bytes:
    """An answer of ``tcb`` or ``qe/identity`` and its issuer chain (PEM) -> bytes to keep. Raises Malformed."""
    found = _SIGNED.fullmatch(body) if len(body) <= MAX_PIECE_BYTES else None
    if found is None:
        raise Malformed("this is not a document of Intel's with its signature")
    try:
        text = found[2].decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a document of Intel's is not UTF-8") from None
    return packed({"chain": _chain(chain), "document": text, "signature": found[3].decode()})


def list_piece(body: bytes, chain: str) -> bytes:
    """An answer of ``pckcrl`` (DER) and its issuer chain (PEM) -> bytes to keep. Raises Malformed."""
    if len(body) > MAX_PIECE_BYTES or not body.startswith(_DER_HEAD):
        raise Malformed("this is not a revocation list in DER")
    return packed({"chain": _chain(chain), "crl": body.hex()})


def _chain(text: str) -> str:
    if len(text) > MAX_CHAIN_CHARACTERS:
        raise Malformed("an issuer chain is too long")
    if not text.isascii() or not text.startswith("-----BEGIN CERTIFICATE-----\n"):
        raise Malformed("an issuer chain is not PEM")
    return text if text.endswith("\n") else text + "\n"


def read_document(data: bytes) -> Document:
    """Raises Malformed."""
    body = unpacked(data, {"chain", "document", "signature"})
    return Document(body["chain"], body["document"], body["signature"])


def read_list(data: bytes) -> PckList:
    """Raises Malformed."""
    body = unpacked(data, {"chain", "crl"})
    try:
        return PckList(body["chain"], bytes.fromhex(body["crl"]))
    except ValueError:
        raise Malformed("a revocation list is not hex") from None


@functools.lru_cache(maxsize=64)  # the same text each time, so that what is cached by it stays cached
def joined(tcb: bytes, qe: bytes, pck_list: bytes, root_list: bytes) -> str:
    """One platform's collateral, out of kept pieces, as ``dcap-qvl`` reads it. Raises Malformed."""
    info, identity, pck = read_document(tcb), read_document(qe), read_list(pck_list)
    return json.dumps({
        "pck_crl_issuer_chain": pck.chain, "root_ca_crl": root_list.hex(), "pck_crl": pck.crl.hex(),
        "tcb_info_issuer_chain": info.chain, "tcb_info": info.text, "tcb_info_signature": info.signature,
        "qe_identity_issuer_chain": identity.chain, "qe_identity": identity.text,
        "qe_identity_signature": identity.signature,
    })  # fmt: skip


def taken_apart(text: str) -> tuple[bytes, bytes, bytes, bytes]:
    """The reverse of :func:`joined`: TCB info, QE identity, PCK list, root list. Raises Malformed."""
    keys = {"pck_crl_issuer_chain", "root_ca_crl", "pck_crl", "tcb_info_issuer_chain", "tcb_info", "tcb_info_signature",
            "qe_identity_issuer_chain", "qe_identity", "qe_identity_signature"}  # fmt: skip
    body = strictjson.load_object(text.encode("utf-8", "replace"), 4 * MAX_PIECE_BYTES, "the collateral")
    body.pop("pck_certificate_chain", None)  # the quote's own is used
    if set(body) != keys or not all(isinstance(v, str) for v in body.values()):
        raise Malformed("the collateral lacks a part, or has one that is not known")
    pieces = [
        packed({"chain": _chain(body[f"{name}_issuer_chain"]), "document": body[name],
                 "signature": body[f"{name}_signature"]})
        for name in ("tcb_info", "qe_identity")
    ]  # fmt: skip
    try:
        root, pck = bytes.fromhex(body["root_ca_crl"]), bytes.fromhex(body["pck_crl"])
    except ValueError:
        raise Malformed("a revocation list is not hex") from None
    return pieces[0], pieces[1], list_piece(pck, body["pck_crl_issuer_chain"]), root


def packed(body: dict[str, str]) -> bytes:
    """Texts by name, in the one form in which the store keeps them."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def unpacked(data: bytes, keys: set[str]) -> dict[str, str]:
    """Only in the form in which it is written, so that one piece has one digest. Raises Malformed."""
    body = strictjson.load_object(data, MAX_PIECE_BYTES * 4, "a kept piece")
    if set(body) != keys or not all(isinstance(v, str) for v in body.values()) or packed(body) != data:
        raise Malformed("a kept piece is not of the store's form")
    return body
