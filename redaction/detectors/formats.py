"""Identifiers with a format of their own: e-mail, URL, card, IBAN, network address, phone, and what a label names.

RE2 finds candidates in linear time; a real validator (Luhn, mod 97, public suffix, ipaddress, phonenumbers) judges
each. Neighbouring numbers must not hide one another, so runs of digit groups are read group by group. Nothing touches
the network: tldextract works from its packaged list only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

import phonenumbers
import tldextract
from stdnum import iban, luhn

from redaction.detectors.linear import compile_pattern
from redaction.types import DetectorFailed, Finding

NAME = "patterns"
PHONE_CHECKS = 20_000
"""Numbers judged in one text; a text with more is uninspected rather than half read."""
BEFORE, AFTER = 60, 30
"""Characters around a candidate in which context words are looked for."""

_tld = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
"""Never fetches the public suffix list (the packaged snapshot is enough to judge a domain)."""

PRIVATE_DOMAINS = frozenset({"corp", "home", "internal", "intranet", "lan", "local", "localhost", "test", "example"})
"""Last parts of domain names that exist inside organisations and in no public list."""

_EMAIL = compile_pattern(r"[\pL\pN!#$%&'*+/=?^_{|}~.\-]+@[\pL\pN\-]+(?:\.[\pL\pN\-]+)+")
_URL = compile_pattern(r"(?i)\b(?:(?:https?|ftp|wss?)://|www\.)[^\s<>\"'\x60)\]}]+")
_GROUPS = compile_pattern(r"\d(?:[ \-.\x{a0}\x{2011}\x{202f}]?\d){11,}")
_IBAN = compile_pattern(r"(?i)[A-Z]{2} ?\d\d")
_IPV4 = compile_pattern(r"\d{1,3}(?:\.\d{1,3}){3}")
_IPV6 = compile_pattern(
    r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\d\d?\.\d{1,3}\.\d{1,3}\.\d{1,3}|\.\d{1,3}\.\d{1,3}\.\d{1,3})?"
)
_MAC = compile_pattern(r"(?i)\b(?:[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})\b")
_PHONE = compile_pattern(r"[+(]{0,2}\d(?:[ ().\-/\x{a0}]{0,3}\d){6,}(?:\s?(?:x|ext\.?)\s?\d{1,6}\b)?")
_DATE = re.compile(r"\d{1,6}/\d{1,2}/\d{4}|\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{2,4}")
_DIGITS = re.compile(r"[0-9]+")
_ZEROS = re.compile(r"\.0+(?![0-9.])")
_US_SHAPES = frozenset({(3, 3, 4), (1, 3, 3, 4)})


def near(text: str, start: int, end: int, words: Sequence[str]) -> bool:
    """Whether one of ``words`` (lower case) stands close to ``[start, end)``."""
    around = f" {text[max(0, start - BEFORE) : start].lower()} {text[end : end + AFTER].lower()} "
    for word in words:  # noqa: SIM110 - a generator costs twice as much, thousands of times in a long text
        if word in around and _has_word(around, word):
            return True
    return False


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        if not text[at - 1].isalnum() and not text[min(at + len(word), len(text) - 1)].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def emails(text: str) -> Iterator[Finding]:
    """Addresses whose domain ends in a public or a private suffix, without what sticks to them on either side."""
    for m in _EMAIL.finditer(text):
        start, end = m.span()
        at = text.rindex("@", start, end)
        while start < at - 1 and (text[start] in "!#$%&'*+/=?^{|}~." or "/" in text[start:at]):
            start = max(start + 1, text.rfind("/", start, at) + 1)
        key = re.compile(r"[0-9A-Za-z_]{1,20}[=?&]+").match(text, start, at - 1)  # ``email=jane@...``, never VERP
        start = key.end() if key else start
        domain = text[at + 1 : end].rstrip(".-")
        while "." in domain:
            if known_domain(domain):
                yield Finding(start, at + 1 + len(domain), "EMAIL_ADDRESS", 1.0, NAME)
                break
            if "." not in (domain := domain.rpartition(".")[0]):  # ``jane@example.com.Please``
                break


def known_domain(domain: str) -> bool:
    """Whether a domain name ends in a public or a private suffix."""
    return domain.rpartition(".")[2].lower() in PRIVATE_DOMAINS or bool(_tld(domain).suffix)


def urls(text: str) -> Iterator[Finding]:
    """What begins like a link."""
    for m in _URL.finditer(text):
        end = m.end()
        while text[end - 1] in ".,;:!?":
            end -= 1
        yield Finding(m.start(), end, "URL", 0.6, NAME)


CARD_SHAPES = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (4, 4, 4, 3), (6, 13)})
CARD_WORDS = ("card", "cc", "credit", "debit", "maestro", "visa", "mastercard", "karte", "carte", "tarjeta", "carta")


def _card(digits: str) -> bool:
    """Luhn, an issuer's first digits, a card's length."""
    issuer = digits[0] in "23456" or digits.startswith("1800")
    return issuer and len(set(digits)) > 1 and luhn.is_valid(digits)


def cards(text: str) -> Iterator[Finding]:
    """Card numbers, also beside other numbers: a whole run of groups, one group, or groups in a card's shape."""
    for m in _GROUPS.finditer(text):
        if text[m.end() : m.end() + 1].isalpha() or text[max(0, m.start() - 1) : m.start()].isalpha():
            continue
        groups = [g.span() for g in _DIGITS.finditer(text, m.start(), m.end())]
        at = 0
        while at < len(groups):
            last = _card_from(text, groups, at)
            if last is not None:
                yield Finding(groups[at][0], groups[last][1], "CREDIT_CARD", 1.0, NAME)
            at = at + 1 if last is None else last + 1


def _card_from(text: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    digits = ""
    for last in range(first, len(groups)):
        digits += text[slice(*groups[last])]
        if len(digits) > 19:
            return None
        if len(digits) < 12:  # too short for any card: rows of single digits make many of these
            continue
        whole = first == 0 and last == len(groups) - 1
        shape = tuple(b - a for a, b in groups[first : last + 1])
        start, end = groups[first][0], groups[last][1]
        if len(digits) == 12 and not (digits[0] in "56" and near(text, start, end, CARD_WORDS)):
            continue
        alone = whole or (not _decimal(text, start, end) and (len(shape) == 1 or shape in CARD_SHAPES))
        if alone and _card(digits):
            return last
    return None


def _decimal(text: str, start: int, end: int) -> bool:
    """Whether a point ties the digits to others, as in 0.4111111111111111; 4111111111111111.0 is a whole number."""
    if text[max(0, start - 1) : start] == ".":
        return True
    return text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit() and not _ZEROS.match(text, end)


_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
"""Length of an IBAN by country (ISO 13616 registry)."""
IBAN_LENGTHS = {item[:2]: int(item[2:]) for item in _COUNTRIES.split()}
_IBAN_REST = re.compile(r"[A-Za-z]{2} ?[0-9]{2}(?:[ \-\u00a0]?[A-Za-z0-9])+")


def ibans(text: str) -> Iterator[Finding]:
    """Account numbers of their country's length with a right check sum, whatever stands before or after."""
    for m in _IBAN.finditer(text):
        start = m.start()
        size = IBAN_LENGTHS.get(text[start : start + 2].upper())
        if size is None or (start and text[start - 1].isalnum()):
            continue
        rest = _IBAN_REST.match(text, start, start + 2 * size)
        places = [i for i in range(*rest.span()) if text[i].isalnum()] if rest else []
        if len(places) < size:
            continue
        end = places[size - 1] + 1
        if not text[end : end + 1].isalnum() and iban.is_valid(text[start:end], check_country=False):
            yield Finding(start, end, "IBAN_CODE", 1.0, NAME)


def addresses(text: str) -> Iterator[Finding]:
    """IP and MAC addresses that parse and are not part of a longer number; ports and labels may stick to them."""
    for m in _IPV4.finditer(text):
        start, end = m.span()
        longer = _joined(text[max(0, start - 2) : start][::-1]) or _joined(text[end : end + 2])
        if not longer and _parses(ipaddress.IPv4Address, m.group()):
            yield _network(text, start, end)
    for m in _IPV6.finditer(text):
        yield from _ipv6(text, m.start(), m.end())
    for m in _MAC.finditer(text):
        yield Finding(m.start(), m.end(), "MAC_ADDRESS", 0.8, NAME)


_TAIL = re.compile(r"%[0-9A-Za-z]{1,16}|/[0-9]{1,3}(?![0-9A-Za-z])")


def _network(text: str, start: int, end: int) -> Finding:
    """The address with its zone or prefix length."""
    tail = _TAIL.match(text, end)
    return Finding(start, tail.end() if tail else end, "IP_ADDRESS", 0.8, NAME)


def _joined(beside: str) -> bool:
    """Whether what stands beside a dotted number, nearest first, makes it longer: a letter, a digit, .digit."""
    return beside[:1].isalnum() or (beside[:1] == "." and beside[1:].isdigit())


def _ipv6(text: str, start: int, end: int) -> Iterator[Finding]:
    if text[start] == ":" and text[start : start + 2] != "::":  # ``ip:2001:db8::1``
        start += 1
    elif start and text[start - 1].isalnum():
        return
    if text[end - 1] == ":" and text[end - 2 : end] != "::":
        end -= 1
    if text[end : end + 1].isalnum() or not any(c.isdigit() for c in text[start:end]):
        return
    if end - start > 2 and _parses(ipaddress.IPv6Address, text[start:end]):
        yield _network(text, start, end)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


PHONE_WORDS = (
    "phone", "call", "tel", "mobile", "cell", "fax", "telefon", "telephone", "handy", "móvil", "ring", "contact",
    "whatsapp", "number is", "reach", "sms", "desk",
)  # fmt: skip


def phones(text: str) -> Iterator[Finding]:
    """Valid numbers by phonenumbers; national formats need separators or a context word. Raises DetectorFailed."""
    checks = [PHONE_CHECKS]
    for m in _PHONE.finditer(text):
        start, end = m.span()
        if not _inside(text, start, end):
            yield from _phones_in(text, start, end, checks)


def _inside(text: str, start: int, end: int) -> bool:
    """Whether a run of digits belongs to a longer word, an address, a time or a decimal number."""
    before = text[max(0, start - 2) : start]
    if before and (before[-1].isalnum() or before[-1] in "@_" or text[end : end + 1].isalnum()):
        return True
    return len(before) == 2 and before[1] in ".:/-," and before[0].isdigit()


def _phones_in(text: str, start: int, end: int, checks: list[int]) -> Iterator[Finding]:
    """The whole run if it is a number; otherwise the numbers that stand in it one beside the other."""
    context = near(text, start, end, PHONE_WORDS)
    whole = text[start:end]
    if _no_phone(whole):
        return
    score = _phone_score(whole, context, True, checks)
    if score:
        yield Finding(start, end, "PHONE_NUMBER", score, NAME)
        return
    groups = [g.span() for g in _DIGITS.finditer(text, start, end)]
    at = 0
    while at < len(groups):
        first = groups[at][0]
        while first > start and text[first - 1] in "+(":
            first -= 1
        last, score = _phone_from(text, first, groups, at, context, checks)
        if score:
            yield Finding(first, groups[last][1], "PHONE_NUMBER", score, NAME)
        at = last + 1 if score else at + 1


def _phone_from(
    text: str, first: int, groups: Sequence[tuple[int, int]], at: int, context: bool, checks: list[int]
) -> tuple[int, float]:
    """The longest number that begins with group ``at``: its last group and score, or 0.0."""
    ends = [*range(at, min(at + 6, len(groups)))]
    shapes = {last: tuple(b - a for a, b in groups[at : last + 1]) for last in ends}
    for last in sorted(ends, key=lambda i: (shapes[i] in _US_SHAPES, i), reverse=True):
        shape = shapes[last]
        if " / " in text[first : groups[last][1]]:  # a list of numbers
            continue
        if not 7 <= sum(shape) <= 15 or (len(shape) == 1 and not context):
            continue
        plain = context or text[first] in "+(0" or shape in _US_SHAPES
        score = _phone_score(text[first : groups[last][1]], context, plain, checks)
        if score:
            return last, score
    return at, 0.0


def _phone_score(found: str, context: bool, plain: bool, checks: list[int]) -> float:
    if not plain or len(found) > 40 or _DATE.fullmatch(found):
        return 0.0
    for region in _regions(found, context):
        if checks[0] <= 0:
            raise DetectorFailed(NAME, "budget")
        checks[0] -= 1
        if _valid(found, region):
            return 0.9 if context or region is None else 0.5
    return 0.0


def _no_phone(found: str) -> bool:
    """A date, a network address or a card."""
    digits = "".join(c for c in found if c.isdigit())
    card = 13 <= len(digits) <= 19 and found[0] not in "+(" and _card(digits)
    return card or bool(_DATE.fullmatch(found)) or _parses(ipaddress.IPv4Address, found)


def _regions(found: str, context: bool) -> list[str | None]:
    """Countries in which a number of this look could be one: each costs a full parse."""
    if found.startswith("+"):
        return [None]
    digits = "".join(c for c in found.partition("x")[0] if c.isdigit())
    trunk = digits[0] == "0" and any(c in " /-()\u00a0" for c in found)
    if not context and not trunk and sum(c in " ().-/\u00a0" for c in found) < 2:
        return []
    out: list[str | None] = []
    if (len(digits) == 10 and digits[0] > "1") or (len(digits) == 11 and digits[0] == "1"):
        out.append("US")
    if digits[0] == "0":
        out += ["DE", "GB", "FR", "IT", "CH", "NL"]
    elif len(digits) in {9, 10} and digits[0] in "356789":
        out += ["ES", "IT"]
    if context and digits[0] != "0":
        out.append("DE")  # whose plan takes almost any number: a word says that it is one
    return out


def _valid(text: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number) or (region is None and phonenumbers.is_possible_number(number)))


_ETHEREUM = compile_pattern(r"\b0x[0-9a-fA-F]{40}\b")


def wallets(text: str) -> Iterator[Finding]:
    """Ethereum addresses, whose check sum (EIP-55) is optional; those of Bitcoin are Presidio's."""
    for m in _ETHEREUM.finditer(text):
        yield Finding(m.start(), m.end(), "CRYPTO", 0.9, NAME)


OWN = (emails, urls, cards, ibans, addresses, phones, wallets)
