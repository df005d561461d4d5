"""Round trips with values anywhere: glued to each other, to words, to stand-ins in the input, inside JSON.

Values and literal text alternate at will, so that a replaced value has every neighbour: the beginning of a stand-in,
a whole one, its escaped and its upper-case spelling, escapes, and letters that fold to those of the alphabet.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from redaction.pseudonym import SHORT, StandIns
from redaction.restore import Restorer, json_escape
from redaction.spellings import sounds
from redaction.transform import PSEUDONYM, Span, Transformer

KEY, SCOPE = b"k" * 32, "s"
LABELS = ["PERSON", "EMAIL_ADDRESS", "US_SSN", "NRP", "ADDRESS", "AGE"]


def derived(label: str, value: str, avoid: int = 0) -> str:
    used: list[str] = []
    for _ in range(avoid + 1):
        used.append(StandIns(KEY, SCOPE).stand_in(label, value, used.__contains__))
    return used[-1]


FIRST = derived("PERSON", "Ann")
SECOND = derived("PERSON", "Ann", 1)
MAIL = derived("EMAIL_ADDRESS", "a@b.cd")
VALUES = [
    ("PERSON", "Ann"), ("EMAIL_ADDRESS", "a@b.cd"), ("US_SSN", "123-45-6789"), ("NRP", FIRST), ("ADDRESS", f"{MAIL}\n"),
    ("PERSON", "李小龙"), ("PERSON", 'Zoë "Z" \\'), ("AGE", "e\u0301"), ("PERSON", "PERSON_"), ("PERSON", "😀"),
    ("NRP", "\\n"), ("ADDRESS", "u0041"), ("AGE", "\ud7ff\ue000"),
]  # fmt: skip
LITERALS = [
    FIRST, FIRST.lower(), FIRST.upper(), SECOND, FIRST.replace("_", "\\_"), FIRST + "z", MAIL, MAIL[:-1],
    *(FIRST[:n] for n in (1, 4, 6, 7, 8, 12, 13, 19)), FIRST[7:], FIRST[1:], *LABELS, *SHORT.values(), "_", "\\", "\\_",
    "\\\\_", "\\n", "\\u00", "\\u000", "u", " ", "\n", "**", "'s", "[PERSON]", "<", "{", '"', "x", "李", "\u0301", "😀",
    "\u200d", "\u212a", "\u017f", "\u0130", "\ud7ff", "\ue000",
]  # fmt: skip
pieces = st.lists(
    st.one_of(st.sampled_from(VALUES), st.sampled_from(LITERALS).map(lambda t: ("", t))), min_size=1, max_size=12
)
cuts = st.lists(st.integers(0, 25), max_size=20)
MANGLE: list[Callable[[str], str]] = [
    lambda t: t,
    str.lower,
    str.upper,
    lambda t: t.replace("_", "\\_"),
    lambda t: t.replace("_", "\\\\_"),
    lambda t: t.replace("_", " "),
    lambda t: t.replace("_", "-"),
    lambda t: t.replace("_", ""),
    lambda t: t.replace("_", "&#95;"),
    lambda t: t.replace("_", "_\n"),
    lambda t: t.rpartition("_")[2],
    lambda t: "NOM_" + t.rpartition("_")[2],
]
quick = settings(max_examples=150, deadline=None, database=None)


def cut(text: str, sizes: list[int]) -> list[str]:
    out, at = [], 0
    for size in sizes:
        out.append(text[at : at + size])
        at += size
    return [*out, text[at:]]


def replaced(parts: list[tuple[str, str]], chars: int = 13) -> tuple[str, str, Transformer]:
    """(the text, what leaves, its transformer)."""
    text, spans = "", []
    for label, piece in parts:
        if label:
            spans.append(Span(len(text), len(text) + len(piece), label, PSEUDONYM))
        text += piece
    made = Transformer(StandIns(KEY, SCOPE, chars=chars), [text])
    return text, made.apply(text, spans), made


def restored(
    parts: list[str], mapping: dict[str, str], *, tool: bool = False, tolerant: bool = True
) -> tuple[str, int, int]:
    r = Restorer(mapping, escape=json_escape if tool else None, tolerant=tolerant)
    out = "".join([*map(r.feed, parts), r.close()])
    return out, r.restored, r.seen


@quick
@given(pieces, cuts, st.booleans())
@example([("", FIRST[:19]), ("PERSON", "PERSON_")], [], True)
@example([("PERSON", "Ann"), ("", FIRST), ("PERSON", "Ann"), ("PERSON", "😀")], [3], True)
@example([("", "\\"), ("NRP", FIRST), ("", "z")], [1], True)
@example([("PERSON", "Ann"), ("", FIRST[7:]), ("PERSON", "Ann")], [1], True)
def test_what_was_replaced_comes_back_exactly_whatever_stands_beside_it(
    parts: list[tuple[str, str]], sizes: list[int], tolerant: bool
) -> None:
    text, sent, made = replaced(parts)
    whole = restored([sent], made.mapping, tolerant=tolerant)
    assert whole[0] == text
    assert restored(cut(sent, sizes), made.mapping, tolerant=tolerant) == whole
    assert restored(list(sent), made.mapping, tolerant=tolerant) == whole
    assert whole[1] == sum(bool(label) for label, _ in parts)


@quick
@given(pieces, st.sampled_from(MANGLE))
def test_what_models_do_to_stand_ins_is_undone(parts: list[tuple[str, str]], mangle: Callable[[str], str]) -> None:
    _, _, made = replaced(parts)
    for token, value in made.mapping.items():
        assert restored(list(f"({mangle(token)})"), made.mapping)[0] == f"({value})"


@quick
@given(st.lists(pieces, min_size=1, max_size=3), cuts, st.booleans())
def test_tool_arguments_are_the_same_document_with_real_values(
    members: list[list[tuple[str, str]]], sizes: list[int], ascii_only: bool
) -> None:
    made = Transformer(StandIns(KEY, SCOPE), ["".join(p for _, p in m) for m in members])
    real, sent = [], []
    for parts in members:
        text, spans = "", []
        for label, piece in parts:
            if label:
                spans.append(Span(len(text), len(text) + len(piece), label, PSEUDONYM))
            text += piece
        real.append(text)
        sent.append(made.apply(text, spans))
    arguments = json.dumps({f"k{i}": s for i, s in enumerate(sent)}, ensure_ascii=ascii_only)
    whole = restored([arguments], made.mapping, tool=True)
    assert json.loads(whole[0]) == {f"k{i}": t for i, t in enumerate(real)}
    assert restored(cut(arguments, sizes), made.mapping, tool=True) == whole
    assert restored(list(arguments), made.mapping, tool=True) == whole


@quick
@given(pieces, cuts, st.booleans())
def test_any_text_of_an_upstream_gives_the_same_in_any_chunking(
    parts: list[tuple[str, str]], sizes: list[int], tool: bool
) -> None:
    mapping = {FIRST: "<1>", MAIL: f"<{FIRST}>", derived("NRP", "x"): "<3>", "A_abcd": "<4>", "A_abcdef": "<5>"}
    text = "".join(p for _, p in parts) + "A_abcde" + "".join(p for _, p in reversed(parts))
    whole = restored([text], mapping, tool=tool)
    assert restored(cut(text, sizes), mapping, tool=tool) == restored(list(text), mapping, tool=tool) == whole


@quick
@given(pieces)
def test_nothing_is_held_back_that_is_not_the_beginning_of_a_stand_in(parts: list[tuple[str, str]]) -> None:
    mapping = {FIRST: "Ann", MAIL: "a@b.cd"}
    r = Restorer(mapping)
    for char in "".join(p for _, p in parts):
        r.feed(char)
        held = r._held.replace("\\", "").lower()
        assert not r._held or any(k.lower().startswith(held) and len(held) < len(k) for k in mapping)


@quick
@given(pieces, st.integers(2, 3))
def test_where_stand_ins_are_few_none_is_shared_and_none_of_the_input_is_taken(
    parts: list[tuple[str, str]], chars: int
) -> None:
    text, sent, made = replaced(parts, chars)
    assert len(set(made.mapping.values())) == len(made.mapping) == len({p for label, p in parts if label})
    assert not any(token.casefold() in text.casefold().replace("\\", "") for token in made.mapping)
    assert sent.count("_") >= len(made.mapping)


@given(st.text(alphabet=st.characters(max_codepoint=0x180)) | st.text(alphabet="aZ09_\\nr\x7f \n-"))
def test_what_is_left_of_a_text_is_its_letters_and_digits_in_order(text: str) -> None:
    """The short way, for plain ASCII without a backslash, says what the long one says."""
    assert sounds(text) == sounds(f"{text}\\.")
