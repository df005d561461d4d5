"""Applications on simulated dstack guests: registers, event log, compose file, and every way to lie about them.

For tests and the demo; everything is signed under the simulator's root. Reads no clock and opens no connection.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from attestation.simulator.intel import SEPT_VE_DISABLE, Guest, Intel, shared_intel
from attestation.tdx.eventlog import DSTACK_EVENT, Event, dstack_digest, replay
from attestation.types import Collateral, Expectations

OLD_NONCE = bytes.fromhex("0d") * 32
ZERO = bytes(48)


class TdLie(StrEnum):
    """What is wrong with a guest or its papers; the binding is honest."""

    TAMPERED_QUOTE = "tampered_quote"
    FALSE_ROOT = "false_root"
    TRAILING_BYTES = "trailing_bytes"
    TRUNCATED = "truncated"
    UPPER_HEX = "upper_hex"
    DEBUG_TD = "debug_td"
    MIGRATION_TD = "migration_td"
    SEPT_VE_OFF = "sept_ve_off"
    OTHER_FIRMWARE = "other_firmware"
    OTHER_HARDWARE = "other_hardware"
    """Another RTMR0: devices or settings that the host chose."""
    OTHER_KERNEL = "other_kernel"
    OTHER_APPLICATION = "other_application"
    """Genuine in every part, on the same operating system; only what runs is another."""
    OTHER_COMPOSE = "other_compose"
    """The compose file that is shown is not the one that is measured."""
    NO_COMPOSE = "no_compose"
    DROPPED_EVENT = "dropped_event"
    FORGED_EVENT = "forged_event"
    """The log says another compose file under the digest of the measured one."""
    REPEATED_EVENT = "repeated_event"
    DEEP_LOG = "deep_log"
    OUT_OF_DATE = "out_of_date"
    """The evidence is perfect; Intel's levels say that the platform is old."""
    REVOKED_PCK = "revoked_pck"


@dataclass(frozen=True, slots=True)
class Application:
    """A compose file on a release of the operating system; ``lite``: as dstack 0.6 measures and logs it."""

    name: str
    lite: bool = False

    @property
    def compose(self) -> str:
        return json.dumps({"manifest_version": 2, "name": self.name, "runner": "docker-compose"})

    @property
    def compose_hash(self) -> bytes:
        return hashlib.sha256(self.compose.encode()).digest()

    def events(self) -> tuple[Event, ...]:
        boot = [Event(i, 0x80000001 + i, hashlib.sha384(b"boot" + bytes((i,))).digest(), "", b"boot") for i in range(3)]
        own = {"system-preparing": b"", "app-id": self.compose_hash[:20], "compose-hash": self.compose_hash,
               "instance-id": b"\7" * 20, "boot-mr-done": b"", "os-image-hash": b"\x05" * 32,
               "system-ready": b""}  # fmt: skip
        return (*boot, *(own_event(name, payload) for name, payload in own.items()))

    def guest(self) -> Guest:
        config = b"\1" + self.compose_hash + bytes(15) if self.lite else ZERO
        return Guest(rtmrs=replay(self.events()), mrconfigid=config)

    @property
    def registers(self) -> Mapping[str, bytes]:
        """What an approver names."""
        first = dict(zip(("rtmr0", "rtmr1", "rtmr2"), self.guest().rtmrs[:3], strict=True))
        return {"mrtd": self.guest().mrtd, **first, "compose-hash": self.compose_hash}


@dataclass(frozen=True, slots=True)
class Papers:
    """A guest's evidence as services put it into JSON."""

    quote: str
    log: str
    compose: str | None


def own_event(name: str, payload: bytes) -> Event:
    event = Event(3, DSTACK_EVENT, ZERO, name, payload)
    return replace(event, digest=dstack_digest(event))


def log_text(events: tuple[Event, ...], lite: bool = False) -> str:
    """dstack's JSON; from 0.6 on its own events come without their digest."""
    return json.dumps(
        [{"imr": e.register, "event_type": e.kind, "digest": "" if lite and e.kind == DSTACK_EVENT else e.digest.hex(),
          "event": e.name, "event_payload": e.payload.hex()} for e in events]
    )  # fmt: skip


def papers(app: Application, report_data: bytes, lie: TdLie | None = None) -> Papers:
    """Quote, log and compose file for these 64 bytes, honest unless told otherwise."""
    if lie is TdLie.OTHER_APPLICATION:
        return papers(replace(app, name=f"{app.name}-of-somebody-else"), report_data)
    guest, events = app.guest(), app.events()
    if lie is TdLie.REPEATED_EVENT:
        events = (*events, own_event("compose-hash", b"\7" * 32))
        guest = replace(guest, rtmrs=replay(events))
    if lie in (TdLie.OTHER_HARDWARE, TdLie.OTHER_KERNEL):
        at = 0 if lie is TdLie.OTHER_HARDWARE else 2
        events = (*events, Event(at, 0x80000001, b"\x66" * 48, "", b""))
        guest = replace(guest, rtmrs=replay(events))
    maker = false_intel() if lie is TdLie.FALSE_ROOT else shared_intel()
    quote = _spoilt(maker.tdx_quote(report_data, _guest(guest, lie)), lie)
    compose = None if lie is TdLie.NO_COMPOSE else app.compose + (" " if lie is TdLie.OTHER_COMPOSE else "")
    return Papers(quote, _log(app, events, lie), compose)


def _guest(guest: Guest, lie: TdLie | None) -> Guest:
    match lie:
        case TdLie.DEBUG_TD:
            return replace(guest, attributes=SEPT_VE_DISABLE | 1)
        case TdLie.SEPT_VE_OFF:
            return replace(guest, attributes=0)
        case TdLie.MIGRATION_TD:
            return replace(guest, version=5, service_td=b"\1" * 48)
        case TdLie.OTHER_FIRMWARE:
            return replace(guest, mrtd=b"\x66" * 48)
    return guest


def _spoilt(quote: bytes, lie: TdLie | None) -> str:
    match lie:
        case TdLie.TAMPERED_QUOTE:
            quote = quote[:200] + bytes((quote[200] ^ 1,)) + quote[201:]
        case TdLie.TRAILING_BYTES:
            quote += b"\1"
        case TdLie.TRUNCATED:
            quote = quote[:-1]
        case TdLie.UPPER_HEX:
            return quote.hex().upper()
    return quote.hex()


def _log(app: Application, events: tuple[Event, ...], lie: TdLie | None) -> str:
    if lie is TdLie.DEEP_LOG:
        return "[" * 100_000
    if lie is TdLie.DROPPED_EVENT:
        events = events[:-1]
    if lie is TdLie.FORGED_EVENT:
        events = tuple(replace(e, payload=b"\x66" * 32) if e.name == "compose-hash" else e for e in events)
        return log_text(events)
    return log_text(events, app.lite)


def collateral(now: dt.datetime, lie: TdLie | None = None) -> Collateral:
    """What Intel says at ``now``."""
    intel = shared_intel()
    if lie is TdLie.OUT_OF_DATE:
        return intel.collateral(now, info={"tcbStatus": "OutOfDate"})
    if lie is TdLie.REVOKED_PCK:
        return intel.collateral(now, parts={"pck_crl": intel.crl("Intel SGX PCK Platform CA", now, [intel.pck]).hex()})
    return intel.collateral(now)


def expectations(name: str, until: dt.date, *apps: Application, tees: frozenset[str] = frozenset({"tdx"})
                 ) -> Expectations:  # fmt: skip
    """What honest guests that run ``apps`` meet."""
    images = {app.name: app.registers for app in apps}
    return Expectations(name, tees, {}, {}, "demo", until, allow_simulated=True, registers=images)


def expectations_yaml(name: str, until: dt.date, *apps: Application) -> str:
    """The same as a file that :func:`attestation.expectations.load_expectations` reads."""
    images = "".join(
        f"  {app.name}: {{{', '.join(f'{k}: {v.hex()!r}' for k, v in app.registers.items())}}}\n" for app in apps
    )
    return (f"name: {name}\ntees: [tdx]\nmeasurements:\n{images}approved_by: demo\napproved_until: {until}\n"
            "allow_simulated: true\n")  # fmt: skip


@functools.cache
def false_intel() -> Intel:
    """Somebody's own root with Intel's names."""
    return Intel()
