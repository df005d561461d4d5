"""The payload classifier on hand-written texts, none of which is a training text."""

from __future__ import annotations

from itertools import pairwise

import pytest

from redaction import classifier as module
from redaction.classifier import OVERLAP, WINDOW, TopicClassifier, neutral_view, passages, windows
from redaction.types import DetectorFailed, Finding, Sensitivity

LETTER = """Dear Sir, my name is Karin Holm and I ordered a blue sofa on 3 May (order 88213). It arrived with a torn
cushion. Please call me on +46 8 123 456 or write to karin.holm@example.se. You may refund to
SE45 5000 0000 0583 9825 7466 or to my card 4111 1111 1111 1111. Please write a reply to her."""


@pytest.fixture(scope="module")
def classifier() -> TopicClassifier:
    return TopicClassifier()


@pytest.mark.parametrize(
    ("text", "level", "category"),
    [
        ("What is the tallest mountain in Africa?", "public", "general"),
        ("Summarise the history of the Silk Road in five sentences.", "public", "general"),
        ("What are the first signs of measles and how long does it last?", "public", "general"),
        ("How do I sort a dictionary by value in python?", "public", "general"),
        ("What does confidential computing mean?", "public", "general"),
        ("Where can I see the northern lights?", "public", "general"),
        ("get_forecast", "public", "general"),
        (
            LETTER,
            "internal",
            "correspondence",
        ),
        ("Minutes: Ann reports that the beta slips by a week. Tom informs the partners.", "internal", "internal"),
        (
            "The Supplier shall indemnify the Customer against all claims arising from Clause 7.",
            "confidential",
            "legal",
        ),
        ("def area(r):\n    return 3.14159 * r ** 2", "confidential", "source_code"),
        (
            "import stripe\nstripe.api_key = 'sk_live_51H8aYTqQx0example'\n\ndef pay(c):\n    return stripe.Charge(c)",
            "confidential",
            "source_code",
        ),
        ("Year-end review for Paul: rating 'below', no raise, on a performance plan by Friday.", "confidential", "hr"),
        ("We have to fire Sandra next week. Draft the termination letter.", "confidential", "hr"),
        (
            "Pt is a 62 y/o F w/ PMH of CHF, presents with 2 days of orthopnea. BNP 1400. Furosemide 40 IV given.",
            "regulated",
            "health",
        ),
        (
            "I was diagnosed with multiple sclerosis in March and my neurologist wants to start ocrelizumab.",
            "regulated",
            "health",
        ),
        (
            "Account 4711: 01.03. rent -900.00; 03.03. salary +2,810.00; 05.03. pharmacy -12.90; balance 1,412.77",
            "regulated",
            "financial",
        ),
        ("Payroll May: Lena Fuchs gross 4,100, net 2,590; Omar Aziz gross 5,300, net 3,210", "regulated", "financial"),
        (
            "Position summary: 200 shares of Contoso at 88.10, 35,000 EUR cash, margin loan 12,000.",
            "regulated",
            "financial",
        ),
        ("DB_PASSWORD=s3cr3tPa55\nDB_USER=app", "regulated", "credentials"),
    ],
)
def test_a_text_is_judged_by_what_it_is_about(
    classifier: TopicClassifier, text: str, level: str, category: str
) -> None:
    result = classifier.classify(text, ())
    assert result.sensitivity.word == level
    assert category in result.categories


def test_identifiers_do_not_change_what_a_letter_is_about(classifier: TopicClassifier) -> None:
    text = "Hello, I am Ida Berg, my card 4111 1111 1111 1111 was charged twice. Please write back to me. Regards, Ida"
    findings = [
        Finding(text.index("Ida Berg"), text.index("Ida Berg") + 8, "PERSON", 0.9, "names"),
        Finding(text.index("4111"), text.index("4111") + 19, "CREDIT_CARD", 1.0, "patterns"),
    ]
    for found in ((), findings):
        assert classifier.classify(text, found).sensitivity is Sensitivity.INTERNAL


def test_a_marking_makes_any_text_confidential(classifier: TopicClassifier) -> None:
    result = classifier.classify("CONFIDENTIAL\n\nThe picnic is on Friday.", ())
    assert result.sensitivity is Sensitivity.CONFIDENTIAL and result.tags == {"marked_confidential"}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_clinical_note_is_found_wherever_it_stands_in_a_long_text(classifier: TopicClassifier, at: int) -> None:
    prose = "The river runs through the valley and many birds rest on its banks in the early autumn. " * 60
    note = (
        "\n\nAdmission note. The patient, 71, presents with unstable angina, troponin positive, EF 35 %. "
        "Past history of diabetes and chronic kidney disease. Plan: heparin, aspirin, coronary angiography tomorrow. "
        "Medication on admission: metformin, ramipril, bisoprolol. Allergic to penicillin.\n\n"
    ) * 2
    parts = [prose, prose]
    parts.insert(at, note)
    assert classifier.classify("".join(parts), ()).sensitivity is Sensitivity.REGULATED


PROSE = (
    "The river runs through the valley and many birds rest on its banks in the early autumn. A mill turns slowly, and "
    "the miller counts the boats. In the evening the fair begins: there is music, a carousel and a man who juggles."
)


def test_a_short_note_is_read_as_a_paragraph_of_its_own(classifier: TopicClassifier) -> None:
    note = (
        "Patient seen today, 71, unstable angina, troponin positive, EF 35 %. Plan: heparin, aspirin, coronary "
        "angiography tomorrow. Medication: metformin, ramipril, bisoprolol. Allergic to penicillin."
    )
    around = "\n\n".join([PROSE] * 12)
    assert classifier.classify(f"{around}\n\n{note}\n\n{around}", ()).sensitivity is Sensitivity.REGULATED


def test_a_text_over_the_budget_is_refused_and_not_cut(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOKEN_BUDGET", 50)
    with pytest.raises(DetectorFailed, match="budget"):
        classifier.classify("word " * 60, ())


def test_a_text_without_letters_or_digits_is_public(classifier: TopicClassifier) -> None:
    assert classifier.classify(" \n--- {}", ()).sensitivity is Sensitivity.PUBLIC


def test_a_tool_name_is_not_a_sensitive_topic(classifier: TopicClassifier) -> None:
    for text in ("user_id", "mortgage", "string", "Books an appointment."):
        assert classifier.classify(text, ()).sensitivity < Sensitivity.CONFIDENTIAL


def test_evidence_is_the_words_that_speak_for_a_category_without_hidden_values(classifier: TopicClassifier) -> None:
    text = "Emma Diabetes wrote: the patient takes metformin, METFORMIN and insulin; the sofa is blue."
    found = [Finding(0, 13, "PERSON", 0.9, "names")]
    spans = classifier.evidence(text, "health", found)
    words = [text[start:end] for start, end in spans]
    assert len({"patient", "metformin", "insulin", "takes"} & set(words[:4])) >= 2 and "Diabetes" not in words
    assert classifier.evidence("... é ?", "health") == [] and len(classifier.evidence(text, "health", most=1)) == 1
    assert "Diabetes" in {text[start:end] for start, end in classifier.evidence(text, "health")}


def test_the_digest_names_the_files(classifier: TopicClassifier) -> None:
    again = TopicClassifier()
    assert classifier.digest == again.digest and len(classifier.digest) == 64


@pytest.mark.parametrize("count", [1, WINDOW, WINDOW + 1, 2 * WINDOW, 1000, 1001])
def test_windows_cover_every_token(count: int) -> None:
    ids = list(range(count))
    parts = windows(ids)
    assert sorted({token for part in parts for token in part}) == ids
    assert all(len(part) <= WINDOW for part in parts)
    assert all(left[-OVERLAP:] == right[:OVERLAP] for left, right in pairwise(parts))


def test_passages_keep_every_token_and_end_with_their_paragraph() -> None:
    lengths = [40, 10, 25, 300, 5]
    paragraphs = [list(range(1000 * n, 1000 * n + length)) for n, length in enumerate(lengths)]
    parts = [part.tolist() for part in passages(paragraphs)]
    assert {token for part in parts for token in part} == {token for ids in paragraphs for token in ids}
    assert parts[0] == paragraphs[0] and parts[1] == paragraphs[1] + paragraphs[2]
    assert parts[-1][-5:] == paragraphs[4] and all(0 < len(part) <= WINDOW for part in parts)


def test_a_text_of_one_window_is_one_passage() -> None:
    assert [part.tolist() for part in passages([[1] * 80, [2] * 80])] == [[1] * 80 + [2] * 80]
    assert [len(part) for part in passages([])] == [1]


def test_the_neutral_view_keeps_the_words_around_a_value() -> None:
    text = "Call Ada Byron on 555 1234 in Leeds"
    findings = [
        Finding(18, 26, "PHONE_NUMBER", 1.0, "p"),
        Finding(5, 14, "PERSON", 1.0, "n"),
        Finding(9, 14, "PERSON", 1.0, "n"),
        Finding(30, 35, "LOCATION", 1.0, "n"),
    ]
    assert neutral_view(text, findings) == "Call Alex on a phone number in Leeds"
