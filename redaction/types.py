"""The words of the redaction package: findings, segments' results, failures. Imports nothing of this project.

A finding never holds text: it is a span, a label, a score and the name of the detector, so it may be logged,
cached and counted.  Everything that could not be judged is *uninspected*, which is never the same as clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Sensitivity(IntEnum):
    """How sensitive the content of a payload is; a larger value is more sensitive."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    REGULATED = 3

    @property
    def word(self) -> str:
        """The spelling used in policies, records and on the command line."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """A sensitive span ``[start, end)`` in code points of one text; ``score`` is 0.0 to 1.0."""

    start: int
    end: int
    label: str
    score: float
    detector: str


class DetectorFailed(Exception):
    """A detector could not judge a text (error, time-out, budget); the text is uninspected.

    The message is an enum-like reason such as ``timeout`` or ``budget`` and never contains text. ``found`` is what was
    found before: it is transformed as any finding, though the text stays uninspected.
    """

    found: tuple[Finding, ...] = ()

    def __init__(self, detector: str, reason: str) -> None:
        super().__init__(f"{detector}: {reason}")
        self.detector = detector
        self.reason = reason


class Detector(Protocol):
    """Finds sensitive spans. ``digest`` identifies code, data and settings, for caches and audit records."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """All findings of ``text``, in any order. Raises DetectorFailed when it cannot judge."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """What a text is about: category -> score 0.0 to 1.0 (only those above threshold), and its sensitivity.

    ``tags`` are value-free marks such as ``marked_confidential``.
    """

    sensitivity: Sensitivity
    categories: Mapping[str, float] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TextResult:
    """What inspection says about one text. ``uninspected`` is None or a reason (never text)."""

    findings: tuple[Finding, ...]
    classification: Classification
    uninspected: str | None = None


GROUPS: Mapping[str, frozenset[str]] = {
    "@secrets": frozenset({"API_KEY", "PASSWORD", "PRIVATE_KEY", "CONNECTION_STRING", "SECRET"}),
    "@financial": frozenset({"CREDIT_CARD", "IBAN_CODE", "BANK_ACCOUNT", "US_BANK_NUMBER", "CRYPTO"}),
    "@contact": frozenset({"EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "URL", "USERNAME"}),
    "@identifiers": frozenset(
        {
            "US_SSN",
            "NATIONAL_ID",
            "TAX_ID",
            "PASSPORT",
            "US_PASSPORT",
            "DRIVER_LICENSE",
            "US_DRIVER_LICENSE",
            "MEDICAL_RECORD",
            "MEDICAL_LICENSE",
            "CASE_NUMBER",
            "REFERENCE_NUMBER",
            "LICENSE_PLATE",
            "DEVICE_ID",
            "IP_ADDRESS",
            "MAC_ADDRESS",
        }
    ),
}
"""Label groups a policy may name; each expands to its labels. A group is matched by any of its labels."""

LABELS: frozenset[str] = frozenset().union(*GROUPS.values()) | {
    "PERSON",
    "LOCATION",
    "ORGANIZATION",
    "DATE_TIME",
    "DATE_OF_BIRTH",
    "AGE",
    "NRP",
    "PROFESSION",
}
"""Labels known to this release. Country-specific Presidio labels (``DE_TAX_ID``) map to the generic one."""

CATEGORIES: frozenset[str] = frozenset(
    {"general", "correspondence", "internal", "legal", "hr", "financial", "health", "credentials", "source_code"}
)
"""Categories the payload classifier may report."""
