"""Passwords and codes as people write them in sentences: ``changed the password to …``, ``pw …``, ``my PIN is …``, ``the gate
code``; in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.

What stands behind such a word, or before it (``… is my password``), must look like a password: people's mix letters with
digits or symbols. The less is said between the two, the more it must look like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

from redaction.detectors import logins, nearby
from redaction.detectors.codes import CARD, CODES, LOCKS, MORE, PIN, POSTAL, TAN, UNIT, YEAR
from redaction.detectors.linear import Match, Pattern, Span, compile_pattern, loose
from redaction.spans import bounded
from redaction.types import Finding

NAME = "secrets"
SCORE = 0.65
REACH, BEFORE = 160, 100
"""Code points behind the word for a password and before it in which one is looked for."""
WORDS, LINES = 14, 3
"""Words and line ends between the two at most."""
MINIMUM, MAXIMUM = 6, 12
"""Digits of a password that has nothing else."""
LONGEST = 40
"""Letters of a password that is a word."""
QUOTED = 5
"""Words of a password in quotation marks at most."""
NEAR = 40
"""Code points behind a code whose words say what else it is."""
BETWEEN = 4
"""Words between a password and the word behind it at most."""
_PW = (
    r"(?:passwor[dt]s?|passwort[es]s|passwörter|passwd|pass ?phrase|pass ?code|pass ?word|pwd|pws?|pswd|p/w|(?:to |i |you )crack|psw|pword|kennwort(?:e?s)?|kennwörter|contrase[ñn]as?"
    r"|creds|psk|wep key|sshpass -p|mots? de passe|mdp|senhas?|palavras?[- ]passe|parola d['’]ordine|wachtwoord(?:en)?|ww|has[łl](?:o|em|a|u)|credentials|zugangsdaten|logindaten"
    r"|inloggegevens|identifiants|credenziali|credenciales|credenciais|(?:wi-?fi|wlan|wpa[23]?|network|router|netzwerk)[- ]?(?:key|schlüssel|code|sleutel)"
    r"|clé (?:wi-?fi|wpa)|chiave (?:del )?wi-?fi|chave (?:do )?wi-?fi|klucz (?:do )?wi-?fi|(?:the|my|his|her|our|and|la|mi|il|[,/]) pass\b|clave(?: (?:del?|de la) (?:wi-?fi|router|red|acceso|correo|portátil|ordenador))?)"
)
_PASSWORD = compile_pattern(loose(rf"(?i){_PW}(?:_?\d{{1,2}})?"))
_ITS = re.compile(r"[.!](?!\s{1,3}(?:it['’]?s|it is|es (?:ist|lautet)|c['’]est|es|è|é|to|het is)\s)\s", re.I)
"""The end of a sentence, unless the next one says what it is."""
_IS = frozenset(
    "is was are were be to as it's it’s its it lautet lautete ist war sind wäre heißt auf est était sera c'est c’est en es era será son è"
    " s i.e e' e’ sarà é foi naar in na para a per jest brzmi to będzie als wordt werd reads".split()
)
_STILL = frozenset(
    "now still again currently set changed reset back just only not jetzt wieder noch nun aktuell maintenant toujours ahora"
    " sigue siendo adesso ora agora nu weer teraz".split()
)
"""Behind such a word a value is still said to be one."""
_AS = frozenset("is was as = ist war als est comme es como è come é to jako – — - / ( |".split())
"""Between a password and the word for it: ``… is my password``."""
_AND = frozenset("and or und oder et ou y o e en of i lub , /".split())
"""Between two of them."""
_TOKEN = re.compile(r"[^\s\"“”„«»\x60|]+|\|")
_LEAD = re.compile(r"(?:</?[a-zA-Z][^<>\s]{0,20}>)*(?:[:=→~*_'‘’‚(\[>–—…,;.]|->|-(?=\s|$))*")
_SIGNS = re.compile(r"[:=→~>–—…(|-]")
_NEXT_FIELD = re.compile(r"[;,&](?=\w{1,30}[=:])|</|\\[nrt]")
_ENDS = "*_.!?:;,)]}'‘’>~…"
_QUOTES = frozenset("\"“„«‚‘'`")
_QUOTED = re.compile(r"([^\n\"“”„«»\x60]{4,100}?)\s?[\"”“»‘’'\x60](?!\w)")
_PHRASE = compile_pattern(
    r"(?i)(?:seed|recovery|mnemonic|backup|secret|wallet)(?: recovery)? (?:phrase|words?|seed)s?(?: (?:is|are|was))?[\s:=\"“'\x60*-]{1,6}"
    r"((?:(?:\d{1,2}[.)] ?)?[a-zà-öø-ž]{3,8}[ ,\n]{1,2}){11,23}(?:\d{1,2}[.)] ?)?[a-zà-öø-ž]{3,8})"
    r"|pass ?phrase(?: (?:is|was|lautet|ist|est|es)|\s?[:=])[\s\"“'\x60*]{1,3}((?-i:(?:[a-zß-öø-ž]{3,12}[ -]){3,11}[a-zß-öø-ž]{3,12}))[.\"”'\x60*]{0,2}(?:\n|$)"
)
"""Words that are a secret together (BIP 39)."""
_WORDS_ALONE = (
    rf"(?i){_PW}(?:_?\d{{1,2}})?[\"']?\s{{0,3}}(?:[:=]|=>|(?:is|was|lautet|ist|est|es|è|é|to|jest|auf)\b)\s{{0,3}}[\"'“„«]\s?(\pL+)\s?[\"'”“»]",
    rf"(?im)^[\s>*-]{{0,8}}(?:[\pL._-]+ ?)?{_PW}[*_\"]{{0,3}}\s?[:=]\s{{0,3}}(\pL+)\s{{0,3}}\r?$",
)
"""A word that is assigned, in quotation marks or by itself in a line."""
_PLAIN = frozenset(
    "required none null true false undefined empty value default text hidden here field input incorrect invalid wrong correct optional"
    " hashed hash strong weak missing valid username string bool boolean bytes number object varchar sample example secret unknown"
    " expired changed forgotten unchanged erforderlich vergessen falsch geändert unbekannt abgelaufen requis oublié incorrecte"
    " obligatoria requerida olvidada incorrecta obbligatoria dimenticata errata obrigatória esquecida incorreta verplicht vergeten"
    " onjuist wymagane nieznane błędne authorizer".split()
)
"""What is said of passwords, or stands for one."""
_ANY = compile_pattern(
    rf"(?i){loose(_PW)}|code|combination|combo|kombination|código|codigo|clave|codice|combina|\bkod|szyfr|\bpin|pin\b|p\.i\.n|\botp\b|tan\b|\bpuk\b|cvv|cvc|cvn"
    r"|prüf|verification value|cryptogramme|geheim|one[- ]time|key ?(?:safe|pad|box)|lock ?box|keypad|boîte|sleutelkluis|phrase|words|seed"
)
_OTHER = frozenset(
    "chip fpga gpio vcc gnd diagram arduino connector header robot servo cnc spindle inverter plc common commonest häufigste häufigsten"
    " fréquent courant frecuente comune comum populaires demo".split()
)
"""Around what looks like a code and opens nothing."""
_METHOD = re.compile(
    r"(?:sha|md|base|utf|oauth|wpa|aes|rsa|argon|bcrypt|scrypt|pbkdf|http|https|win|ntlm|tls|ssl|iso|rfc|nist|pci|v|php|python"
    r"|2fa|x|id|step|type|field|input|test)-?\d[\d.:-]*(?:bit)?[a-z]?|(?-i:[A-Z]{2,4})-?\d{1,5}(?:-\d+)*|(?-i:[A-Z])\.\d[\d.]*",
    re.I,
)
"""What stands behind the word in texts about passwords."""
_WORDY = re.compile(
    r"[^\W\d_]+(?:[-'’_./,;][^\W\d_]+)*[.!?:)]*|\d+(?:[.,:/-]\d+)*[.!?:)%]*|[\w.-]+\.(?:com|org|net|io|py|js|md|txt|html?)\b.*"
)
_COUNTED = re.compile(
    r"\d+(?:st|nd|rd|th|er|[ehxkmgs]|mb|gb|kb|ms|min|bit|px|[ap]m)|\d+-?[^\W\d_]{3,}(?:-[^\W\d_]+)*|\d+['’]s|[§#][\d.]+|0x[0-9a-f]+",
    re.I,
)
"""``8-character``, ``30min``."""
_STRONG = re.compile(r"[!#$%&?*+^~@§€£]")
"""Signs that stand within no word."""
_CODE = re.compile(
    r"!?[^\W\d][\w.]*[\[(]|[a-z_]\w*(?:\.[a-z_]\w*[a-z]\d?)+$|[\w.]+=|&[#\w]+;?|@[^\W\d]*(?:[-.:/{]|$)|[/\\]|[\])}][@:]|#\{|[\w.]+@[^\W\d]*(?:[-.]|$)"
)
"""How programs call, name and escape things."""
_LETTERS = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"[a-z_][a-z0-9]*(?:[_.][a-z0-9]*[a-z][0-9]?)+|[a-z]+(?:-[a-z]+)*-v?\d")
"""A variable."""
_PROGRAM = re.compile(r"[(){}\[\]=\\<>/|]|::|->|@[\w-]+\.\w")
_PLACE = re.compile(r"\$\w+\W*$|[${%<]")
"""What a program or a form puts a password in."""


def _password(value: str) -> bool:
    """Whether it mixes what words and programs do not mix."""
    mixed = any(map(str.isdigit, value)) and not value.isdigit()
    mixed = mixed or (_STRONG.search(value, 1) is not None and any(map(str.isalpha, value)))
    wordy = any(form.fullmatch(value) for form in (_WORDY, _METHOD, _COUNTED)) or _CODE.match(value)
    return mixed and not wordy and len(value) > 4 and len(set(value)) > 3 and "://" not in value


def _said(value: str) -> bool:
    """As :func:`_password`, or a number that is said to be one."""
    return _password(value) or (value.isdigit() and MINIMUM <= len(value) <= MAXIMUM)


def _bare(value: str) -> bool:
    """As :func:`_password`, where not even a verb stands before it: ``digest2`` is the name of something."""
    return _password(value) and (sum(map(str.isdigit, value)) > 1 or _STRONG.search(value) is not None)


def _far(value: str) -> bool:
    """As :func:`_bare`, where other words stand before it: letters and digits, in no form that texts are full of."""
    digits = sum(map(str.isdigit, value))
    if not digits or digits == len(value) or len(value) < 6 or _PROGRAM.search(value) or _NAME.fullmatch(value):
        return False
    odd = _STRONG.search(value) is not None or digits > 2 or (digits > 1 and value.lower() != value)
    return odd and _bare(value)


def _word_alone(value: str) -> bool:
    """Whether a word is no type of a program, nor what is said of passwords or stands for one."""
    camel = value[1:] != value[1:].lower() and not value.isupper()
    return 3 < len(value) <= LONGEST and not camel and value.lower() not in _PLAIN and _PASSWORD.search(value) is None


class Spoken:
    """Finds them. Linear."""

    forms: Sequence[str] = (_PW, *_WORDS_ALONE, *CODES, PIN, CARD, TAN, _PHRASE.pattern)

    def __init__(self) -> None:
        self._alone = [compile_pattern(form) for form in _WORDS_ALONE]
        rows = [*(("PASSWORD", form) for form in (*CODES, PIN, TAN)), ("SECRET", CARD)]
        self._codes = [(label, compile_pattern(loose(form))) for label, form in rows]

    def find(self, text: str) -> Iterator[Finding]:
        for place in dict.fromkeys((*nearby.codes(text), *logins.passwords(text, _far))):
            yield Finding(*place, "PASSWORD", SCORE, NAME)
        if _ANY.search(text) is None:
            return
        for place in (*self._passwords(text), *self._words(text)):
            yield Finding(*place, "PASSWORD", SCORE, NAME)
        for match in _PHRASE.finditer(text):
            yield Finding(*match.span(match.taken), "SECRET", SCORE, NAME)
        for label, pattern in self._codes:
            for match in pattern.finditer(text):
                for place in _numbers(text, match):
                    yield Finding(*place, label, SCORE, NAME)

    @staticmethod
    def _passwords(text: str) -> Iterator[Span]:
        """Those that a word names."""
        for match in _PASSWORD.finditer(text):
            if _word(text, *match.span()):
                yield from dict.fromkeys((*_behind(text, match.end()), *_before(text, match.start())))

    def _words(self, text: str) -> Iterator[Span]:
        """Passwords that are plain words."""
        for pattern in self._alone:
            for match in pattern.finditer(text):
                place = match.span(match.taken)
                if bounded(text, *place) and _word_alone(text[slice(*place)]):
                    yield place


def _word(text: str, start: int, end: int) -> bool:
    """Whether it is the word, or the last one of a compound (``Routerpasswort``)."""
    inside = start > 0 and text[start - 1].isalnum() and end - start < 6
    return not inside and not (text[end : end + 1].isalpha() or text[end : end + 1] == "_")


def _behind(text: str, at: int) -> Iterator[Span]:
    """What looks like a password behind the word for it, in the same sentence."""
    last, said, plain = at, False, 0
    if _ITS.match(text, at):
        return
    for token in islice(_TOKEN.finditer(text, at, min(len(text), at + REACH)), WORDS):
        lines = text.count("\n", last, token.start())
        if lines > LINES or (lines and plain and not said):
            return
        start, end = _core(text, *token.span())
        said = said or _SIGNS.search(text, token.start(), start) is not None
        place = _quoted(text, last, start) if said or not plain else None
        if place is None and start < end and not _PLACE.match(text, start, end):
            judge = _said if said else _far if plain else _bare
            place = (start, end) if judge(text[start:end]) else None
        if place is not None:
            yield place
        word = text[start:end].lower()
        if _stops(text, token.end(), word):
            return
        if start == end and token[0][-1] in "])}":
            said, plain = False, plain + 1
        if start < end:
            said = place is None and (word in _IS or (said and word in _STILL) or text[token.end() - 1] in ":=")
            plain += 1
        last = max(token.end(), end)


def _core(text: str, start: int, end: int) -> Span:
    """A word without the signs around it, and without the field behind it."""
    start = _LEAD.match(text, start, end).end()  # type: ignore[union-attr]  # it matches nothing as well
    field = _NEXT_FIELD.search(text, start, end)
    value = text[start : field.start() if field else end].rstrip(_ENDS)
    return start, start + len(value)


def _quoted(text: str, low: int, start: int) -> Span | None:
    """What quotation marks hold, if there are words in it of which one looks like a password."""
    if start <= low or text[start - 1] not in _QUOTES:
        return None
    inner = _QUOTED.match(text, start)
    words = inner[1].split() if inner else ()
    return inner.span(1) if inner and 1 < len(words) <= QUOTED and _bare("".join(words)) else None


def _stops(text: str, end: int, word: str) -> bool:
    """Whether a sentence ends there, or another such word begins what is said."""
    return (text[end - 1] in ".!" and len(word) > 2) or _PASSWORD.search(word) is not None


def _before(text: str, at: int) -> Iterator[Span]:
    """What looks like a password before the word for it: ``… is my password``, ``… (password)``."""
    low = max(0, at - BEFORE)
    tokens = [token.span() for token in _TOKEN.finditer(text, low, at)][-BETWEEN - 2 :]
    joined = False
    for number in range(len(tokens) - 1, 0, -1):
        said = text[slice(*tokens[number])].lower()
        if said in (_AND if joined else _AS):
            value = _core(text, *tokens[number - 1])
            if "\n" in text[value[1] : at]:
                return
            if value[0] < value[1] and _far(text[slice(*value)]):
                yield value
                joined = True
        elif not joined and not said.isalpha():
            return


def _numbers(text: str, match: Match) -> Iterator[Span]:
    """The code behind its name, and others that follow it."""
    start, end = match.span(match.taken)
    name = text[match.start() : start]
    if (
        name.count("\n") > LINES
        or not bounded(text, match.start(), end)
        or _foreign(name, text[start:end])
        or _electric(text, match.start(), end)
    ):
        return
    while 3 <= sum(map(str.isdigit, text[start:end])) <= 8 and not _inside(text, end) and not UNIT.match(text, end):
        yield start, end
        more = MORE.match(text, end)
        if more is None:
            return
        start, end = more.span(1)


def _electric(text: str, start: int, end: int) -> bool:
    """Whether it is a pin of a chip, an alarm of a machine, or what people say of codes at large."""
    words = {word.lower() for word in _LETTERS.findall(text[start : end + NEAR])}
    return not words.isdisjoint(_OTHER)


def _foreign(name: str, value: str) -> bool:
    """Whether it is a year, as words say, or where in India somebody lives."""
    if POSTAL.match(name):
        return len(value) > 5
    if YEAR.fullmatch(value) is None or _named().search(name) is not None:
        return False
    words = _LETTERS.findall(name)
    return bool(words) and (words[-1].lower() not in _IS or words[-1].lower() == "in")


@cache
def _named() -> Pattern:
    """A lock that is named, and nothing else. Made when a code looks like a year, which few do: it takes megabytes."""
    return compile_pattern(loose(rf"(?i)^(?:{LOCKS}|pin)[^\pL]*$"))


def _inside(text: str, end: int) -> bool:
    """Whether a longer number goes on behind."""
    return text[end : end + 1].isalnum() or (
        text[end : end + 1] in {".", "/", ":", ","} and text[end + 1 : end + 2].isdigit()
    )
