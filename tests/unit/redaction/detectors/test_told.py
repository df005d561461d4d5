"""Family, belief, orientation, ages and plates told of somebody; and what is told of nobody."""

from __future__ import annotations

import pytest
from growth import assert_linear

from redaction.detectors.formats import addresses, urls
from redaction.detectors.told import Told

TOLD = Told()


def found(text: str, label: str = "NRP") -> list[str]:
    places = sorted({(f.start, f.end) for f in TOLD.find(text) if f.label == label})
    return [text[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("I'm happily married and we have two kids", ["married", "two kids"]),
        ("She was widowed in May", ["widowed"]),
        ("life as a divorced parent of two", ["divorced", "parent of two"]),
        ("Married to Chelsea, blessed with 4 incredible kids", ["Married", "4 incredible kids"]),
        ("a bookkeeper and father of three, always", ["father of three"]),
        ("raising three small children alone", ["three small children"]),
        ("my wife Ana and our 3 little ones", ["3 little ones"]),
        ("the patient is married with no children", ["married", "no children"]),
        ("she is a stay-at-home mom", ["stay-at-home mom"]),
        ("since my divorce last year", ["divorce"]),
        ("Georgian, 40, divorced, lives here; Soy: Separada, dos; verwitwet.", ["divorced", "Separada", "verwitwet"]),
        ("41, single, tram driver; they have four daughters", ["single", "four daughters"]),
        ("love it #MarriedLife #SingleDad", ["#MarriedLife", "#SingleDad"]),
        ("Marital status: Single", ["Single"]),
        ('"marital_status": "x", "marital status": "divorced"', ["divorced"]),
        ("Ich bin verheiratet und habe zwei Kinder.", ["verheiratet", "zwei Kinder"]),
        (
            "Mutter von drei kleinen Kindern, Familienstand: geschieden",
            ["Mutter von drei kleinen Kindern", "geschieden"],
        ),
        ("meine beiden, unsere 2 Töchter", ["2 Töchter"]),
        ("Je suis mariée, mère de deux enfants", ["mariée", "mère de deux enfants"]),
        ("État civil : veuf ; j'ai trois filles", ["veuf", "trois filles"]),
        ("Estado civil: casado, padre de tres hijos", ["casado", "padre de tres hijos"]),
        ("soy viuda y tengo dos hijas", ["viuda", "dos hijas"]),
        ("è sposata con Luca, ho due figli", ["sposata", "due figli"]),
        ("stato civile: nubile, mamma di due bambini", ["nubile", "mamma di due bambini"]),
        ("sou divorciada e tenho três filhos", ["divorciada", "três filhos"]),
        ("Estado civil: união estável", ["união estável"]),
        ("ik ben getrouwd, moeder van drie kinderen", ["getrouwd", "moeder van drie kinderen"]),
        ("burgerlijke staat: weduwe, mijn twee zonen", ["weduwe", "twee zonen"]),
        ("jestem żonaty i mam dwoje dzieci", ["żonaty", "dwoje dzieci"]),
        ("Stan cywilny: panna; ojciec trójki dzieci", ["panna", "ojciec trójki dzieci"]),
        ("she is a devout Hindu, I'm gay and my parents are Muslim", ["Hindu", "gay", "Muslim"]),
        ("Religion: Roman Catholic", ["Roman Catholic"]),
        ("grew up Mennonite, identifies as non-binary", ["Mennonite", "non-binary"]),
        ("ich bin evangelisch; er ist schwul", ["evangelisch", "schwul"]),
        ("je suis musulmane", ["musulmane"]),
        ("eres católico y soy gay", ["católico", "gay"]),
        ("sono ebrea", ["ebrea"]),
        ("sou evangélico", ["evangélico"]),
        ("ik ben katholiek", ["katholiek"]),
        ("jestem świadkiem Jehowy", ["świadkiem Jehowy"]),
    ],
)
def test_what_is_told_of_somebody(text: str, values: list[str]) -> None:
    assert found(text) == values
    assert found(f"😀\u0301 {text}\r\n{text.upper()}")[: len(values)] == values, "offsets of what stands after anything"


@pytest.mark.parametrize(
    "text",
    [
        "How do married couples file taxes?",
        "A family has two children. How many beds?",
        "Sarah has 3 sons. Each son has 2 daughters.",
        "two girls and 3 boys play in the yard",
        "a single parent process and its two child processes",
        "the divorce rate of Sweden, single mothers in literature",
        "madre de 28 años y padre de 30 años",
        "the mother of dragons, father of the nation, mother of all bombs",
        "our 3 little secrets, my two favourite books",
        "unmarriedness, remarriedly",
        "Was kostet eine Hochzeit für verheiratete Paare?",
        "Quels sont les droits des couples mariés ?",
        "engaged in research, separated from the rest",
        "Is the Pope Catholic? What is a trans fat, and orthodox economics?",
        "Christian Bale is an actor; the city is Catholic by majority",
        "was married-looking, our twoness",
        "single, double, triple; who marries? A widow, in law",
    ],
)
def test_what_is_told_of_nobody(text: str) -> None:
    assert list(TOLD.find(text)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("34F, hashimotos", "34F"),
        ("so I (25M) asked my gf (23f) about it", "25M"),
        ("my son Oskar (3) sleeps", "3"),
        ("our daughter Vroni is 4.", "4"),
        ("When I was eleven, my mother left", "eleven"),
        ("she wove from the age of six", "six"),
        ("her mother died of cancer at 49.", "49"),
    ],
)
def test_ages_as_people_write_them(text: str, value: str) -> None:
    assert value in found(text, "AGE")


@pytest.mark.parametrize(
    "text",
    ["It was 34F outside", "revenue of 52M, up", "talla 1,54 m", "f(2) (52M)", "see page (3) and", "at 31 degrees"],
)
def test_what_is_no_age(text: str) -> None:
    assert found(text, "AGE") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("into a red Fiesta SP65 LWN yesterday", "SP65 LWN"),
        ("the other one was AB12 CDE I think", "AB12 CDE"),
        ("my car (HX 48 BT GP) is", "HX 48 BT GP"),
        ("Proof: van reg is V44 ICE", "V44 ICE"),
        ("frizione della Punto (DY 417 KS) in", "DY 417 KS"),
        ("mein VW Golf B-AB 1234 wurde", "B-AB 1234"),
        ("in the Hilux (KJA-482 XB)", "KJA-482 XB"),
    ],
)
def test_plates_of_cars(text: str, value: str) -> None:
    assert found(text, "LICENSE_PLATE") == [value]


@pytest.mark.parametrize(
    "text",
    [
        "BMW X5 2019",
        "Audi A4 B8",
        "Mercedes E 220 CDI",
        "Tesla Model 3",
        "taxi to PSC 2905",
        "order AB12 CDEF",
        "SE11 4AA",
    ],
)
def test_names_of_models_are_no_plates(text: str) -> None:
    assert found(text, "LICENSE_PLATE") == []


def test_long_texts_of_its_words_take_linear_time() -> None:
    own = (
        "married ",
        "our two a b ",
        "mother of ",
        "#married",
        "is now ",
        "my my my two ",
        "car a ",
        "(12f ",
        "she is ",
    )
    assert_linear(TOLD.find, own)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("see linkedin.com/in/adaeze-nwokolo, or", ["linkedin.com/in/adaeze-nwokolo"]),
        ("(youtube.com/@hine_weaves)", ["youtube.com/@hine_weaves"]),
        ("slides: khotail.mn/deck.", ["khotail.mn/deck"]),
        ("on volosh.blogspot.com/2024/05/the-truth now", ["volosh.blogspot.com/2024/05/the-truth"]),
        ("https://a.example.com/c", ["https://a.example.com/c"]),
        ("main.rs/lib, vue.js/nuxt, e.g./i.e., and/or, 1.5/2.0, U.S./U.K., package.json/lock, km.h/s", []),
        ("no.such-ending/path", []),
        ("http://localhost:3000/, https://www.example.com, http://127.0.0.1:8080/ and https://api.test/", []),
        ("http://localhost:3000/reset?t=1", ["http://localhost:3000/reset?t=1"]),
    ],
)
def test_addresses_of_pages(text: str, values: list[str]) -> None:
    assert [text[f.start : f.end] for f in urls(text)] == values


def test_addresses_of_every_machine_are_nobodys() -> None:
    text = "bind 0.0.0.0, proxy 127.0.0.1:3000, from 127.0.0.9 and 10.1.2.3"
    assert [text[f.start : f.end] for f in addresses(text)] == ["127.0.0.9", "10.1.2.3"]
