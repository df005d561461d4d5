"""A second opinion counts only where the student is not sure that there is nothing."""

from __future__ import annotations

from dataclasses import dataclass

from redaction.detectors.doubted import Doubted
from redaction.detectors.student import StudentDetector
from redaction.types import Finding

TEXT = "My colleague Margaret O'Connell wrote the function that sorts a list."


@dataclass
class Eager:
    """Finds whatever word it is told."""

    words: tuple[str, ...]
    name: str = "places"
    digest: str = "d"

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        places = [(text.index(word), word) for word in self.words]
        return tuple(Finding(at, at + len(word), "PERSON", 0.5, self.name) for at, word in places)


def test_what_the_student_is_sure_to_be_nothing_does_not_count() -> None:
    doubted = Doubted(Eager(("Margaret O'Connell", "function", "sorts")), StudentDetector(), 0.1)
    assert [TEXT[f.start : f.end] for f in doubted.detect(TEXT)] == ["Margaret O'Connell"]
    assert {f.detector for f in doubted.detect(TEXT)} == {"places"}


def test_without_a_floor_everything_counts_and_no_finding_costs_nothing() -> None:
    assert len(Doubted(Eager(("function", "sorts")), StudentDetector(), 0.0).detect(TEXT)) == 2
    assert Doubted(Eager(()), StudentDetector(), 0.5).detect(TEXT) == ()


def test_the_digest_covers_both_and_the_floor() -> None:
    student = StudentDetector()
    digests = {Doubted(Eager(()), student, 0.1).digest, Doubted(Eager(()), student, 0.2).digest}
    assert len(digests | {Doubted(Eager((), digest="e"), student, 0.1).digest}) == 3


def test_a_finding_between_tokens_is_not_believed() -> None:
    student = StudentDetector()
    assert student.belief("a  b", [Finding(1, 3, "PERSON", 0.5, "x")]) == [0.0]
    assert student.belief("", [Finding(0, 0, "PERSON", 0.5, "x")]) == [0.0]
