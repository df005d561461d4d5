"""Patterns and secrets on any text: no crash, offsets within the text, the same values wherever they stand.

``SEALGATE_FUZZ=20000`` searches longer (``make fuzz``).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.inspect_worker import FORMAL, chosen
from redaction.pipeline import Pipeline

EXAMPLES = int(os.environ.get("SEALGATE_FUZZ", "100")) // 4
PIPELINE = Pipeline(chosen(None, FORMAL), None)
SEARCH = settings(max_examples=max(25, EXAMPLES), deadline=None, suppress_health_check=[HealthCheck.too_slow])
VALUES = (
    ("jane.roe@example.com", "EMAIL_ADDRESS"),
    ("4111 1111 1111 1111", "CREDIT_CARD"),
    ("DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
    ("10.20.30.40", "IP_ADDRESS"),
    ("+49 30 901820", "PHONE_NUMBER"),
    ("AKIAIOSFODNN7ABCDEFG", "API_KEY"),
)
PIECES = st.sampled_from(
    [
        "the garden ",
        "\r\n",
        "é",
        "e\u0301",
        "👩\u200d💻",
        "🇩🇪",
        "中文",
        " ",
        "\t",
        "ß",
        "İ",
        "\u200b",
        "\ud83d",
        "x" * 50,
        ". ",
        "—",
    ]
)
LONG = st.lists(PIECES, max_size=40).map("".join)
ANY = st.lists(
    PIECES
    | st.sampled_from([v for v, _ in VALUES])
    | st.text("0123456789-./:@=\"'()[]{}\\%&;#,_+<> \nabcXYZ", max_size=20),
    max_size=20,
).map("".join)


@SEARCH
@given(LONG, LONG, st.sampled_from(VALUES))
@example("İ" * 100, "", VALUES[0])
def test_a_value_is_found_at_its_exact_place_whatever_stands_around(
    before: str, after: str, value: tuple[str, str]
) -> None:
    said, label = value
    text = f"{before}\n {said} \n{after}"
    at = len(before) + 2
    found = {(f.start, f.end, f.label) for f in PIPELINE.inspect([text])[0].findings}
    assert (at, at + len(said), label) in found


@SEARCH
@given(ANY)
def test_no_text_breaks_a_detector(text: str) -> None:
    result = PIPELINE.inspect([text])[0]
    assert "Error" not in (result.uninspected or "")  # a crash is named by its exception
    assert all(0 <= f.start < f.end <= len(text) for f in result.findings)
