"""Realistic stand-ins: same type, gender, language, country and format as what they replace. Derived, not stored.

A policy chooses them where models or tools choke on ``PERSON_k3f9…``. They carry fewer bits than plain stand-ins, so a
surrogate means something only inside a request whose own values it was derived from; which value it stands for never
depends on its name alone. Names are taken part by part, so that ``Keller`` alone becomes the surname that ``Maria
Keller`` got. Dates move by one offset of whole weeks per scope: intervals and weekdays stay. Numbers stay numbers.

What has no believable form (ages, short numbers, text in scripts without a list of names) gets a plain stand-in. This
module must not keep values beyond one request.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import phonenumbers

from redaction.dates import shifted
from redaction.pseudonym import MAX_TRIES, StandIns, StandInsExhausted

NAMES_FILE = Path(__file__).with_name("data") / "names.json"
MIN_CODE = 6
"""Letters and digits from which on a code is long enough to be replaced in its own form."""
MIN_NUMBER = 5
"""Digits of a JSON number from which on it is long enough to be found again in an answer."""
WEEKS = 40
"""Dates move by 1 to this many weeks, forward or back."""

Taken = Callable[[str], bool]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")
_TITLE_WORDS = (
    "mr mrs ms miss mx dr prof sir dame lord lady herr frau hr fr m mme mlle monsieur madame señor señora sr sra srta "
    "don doña signor signora sig dott dottore senhor senhora meneer mevrouw dhr mevr pan pani inż jr ii iii phd md"
)
_TITLES = frozenset(_TITLE_WORDS.split())
_NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>[1-9]\d*|0)(?P<rest>(?:\.\d+)?)\Z")


@functools.cache
def _names() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Language -> ``f``, ``m``, ``last`` -> names."""
    data: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(NAMES_FILE.read_text("utf-8"))
    return data


@functools.cache
def _known(part: str) -> Mapping[str, tuple[str, ...]]:
    """Lower-case name -> the languages whose lists hold it in ``part``."""
    out: dict[str, tuple[str, ...]] = {}
    for language, lists in _names().items():
        for name in lists[part]:
            out[name.lower()] = (*out.get(name.lower(), ()), language)
    return out


class Surrogates(StandIns):
    """Stand-ins for one request. ``plain`` serves what has no realistic form."""

    def __init__(self, key: bytes, scope: str) -> None:
        super().__init__(key, scope)
        self._parts: dict[str, str] = {}
        """Part of a name as it leaves -> as it was: two names never share one."""

    def stand_in(self, label: str, value: str, taken: Taken) -> str:
        """The surrogate for ``value``, or a plain stand-in where there is none. Raises StandInsExhausted."""
        make = FORMS.get(label, _code)
        for counter in range(MAX_TRIES):
            made = make(self, label, value, counter)
            if made is None:
                break
            if made.lower() != value.lower() and not taken(made):
                return made
        return super().stand_in(label, value, taken)

    def name_part(self, part: str, word: str, languages: Sequence[str], counter: int) -> str | None:
        """A name of the same kind and language for ``word``; None where all are taken."""
        names = [n for language in languages for n in _names()[language][part]]
        bits = stream(self, "PERSON", part, word.lower(), counter)
        for _ in range(MAX_TRIES):
            made = names[next(bits) % len(names)]
            owner = self._parts.get(made.lower())
            if made.lower() != word.lower() and owner in {None, word.lower()}:
                self._parts[made.lower()] = word.lower()
                return made
        return None


def stream(of: StandIns, label: str, part: str, value: str, counter: int) -> Iterator[int]:
    """An endless stream of numbers of 64 bits, the same for the same value in the same scope."""
    block = 0
    while True:
        mac = of.digest(label, f"{part}\0{block}\0{value}", counter)
        for at in range(0, 32, 8):
            yield int.from_bytes(mac[at : at + 8], "big")
        block += 1


def number(of: StandIns, label: str, lexeme: str, taken: Taken) -> str | None:
    """A JSON number of the same sign, length and digits after the point; None for one that is too short to be found
    again in an answer. Raises StandInsExhausted."""
    match = _NUMBER.fullmatch(lexeme)
    if match is None or sum(c.isdigit() for c in lexeme) < MIN_NUMBER:
        return None
    for counter in range(MAX_TRIES):
        made = match["sign"] + _redigit(match["whole"] + match["rest"], stream(of, label, "number", lexeme, counter))
        if made != lexeme and not taken(made):
            return made
    raise StandInsExhausted


def _redigit(text: str, bits: Iterator[int]) -> str:
    """Every digit replaced; the first is not 0 unless it was (RFC 8259 §6)."""
    first = "0" if text.startswith("0") else str(1 + next(bits) % 9)
    return first + "".join(str(next(bits) % 10) if c.isdigit() else c for c in text[1:])


def _person(s: Surrogates, _: str, value: str, counter: int) -> str | None:
    if not all(c.isascii() or "\u00c0" <= c <= "\u024f" or c in "’ \t\n\u00a0" for c in value):
        return None
    words = list(_WORD.finditer(value))
    named = [m for m in words if len(m[0]) > 1 and m[0][0].isupper() and m[0].lower().rstrip(".") not in _TITLES]
    if not named:
        return None
    languages = _languages([m[0] for m in named])
    out, at = [], 0
    for match in named:
        last = match is named[-1] and (len(named) > 1 or not _first_name(match[0]))
        part = "last" if last else _gender(match[0])
        made = s.name_part(part, match[0], languages, counter)
        if made is None:
            return None
        out += [value[at : match.start()], made.upper() if match[0].isupper() else made]
        at = match.end()
    return "".join([*out, value[at:]])


def _first_name(word: str) -> bool:
    return word.lower() in _known("f") or word.lower() in _known("m")


def _gender(word: str) -> str:
    lower = word.lower()
    if lower in _known("m"):
        return "m"
    return "f" if lower in _known("f") or lower.endswith(("a", "e", "ie")) else "m"


def _languages(words: Sequence[str]) -> tuple[str, ...]:
    """The language that most of the words are names of; English where none is known."""
    votes: dict[str, int] = {}
    for word in words:
        for part in ("last", "f", "m"):
            for language in _known(part).get(word.lower(), ()):
                votes[language] = votes.get(language, 0) + 1
    if not votes:
        return ("en",)
    return (max(sorted(votes), key=lambda language: votes[language]),)


def _email(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    bits = stream(s, label, "mail", value.lower(), counter)
    language = tuple(_names())[next(bits) % len(_names())]
    lists = _names()[language]
    parts = [lists["f" if next(bits) % 2 else "m"], lists["last"]]
    local = ".".join(_ascii(names[next(bits) % len(names)]) for names in parts)
    top = ("com", "org", "net")[next(bits) % 3]  # reserved for examples (RFC 2606 §3)
    return f"{local}.{next(bits) % 10**6:06d}@example.{top}"


def _ascii(name: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    return "".join(c for c in plain.lower() if c.isascii() and c.isalnum())


def _phone(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    """Country code, area's first digit and punctuation stay; the last seven digits at most are new."""
    digits = sum(c.isdigit() for c in value)
    if digits < 7 or not value.isascii():
        return None
    try:
        parsed = phonenumbers.parse(value, None)
        country = len(str(parsed.country_code)) if value.lstrip(" (").startswith("+") else 0
    except phonenumbers.NumberParseException:
        country = 0
    keep = max(country + 1, digits - 7)
    bits = stream(s, label, "phone", re.sub(r"\D", "", value), counter)
    kept = [c for c in value if c.isdigit()][:keep]
    return _placed(value, [*kept, *(str(next(bits) % 10) for _ in range(digits - keep))], str.isdigit)


def _card(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    """Another number that passes the Luhn check (ISO/IEC 7812-1 Annex B), with the same first digit and spacing."""
    digits = [c for c in value if c.isdigit()]
    if not 12 <= len(digits) <= 19 or not value.isascii():
        return None
    bits = stream(s, label, "card", "".join(digits), counter)
    new = [int(digits[0]), *(next(bits) % 10 for _ in digits[1:-1])]
    total = 0
    for i, d in enumerate(reversed(new)):
        doubled = 2 * d if i % 2 == 0 else d
        total += doubled - 9 if doubled > 9 else doubled
    return _placed(value, [*map(str, new), str(-total % 10)], str.isdigit)


def _iban(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    """Another account of the same country with right check digits (ISO 13616-1 §6)."""
    plain = [c for c in value if c.isalnum()]
    if len(plain) < 15 or not value.isascii():
        return None
    bits = stream(s, label, "iban", "".join(plain).upper(), counter)
    account = [_like(c, bits) for c in plain[4:]]
    country = "".join(plain[:2]).upper()
    number = "".join(str(int(c, 36)) for c in f"{''.join(account)}{country}00")
    return _placed(value, [*plain[:2], *f"{98 - int(number) % 97:02d}", *account], str.isalnum)


def _placed(value: str, new: Sequence[str], is_place: Callable[[str], bool]) -> str:
    """``new`` in the places of ``value`` that hold such characters; spaces and dashes stay."""
    rest = iter(new)
    return "".join(next(rest) if is_place(c) else c for c in value)


def _address(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    """An address of the ranges for documentation (RFC 5737, RFC 3849)."""
    try:
        version = ipaddress.ip_address(value).version
    except ValueError:
        return None
    bits = stream(s, label, "ip", value.lower(), counter)
    if version == 4:
        return f"{('192.0.2', '198.51.100', '203.0.113')[next(bits) % 3]}.{1 + next(bits) % 254}"
    return str(ipaddress.IPv6Address((0x20010DB8 << 96) | next(bits)))


def _date(s: Surrogates, _: str, value: str, counter: int) -> str | None:
    if counter:
        return None  # every date moves by the same offset, or intervals would not stay
    bits = stream(s, "DATE_TIME", "offset", "", 0)
    weeks = 1 + next(bits) % WEEKS
    return shifted(value, 7 * (weeks if next(bits) % 2 else -weeks))


def _code(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    """Digits for digits, letters for letters of the same case: the form that a schema or a reader expects."""
    if sum(c.isalnum() for c in value) < MIN_CODE or not any(c.isdigit() for c in value) or not value.isascii():
        return None
    if any(c.isspace() for c in value.strip()) and sum(c.isalpha() for c in value) > MIN_CODE:
        return None  # that is prose
    bits = stream(s, label, "code", value, counter)
    return "".join(_like(c, bits) for c in value)


def _like(c: str, bits: Iterator[int]) -> str:
    if c.isdigit():
        return str(next(bits) % 10)
    if c.isalpha():
        return chr((ord("A") if c.isupper() else ord("a")) + next(bits) % 26)
    return c


def _none(s: Surrogates, label: str, value: str, counter: int) -> str | None:
    return None


FORMS: Mapping[str, Callable[[Surrogates, str, str, int], str | None]] = {
    "PERSON": _person,
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": _card,
    "IBAN_CODE": _iban,
    "IP_ADDRESS": _address,
    "DATE_TIME": _date,
    "DATE_OF_BIRTH": _date,
    **dict.fromkeys(("AGE", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "PROFESSION", "URL", "USERNAME"), _none),
}
"""Label -> how a surrogate is made; any other label keeps the form of a code."""
