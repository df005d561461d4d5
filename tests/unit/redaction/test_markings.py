"""Confidentiality markings: what counts as one and what is only a word."""

from __future__ import annotations

import time

import pytest

from redaction.markings import is_marked


@pytest.mark.parametrize(
    "text",
    [
        "CONFIDENTIAL",
        "CONFIDENTIAL. Clause 7: the Supplier shall ...",
        "Confidential",
        "  ** Confidential **\nMinutes of the board",
        "Acme Corp - CONFIDENTIAL - page 3 of 9",
        "Strictly private and confidential\nDear Ms Holm",
        "Strictly Confidential: offer",
        "Privileged & Confidential",
        "PRIVILEGED AND CONFIDENTIAL - ATTORNEY WORK PRODUCT",
        "Attorney-client privileged\nMemo",
        "Internal use only",
        "For internal use only.",
        "Commercial in confidence",
        "[Confidential] offer for Northwind",
        "Subject: [CONFIDENTIAL] offer",
        "Classification: Confidential",
        "Sensitivity: strictly confidential",
        '"classification": "confidential"',
        "Company Confidential",
        "vertraulich",
        "Streng vertraulich!\nSehr geehrte Damen und Herren",
        "Vertraulich - Protokoll der Sitzung",
        "Nur für den internen Gebrauch",
        "VS-NfD",
        "Confidentiel",
        "Strictement confidentiel - ne pas diffuser",
        "CONFIDENCIAL",
        "Uso interno",
        "Riservato",
        "Strikt vertrouwelijk",
        "Summarise this:\n\nConfidential\n\nThe merger closes in May.",
    ],
)
def test_a_marking_is_recognised(text: str) -> None:
    assert is_marked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is confidential computing?",
        "Confidential computing protects data in use.",
        "Confidential Containers run in a trusted execution environment.",
        "CONFIDENTIAL COMPUTING explained",
        "The Receiving Party shall keep all Confidential Information secret.",
        "Please treat this as confidential between us.",
        "Is my chat confidential?",
        "We discussed internal use of the tool.",
        "confidential_mode = True",
        "CONFIDENTIAL_MODE=1",
        "Der Ton war vertraulich und freundlich.",
        "Une conversation confidentielle a eu lieu.",
        "non-confidential summary",
        "NON-CONFIDENTIAL summary",
        "The internal combustion engine",
    ],
)
def test_the_same_words_in_prose_are_no_marking(text: str) -> None:
    assert not is_marked(text)


@pytest.mark.parametrize("unit", ["confidential ", "* ", "[confidential", "for internal use ", " - "])
def test_a_long_hostile_text_is_judged(unit: str) -> None:
    """Patterns without nested repetition: 200 kB must not hang (the suite's own time limit would show it)."""
    started = time.thread_time()
    is_marked(unit * (200_000 // len(unit)))
    assert time.thread_time() >= started
