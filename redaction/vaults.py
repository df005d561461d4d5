"""Columns of tables whose head says that they hold passwords: whatever stands in them is one. Pure, linear.

The head stands once, and a password may be any word, which no detector would take for one in a row of others.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from redaction.detectors.linear import Span, compile_pattern
from redaction.heads import SURROUND
from redaction.tables import CELLS, LINE, LINES, SLASHED, Row, trimmed
from redaction.types import Finding

DETECTOR, SCORE = "secrets", 0.65
SHORTEST, LONGEST, WORDS = 3, 100, 5
"""Characters of a password, and words."""
_WORD = (
    r"passwords?|passwort|passwd|passphrase|passcode|pwd|kennwort|contraseña|contrasena|mots? de passe|mdp|senha"
    r"|palavra[- ]passe|wachtwoord|hasło|haslo|geheimzahl"
)
_CODE = (
    r"(?:(?:front|back|side|main)[ _-]?)?(?:door|gate|alarm|entry|access|garage|lock ?box|key ?(?:safe|box)|lock)"
    r"[ _-]?(?:codes?|pin)|lock ?box|key ?(?:safe|box)|(?:tür|haustür|alarm|tor|zugangs)[ _-]?code"
    r"|schlüssel(?:safe|box|kasten|tresor)|digicode|code (?:porte|portail|alarme)|boîte à clés"
    r"|código (?:puerta|portal|alarma|porta|portão|alarme)|caja de llaves|codice (?:porta|portone|cancello|allarme)"
    r"|(?:deur|alarm|poort)code|sleutelkastje|kod do (?:bramy|drzwi|domofonu)"
)
"""Columns of codes."""
_WHOSE = (
    r"(?:(?:user|account|login|wi-?fi|wlan|admin|e-?mail|initial|temp(?:orary)?|new|old|current|neues|altes)[ _-]?)?"
)
_SAYS = re.compile(
    rf"{_WHOSE}(?:(?P<sure>{_WORD}|{_CODE})|pass|pw|pin(?: ?code)?|puk|secret)(?:[ _-]?(?:old|new|neu|alt|\d))?", re.I
)
_BESIDE = re.compile(
    r"user|login|account|mail|host|site|url|card|benutzer|konto|karte|usuario|utilisateur|utente|gebruiker|konta", re.I
)
"""Beside a word that may mean something else: tests ``pass``, a chip has a ``pin``."""
_ANY = compile_pattern(
    rf"(?i){_WORD}|cod[eo]|código|codice|safe|box|kasten|tresor|clés|llaves|kastje|kod do"
    r"|\bpass\b|\bpw|\bpin\b|\bpuk\b|secret"
)
_SIGNS = "\t|;,/"
"""Between the columns."""
_NAME = re.compile(r"[\w .#/&+'’*`-]{1,40}")
"""A head; programs have lists with brackets, and with a comma at their end."""
_NONE = re.compile(
    r"[\W_]*|x{3,}|n/?a|none|null|nil|yes|no|true|false|unknown"
    r"|required|optional|string|text|varchar.*|redacted|changeme|see .*",
    re.I,
)
"""Where there is none."""


def passwords(text: str) -> Iterator[Finding]:
    """Those of such columns."""
    if "\n" not in text and "\r" not in text:
        return
    said = [m.start() for m in _ANY.finditer(text)]
    lines = [m.span() for m in LINES.finditer(text)] if said else []
    starts = [start for start, _ in lines]
    at = 0
    for place in said:
        line = bisect_right(starts, place) - 1
        if line < at:
            continue
        at = line + 1
        sign, places = _head(text, lines[line])
        least = len(_row(text, lines[line], sign)) if sign == "," else 1 + max(places, default=0)
        while sign and at < len(lines) and (row := _row(text, lines[at], sign)) and len(row) >= least:
            yield from _in_row(text, row, places, 1 if sign == "," else WORDS)
            at += 1


def _head(text: str, line: Span) -> tuple[str, Sequence[int]]:
    """What separates the columns of a head, and which of them hold passwords."""
    if line[1] - line[0] <= LINE:
        beside = _BESIDE.search(text, *line) is not None
        for sign in _SIGNS:
            row = _row(text, line, sign)
            said = [_SAYS.fullmatch(text, *cell) for cell in row]
            places = [number for number, word in enumerate(said) if word and (word["sure"] or beside)]
            if len(row) > 1 and places and all(_NAME.fullmatch(text, *cell) for cell in row):
                return sign, places
    return "", ()


def _row(text: str, line: Span, sign: str) -> Row:
    """The cells of a line; none where nothing separates any."""
    start, end = trimmed(text, line, " |>" if sign == "|" else " >")
    if end - start > LINE or sign not in text[start:end]:
        return []
    cells = SLASHED if sign == "/" else CELLS[sign]
    return [trimmed(text, m.span(1), SURROUND) for m in cells.finditer(text, start, end) if m.end() > m.start()]


def _in_row(text: str, row: Row, places: Sequence[int], words: int) -> Iterator[Finding]:
    """The passwords of a row. Sentences have commas, too: what stands between two of those is one word, or quoted."""
    for start, end in (row[place] for place in places):
        value = text[start:end]
        most = WORDS if text[start - 1] == '"' else words
        sized = SHORTEST <= len(value) <= LONGEST and len(value.split()) <= most
        if sized and not _NONE.fullmatch(value) and not _SAYS.fullmatch(value):
            yield Finding(start, end, "PASSWORD", SCORE, DETECTOR)
