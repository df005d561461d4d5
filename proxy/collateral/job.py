"""The store of a running gate: what evidence is verified with, and the job that keeps it fresh beside the requests.

Nothing here is in the path of a request: a piece that is missing is noted, asked for by the job, and refused meanwhile.
A vendor that is down, slow, in a hurry or wrong changes nothing that counts; what has ended does not count, whoever is
to blame. Another process (``sealgate attest collateral``) may write the same folder: its changes are taken up.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attestation.collateral.admit import unfounded
from attestation.collateral.index import time_text
from attestation.collateral.nvidia import about
from attestation.collateral.pieces import SKEW, Entry, Kind, Name, shown
from attestation.collateral.select import key_names, needs, quote_of, select, unknown_keys, with_chain
from attestation.collateral.store import INDEX, Damaged, Snapshot, read_store
from attestation.paths import check_path, load_path
from attestation.snp.report import parse_report
from attestation.tdx.quote import parse_quote
from attestation.trust import SimulatedTrust, TrustStore, amd_chain
from attestation.types import Collateral, Evidence, Status
from proxy.collateral.fetch import Chain, Failure, Issuers, Vendors, can_ask, fetch, in_order, keep, known_issuers
from proxy.collateral.vendors import question
from proxy.collateral.watch import due_at, states
from proxy.errors import ConfigError, SealgateError
from proxy.observe import log_fault
from proxy.ports import Clock

log = logging.getLogger("sealgate")

LOOK_S = 10.0
"""How often the folder is looked at for changes of other processes."""
FIRST_WAIT_S, LAST_WAIT_S = 60.0, 3600.0
"""After a failure, then twice as long each time; random by a quarter, so that many gates do not ask together."""
LATE_S = 900.0
"""Each gate asks late by its own share of this, so that many that started together do not ask together."""
GIVEN_UP = 5
"""Failures in a row after which a piece that was only wanted is forgotten, until evidence wants it again."""
WANTED = 32
"""Pieces that are wanted and not here, at most: evidence names them, and nobody has judged that evidence yet."""
SERVICES = 256
"""Services whose keys are learned from evidence, at most: anybody may have tenants, and each is asked every day."""
ANSWERS = 1024
"""Certificates of devices that are learned from evidence and asked about, at most: each is asked about four times a
day."""
NEWER_S = 300.0
"""A key set that lacks a token's key is asked for again, but not more often than this."""

Recorder = Callable[[str, Mapping[str, object]], Awaitable[object]]


@dataclass(slots=True)
class _Wait:
    """``until`` in monotonic seconds."""

    until: float = 0.0
    failures: int = 0


class CollateralJob:
    """``load`` it, ``run`` it as a task. ``select`` is for attestation and never waits.

    ``chain`` and ``simulated`` are for tests and the demo; no configuration sets them.
    """

    def __init__(
        self, folder: Path, door: Vendors, clock: Clock, trust: TrustStore, simulated: SimulatedTrust | None = None, *,
        on_event: Recorder, chain: Chain = amd_chain, spread: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._door, self._clock, self._on_event = folder, door, clock, on_event
        self._trust, self._simulated, self._chain = trust, simulated, chain
        self._spread = spread or random.SystemRandom().random
        self._late = dt.timedelta(seconds=LATE_S * self._spread())
        self.snapshot = Snapshot()
        self.revision = 0
        """Grows whenever bytes have changed: what was verified before may be judged otherwise now."""
        self.damage: str | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._wanted: dict[Name, None] = {}
        self._brought: Issuers = {}
        """Issuers that came with evidence, of what is wanted."""
        self._waits: dict[Name | str, _Wait] = {}
        self._failing: dict[Name, str] = {}
        self._wake = asyncio.Event()

    def load(self) -> None:
        """Raises ConfigError for a store that is damaged: at the start that is for a person to look at."""
        try:
            self._take_up()
        except Damaged as e:
            raise ConfigError(f"collateral: {e}; move the folder away and fetch or import again") from None

    # -- for attestation ----------------------------------------------------------------------------------------------

    def whole(self, evidence: Evidence) -> Evidence:
        """SNP evidence with the certificate of its key out of the store, where it came without. Raises Malformed."""
        whole = with_chain(self.snapshot, evidence)
        if whole.kind in {"snp", "azure-snp", "sealgate-snp"} and not whole.certificates:
            self._want(key_names(parse_report(whole.report)))
        return whole

    def select(self, evidence: Evidence, now: dt.datetime) -> Collateral:
        """What was published about ``evidence``. What is missing is noted for the job.

        Raises Malformed, or Rejected for every piece that is missing or has ended.
        """
        names = needs(evidence)
        gone = [n for n in names if (e := self.snapshot.entry(n)) is None or not e.current(now)]
        if gone and self._genuine(evidence, now):
            self._want(gone)
        for name in unknown_keys(self.snapshot, evidence):
            if (now - self.snapshot.index.entries[name].fetched_at).total_seconds() >= NEWER_S:
                self._want((name,))
        self._learn(evidence, now)
        return select(self.snapshot, evidence, now)

    def _learn(self, evidence: Evidence, now: dt.datetime) -> None:
        """What NVIDIA says about these devices is not missed where it is not here, but asked for."""
        found = about(evidence, now, self._trust, self._simulated)
        entries = self.snapshot.index.entries
        self._want([n for n in found.names if (e := entries.get(n)) is None or not e.current(now)])
        self._brought = {n: p for n, p in {**self._brought, **found.issuers}.items() if n in self._wanted}

    def _genuine(self, evidence: Evidence, now: dt.datetime) -> bool:
        """Whether the platform that a quote names is one of Intel's: only then is Intel asked about it."""
        quote = quote_of(evidence)
        if quote is None:
            return True
        path = load_path(parse_quote(quote).certificates)
        pinned = self._trust.of("intel", self._simulated)
        return all(c.status is Status.PASS for c in check_path("pck", path, pinned, now))

    def _want(self, names: tuple[Name, ...] | list[Name]) -> None:
        for name in names:
            try:
                question(name)
            except ConfigError:
                continue  # nobody could be asked
            if name not in self.snapshot.index.entries and self._full(name[0]):
                continue
            if name not in self._wanted and len(self._wanted) < WANTED:
                self._wanted[name] = None
                self._wake.set()

    def _full(self, kind: Kind) -> bool:
        """Whether evidence may teach no further names of this kind."""
        most = {Kind.JWKS: SERVICES, Kind.OCSP: ANSWERS}.get(kind)
        return most is not None and sum(k is kind for k, _ in self.snapshot.index.entries) >= most

    # -- the job ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever. A fault of one round is logged and the next one runs."""
        while True:
            self._wake.clear()
            try:
                await self.round()
            except SealgateError as e:  # the ledger could not record it: no request is served then either
                log.error("collateral: %s", e.message)
            except Exception as e:  # a bug of ours in code that reads what strangers send must not end the job
                log_fault(e)
            try:
                async with asyncio.timeout(LOOK_S * (1 + self._spread() / 4)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def round(self) -> None:
        """Takes up what others wrote, then asks for what is due and may be asked for now."""
        if not await self._looked():
            return
        self._forget()
        names = self._due()
        if not names:
            return
        issuers = known_issuers(self.snapshot, names, self._brought)
        got = await fetch(self._door, names, self._clock.now(), self._chain, issuers)
        now = self._clock.now()  # answers may be younger than the question
        try:
            taken, refused = await asyncio.to_thread(keep, self._folder, got.pieces, now, self._trust, self._simulated)
        except (Damaged, ConfigError) as e:
            log.error("the collateral was not kept: %s", e)
            return
        for failure in (*got.failures, *refused):
            self._failed(failure)
        for name in set(names) - {*got.spared, *(f.name for f in (*got.failures, *refused))}:
            self._came(name)
        changed = [name for t in taken for name in t.changed]
        if taken and not await self._looked():
            return
        if changed:
            await self._on_event("collateral_changed", {"pieces": [_record(self.snapshot, n) for n in changed]})

    async def _looked(self) -> bool:
        """Whether the folder could be read; else what was read before stays."""
        try:
            await asyncio.to_thread(self._take_up)
        except Damaged as e:
            if self.damage != str(e):
                log.error("the collateral store is damaged and what was read before stays: %s", e)
            self.damage = str(e)
        return self.damage is None

    def _due(self) -> list[Name]:
        """What was asked for in the future, by a clock that was wrong then, is due now, not after that day."""
        now = self._clock.now()
        old = [
            e.name
            for e in self.snapshot.index.entries.values()
            if (at := due_at(e)) is not None and (at + self._late <= now or e.fetched_at > now + SKEW)
        ]
        every = [n for n in (*old, *self._wanted) if self._may_ask(n)]
        issuers = known_issuers(self.snapshot, every, self._brought)
        names = in_order(n for n in every if can_ask(n, issuers))
        return sorted(names, key=self._last)

    def _last(self, name: Name) -> tuple[bool, int]:
        """What failed is asked for last: a vendor that is busy for one piece spares itself all that come after it."""
        return name[0] is Kind.INTEL_QE, self._waits.get(name, _Wait()).failures

    def _may_ask(self, name: Name) -> bool:
        at = self._clock.monotonic()
        return all(at >= self._waits.get(key, _Wait()).until for key in (name, question(name).host))

    def _failed(self, failure: Failure) -> None:
        """Waits: twice as long each time, at least as long as the vendor said, for all of that vendor if it said so."""
        name = failure.name
        keys: list[Name | str] = [name]
        if failure.code == "vendor_busy":
            keys.append(question(name).host)
        for key in keys:
            wait = self._waits.setdefault(key, _Wait())
            seconds = min(FIRST_WAIT_S * 2.0**wait.failures, LAST_WAIT_S) * (1 + self._spread() / 4)
            wait.until = self._clock.monotonic() + max(seconds, float(failure.busy_s or 0))
            wait.failures += 1
        if self._failing.get(name) != failure.code:
            log.warning("collateral: %s", failure.reason)
        self._failing[name] = failure.code
        if self._waits[name].failures >= GIVEN_UP:
            self._wanted.pop(name, None)

    def _forget(self) -> None:
        """What is neither here nor wanted; names come out of evidence, and must not pile up."""
        known = {*self.snapshot.index.entries, *self._wanted}
        at = self._clock.monotonic()
        self._failing = {n: code for n, code in self._failing.items() if n in known}
        self._waits = {k: w for k, w in self._waits.items() if k in known or at < w.until}

    def _came(self, name: Name) -> None:
        self._wanted.pop(name, None)
        self._failing.pop(name, None)
        self._waits.pop(name, None)
        self._waits.pop(question(name).host, None)

    def _take_up(self) -> None:
        """The folder as it is now, if it has changed. Raises Damaged, and then what was read before stays."""
        stamp = _stamp(self._folder / INDEX)
        if stamp == self._stamp and stamp is not None and self.damage is None:
            return
        fresh = read_store(self._folder, self._trust, self._simulated)
        self._not_back(fresh)
        if _digests(fresh) != _digests(self.snapshot):
            self.revision += 1
        self.snapshot, self._stamp, self.damage = fresh, stamp, None

    def _not_back(self, fresh: Snapshot) -> None:
        """Raises Damaged for a folder that has seen less than we have: an old copy, or none. Its floors are gone, and
        what they keep out could come in."""
        now = self._clock.now()
        for name, floor in self.snapshot.index.floors.items():
            if floor.above(fresh.index.floors.get(name)) and not unfounded(name[0], floor, now):
                raise Damaged(
                    f"{self._folder}: it went back: {shown(name)} was newer; restart the gate if that is meant"
                )

    def status(self) -> Mapping[str, object]:
        """For the admin listener."""
        now = self._clock.now()
        found = states(self.snapshot, now)
        return {
            "pieces": len(found),
            "expired": [s.text for s in found if s.word == "expired"],
            "expiring": [s.text for s in found if s.word == "expiring"],
            "failing": {shown(name): code for name, code in sorted(self._failing.items())},
            "wanted": [shown(name) for name in self._wanted],
            "damage": self.damage,
        }


def _digests(snapshot: Snapshot) -> Mapping[Name, str]:
    return {name: e.sha256 for name, e in snapshot.index.entries.items()}


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _record(snapshot: Snapshot, changed: tuple[str, str]) -> dict[str, object]:
    """One changed piece for the ledger."""
    e: Entry = snapshot.index.entries[Kind(changed[0]), changed[1]]
    return {"kind": e.kind.value, "key": e.key, "sha256": e.sha256, "trust": e.trust.value, "number": e.number,
            "issued": time_text(e.issued)}  # fmt: skip
