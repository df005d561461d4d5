"""Detectors over texts, fail-closed: what one detector could not judge is uninspected, whatever the others found.

Runs inside a worker process, which has no clock of its own: deadlines are the parent's, budgets are counted here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from redaction.spans import Group, Occurrences, credible, resolve, worth
from redaction.types import Classification, Detector, DetectorFailed, Finding, Sensitivity, TextResult

NOTHING = Classification(Sensitivity.PUBLIC)


class Classifier(Protocol):
    """Says what a text is about. ``findings`` let it look past identifiers."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        """Raises DetectorFailed when it cannot judge."""
        ...


class Pipeline:
    """Every detector on every text, then the classifier."""

    def __init__(self, detectors: Sequence[Detector], classifier: Classifier | None) -> None:
        if not detectors:
            raise ValueError("a pipeline without detectors would call everything clean")
        self._detectors = tuple(detectors)
        self._classifier = classifier

    @property
    def digests(self) -> Mapping[str, str]:
        """Detector or model name -> digest of its code, data and settings."""
        out = {d.name: d.digest for d in self._detectors}
        if self._classifier is not None:
            out[self._classifier.name] = self._classifier.digest
        return out

    def inspect(self, texts: Sequence[str]) -> list[TextResult]:
        """One result per text, in order. Never raises for a text."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> TextResult:
        findings: list[Finding] = []
        failed: str | None = None
        for detector in self._detectors:
            try:
                findings += detector.detect(text)
            except DetectorFailed as e:
                failed = f"{e.detector}:{e.reason}"
            except Exception as e:  # whatever a detector raises makes its text uninspected, stricter than raising
                failed = f"{detector.name}:{type(e).__name__}"
        seen = NOTHING
        if self._classifier is not None:
            try:
                seen = self._classifier.classify(text, findings)
            except DetectorFailed as e:
                failed = f"{e.detector}:{e.reason}"
            except Exception as e:  # as for a detector above
                failed = f"{self._classifier.name}:{type(e).__name__}"
        valid = tuple(f for f in findings if 0 <= f.start < f.end <= len(text))
        if len(valid) != len(findings):
            failed = "offsets"
        return TextResult(valid, seen, failed)


def propagate(texts: Sequence[str], results: Sequence[TextResult]) -> list[TextResult]:
    """A value found once is found at every word-bounded occurrence in all texts of the request.

    Whole places and each finding in them count, but not a model's guess at a piece of what a checksum proves: that
    would be found in innocent places. Added findings carry label and score of the best, and detector ``request``.
    """
    best: dict[str, Group | Finding] = {}
    for text, result in zip(texts, results, strict=True):
        places: list[Group | Finding] = [*resolve(result.findings), *credible(result.findings)]
        for place in places:
            value = text[place.start : place.end]
            if worth(value) and (value not in best or place.score > best[value].score):
                best[value] = place
    if not best:
        return list(results)
    occurrences = Occurrences(best)
    by_fold = {form.lower(): group for value, group in best.items() for form in (value.upper(), value)}
    return [_spread(text, result, occurrences, by_fold) for text, result in zip(texts, results, strict=True)]


def _spread(text: str, result: TextResult, places: Occurrences, by_fold: Mapping[str, Group | Finding]) -> TextResult:
    covered = {(f.start, f.end) for f in result.findings}
    added = tuple(
        Finding(start, end, f.label, f.score, "request")
        for start, end in places.find(text)
        if (start, end) not in covered and (f := by_fold.get(text[start:end].lower())) is not None
    )
    return replace(result, findings=result.findings + added) if added else result
