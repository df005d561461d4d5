"""A simulated endpoint of no known product: a quote and a key in JSON, bound as it was told, honest or not."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum

from attestation.ehbp import SUITE
from attestation.hpke import new_secret
from attestation.simulator.intel import MRTD, SEPT_VE_DISABLE, Guest, Intel, shared_intel
from attestation.simulator.providers.loopback import OTHER, Loopback, flipped, sha256
from attestation.trust import SimulatedTrust
from attestation.types import Collateral

Made = Callable[[bytes, bytes, bytes], bytes]
"""TLS key (SPKI, DER), nonce and body key -> report data."""


class Lie(StrEnum):
    OLD_NONCE = "old_nonce"
    ECHOED_NONCE = "echoed_nonce"
    OTHER_KEY = "other_key"
    OTHER_BODY_KEY = "other_body_key"
    """The answer claims a key that the quote does not name."""
    SHORT_BODY_KEY = "short_body_key"
    DEBUG = "debug"
    OTHER_IMAGE = "other_image"
    TAMPERED = "tampered"
    FALSE_ROOT = "false_root"
    TRAILING_BYTES = "trailing_bytes"
    TRUNCATED = "truncated"
    UPPER_CASE = "upper_case"
    DUPLICATE_KEYS = "duplicate_keys"
    NOT_A_NUMBER = "not_a_number"
    BYTE_ORDER_MARK = "byte_order_mark"
    MISSING = "missing"
    EMPTY = "empty"
    NULL = "null"
    VERDICT_ONLY = "verdict_only"
    """"It was verified", says the server."""
    NOT_JSON = "not_json"
    HUGE = "huge"
    KEY_ROTATION = "key_rotation"


def spki_and_nonce(spki: bytes, nonce: bytes, key: bytes) -> bytes:
    return sha256(spki) + nonce


def spki_and_key(spki: bytes, nonce: bytes, key: bytes) -> bytes:
    return sha256(spki) + key


class GenericServer(Loopback):
    """``GET /attest?nonce=`` or ``POST`` of the same: ``{"evidence": {"quote": hex}, "nonce": …, "key": hex}``."""

    def __init__(self, now: Callable[[], dt.datetime], lie: Lie | None = None, made: Made = spki_and_nonce) -> None:
        super().__init__(now, lie)
        self.made = made
        self.hpke = new_secret(SUITE.kem)

    @property
    def trust(self) -> SimulatedTrust:
        return shared_intel().trust

    @property
    def measurement(self) -> bytes:
        return MRTD

    def collateral(self) -> Collateral:
        return shared_intel().collateral(self.now())

    def quote(self, nonce: bytes) -> bytes:
        intel = _false() if self.lie == Lie.FALSE_ROOT else shared_intel()
        named = b"another key" if self.lie == Lie.OTHER_KEY else self.spki
        asked = OTHER if self.lie == Lie.OLD_NONCE else b"" if self.lie == Lie.ECHOED_NONCE else nonce
        guest = Guest(
            mrtd=b"\xba\xd0" * 24 if self.lie == Lie.OTHER_IMAGE else MRTD,
            attributes=SEPT_VE_DISABLE | (self.lie == Lie.DEBUG),
        )
        raw = intel.tdx_quote(self.made(named, asked, self.hpke.public), guest)
        if self.lie == Lie.TAMPERED:
            return flipped(raw, 48 + 136)
        if self.lie == Lie.TRUNCATED:
            return raw[:-1]
        return raw + b"\1" if self.lie == Lie.TRAILING_BYTES else raw

    def document(self, nonce: bytes) -> bytes:
        text = self.quote(nonce).hex()
        key = OTHER if self.lie == Lie.OTHER_BODY_KEY else self.hpke.public
        key = key[:31] if self.lie == Lie.SHORT_BODY_KEY else key
        quotes: Mapping[str, object] = {
            Lie.UPPER_CASE: text.upper(), Lie.EMPTY: "", Lie.NULL: None, Lie.NOT_A_NUMBER: float("nan"),
        }  # fmt: skip
        body: dict[str, object] = {
            "evidence": {"quote": quotes.get(str(self.lie), text)}, "nonce": nonce.hex(), "key": key.hex(),
            "verified": True,
        }  # fmt: skip
        if self.lie in (Lie.MISSING, Lie.VERDICT_ONLY):
            body["evidence"] = {} if self.lie == Lie.MISSING else True
        raw = json.dumps(body).encode()
        damaged: Mapping[str, bytes] = {
            Lie.DUPLICATE_KEYS: raw[:-1] + b', "evidence": {}}', Lie.BYTE_ORDER_MARK: b"\xef\xbb\xbf" + raw,
            Lie.NOT_JSON: b"<html>It works!</html>", Lie.HUGE: raw + b" " * 2**18,
        }  # fmt: skip
        return damaged.get(str(self.lie), raw)


@functools.cache
def _false() -> Intel:
    """Another root under Intel's names."""
    return Intel()
