"""A simulated enclave whose TLS certificate carries its evidence, in three forms, honest or not."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Callable
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.ratls.certificate import (
    DSTACK_LOG,
    DSTACK_QUOTE,
    GRAMINE,
    INTEROPERABLE,
    TAG_QUOTE,
    dstack_report_data,
)
from attestation.simulator import pki
from attestation.simulator.cborwriter import dump, tagged
from attestation.simulator.intel import MRTD, SEPT_VE_DISABLE, Guest, Intel, shared_intel, tlv
from attestation.simulator.providers.loopback import OTHER, Loopback, flipped, sha256
from attestation.trust import SimulatedTrust
from attestation.types import Collateral

AGE = dt.timedelta(hours=1)
"""How old the honest certificate is."""
DAY = dt.timedelta(days=1)


class Form(StrEnum):
    INTEROPERABLE = "interoperable"
    LEGACY = "legacy"
    DSTACK = "dstack"


class Lie(StrEnum):
    OTHER_KEY = "other_key"
    """The quote, or the claims beside it, name another key: somebody else's evidence in an own certificate."""
    SPLICED_CLAIMS = "spliced_claims"
    """The claims name the right key, and the quote other claims."""
    NO_KEY = "no_key"
    """The claims name no key at all."""
    OLD = "old"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OTHER_SIGNER = "other_signer"
    DEBUG = "debug"
    OTHER_IMAGE = "other_image"
    TAMPERED = "tampered"
    FALSE_ROOT = "false_root"
    REPLAYED_LOG = "replayed_log"
    NO_EVIDENCE = "no_evidence"
    TWO_PIECES = "two_pieces"
    TRAILING_BYTES = "trailing_bytes"
    DUPLICATE_KEYS = "duplicate_keys"
    INDEFINITE = "indefinite"
    OTHER_TAG = "other_tag"
    MORE_CLAIMS = "more_claims"
    WEAK_HASH = "weak_hash"


class RaTlsServer(Loopback):
    """Its key is in its certificate's evidence; no path hands out anything."""

    def __init__(
        self, now: Callable[[], dt.datetime], lie: Lie | None = None, form: Form = Form.INTEROPERABLE,
        issuer: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:  # fmt: skip
        super().__init__(now, lie)
        self.form = form
        self.log = b"[]"
        self.issuer = issuer
        """The key that signs the certificate instead of its own."""

    @property
    def trust(self) -> SimulatedTrust:
        return shared_intel().trust

    @property
    def measurement(self) -> bytes:
        return MRTD

    def collateral(self) -> Collateral:
        return shared_intel().collateral(self.now())

    def document(self, nonce: bytes) -> bytes:
        return b"nothing here"

    def certify(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        now = self.now()
        start = {Lie.OLD: now - 40 * DAY, Lie.NOT_YET_VALID: now + AGE, Lie.EXPIRED: now - 2 * AGE}
        end = now - AGE if self.lie == Lie.EXPIRED else now + 90 * DAY
        signer = ec.generate_private_key(ec.SECP256R1()) if self.lie == Lie.OTHER_SIGNER else self.issuer or key
        name = pki.name("simulated enclave", "Sealgate Simulator")
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return pki.issue(
            name, key.public_key(), name, signer, digest=hashes.SHA256(), extensions=self._extensions(spki),
            start=next((at for lie, at in start.items() if lie == self.lie), now - AGE), end=end,
        )  # fmt: skip

    def _extensions(self, spki: bytes) -> dict[str, bytes]:
        if self.lie == Lie.NO_EVIDENCE:
            return {}
        made = {Form.LEGACY: self._legacy, Form.DSTACK: self._dstack, Form.INTEROPERABLE: self._interoperable}
        out = made[self.form](b"another key" if self.lie == Lie.OTHER_KEY else spki, spki)
        if self.lie == Lie.TWO_PIECES:
            out |= {GRAMINE: self._quote(sha256(spki))} | {DSTACK_QUOTE: tlv(4, self._quote(dstack_report_data(spki)))}
        return out

    def _quote(self, data: bytes) -> bytes:
        intel = _false() if self.lie == Lie.FALSE_ROOT else shared_intel()
        attributes = SEPT_VE_DISABLE | (self.lie == Lie.DEBUG)
        image = b"\xba\xd0" * 24 if self.lie == Lie.OTHER_IMAGE else MRTD
        raw = intel.tdx_quote(data, Guest(mrtd=image, attributes=attributes))
        return flipped(raw, 48 + 136) if self.lie == Lie.TAMPERED else raw

    def _legacy(self, named: bytes, spki: bytes) -> dict[str, bytes]:
        tail = b"\1" if self.lie == Lie.TRAILING_BYTES else b""
        return {GRAMINE: self._quote(sha256(named)) + tail}

    def _dstack(self, named: bytes, spki: bytes) -> dict[str, bytes]:
        log = self.log
        if self.lie == Lie.REPLAYED_LOG:
            log = b'[{"imr":3,"event_type":1,"digest":"%s","event":"","event_payload":""}]' % (b"01" * 48)
        return {DSTACK_QUOTE: tlv(4, self._quote(dstack_report_data(named))), DSTACK_LOG: tlv(4, log)}

    def _interoperable(self, named: bytes, spki: bytes) -> dict[str, bytes]:
        digest = [2, sha256(named)[:16]] if self.lie == Lie.WEAK_HASH else [1, sha256(named)]
        said: dict[str, object] = {"pubkey-hash": digest, "nonce": OTHER}
        said = {"nonce": OTHER} if self.lie == Lie.NO_KEY else said
        claims = dump(said | {"more": 1} if self.lie == Lie.MORE_CLAIMS else said)
        if self.lie == Lie.DUPLICATE_KEYS:
            claims = bytes((claims[0] + 1,)) + claims[1:] + dump("pubkey-hash") + dump([1, OTHER])
        if self.lie == Lie.INDEFINITE:
            claims = b"\xbf" + claims[1:] + b"\xff"
        quoted = dump({"pubkey-hash": [1, OTHER]}) if self.lie == Lie.SPLICED_CLAIMS else claims
        tag = TAG_QUOTE + (self.lie == Lie.OTHER_TAG)
        value = tagged(tag, [self._quote(hashlib.sha256(quoted).digest()), claims])
        return {INTEROPERABLE: value + (b"\0" if self.lie == Lie.TRAILING_BYTES else b"")}


@functools.cache
def _false() -> Intel:
    """Another root under Intel's names."""
    return Intel()
