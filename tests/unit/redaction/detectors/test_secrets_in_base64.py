"""Text in base64 is no key by itself: what it says is looked at."""

from __future__ import annotations

import base64

import pytest

from redaction.detectors.secrets import SecretsDetector


@pytest.mark.parametrize("text", ["the green garden fence of 1987", "Zwölf Boxkämpfer jagen Viktor über den Deich"])
@pytest.mark.parametrize("form", ["Please note {} for later.", '{{"note": "{}"}}'])
def test_text_in_base64_is_no_key_by_itself(text: str, form: str) -> None:
    once = base64.b64encode(text.encode()).decode()
    twice = base64.urlsafe_b64encode(once.encode()).decode()
    for said in (once, twice):
        assert not SecretsDetector().detect(form.format(said))


def test_random_bytes_in_base64_are_a_key() -> None:
    random = base64.b64encode(bytes((i * 197 + 89) % 256 for i in range(48))).decode()
    assert SecretsDetector().detect(f"Please note {random} for later.")
