"""Facts of nobody are no findings; the same words about somebody are."""

import pytest

from redaction.nobody import without_nobody
from redaction.types import Finding


class Lists:
    """Names that lists hold."""

    def given(self, word: str) -> bool:
        return word in {"Anna", "Jordan", "Brett", "Emma"}

    def surname(self, word: str) -> bool:
        return word in {"Miller", "Kowalczyk"}


NAMES = Lists()


def left(text: str, *values: tuple[str, str], detector: str = "student") -> list[str]:
    """What of ``values`` (what stands there and its label) stays a finding."""
    findings = tuple(Finding(text.index(v), text.index(v) + len(v), label, 0.9, detector) for v, label in values)
    return [text[f.start : f.end] for f in without_nobody(text, findings, NAMES)]


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("Is Majeed syndrome inherited?", "Majeed", "PERSON"),
        ("How many people have Pearson marrow-pancreas syndrome?", "Pearson", "PERSON"),
        ("Duchenne muscular dystrophy", "Duchenne", "PERSON"),
        ('What does this mean?\n"""\nYou are a script-writer. Go on."""', "script-writer", "PROFESSION"),
        ("intellectual disability, Siderius type", "Siderius", "PERSON"),
        ("Look at an Amsler grid.", "Amsler grid", "PERSON"),
        ("Aarskog-Scott syndrome is rare", "Aarskog-Scott", "PERSON"),
        ("treats obstructive sleep apnea (OSA). People with OSA snore.", "OSA", "PERSON"),
        ("Rare in people under age 45.", "45", "AGE"),
        ("It affects people between 20 - 60 years old.", "60", "AGE"),
        ("when you are 30 to 40 years old", "40", "AGE"),
        ("You are a machine learning engineer. Explain this.", "machine learning engineer", "PROFESSION"),
        ("Please assume the role of an English translator.", "English", "NRP"),
        ("Rewrite this:\n\nAs a sports commentator, describe the last lap.", "sports commentator", "PROFESSION"),
        ("As a pirate captain, what would you say?", "pirate captain", "PROFESSION"),
        ("such as diphenhydramine (Benadryl) or capecitabine", "Benadryl", "PERSON"),
        ("Suppose you are a mathematician and poet.", "mathematician", "PROFESSION"),
        ("Picture yourself as a 100-years-old tree.", "100", "AGE"),
        ("Explain it like I'm a five year old", "five year old", "AGE"),
        ("in use before the late 1970s", "the late 1970s", "DATE_TIME"),
        ("acts like a 1920s aristocrat", "1920", "DATE_TIME"),
        ("popular in the US in the 1980s", "the 1980s", "DATE_TIME"),
        ("a recipe for Canjeero?", "Canjeero", "PERSON"),
        ("If in pain, an occupational therapist can help.", "occupational therapist", "PROFESSION"),
        ("Can a qualifying manager work abroad?", "qualifying manager", "PROFESSION"),
        ("only 3/4 of the passengers", "3/4", "DATE_TIME"),
        ("at most 2^31 - 1", "31 - 1", "REFERENCE_NUMBER"),
        ("some Somali dishes", "Somali", "NRP"),
        ("a recipe for Tunisian Kammounia", "Tunisian", "NRP"),
        ("Can a crane lift Mount Everest?", "Mount Everest", "LOCATION"),
        ("shall we meet at 3 pm?", "3 pm", "DATE_TIME"),
        ("available from 9-11 am, or later", "9-11 am", "DATE_TIME"),
        ("woke at 6 a.m. and left", "6 a.m.", "DATE_TIME"),
        ("woke at 6:15 and left", "6:15", "DATE_TIME"),
        ("lubiprostone (Amitiza) helps", "Amitiza", "PERSON"),
        ("what is 1234 + 56?", "1234 + 56", "REFERENCE_NUMBER"),
        ("31 - 1 = x", "31 - 1", "REFERENCE_NUMBER"),
        ("screening of women aged 50 to 74", "74", "AGE"),
        ("screening of women aged 50 to 74", "50", "AGE"),
        ("adults aged 65 and over", "65", "AGE"),
        ("children between 5 and 12", "12", "AGE"),
        ("affected by Pearson marrow-pancreas syndrome", "Pearson", "PERSON"),
    ],
)
def test_what_is_of_nobody_is_no_finding(text: str, value: str, label: str) -> None:
    assert left(text, (value, label)) == []


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("Anna's disease is worse", "Anna", "PERSON"),
        ("Anna syndrome", "Anna", "PERSON"),
        ("Miller's disease progressed", "Miller", "PERSON"),
        ("Jordan Miller syndrome", "Jordan Miller", "PERSON"),
        ("the Miller type", "Miller", "PERSON"),
        ("omeprazole (Miller)", "Miller", "PERSON"),
        ("a recipe for Kowalczyk?", "Kowalczyk", "PERSON"),
        ("Mount Everest called me", "Mount Everest", "PERSON"),
        ("women aged 31 like her", "31", "AGE"),
        ("my three kids under 5", "5", "AGE"),
        ("these patients over 80", "80", "AGE"),
        ("He looks 30 to 40 years old", "40", "AGE"),
        ("see you in 10:30", "10:30", "REFERENCE_NUMBER"),
        ("OSA called me", "OSA", "PERSON"),
        ("Oscar S. Andrews (OSA) called. OSA will call again.", "OSA", "PERSON"),
        ("The World Health Organization (WHO)", "WHO", "ORGANIZATION"),
        ("She fell ill at age 45.", "45", "AGE"),
        ("He is 40 years old", "40", "AGE"),
        ("he is over 45 years old", "45", "AGE"),
        ("The attacker, 25 to 30 years old, fled", "30", "AGE"),
        ("Missing: girl, 12-14 years old", "14", "AGE"),
        ("A woman between 30 and 35 years old called", "35", "AGE"),
        ("the client (45 to 50 years old) owes", "50", "AGE"),
        ("I was born in the 1960s", "1960s", "DATE_TIME"),
        ("In the 1980s she had cancer", "the 1980s", "DATE_TIME"),
        ("in prison in the late 1990s, my father", "the late 1990s", "DATE_TIME"),
        ("a recipe for Mbeki. He is diabetic", "Mbeki", "PERSON"),
        ("As a nurse, I earn too little.", "nurse", "PROFESSION"),
        ("As a nurse, my sister earns too little.", "nurse", "PROFESSION"),
        ("Hello Mrs Berg, as a nurse, you should know.", "nurse", "PROFESSION"),
        ("Dear Jo! As a nurse, you should know.", "nurse", "PROFESSION"),
        ("She is a machine learning engineer.", "machine learning engineer", "PROFESSION"),
        ("My wife is a nurse and can help", "nurse", "PROFESSION"),
        ("the nurse can help", "nurse", "PROFESSION"),
        ("I wonder, can a nurse", "nurse", "PROFESSION"),
        ("the English patient", "English", "NRP"),
        ("He is Somali.", "Somali", "NRP"),
        ("born on 3 May 1970", "3 May 1970", "DATE_TIME"),
        ("left in 1970", "1970", "DATE_TIME"),
        ("due 3/4 of this year", "3/4", "DATE_TIME"),
        ("demanda (no 1303 / 02)", "1303 / 02", "REFERENCE_NUMBER"),
        ("who is @ 7 pm?", "7 pm", "DATE_TIME"),
        ("file 31-1", "31-1", "REFERENCE_NUMBER"),
        ("file 20231 - 1", "20231 - 1", "REFERENCE_NUMBER"),
        ("moved to Mount Vernon", "Mount Vernon", "LOCATION"),
        ("May 3, 3 pm", "May 3, 3 pm", "DATE_TIME"),
        ("on the 3rd", "3rd", "DATE_TIME"),
        ("a recipe for Jordan Miller", "Jordan Miller", "PERSON"),
        ("a recipe for Miller's birthday", "Miller", "PERSON"),
        ("ibuprofen (Jordan)", "Jordan", "PERSON"),
        ("the phone (Miller) rings", "Miller", "PERSON"),
        ("a recipe for success from Jordan Miller", "Jordan Miller", "PERSON"),
        ("a recipe for canjeero?", "canjeero", "USERNAME"),
        ("a recipe for Oyelaran, who cannot eat gluten", "Oyelaran", "PERSON"),
        ("ibuprofen (Oyelaran, room 2)", "Oyelaran", "PERSON"),
        ("in april (Oyelaran)", "Oyelaran", "PERSON"),
        ("positive for cocaine (Oyelaran)", "Oyelaran", "PERSON"),
        ("Then, a nurse called", "nurse", "PROFESSION"),
        ("As for me, a nurse can I say no?", "nurse", "PROFESSION"),
        ("Dear all,\nYou are a nurse on ward 4.", "nurse", "PROFESSION"),
        ("rooms 12 to 45", "45", "AGE"),
        ("Due 9/4 of the members.", "9/4", "DATE_TIME"),
        ("She has Contoso syndrome", "Contoso", "ORGANIZATION"),
        ("intellectual disability, Siderius Meyer type", "Siderius Meyer", "PERSON"),
        ("muscular dystrophy, Siderius called", "Siderius", "PERSON"),
        ("He has heart disease, Siderius type 2 diabetes", "Siderius", "PERSON"),
        ("Amsler grid and Siderius", "Amsler grid and Siderius", "PERSON"),
        ("Note: Siderius white-matter disease", "Siderius", "PERSON"),
        ("the care of Siderius end-stage disease", "Siderius", "PERSON"),
    ],
)
def test_the_same_of_somebody_is_one(text: str, value: str, label: str) -> None:
    assert left(text, (value, label)) == [value]


@pytest.mark.parametrize("detector", ["patterns", "secrets", "custom"])
def test_what_has_a_form_or_an_own_rule_counts_always(detector: str) -> None:
    assert left("Is Majeed syndrome inherited?", ("Majeed", "PERSON"), detector=detector) == ["Majeed"]
    assert left("Rare in people over age 45", ("45", "AGE"), detector="custom") == ["45"]


def test_ages_by_pattern_are_left_out_as_well() -> None:
    assert left("Rare in people under age 45.", ("45", "AGE"), detector="patterns") == []


def test_a_role_of_the_model_is_somebodys_where_a_person_is_named() -> None:
    text = "You are a nurse. Jordan Berg is on your ward."
    assert left(text, ("nurse", "PROFESSION"), ("Jordan Berg", "PERSON")) == ["nurse", "Jordan Berg"]
    assert left(text, ("nurse", "PROFESSION")) == []


def test_initials_of_a_name_in_small_letters_stay() -> None:
    text = "jane doe (JD) was late. Anna asked why JD left."
    assert left(text, ("JD", "PERSON"), ("jane doe", "PERSON")) == ["JD", "jane doe"]
    assert left(text, ("JD", "PERSON"), ("Anna", "PERSON")) == ["Anna"]
    assert left("Anna: sleep apnea (SA)", ("SA", "PERSON"), ("Anna", "PERSON")) == ["Anna"]


def test_a_time_by_pattern_stays() -> None:
    assert left("woke at 6:15 and left", ("6:15", "DATE_TIME"), detector="patterns") == ["6:15"]


def test_a_time_of_a_day_that_is_known_stays() -> None:
    text = "admitted on May 3; discharged at 10:30"
    assert left(text, ("May 3", "DATE_TIME"), ("10:30", "DATE_TIME")) == ["May 3", "10:30"]


EXERCISE = "Brett is 14 years old. In 4 years his sister will be 3 times as old. How old is she?"


def test_facts_of_the_people_of_an_exercise_are_nobodys() -> None:
    assert left(EXERCISE, ("14", "AGE")) == []
    text = "A nurse buys 4 cakes for $3 each and pays with $20. How many dollars are left?"
    assert left(text, ("nurse", "PROFESSION")) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (EXERCISE, (("14", "AGE"), ("Brett", "PERSON"))),  # whoever is named may be somebody
        ("I'm 52 and ran 3 miles, 4 miles and 5 miles. How many miles in total?", (("52", "AGE"),)),
        (EXERCISE.replace("Brett", "Brett from Malmo"), (("14", "AGE"), ("Malmo", "LOCATION"))),
        (EXERCISE + " Write to a@b.example", (("a@b.example", "EMAIL_ADDRESS"),)),
        (EXERCISE.replace("Brett", "The patient"), (("14", "AGE"),)),
        (EXERCISE.replace("his sister", "his sister, 80 kg,"), (("14", "AGE"),)),
        ("Brett is 14 years old.", (("14", "AGE"),)),
        (EXERCISE + " Write to a@b.example", (("14", "AGE"), ("a@b.example", "EMAIL_ADDRESS"))),
    ],
)
def test_facts_of_others_stay(text: str, values: tuple[tuple[str, str], ...]) -> None:
    assert sorted(left(text, *values)) == sorted(v for v, _ in values)


def test_an_organisations_own_finding_keeps_an_exercise() -> None:
    assert left(EXERCISE, ("14", "AGE"), detector="custom") == ["14"]


def test_a_long_list_of_ages_is_no_exercise() -> None:
    ages = "".join(f"{n}, " for n in range(10, 61))
    text = ages + EXERCISE
    found = tuple(Finding(at, at + 2, "AGE", 0.9, "student") for at in range(0, len(ages), 4))
    assert len(found) == 51 and without_nobody(text, found, NAMES) == found
    assert without_nobody(text, found[1:], NAMES) == ()


def test_who_came_at_an_hour_stays() -> None:
    assert left("Roe woke at 6:15 in Leeds", ("Roe", "PERSON"), ("6:15", "DATE_TIME"), ("Leeds", "LOCATION")) == [
        "Roe",
        "Leeds",
    ]
