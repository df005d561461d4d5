"""Detectors over texts, fail-closed: what one detector could not judge is uninspected, whatever the others found.

Runs inside a worker process, which has no clock of its own: deadlines are the parent's, budgets are counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from redaction.hidden import look
from redaction.joins import SPLIT, Joint, add
from redaction.known import Known, Labels, better
from redaction.spans import VALIDATED, Exhausted, credible, cut, worth
from redaction.types import Classification, Detector, DetectorFailed, Finding, Sensitivity, TextResult
from redaction.views import TooMuch

VERSION = "1"
"""Of the readings in which detectors see a text."""
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
        out = {d.name: d.digest for d in self._detectors} | {"readings": VERSION}
        if self._classifier is not None:
            out[self._classifier.name] = self._classifier.digest
        return out

    def inspect(self, texts: Sequence[str], *, patterns_only: bool = False) -> list[TextResult]:
        """One result per text, in order. Never raises for a text. ``patterns_only``: no models, for joints of texts."""
        return [self._one(text, patterns_only=patterns_only) for text in texts]

    def _one(self, text: str, *, patterns_only: bool) -> TextResult:
        failed: list[str] = []
        patterns = self._all([d for d in self._detectors if d.name in VALIDATED], failed)
        models = self._all([d for d in self._detectors if d.name not in VALIDATED and not patterns_only], failed)
        findings = [*patterns(text), *models(text)]
        prose: Sequence[str] = ()
        try:
            hidden = look(text, findings, patterns, None if patterns_only else models)
            findings += hidden.findings
            prose = hidden.prose
        except TooMuch:
            failed.append("views")
        seen = NOTHING if patterns_only else self._classified(text, prose, findings, failed)
        valid = tuple(f for f in findings if 0 <= f.start < f.end <= len(text))
        if len(valid) != len(findings):
            failed.append("offsets")
        return TextResult(tuple(cut(text, valid)), seen, failed[-1] if failed else None)

    @staticmethod
    def _all(detectors: Sequence[Detector], failed: list[str]) -> Callable[[str], list[Finding]]:
        """Several detectors as one, which notes what failed."""

        def detect(text: str) -> list[Finding]:
            findings: list[Finding] = []
            for detector in detectors:
                try:
                    findings += detector.detect(text)
                except DetectorFailed as e:
                    findings += e.found
                    failed.append(f"{e.detector}:{e.reason}")
                except Exception as e:  # whatever a detector raises makes its text uninspected, stricter than raising
                    failed.append(f"{detector.name}:{type(e).__name__}")
            return findings

        return detect

    def _classified(
        self, text: str, prose: Sequence[str], findings: Sequence[Finding], failed: list[str]
    ) -> Classification:
        """What the text is about, and what disguised passages are about if that is more."""
        seen = NOTHING
        if self._classifier is None:
            return seen
        try:
            seen = self._classifier.classify(text, findings)
            for passage in prose:
                seen = _most(seen, self._classifier.classify(passage, ()))
        except DetectorFailed as e:
            failed.append(f"{e.detector}:{e.reason}")
        except Exception as e:  # as for a detector above
            failed.append(f"{self._classifier.name}:{type(e).__name__}")
        return seen


def _most(one: Classification, other: Classification) -> Classification:
    scores = {c: max(one.categories.get(c, 0.0), s) for c, s in other.categories.items()}
    return Classification(max(one.sensitivity, other.sensitivity), {**one.categories, **scores}, one.tags | other.tags)


def propagate(texts: Sequence[str], results: Sequence[TextResult], joints: Sequence[Joint] = ()) -> list[TextResult]:
    """A value found once is found at every word-bounded occurrence in all texts of the request, in every reading of
    them and across the borders of ``joints``, with every label that it has anywhere.

    A model's guess at a piece of what a checksum proves does not count, nor does a piece of a split value: they would
    be found in innocent places. Added findings carry the label's best score, and detector ``request``. Where the search
    would cost more than a request may, every text is uninspected.
    """
    best: dict[str, Labels] = {}
    for text, result in zip(texts, results, strict=True):
        for f in credible(result.findings):
            if f.detector != SPLIT and worth(value := text[f.start : f.end]):
                better(best.setdefault(value, {}), [(f.label, f.score)])
    if not best:
        return list(results)
    try:
        known = Known(best)
        out = [_spread(known, text, result) for text, result in zip(texts, results, strict=True)]
        for joint in joints:
            _spread_over(known, joint, out)
    except (Exhausted, TooMuch):
        return [replace(result, uninspected=result.uninspected or "request:budget") for result in results]
    return out


def _spread(known: Known, text: str, result: TextResult) -> TextResult:
    covered = {(f.start, f.end, f.label) for f in result.findings}
    added = []
    for hit in known.find(text):
        for label, score in hit.labels.items():
            if (hit.start, hit.end, label) not in covered:
                covered.add((hit.start, hit.end, label))
                added.append(Finding(hit.start, hit.end, label, score, "request"))
    return replace(result, findings=(*result.findings, *added)) if added else result


def _spread_over(known: Known, joint: Joint, results: list[TextResult]) -> None:
    for hit in known.find(joint.text):
        if joint.crosses(hit.start, hit.end):
            for number, start, end in joint.parts(hit.start, hit.end):
                for label, score in hit.labels.items():
                    add(results, number, Finding(start, end, label, score, SPLIT))
