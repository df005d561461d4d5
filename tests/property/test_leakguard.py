"""The leak guard finds any original in any spelling it knows, two deep, and nothing in what was replaced."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from hypothesis import example, given, settings
from hypothesis import strategies as st

from redaction.leakguard import leaks
from redaction.pseudonym import StandIns
from redaction.spans import Occurrences, resolve, worth
from redaction.transform import GENERALIZE, MASK, PSEUDONYM, REDACT, Span, Transformer
from redaction.types import Finding

ORIGINALS = [
    "Ann", "Maria Keller", "a.b+c@x.example", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
    "Müller-Lüdenscheid", "Mu\u0308ller", "李小龙", "Zoë \"Z\" O'N", "C:\\Users\\ann", "50% & <more>", "2024-01-15",
    "+49 30 1234567", "password", "PERSON", "secret", "\U00020bb7野家", "1980",
    "12 May 1980", "10.20.30.40", "Ａｎｎａ",
]  # fmt: skip


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda t: t,
    "url": lambda t: quote(t, safe=""),
    "url_all": lambda t: "".join(f"%{b:02x}" for b in t.encode()),
    "form": quote_plus,
    "html": html.escape,
    "html_all": lambda t: "".join(f"&#x{ord(c):x};" for c in t),
    "json": lambda t: json.dumps(t)[1:-1],
    "json_all": lambda t: "".join(f"\\u{w.hex()}" for w in _words(t)),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base64url": lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip("="),
    "hex": lambda t: t.encode().hex(),
    "zero_width": lambda t: "\u200b".join(t),
    "wide": _wide,
}


def _words(text: str) -> list[bytes]:
    data = text.encode("utf-16-be")
    return [data[i : i + 2] for i in range(0, len(data), 2)]


quick = settings(max_examples=200, deadline=None, database=None)
values = st.sampled_from(ORIGINALS)
around = st.sampled_from(["", "Dear ", "note: 7 pm; ", '{"a": 1} ', "100% & more, ", "(", "\n", "\u3000"])
after = st.sampled_from(["", " and so on", ", 12/26", ")", "\n", "!?", " 😀"])
spellings = st.sampled_from(sorted(SPELLINGS))


@quick
@given(values, around, after, spellings, spellings, st.lists(values, max_size=4))
@example("李小龙", "", "", "base64", "zero_width", [])
@example("Mu\u0308ller", "Dear ", "", "base64url", "wide", [])
def test_an_original_is_found_in_every_spelling(
    value: str, before: str, behind: str, inner: str, outer: str, others: list[str]
) -> None:
    carrier = f"one two {before}{value}{behind} three"
    spelled = SPELLINGS[outer](SPELLINGS[inner](carrier))
    found = list(leaks({"x": f"see {spelled} ok", "y": "clean"}, [value, *others]))
    assert [leak.part for leak in found] == ["x"]


SEPARATED = [
    " ",
    "\n",
    ", ",
    ". ",
    " (",
    ") ",
    '"',
    " & ",
    " 100% ",
    " \\o/ ",
    "=",
    " - ",
    " 李 ",
    " 😀 ",
    " the mark ",
    " 7 ",
]
transforms = st.lists(st.sampled_from([PSEUDONYM, REDACT, MASK, GENERALIZE]), min_size=4, max_size=4)


@quick
@given(st.lists(st.tuples(values, st.sampled_from(SEPARATED)), min_size=1, max_size=10), transforms)
def test_what_was_replaced_leaks_nothing(parts: list[tuple[str, str]], chosen: list[str]) -> None:
    originals = sorted({v for v, _ in parts if worth(v)})
    text = "".join(v + s for v, s in parts)
    found = [Finding(s, e, "DATE_TIME", 0.9, "t") for s, e in Occurrences(originals).find(text)]
    groups = resolve(found)
    values_ = sorted({text[g.start : g.end] for g in groups})
    table = {v: chosen[i % len(chosen)] for i, v in enumerate(values_)}
    made = Transformer(StandIns(b"k" * 32, "s"), [text], [*values_, *originals])
    labels = ("PASSWORD", "PERSON", "DATE_TIME", "SECRET")
    spans = [Span(g.start, g.end, labels[i % 4], table[text[g.start : g.end]]) for i, g in enumerate(groups)]
    sent = made.apply(text, spans)
    assert not list(leaks({"x": sent}, [*values_, *originals])), sent


@quick
@given(st.text(max_size=40), st.text(max_size=200))
def test_any_text_can_be_searched_for_anything(value: str, text: str) -> None:
    list(leaks({"x": text}, [value]))
