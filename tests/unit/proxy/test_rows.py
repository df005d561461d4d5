"""Names beside their values: found in time that grows with the body only."""

from __future__ import annotations

import re

import pytest

from proxy import rows
from proxy.dialects.generic import GenericJson
from proxy.rows import named


class Counted:
    """A pattern that says how much it was asked to read."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.read = 0

    def search(self, text: str) -> re.Match[str] | None:
        self.read += len(text)
        return self._pattern.search(text)


def test_a_long_key_over_thousands_of_values_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Counted(rows._NAMES)
    monkeypatch.setattr(rows, "_NAMES", names)
    body = b'{"model":"m","%s":[%s]}' % (b"k" * 4000, b",".join([b"1"] * 5000))
    assert named(GenericJson().parse(body).segments) == []
    assert names.read < 1000


def test_the_end_of_a_long_key_names_its_values() -> None:
    body = b'{"model":"m","%s_mrn":[48291734,"48291735"]}' % (b"k" * 1000)
    found = named(GenericJson().parse(body).segments)
    assert [joint.text[-15:] for joint in found] == ["k mrn: 48291734", "k mrn: 48291735"]
