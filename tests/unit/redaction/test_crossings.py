"""A crossing of two streets is one address."""

from __future__ import annotations

import pytest

from redaction.crossings import MOST, crossings
from redaction.types import Finding


def _found(text: str, *parts: tuple[str, str]) -> list[str]:
    findings = [Finding(text.index(v), text.index(v) + len(v), label, 0.8, "encoder") for v, label in parts]
    more = list(crossings(text, findings))
    assert all(f.label == "ADDRESS" for f in more)
    return [text[f.start : f.end] for f in more]


@pytest.mark.parametrize(
    ("text", "parts", "whole"),
    [
        ("to the corner of Alma Rd 7 and King Forges, now", [("Alma Rd 7", "ADDRESS"), ("King Forges", "ADDRESS")],
         "the corner of Alma Rd 7 and King Forges"),
        ("at corner of Alma Rd and Leokadia Trail?",
         [("Alma Rd and", "ADDRESS"), ("Leokadia", "PERSON"), ("Trail", "ADDRESS")],
         "corner of Alma Rd and Leokadia Trail"),
        ("the intersection of Alma Rd and Oak", [("Alma Rd", "ADDRESS")], "the intersection of Alma Rd and Oak"),
        ("the corner of Alma Rd & 5th Street is", [("Alma Rd", "ADDRESS")], "the corner of Alma Rd & 5th Street"),
        ("an der Ecke Almaweg und Eichenallee wohnt", [("Almaweg", "ADDRESS")], "an der Ecke Almaweg und Eichenallee"),
        ("Ecke Almaweg / Eichenallee", [("Almaweg", "ADDRESS")], "Ecke Almaweg / Eichenallee"),
        ("en la esquina de Calle Mayor con Calle Luna vive", [("Calle Mayor", "ADDRESS"), ("Calle Luna", "ADDRESS")],
         "en la esquina de Calle Mayor con Calle Luna"),
        ("à l'angle de rue Monge et rue Ortolan", [("rue Monge", "ADDRESS"), ("rue Ortolan", "ADDRESS")],
         "à l'angle de rue Monge et rue Ortolan"),
        ("all'angolo tra via Po e via Roma", [("via Po", "ADDRESS"), ("via Roma", "LOCATION")],
         "all'angolo tra via Po e via Roma"),
        ("op de hoek van Damstraat en Kerkweg", [("Damstraat", "ADDRESS")], "op de hoek van Damstraat en Kerkweg"),
        ("na rogu Cichej i Polnej", [("Cichej", "ADDRESS")], "na rogu Cichej i Polnej"),
        ("the corner of Alma Rd, then left", [("Alma Rd", "ADDRESS")], "the corner of Alma Rd"),
        ("the corner of Alma Rd and went home", [("Alma Rd", "ADDRESS")], "the corner of Alma Rd"),
    ],
)  # fmt: skip
def test_a_crossing_is_one_address(text: str, parts: list[tuple[str, str]], whole: str) -> None:
    assert _found(text, *parts) == [whole]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("I live in Alma Rd and Oak is near", ("Alma Rd", "ADDRESS")),
        ("the corner of Alma and Oak", ("Alma", "PERSON")),
        ("every corner of  Alma Rd", ("Alma Rd", "ADDRESS")),
    ],
)
def test_without_an_announcement_or_a_street_there_is_none(text: str, part: tuple[str, str]) -> None:
    assert _found(text, part) == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Meet me at the corner of Maple Street and 5th Avenue.", "the corner of Maple Street and 5th Avenue"),
        ("The Corner Of Maple Street And 5th Avenue", "The Corner Of Maple Street And 5th Avenue"),
        ("at the northwest corner of Peachtree & Mulholland Dr now",
         "the northwest corner of Peachtree & Mulholland Dr"),
        ("the junction of Broadway with MLK Blvd", "the junction of Broadway with MLK Blvd"),
        ("the corner of\nLincoln and Old Mill Lane", "the corner of\nLincoln and Old Mill Lane"),
        ("the corner of Oak St , and Elm St", "the corner of Oak St , and Elm St"),
        ("the corner where Oak St meets Elm", "the corner where Oak St meets Elm"),
        ("corner Oak St/Elm St", "corner Oak St/Elm St"),
        ("cnr Oak St & Elm", "cnr Oak St & Elm"),
        ("an der Kreuzung Am Markt und Goethestraße", "an der Kreuzung Am Markt und Goethestraße"),
        ("Ecke Lindenstraße - Kaiserdamm", "Ecke Lindenstraße - Kaiserdamm"),
        ("à l'angle de la rue du Bac et de la rue Monge ici", "à l'angle de la rue du Bac et de la rue Monge"),
        ("au coin de l'avenue Foch et du boulevard Voltaire", "au coin de l'avenue Foch et du boulevard Voltaire"),
        ("esquina con Calle 8 y Reforma", "esquina con Calle 8 y Reforma"),
        ("en el cruce de la calle Mayor con la calle Luna", "en el cruce de la calle Mayor con la calle Luna"),
        ("all'incrocio tra via Po e corso Garibaldi", "all'incrocio tra via Po e corso Garibaldi"),
        ("na esquina da Rua Augusta com a Avenida Paulista", "na esquina da Rua Augusta com a Avenida Paulista"),
        ("op de hoek van de Damstraat en de Prinsengracht", "op de hoek van de Damstraat en de Prinsengracht"),
        ("na skrzyżowaniu ul. Długiej i Polnej", "na skrzyżowaniu ul. Długiej i Polnej"),
    ],
)  # fmt: skip
def test_an_announced_crossing_of_what_is_called_a_street_needs_no_detector(text: str, whole: str) -> None:
    assert _found(text) == [whole]


def test_that_the_other_street_is_found_is_enough() -> None:
    text = "the corner of Alma and King Forges"
    assert _found(text, ("King Forges", "ADDRESS")) == [text]
    assert _found(text, ("King Forges", "PERSON")) == []


def test_both_streets_count_where_an_article_stands_before_the_other() -> None:
    text = "à l'angle de la rue Monge et de la rue du Bac"
    assert _found(text, ("rue Monge", "ADDRESS")) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "the intersection of Art and Science", "the corner of Church and State", "Turn the corner and Bob was there",
        "in the corner of my eye and Mind", "corner cases and Edge Cases", "Corner Radius and Border Width",
        "the intersection of the 19th and 20th centuries", "Ecke und Kante", "coin de France et Navarre",
        "the corner of Row 1 and Column 2", "the intersection of Set A and Set B",
    ],
)  # fmt: skip
def test_what_is_no_street_is_no_crossing(text: str) -> None:
    assert _found(text) == []


def test_a_street_has_few_parts_so_that_many_crossings_of_many_parts_cost_little() -> None:
    text = "the corner of Alma Rd and" + " Oak" * 2000
    findings = [Finding(14, 21, "ADDRESS", 0.8, "encoder")]
    findings += [Finding(26 + 4 * n, 29 + 4 * n, "LOCATION", 0.8, "encoder") for n in range(2000)]
    (found,) = crossings(text, findings)
    assert (found.start, found.end) == (0, len("the corner of Alma Rd and") + 4 * MOST)
