"""A lease: what verification proved about one enclave, for how long, and under which keys. Plain values.

Only :mod:`proxy.upstreams.enclave` makes one. The door reads the keys and asks whether the lease still holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from attestation.providers.base import BodyKey, Channel, Presented
from attestation.types import Claims
from proxy.errors import AttestationFailed, Misuse
from proxy.ports import LeaseInfo


class AttestationRefused(AttestationFailed):
    """An enclave is unusable now. ``failures`` are stable check ids for records, never text from the wire."""

    def __init__(self, upstream: str, failures: tuple[str, ...]) -> None:
        super().__init__(f"{upstream} could not prove itself: {', '.join(failures)}")
        self.upstream = upstream
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Lease:
    """``pin`` is the SHA-256 of the attested TLS SPKI, or None where TLS ends outside the enclave; ``body`` is the key
    that bodies are sealed to. At least one of them is there (Misuse otherwise), and where there is a ``body`` key
    nothing may be sent unsealed. ``proved`` and ``deadline`` are monotonic seconds.

    ``epoch`` grows with every attestation of one upstream. ``info.expires`` is the same deadline on the wall clock,
    which is checked as well: a suspended machine must not stretch a lease.
    """

    upstream: str
    epoch: int
    pin: bytes | None = field(repr=False)
    claims: Claims = field(repr=False)
    proved: float
    deadline: float
    info: LeaseInfo
    body: BodyKey | None = field(default=None, repr=False)
    channel: Channel = field(default_factory=Channel, repr=False)
    """Everything that the evidence names for this channel, ``pin`` and ``body`` among it."""
    fresh: float | None = None
    """Monotonic seconds since when the evidence is known to be fresh: our question where it signs our nonce, else the
    time that it signs; None where it signs neither."""
    revision: bytes = field(default=b"", repr=False)
    """Of the expectations that it was held to."""
    names: frozenset[str] = field(default=frozenset(), repr=False)
    """What a deny-list can name, in hex: chips, measurements, keys."""
    presented: Presented | None = field(default=None, repr=False)
    """What it was proven with, to be judged again when what vendors publish has changed ..."""
    published: int = 0
    """... since this revision of it."""

    def __post_init__(self) -> None:
        if self.pin is None and self.body is None:
            raise Misuse("a lease without a key binds nothing")

    @property
    def key(self) -> bytes:
        """SHA-256 of the key that binds requests to the enclave: the bodies' where there is one, else TLS's."""
        return hashlib.sha256(self.body.key).digest() if self.body is not None else self.pin or b""
