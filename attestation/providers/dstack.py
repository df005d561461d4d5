"""dstack inference proxies as RedPill, Phala and NEAR AI run them (attestation.md §2.11, §5.2).

``GET /v1/attestation/report`` answers one proxy's report, or a gateway's with one for each proxy behind it. A report is
a TD's quote with event log and compose file, GPU evidence for the same nonce, and a signing key. Version 2 binds that
key together with the TLS key; what must stand there is computed from the certificate that *we* saw, so that a report of
version 1, or of another endpoint, cannot pass for it. Version 1 binds no channel and counts only with requests sealed
to the signing key.

Shape, algorithm and number of GPUs come from the configuration and never from the answer: the answer is what an
attacker would change. Statements such as ``verified`` or ``verifiable`` are not read.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from attestation import near, strictjson
from attestation.binding import dstack_report_data
from attestation.nvidia.verify import MAX_DEVICES, MAX_DOCUMENT_BYTES, identity, parse_devices
from attestation.providers.base import Ask, BodyKey, Channel, Heard, Piece, Presented, Seal
from attestation.providers.reading import (
    DSTACK_PINNED,
    dstack_guest,
    dumped,
    hexed,
    mapping,
    spki_sha256,
    text,
    unpacked,
)
from attestation.sealing import SealingError
from attestation.signatures import address_of
from attestation.types import Check, Evidence, Malformed, Source
from attestation.x509 import check

KIND = "dstack"
REPORT = "report"
MAX_REPORT_BYTES = 4 * 1024 * 1024
MAX_MODELS = 16
_MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,128}")
_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")


@dataclass(frozen=True, slots=True)
class Dstack:
    """Options of one upstream. Raises ValueError for options that contradict each other.

    ``gpu_count``: exactly so many GPUs for each proxy; 0 where a proxy has none, which must be said. ``gateway``: a
    gateway answers for the proxies behind it. ``models="asserted"``: only the gateway is proven, and what is behind it
    is its word; refused unless the expectations waive ``models.evidence``. ``seal``: requests are sealed to the signing
    key of the proxy. ``binding="signing-key"``: reports of version 1, which name no channel; needs ``seal``.
    """

    gpu_count: int
    model: str | None = None
    signing_algo: near.Algo = near.Algo.ECDSA
    gateway: bool = False
    models: Literal["required", "asserted"] = "required"
    seal: bool = False
    binding: Literal["tls", "signing-key"] = "tls"

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, ok in (
                ("gpu_count", 0 <= self.gpu_count <= (MAX_DEVICES if self.models == "required" else 0)),
                ("model", self.model is None or _MODEL.fullmatch(self.model)),
                ("models", self.models == "required" or self.gateway),
                ("binding", self.binding == "tls" or self.seal),
                ("seal", not self.seal or self.models == "required"),
            )
            if not ok
        ]
        if wrong:
            raise ValueError(f"dstack: these options are not possible: {', '.join(wrong)}")

    @property
    def kind(self) -> str:
        return KIND

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        query = f"nonce={nonce.hex()}&signing_algo={self.signing_algo}"
        if self.model is not None:
            query = f"model={self.model}&{query}"
        if self.binding == "tls":
            query += "&version=2&include_tls_fingerprint=true"
        return (Ask(REPORT, f"/v1/attestation/report?{query}", max_bytes=MAX_REPORT_BYTES),)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        """Raises Malformed."""
        reply = heard.replies.get(REPORT)
        if reply is None:
            raise Malformed("there is no report")
        body = strictjson.load_object(reply.body, MAX_REPORT_BYTES, "the report")
        seen = spki_sha256(heard.certificate)
        if self.gateway:
            return self._behind_gateway(body, seen, nonce)
        if "gateway_attestation" in body:
            raise Malformed("this is a gateway's report, and the upstream is not configured as one")
        own = parse_report(body, self.signing_algo)
        checks = (*_channel_checks("", own, seen, self.binding == "tls"), *self._checks("", own, nonce))
        pieces = (*_cpu("cpu", own, self._channel_binding(own, seen, nonce)), *_gpus(own, nonce))
        return Presented(pieces, self._channel((own,), own, seen), True, checks, asserted=_asserted((own,)))

    def _behind_gateway(self, body: dict[str, Any], seen: bytes, nonce: bytes) -> Presented:
        front = parse_report(mapping(body.get("gateway_attestation"), "gateway_attestation"), self.signing_algo)
        behind = self._proxies(body)
        checks = [*_channel_checks("gateway.", front, seen, self.binding == "tls"), *_echoes("gateway.", front, nonce)]
        bound = self._channel_binding(front, seen, nonce)
        if not behind:  # the gateway is then all that is proven
            checks.append(check("models.evidence", False, "what runs behind the gateway is its word", Source.PROVIDER))
            pieces = (*_cpu("cpu", front, bound), *_gpus(front, nonce))
            return Presented(pieces, self._channel((), front, seen), True, tuple(checks), asserted=_asserted((front,)))
        parts = [*_cpu("gateway", front, bound), *_gpus(front, nonce)]
        for i, one in enumerate(behind):
            checks += self._checks(f"model-{i}.", one, nonce)
            inner = dstack_report_data(one.signer, one.fingerprint, nonce)  # its TLS ends at the gateway, not here
            parts += (*_cpu("model" if i else "cpu", one, inner), *_gpus(one, nonce))
        checks += _distinct((front, *behind))
        if self.seal:
            same = len({one.signer for one in behind}) == 1
            checks.append(check("models.key", same, "requests can be sealed to one key only, so all must share it"))
        channel = self._channel(behind, front, seen)
        return Presented(tuple(parts), channel, True, tuple(checks), asserted=_asserted((front, *behind)))

    def _proxies(self, body: dict[str, Any]) -> tuple[Report, ...]:
        """The reports behind a gateway; none where they are only asserted. Raises Malformed."""
        if self.models == "asserted":
            return ()
        found = body.get("model_attestations")
        if not isinstance(found, list) or not 1 <= len(found) <= MAX_MODELS:
            raise Malformed(f"model_attestations must be a list of 1 to {MAX_MODELS} reports")
        return tuple(parse_report(mapping(one, "a model's report"), self.signing_algo) for one in found)

    def _channel_binding(self, own: Report, seen: bytes, nonce: bytes) -> bytes:
        return dstack_report_data(own.signer, seen if self.binding == "tls" else None, nonce)

    def _checks(self, prefix: str, own: Report, nonce: bytes) -> Iterator[Check]:
        """A proxy's own statements that must agree with ours."""
        yield from _echoes(prefix, own, nonce)
        named = self.model is None or own.model in (None, self.model)
        yield check(f"{prefix}model", named, "the report must be for the model that was asked for", Source.PROVIDER)
        count = len(own.devices)
        yield check(f"{prefix}gpu.count", count == self.gpu_count, f"want {self.gpu_count} GPUs, got {count}")

    def _channel(self, behind: tuple[Report, ...], front: Report, seen: bytes) -> Channel:
        """Whose key seals and signs: the proxies', where they share one; else nobody's."""
        owners = behind or (front,)
        shared = owners[0] if len({o.signer for o in owners}) == 1 else None
        body = None
        if self.seal:
            body = BodyKey(Seal.NEAR, _sealing_key(owners[0], self.signing_algo), self.signing_algo)
        signer = None if shared is None else (self.signing_algo, shared.signer)
        return Channel(seen if self.binding == "tls" else None, body, signing_key=signer)


@dataclass(frozen=True, slots=True)
class Report:
    """One report, parsed and not yet trusted. ``signer`` is an address (20 bytes) or an Ed25519 key (32)."""

    signer: bytes = field(repr=False)
    public: bytes | None = field(repr=False)
    guest: Evidence
    devices: tuple[dict[str, Any], ...] = field(repr=False)
    fingerprint: bytes | None = field(repr=False)
    nonces: tuple[bytes, ...] = field(repr=False)
    """Wherever the report repeats our nonce, unsigned."""
    report_data: bytes | None = field(repr=False)
    model: str | None


def parse_report(body: dict[str, Any], algo: near.Algo) -> Report:
    """Raises Malformed. Fields that are not known are the provider's own and say nothing."""
    if body.get("signing_algo", algo) != algo:
        raise Malformed("the report is for another signing algorithm than was asked for")
    info = mapping(unpacked(body.get("info"), "info", MAX_REPORT_BYTES), "info")
    tcb = mapping(unpacked(info.get("tcb_info"), "tcb_info", MAX_REPORT_BYTES), "tcb_info")
    log = body.get("event_log")
    devices, stated = _devices(body.get("nvidia_payload"))
    echoed = body.get("request_nonce")
    nonces = (*stated, *(() if echoed is None else (hexed(echoed, "request_nonce", 32),)))
    return Report(
        signer=_signer(body.get("signing_address"), algo),
        public=_optional(body.get("signing_public_key"), "signing_public_key", None),
        guest=dstack_guest(body.get("intel_quote"), tcb.get("event_log") if log is None else log,
                           tcb.get("app_compose")),
        devices=devices,
        fingerprint=_optional(body.get("tls_cert_fingerprint"), "tls_cert_fingerprint", 32),
        nonces=nonces,
        report_data=_optional(body.get("report_data"), "report_data", 64),
        model=None if body.get("model_name") is None else text(body["model_name"], "model_name", 256),
    )  # fmt: skip


def _optional(value: object, name: str, size: int | None) -> bytes | None:
    return None if value is None else hexed(value, name, size, most=65)


def _signer(value: object, algo: near.Algo) -> bytes:
    """Addresses come in mixed case (EIP-55), and what the evidence binds are their bytes; keys are lower-case hex."""
    if algo is near.Algo.ED25519:
        return hexed(value, "signing_address", 32)
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Malformed("signing_address must be an Ethereum address")
    return bytes.fromhex(found.group(1))


def _devices(value: object) -> tuple[tuple[dict[str, Any], ...], tuple[bytes, ...]]:
    """GPU evidence as it came, and the nonce that it is said to be for. Raises Malformed."""
    if value is None or value == "":
        return (), ()
    payload = mapping(unpacked(value, "nvidia_payload", MAX_DOCUMENT_BYTES), "nvidia_payload")
    nonce, found = hexed(payload.get("nonce"), "the GPU nonce", 32), payload.get("evidence_list")
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_DEVICES:
        raise Malformed(f"evidence_list must be a list of 1 to {MAX_DEVICES} devices")
    return tuple({"nonce": nonce.hex(), **mapping(d, "a device")} for d in found), (nonce,)


def _cpu(role: str, own: Report, bound: bytes) -> tuple[Piece, ...]:
    return (Piece(role, own.guest, {"report_data": bound}, pinned=DSTACK_PINNED),)


def _gpus(own: Report, nonce: bytes) -> tuple[Piece, ...]:
    if not own.devices:
        return ()
    return (Piece("gpu", Evidence("nvidia", _document(own)), {"nonce": nonce}),)


def _document(own: Report) -> bytes:
    return dumped(list(own.devices), "GPU evidence")


def _channel_checks(prefix: str, own: Report, seen: bytes, tls: bool) -> tuple[Check, ...]:
    """The binding proves this; the check says what is wrong where TLS ends elsewhere or the report is of version 1."""
    if not tls:
        return ()
    same = own.fingerprint is not None and hmac.compare_digest(own.fingerprint, seen)
    return (check(f"{prefix}tls-key", same, "the report must name the TLS key that we see"),)


def _echoes(prefix: str, own: Report, nonce: bytes) -> Iterator[Check]:
    """A repeated value proves nothing, but one that differs is a lie or a mix-up."""
    same = all(hmac.compare_digest(n, nonce) for n in own.nonces)
    yield check(f"{prefix}nonce", same, "a nonce that the report repeats must be ours", Source.PROVIDER)
    if own.report_data is not None:
        ok = hmac.compare_digest(own.report_data[32:], nonce)
        yield check(f"{prefix}report-data", ok, "report_data as repeated must end with our nonce", Source.PROVIDER)


def _distinct(reports: tuple[Report, ...]) -> tuple[Check, ...]:
    """Inside one report verification compares identity keys; here no two proxies may show one GPU."""
    keys = [key for r in reports if r.devices for key in {identity(d) for d in parse_devices(_document(r))}]
    return (check("gpu.distinct", len(set(keys)) == len(keys), "no GPU may serve two proxies"),)


def _sealing_key(owner: Report, algo: near.Algo) -> bytes:
    """The key that requests are sealed to, which must be the one that the report binds. Raises Malformed.

    Of an ECDSA key the report binds the Ethereum address only: the key is the one that has this address (the last 20
    bytes of its Keccak-256), and nobody can make another with it.
    """
    public = owner.public if algo is near.Algo.ECDSA or owner.public is not None else owner.signer
    if public is None:
        raise Malformed("the report names an address and not the key that it is of")
    try:
        near.sealing_key(algo, public)
    except SealingError as e:
        raise Malformed(str(e)) from None
    if owner.signer != (address_of(public) if algo is near.Algo.ECDSA else public):
        raise Malformed("the public key is not the one that the report binds")
    return public


def _asserted(reports: tuple[Report, ...]) -> dict[str, str]:
    names = sorted({r.model for r in reports if r.model is not None and _MODEL.fullmatch(r.model)})
    return {"models": ", ".join(names)} if names else {}
