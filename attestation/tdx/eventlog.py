"""What went into a TD's run-time registers: the event log replayed, and dstack's compose file (§2.2 row 12, §5.2).

A log is only a claim of the guest's; replaying it must give the signed registers. An event counts only with its digest
recomputed from its content, which dstack's own events in RTMR3 allow and firmware's do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from attestation import strictjson
from attestation.tdx.quote import Enclave, TrustDomain
from attestation.types import Check, Malformed, Source
from attestation.x509 import check

EVENT_LOG, APP_COMPOSE = "event_log", "app_compose"
MAX_LOG_BYTES, MAX_COMPOSE_BYTES, MAX_EVENTS = 2**20, 2**20, 4096
DSTACK_EVENT = 0x08000001
_KNOWN = ("compose-hash", "instance-id", "app-id", "key-provider", "os-image-hash", "mr-kms")


@dataclass(frozen=True, slots=True)
class Event:
    register: int
    kind: int
    digest: bytes
    name: str
    payload: bytes


def parse_log(raw: bytes) -> tuple[Event, ...]:
    """dstack's JSON list. Raises Malformed."""
    body = strictjson.load(raw, MAX_LOG_BYTES, "the event log")
    if not isinstance(body, list) or len(body) > MAX_EVENTS:
        raise Malformed(f"the event log is not a list of at most {MAX_EVENTS} events")
    return tuple(_event(entry) for entry in body)


def _event(entry: Any) -> Event:
    """dstack from 0.6 on leaves the digest of its own events out: it is then computed from the content."""
    try:
        event = Event(entry["imr"], entry["event_type"], _hex(entry["digest"]), entry["event"],
                      _hex(entry["event_payload"]))  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise Malformed("an event of the log is not of its documented form") from None
    fits = type(event.register) is int and type(event.kind) is int and isinstance(event.name, str)
    if not fits or not 0 <= event.register <= 3 or not 0 <= event.kind < 2**32:
        raise Malformed("an event of the log is not of its documented form")
    if not event.digest and event.kind == DSTACK_EVENT:
        event = replace(event, digest=dstack_digest(event))
    if len(event.digest) != 48:
        raise Malformed("an event of the log is not of its documented form")
    return event


def _hex(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if raw.hex() != text:
        raise ValueError("hex has one spelling")
    return raw


def replay(events: tuple[Event, ...]) -> tuple[bytes, bytes, bytes, bytes]:
    """RTMR0 to RTMR3: SHA-384 of the register so far and each digest."""
    registers = [bytes(48)] * 4
    for event in events:
        registers[event.register] = hashlib.sha384(registers[event.register] + event.digest).digest()
    return registers[0], registers[1], registers[2], registers[3]


def dstack_digest(event: Event) -> bytes:
    """What dstack extends RTMR3 with: SHA-384(type as 4 bytes LE ":" name ":" payload)."""
    kind = event.kind.to_bytes(4, "little")
    return hashlib.sha384(kind + b":" + event.name.encode("utf-8", "replace") + b":" + event.payload).digest()


def check_events(parts: Mapping[str, bytes], body: TrustDomain | Enclave) -> tuple[tuple[Check, ...], dict[str, bytes]]:
    """Checks of a log and compose file where they are given, and the measurements they prove. Raises Malformed."""
    if unknown := set(parts) - {EVENT_LOG, APP_COMPOSE}:
        raise Malformed(f"a quote comes with no {', '.join(sorted(unknown))}")
    if not parts:
        return (), {}
    if not isinstance(body, TrustDomain):
        raise Malformed("an SGX quote comes with no event log")
    checks: list[Check] = []
    measured: dict[str, bytes] = {}
    if EVENT_LOG in parts:
        events = parse_log(parts[EVENT_LOG])
        got = replay(events)
        for i, value in enumerate(got):
            ok = value == body.registers[f"rtmr{i}"]
            checks.append(check(f"event-log.rtmr{i}", ok, "the log must replay to the register", Source.HARDWARE))
        own = [e for e in events if e.register == 3 and e.kind == DSTACK_EVENT]
        honest = all(dstack_digest(e) == e.digest for e in own)
        checks.append(check("event-log.events", honest, "each event's digest must be of its content", Source.HARDWARE))
        names = [e.name for e in own if e.name in _KNOWN]
        checks.append(check("event-log.once", len(set(names)) == len(names), "no event may come twice"))
        measured = {e.name: e.payload for e in own if e.name in _KNOWN}
    if APP_COMPOSE in parts:
        checks.append(_compose(parts[APP_COMPOSE], body, measured))
        measured["compose-hash"] = hashlib.sha256(parts[APP_COMPOSE]).digest()
    return tuple(checks), measured


def _compose(compose: bytes, td: TrustDomain, measured: Mapping[str, bytes]) -> Check:
    """dstack names the compose file in MRCONFIGID (from 0.5 on) or in an event of RTMR3."""
    if len(compose) > MAX_COMPOSE_BYTES:
        raise Malformed("the compose file is too large")
    digest = hashlib.sha256(compose).digest()
    config = td.registers["mrconfigid"]
    named = {config[1:33]} if config[0] == 1 and not any(config[33:]) else set()
    if "compose-hash" in measured:
        named.add(measured["compose-hash"])
    return check("compose-hash", named == {digest}, "MRCONFIGID or RTMR3 must name this file", Source.HARDWARE)
