"""A first name in an exercise is nobody; with anything else beside it, it is somebody."""

import pytest

from redaction.exercise import without_names
from redaction.types import Finding

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


def test_an_organisations_own_rule_always_counts():
    findings = found(TEXT, ("Anna", "PERSON", "custom"))
    assert without_names(TEXT, findings, GIVEN) == findings
