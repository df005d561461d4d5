"""Spellings of a value that a reader, or a model, still understands. Each is a function of the value or a fixed text.

``{}`` stands in the text where a case puts the spelled value. Written apart from ``redaction`` on purpose: what undoes
a disguise there is not what makes it here.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

from wire.values import CARD, MAIL, Value

Spelling = Callable[[str], str]

CYRILLIC = str.maketrans("aceopxyi", "асеорхуі")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def after(place: int, what: str) -> Spelling:
    return lambda text: text[:place] + what + text[place:]


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


EVERY: dict[str, Spelling] = {
    "plain": lambda t: t,
    "upper case": str.upper,
    "zero-width space": after(5, "\u200b"),
    "zero-width in all": lambda t: "\u200b".join(t),
    "word joiner": after(9, "\u2060"),
    "soft hyphen": after(7, "\u00ad"),
    "bidi override": lambda t: f"{t[:6]}\u202e\u202c{t[6:]}",
    "variation selector": after(4, "\ufe0f"),
    "full width": wide,
    "mathematical digits": lambda t: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in t),
    "arabic digits": lambda t: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in t),
    "combining marks": lambda t: "".join(c + "\u0336" if c.isalnum() else c for c in t),
    "url": lambda t: "".join(f"%{b:02x}" for b in t.encode()),
    "url twice": lambda t: quote("".join(f"%{b:02X}" for b in t.encode()), safe=""),
    "html decimal": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "html hexadecimal": lambda t: "".join(f"&#x{ord(c):X};" for c in t),
    "base64": b64,
    "base64 in a sentence": lambda t: b64(f"the value is {t} indeed"),
    "base64 for URLs": lambda t: base64.urlsafe_b64encode(f"?? {t} ??>>".encode()).decode(),
    "base64 twice": lambda t: b64(b64(t)),
    "hexadecimal": lambda t: t.encode().hex(),
    "hexadecimal spaced": lambda t: t.encode().hex(" "),
    "unicode escapes": lambda t: "".join(f"\\u{ord(c):04x}" for c in t),
    "C escapes": lambda t: "".join(f"\\x{ord(c):02x}" for c in t),
    "JSON in the text": lambda t: json.dumps({"a": {"b": [t]}}),
    "JSON in JSON": lambda t: json.dumps({"a": json.dumps({"b": t})}),
    "JSON key in the text": lambda t: json.dumps({t: 1}),
    "markdown": lambda t: "".join(f"\\{c}" if not c.isalnum() else c for c in t),
    "in tags": lambda t: f"<p><b>{html.escape(t)}</b></p>",
    "glued to a word": lambda t: f"id={t};",
}
"""For any value."""

MAILS: dict[str, str] = {
    "at and dot": "quintella.vorhausen at canary-berry dot com",
    "brackets": "quintella.vorhausen [at] canary-berry [dot] com",
    "round brackets": "quintella.vorhausen(at)canary-berry(dot)com",
    "spaces around": "quintella.vorhausen @ canary-berry.com",
    "broken over a line": "quintella.vorhausen@\ncanary-berry.com",
    "full-width at": "quintella.vorhausen\uff20canary-berry.com",
    "cyrillic letters": MAIL.value.translate(CYRILLIC),
    "named entity": "quintella.vorhausen&commat;canary-berry.com",
    "quoted printable": "quintella.vorhausen=40canary-berry.com",
    "URL-encoded at": "quintella.vorhausen%40canary-berry.com",
}
CARDS: dict[str, str] = {
    "spaced": " ".join(CARD.value),
    "dots": "5425.2334.3010.9903",
    "dashes": "5425-2334-3010-9903",
    "underscores": "5425_2334_3010_9903",
    "slashes": "5425/2334/3010/9903",
    "two lines": "54252334\n30109903",
    "thin spaces": "5425\u20092334\u20093010\u20099903",
    "devanagari digits": "".join(chr(0x966 + int(c)) for c in CARD.value),
}
SPELLED: dict[str, dict[str, str]] = {MAIL.name: MAILS, CARD.name: CARDS}
"""For one kind of value."""
HARMLESS = "the green garden fence of 1987"
"""What the twins of all spellings spell."""


def spellings(value: Value) -> dict[str, str]:
    """Name -> the text with the value in each spelling."""
    out = {name: value.text(make(value.value)) for name, make in EVERY.items()}
    return out | {name: value.text(spelled) for name, spelled in SPELLED.get(value.name, {}).items()}


def twins() -> dict[str, str]:
    """The same disguises over harmless words."""
    said = "Please note {} for later."
    return {name: said.format(make(HARMLESS)) for name, make in EVERY.items()}
