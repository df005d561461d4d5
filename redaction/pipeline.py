"""Detectors over texts, fail-closed: what one detector could not judge is uninspected, whatever the others found.

Runs inside a worker process, which has no clock of its own: deadlines are the parent's, budgets are counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from redaction.escapes import undo
from redaction.spans import Exhausted, Occurrences, credible, fold, worth
from redaction.types import Classification, Detector, DetectorFailed, Finding, Sensitivity, TextResult

PIECE = 10
"""What undoing one disguise costs (``redaction.spans.WORK``)."""
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
    """A value found once is found at every word-bounded occurrence in all texts of the request, also where escapes or
    line breaks disguise it, with every label that it has anywhere.

    A model's guess at a piece of what a checksum proves does not count: it would be found in innocent places. Added
    findings carry the label's best score, and detector ``request``. Where the search would cost more than a request
    may, every text is uninspected.
    """
    best: dict[str, dict[str, float]] = {}
    for text, result in zip(texts, results, strict=True):
        for f in credible(result.findings):
            if worth(value := text[f.start : f.end]):
                _better(best.setdefault(value, {}), [(f.label, f.score)])
    if not best:
        return list(results)
    spread = _Spread(best)
    try:
        return [spread.over(text, result) for text, result in zip(texts, results, strict=True)]
    except Exhausted:
        return [replace(result, uninspected=result.uninspected or "request:budget") for result in results]


def _better(known: dict[str, float], scores: Iterable[tuple[str, float]]) -> None:
    for label, score in scores:
        known[label] = max(score, known.get(label, 0.0))


class _Spread:
    """Finds the values of a request again. ``best``: value -> label -> score."""

    def __init__(self, best: Mapping[str, Mapping[str, float]]) -> None:
        self._labels: dict[str, dict[str, float]] = {}
        plain = {value: undone.text if (undone := undo(value)) else value for value in best}
        for value, labels in best.items():
            for form in {fold(value), fold(value.upper()), fold(plain[value])}:
                _better(self._labels.setdefault(form, {}), labels.items())
        self._places = Occurrences({*best, *plain.values()})

    def over(self, text: str, result: TextResult) -> TextResult:
        """``result`` and what was found. Raises Exhausted."""
        covered = {(f.start, f.end, f.label) for f in result.findings}
        added = [
            Finding(start, end, label, score, "request")
            for (start, end), labels in self._find(text).items()
            for label, score in labels.items()
            if (start, end, label) not in covered
        ]
        return replace(result, findings=(*result.findings, *added)) if added else result

    def _find(self, text: str) -> dict[tuple[int, int], Mapping[str, float]]:
        found: dict[tuple[int, int], Mapping[str, float]] = {
            place: self._labels[fold(text[slice(*place)])] for place in self._places.find(text)
        }
        undone = undo(text)
        if undone is not None:
            self._places.pay(PIECE * len(undone.pieces))
            for place in self._places.find(undone.text):
                found.setdefault(undone.place(*place), self._labels[fold(undone.text[slice(*place)])])
        return found
