"""Detectors over texts, fail-closed: what one detector could not judge is uninspected, whatever the others found.

Runs inside a worker process, which has no clock of its own: deadlines are the parent's, budgets are counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from redaction import bare, columns, coverage, exercise, kin, nobody, vaults
from redaction.crossings import crossings
from redaction.hidden import look
from redaction.propagation import propagate
from redaction.spans import OWN, VALIDATED, cut
from redaction.types import Classification, Detector, DetectorFailed, Finding, Sensitivity, TextResult
from redaction.views import TooMuch
from redaction.windows import LONG, Window, gathered, windows

__all__ = ["NOTHING", "VERSION", "Classifier", "Pipeline", "propagate", "whole"]

VERSION = "13"
"""Of the readings in which detectors see a text, and of what is left out of their findings."""
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


@runtime_checkable
class Namer(bare.Names, nobody.Names, Protocol):
    """A detector that knows names."""


class Pipeline:
    """Every detector on every text, then the classifier. ``light`` names the models that a fast look has, ``full``
    those of a full one; None: all."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        classifier: Classifier | None,
        light: Collection[str] = (),
        full: Collection[str] | None = None,
    ) -> None:
        if not detectors:
            raise ValueError("a pipeline without detectors would call everything clean")
        self._formal = tuple(d for d in detectors if d.name in VALIDATED)
        models = tuple(d for d in detectors if d.name not in VALIDATED)
        self._models = tuple(d for d in models if full is None or d.name in full)
        self._light = tuple(d for d in models if d.name in light)
        self._classifier = classifier
        self._names: Namer | None = next((d for d in detectors if isinstance(d, Namer)), None)
        self.detectors = (*self._formal, *models)

    @property
    def digests(self) -> Mapping[str, str]:
        """Detector or model name -> digest of its code, data and settings."""
        return self.digests_of()

    def digests_of(self, *, patterns_only: bool = False, fast: bool = False) -> Mapping[str, str]:
        """Of what looks at a text so closely (see :meth:`inspect`)."""
        used = (*self._formal, *self._guessing(patterns_only=patterns_only, fast=fast))
        out = {d.name: d.digest for d in used} | {"readings": VERSION, "coverage": coverage.digest()}
        if self._classifier is not None and not patterns_only:
            out[self._classifier.name] = self._classifier.digest
        return out

    def inspect(self, texts: Sequence[str], *, patterns_only: bool = False, fast: bool = False) -> list[TextResult]:
        """One result per text, in order. Never raises for a text. ``patterns_only``: no models, for joints of texts;
        ``fast``: only the light ones. A long text is looked at in windows (``redaction.windows``)."""
        out = []
        for text in texts:
            parts = windows(text)
            seen = [self.part(text[w.low : w.high], patterns_only=patterns_only, fast=fast) for w in parts]
            result = whole(parts, seen)
            out.append(result if patterns_only else self.about(text, result))
        return out

    def part(self, text: str, *, patterns_only: bool = False, fast: bool = False) -> TextResult:
        """What detectors find in one window, and what disguised passages in it are about."""
        failed: list[str] = []
        patterns = self._all(self._formal, failed)
        models = self._all(self._guessing(patterns_only=patterns_only, fast=fast), failed)
        findings = [*patterns(text), *models(text)]
        seen = NOTHING
        try:
            hidden = look(text, findings, patterns, None if patterns_only else models)
            findings += hidden.findings
            failed[:0] = [hidden.unread] if hidden.unread else []  # first: what failed may not fail again
            for passage in hidden.prose:
                seen = _most(seen, self._classified(passage, (), failed))
        except TooMuch:
            failed.append("views")
        valid = [f for f in findings if 0 <= f.start < f.end <= len(text)]
        if len(valid) != len(findings):
            failed.append("offsets")
        valid += crossings(text, valid)
        return TextResult(tuple(cut(text, valid)), seen, failed[-1] if failed else None)

    def about(self, text: str, result: TextResult) -> TextResult:
        """``result`` with what the whole text is about, and what no window is wide enough for."""
        failed: list[str] = []
        findings = self._in_columns(text, self._wide(text, result.findings, failed), failed)
        if self._names is not None:
            findings = exercise.without_names(text, findings, self._names.given)
            findings = bare.with_names(text, findings, self._names)
            findings = nobody.without_nobody(text, findings, self._names)
        seen = self._classified(text, findings, failed)
        reason = failed[-1] if failed else result.uninspected
        return TextResult(findings, _most(seen, result.classification), reason)

    def _wide(self, text: str, findings: tuple[Finding, ...], failed: list[str]) -> tuple[Finding, ...]:
        """With what an organisation's own patterns find in a long text: their matches may be longer than a margin."""
        own = [d for d in self._formal if d.name == OWN]
        if len(text) <= LONG or not own:
            return findings
        known = set(findings)
        more = (f for f in self._all(own, failed)(text) if 0 <= f.start < f.end <= len(text) and f not in known)
        return (*findings, *more)

    def _in_columns(self, text: str, findings: tuple[Finding, ...], failed: list[str]) -> tuple[Finding, ...]:
        """With the numbers of tables, whose head may stand windows away."""
        known = set(findings)
        patterns = self._all([d for d in self._formal if d.name == columns.DETECTOR], failed)
        more = [f for f in dict.fromkeys(columns.numbers(text, patterns)) if f not in known]
        more += kin.numbers(text, [*findings, *more])
        more += (f for f in vaults.passwords(text) if f not in known)
        return tuple(cut(text, [*findings, *more])) if more else findings

    def _guessing(self, *, patterns_only: bool, fast: bool) -> Sequence[Detector]:
        return () if patterns_only else self._light if fast else self._models

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

    def _classified(self, text: str, findings: Sequence[Finding], failed: list[str]) -> Classification:
        if self._classifier is None:
            return NOTHING
        try:
            return self._classifier.classify(text, findings)
        except DetectorFailed as e:
            failed.append(f"{e.detector}:{e.reason}")
        except Exception as e:  # as for a detector above
            failed.append(f"{self._classifier.name}:{type(e).__name__}")
        return NOTHING


def whole(parts: Sequence[Window], seen: Sequence[TextResult]) -> TextResult:
    """The result of a text from those of its windows. What one window could not say, the text cannot."""
    about = NOTHING
    for result in seen:
        about = _most(about, result.classification)
    reason = coverage.passing(*(r.uninspected for r in seen))
    return TextResult(gathered(parts, [r.findings for r in seen]), about, reason)


def _most(one: Classification, other: Classification) -> Classification:
    scores = {c: max(one.categories.get(c, 0.0), s) for c, s in other.categories.items()}
    return Classification(max(one.sensitivity, other.sensitivity), {**one.categories, **scores}, one.tags | other.tags)
