"""A crossing of two streets is one address."""

from __future__ import annotations

import pytest

from redaction.crossings import crossings
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


def test_many_parts_in_a_row_cost_what_they_are_long() -> None:
    text = "the corner of Alma Rd and" + " Oak" * 2000
    findings = [Finding(14, 21, "ADDRESS", 0.8, "encoder")]
    findings += [Finding(26 + 4 * n, 29 + 4 * n, "LOCATION", 0.8, "encoder") for n in range(2000)]
    (found,) = crossings(text, findings)
    assert (found.start, found.end) == (0, len(text))
