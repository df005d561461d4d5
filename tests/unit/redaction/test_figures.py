"""Public figures in questions about them are no findings; whoever bears such a name here is one."""

import pytest

from redaction.figures import FIGURES, figures, without_figures
from redaction.types import Finding


def left(text: str, *values: str, label: str = "PERSON", detector: str = "student") -> list[str]:
    findings = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, detector) for v in values]
    return [text[f.start : f.end] for f in without_figures(text, findings)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Please tell me the history of Walt Disney.", ("Walt Disney",)),
        ("What if Alan Turing had not cracked the code?", ("Alan Turing",)),
        ("Tell me about Julius Caesar and Cleopatra.", ("Julius Caesar", "Cleopatra")),
        ("Write a program for the nth Fibonacci number.", ("nth Fibonacci",)),
        ("Summarise the book Harry Potter.", ("Harry Potter",)),
        ("What did Saint Augustine say?", ("Saint Augustine say",)),
        ("Was van Gogh's ear cut off? And Vincent van Gogh's?", ("Vincent van Gogh's",)),
        ("Compare ALBERT EINSTEIN with Sherlock Holmes", ("ALBERT EINSTEIN", "Sherlock Holmes")),
    ],
)
def test_a_public_figure_in_a_request_is_no_finding(text: str, values: tuple[str, ...]) -> None:
    assert left(text, *values) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Write a letter: my name is Kafka.", "Kafka"),
        ("Who is Jordan Miller?", "Jordan Miller"),
        ("My name is Harry Potter, what can you do?", "Harry Potter"),
        ("Dear Harry Potter, can you help?", "Harry Potter"),
        ("Write to Mr Mozart.", "Mozart"),
        ("Write to our client Mozart.", "Mozart"),
        ("Summarise: Name: Mozart", "Mozart"),
        ("What does Mozart Miller want?", "Mozart"),
        ("What does Mozart M. want?", "Mozart"),
        ("Who is @Mozart?", "Mozart"),
        ("Mozart came home late.", "Mozart"),  # no request
        ("What about Elon Musk?", "Elon Musk"),  # the living
        ("What about Harry?", "Harry"),
    ],
)
def test_whoever_bears_the_name_is_one(text: str, value: str) -> None:
    assert left(text, value) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "Summarize the complaint of Harry Potter against the bank.",
        "Draft a rejection letter for applicant Harry Potter.",
        "What is the account balance of Harry Potter?",
        "Translate: Harry Potter was admitted on Monday with pain in the chest.",
        "What diagnosis does Harry Potter have?",
        "How is Harry Potter doing on the new team?",
        "Can you tell us whether Harry Potter came?",
        "Does Harry Potter owe anything?",
        "Wie hoch ist der Kontostand von Harry Potter?",
        "¿Cuándo paga Harry Potter?",
    ],
)
def test_a_namesake_with_affairs_of_today_stays(text: str) -> None:
    assert left(text, "Harry Potter") == ["Harry Potter"]


def test_a_name_shared_with_another_name_of_the_text_stays() -> None:
    assert left("Who is Jordan Mozart? When did Mozart call?", "Jordan Mozart") == ["Jordan Mozart"]
    text = "Who is Jordan Gandhi? And is Gandhi late?"
    at = text.rindex("Gandhi")
    findings = [Finding(7, 20, "PERSON", 0.9, "student"), Finding(at, at + 6, "PERSON", 0.9, "student")]
    assert without_figures(text, findings) == findings


def test_a_part_of_a_figure_that_the_text_names_in_full_is_the_figure() -> None:
    assert left('Play Tony Stark. Do not say "As Stark".', "Tony Stark", "As Stark") == []
    assert left("Play Tony Stark. Is Joe Stark my uncle?", "Tony Stark", "Joe Stark") == ["Tony Stark", "Joe Stark"]
    assert left("Is Stark here?", "Stark") == ["Stark"]
    text = "Play Tony Stark. My name is Stark."
    at = text.rindex("Stark")
    found = [Finding(5, 15, "PERSON", 0.9, "student"), Finding(at, at + 5, "PERSON", 0.9, "student")]
    assert without_figures(text, found) == found


def test_a_title_that_is_taken_for_a_place_is_one_as_well() -> None:
    text = "Play Tony Stark from Iron Man, in Malibu. I am in Odin."
    values = (("Tony Stark", "PERSON"), ("Iron Man", "LOCATION"), ("Malibu", "LOCATION"), ("Odin", "LOCATION"))
    found = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, "student") for v, label in values]
    assert [text[f.start : f.end] for f in without_figures(text, found)] == ["Malibu", "Odin"]


def test_a_single_name_beside_somebody_elses_stays() -> None:
    assert left("Invite whom? Jordan Miller and Mozart", "Jordan Miller", "Mozart") == ["Jordan Miller", "Mozart"]
    assert left("Does Jordan Miller like Mozart?", "Jordan Miller", "Mozart") == ["Jordan Miller"]


@pytest.mark.parametrize("label", ["EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "AGE", "US_SSN", "URL", "USERNAME"])
def test_what_says_where_somebody_is_keeps_the_name(label: str) -> None:
    text = "Where does Walt Disney live? HERE"
    at = text.index("HERE")
    findings = [Finding(11, 22, "PERSON", 0.9, "student"), Finding(at, at + 4, label, 0.9, "patterns")]
    assert without_figures(text, findings) == findings


def test_years_and_places_in_a_question_about_a_figure_are_the_figures() -> None:
    def rest(text: str, *more: tuple[str, str]) -> list[str]:
        values = (("Walt Disney", "PERSON"), ("1923", "DATE_TIME"), *more)
        found = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, "student") for v, label in values]
        return [text[f.start : f.end] for f in without_figures(text, found)]

    assert rest("What did Walt Disney found in 1923?") == []
    assert rest("What did Walt Disney found in 1923, when my father came?") == ["1923"]
    assert rest("What did Walt Disney and Jordan Miller found in 1923?", ("Jordan Miller", "PERSON")) == [
        "1923",
        "Jordan Miller",
    ]


def test_an_own_rule_and_a_long_text_keep_the_name() -> None:
    assert left("Who was Walt Disney?", "Walt Disney", detector="custom") == ["Walt Disney"]
    assert left("Who was Walt Disney?" + " x" * 1_000, "Walt Disney") == ["Walt Disney"]


def test_the_list_is_sorted_and_holds_no_name_twice() -> None:
    lines = [line.strip() for line in FIGURES.read_text("utf-8").splitlines() if line.strip()]
    names = [line for line in lines if not line.startswith("#")]
    assert len(names) == len(set(names)) and len(figures()) > 300
    assert lines[0].startswith("#")
