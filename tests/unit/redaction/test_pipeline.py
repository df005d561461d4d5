"""The pipeline fails closed; what is found once is found everywhere in a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from redaction import coverage
from redaction.pipeline import NOTHING, VERSION, Pipeline, propagate, whole
from redaction.types import Classification, DetectorFailed, Finding, Sensitivity, TextResult
from redaction.windows import windows

SECRET_TEXT = "the canary value 7f3a"


@dataclass
class Fake:
    """Finds one word, or raises."""

    word: str = ""
    error: Exception | None = None
    name: str = "fake"
    digest: str = "d1"

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        if self.error is not None:
            raise self.error
        at = text.find(self.word)
        return (Finding(at, at + len(self.word), "PERSON", 0.9, self.name),) if self.word and at >= 0 else ()


@dataclass
class Topic:
    error: Exception | None = None
    name: str = "topic"
    digest: str = "d2"

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        if self.error is not None:
            raise self.error
        return Classification(Sensitivity.INTERNAL, {"general": float(len(findings))})


def result(text: str, word: str = "", label: str = "PERSON") -> TextResult:
    at = text.index(word) if word else 0
    return TextResult((Finding(at, at + len(word), label, 0.9, "names"),) if word else (), NOTHING)


def values(text: str, res: TextResult) -> set[tuple[str, str, str]]:
    return {(text[f.start : f.end], f.label, f.detector) for f in res.findings}


def test_a_pipeline_without_detectors_is_refused() -> None:
    with pytest.raises(ValueError, match="clean"):
        Pipeline([], None)


def test_findings_of_all_detectors_and_the_classification_come_back_in_order() -> None:
    first, second = Pipeline([Fake("Ann"), Fake("Bob", name="other")], Topic()).inspect(["Ann and Bob", "nobody"])
    assert {f.detector for f in first.findings} == {"fake", "other"}
    assert first.classification.categories == {"general": 2.0}
    assert first.uninspected is None
    assert second.findings == ()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DetectorFailed("fake", "budget"), "fake:budget"),
        (RuntimeError(SECRET_TEXT), "fake:RuntimeError"),
        (MemoryError(SECRET_TEXT), "fake:MemoryError"),
    ],
)
def test_a_detector_that_fails_leaves_the_text_uninspected_and_its_message_behind(
    error: Exception, reason: str
) -> None:
    (seen,) = Pipeline([Fake(error=error), Fake("Ann", name="other")], None).inspect(["Ann"])
    assert seen.uninspected == reason
    assert [f.detector for f in seen.findings] == ["other"]
    assert "canary" not in repr(seen)


@pytest.mark.parametrize("error", [DetectorFailed("topic", "budget"), ValueError(SECRET_TEXT)])
def test_a_classifier_that_fails_leaves_the_text_uninspected(error: Exception) -> None:
    (seen,) = Pipeline([Fake("Ann")], Topic(error)).inspect(["Ann"])
    assert seen.uninspected in {"topic:budget", "topic:ValueError"}


@pytest.mark.parametrize("span", [(-1, 2), (0, 99), (2, 2), (3, 1)])
def test_offsets_outside_the_text_leave_it_uninspected(span: tuple[int, int]) -> None:
    class Broken(Fake):
        def detect(self, _: str, /) -> tuple[Finding, ...]:
            return (Finding(*span, "PERSON", 0.9, "fake"),)

    (seen,) = Pipeline([Broken()], None).inspect(["short"])
    assert seen.uninspected == "offsets"
    assert seen.findings == ()


def test_digests_name_every_detector_the_model_and_the_readings() -> None:
    digests = Pipeline([Fake()], Topic()).digests
    assert digests == {"fake": "d1", "topic": "d2", "readings": VERSION, "coverage": coverage.digest()}


def test_a_value_found_once_is_found_at_every_word_bounded_place_of_the_request() -> None:
    texts = ["Ask Maria Keller.", "maria keller called; MARIA KELLER's file; Maria Kellermann"]
    spread = propagate(texts, [result(texts[0], "Maria Keller"), result(texts[1])])
    assert values(texts[0], spread[0]) == {("Maria Keller", "PERSON", "names")}
    assert values(texts[1], spread[1]) == {
        ("maria keller", "PERSON", "request"),
        ("MARIA KELLER", "PERSON", "request"),
    }


def test_capitals_that_lengthen_a_word_are_found_too() -> None:
    texts = ["Herr Strauß", "HERR STRAUSS"]
    spread = propagate(texts, [result(texts[0], "Strauß"), result(texts[1])])
    assert values(texts[1], spread[1]) == {("STRAUSS", "PERSON", "request")}


@pytest.mark.parametrize("value", ["7", "42", "M"])
def test_values_too_short_to_mean_anything_do_not_spread(value: str) -> None:
    texts = [f"age {value}", f"there are {value} of {value}"]
    spread = propagate(texts, [result(texts[0], value, "AGE"), result(texts[1])])
    assert spread[1].findings == ()


def test_only_whole_values_spread_not_pieces_of_them() -> None:
    texts = ["mail june.may@example.org", "in May or june"]
    first = TextResult(
        (Finding(5, 25, "EMAIL_ADDRESS", 1.0, "patterns"), Finding(10, 13, "PERSON", 0.6, "names")), NOTHING
    )
    assert propagate(texts, [first, result(texts[1])])[1].findings == ()


def test_the_best_label_spreads_and_an_uninspected_text_stays_so() -> None:
    texts = ["id AB123456", "AB123456 again", "x AB123456"]
    late = TextResult((), NOTHING, "deadline")
    spread = propagate(texts, [result(texts[0], "AB123456", "PASSPORT"), result(texts[1]), late])
    assert values(texts[1], spread[1]) == {("AB123456", "PASSPORT", "request")}
    assert spread[2].uninspected == "deadline"
    assert values(texts[2], spread[2]) == {("AB123456", "PASSPORT", "request")}


@pytest.mark.parametrize(
    "text", ["phone +12025550193, thanks", "phone: +12025550193", "a\t+12025550193 b", "+12025550193"]
)
def test_the_blank_before_a_plus_is_no_part_of_the_number(text: str) -> None:
    """In the reading where ``+`` is a blank (form encoding) the two are one; replaced together, words would run on."""
    number = "+12025550193"
    [result] = propagate([text], Pipeline([Fake(number)], None).inspect([text]))
    assert number in {text[f.start : f.end] for f in result.findings}
    assert not [f for f in result.findings if text[f.start : f.end].strip() != text[f.start : f.end]]


def test_a_number_with_a_plus_is_found_where_a_form_lost_it() -> None:
    texts = ["phone +12025550193", "tel=%2B12025550193&x=1", "tel=+12025550193", "call 12025550193"]
    pipeline = Pipeline([Fake("+12025550193")], None)
    for text, result in zip(texts, propagate(texts, pipeline.inspect(texts)), strict=True):
        assert any(text[f.start : f.end].endswith("12025550193") for f in result.findings), text


def test_a_fast_look_has_the_light_models_only_and_digests_of_its_own() -> None:
    fakes = [Fake("Ann", name="light"), Fake("Bob", name="heavy"), Fake("Cy", name="patterns")]
    made = Pipeline(fakes, Topic(), {"light"})

    def names(**look: bool) -> set[str]:
        return {f.detector for f in made.inspect(["Ann, Bob and Cy"], **look)[0].findings}

    assert names() == {"light", "heavy", "patterns"}
    assert names(fast=True) == {"light", "patterns"}
    assert names(patterns_only=True) == {"patterns"}
    assert set(made.digests) == {"light", "heavy", "patterns", "topic", "readings", "coverage"}
    assert set(made.digests_of(fast=True)) == {"light", "patterns", "topic", "readings", "coverage"}
    assert set(made.digests_of(patterns_only=True)) == {"patterns", "readings", "coverage"}


def test_a_full_look_leaves_out_what_a_better_model_says_for_it() -> None:
    fakes = [Fake("Ann", name="light"), Fake("Bob", name="heavy"), Fake("Cy", name="patterns")]
    made = Pipeline(fakes, None, {"light"}, {"heavy", "patterns"})
    found = {f.detector for f in made.inspect(["Ann, Bob and Cy"])[0].findings}
    assert found == {"heavy", "patterns"} and "light" not in made.digests
    assert set(made.digests_of(fast=True)) == {"light", "patterns", "readings", "coverage"}
    assert {d.name for d in made.detectors} == {"light", "heavy", "patterns"}


@pytest.mark.parametrize(
    "order", [("deadline", "script", None), (None, "script", "deadline"), ("script", "deadline", "script")]
)
def test_a_window_that_failed_is_not_hidden_behind_one_that_nobody_can_read(order: tuple[str | None, ...]) -> None:
    """What is uninspected for its script is remembered: not without what the failed window would have shown."""
    parts = windows("word " * 1500)[:3]
    seen = [TextResult((), NOTHING, reason) for reason in order]
    assert whole(parts, seen).uninspected == "deadline"
