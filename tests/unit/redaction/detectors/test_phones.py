"""The quick answer about phone numbers is the library's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detectors import phones
from redaction.detectors.around import Around
from redaction.detectors.phones import Phones, quickly, valid
from redaction.detectors.purse import Purse

REGIONS = ("US", "DE", "GB", "FR", "IT", "CH", "NL", "ES")
DIGITS = st.tuples(
    st.sampled_from(
        ["", "0", "1", "49", "44", "0044", "33", "39", "41", "31", "34", "02", "07", "01", "06", "3", "9", "212"]
    ),
    st.text("0123456789", min_size=5, max_size=12),
).map("".join)


@settings(deadline=None)
@given(DIGITS, st.sampled_from(REGIONS))
def test_the_quick_answer_is_that_of_the_library(digits: str, region: str) -> None:
    known = quickly(digits, region)
    assert known is None or known == valid(digits, region)


def test_a_value_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(phones, "valid", lambda found, region: bool(asked.append(found)) or True)
    text = "+49 30 901820, " * 40
    assert len(list(Phones(text, Around(text), Purse("patterns", len(text))).find())) == 40
    assert len(asked) == 1
