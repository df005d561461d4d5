"""A lease: what verification proved about one enclave, for how long, and under which TLS key. Plain values.

Only :mod:`proxy.upstreams.enclave` makes one. The door reads the pin and asks whether the lease still holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from attestation.providers.base import BodyKey, Channel
from attestation.types import Claims
from proxy.errors import AttestationFailed
from proxy.ports import LeaseInfo


class AttestationRefused(AttestationFailed):
    """An enclave is unusable now. ``failures`` are stable check ids for records, never text from the wire."""

    def __init__(self, upstream: str, failures: tuple[str, ...]) -> None:
        super().__init__(f"{upstream} could not prove itself: {', '.join(failures)}")
        self.upstream = upstream
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Lease:
    """``pin`` is the SHA-256 of the attested TLS SPKI; ``proved`` and ``deadline`` are monotonic seconds. With ``body``
    every request is sealed to that key; without a pin too, TLS is transport only.

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
