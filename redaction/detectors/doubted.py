"""A detector whose findings count only where the student, too, sees something other than plain words. Pure.

Two models of different kinds seldom err on the same word: what the second invents in technical prose or lists, the
first is sure to be nothing. The floor is far below what the student itself needs, so that little is lost; the figures
with and without it are in docs/student.md.
"""

from __future__ import annotations

import hashlib

from redaction.detectors.student import StudentDetector
from redaction.types import Detector, Finding


class Doubted:
    """Implements ``Detector``; findings keep the name of the inner one."""

    def __init__(self, inner: Detector, student: StudentDetector, floor: float) -> None:
        self._inner, self._student, self._floor = inner, student, floor
        self.name = inner.name
        self.digest = hashlib.sha256(f"{inner.digest} {student.digest} {floor}".encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed as the two do."""
        findings = self._inner.detect(text)
        if not findings:
            return ()
        believed = self._student.belief(text, findings)
        return tuple(f for f, share in zip(findings, believed, strict=True) if share >= self._floor)
