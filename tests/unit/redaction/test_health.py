"""Somebody's health told in passing, and talk of health that tells of nobody."""

from __future__ import annotations

import pytest

from redaction.classifier import TOLD, TopicClassifier
from redaction.health import ENOUGH, REACH, TRIES, Lexicon, _Said, lexicon, told
from redaction.types import Finding, Sensitivity


def words(text: str, *people: str, at_large: bool = False) -> list[str]:
    findings = [Finding(text.index(p), text.index(p) + len(p), "PERSON", 0.9, "student") for p in people]
    return [text[start:end] for start, end in told(text, findings, at_large)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I am 71 and have COPD and I am frightened to put the heating on.", "COPD"),
        ("The rent is late because my mother's dementia got worse.", "dementia"),
        ("We'll refund half. We're sorry to learn he has epilepsy.", "epilepsy"),
        ("She told the crew that Eusebio was diagnosed with bipolar disorder.", "bipolar disorder"),
        ("Packing list: boots, jackets, my insulin, chargers.", "insulin"),
        ("He lives alone. Vascular dementia, falls.", "Vascular dementia"),
        ("Our driver is in hospital there with appendicitis.", "appendicitis"),
        ("Ich bin 74, schwerbehindert und lebe von 1.310 € Rente.", "schwerbehindert"),
        ("Trotz ihrer Multiplen Sklerose hat sie das Archiv neu geordnet.", "Multiplen Sklerose"),
        ("Mon ex est suivi pour une hépatite C depuis 2019.", "hépatite C"),
        ("Yo vivo sola y tengo migrañas crónicas.", "migrañas"),
        ("Mio marito prende il Coumadin dopo l'embolia di gennaio.", "Coumadin"),
        ("O meu pai faz hemodiálise três vezes por semana.", "hemodiálise"),
        ("Hij heeft longkanker en wil dat niemand het weet.", "longkanker"),
        ("Mama ma cukrzycę i RZS.", "cukrzycę"),
    ],
)
def test_it_is_told_of_somebody(text: str, said: str) -> None:
    assert any(said.lower() in found.lower() or found.lower() in said.lower() for found in words(text))


@pytest.mark.parametrize(
    "text",
    [
        "What are the symptoms of lupus?",
        "People with diabetes should see an eye doctor once a year.",
        "My wife works as a diabetes nurse in Leeds.",
        "I am writing an essay on breast cancer for my biology class.",
        "My dog has epilepsy and needs a diet.",
        "I'm allergic to meetings before ten.",
        "He had a stroke of luck in the last minute.",
        "I nearly had a heart attack when I saw the bill.",
        "My sister runs a charity walk against leukaemia, which she calls awareness for leukaemia research.",
        "Wie häufig ist Asthma? Ich suche eine Statistik.",
        "Je suis allergique aux réunions du lundi.",
        "Mi hermana escribió una novela sobre el cáncer de mama.",
        "Ik ben allergisch voor vergaderingen op vrijdag.",
    ],
)
def test_it_is_told_of_nobody(text: str) -> None:
    assert words(text) == []


def test_a_named_person_counts_beside_an_illness_and_only_where_named() -> None:
    text = "Minutes. Apologies: Netta (cataract op), Bunty."
    assert words(text, "Netta") and not words(text)
    far = "Netta came to the meeting. " + "The budget was approved after some talk. " * 8 + "Dengue, twelve cases."
    assert not words(far, "Netta")


def test_a_word_that_is_often_something_else_needs_somebody_who_has_it() -> None:
    assert words("His stroke left him without speech.") and words("I had a stroke in May.")
    assert not words("He painted it with one stroke of the brush, said the curator of the museum.")


@pytest.mark.parametrize(
    ("text", "people", "told_"),
    [
        ("Nobody mentions her stroke.", (), True),
        ("She told us that he has stents.", (), True),
        ("Mr Odell and then about your stroke.", (), True),
        ("He had to admire each fine bold stroke there.", (), False),
        ("Dementia made bingo hard, said Netta.", ("Netta",), True),
        ("Dementia made bingo hard, said Netta.", (), False),
        ("She praised every bold stroke in the painting.", (), False),
        ("He had lunch at noon, then sat down and admired each fine stroke there.", (), False),
        ("Netta hates dementia and bingo.", ("Netta",), True),
        ("Netta hates dementia and bingo.", (), False),
        ("Netta came late. It rained. Recovering from appendicitis.", ("Netta",), True),
        ("Netta came late. It rained. Bright walls everywhere along corridors mention dengue.", ("Netta",), False),
        ("My husband's guide dog knows he has epilepsy.", (), True),
        ("My aunt came " + "and " * 100 + "dementia", (), False),
    ],
)
def test_who_has_it_and_how_near_that_is_said(text: str, people: tuple[str, ...], told_: bool) -> None:
    assert bool(words(text, *people)) is told_


def test_a_name_that_is_an_illness_is_a_name() -> None:
    text = "My cousin Dengue Kowalski called."
    assert not told(text, [Finding(10, 25, "PERSON", 0.9, "student")]) and told(text, [])


def test_a_text_of_nothing_else_is_looked_at_in_few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(_Said, "of_somebody", lambda *_: seen.append(True))
    told("stroke " * 1_000, [])
    assert 0 < len(seen) <= (7_000 / REACH + 1) * TRIES


def test_in_a_text_about_nobody_anyone_is_nobody() -> None:
    text = "Your rheumatoid arthritis may need methotrexate. The patient has rheumatoid arthritis."
    assert words(text) and not words(text, at_large=True)
    assert words("Arthritis explained. My rheumatoid arthritis hurts.", at_large=True)


def test_the_letters_of_an_abbreviation_count_as_they_are_written() -> None:
    found = Lexicon("MS\n?als*\nhip replacement\n")
    assert [t[:2] for t in found.find("ms MS hip-replacement hip is")] == [(3, 5), (6, 21)]


def test_what_is_called_after_an_illness_is_not_its_patient() -> None:
    found = Lexicon("schlaganfall*\n")
    assert [*found.find("Schlaganfalls")] and not [*found.find("Schlaganfallforschung Schlaganfallstation")]


def test_places_are_exact_under_combining_marks_and_emoji() -> None:
    text = "😀 Mama ma cukrzycę 😀\r\nYo tengo diálisis"
    for start, end in told(text, []):
        assert text[start:end].strip() == text[start:end] and text[start - 1] == " "


def test_a_text_full_of_illness_shows_a_few_places() -> None:
    assert len(told("My dementia. " * 500, [])) == ENOUGH


def test_every_entry_of_the_list_finds_itself() -> None:
    from redaction.health import DATA

    lines = [line for line in DATA.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert len(lines) > 3_500 and len(set(lines)) == len(lines)
    lost = [line for line in lines if not [*lexicon().find(line.strip("?*"))]]
    assert lost == []


@pytest.fixture(scope="module")
def classifier() -> TopicClassifier:
    return TopicClassifier()


def test_a_letter_that_tells_of_an_illness_is_about_health_too(classifier: TopicClassifier) -> None:
    letter = (
        "Dear Mr Aldous, I am sorry the March rent went out late. {} The transfer left my bank on Tuesday. Best, Jo"
    )
    plain = classifier.classify(letter.format("I was travelling for work."), ())
    assert "health" not in plain.categories and plain.sensitivity < Sensitivity.REGULATED
    ill = classifier.classify(letter.format("My mother has dementia and I was with her."), ())
    assert ill.categories["health"] >= TOLD and ill.sensitivity is Sensitivity.REGULATED


def test_explanations_show_the_words_that_told_it(classifier: TopicClassifier) -> None:
    text = "The invoice is late, sorry. My mother has dementia. The transfer left my bank on Tuesday."
    start, end = classifier.evidence(text, "health")[0]
    assert text[start:end] == "dementia"
