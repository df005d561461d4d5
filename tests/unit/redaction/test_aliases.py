"""A person found once is found by the parts and other forms of the name; common words never are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.aliases import NAMES, aliases
from redaction.pipeline import NOTHING, propagate
from redaction.spans import resolve
from redaction.types import Finding, TextResult


def spread(name: str, *texts: str, label: str = "PERSON", score: float = 0.9) -> list[set[str]]:
    """What is found in ``texts`` of a request whose first text is about ``name``."""
    first = f"This is about {name}."
    at = first.index(name)
    found = TextResult((Finding(at, at + len(name), label, score, "names"),), NOTHING)
    every = [first, *texts]
    results = propagate(every, [found, *(TextResult((), NOTHING) for _ in texts)])
    return [{t[g.start : g.end] for g in resolve(r.findings)} for t, r in zip(every, results, strict=True)][1:]


FOUND = [
    ("Anna Kowalska", "Mrs Kowalska called; Kowalska's file; KOWALSKA", {"Kowalska", "KOWALSKA"}),
    ("Anna Kowalska", "Then Anna left. ANNA", {"Anna", "ANNA"}),
    ("Jan Kowalski", "Spotkałem Kowalskiego i mówiłem o Kowalskim.", {"Kowalskiego", "Kowalskim"}),
    ("Piotr Nowak", "Widziałem Nowaka, byłem z Piotrem.", {"Nowaka", "Piotrem"}),
    ("Anna Kowalska", "Dałem książkę Annie, z panią Kowalską.", {"Annie", "Kowalską"}),
    ("Jürgen Müller", "Ask Jurgen Muller or Juergen Mueller.", {"Jurgen Muller", "Juergen Mueller"}),
    ("Jürgen Möller", "Möllers Akte, Jürgens Büro", {"Möllers", "Jürgens"}),
    ("Łukasz Wójcik", "lukasz wojcik and Wojcik and Lukasz", {"lukasz wojcik", "Wojcik", "Lukasz"}),
    ("Dr. Ines Fuhrmann-Ott", "Fuhrmann-Ott is here", {"Fuhrmann-Ott"}),
    ("Siobhan O'Rourke", "O'Rourke’s note", {"O'Rourke"}),
    ("María José Ibáñez", "Señora Ibáñez; Ibanez", {"Ibáñez", "Ibanez"}),
]
SPARED = [
    ("May Long", "May I come in May? It takes long. Long ago."),
    ("Will Long", "Will you? The Long are here."),
    ("Mark Price", "Mark the Price of it; marks, price, Mark"),
    ("Rose Stone", "a rose is a stone. Rose bushes; Stone walls"),
    ("Kim Li", "Li is lithium"),
    ("Anna Kowalska", "anna kowalskax Annabelle Kowalskas xAnna Banna"),
    ("Dr. Meier", "Dr. Who; the Dr. is in"),
    ("Mr Jan van der Berg", "van and der and Van Gogh"),
]


@pytest.mark.parametrize(("name", "text", "wanted"), FOUND)
def test_other_forms_of_a_name_are_found(name: str, text: str, wanted: set[str]) -> None:
    assert wanted <= spread(name, text)[0]


@pytest.mark.parametrize(("name", "text"), SPARED)
def test_common_words_and_other_words_are_not(name: str, text: str) -> None:
    assert spread(name, text) == [set()]


def test_only_likely_persons_have_parts() -> None:
    assert spread("Kowalska Nowak", "Kowalska", label="ORGANIZATION") == [set()]
    assert spread("Anna Kowalska", "Kowalska", score=0.4) == [set()]
    assert spread("Kowalska", "Kowalski") == [set()]


def test_inflected_forms_need_a_text_in_that_language() -> None:
    assert spread("Piotr Nowak", "Nowaka, Nowaks") == [set()]


def test_a_form_has_the_label_and_the_score_of_the_name() -> None:
    got = aliases({"Anna Kowalska": {"PERSON": 0.8, "ORGANIZATION": 0.7}}, ["Anna Kowalska"])
    assert got["Kowalska"] == {"PERSON": 0.8}


def test_many_names_cost_little() -> None:
    names = {
        f"Xa{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}vo Qu{chr(97 + i // 676 % 26)}zek": {"PERSON": 0.9}
        for i in range(5000)
    }
    start = time.process_time()
    got = aliases(names, [" ".join(names) + " ąäü"])
    assert time.process_time() - start < 2
    assert len(got) <= NAMES * 40


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30), st.text(max_size=80))
def test_any_name_in_any_text_is_judged(name: str, text: str) -> None:
    first = f"{name} {text}"
    result = TextResult((Finding(0, len(name), "PERSON", 0.9, "names"),) if name else (), NOTHING)
    for spread_, said in zip(propagate([first, text], [result, TextResult((), NOTHING)]), (first, text), strict=True):
        assert all(0 <= f.start < f.end <= len(said) for f in spread_.findings)
