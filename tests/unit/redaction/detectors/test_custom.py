"""Patterns and terms of an organisation's own: what they find, and that nothing takes it away."""

from __future__ import annotations

import gc
import time

import pytest

from redaction.custom import Allowed, Custom, OwnPattern, TermList
from redaction.detectors.custom import MOST, Allowing, BadPattern, CustomDetector, checker, compiled, with_own
from redaction.detectors.terms import Terms
from redaction.pipeline import Pipeline
from redaction.spans import OWN, credible, cut, resolve
from redaction.types import DetectorFailed, Finding


def found(regex: str, text: str, **more: object) -> list[str]:
    detector = CustomDetector(Custom((OwnPattern("p", "EMPLOYEE_ID", regex, **more),)))  # type: ignore[arg-type]
    return [text[f.start : f.end] for f in detector.detect(text)]


@pytest.mark.parametrize(
    ("regex", "text", "wanted"),
    [
        (r"\bEMP-\d{6}\b", "the EMP-123456 and EMP-1234567", ["EMP-123456"]),
        (r"EMP-\d{6}", "in any case: emp-123456", ["emp-123456"]),
        (r"(?-i:EMP)-\d{6}", "emp-123456 EMP-123456", ["EMP-123456"]),
        (r"Akte \w+", "Akte Müller, Akte Łódź", ["Akte Müller", "Akte Łódź"]),
        (r"\büber\b", "die über; überall", ["über"]),
        (r"\bécole \d+é\b", "à l'école 12é ici", ["école 12é"]),
        (r"EMP-\d{4}", "EMP-٣٤٥٦", ["EMP-٣٤٥٦"]),
        (r"A\sB", "A\u00a0B A\u2003B", ["A\u00a0B", "A\u2003B"]),
        (r"Kunde (?P<value>\d+)", "Kunde 123", ["123"]),
        (r"Kunde(?: (?P<value>\d+))?", "Kunde", ["Kunde"]),
        (r"[]x]+\d", "a]x1", ["]x1"]),
        (r"[[:alpha:]\w]+-\d", "Mü-1", ["Mü-1"]),
        (r"\Qa.b\E\d", "a.b1 axb2", ["a.b1"]),
        (r"[\w-]+@acme", "jörg-x@acme", ["jörg-x@acme"]),
        (r"\bÖ(?:A|AB|ABC)\b", "die ÖABC hier", ["ÖABC"]),
        (r"\bÅ\d{1,3}?\b", "Å123", ["Å123"]),
        (r"\bÉ\d{2}\b|\bÉ\d{4}\b", "É1234 É123", ["É1234"]),
        (r"\bÖ-(?P<value>A|AB)\b", "Ö-AB", ["AB"]),
    ],
)
def test_a_pattern_means_what_its_author_means(regex: str, text: str, wanted: list[str]) -> None:
    assert found(regex, text) == wanted


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        (r"(?<!a)b", "look-around"), (r"(a)\1", "look-around"), ("(", "RE2 cannot read it"), (r"\Z", "RE2"),
        ("a*", "empty"), (r"\b", "empty"), ("^", "empty"), ("x|", "empty"), (r"\B", "empty"), ("(?:a?)+", "empty"),
        (r"[^\W\d_]+", "ASCII only"), (r"[^\S\n]x", "ASCII only"),
    ],
)  # fmt: skip
def test_a_pattern_that_could_not_find_what_it_says_is_refused(regex: str, reason: str) -> None:
    with pytest.raises(BadPattern, match=reason):
        compiled(OwnPattern("p", "X_ID", regex))


@pytest.mark.parametrize(
    ("validator", "good", "bad"),
    [
        ("luhn", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("verhoeff", "2363", "2364"),
        ("mod97", "9999123456789012141490", "9999123456789012141491"),
        ("de.idnr", "36 574 261 809", "36 574 261 890"),
        ("luhn", "٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١٢"),
    ],
)
def test_a_validator_decides(validator: str, good: str, bad: str) -> None:
    assert found(r"\d[\d ]+\d", f"{good}; {bad}", validator=validator) == [good]


@pytest.mark.parametrize("name", ["luhm", "os.path", "de", "..", "numdb", "x.y.z"])
def test_a_validator_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadPattern, match="no validator"):
        checker(name)


def test_context_words_decide_whatever_their_case_and_accents() -> None:
    for text in ("Employé: 4711", "4711 is my EMPLOYE number"):
        assert found(r"\b\d{4}\b", text, context=("employé",)) == ["4711"]
    assert found(r"\b\d{4}\b", "in 1999", context=("employé",)) == []
    assert found(r"\b\d{4}\b", f"employé {'x ' * 60} 1999", context=("employé",)) == []


@pytest.mark.parametrize(
    ("term", "text", "there"),
    [
        ("Blue Heron", "project_BLUE-HERON's plan", "BLUE-HERON"), ("Blue Heron", "blue  \n heron", "blue  \n heron"),
        ("Łódź", "in LODZ", "LODZ"), ("Straße", "die STRASSE", "STRASSE"), ("Müller", "Mu\u0308ller", "Mu\u0308ller"),
        ("C++", "in C++ and C", "C++"), ("AT&T", "at&t", "at&t"), ("项目猎鹰", "我们的项目猎鹰很好", "项目猎鹰"),
        ("O'Neil", "O’Neil", "O’Neil"), ("राम", "श्री राम जी", "राम"), ("Κώστας", "ΚΩΣΤΑΣ", "ΚΩΣΤΑΣ"),
    ],
)  # fmt: skip
def test_a_term_is_found_as_whole_words(term: str, text: str, there: str) -> None:
    assert [text[a:b] for a, b, _ in Terms([(term, 0)]).find(text)] == [there]


def test_a_term_is_no_part_of_a_word_and_the_longest_counts() -> None:
    terms = Terms([("Heron", 0), ("Heron Park", 1), ("Heron Park", 2)])
    assert list(terms.find("Herons, Heronpark")) == []
    assert list(terms.find("Heron Park East")) == [(0, 10, 1), (0, 10, 2)]
    assert list(terms.find("Heron Par")) == [(0, 5, 0)]


def test_thousands_of_terms_cost_the_time_of_one_walk() -> None:
    text = "the heron of alpha beta gamma delta " * 2_500
    few, many = Terms([("alpha beta x", 0)]), Terms((f"alpha beta {n}", 0) for n in range(20_000))
    list(few.find(text))  # words are folded once
    gc.disable()  # what else the process holds is not what is measured
    try:
        begun = time.process_time()
        list(few.find(text))
        one = time.process_time() - begun
        list(many.find(text))
        assert time.process_time() - begun - one < 4 * one + 0.05
    finally:
        gc.enable()


def test_a_text_with_too_many_findings_fails() -> None:
    with pytest.raises(DetectorFailed, match="budget"):
        found("x", "x " * (MOST + 1))


def test_what_is_allowed_is_no_finding_and_secrets_always_are() -> None:
    class Fixed:
        name, digest = "names", "0"

        def detect(self, text: str, /) -> tuple[Finding, ...]:
            n = len(text)
            return tuple(Finding(0, n, label, 0.9, "names") for label in ("PERSON", "LOCATION", "API_KEY"))

    spared = Allowing(Fixed(), [Allowed("own", ("Acme GmbH",), ("PERSON",))])
    assert [f.label for f in spared.detect("ACME-GmbH")] == ["LOCATION", "API_KEY"]
    assert len(spared.detect("Acme GmbH Berlin")) == 3, "a larger finding is another one"
    assert [f.label for f in Allowing(Fixed(), [Allowed("own", ("Acme",))]).detect("acme")] == ["API_KEY"]


def test_a_denied_term_is_found_even_where_it_is_allowed() -> None:
    own = Custom(terms=(TermList("deny", "PROJECT", ("Heron",)),), allow=(Allowed("own", ("Heron",)),))
    assert [f.label for f in Pipeline(with_own([], own), None).inspect(["Heron"])[0].findings] == ["PROJECT"]


def test_no_proven_value_takes_the_label_of_an_own_finding() -> None:
    card, own = Finding(0, 16, "CREDIT_CARD", 1.0, "patterns"), Finding(12, 16, "PROJECT", 0.5, OWN)
    assert credible([card, own]) == [card, own]
    assert resolve([card, own])[0].labels == {"CREDIT_CARD", "PROJECT"}
    wide = Finding(4, 30, "PROJECT", 0.5, OWN)
    assert cut("4111111111111111 and project x", [card, wide]) == [card, wide]


def test_a_certain_own_finding_takes_no_label_of_others() -> None:
    own, person = Finding(0, 30, "PROJECT", 1.0, OWN), Finding(5, 10, "PERSON", 0.6, "names")
    assert credible([own, person]) == [own, person]
    assert cut("x" * 40, [own, person]) == [own, person]


@pytest.mark.parametrize(
    "text",
    ["EMP%2D123456", "RU1QLTEyMzQ1NiBpcyBtaW5l", "EMP-12\u200b3456", "ＥＭＰ-123456", "&#69;MP-123456"],
    ids=["url", "base64", "invisible", "full-width", "html"],
)
def test_disguised_values_are_found_by_own_patterns(text: str) -> None:
    own = Custom((OwnPattern("p", "EMPLOYEE_ID", r"EMP-\d{6}"),))
    assert "EMPLOYEE_ID" in {f.label for f in Pipeline(with_own([], own), None).inspect([text])[0].findings}


def test_digest_changes_with_everything_that_is_looked_for_and_survives_the_pipe() -> None:
    base = Custom((OwnPattern("p", "X_ID", "a1", context=("x",)),), (TermList("t", "X_ID", ("b c",)),))
    others = [
        Custom((OwnPattern("p", "X_ID", "a2", context=("x",)),), base.terms),
        Custom((OwnPattern("p", "Y_ID", "a1", context=("x",)),), base.terms),
        Custom((OwnPattern("p", "X_ID", "a1"),), base.terms),
        Custom(base.patterns, (TermList("t", "X_ID", ("b d",)),)),
        Custom(base.patterns, base.terms, (Allowed("a", ("x",)),)),
    ]
    assert len({c.digest for c in (base, *others)}) == 6
    assert Custom.from_json(base.to_json()).digest == base.digest
    assert Custom(labels=frozenset({"X_ID"})).digest == ""
    assert "b c" not in repr(base)


@pytest.mark.parametrize("shift", range(2_600, 4_000, 100))
def test_a_match_longer_than_a_window_s_margin_is_found_wherever_windows_meet(shift: int) -> None:
    own = Custom((OwnPattern("minutes", "MINUTES", r"BEGIN MINUTES[^#]*#"),))
    value = "BEGIN MINUTES " + "of the board and its guests " * 60 + "#"
    text = "word " * (shift // 5) + value + " word" * 1_000
    result = Pipeline(with_own([], own), None).inspect([text])[0]
    assert (text.index(value), text.index(value) + len(value)) in {(f.start, f.end) for f in result.findings}
