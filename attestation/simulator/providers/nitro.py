"""A simulated Nitro enclave behind nitriding: its document names the TLS certificate, or lies in a known way."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum

from attestation.ehbp import SUITE
from attestation.hpke import new_secret
from attestation.nitro.document import PROTECTED
from attestation.simulator.cborwriter import dump
from attestation.simulator.nitro import PCRS, Hypervisor, shared_hypervisor
from attestation.simulator.providers.loopback import OTHER, Loopback, flipped, sha256
from attestation.trust import SimulatedTrust

HEAD = bytes.fromhex("1220")  # multihash: SHA-256, 32 bytes


class Lie(StrEnum):
    STALE = "stale"
    FUTURE = "future"
    OLD_NONCE = "old_nonce"
    LONGER_NONCE = "longer_nonce"
    ECHOED_NONCE = "echoed_nonce"
    """The answer repeats the nonce beside a document that signs none."""
    OTHER_KEY = "other_key"
    FORMER_CERTIFICATE = "former_certificate"
    """The certificate was renewed after the document was made."""
    NO_KEY = "no_key"
    SHIFTED_KEY = "shifted_key"
    DEBUG = "debug"
    NO_PCR0 = "no_pcr0"
    OTHER_IMAGE = "other_image"
    FALSE_ROOT = "false_root"
    EXPIRED_LEAF = "expired_leaf"
    REORDERED_BUNDLE = "reordered_bundle"
    UNSIGNED = "unsigned"
    TAMPERED = "tampered"
    UNPROTECTED_HEADER = "unprotected_header"
    OTHER_ALGORITHM = "other_algorithm"
    TRAILING_BYTES = "trailing_bytes"
    TRUNCATED = "truncated"
    DUPLICATE_KEYS = "duplicate_keys"
    MORE_FIELDS = "more_fields"
    WRONG_TAG = "wrong_tag"
    NOT_BASE64 = "not_base64"
    NOT_CANONICAL = "not_canonical"
    EMPTY = "empty"
    HUGE = "huge"
    KEY_ROTATION = "key_rotation"


class NitroServer(Loopback):
    """``wrapped``: the answer is JSON with the document at ``/document``; otherwise it is base64."""

    path = "/enclave/attestation"

    def __init__(self, now: Callable[[], dt.datetime], lie: Lie | None = None, *, wrapped: bool = False) -> None:
        super().__init__(now, lie)
        self.wrapped = wrapped
        self.hpke = new_secret(SUITE.kem)

    @property
    def trust(self) -> SimulatedTrust:
        return shared_hypervisor().trust

    @property
    def measurement(self) -> bytes:
        return PCRS[0]

    def document(self, nonce: bytes) -> bytes:
        raw = self.signed(nonce)
        text = base64.b64encode(raw)
        if self.lie == Lie.NOT_BASE64:
            return b"<html>It works!</html>"
        if self.lie == Lie.NOT_CANONICAL:
            text = text[:-4] + b"\n" + text[-4:]
        if self.lie == Lie.EMPTY:
            return b""
        if self.lie == Lie.HUGE:
            text += b" " * 2**18
        if not self.wrapped:
            return text
        return json.dumps({"nonce": nonce.hex(), "document": text.decode()}).encode()

    def fields(self, nonce: bytes) -> dict[str, object]:
        """Of an honest document, or of one that its own hypervisor signs all the same."""
        now = int(self.now().timestamp() * 1000)
        certificate = self.former if self.lie == Lie.FORMER_CERTIFICATE else self.certificate
        digest = OTHER if self.lie == Lie.OTHER_KEY else sha256(certificate)
        honest: dict[str, object] = {
            "nonce": nonce, "timestamp": now, "user_data": HEAD + digest + HEAD + bytes(32),
            "public_key": self.hpke.public,
        }  # fmt: skip
        lies: Mapping[str, Mapping[str, object]] = {
            Lie.STALE: {"timestamp": now - 301_000}, Lie.FUTURE: {"timestamp": now + 301_000},
            Lie.OLD_NONCE: {"nonce": OTHER[: len(nonce)]}, Lie.LONGER_NONCE: {"nonce": nonce + b"\0"},
            Lie.ECHOED_NONCE: {"nonce": None}, Lie.NO_KEY: {"user_data": None},
            Lie.SHIFTED_KEY: {"user_data": b"\0" + HEAD + digest + HEAD + bytes(32)},
            Lie.DEBUG: {"pcrs": dict.fromkeys(PCRS, bytes(48))},
            Lie.NO_PCR0: {"pcrs": {k: v for k, v in PCRS.items() if k}},
            Lie.OTHER_IMAGE: {"pcrs": {**PCRS, 0: b"\xba\xd0" * 24}}, Lie.MORE_FIELDS: {"more": 1},
        }  # fmt: skip
        return honest | dict(lies.get(str(self.lie), {}))

    def signed(self, nonce: bytes) -> bytes:
        hypervisor = _false() if self.lie == Lie.FALSE_ROOT else shared_hypervisor()
        fields = hypervisor.fields(self.now(), **self.fields(nonce))
        if self.lie == Lie.EXPIRED_LEAF:
            fields["certificate"] = hypervisor.make_leaf(end=self.now() - dt.timedelta(minutes=1))
        if self.lie == Lie.REORDERED_BUNDLE:
            fields["cabundle"] = [hypervisor.zone, hypervisor.root]
        payload = dump(fields)
        if self.lie == Lie.DUPLICATE_KEYS:
            payload = bytes((payload[0] + 1,)) + payload[1:] + dump("nonce") + dump(nonce)
        if self.lie == Lie.UNPROTECTED_HEADER:
            return hypervisor.sign(payload, unprotected={4: b"x"})
        if self.lie == Lie.OTHER_ALGORITHM:
            return hypervisor.sign(payload, protected=bytes.fromhex("a10126"))
        return self._damaged(hypervisor.sign(payload), payload)

    def _damaged(self, raw: bytes, payload: bytes) -> bytes:
        """After signing."""
        if self.lie == Lie.UNSIGNED:
            return dump([PROTECTED, {}, payload, bytes(96)])
        if self.lie == Lie.TAMPERED:
            at = raw.index(PCRS[1])
            return flipped(raw, at)
        if self.lie == Lie.TRAILING_BYTES:
            return raw + b"\0"
        if self.lie == Lie.TRUNCATED:
            return raw[:-1]
        return b"\xd1" + raw if self.lie == Lie.WRONG_TAG else raw


@functools.cache
def _false() -> Hypervisor:
    """A hypervisor under a root with the same name."""
    return Hypervisor()
