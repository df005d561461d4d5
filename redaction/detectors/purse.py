"""What the checks of one text may cost: without a bound, a text made of half-valid numbers would take minutes."""

from __future__ import annotations

from redaction.types import DetectorFailed

PER_CHARACTER, SPARE = 5, 10_000
"""Microseconds, roughly, that all checks of a text may cost: ordinary prose costs a third of a microsecond a character,
and a table that is nothing but valid numbers four."""


class Purse:
    """Counts the cost of checks."""

    def __init__(self, detector: str, size: int) -> None:
        self._detector = detector
        self.left = PER_CHARACTER * size + SPARE

    def pay(self, cost: int) -> None:
        """Raises DetectorFailed (``budget``) when nothing is left: the rest of the text is not judged."""
        self.left -= cost
        if self.left < 0:
            raise DetectorFailed(self._detector, "budget")
