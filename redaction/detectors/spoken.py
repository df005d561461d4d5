"""Passwords and codes as people write them in sentences: ``changed the password to …``, ``pw …``, ``my PIN is …``, ``the gate
code``; in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.

Where nothing assigns a value, what stands behind the word must look like one: people's passwords mix letters with digits
or symbols, and a code is a short number behind the name of a lock. RE2 only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from redaction.detectors.linear import Pattern, compile_pattern
from redaction.spans import bounded
from redaction.types import Finding

NAME = "secrets"
SCORE = 0.65
_PW = (
    r"(?:passwords?|passwd|passwort|passphrase|passcode|pwd|pw|pword|kennwort|contraseña|contrasena|mot de passe|mdp|senha"
    r"|palavra[- ]passe|wachtwoord|hasło|haslo)"
)
_IS = r"(?:is|was|to|:|as|lautet|ist|war|auf|est|était|es|era|è|é|jest|brzmi|naar|in|na|para|a)"
_BETWEEN = (
    r"(?:[ \t](?:yesterday|today|now|again|back|just|still|currently|temporarily|there|here|jetzt|heute|gestern|wieder|noch"
    r"|maintenant|ahora|adesso|ora|agora|nu|teraz|(?:for|of|on|für|vom|von|pour|de|du|para|per|do|da|voor|van|dla)"
    r"(?: [\pL\d'’.-]{1,20}){1,3})){0,2}"
)
_VALUE = r"[\"'“(]?([^\s\"'“”<>;,=$\x60\\({\[][^\s\"'“”<>;,]{4,63})"
_LOCK = (
    r"(?:alarm|gate|door|front door|back door|entry|entrance|access|safe|lock ?box|key ?box|key safe|garage|lobby|shed"
    r"|locker|unlock|lift|intercom|keypad|voicemail)"
)
_LOCK_DE = r"(?:alarm|tür|haus|haustür|tor|tresor|schlüsselkasten|schloss|zugangs|safe|garagen|eingangs|schlüsselsafe)"
_LOCK_NL = r"(?:alarm|deur|poort|toegangs|kluis|sleutelkluis|voordeur|garage)"
_OF = (
    r"(?:(?:d['’]entrée|d['’]accès|d['’]accesso|de acceso|de acesso|dostępu|(?:de (?:la |l['’])?|del |della |dell['’]|du |da |do )"
    r"(?:porte|alarme|portail|immeuble|coffre|garage|puerta|alarma|portal|caja fuerte|porta|portone|allarme|cancello|cassaforte"
    r"|portão|alarmu|cofre|prédio|drzwi|bramy|domofonu|sejfu)))"
)
_NOW = r"(?:\s?(?::|=|-)|\s(?:is|was|are|now|still|ist|lautet|war|est|es|è|é|jest|to|vom|von|für)(?:\s(?:now|still|the|den|die|das)?)?)?"
_NUMBER = r"\s{0,2}[\"'(]?([0-9][0-9\-*]{1,10}[0-9][#*]?)"

_PASSWORDS = (
    rf"(?i){_PW}{_BETWEEN}\s{{0,2}}{_IS}(?:\s(?:now|still|again|jetzt|wieder|nu|teraz))?\s{{1,2}}{_VALUE}",
    rf"(?i){_PW}[ \t]{{1,2}}{_VALUE}",
)
_CODES = (
    rf"(?i){_LOCK} (?:pin|code|combination|combo|passcode)(?: (?:for|to|on) (?:the|my|our) [\pL]+)?{_NOW}{_NUMBER}",
    rf"(?i)(?:code|combination|combo) (?:for|to|of) (?:the |my |our ){_LOCK}{_NOW}{_NUMBER}",
    rf"(?i){_LOCK_DE}-?code{_NOW}(?: [\pL]{{3,20}})?{_NUMBER}",
    rf"(?i)code (?:für|vom|zum|zur) (?:den |die |das |dem )?{_LOCK_DE}\pL{{0,12}}{_NOW}{_NUMBER}",
    rf"(?i)(?:code|código|codice|kod) {_OF}{_NOW}{_NUMBER}|(?:digicode|code {_OF}){_NOW}\s{{0,2}}([0-9A-F]{{3,8}})",
    rf"(?i){_LOCK_NL}-?code{_NOW}{_NUMBER}",
    rf"(?i)(?:otp|one[- ]time (?:code|password|pin)|verification code|2fa code|authentication code|tan){_NOW}\s{{0,2}}([0-9]{{3}}[ -]?[0-9]{{3,5}})",
    rf"(?i)pin(?:[- ](?:code|number|nummer))?{_NOW}\s{{0,2}}[\"'(]?([0-9]{{4}})",
)
_CARD_CODE = rf"(?i)(?:cvv2?|cvc2?|card security code|card verification (?:code|value)){_NOW}\s{{0,2}}([0-9]{{3,4}})"
_ANY = compile_pattern(
    rf"(?i){_PW}|code|combination|combo|código|codice|\bkod\b|\bpin\b|\botp\b|\btan\b|cvv|cvc|one[- ]time"
)
_METHOD = re.compile(
    r"(?:sha|md|base|utf|oauth|wpa|aes|rsa|argon|bcrypt|scrypt|pbkdf|http|https|win|ntlm|tls|ssl|iso|rfc|nist|pci|v|php|python"
    r"|2fa|x|id|step|type|field|input|test)-?\d[\d.:-]*(?:bit)?[a-z]?|(?-i:[A-Z]{2,})-?\d{1,5}",
    re.I,
)
"""What stands behind the word in texts about passwords."""
_WORDY = re.compile(
    r"[^\W\d_]+(?:[-'’_./][^\W\d_]+)*[.!?:)]*|\d+(?:[.,]\d+)*[.!?:)%]*|[\w.-]+\.(?:com|org|net|io|py|js|md|txt|html?)\b.*"
)


def _password(value: str) -> bool:
    """Whether it mixes what words do not mix."""
    return not (_WORDY.fullmatch(value) or _METHOD.fullmatch(value)) and len(set(value)) > 3 and "://" not in value


def _bare(value: str) -> bool:
    """As :func:`_password`, where not even a verb stands before it: ``digest2`` is the name of something."""
    return _password(value) and (sum(map(str.isdigit, value)) > 1 or not value.isalnum())


def _code(value: str) -> bool:
    return 3 <= sum(map(str.isdigit, value)) <= 8


_Rule = tuple[str, Pattern, Callable[[str], bool]]


class Spoken:
    """Finds them. Linear."""

    forms: Sequence[str] = (*_PASSWORDS, *_CODES, _CARD_CODE)

    def __init__(self) -> None:
        passwords = [("PASSWORD", form, judge) for form, judge in zip(_PASSWORDS, (_password, _bare), strict=True)]
        rows = [*passwords, *(("PASSWORD", form, _code) for form in _CODES), ("SECRET", _CARD_CODE, _code)]
        self._rules: list[_Rule] = [(label, compile_pattern(form), judge) for label, form, judge in rows]

    def find(self, text: str) -> Iterator[Finding]:
        if _ANY.search(text) is None:
            return
        for label, pattern, judge in self._rules:
            for match in pattern.finditer(text):
                start, end = match.span(match.taken)
                value = text[start:end].rstrip(".!?:)]}”")
                if judge(value) and bounded(text, match.start(), end) and not _inside(text, start + len(value)):
                    yield Finding(start, start + len(value), label, SCORE, NAME)


def _inside(text: str, end: int) -> bool:
    """Whether a longer number goes on behind."""
    return text[end : end + 1].isalnum() or (
        text[end : end + 1] in {".", "/", ":"} and text[end + 1 : end + 2].isdigit()
    )
