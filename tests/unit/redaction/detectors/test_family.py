"""Marriage and children told of somebody, in eight languages; and what is told of nobody."""

from __future__ import annotations

import time

import pytest

from redaction.detectors.family import LABEL, Family

FAMILY = Family()


def found(text: str) -> list[str]:
    findings = sorted(FAMILY.find(text), key=lambda f: f.start)
    assert all(f.label == LABEL for f in findings)
    return [text[f.start : f.end] for f in findings]


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
    ],
)
def test_what_is_told_of_nobody(text: str) -> None:
    assert found(text) == []


def test_long_texts_of_its_words_take_linear_time() -> None:
    for piece in ("married ", "our two a b ", "mother of ", "#married", "is now ", "my my my two "):
        seconds = []
        for size in (20_000, 80_000):
            text = (piece * size)[:size]
            began = time.process_time()
            list(FAMILY.find(text))
            seconds.append(time.process_time() - began)
        assert seconds[1] < max(16 * seconds[0], 1.0), "four times the text, far from sixteen times the time"
