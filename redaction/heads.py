"""What the heads of columns and lists say: whether they name numbers of somebody, and in which words. Pure, linear."""

from __future__ import annotations

import re
import unicodedata

from redaction.detectors.linear import Span, compile_pattern

LONGEST_HEAD = 40
"""Characters of a head."""
SURROUND = " \t\n\r\"'*_`\\"
LONGEST, MOST = 120, 200
"""Characters of a head that says more than what it names, and of one with a remark."""

_WORDS = (
    "a/c|acct|account|iban|konto|cuenta|compte|conto|conta|rekening|rachun|bank|routing|sort|passport|reisepa|passeport|"
    "pasaporte|passapor|paspoort|paszport|licen[cs]e|führerschein|permis|patente|rijbewijs|prawo|tax|steuer|vat|ust|nip|"
    "pesel|regon|ssn|sin|social|sozial|sécurité|seguridad|national|identi|ident|ausweis|dni|nie|nif|nir|cpf|cnpj|bsn|nino|"
    "nhs|insee|codice|curp|rfc|ahv|aadhaar|pan|mrn|medical|patient|pacient|paz|hospital|chart|record|insurance|versicher|"
    "dob|birth|geburt|naissance|nacimiento|nascita|nascimento|geboorte|urodz|phone|tel|mobil|móvil|cell|fax|handy|gsm|"
    "whatsapp|contact|card|cc|credit|karte|kredit|tarjeta|carte|carta|cart[aã]o|kaart|kart[aąeęoy]|plate|kennzeichen|matr|targa|"
    "kenteken|rejestr|serial|serien|imei|imsi|iccid|vin|device|chassis|policy|police|member|employee|personal|customer|"
    "client|kunde|klant|klient|contribui|case|claim|student|matrikel|loan|legajo|nss|expediente|ap[oó]lice|p[oó]li[zs]|histori|pacjent"
)
"""Beginnings of words that name a number of somebody, in eight languages."""
_HUMPS = "|".join(word[0].upper() + word[1:] for word in _WORDS.split("|"))
NAMED = compile_pattern(rf"(?:^|\PL)(?i:{_WORDS})|\p{{Ll}}(?:{_HUMPS})")
_NAMING = re.compile(
    r"[^\W\d_]+(?:[ _\-](?:(?:de|of|di) )?(?:cards?|numbers?|nos?|nr|ids?|codes?|records?|birth|security|licen[cs]es?|"
    r"conduire|conducir|naissance|nacimiento|nascita|nascimento|urodzenia|cl[ií]nica|sociale?s?|bancaria|fiscale|jazdy|pacjenta)\b){0,2}",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:date|data|fecha|driver['’]?s?|social|national|medical|prawo|numer|codice|historia) (?:(?:of|de|di) )?\Z",
    re.IGNORECASE,
)
_PLURAL = re.compile(r"(?<=[^\W_]{2})(?<!s)(?<!\bnh)(?<!\bpp)(?<!\bna)(?<!\bav)(?<!\bpi)(?<!ermi)s\b")
_APOSTROPHE = re.compile(r"&(?:#x27|#39|apos);")
_NUMBERED = re.compile(r"[ _#]?[1-4]\Z|\A\d{1,2}[.)] ?")
_DIGIT = re.compile(r"\d")


def words(said: str) -> str:
    """Those of a head that name numbers, in the singular; else nothing.

    A remark or a number beside them is none of them (``Phone 2 (private)``).
    """
    if len(said) > MOST:
        return ""
    said = unicodedata.normalize("NFKC", _APOSTROPHE.sub("'", said))
    before, opens, rest = said.partition("(")
    if opens:
        said = before if NAMED.search(before) else rest
    said = said.partition(")")[0].strip(SURROUND + ":")
    said = _NUMBERED.sub("", said).strip(SURROUND + ":")
    if LONGEST_HEAD < len(said) <= LONGEST and (found := NAMED.search(said)):
        said = said[slice(*naming(said, found.start(), len(said), 0))]
    fits = len(said) <= LONGEST_HEAD and not _DIGIT.search(said) and NAMED.search(said) is not None
    return _PLURAL.sub("", said) if fits else ""


def naming(text: str, start: int, end: int, low: int) -> Span:
    """Of what stands there, the first words, which name numbers, and those from ``low`` on that belong to them."""
    said = _NAMING.search(text, start, end)
    if said is None:
        return start, end
    lead = _LEAD.search(text, max(low, said.start() - LONGEST_HEAD), said.start())
    return lead.start() if lead else said.start(), said.end()
