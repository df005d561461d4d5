"""A first name in an exercise is nobody; with anything else beside it, it is somebody."""

import pytest

from redaction.detectors.student import FOLDER, load_view
from redaction.exercise import without_names
from redaction.propagation import propagate
from redaction.types import Classification, Finding, Sensitivity, TextResult

GIVEN = {"Anna", "Ben"}.__contains__
TEXT = "Anna picks 12 apples and Ben's basket holds 30. She eats 2. How many apples are left?"


def found(text: str, *values: tuple[str, str, str]) -> tuple[Finding, ...]:
    return tuple(Finding(text.index(v), text.index(v) + len(v), label, 0.9, detector) for v, label, detector in values)


NAMES = (("Anna", "PERSON", "student"), ("Ben's", "PERSON", "names"))


def test_bare_first_names_of_an_exercise_are_no_findings():
    place = ("baskets", "LOCATION", "places")
    text = TEXT.replace("basket", "baskets")
    assert without_names(TEXT, found(TEXT, *NAMES), GIVEN) == ()
    assert [f.label for f in without_names(text, found(text, *NAMES, place), GIVEN)] == ["LOCATION"]


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("Anna", "Anna Berg"),
        TEXT.replace("How many apples are left?", "Please send her the invoice."),
        TEXT.replace("12", "some").replace("30", "few").replace("2", "one"),
        TEXT + " " + "x" * 2_000,
    ],
    ids=["surname", "no question", "no numbers", "long"],
)
def test_another_text_keeps_them(text: str):
    name = "Anna Berg" if "Berg" in text else "Anna"
    findings = found(text, (name, "PERSON", "student"))
    assert without_names(text, findings, GIVEN) == findings


@pytest.mark.parametrize(
    "label", ["EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "ORGANIZATION", "REFERENCE_NUMBER", "USERNAME"]
)
def test_an_identifier_beside_them_keeps_them(label: str):
    findings = found(TEXT, *NAMES, ("basket", label, "patterns"))
    assert without_names(TEXT, findings, GIVEN) == findings


def test_a_word_that_is_no_common_first_name_keeps_all_of_them():
    text = TEXT.replace("Ben", "Kowalska")
    findings = found(text, ("Anna", "PERSON", "student"), ("Kowalska's", "PERSON", "student"))
    assert without_names(text, findings, GIVEN) == findings


@pytest.mark.parametrize(
    "text",
    [
        "Anna takes 3 pills in the morning and 2 at night. How many pills does she take in total?",
        "Anna had 4 absences in May and 3 in June. How many absences are that in total?",
        "Anna owes me 40 for May and 30 for June. How much is that in total?",
    ],
    ids=["health", "work", "money"],
)
def test_what_is_said_of_real_people_keeps_them(text: str):
    findings = found(text, ("Anna", "PERSON", "student"))
    assert without_names(text, findings, GIVEN) == findings


def test_two_numbers_make_an_exercise_and_one_does_not():
    text = "Anna skips 3 times a second. If she jumps for 10 seconds, how many skips does she get?"
    findings = found(text, ("Anna", "PERSON", "student"))
    assert without_names(text, findings, GIVEN) == ()
    fewer = text.replace("10", "some")
    assert without_names(fewer, found(fewer, ("Anna", "PERSON", "student")), GIVEN) != ()


def test_an_organisations_own_rule_always_counts():
    findings = found(TEXT, ("Anna", "PERSON", "custom"))
    assert without_names(TEXT, findings, GIVEN) == findings


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Anna picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Patient Anna picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Anna Kow picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Anna K. picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Anna/Kow picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Anna_Kow picks 12 apples and Ben 30. She eats 2. How many are left?",
        "Ben, Anna: 12 apples and 30. She eats 2. How many are left?",
        "Anna\nBen\n12 apples and 30. She eats 2. How many are left?",
        "| Anna | Ben | 12 apples and 30. She eats 2. How many are left?",
        "first name: Anna and Ben, 12 apples and 30. She eats 2. How many are left?",
        '{"name": "Anna"} or Ben 12 apples and 30. She eats 2. How many are left?',
    ],
)
def test_what_makes_somebody_of_a_name_keeps_all_of_them(text: str):
    findings = found(text, ("Anna", "PERSON", "student"), ("Ben", "PERSON", "names"))
    assert without_names(text, findings, GIVEN) == findings


def test_a_list_of_several_people_is_one():
    text = "Anna, Ben, and Cleo have 12 apples, 30 pears and 2 plums. How many fruits do they have?"
    findings = found(text, *((name, "PERSON", "student") for name in ("Anna", "Ben", "Cleo")))
    assert without_names(text, findings, {"Anna", "Ben", "Cleo"}.__contains__) == ()


def test_surnames_that_are_in_lists_of_first_names_are_none():
    given = load_view(FOLDER / "words.npz").given
    assert all(map(given, ("Anna", "John", "Natalia", "Tim")))
    assert not any(map(given, ("Smith", "Johnson", "Garcia", "Miller", "Wilson", "Thomas", "Silva", "Kim")))


def test_another_text_that_says_the_full_name_keeps_its_parts():
    other = "My client is Anna Kowalska."
    public = Classification(Sensitivity.PUBLIC)
    results = [TextResult(found(other, ("Anna Kowalska", "PERSON", "student")), public), TextResult((), public)]
    text = TEXT.replace("Anna picks", "Kowalska and Anna pick")
    got = propagate([other, text], results)[1].findings
    assert [(text[f.start : f.end], f.label) for f in got] == [("Kowalska", "PERSON"), ("Anna", "PERSON")]
    assert propagate([other, "Anna wrote."], results)[1].findings == ()
