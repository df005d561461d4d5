"""XML signatures of exactly one form (XML-DSig): the one that NVIDIA's reference manifests have (attestation.md §2.6).

One enveloped signature, a child of the document element, over the whole document: one reference with an empty URI, the
enveloped transform and Canonical XML 1.1, SHA-384, ECDSA on P-384. No other algorithm, place, or object is taken, so
that what is read out of the document is what was signed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.encodings import base64_bytes
from attestation.nvidia.canonxml import Element, canonical, parse
from attestation.paths import check_path, load_path
from attestation.types import Check, Malformed
from attestation.x509 import MAX_CERTIFICATE_BYTES, check

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"


def read(raw: bytes, most: int, pinned: frozenset[bytes], now: dt.datetime | None
         ) -> tuple[Element, tuple[x509.Certificate, ...], tuple[Check, ...]]:  # fmt: skip
    """The document, the signer's certificates (leaf first), and every check of its signature. ``now`` None: as of the
    moment from which all certificates were valid, for nothing says when it was signed. Raises Malformed."""
    root = parse(raw, most)
    found = [e for e in root.walk() if (e.uri, e.local) == (DS, "Signature")]
    if len(found) != 1 or found[0] not in root.elements():
        raise Malformed("the manifest must have one signature, right below its document element")
    signature = found[0]
    info, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    digest = _reference(info)
    (data,) = _children(key_info, "X509Data")
    certificates = _children(data, *["X509Certificate"] * len(data.elements()))
    path = load_path(tuple(_bytes(c, "a certificate", MAX_CERTIFICATE_BYTES) for c in certificates))
    when = max(c.not_valid_before_utc for c in path) if now is None else now
    same = hmac.compare_digest(hashlib.sha384(canonical(root, signature)).digest(), digest)
    return root, path, (
        *check_path("rim.chain", path, pinned, when),
        check("rim.digest", same, "the document must be the one that was signed"),
        check("rim.signature", _signed(path[0], _bytes(value, "the signature", 96), canonical(info)), "by the leaf"),
    )  # fmt: skip


def _children(parent: Element, *names: str) -> list[Element]:
    """Exactly these, in this order, with nothing but white space around them. Raises Malformed."""
    found = parent.elements()
    wrong = [(e.uri, e.local) for e in found] != [(DS, name) for name in names]
    if wrong or any(isinstance(c, str) and c.strip(" \t\r\n") for c in parent.children):
        raise Malformed("the manifest's signature is not of the form that is taken")
    return found


def _reference(info: Element) -> bytes:
    """The digest that is signed, where everything else is as it must be. Raises Malformed."""
    form, method, reference = _children(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    transforms, digest, value = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    enveloped, canonicalized = _children(transforms, "Transform", "Transform")
    wanted = (
        (form, {"Algorithm": C14N}), (method, {"Algorithm": ECDSA_SHA384}), (digest, {"Algorithm": SHA384}),
        (enveloped, {"Algorithm": ENVELOPED}), (canonicalized, {"Algorithm": C14N}),
    )  # fmt: skip
    right = all(e.plain() == says and len(e.attributes) == 1 and not e.children for e, says in wanted)
    if not right or reference.plain() != {"URI": ""} or len(reference.attributes) != 1:
        raise Malformed("the manifest is signed with algorithms, or over parts, that are not taken")
    return _bytes(value, "the digest", 48)


def _bytes(element: Element, name: str, most: int) -> bytes:
    """Base64 in lines. Raises Malformed."""
    return base64_bytes("".join(element.text().split()), name, most)


def _signed(leaf: x509.Certificate, raw: bytes, signed: bytes) -> bool:
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1) or len(raw) != 96:
        return False
    r, s = int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big")
    try:
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True
