"""Identifiers with a format of their own: e-mail, URL, card, IBAN, network address, wallet.

RE2 finds candidates in linear time; a real validator (Luhn, mod 97, public suffix, ipaddress) judges each. Neighbouring
numbers must not hide one another, so runs of digit groups are read group by group. Nothing touches the network:
tldextract works from its packaged list only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

import tldextract
from stdnum import iban

from redaction.detectors.around import AFTER, BEFORE
from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

NAME = "patterns"
DOMAIN = 253
"""Characters of the longest domain name (RFC 1035 §2.3.4)."""

_tld = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
"""Never fetches the public suffix list (the packaged snapshot is enough to judge a domain)."""

PRIVATE_DOMAINS = frozenset({"corp", "home", "internal", "intranet", "lan", "local", "localhost", "test", "example"})
"""Last parts of domain names that exist inside organisations and in no public list."""

_EMAIL = compile_pattern(r"[\pL\pN!#$%&'*+/=?^_{|}~.\-]+@[\pL\pN\-]+(?:\.[\pL\pN\-]+)+")
_URL = compile_pattern(r"(?i)\b(?:(?:h(?:tt|xx)ps?|s?ftps?|wss?|ssh|smb|ldaps?)://|www\.)[^\s<>\"\x60]+")
_GROUPS = compile_pattern(r"\d(?:[ \-.\x{a0}\x{2011}\x{202f}]?\d){11,}")
_IBAN = compile_pattern(r"(?i)[A-Z]{2} ?\d\d")
_IPV4 = compile_pattern(r"\d{1,3}(?:\.\d{1,3}){3}")
_IPV6 = compile_pattern(
    r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\d\d?\.\d{1,3}\.\d{1,3}\.\d{1,3}|\.\d{1,3}\.\d{1,3}\.\d{1,3})?"
)
_MAC = compile_pattern(r"(?i)\b(?:[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})\b")
_DIGITS = re.compile(r"[0-9]+")
_ZEROS = re.compile(r"\.0+(?![0-9.])")


_STUCK = re.compile(r"[!#$%&'*+/=?^{|}~.]+")
_PARAMETER = re.compile(r"[0-9A-Za-z_]{1,20}[=?&]+")


def emails(text: str) -> Iterator[Finding]:
    """Addresses whose domain ends in a public or a private suffix, without what sticks to them on either side."""
    for (first, end), *_ in _EMAIL.spans(text):
        at = text.rindex("@", first, end)
        start = min(max(first, text.rfind("/", first, at - 1) + 1), at - 1)
        stuck = _STUCK.match(text, start, at - 1)
        start = stuck.end() if stuck else start
        key = _PARAMETER.match(text, start, at - 1)  # ``email=jane@...``, never VERP
        start = key.end() if key else start
        domain = _domain(text[at + 1 : min(end, at + 1 + DOMAIN)].rstrip(".-"))
        if domain:
            yield Finding(start, at + 1 + len(domain), "EMAIL_ADDRESS", 1.0, NAME)


def _domain(said: str) -> str:
    """The longest beginning that is a known domain (``example.com.Please``), or nothing."""
    while "." in said:
        if known_domain(said):
            return said
        said = said.rpartition(".")[0]
    return ""


def known_domain(domain: str) -> bool:
    """Whether a domain name ends in a public or a private suffix."""
    return domain.rpartition(".")[2].lower() in PRIVATE_DOMAINS or bool(_tld(domain).suffix)


def urls(text: str) -> Iterator[Finding]:
    """What begins like a link."""
    for (start, last), *_ in _URL.spans(text):
        end = _whole(text, start, last)
        if text[end - 3 : end] != "://" and not _NOBODYS.fullmatch(text, start, end):
            yield Finding(start, end, "URL", 0.6, NAME)
    if "/" in text:
        yield from _bare_urls(text)


_SERVICE = (
    r"(?:www|api|app|apps|auth|backend|blog|cdn|dashboard|db|demo|dev|docs|files|frontend|gateway|git|grafana|host|id|images|img|login|m|mail|my|my-?app|myapi|mysite|new"
    r"|node|old|portal|prod|proxy|public|s3|secure|server|service|shop|site|some|sso|stage|staging|static|status|store|sub|subdomain|support|web|wiki|foo|bar|baz|acme)[-\d]{0,3}"
)
"""What stands before such a name and is nobody's: somebody's own name may stand there as well."""
_RESOURCE = (
    r"(?:/(?:v\d{1,2}|api|rest|graphql|auth|callback|login|logout|oauth2?|token|health|healthz|status|metrics|webhooks?|index\.html?|docs|foo|bar"
    r"|path|to|page|some|endpoint|resource|items?|orders?|products?|posts?|comments?|users?|todos?|search|uploads?|images?|data|files?"
    r"|\d{1,3}|\{\w{1,20}\}|:id)){0,6}/?(?:\$request_uri|\$uri|\?(?:page|limit|offset|size|per_page|sort|q|id)=(?:\d{1,3}|foo|bar|test)?"
    r"(?:&(?:page|limit|offset|size|per_page|sort)=\d{1,3}){0,3})?"
)
"""What stands behind it in examples of programs."""
_NOBODYS = re.compile(
    rf"(?:https?://)?(?:localhost|127\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}|0\.0\.0\.0|\[::1?\]|(?:{_SERVICE}\.){{0,3}}example\.(?:com|net|org)"
    rf"|(?:(?:{_SERVICE}|example|test)\.){{1,3}}(?:example|invalid|localhost|test))(?::\d{{1,5}})?{_RESOURCE}",
    re.I,
)
"""This machine and names that are no host's (RFC 2606, RFC 6761), with nothing behind them that could be somebody's."""
_BARE_URL = compile_pattern(
    r"(?i)(?:(?:^|[\s(\[{<>\"',;|*_~=!\x60“”„‘’«»→])(?://)?|:)((?:[\pL\pN][\pL\pN\-]*\.){1,4}([a-z]{2,18})/[\pL\pN@~_\-][^\s<>\"\x60]+)"
)
"""As people write the address of a page: a domain and a path, without ``https``."""
_FILE_ENDINGS = """
    app as bat bin bz c cc cfg cpp cs css csv d dart db do fi go gz h hs htm html img in ipynb iso jar java jl js json
    jsx kt lock log lua m map md ml mm mod mov net ng nim nu pas pdf php pl pm png properties ps py pyc r rb rs s sc sh
    so spec sql sum svg swift tex tf ts tsx txt vb vue xml yaml yml zip zsh
"""
_FILES = frozenset(_FILE_ENDINGS.split())
"""Endings of files, which are names of countries and other domains too: there only well-known ones count."""
_HOSTS = frozenset(["app", "cc", "do", "fi", "in", "md", "ml", "net", "pl", "rs", "sc", "so"])
"""Of these, names of countries and of many hosts, in small letters."""
_PAGE = re.compile(r"/[^/]*[@~\d-]|/[^/]+/[^/]")
_SITES = re.compile(
    r"(?:[a-z]{2,3}\.|www\.|m\.)?(?:linkedin|facebook|fb|instagram|twitter|x|tiktok|youtube|youtu|snapchat|pinterest|reddit|github|gitlab"
    r"|bitbucket|medium|substack|patreon|twitch|soundcloud|spotify|behance|dribbble|strava|flickr|tumblr|vk|xing|t|wa|linktr)\."
    r"(?:com|net|me|be|tv|ee|ru|org|in|app|io)/",
    re.I,
)


def _bare_urls(text: str) -> Iterator[Finding]:
    for spans in _BARE_URL.spans(text):
        (start, last), (low, high) = spans[1], spans[2]
        end = _whole(text, start, last)
        said = _SITES.match(text, start, end) is not None
        page = text[low:high].lower() not in _FILES or (text[low:high] in _HOSTS and _PAGE.search(text, high, end))
        if end - high > 2 and (said or (page and known_domain(text[start:high]))):
            yield Finding(start, end, "URL", 0.6, NAME)


_SIGN = re.compile(r"['()\[\]{}]")
_SHUTS = {")": "(", "]": "[", "}": "{"}


def _whole(text: str, start: int, end: int) -> int:
    """Where a link ends: before the signs of what it stands in, not before those of its own (``/Mercury_(planet)``)."""
    opened: list[str] = []
    for sign in _SIGN.finditer(text, start, end):
        at, said = sign.start(), sign[0]
        if said == "'":
            shut = text[start - 1 : start] == "'" or not (text[at - 1].isalnum() and text[at + 1 : at + 2].isalnum())
        elif said in _SHUTS:
            shut = not opened or opened.pop() != _SHUTS[said]
        else:
            opened.append(said)
            continue
        if shut:
            end = at
            break
    while text[end - 1] in ".,;:!?*“”„‘’«»":
        end -= 1
    return end


CARD_SHAPES = frozenset(
    [
        (4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 5), (4, 3, 3, 3),
        (4, 4, 4, 3), (6, 13),
    ]
)  # fmt: skip
CARD_WORD = compile_pattern(
    r"(?i)(?:^|\PL)(?:(?:credit|debit|payment|bank|prepaid|gift|fuel|charge)?[ _\-]?cards?(?:no|nr|num|number)?|"
    r"credit|debit|cc(?:n|no|nr|num|number)?|primary[ _\-]?account|visa|mastercard|maestro|amex|american[ _\-]?express|"
    r"diners?(?:[ _\-]?club)?|discover|jcb|union ?pay|ru ?pay|uatp|dankort|humo|uzcard|troy|verve|hipercard|elo|"
    r"(?-i:PAN)|(?:kredit|debit|bank|giro|ec|geld|zahl|tank)?-?karten?(?:nummern?|nr)?|girocard|cartes?|cb|tarjetas?|carta|"
    r"cart[aã]o|cart[oõ]es|bancomat|(?:betaal|bank|credit)?kaart(?:en|nummer|nr)?|creditcardnummer|(?:bank|pin)pas|"
    r"kart(?:a|y|ę|e|ą|om|ach)?|karcie)(?:\PL|$)|[\"'<?&]pan[\"'>=]"
)
"""What a card is called in eight languages, also in the name of a field. "Pan" is a Polish gentleman."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


LONGEST_CARD = 19
NAMED = 0.9
"""Score of a card that only the word beside it says is one: an identity card may have a number of another kind."""
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}|\d{5,6})?|5[1-5]\d{14}|2(?:2(?:2[1-9]|[3-9]\d)|[3-6]\d\d|7(?:[01]\d|20))\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|09|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}|(?:2131|1800)\d{11}|220[0-5]\d{12,15}"
    r"|(?:50|5[6-9]|6\d)\d{10,17}|(?:8600|9860|9792|9704|9112|9051|94\d\d|8[12]\d\d)\d{12}|(?:9704|81\d\d)\d{15}"
)
"""First digits and lengths of Visa, Mastercard, American Express, Diners Club, JCB, Mir, of Maestro, Discover, UnionPay
and RuPay together, and of Uzcard, Humo, Troy, Napas, Belkart, ArCa and Korean cards (ISO/IEC 7812-1)."""


def is_card(digits: str) -> bool:
    """Luhn, first digits that issuers have, at the length of their cards."""
    return _ISSUED.fullmatch(digits) is not None and may_be_card(digits)


def may_be_card(digits: str) -> bool:
    """Whether it may be a card where a word says so, whoever issued it."""
    return digits[0] != "0" and len(set(digits)) > 1 and _luhn(digits)


def near_card_word(text: str, start: int, end: int) -> bool:
    """Whether a word close to ``[start, end)`` says that a card is meant."""
    around = f"{text[max(0, start - BEFORE) : start]} {text[end : end + AFTER]}"
    return CARD_WORD.search(_HUMP.sub(" ", around)) is not None


def _luhn(digits: str) -> bool:
    """Whether the check sum is right; a tenth of the cost of the general one."""
    values = list(map(int, reversed(digits)))
    return (sum(values[::2]) + sum(_DOUBLED[v] for v in values[1::2])) % 10 == 0


def cards(text: str) -> Iterator[Finding]:
    """Card numbers, also beside other numbers: a whole run of groups, one group, or groups in a card's shape."""
    for (first, last), *_ in _GROUPS.spans(text):
        if _in_word(text, first, last):
            continue
        groups = [g.span() for g in _DIGITS.finditer(text, first, last)]
        at = 0
        while at < len(groups):
            size = groups[at][1] - groups[at][0]
            may_begin = size in _FIRST or size >= 12 or (at == 0 and len(groups) <= LONGEST_CARD)
            end = _card_from(text, groups, at) if may_begin else None
            if end is not None:
                digits = "".join(text[slice(*group)] for group in groups[at : end + 1])
                sure = len(digits) > 12 and is_card(digits)
                yield Finding(groups[at][0], groups[end][1], "CREDIT_CARD", 1.0 if sure else NAMED, NAME)
            at = at + 1 if end is None else end + 1


_GLUED_BEFORE = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{0,11}[G-Zg-z][A-Za-z]{0,11}$|%B$")
_GLUED_AFTER = re.compile(r"(?=[A-Fa-f]{0,11}[G-Zg-z])[A-Za-z]{2,12}(?![0-9A-Za-z])|\^|D\d{7}")
"""A word without a space, or what follows a card number on its magnetic stripe (ISO/IEC 7813)."""


def _in_word(text: str, start: int, end: int) -> bool:
    """Whether letters make the digits a part of something else, as in a digest. A word may stick to a card number."""
    before, after = text[max(0, start - 1) : start].isalpha(), text[end : end + 1].isalpha()
    if (before or after) and near_card_word(text, start, end):
        return False
    return (before and not _GLUED_BEFORE.search(text, max(0, start - 24), start)) or (
        after and not _GLUED_AFTER.match(text, end)
    )


_WIDEST = max(map(len, CARD_SHAPES))
_FIRST = frozenset(shape[0] for shape in CARD_SHAPES)


def _card_from(text: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card that begins with group ``first``."""
    digits = ""
    found: int | None = None
    shape: list[int] = []
    whole = first == 0 and len(groups) <= LONGEST_CARD
    for last in range(first, len(groups) if whole else min(len(groups), first + _WIDEST)):
        digits += text[slice(*groups[last])]
        shape.append(groups[last][1] - groups[last][0])
        if len(digits) > LONGEST_CARD:
            break
        every = whole and last == len(groups) - 1
        if len(digits) < 12 or not (every or len(shape) == 1 or tuple(shape) in CARD_SHAPES):
            continue
        start, end = groups[first][0], groups[last][1]
        if not may_be_card(digits) or (not every and _decimal(text, start, end)):
            continue
        likely = (len(digits) > 12) + is_card(digits)
        if likely == 2 or (likely and near_card_word(text, start, end)):
            found = last
    return found


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
    for (start, _), *_ in _IBAN.spans(text):
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


EVERYBODYS = frozenset({"127.0.0.1", "127.0.1.1", "0.0.0.0", "255.255.255.255"})  # noqa: S104 - nothing listens there
"""Addresses that every machine has (RFC 1122 §3.2.1.3)."""


def addresses(text: str) -> Iterator[Finding]:
    """IP and MAC addresses that parse and are not part of a longer number; ports and labels may stick to them."""
    for (start, end), *_ in _IPV4.spans(text):
        longer = _joined(text[max(0, start - 2) : start][::-1]) or _joined(text[end : end + 2])
        if not longer and text[start:end] not in EVERYBODYS and _parses(ipaddress.IPv4Address, text[start:end]):
            yield _network(text, start, end)
    for (start, end), *_ in _IPV6.spans(text):
        yield from _ipv6(text, start, end)
    for (start, end), *_ in _MAC.spans(text):
        yield Finding(start, end, "MAC_ADDRESS", 0.8, NAME)


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


_ETHEREUM = compile_pattern(r"\b0x[0-9a-fA-F]{40}\b")


def wallets(text: str) -> Iterator[Finding]:
    """Ethereum addresses, whose check sum (EIP-55) is optional; those of Bitcoin are Presidio's."""
    for (start, end), *_ in _ETHEREUM.spans(text):
        yield Finding(start, end, "CRYPTO", 0.9, NAME)


OWN = (emails, urls, cards, ibans, addresses, wallets)
"""What needs neither words around nor costly checks; phone numbers are read by ``redaction.detectors.phones``."""
