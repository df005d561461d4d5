"""Simulated workloads on Google Cloud: Confidential Space's tokens, and a VM with a virtual TPM, honest or not."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from attestation.simulator import pki
from attestation.simulator.azure import PCRS, VirtualTpm, shared_tpm
from attestation.simulator.intel import MRTD, SEPT_VE_DISABLE, Guest, shared_intel
from attestation.simulator.providers import tokens
from attestation.simulator.providers.loopback import OTHER, Loopback, sha256, together
from attestation.simulator.tokens import GOOGLE, IMAGE, shared_services
from attestation.trust import SimulatedTrust
from attestation.types import Collateral

AUDIENCE = "https://gate.example"


class Lie(StrEnum):
    """Of the token first, then of the machine and its TPM."""

    OLD_NONCE = "old_nonce"
    ECHOED_NONCE = "echoed_nonce"
    OTHER_KEY = "other_key"
    NO_KEY = "no_key"
    """The token has our nonce and no key: anybody who may talk to the workload gets such a one."""
    SWAPPED = "swapped"
    OTHER_AUDIENCE = "other_audience"
    TWO_AUDIENCES = "two_audiences"
    PLAIN_VM = "plain_vm"
    """``swname`` GCE: a VM that is no Confidential Space."""
    DEBUG_IMAGE = "debug_image"
    NO_SECURE_BOOT = "no_secure_boot"
    SHIELDED_ONLY = "shielded_only"
    UNSTABLE = "unstable"
    OTHER_IMAGE = "other_image"
    ENV_OVERRIDE = "env_override"
    CMD_OVERRIDE = "cmd_override"
    WORDS_IN_ENV = "words_in_env"
    """The right words, said by the workload's own environment."""
    SAME_NAME_ROOT = "same_name_root"
    SWAPPED_ROOT = "swapped_root"
    LEAF_ALONE = "leaf_alone"
    DEBUG = "debug"
    TAMPERED = "tampered"
    OTHER_AK = "other_ak"
    FALSE_AK_ROOT = "false_ak_root"
    SHOWN_PCRS = "shown_pcrs"
    OTHER_PCRS = "other_pcrs"
    FEWER_PCRS = "fewer_pcrs"
    OLD_QUOTE = "old_quote"
    NO_QUOTE = "no_quote"
    KEY_ROTATION = "key_rotation"


class GcpServer(Loopback):
    """``evidence`` is ``token`` or ``tdx``; ``pki`` gives tokens their certificates."""

    def __init__(
        self, now: Callable[[], dt.datetime], lie: StrEnum | None = None, evidence: str = "token", *, pki: bool = False
    ) -> None:
        super().__init__(now, lie)
        self.evidence = evidence
        self.pki = pki
        self.tpm = shared_tpm()

    @property
    def trust(self) -> SimulatedTrust:
        services = tokens.trust(shared_services(), self.lie, GOOGLE)
        return together(shared_intel().trust, services, SimulatedTrust(_ca("root")[1]))

    @property
    def measurement(self) -> bytes:
        return MRTD if self.evidence == "tdx" else bytes.fromhex(IMAGE)

    def collateral(self) -> Collateral:
        return shared_intel().collateral(self.now())

    def document(self, nonce: bytes) -> bytes:
        return self.token(nonce) if self.evidence == "token" else self.machine(nonce)

    def token(self, nonce: bytes) -> bytes:
        services = shared_services()
        claims = services.google(self.now(), self._container(), **self._said(nonce))
        header: dict[str, Any] = {}
        if self.pki or self.lie in (Lie.SAME_NAME_ROOT, Lie.SWAPPED_ROOT, Lie.LEAF_ALONE):
            other = tokens.false_services()
            x5c: Mapping[str, list[str]] = {
                Lie.SAME_NAME_ROOT: other.x5c, Lie.SWAPPED_ROOT: [other.x5c[0], services.x5c[1]],
                Lie.LEAF_ALONE: services.x5c[:1],
            }  # fmt: skip
            header = {"x5c": x5c.get(str(self.lie), services.x5c)}
            services = other if self.lie in (Lie.SAME_NAME_ROOT, Lie.SWAPPED_ROOT) else services
        return tokens.token(services, claims, self.lie, header)

    def _said(self, nonce: bytes) -> dict[str, Any]:
        key = sha256(b"another key" if self.lie == Lie.OTHER_KEY else self.spki).hex()
        lies: Mapping[str, Mapping[str, Any]] = {
            Lie.OLD_NONCE: {"eat_nonce": [OTHER.hex(), key]}, Lie.NO_KEY: {"eat_nonce": nonce.hex()},
            Lie.ECHOED_NONCE: {"eat_nonce": [key], "nonce": nonce.hex()},
            Lie.SWAPPED: {"eat_nonce": [key, nonce.hex()]}, Lie.OTHER_AUDIENCE: {"aud": "https://other.example"},
            Lie.TWO_AUDIENCES: {"aud": [AUDIENCE, "https://other.example"]}, Lie.PLAIN_VM: {"swname": "GCE"},
            Lie.DEBUG_IMAGE: {"dbgstat": "enabled"}, Lie.NO_SECURE_BOOT: {"secboot": False},
            Lie.SHIELDED_ONLY: {"hwmodel": "GCP_SHIELDED_VM"},
            Lie.WORDS_IN_ENV: {"swname": "GCE", "dbgstat": "enabled"},
        }  # fmt: skip
        said: dict[str, Any] = {"aud": AUDIENCE, "eat_nonce": [nonce.hex(), key]} | dict(lies.get(str(self.lie), {}))
        if self.lie == Lie.UNSTABLE:
            container = {"image_digest": f"sha256:{IMAGE}", "image_reference": "registry.example/inference:1"}
            said["submods"] = {"confidential_space": {"support_attributes": ["USABLE"]}, "container": container}
        return said

    def _container(self) -> dict[str, Any]:
        lies: Mapping[str, dict[str, Any]] = {
            Lie.OTHER_IMAGE: {"image_digest": "sha256:" + "ba" * 32},
            Lie.ENV_OVERRIDE: {"env_override": {"LOG_PROMPTS": "1"}}, Lie.CMD_OVERRIDE: {"cmd_override": ["sh"]},
            Lie.WORDS_IN_ENV: {"env": {"X": '"swname":"CONFIDENTIAL_SPACE","dbgstat":"disabled-since-boot"'}},
        }  # fmt: skip
        return lies.get(str(self.lie), {})

    def machine(self, nonce: bytes) -> bytes:
        """A quote of the CPU and one of the TPM, both with the TLS key and the nonce."""
        spki = b"another key" if self.lie == Lie.OTHER_KEY else self.spki
        asked = OTHER if self.lie == Lie.OLD_NONCE else nonce
        quote = shared_intel().tdx_quote(sha256(spki) + asked, Guest(
            mrtd=b"\xba\xd0" * 24 if self.lie == Lie.OTHER_IMAGE else MRTD,
            attributes=SEPT_VE_DISABLE | (self.lie == Lie.DEBUG)))  # fmt: skip
        root = "false root" if self.lie == Lie.FALSE_AK_ROOT else "root"
        body = {"quote": _text(quote), "ak": _text(_certified(root)), "ak_root": _text(_ca(root)[1])}
        if self.lie == Lie.NO_QUOTE:
            return json.dumps(body).encode()
        return json.dumps({**body, "tpm_quote": self._quote(nonce)}).encode()

    def _quote(self, nonce: bytes) -> dict[str, Any]:
        tpm = _other_tpm() if self.lie == Lie.OTHER_AK else self.tpm
        other = {**PCRS, 4: b"\xba" * 32}
        quoted = {i: v for i, v in PCRS.items() if i != 4} if self.lie == Lie.FEWER_PCRS else PCRS
        quoted = other if self.lie == Lie.OTHER_PCRS else quoted
        bound = sha256(self.spki + (OTHER if self.lie == Lie.OLD_QUOTE else nonce))
        parts = tpm.parts(bound, quoted, other if self.lie == Lie.SHOWN_PCRS else None)
        signature = parts["tpm_signature"]
        if self.lie == Lie.TAMPERED:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        rows = [parts["tpm_pcrs"][i : i + 32].hex() for i in range(0, len(parts["tpm_pcrs"]), 32)]
        return {"message": parts["tpm_quote"].hex(), "signature": signature.hex(), "pcrs": rows}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@functools.cache
def _ca(_: str) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A root of attestation keys; every one has the same name."""
    key = rsa.generate_private_key(65537, pki.RSA_BITS)
    name = pki.name("EK/AK CA Root", "Sealgate Simulator")
    return key, pki.issue(name, key.public_key(), name, key, ca=True, digest=hashes.SHA256(), pss=None)


@functools.cache
def _certified(root: str) -> bytes:
    """The attestation key's certificate."""
    name = pki.name("EK/AK CA Root", "Sealgate Simulator")
    subject = pki.name("vm", "Sealgate Simulator")
    key = shared_tpm().key.public_key()
    return pki.issue(subject, key, name, _ca(root)[0], digest=hashes.SHA256(), pss=None)


@functools.cache
def _other_tpm() -> VirtualTpm:
    return VirtualTpm()
