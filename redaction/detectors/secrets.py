"""Credentials by structure: provider token formats, private keys, connection strings, and assigned passwords with entropy.

RE2 only, so the time is linear in the text whatever it holds. A finding covers the secret itself, not its name.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from redaction.detectors.linear import Match, compile_pattern
from redaction.detectors.secret_rules import BLOCKS, TOKENS
from redaction.detectors.spoken import Spoken
from redaction.detectors.sweep import Sweep
from redaction.types import Finding

VERSION = "7"

_WORD = (
    r"(?:key|secret|token|credentials?|private|access|auth|api|pat|passcode|bearer|signature|webhook|licen[cs]e|"
    r"p_?a_?s_?s(?:phrase)?|salt|seed|cookie|session)"
)
_VALUE = r"(?:\"([^\"\n]{4,})\"|'([^'\n]{4,})'|([^\s\"'\x60,;<>]{4,}))"
_EQUALS = r"(?::=|=>|[:=])"
_NAMED = rf"(?i){_WORD}s?[0-9]{{0,3}}(?:[_.\-]?[a-z0-9]{{1,20}}){{0,2}}[\"'\])]{{0,3}}\s{{0,4}}{_EQUALS}\s{{0,4}}[\[(]?{_VALUE}"
_SAID = rf"(?i){_WORD}s?[\"']?(?:[ \t]{{1,3}}(?:(?:is|ist|es|est|was)[ \t])?|[.\-])[\"']?([a-z0-9_+/=.~\-]{{16,}})"
_LISTED = rf"(?i){_WORD}s?(?:[_.\-]?[a-z0-9]{{1,20}}){{0,2}}[\"']\s?,\s{{0,3}}(?:[\"']\w{{1,20}}[\"']\s?[:=]\s?\[?\s{{0,9}})?[\"']([^\"'\n]{{8,}})[\"']"
_XML = rf"(?i)(?:name|key)=[\"'][^\"'<>]{{0,80}}(?:password|{_WORD})[^\"'<>]{{0,40}}[\"']\s{{1,4}}value=[\"']([^\"'\n]{{4,}})[\"']"
_PREFIXED = r"\b([A-Za-z]{2,10}[_\-](?:[A-Za-z0-9]{2,6}[_\-])?[A-Za-z0-9]{24,})\b"
"""``sgp_…``, ``xkeysib-…``: how most providers write their tokens today."""
_WORDS = r"[A-Za-z0-9_+/=.~:\-]{20,}"
_NAME = re.compile(r"([A-Za-z][\w.\- ]{1,40})[\"']?\s{0,2}(?::=|=>|[:=])\s{0,2}[\"']?$")
_JOINED = re.compile(r"([A-Za-z][\w.\-]{1,40})[:=]{1,2}(?=.{20})")
"""Any name with a generated value: half of all keys carry only the name of their provider."""
_NEAR = rf"(?i){_WORD}[^\n]{{0,40}}?[\s\"'=:(\[,>/]([a-z0-9_+/=.~\-]{{20,}})"
_LONE = r"(?:^|[\s\"'=:(\[,>\x60])([A-Za-z0-9_+/=.~\-]{32,})(?:[\s\"'),\];<\x60]|$)"
_PASSWORD = (
    r"(?i)(?:password|passwd|passwort|passphrase|passcode|pwd|contraseña|contrasena|clave|mot de passe|kennwort|senha|"
    r"wachtwoord|hasło|haslo|(?:^|[^a-z])pass|pin code)"
    rf"[0-9]{{0,2}}[\"'\])]{{0,2}}\s{{0,4}}(?:{_EQUALS}|\b(?:is|ist|es|est|è|to|jest|é)\b)\s{{0,4}}{_VALUE}"
)
_QUOTED = (
    r"(?i)(?:password|passwd|passwort|pwd)(?:[ \t]{1,3}|\s[^\n]{0,60}\sis\s)(?:\"([^\"\s]{3,80})\"|'([^'\s]{3,80})')"
)
_LINE = r"(?im)^[\t ]*(?:export )?[\w.]{0,40}(?:password|passwd|pwd)=([^\s\"'\x60,;<>&]{5,80})\s*$"
_PLACEHOLDERS = ("xxxx", "****", "...", "your", "example", "changeme", "change_me", "placeholder", "dummy", "redacted")
_NOT_A_VALUE = ("$", "{", "%", "<", "*", "(", "[", "os.", "process.", "env.", "config.", "settings.", "self.", "/", "#{",
                "+", "\\", " +", ",", "'", '"', ".", "$(", "|", "&")  # fmt: skip
_CALL = re.compile(
    r"[A-Za-z_][\w.]*\((?!.*\)\w)|[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]+)+$|[a-z]+://|#[a-z\-]+$|arn:|[a-z/]+#[a-z]+$"
)
"""An expression of a program (``getenv(...)``, ``settings.token``), an address or a selector, which hold no secret."""
_PLAIN_WORDS = frozenset(
    "password passwd secret string required none null true false undefined empty value default text hidden here the and "
    "field input incorrect invalid wrong correct optional hashed hash strong weak must should will forgot reset username "
    "number object boolean varchar encrypted protected secure stored same missing admin_password set sent valid".split()
)
_HASHES = re.compile(
    r"(?i)(?:sha\d*|md5|hash|commit|digest|checksum|integrity|etag|fingerprint|revision|rev|sum|uu?id|guid|nonce|crc|"
    r"version|class|href|src|url|path|file|image|img|model|name|title|https?|ref|branch|trace|span|request|correlation|"
    r"address|addr|public|dna|seq|sequence|inchi|inchikey|smiles|cid|cas|regex|pattern|format|example|output|input)\W*$"
)
"""Names whose values only look like keys."""


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _random(value: str, least: float = 3.0) -> bool:
    """Whether a value looks generated: varied, of letters and digits, or long and of one sort; no word, no path."""
    if value.startswith("/") or (value.count("/") > 2 and not any(_varied(p, least) for p in value.split("/"))):
        return False
    return _varied(value, least)


def _varied(value: str, least: float) -> bool:
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if letters and digits:
        return entropy(value) >= least
    return len(value) >= 16 and ((digits and entropy(value) >= 2.5) or (letters and _unpronounceable(value)))


def _unpronounceable(value: str) -> bool:
    """Letters alone that no language writes: all over the alphabet, or capitals within."""
    return value.isalpha() and (entropy(value) >= 4.2 or len(re.findall("[a-z][A-Z]", value)) > len(value) / 6)


def _generated(value: str) -> bool:
    return len(value) >= 8 and _random(value)


def _said(value: str) -> bool:
    return _random(value, 3.2) and not value.lower().startswith("sha")


def _says_something(value: str) -> bool:
    """Whether a value is words in base64: what they say is inspected as another reading of the text, and is no key."""
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        said = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
    except ValueError:  # also what is no UTF-8
        return False
    return said.isprintable() or said.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()


def _holds_words(value: str) -> bool:
    """Whether words in base64 are glued to something: ASCII for the most part, read from one of the first four places."""
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    raws = (base64.b64decode(body[i : i + (len(body) - i) // 4 * 4]) for i in range(4) if body.isalnum())
    return any(len(row) * 2 > len(raw) for raw in raws for row in _ROW.findall(raw))


_ROW = re.compile(rb"[\x20-\x7e]{12,}")


def _lone(value: str) -> bool:
    """Whether a word by itself is a key: small letters, capitals and digits in turn, all over the alphabet."""
    turns = len(re.findall(r"[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z]", value))
    if value.lower().startswith("sha") or _says_something(value) or _holds_words(value):
        return False
    sorts = all(re.search(sort, value) for sort in ("[a-z]", "[A-Z]", "[0-9]"))
    return sorts and turns >= len(value) / 4 and entropy(value) >= 4.2 and value.count("/") < 4 and value.count(".") < 3


_KEY = re.compile(
    r"(?i)[0-9a-f]{32,128}|[a-z0-9]{20,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_+/=.~:\-]{24,}"
)


def _assigned_key(value: str) -> bool:
    """Whether a value that is assigned to some name is a key."""
    mixed = sum(map(str.isdigit, value)) >= 4 and sum(map(str.isalpha, value)) >= 4
    return (
        mixed
        and bool(_KEY.fullmatch(value))
        and _random(value, 3.2)
        and not (_DATED.search(value) or _says_something(value))
    )


_DATED = re.compile(r"\d{4}-\d\d-\d\d|://|\d+\.\d+\.\d+|\.[a-z]{2,4}$")


def _strong(value: str) -> bool:
    """Whether an assigned word is a password: people's passwords have a digit or a symbol, and vary."""
    return any(not c.isalpha() and not c.isspace() for c in value) and entropy(value) >= 2.0


def _no_plain_word(value: str) -> bool:
    return value.lower() not in _PLAIN_WORDS


def _placeholder(value: str) -> bool:
    lower = value.lower()
    named = any(w in lower for w in _PLACEHOLDERS) and sum(map(str.isdigit, value)) < 3
    return named or value.startswith(_NOT_A_VALUE) or bool(_CALL.match(value)) or len(set(value)) < 3


def _value(match: Match) -> tuple[int, str]:
    """Where the value of an assignment starts, and the value without the punctuation of the sentence around it."""
    group = match.taken
    value = match.group(group)
    return match.start(group), value if group < match.groups else value.rstrip(".!?)]}:\\")


_LONG = re.compile(r"[A-Za-z0-9_+/=.~:-]{20}")
_PARTS = r"[^\n]*[A-Za-z0-9_+/=.~$:@\-]{14}[^\n]*"
"""Lines that hold a word long enough for a token."""
_Rule = tuple[str, float, Any, Callable[[str], bool]]


class SecretsDetector:
    """Implements ``Detector``."""

    name = "secrets"

    def __init__(self) -> None:
        self._sweep = Sweep([p for _, _, p in TOKENS], _PARTS, 1)
        self._blocks = [(label, score, compile_pattern(p)) for label, score, p in BLOCKS]
        self._assignments = [
            ("SECRET", 0.75, compile_pattern(_NAMED), _generated),
            ("SECRET", 0.7, compile_pattern(_SAID), _said),
            ("SECRET", 0.7, compile_pattern(_LISTED), _said),
            ("SECRET", 0.75, compile_pattern(_XML), _strong),
            ("SECRET", 0.65, compile_pattern(_NEAR), _assigned_key),
            ("PASSWORD", 0.7, compile_pattern(_PASSWORD), _strong),
            ("PASSWORD", 0.7, compile_pattern(_QUOTED), _no_plain_word),
            ("PASSWORD", 0.7, compile_pattern(_LINE), _no_plain_word),
        ]
        self._word = compile_pattern(rf"(?i){_WORD}|pwd|passw|contrase|clave|mot de|kennwort|senha|wachtw|has[lł]o")
        self._long = [
            ("API_KEY", 0.7, compile_pattern(_PREFIXED), _said),
            ("API_KEY", 0.6, compile_pattern(_LONE), _lone),
        ]
        self._words = compile_pattern(_WORDS)
        self._spoken = Spoken()
        source = repr(
            (VERSION, Spoken.forms, TOKENS, [p.pattern for _, _, p, _ in self._assignments], _WORDS, _PLACEHOLDERS)
        )
        self.digest = hashlib.sha256(source.encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        found = list(self._formats(text))
        if self._word.search(text):
            found += self._assigned(text, self._assignments)
        found += self._spoken.find(text)
        if _LONG.search(text):
            found += self._assigned(text, self._long)
            found += self._any_name(text)
        return tuple(found)

    def _formats(self, text: str) -> Iterator[Finding]:
        for number, start, end in self._sweep.find(text):
            label, score, _ = TOKENS[number]
            if label != "CONNECTION_STRING" or not _template(text[start:end]):
                yield Finding(start, end, label, score, self.name)
        if "PRIVATE" in text or "PuTTY" in text:
            for label, score, pattern in self._blocks:
                for m in pattern.finditer(text):
                    yield Finding(m.start(1), m.end(1), label, score, self.name)

    def _assigned(self, text: str, rules: Sequence[_Rule]) -> Iterator[Finding]:
        for label, score, pattern, judge in rules:
            for m in pattern.finditer(text):
                start, value = _value(m)
                if value and not _placeholder(value) and judge(value):
                    yield Finding(start, start + len(value), label, score, self.name)

    def _any_name(self, text: str) -> Iterator[Finding]:
        for m in self._words.finditer(text):
            start, end = m.span()
            name = _JOINED.match(text, start, end)
            if name is not None:
                start = name.end()
            else:
                name = _NAME.search(text[max(0, start - 60) : start])
            value = text[start:end].rstrip(".:-")
            if name is None or _HASHES.search(name.group(1)) or _placeholder(value) or not _assigned_key(value):
                continue
            yield Finding(start, start + len(value), "SECRET", 0.6, self.name)


def _template(value: str) -> bool:
    """``postgres://${USER}:${PASSWORD}@host`` names no secret."""
    password = value.split("://", 1)[-1].split("@", 1)[0].rpartition(":")[2]
    return password.startswith(("$", "{", "%", "<", "*")) or password.lower() in {
        "password",
        "pass",
        "pwd",
        "secret",
        "xxx",
    }
