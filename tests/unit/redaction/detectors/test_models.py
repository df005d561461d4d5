"""The two model detectors, with their real models; skipped with a reason where these are not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from redaction.detectors.names import RampartDetector
from redaction.detectors.places import SpacyDetector, english
from redaction.types import DetectorFailed

MODELS = Path(os.environ.get("SEALGATE_MODELS") or Path(__file__).parents[4] / "var" / "models")
needs_models = pytest.mark.skipif(not (MODELS / "rampart").is_dir(), reason="run `sealgate models install` first")


@pytest.fixture(scope="module")
def names() -> RampartDetector:
    return RampartDetector(MODELS / "rampart")


@pytest.fixture(scope="module")
def places() -> SpacyDetector:
    return SpacyDetector(MODELS / "spacy-en")


@needs_models
@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("Hello, my name is Maria Keller.", "Maria Keller", "PERSON"),
        ("Meine Kollegin Annegret Vollmer kommt.", "Annegret Vollmer", "PERSON"),
        ("👩‍💻 from Zoë Ångström-O'Neill 🎉", "Zoë Ångström-O'Neill", "PERSON"),
        ("She lives in Boston now.", "Boston", "LOCATION"),
    ],
)
def test_names_and_places_have_exact_spans(names: RampartDetector, text: str, value: str, label: str) -> None:
    assert (value, label) in {(text[f.start : f.end], f.label) for f in names.detect(text)}


@needs_models
def test_the_parts_of_an_address_join(names: RampartDetector) -> None:
    text = "Send it to 742 Evergreen Terrace, Springfield."
    spans = [text[f.start : f.end] for f in names.detect(text) if f.label == "ADDRESS"]
    assert any("742 Evergreen Terrace" in s for s in spans)


@needs_models
def test_a_name_is_found_wherever_it_stands_in_a_long_text(names: RampartDetector) -> None:
    filler = "The weather was mild and the river was calm that day. "
    for repeat in (0, 7, 23, 61, 200):
        text = filler * repeat + "Harold Jenkins arrived. " + filler * 30
        start = text.index("Harold")
        assert any(f.start == start and f.end == start + 14 for f in names.detect(text)), repeat


@needs_models
def test_over_budget_is_said(names: RampartDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redaction.detectors.names.TOKEN_BUDGET", 50)
    with pytest.raises(DetectorFailed, match="budget"):
        names.detect("one two three four " * 40)


@needs_models
@pytest.mark.parametrize("text", ["", "!!!", "1 2 3", "\u0301", "\U0001f600" * 50, "a" * 5000])
def test_strange_texts_do_no_harm(names: RampartDetector, places: SpacyDetector, text: str) -> None:
    for f in (*names.detect(text), *places.detect(text)):
        assert 0 <= f.start < f.end <= len(text)


@needs_models
@pytest.mark.parametrize(
    "text", ["What is the capital of France?", "Explain TCP vs UDP", "Write a haiku about autumn", "get_weather"]
)
def test_harmless_prompts_name_no_person(names: RampartDetector, places: SpacyDetector, text: str) -> None:
    labels = {f.label for f in (*names.detect(text), *places.detect(text))}
    assert not labels & {"PERSON", "ORGANIZATION", "NATIONAL_ID"}


@needs_models
def test_organisations_come_from_english_prose_only(places: SpacyDetector) -> None:
    text = "She works for Siemens Healthineers in Erlangen and her boss is Robert Tanaka."
    assert ("Siemens Healthineers", "ORGANIZATION") in {(text[f.start : f.end], f.label) for f in places.detect(text)}
    assert places.detect("Das Haus steht am Ende der langen Straße in Erlangen.") == ()


def test_english_is_told_by_its_function_words() -> None:
    assert english("What is the name of the river that runs through the city?")
    assert not english("Wie heißt der Fluss?")
    assert not english("def f(x): return x")
