"""Round trips: what was replaced comes back exactly, under any chunking, whatever the text looks like.

The fragments are the project's own tokens: stand-ins in the input, their prefixes, label names, values that hold the
stand-ins of others, escapes, and scripts without spaces.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from redaction.leakguard import leaks
from redaction.pseudonym import ALPHABET, StandIns
from redaction.restore import Restorer, json_escape
from redaction.spans import Occurrences, resolve
from redaction.transform import PSEUDONYM, REDACT, Span, Transformer
from redaction.types import Finding

KEY = b"k" * 32
KNOWN = StandIns(KEY, "s").stand_in("PERSON", "Jane Roe", lambda _: False)
OTHER = StandIns(KEY, "s").stand_in("EMAIL_ADDRESS", "a@b.cd", lambda _: False)
VALUES = ["Jane Roe", "a@b.cd", "4111 1111 1111 1111", KNOWN, "李小龙", 'Zoë "Z" O\\N', "é\u0301x y", "PERSON_"]
FRAGMENTS = [
    *VALUES, OTHER, KNOWN.lower(), KNOWN[:-1], KNOWN + "x", KNOWN[:7], "PERSON", "EMAIL_", "_", " ", "\\", "\\_", "\n",
    "<", ">", "**", "'s", "😀", "\u200b", "李", "x", "1", '"', "{", "}", "[CREDIT_CARD]", "\ud7ff", "K", "ſ", "İ",
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
cuts = st.lists(st.integers(0, 40), max_size=20)


def chunks(text: str, at: list[int]) -> list[str]:
    """``text`` in pieces of these lengths; the rest is the last piece."""
    out, start = [], 0
    for size in at:
        out.append(text[start : start + size])
        start += size
    return [*out, text[start:]]


def replaced(text: str, chars: int = 13) -> tuple[str, Transformer]:
    """``text`` with every occurrence of a value replaced by its stand-in."""
    found = [Finding(s, e, "PERSON", 0.9, "t") for s, e in Occurrences(VALUES).find(text)]
    transformer = Transformer(StandIns(KEY, "s", chars=chars), [text])
    spans = [Span(g.start, g.end, "PERSON", PSEUDONYM) for g in resolve(found)]
    return transformer.apply(text, spans), transformer


def restored(pieces: list[str], mapping: dict[str, str], **kwargs: Any) -> str:
    restorer = Restorer(mapping, **kwargs)
    return "".join(restorer.feed(p) for p in pieces) + restorer.close()


@given(texts, cuts)
@example(f"{KNOWN} Jane Roe", [3])
@example(f"Jane Roe{KNOWN}", [])
def test_what_was_replaced_comes_back_exactly(text: str, at: list[int]) -> None:
    sent, transformer = replaced(text)
    if any(_glued(sent, token) for token in transformer.mapping):
        return  # a stand-in that a word character touches is another word, by rule
    assert restored(chunks(sent, at), transformer.mapping) == text


def _glued(text: str, token: str) -> bool:
    """Whether a stand-in stands right beside an ASCII word character."""
    at = text.find(token)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(token) : at + len(token) + 1]
        if any(c.isascii() and (c.isalnum() or c == "_") for c in around):
            return True
        at = text.find(token, at + 1)
    return False


@given(texts, cuts)
def test_any_chunking_gives_the_same_text(text: str, at: list[int]) -> None:
    mapping = {KNOWN: "Jane Roe", OTHER: f"a@b.cd {KNOWN}", "PERSON_0000000000000": "x"}
    whole = restored([text], mapping)
    assert restored(chunks(text, at), mapping) == whole
    assert restored(list(text), mapping) == whole


@given(texts)
def test_a_value_that_names_a_stand_in_is_not_expanded_again(text: str) -> None:
    mapping = {KNOWN: f"<{OTHER}>", OTHER: f"<{KNOWN}>"}
    once = restored([text], mapping)
    parts = text.count(KNOWN) + text.count(OTHER) + text.count(KNOWN.lower())
    assert once.count("<") <= text.count("<") + parts


@given(texts)
def test_only_stand_ins_of_this_request_are_resolved(text: str) -> None:
    assert restored([text], {}) == text
    assert restored([text], {"PERSON_zzzzzzzzzzzzz": "secret"}) == text


@given(st.text(max_size=30), cuts)
def test_tool_arguments_stay_json_whatever_the_value(value: str, at: list[int]) -> None:
    arguments = json.dumps({"name": KNOWN, "note": f"for {KNOWN}.\nthanks"})
    out = restored(chunks(arguments, at), {KNOWN: value}, escape=json_escape)
    assert json.loads(out) == {"name": value, "note": f"for {value}.\nthanks"}


@given(texts, cuts)
def test_what_is_held_back_is_never_more_than_a_stand_in_needs(text: str, at: list[int]) -> None:
    restorer = Restorer({KNOWN: "Jane Roe", OTHER: "a@b.cd"})
    fed = out = 0
    for piece in chunks(text, at):
        fed += len(piece)
        out += len(restorer.feed(piece))
        assert len(restorer._held) <= 2 * max(len(KNOWN), len(OTHER)) + 2
    restorer.close()


@given(texts)
def test_with_a_tiny_space_of_stand_ins_nothing_collides(text: str) -> None:
    sent, transformer = replaced(f"{text} Jane Roe a@b.cd 李小龙", chars=2)
    folded = [token.lower() for token in transformer.mapping]
    assert len(set(folded)) == len(folded) == len(set(transformer.mapping.values()))
    original = f"{text} Jane Roe a@b.cd 李小龙".lower()
    assert not any(token in original for token in folded), "a stand-in of the input was taken"
    assert sent


@given(texts)
def test_after_replacement_the_guard_finds_nothing_and_before_it_everything(text: str) -> None:
    found = [Finding(s, e, "PERSON", 0.9, "t") for s, e in Occurrences(VALUES).find(text)]
    groups = resolve(found)
    originals = {text[g.start : g.end] for g in groups}
    clean = Transformer(StandIns(KEY, "s"), [text]).apply(
        text, [Span(g.start, g.end, "PERSON", REDACT) for g in groups]
    )
    if originals:
        assert list(leaks({"x": text}, originals))
    assert not [leak for leak in leaks({"x": clean}, originals) if leak.view == "plain"]


def test_stand_ins_carry_65_bits_and_depend_on_key_scope_label_and_value() -> None:
    def made(key: bytes = KEY, scope: str = "s", label: str = "PERSON", value: str = "v") -> str:
        return StandIns(key, scope).stand_in(label, value, lambda _: False)

    others = {made(key=b"x" * 32), made(scope="t"), made(label="USERNAME"), made(value="w")}
    assert made() == made() and made() not in others and len(others) == 4
    assert len(ALPHABET) == 32 and len(set(ALPHABET)) == 32
    assert len(made()) == len("PERSON_") + 13 and not set("ilou") & set(made().rpartition("_")[2])
