"""Other readings of a text: where detectors look, what models are asked to read again, and where findings land."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import Pipeline
from redaction.types import Classification, DetectorFailed, Finding, Sensitivity, TextResult


@dataclass
class Model:
    """Finds one name; remembers what it was given."""

    name: str = "names"
    digest: str = "m"
    word: str = "Maria Keller"
    read: list[str] = field(default_factory=list)

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        self.read.append(text)
        at = text.find(self.word)
        return (Finding(at, at + len(self.word), "PERSON", 0.9, self.name),) if at >= 0 else ()


@dataclass
class Topic:
    name: str = "topic"
    digest: str = "t"

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        ill = "diagnosis" in text
        return Classification(Sensitivity.REGULATED if ill else Sensitivity.PUBLIC, {"health": 0.9} if ill else {})


def found(text: str, model: Model) -> list[str]:
    (seen,) = Pipeline([model], None).inspect([text])
    assert seen.uninspected in {None, "script"}
    return [text[f.start : f.end] for f in seen.findings]


@pytest.mark.parametrize(
    "spelled",
    [
        "Maria%20Keller",
        "M\u200baria Kel\u200bler",
        "Ｍａｒｉａ Ｋｅｌｌｅｒ",
        "&#77;aria Keller",
        "\\u004daria Keller",
        "M\u0430ria K\u0435ller",
        "**M**aria Kel*ler*",
        base64.b64encode(b"our client Maria Keller is here").decode(),
        base64.b64encode(b"our client Maria Keller").decode(),
        base64.b64encode(b"Maria Keller").decode(),
        b"Maria Keller".hex(),
    ],
)
def test_models_read_what_was_disguised(spelled: str) -> None:
    assert found(f"ask {spelled} now", Model()) == [spelled]


@pytest.mark.parametrize(
    "text",
    [
        "a plain text about nothing",
        'one &amp; two &lt; three \\n four \\" five',
        "Привет, Москва! COVID-19 and more",
        "well\u2026 yes \u2013 no\u00a0one ❤\ufe0f",
        "SGkh and SGk=",
        "Find us at example dot com",
    ],
)
def test_models_read_once_where_no_word_was_disguised(text: str) -> None:
    model = Model()
    found(text, model)
    assert model.read == [text]


def test_encoded_runs_beside_each_other_are_texts_of_their_own() -> None:
    """What ends where a run ends is whole: nothing follows it there."""
    runs = [base64.b64encode(said).decode() for said in (b"Maria Keller", b"is the name", b"Maria Keller")]
    assert found(" ".join(runs), Model()) == [runs[0], runs[2]]
    assert found(base64.b64encode(b"Keller\n").decode(), Model(word="Keller")), "a name alone is one"
    assert found(base64.b64encode(b"Fatima D'Angelo").decode(), Model(word="Fatima D'Angelo"))


def test_models_read_only_around_a_disguise() -> None:
    model = Model()
    text = "so it goes. " * 200 + "Maria%20Keller" + " so it goes." * 200
    assert found(text, model) == ["Maria%20Keller"]
    assert len(model.read) == 2 and len(model.read[1]) < 1500


def test_a_disguised_topic_counts() -> None:
    run = base64.b64encode(b"the diagnosis of the patient is bad").decode()
    (seen,) = Pipeline([Model()], Topic()).inspect([f"see {run}"])
    assert seen.classification == Classification(Sensitivity.REGULATED, {"health": 0.9})


def test_a_detector_that_fails_on_a_reading_leaves_the_text_uninspected() -> None:
    class Failing(Model):
        def detect(self, text: str, /) -> tuple[Finding, ...]:
            if "@" in text:
                raise DetectorFailed("patterns", "budget")
            return ()

    (seen,) = Pipeline([Failing("patterns")], None).inspect(["jane%40example.com"])
    assert seen.uninspected == "patterns:budget"


def test_more_readings_than_may_be_looked_at_leave_the_text_uninspected() -> None:
    word = base64.b64encode(b"nothing to see").decode()
    (seen,) = Pipeline([Model("patterns")], None).inspect([f"{word} " * 3000])
    assert seen.uninspected == "views"


def test_joints_are_read_by_patterns_only() -> None:
    model = Model()
    pipeline = Pipeline([model, Model("patterns", word="x")], Topic())
    (seen,) = pipeline.inspect(["ask Maria Keller x diagnosis"], patterns_only=True)
    assert [f.detector for f in seen.findings] == ["patterns"]
    assert model.read == []
    assert seen == TextResult(seen.findings, Classification(Sensitivity.PUBLIC))


def test_the_dash_of_a_list_breaks_no_number() -> None:
    """Joined with the next item's dash a column of numbers was one run, whose checks cost more than a text may."""
    numbers = [f"{100 + n}-{20 + n % 70}-{1000 + 7 * n}" for n in range(300)]
    text = "ssn:\n" + "".join(f"  - {n}\n" for n in numbers)
    seen = Pipeline([PatternDetector()], None).inspect([text])[0]
    assert seen.uninspected is None
    said = {text[f.start : f.end] for f in seen.findings}
    assert said >= set(numbers)


@pytest.mark.parametrize("text", ["ssn: 123-45-\n6789", "ssn: 123-\n45-6789", "> my ssn 123-45-\n> 6789 thanks"])
def test_a_number_broken_at_its_dash_is_one(text: str) -> None:
    found = Pipeline([PatternDetector()], None).inspect([text])[0].findings
    start, end = text.index("1"), text.index("9") + 1
    assert any(f.start <= start and end <= f.end for f in found)
