"""Tables and lists anywhere in any text: exact places, and the same findings wherever they stand.

``SEALGATE_FUZZ=20000`` searches longer (``make fuzz``).
"""

from __future__ import annotations

import os
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redaction import columns, kin
from redaction.types import Finding

EXAMPLES = int(os.environ.get("SEALGATE_FUZZ", "100"))
SEARCH = settings(max_examples=max(60, EXAMPLES), deadline=None, suppress_health_check=[HealthCheck.too_slow])
CELL = st.sampled_from(
    ["Ann", "José", "é\u0301", "😀", "中文", "👩\u200d💻", "İ", "\ud83d", "open", "-", "12.50", '"a, b"', "x" * 30]
)
NUMBER = st.integers(10**6, 10**9).map(str) | st.sampled_from(["AB-4829173", "482 917 34", "DE89 3704 0044"])
END = st.sampled_from(["\n", "\r\n", "\r", "\u2028"])
SIGN = st.sampled_from([",", ";", "\t", "|", " | ", "  ", " │ ", "&", "^", "~", " / ", "，"])
AROUND = st.lists(
    st.sampled_from(["the garden", "😀 e\u0301", "İ" * 9, "中文", "\ud83d", "x" * 50, "a (b) c", "it's", "{", "]",
     "1 2",
    "\u200b"]),
    max_size=8,
).map(" ".join)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]], str]:
    """A table, the places of the numbers below its head, and its line ends."""
    end, sign = draw(END), draw(SIGN)
    at = draw(st.integers(0, 2))
    text = sign.join("MRN" if n == at else head for n, head in enumerate(("name", "state", "sum")))
    places = []
    for number in draw(st.lists(NUMBER, min_size=2, max_size=8)):
        text += end
        for n in range(3):
            text += sign if n else ""
            if n == at:
                places.append((len(text), len(text) + len(number)))
            text += number if n == at else draw(CELL)
    return text, places, end


def _every(text: str) -> list[Finding]:
    return [Finding(m.start(1), m.end(1), "MEDICAL_RECORD", 0.9, "x") for m in re.finditer(r"(?m)^MRN: (.+)$", text)]


def _read(text: str) -> set[tuple[int, int]]:
    return {(f.start, f.end) for f in columns.numbers(text, _every)}


@SEARCH
@given(tables(), AROUND, AROUND)
def test_what_a_head_names_is_found_at_its_place_wherever_the_table_stands(
    table: tuple[str, list[tuple[int, int]], str], before: str, after: str
) -> None:
    text, places, end = table
    assert _read(text) >= set(places)
    longer = f"{before}{end}{end}{text}{end}{end}{after}"
    low = len(before) + 2 * len(end)
    moved = {(start - low, last - low) for start, last in _read(longer)}
    assert moved >= set(places)
    assert {(start, last) for start, last in moved if start >= 0 and last <= len(text)} == _read(text)


@SEARCH
@given(tables(), AROUND, AROUND)
def test_what_resembles_its_neighbours_is_found_wherever_it_stands(
    table: tuple[str, list[tuple[int, int]], str], before: str, after: str
) -> None:
    text, places, end = table
    low = len(before) + 2 * len(end)
    known = [Finding(start, last, "PHONE_NUMBER", 0.9, "x") for start, last in places[: max(3, len(places) // 2)]]
    moved = [Finding(f.start + low, f.end + low, f.label, f.score, "x") for f in known]
    found = {(f.start + low, f.end + low, f.label) for f in kin.numbers(text, known)}
    longer = f"{before}{end}{end}{text}{end}{end}{after}"
    assert {(f.start, f.end, f.label) for f in kin.numbers(longer, moved)} == found


@SEARCH
@given(st.text("MRN,;|\t\r\n \"'()[]{}<>/&^~-:=0123456789abtrdh😀é\ud83d│\u2028\\n", max_size=200))
def test_no_text_breaks_the_search(text: str) -> None:
    for f in columns.numbers(text, _every):
        assert 0 <= f.start < f.end <= len(text)
    known = [Finding(m.start(), m.end(), "PHONE_NUMBER", 0.9, "x") for m in re.finditer(r"\d{3,}", text)][::2]
    for f in kin.numbers(text, known):
        assert 0 <= f.start < f.end <= len(text)
