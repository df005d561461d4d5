"""Breakers: an upstream that fails again and again is left alone for a while, then probed with one request.

A breaker only ever removes candidates. It never adds one, so it cannot move a payload to a less trusted zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

FAILURES = 3
"""Consecutive failures that open a breaker."""
OPEN_S = 10.0
"""How long an open breaker keeps requests away, in seconds; a probe that never reports is given up after as long."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    retry_at: float | None = None
    """None while requests pass; else the monotonic second at which the next probe may start."""


class Breaker:
    """Closed: all pass. Open: none pass for ``OPEN_S``. Half open: one probe; its report decides."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._circuits: dict[str, _Circuit] = {}

    def allows(self, upstream: str) -> bool:
        """Whether ``upstream`` may be a candidate now. Changes nothing."""
        circuit = self._circuits.get(upstream)
        return circuit is None or circuit.retry_at is None or self._now() >= circuit.retry_at

    def probe(self, upstream: str) -> None:
        """Called when ``upstream`` was offered: the others wait until this one has reported, or ``OPEN_S``."""
        circuit = self._circuits.get(upstream)
        if circuit is not None and circuit.retry_at is not None:
            circuit.retry_at = self._now() + OPEN_S

    def report(self, upstream: str, ok: bool) -> None:
        """Counts one attempt. A success closes the breaker; the third failure in a row opens it."""
        circuit = self._circuits.setdefault(upstream, _Circuit())
        if ok:
            circuit.failures = 0
            circuit.retry_at = None
            return
        circuit.failures += 1
        if circuit.failures >= FAILURES:
            circuit.retry_at = self._now() + OPEN_S

    def status(self) -> Mapping[str, str]:
        """``ok``, ``open`` or ``half_open`` for each upstream that has reported, for the admin listener."""
        return {name: self._word(c) for name, c in self._circuits.items()}

    def _word(self, circuit: _Circuit) -> str:
        if circuit.retry_at is None:
            return "ok"
        return "half_open" if self._now() >= circuit.retry_at else "open"
