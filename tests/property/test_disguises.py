"""Every disguise of every provable value is found where it stands; innocent texts that look alike are left alone."""

from __future__ import annotations

import functools

import pytest
from disguises import BENIGN, CHARACTERS, LEAD, RUNS, SPELLED, UNREAD, VALUES
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.inspect_worker import build
from redaction.known import Known
from redaction.pipeline import Pipeline, propagate
from redaction.spans import resolve
from redaction.types import TextResult

quick = settings(max_examples=150, deadline=None, database=None)
labels = st.sampled_from(sorted(VALUES))
around = st.sampled_from(["", "Dear all, please note ", "x = 1;\n", "Größe & Maß: ", "(", "你好 ", "100% sure, "])
after = st.sampled_from(["", " and so on", "\nThanks", ")", ", ok?", " é"])


@functools.cache
def pipeline() -> Pipeline:
    return build(None, names=False)


def inspect(text: str) -> TextResult:
    return propagate([text], pipeline().inspect([text]))[0]


def without(text: str, seen: TextResult) -> str:
    """The text with every finding replaced."""
    out, at = [], 0
    for group in resolve(seen.findings):
        out += [text[at : group.start], "[X]"]
        at = group.end
    return "".join([*out, text[at:]])


def gone(label: str, text: str, disguised: str) -> None:
    """Asserts that ``label`` is found and that nothing of its value is left, in any reading."""
    seen = inspect(text)
    assert seen.uninspected is None
    at = text.index(disguised)
    hits = [f for f in seen.findings if f.label == label and f.start < at + len(disguised) and f.end > at]
    assert hits, [f.label for f in seen.findings]
    left = without(text, seen)
    assert not list(Known({VALUES[label]: {}}).find(left)), left
    covered = {i for g in resolve(seen.findings) for i in range(g.start, g.end)}
    lead = LEAD.get(label, "")
    start = at + (disguised.index(":") + 1 if lead and ":" in disguised else 0)
    loose = [text[i] for i in range(start, at + len(disguised)) if i not in covered and text[i].isalnum()]
    assert len(loose) <= 5, (left, loose)


@pytest.mark.parametrize("label", sorted(VALUES))
@pytest.mark.parametrize("name", sorted(CHARACTERS))
def test_a_disguise_of_characters_hides_nothing(label: str, name: str) -> None:
    spelled = CHARACTERS[name](VALUES[label])
    text = f"note {LEAD.get(label, '')}{spelled} ok"
    gone(label, text, spelled)


@pytest.mark.parametrize("label", sorted(VALUES))
@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_value_in_an_encoded_run_takes_the_whole_run_with_it(label: str, name: str) -> None:
    spelled = RUNS[name](LEAD.get(label, "") + VALUES[label])
    seen = inspect(f"note {spelled} ok")
    groups = [g for g in resolve(seen.findings) if label in g.labels]
    assert [f"note {spelled} ok"[g.start : g.end].strip() for g in groups] == [spelled]


@pytest.mark.parametrize(("label", "name"), [(label, name) for label, each in SPELLED.items() for name in each])
def test_what_is_spelled_out_or_broken_over_lines_is_found(label: str, name: str) -> None:
    spelled = SPELLED[label][name]
    text = f"Please note this.\n{spelled}\nand the rest"
    seen = inspect(text)
    left = without(text, seen)
    assert any(f.label == label for f in seen.findings), seen
    for piece in ("vorhausen", "berry", "2334", "3010", "9 9 0 3", "3704", "0532", "8674", "8 6 7 4", "XwTb", "5LpY"):
        assert piece not in left
    assert left.startswith("Please note this.\n") and left.endswith("\nand the rest")


@quick
@given(labels, st.sampled_from(sorted(CHARACTERS)), st.sampled_from(sorted(CHARACTERS | RUNS)), around, after)
def test_a_disguise_within_a_disguise_hides_nothing(
    label: str, inner: str, outer: str, before: str, behind: str
) -> None:
    if (inner, outer) in {("nul", "html_all"), ("nul", "html_hex"), ("quoted_printable", "quoted_printable")}:
        return  # HTML knows no NUL; an equals sign is too common to be undone twice
    spelled = (CHARACTERS | RUNS)[outer](LEAD.get(label, "") + CHARACTERS[inner](VALUES[label]))
    if outer == "tags_around" or (
        outer in {"tag_characters", "base64_utf16"} and not CHARACTERS[inner](VALUES[label]).isascii()
    ):
        return  # a tag within an escape breaks it; the others spell ASCII only
    seen = inspect(f"{before}{spelled}{behind}")
    if seen.uninspected == "patterns:budget" and inner == "nul":
        return  # a row of eighty numbers, too many to check in so short a text: it does not leave
    assert seen.uninspected in {None, "script", "language"}
    assert any(label in g.labels for g in resolve(seen.findings)), spelled


@pytest.mark.parametrize("text", [*BENIGN, *UNREAD])
def test_innocent_texts_are_left_alone(text: str) -> None:
    seen = inspect(text)
    assert seen.uninspected == ("script" if text in UNREAD else None)
    assert not [f for f in seen.findings if f.label not in {"URL", "DATE_TIME"}], seen.findings


@quick
@given(st.text(max_size=300))
def test_any_text_is_judged_and_its_places_lie_in_it(text: str) -> None:
    seen = inspect(text)
    assert seen.uninspected in {None, "script", "language"}
    assert all(0 <= f.start < f.end <= len(text) for f in seen.findings)


@quick
@given(st.text(alphabet="ab1@.%4&#x;\\u0=+/ \n\u200b\u0430Ａ-_<>[]()dotAt", max_size=200))
def test_odd_signs_break_nothing(text: str) -> None:
    seen = inspect(text)
    assert seen.uninspected in {None, "script", "language"}
    assert "offsets" not in repr(seen)
