"""For measuring: which findings are names of public persons and characters."""

import pytest

from proxy.models.publicly import besides
from redaction.types import Finding


@pytest.mark.parametrize(
    ("text", "value", "label", "aside"),
    [
        ("Speak like Elon Musk.", "Elon Musk", "PERSON", True),
        ("Hello there Obi One Kenobi", "Kenobi", "PERSON", True),
        ("Embrace Sheldon. Do not say As Sheldon", "As Sheldon", "PERSON", True),
        ("Paint a Mona Lisa", "Lisa", "LOCATION", True),
        ("Paint Lisa", "Lisa", "PERSON", False),  # no name of the list stands there
        ("Elon Musk and Jordan Miller", "Jordan Miller", "PERSON", False),
        ("Elon Musk met Elon Miller", "Elon Miller", "PERSON", False),
        ("Elon Musk, 1971", "1971", "DATE_TIME", False),
    ],
)
def test_names_of_the_lists_are_set_aside(text: str, value: str, label: str, aside: bool) -> None:
    start = text.rindex(value)
    found = [Finding(start, start + len(value), label, 0.9, "student")]
    assert list(besides(text, found)) == ([] if aside else found)
