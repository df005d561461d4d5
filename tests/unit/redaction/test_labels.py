"""The page on labels names every label of this release, and none that it does not know."""

from __future__ import annotations

import re
from pathlib import Path

from redaction.types import GROUPS, LABELS

PAGE = (Path(__file__).parents[3] / "docs" / "labels.md").read_text()


def test_the_page_has_a_row_for_every_label_and_for_no_other() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert {label for row in rows for label in re.findall(r"`([A-Z_]+)`", row)} == LABELS


def test_each_group_heads_its_labels() -> None:
    for part in PAGE.split("| **")[1:]:
        head, _, rest = part.partition("**")
        listed = {
            label
            for row in rest.splitlines()
            if row.startswith("| `")
            for label in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
        }
        assert head == "people" or listed == GROUPS[head.strip("`")]
