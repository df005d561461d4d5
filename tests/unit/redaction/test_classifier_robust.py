"""The payload classifier on disguised, damaged and padded texts; none is a training text."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.classifier import TopicClassifier, payload_level, plain
from redaction.types import GROUPS, Classification, Finding, Sensitivity

CLASSIFIER = TopicClassifier()

NOTE = (
    "Seen in the outpatient clinic: 58-year-old woman with ulcerative colitis, six bloody stools a day, CRP 64, "
    "haemoglobin 9.8. Colonoscopy showed pancolitis. Prednisolone 40 mg was begun, mesalazine continued, infliximab "
    "discussed. Patient is afraid of side effects. Review in two weeks with stool cultures and liver enzymes."
)
CLAUSE = (
    "The Contractor shall indemnify and hold harmless the Principal against all claims arising out of any breach of "
    "this Agreement. Neither Party may assign its rights hereunder without the prior written consent of the other "
    "Party. This Clause 14 shall survive termination of the Agreement for any reason whatsoever."
)
TALK = "Notiz: Patientin klagt über Übelkeit und Schwindel, Blutdruck 90/60, Medikation: Metoprolol, Ramipril, Insulin."
RECIPE = (
    "Cut the leeks into rings and wash them well. Fry the bacon slowly, add the leeks and a cup of cream, and let it "
    "bubble until it is thick. Line the tin with pastry, spread the filling, and bake until the top is golden brown."
)
WAYS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "json": lambda text: json.dumps({"role": "user", "content": [{"type": "text", "text": text}]}),
    "html": lambda text: f"<html><body><div class='x'><p>{html.escape(text)}</p></div></body></html>",
    "quoted": lambda text: "> " + text.replace(". ", ".\n> "),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "zero width": lambda text: "\u200b".join(text),
    "ligatures": lambda text: text.replace("fi", "\ufb01").replace("fl", "\ufb02"),
    "one line a word": lambda text: "\n".join(text.split()),
    "first half": lambda text: text[: len(text) // 2],
    "second half": lambda text: text[len(text) // 2 :],
    "swapped letters": lambda text: " ".join(
        word[:2] + word[3] + word[2] + word[4:] if number % 5 == 0 and len(word) > 4 else word
        for number, word in enumerate(text.split())
    ),
    "two languages": lambda text: text + " Bitte fasse das auf Deutsch zusammen, in zwei Sätzen. Danke!",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("text", "least"), [(NOTE, Sensitivity.REGULATED), (CLAUSE, Sensitivity.CONFIDENTIAL)])
def test_a_disguise_does_not_change_what_a_text_is_about(way: str, text: str, least: Sensitivity) -> None:
    assert CLASSIFIER.classify(WAYS[way](text), ()).sensitivity >= least


def test_accents_do_not_matter() -> None:
    bare = unicodedata.normalize("NFD", TALK).encode("ascii", "ignore").decode()
    results = [CLASSIFIER.classify(text, ()) for text in (TALK, bare, unicodedata.normalize("NFD", TALK))]
    assert all(result == results[0] for result in results) and results[0].sensitivity is Sensitivity.REGULATED


@pytest.mark.parametrize("size", [2_000, 10_000, 50_000])
@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_a_note_is_found_under_any_amount_of_recipes(size: int, at: float) -> None:
    padding = [RECIPE] * (size // len(RECIPE))
    assert CLASSIFIER.classify("\n\n".join(padding), ()).sensitivity is Sensitivity.PUBLIC
    padding.insert(int(at * len(padding)), NOTE)
    assert CLASSIFIER.classify("\n\n".join(padding), ()).sensitivity is Sensitivity.REGULATED


def test_public_words_after_a_note_do_not_hide_it() -> None:
    stuffing = " recipe holiday football garden music river bread planet story poem" * 400
    for text in (NOTE + "\n\n" + stuffing, stuffing + "\n\n" + NOTE):
        assert CLASSIFIER.classify(text, ()).sensitivity is Sensitivity.REGULATED


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_judged_and_evidence_lies_in_it(text: str) -> None:
    result = CLASSIFIER.classify(text, ())
    assert all(0.0 <= score <= 1.0 for score in result.categories.values())
    for category in result.categories:
        assert all(0 <= start < end <= len(text) for start, end in CLASSIFIER.evidence(text, category))


@given(st.text(max_size=200))
@settings(deadline=None)
def test_plain_letters_stay_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)


LABELS = sorted(set().union(*GROUPS.values()))
FINDINGS = st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0.0, 1.0)), max_size=6)


@given(
    st.sampled_from(list(Sensitivity)),
    st.lists(st.sampled_from(["general", "hr", "correspondence", "health"]), max_size=3),
    FINDINGS,
    FINDINGS,
)
def test_more_findings_never_lower_the_level(
    level: Sensitivity, categories: list[str], some: list[tuple[str, float]], more: list[tuple[str, float]]
) -> None:
    content = Classification(level, dict.fromkeys(categories, 0.5))
    few = [Finding(0, 1, label, score, "d") for label, score in some]
    many = [*few, *(Finding(0, 1, label, score, "d") for label, score in more)]
    assert level <= payload_level(content, few) <= payload_level(content, many)
