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
    ("text", "values"),
    [
        ("I'm **Muslim**, she is “Jewish”; we're\nHindu", ["Muslim", "Jewish", "Hindu"]),
        ("my boss is gay, my wife, Anna, is Catholic", ["gay", "Catholic"]),
        ("I've been Sikh for years; she became a Quaker", ["Sikh", "Quaker"]),
        ("as a gay man; as a Catholic, I; being trans at work", ["gay", "Catholic", "trans"]),
        ("Religion: Jehovah’s Witness", ["Jehovah’s Witness"]),
        ('"religion": "Muslim", **Religion:** Jain', ["Muslim", "Jain"]),
        (
            "| Religion | Sunni Muslim |, Faith – Hindu; sexual_orientation=lesbian",
            ["Sunni Muslim", "Hindu", "lesbian"],
        ),
        ("I'm bisexual, I'm bi, Tom Roe is openly gay", ["bisexual", "bi", "gay"]),
        ("wir sind jüdisch, weil er katholisch ist; ich bin Zeuge Jehovas", ["jüdisch", "katholisch", "Zeuge Jehovas"]),
        ("sexuelle Orientierung: schwul; wurde evangelisch erzogen", ["schwul", "evangelisch"]),
        (
            "nous sommes musulmans, étant juif, en tant que témoin de Jéhovah",
            ["musulmans", "juif", "témoin de Jéhovah"],
        ),
        ("somos judíos, fui criada católica", ["judíos", "católica"]),
        ("siamo ebrei, mia moglie e' cristiana", ["ebrei", "cristiana"]),
        ("somos evangélicos, tornei católica", ["evangélicos", "católica"]),
        ("wij zijn joods, opgevoed als moslim", ["joods", "moslim"]),
        (
            "jesteśmy katolikami, byłem ewangelikiem, ona jest biseksualna",
            ["katolikami", "ewangelikiem", "biseksualna"],
        ),
        ("marital_status: divorced, maritalStatus=widowed", ["divorced", "widowed"]),
        ("**Marital status:** single; Marital status – married", ["single", "married"]),
        ("we got engaged in May; I am “divorced”; he is a widower", ["engaged", "divorced", "a widower"]),
        ("I'm single. Number of children: 12", ["single", "12"]),
        ("bin ich seit 2010 verheiratet, Familienstand – ledig", ["verheiratet", "ledig"]),
        ("etat civil: mariés, burgerlijke staat: vrijgezel, stan cywilny: wdową", ["mariés", "vrijgezel", "wdową"]),
    ],
)
def test_whatever_signs_stand_between(text: str, values: list[str]) -> None:
    assert found(text) == values


@pytest.mark.parametrize(
    "signs",
    ["  ", "\t", "\r\n", "\n> ", " **", " _", " `", " „", " « ", " [", " (", ": ", " – ", ", ", " 👉 ", " ... "],
)
@pytest.mark.parametrize(
    ("frame", "value"),
    [
        ("my boss is{}gay", "gay"),
        ("I'm{}Catholic", "Catholic"),
        ("ich bin{}jüdisch", "jüdisch"),
        ("je suis{}juive", "juive"),
        ("soy{}judío", "judío"),
        ("sono{}ebrea", "ebrea"),
        ("sou{}ateu", "ateu"),
        ("ik ben{}joods", "joods"),
        ("jestem{}żydem", "żydem"),
        ("I am{}divorced", "divorced"),
        ("we have{}two kids", "two kids"),
        ("bin{}verheiratet", "verheiratet"),
        ("est{}divorcée", "divorcée"),
        ("estoy{}casada", "casada"),
        ("sono{}sposata", "sposata"),
        ("sou{}casado", "casado"),
        ("ben{}getrouwd", "getrouwd"),
        ("jestem{}żonaty", "żonaty"),
    ],
)
def test_any_signs_may_stand_between(frame: str, signs: str, value: str) -> None:
    shut = {"**": "**", "_": "_", "`": "`", "„": "“", "«": "»"}.get(signs.strip(), "")
    assert found(f"Hi. {frame.format(signs)}{shut} ok") == [value]


def test_parts_of_words_are_nothing() -> None:
    assert found("When I was eleven_x, when I was _eleven_ ok", "AGE") == ["eleven"]
    assert found("he is trans-parent, I'm gay- ok") == ["gay"]


def test_wrapped_and_justified_lines() -> None:
    assert found("my\r\nboss is gay; Marital   status: single; I\n am \t divorced") == ["gay", "single", "divorced"]
    assert found("my\nson Oskar  (8) sleeps", "AGE") == ["8"]
    assert found("our daughter Vroni is **4**, I was _eleven_ when", "AGE") == ["4", "eleven"]


@pytest.mark.parametrize(
    "text",
    ["I'm single-threaded", "it is single quote", "we are separated by walls", "as a Christian name", "I am bi-weekly"],
)
def test_other_meanings_of_the_words(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("my son, 8, and my daughter Mia, 13, left", ["8", "13"]),
        ("my son’s 8 now, I'm 47.", ["8", "47"]),
        ("I was 13 when my dad died, on my 13th birthday", ["13", "13th"]),
        ("my kids are 8, 9 and 11", ["8", "11"]),
        ("| Age | 47 |, age – 34.", ["47", "34"]),
        ("my 8 y.o. daughter", ["8"]),
        ("my son is 2 hours late, her son was 5 feet tall, I'm 20% sure, my dad is 6 miles away", []),
    ],
)
def test_more_ages(text: str, values: list[str]) -> None:
    assert found(text, "AGE") == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('blue Ford Focus "AB12 CDE"', "AB12 CDE"),
        ("Tesla Model 3 – V44 ICE", "V44 ICE"),
        ("parked car:\nAB-123-CD", "AB-123-CD"),
        ("ABC-1234 is my car", "ABC-1234"),
        ("plate **ab12 cde**", "ab12 cde"),
        ("reg. v44 ice", "v44 ice"),
        ("Kennzeichen lautet b-ab 1234", "b-ab 1234"),
        ("immatriculée AB-123-CD", "AB-123-CD"),
        ("coche 1234-BCD", "1234-BCD"),
        ("targata ab123cd", "ab123cd"),
        ("placa ABC1D23", "ABC1D23"),
        ("kenteken 12-ABC-3", "12-ABC-3"),
        ("numer rejestracyjny to PO12345", "PO12345"),
    ],
)
def test_plates_whatever_signs_stand_between(text: str, value: str) -> None:
    assert found(text, "LICENSE_PLATE") == [value]


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
        (
            "GET https://api.example.com/v2/items?page=1, https://example.com$request_uri and http://localhost:3000/api/users/42",
            [],
        ),
        (
            "https://example.com/users/roe, http://localhost/api?q=roe",
            ["https://example.com/users/roe", "http://localhost/api?q=roe"],
        ),
        ("https://example.com/orders/48213377", ["https://example.com/orders/48213377"]),
        ("https://anna-roe.example.com, http://pay.roe.test", ["https://anna-roe.example.com", "http://pay.roe.test"]),
        ("http://api.example.com, https://staging2.www.test/ and http://dev.localhost:80", []),
        ("*linkedin.com/in/a-roe*, `x.com/aroe`, “t.me/aroe”", ["linkedin.com/in/a-roe", "x.com/aroe", "t.me/aroe"]),
        ("=vk.com/aroe>xing.com/aroe<", ["vk.com/aroe", "xing.com/aroe"]),
        ("//acme.com/u/aroe, müller.de/aroe", ["acme.com/u/aroe", "müller.de/aroe"]),
        ("allegro.pl/u/aroe, acme.net/a-roe, acme.fi/@aroe", ["allegro.pl/u/aroe", "acme.net/a-roe", "acme.fi/@aroe"]),
        ("ASP.NET/C-1, main.pl/sub, foo.py/u/aroe", []),
        (f"acme.com/{'a' * 500}/aroe", [f"acme.com/{'a' * 500}/aroe"]),
        (
            "https://a.org/Mercury_(planet)/x, (https://a.org/x)",
            ["https://a.org/Mercury_(planet)/x", "https://a.org/x"],
        ),
        ("'https://a.org/x', https://a.org/o'brien's", ["https://a.org/x", "https://a.org/o'brien's"]),
        ("https://a.org/[id]/{x}/roe], {https://b.org}", ["https://a.org/[id]/{x}/roe", "https://b.org"]),
        ("hxxps://a.org/roe sftp://a.org/roe", ["hxxps://a.org/roe", "sftp://a.org/roe"]),
        ("startswith('https://')", []),
    ],
)
def test_addresses_of_pages(text: str, values: list[str]) -> None:
    assert [text[f.start : f.end] for f in urls(text)] == values


def test_addresses_of_every_machine_are_nobodys() -> None:
    text = "bind 0.0.0.0, proxy 127.0.0.1:3000, from 127.0.0.9 and 10.1.2.3"
    assert [text[f.start : f.end] for f in addresses(text)] == ["127.0.0.9", "10.1.2.3"]
