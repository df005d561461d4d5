"""NVIDIA's OCSP responder and manifest service for simulated devices: questions in, answers out. For tests.

They answer as the real ones do: the issuer or its delegate signs, an answer lives a day and echoes the nonce, a serial
number that was never issued is ``good``, and an issuer that is not known ``unauthorized``. ``way`` makes answers wrong
in one manner each (:data:`WAYS`).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from attestation.nvidia.ocsp import key_hashes
from attestation.simulator.nvidia import Vendor
from attestation.simulator.ocsp import DAY, Responder, responders
from attestation.simulator.rim import Signer, both

WAYS = ("stranger", "no nonce", "another nonce", "another certificate", "another issuer", "another name", "ended",
        "to come", "no end", "try later", "unauthorized", "cut", "junk")  # fmt: skip
OTHER = b"\x5a" * 32


class NvidiaService:
    """``revoked`` and ``unknown`` are serial numbers; ``now`` is the service's clock."""

    def __init__(self, vendor: Vendor, now: dt.datetime) -> None:
        self.vendor, self.now = vendor, now
        self.responders = responders(vendor)
        self.revoked: set[int] = set()
        self.unknown: set[int] = set()
        self.way = ""
        self.critical = False
        """Whether the nonce that is echoed is marked critical, as NVIDIA's own questions mark it."""
        self.rims: Mapping[str, bytes] = both(Signer(vendor))
        self.asked: list[int] = []

    def status(self, request: bytes) -> bytes:
        """Raises ValueError for what is no request."""
        asked = ocsp.load_der_ocsp_request(request)
        self.asked.append(asked.serial_number)
        name = asked.hash_algorithm.name
        own = next((r for r in self.responders if key_hashes(r.issuer).get(name) == asked.issuer_key_hash), None)
        if self.way == "try later":
            return _unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
        if own is None or self.way == "unauthorized":
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        answer = self._answer(asked, own)
        return answer[:-9] if self.way == "cut" else b"<html>" if self.way == "junk" else answer

    def _answer(self, asked: ocsp.OCSPRequest, own: Responder) -> bytes:
        serial, key_hash, name_hash = asked.serial_number, asked.issuer_key_hash, asked.issuer_name_hash
        status = ocsp.OCSPCertStatus.GOOD
        if serial in self.revoked | self.unknown:
            status = ocsp.OCSPCertStatus.REVOKED if serial in self.revoked else ocsp.OCSPCertStatus.UNKNOWN
        if self.way == "another certificate":
            serial += 1
        if self.way == "another issuer":
            key_hash = bytes(len(key_hash))
        if self.way == "another name":  # one key may have certificates of several names
            name_hash = bytes(len(name_hash))
        start = self.now + {"ended": -2 * DAY, "to come": DAY}.get(self.way, dt.timedelta())
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            name_hash, key_hash, serial, asked.hash_algorithm, status, start,
            None if self.way == "no end" else start + DAY,
            start - DAY if status is ocsp.OCSPCertStatus.REVOKED else None, None,
        )  # fmt: skip
        if self.way == "stranger":
            own = Responder(own.issuer, ec.generate_private_key(ec.SECP384R1()))
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, own.certificate)
        if own.extra:
            builder = builder.certificates(own.extra)
        nonce = _nonce(asked)
        if nonce is not None and self.way != "no nonce":
            said = OTHER if self.way == "another nonce" else nonce
            builder = builder.add_extension(x509.OCSPNonce(said), critical=self.critical)
        return builder.sign(own.key, hashes.SHA384()).public_bytes(Encoding.DER)

    def rim(self, name: str) -> bytes | None:
        """The service's JSON; None where it has no such manifest."""
        raw = self.rims.get(name)
        if raw is None:
            return None
        body = {"id": name, "rim": base64.b64encode(raw).decode(), "sha256": hashlib.sha256(raw).hexdigest()}
        return json.dumps(body).encode()


def _nonce(asked: ocsp.OCSPRequest) -> bytes | None:
    return next((e.value.nonce for e in asked.extensions if isinstance(e.value, x509.OCSPNonce)), None)


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
