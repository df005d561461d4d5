"""Who has proven itself behind one name, and who failed to: plain bookkeeping, bounded, without clock or network.

A member is one TLS key with a lease of its own. Where TLS ends outside the enclaves nobody can tell them apart, and
there is one member without a key. :mod:`proxy.upstreams.enclave` says what a lease is worth and when it ends.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from attestation.providers import registry
from attestation.providers.base import Provider
from proxy.errors import ConfigError
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.lease import Lease

ANYBODY = b""
"""Stands for the key of whoever answers."""
REFUSED_S = 5.0
"""How long a refusal is answered from memory, in seconds; twice as long after each further one in a row ..."""
REFUSED_MAX_S = 30.0
"""... up to this."""

STRANGERS_PER_KEY = 4
"""Attestations of keys that are no members, within ``max_age``, for each member there may be: enough for a machine that
fails again and again and for all others to be replaced."""


def key_of(lease: Lease) -> bytes:
    """What tells members apart on a connection."""
    return lease.pin or ANYBODY


@dataclass(slots=True)
class Member:
    """``renew_at`` and ``used`` (when a request was last given it; None: never) are monotonic seconds."""

    lease: Lease
    renew_at: float
    used: float | None = None

    @property
    def seen(self) -> float:
        """When it was last of use."""
        return self.lease.proved if self.used is None else max(self.used, self.lease.proved)


class Members:
    """At most ``most``; where there is no room, whoever was of no use for longest goes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_key: dict[bytes, Member] = {}

    def __iter__(self) -> Iterator[Member]:
        """The newest proof first."""
        return iter(sorted(self._by_key.values(), key=lambda m: -m.lease.epoch))

    def get(self, key: bytes) -> Member | None:
        return self._by_key.get(key)

    def put(self, lease: Lease, renew_at: float) -> None:
        """In place of the same key's older lease. A renewal is no use: when it was last used stays as it was."""
        old = self._by_key.get(key_of(lease))
        if old is not None and old.lease.epoch > lease.epoch:
            return
        self._by_key.pop(key_of(lease), None)
        while len(self._by_key) >= self._most:
            del self._by_key[min(self._by_key, key=lambda k: self._by_key[k].seen)]
        self._by_key[key_of(lease)] = Member(lease, renew_at, old.used if old is not None else None)

    def drop(self, gone: Callable[[Lease], bool]) -> None:
        self._by_key = {key: m for key, m in self._by_key.items() if not gone(m.lease)}

    def epochs(self) -> frozenset[int]:
        return frozenset(m.lease.epoch for m in self._by_key.values())


@dataclass(frozen=True, slots=True)
class _Refusal:
    failures: tuple[str, ...]
    until: float
    row: int
    """How many in a row."""


class Refusals:
    """Why keys were refused, each remembered for a while, the last ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_key: OrderedDict[bytes, _Refusal] = OrderedDict()
        self.last: tuple[str, ...] = ()
        """Of whoever was refused last, until somebody proves itself."""

    def note(self, key: bytes, failures: tuple[str, ...], now: float, *, pause: bool = True) -> None:
        """``pause=False``: on view only; the next who needs it asks again."""
        row = self._by_key[key].row if key in self._by_key else 0
        until = now + min(REFUSED_S * 2.0 ** min(row, 8), REFUSED_MAX_S) if pause else now
        self._by_key[key] = _Refusal(failures, until, row + pause)
        self._by_key.move_to_end(key)
        while len(self._by_key) > self._most:
            self._by_key.popitem(last=False)
        self.last = failures

    def why(self, key: bytes, now: float) -> tuple[str, ...] | None:
        """Why ``key`` is refused without asking again; None once it may be asked."""
        found = self._by_key.get(key)
        return found.failures if found is not None and now < found.until else None

    def clear(self, key: bytes) -> None:
        """``key`` has proven itself."""
        self._by_key.pop(key, None)
        self.last = ()


class Allowance:
    """At most ``most`` events within ``window_s``: a peer with a fresh key for every connection costs no more."""

    def __init__(self, most: int, window_s: float) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=most)

    def spend(self, now: float) -> bool:
        if len(self._times) == self._times.maxlen and now - self._times[0] < self._window_s:
            return False
        self._times.append(now)
        return True


@dataclass(slots=True)
class Known:
    """What is known about one upstream."""

    name: str
    config: AttestationConfig
    provider: Provider
    members: Members
    refusals: Refusals
    strangers: Allowance
    """Attestations of keys that were met and are no members."""
    epoch: int = 0
    running: asyncio.Task[None] | None = None
    """The attestation of whoever answers, or of a member."""
    meeting: asyncio.Task[None] | None = None
    """The attestation of a key that was met: one that takes its time holds up no member."""
    doubted: dict[int, float] = field(default_factory=dict)
    """Epochs of leases that are not used to their end -> when that is (monotonic seconds)."""
    cold: bool = False
    """To be attested before anybody asks for it."""

    @property
    def busy(self) -> asyncio.Task[None] | None:
        return self.running if self.running is not None and not self.running.done() else None

    @property
    def flights(self) -> set[asyncio.Task[None]]:
        """All that run."""
        return {task for task in (self.running, self.meeting) if task is not None and not task.done()}


def known(upstream: UpstreamConfig, make: Callable[[str, Mapping[str, Any]], Provider]) -> Known:
    """Nothing yet. Raises ConfigError."""
    place = f"upstreams.{upstream.name}.attestation"
    config = upstream.attestation
    if config is None or config.max_age_s <= 0:
        raise ConfigError(f"{place}: zone enclave needs a provider, expectations and a max_age above zero")
    if config.keys < 1:
        raise ConfigError(f"{place}.keys: at least one")
    try:
        provider = make(config.provider, config.options)
    except registry.UnknownKind as e:
        raise ConfigError(f"{place}.provider: {e}") from None
    except registry.BadOption as e:
        raise ConfigError(f"{'.'.join((place, *map(str, e.place)))}: {e}") from None
    allowance = Allowance(STRANGERS_PER_KEY * config.keys, config.max_age_s)
    return Known(upstream.name, config, provider, Members(config.keys), Refusals(4 * config.keys + 4), allowance)
