"""Names of one word beside numbers are found where a text is no exercise."""

import pytest

from redaction.bare import BESIDE, DETECTOR, LONGEST, LONGEST_CHAT, NEAR, with_names
from redaction.detectors.student import FOLDER, StudentDetector, load_view
from redaction.pipeline import Pipeline
from redaction.types import Finding

LISTS = load_view(FOLDER / "words.npz")


def found(text: str, *known: Finding) -> list[str]:
    return [text[f.start : f.end] for f in with_names(text, known, LISTS)[len(known) :]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna has 3 convictions and 1 pending case.", ["Anna"]),
        ("Give Mohammed 5 mg at night and 10 mg at noon.", ["Mohammed"]),
        ("How old is Olga?", ["Olga"]),
        ("Adil has 3 convictions.", ["Adil"]),
        ("anna has 3 convictions", ["anna"]),
        ("Give anna 5 mg at night.", ["anna"]),
        ("The others of group B and Group C say that ANNA has 3 convictions", ["ANNA"]),
        ("**Anna** has 3 convictions", ["Anna"]),
        ("She said that “Anna” – 3 absences – and [Eric] - 4 warnings | Laura | 5", ["Anna", "Eric", "Laura"]),
        ("I met Mr Anna with 3 others", ["Anna"]),
        ("Did you say that Anna Nowak has 3 convictions?", ["Anna", "Nowak"]),
        ("Did you say that Blorp Nowak has 3 convictions?", []),
        ("How many sessions does Juan need?", ["Juan"]),
        ("Miller, 4 months behind with the rent, has two children.", ["Miller"]),
        ("The nurse gave Khan's wife 5 units.", ["Khan"]),
        ("We pay Hans 18 per hour.", ["Hans"]),
        ("We know. Tell Eric that 5 are missing from the till.", ["Eric"]),
        ("Laura and Kevin missed 4 shifts from May on.", ["Laura", "Kevin"]),
        # an amount is asked for, and something that an exercise does not speak of
        ("Eric weighs 82 kilos, takes 2 pills of 50 mg and drinks. How much is too much?", ["Eric"]),
        ("Eric served 18 months of 5 years in prison. How many days remain?", ["Eric"]),
        ("My wife Laura earns 4100, rent is 1300. How much is left?", ["Laura"]),
        ("Laura drank 6 beers before the crash. What was the total amount?", ["Laura"]),
        ("I lent Laura 300, 200 and 150. How much does Laura owe me?", ["Laura", "Laura"]),
        ("Eric was sentenced to 5 years, served 18 months. How many remain for Eric?", ["Eric", "Eric"]),
        ("Laura is 41, her ex is 3 years older. How old is he?", ["Laura"]),
        ("Eric missed 4 shifts of 8 hours. How much is cut?", ["Eric"]),
    ],
)
def test_a_name_beside_a_number_is_somebody(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Anna has 3 apples and buys 2 more. How many apples does she have?",
        "Eric drives 40 miles with a speed of 20. What is the time that he needs?",
        "Calculate the age of Laura if she is 4 years older than her brother.",
        "Anna went home with the others.",  # no number, where models see names
        "¿Cuántas manzanas tiene Ana, si Carlos tiene 3 y ella 2 más?",
        "Wie viele Äpfel hat Anna, wenn Eric 3 hat?",
        "Una gran masa de 3 cm. Esta masa mide 4 cm. ¿Alta 5? «Así 6»",
        "Elle a 3 chats.",
        "se le notificó una orden de 3 meses, pero la vista durante 4",
        "Der Miller, 3 Kilo",  # surnames are words, too
        "The hotel has 4 stars and 3 cats.",
        "The others of group B and Group C say that anna has 3 convictions",  # it writes capitals
        "The IDA and the IBAN have 3 parts",
        "the mark is 3, and so is the dev",
        "With Anna Blorp and 3 others",  # who has a strange name is for models
        "user_Anna has 3 files and @Anna has 4 files, http://x/Anna has 5",
        "the Lewis structure has 3 electrons, the Leigh syndrome has 2 genes",
        "Django has 3 servers and London has 4",
        "Vincent van has 3 paintings",
    ],
)
def test_what_is_an_exercise_or_no_name_is_nobody(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna hat 3 Tabletten zu 50 mg genommen und 2 Bier getrunken.", ["Anna"]),
        ("Wie alt ist Jonas?", ["Jonas"]),
        ("Julien pèse 82 kilos et a 4 enfants.", ["Julien"]),
        ("Ayer Javier tomó 3 pastillas de 50 mg.", ["Javier"]),
        ("Uwe hat 3 Kinder.", ["Uwe"]),
        ("und uwe hat 3 kinder", ["uwe"]),
        ("Ieri Alta ha rubato 40 euro.", ["Alta"]),  # a word, but no sentence begins there
        ("Tomasz waży 82 kilo i ma 4 dzieci.", ["Tomasz"]),
    ],
)
def test_first_names_count_in_other_languages(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_what_is_found_already_stays_one_finding() -> None:
    text = "We say that Anna Blorp has 3 convictions, and that Blorp Nowak has 4"
    blorps = [Finding(at, at + 5, "PERSON", 0.9, "encoder") for at in (17, text.rindex("Blorp"))]
    assert found(text, *blorps) == ["Anna", "Nowak"]
    text = "Anna has 3 convictions"
    known = Finding(0, 4, "PERSON", 0.9, "encoder")
    assert with_names(text, (known,), LISTS) == (known,)


def test_a_number_is_near_and_so_is_a_matter() -> None:
    gap = "so and so " * 20
    assert found("Anna and " + gap[: BESIDE - 10] + " 3 of the others") == ["Anna"]
    assert found("Anna and " + gap[:BESIDE] + " 3 of the others") == []
    assert found("3 of the others " + gap[: BESIDE - 30] + " tell Anna to go") == ["Anna"]
    assert found("3 of the others " + gap[:BESIDE] + " tell Anna to go") == []
    asked = " How many of the 3 are left?"
    assert found("Anna and " + gap[: NEAR - 20] + " prison." + asked) == ["Anna"]
    assert found("Anna and " + gap[:NEAR] + " prison." + asked) == []


def test_a_long_text_is_left_to_models() -> None:
    text = "Anna has 3 convictions and "
    assert found(text + "x" * (LONGEST - len(text))) == ["Anna"]
    assert found(text + "x" * (LONGEST - len(text) + 1)) == []
    assert found((text + "x" * (LONGEST_CHAT - len(text))).lower()) == ["anna"]
    assert found((text + "x" * (LONGEST_CHAT - len(text) + 1)).lower()) == []


@pytest.mark.parametrize(
    "word", ["Anna", "Mohammed", "Lars", "Kofi", "Yuki", "Garcia", "Nguyen", "Smith", "Singh", "Olga"]
)
def test_common_names_of_many_origins_are_names(word: str) -> None:
    assert LISTS.named(word) and not LISTS.named(word.lower()) and not LISTS.named(word.upper())


@pytest.mark.parametrize(
    "word", ["The", "With", "My", "Monday", "April", "Texas", "London", "German", "Brown", "Al", "Django"]
)
def test_other_words_that_lists_of_names_hold_are_none(word: str) -> None:
    assert not LISTS.named(word)


def test_the_pipeline_finds_them_and_leaves_exercises() -> None:
    pipeline = Pipeline([StudentDetector()], None)
    text = "Patricia weighs 82 kilos and takes 2 pills of 50 mg."
    (result,) = pipeline.inspect([text])
    assert (0, 8, "PERSON", DETECTOR) in {(f.start, f.end, f.label, f.detector) for f in result.findings}
    (result,) = pipeline.inspect(["Anna has 3 apples and buys 2 more for 4 dollars. How many apples does she have?"])
    assert result.findings == ()
