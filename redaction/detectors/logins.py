"""Passwords that no word names, or that are plain words: ``login: jo / …``, ``wifi: SkyNet / …``, ``my password is rabbit``,
lists of accounts under or above the word; in the languages of ``redaction.detectors.spoken``.

What pairs with a name must look like a password more than what is called one. A plain word counts where somebody's
password or a network's is said to be it, at the end of what is said, and is no word that is said of passwords.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from redaction.detectors.linear import Span, compile_pattern

SHORTEST, LONGEST, WPA = 6, 40, 8
"""Characters of such a password; a network's has eight at least (IEEE 802.11, WPA)."""
REACH, BEFORE = 150, 70
"""Code points behind a word and before it that are read."""
ABOVE, BELOW, LINE = 6, 12, 200
"""Lines above and below the word in which a list of accounts may stand; characters of a line of one."""
_USERS = (
    r"(?:log(?:in|ged in|on)?|sign)(?:[ -]?(?:in|on))?|user(?:name|[ _]?id)?|usuario|usuário|utente|identifiants?|(?:be)?nutzer(?:name)?|anmeldung|anmelden"
    r"|zugang(?:sdaten)?|gebruiker(?:snaam)?|użytkownik|credenziali|credenciales|credentials|creds|accesso|acceso|acesso|accès|connexion|inlog(?:gen)?|dostęp"
)
_WORD = r"passwor[dt]|pass(?:word|code|phrase)|pwd?|kennwort|contraseña|clave|mot de passe|mdp|senha|palavra-passe|wachtwoord|ww|has[łl]o"
_CUE = compile_pattern(
    rf"(?i)\b(?:{_USERS}|admin|administrator|root|guest|gast|wi-?fi|wlan|ssid|wpa2?|router|network|{_WORD}|[up] ?[:=])|[\w-]@[\w-]"
)
_NETS = ("wi", "wlan", "ssid", "wpa", "router", "network")
_NAMES = re.compile(_WORD, re.I)
_AND = r"(?:\s?[/|,;–—-]\s|\s?:\s?|\s(?:and|und|et|y|e|en|i|with|mit|avec|con|com|met)\s(?:it['’]?s |(?:the )?(?:key|pass) (?:is )?)?)"
_IS = r"(?:\s?[:=–-]|\s(?:is|as|with|mit|sont|est|son|sono|são|con|avec|met|heißt|ist|es|è|é)\b)"
_PAIR = re.compile(
    rf"(?:{_USERS})(?: (?:details|data|page)| to (?:the )?\w{{1,20}})?{_IS}?\s{{1,3}}[\"'`‘’]?([^\s,;:/|\"'`‘’]{{2,40}})[\"'`‘’]?(?:{_AND}|\s?\n)[\"'`(]?([^\s\"'`]{{6,41}})",
    re.I,
)
_MAIL = re.compile(r"[\w.-]{3,80}(?:\s?[,/|;–-]\s?|\s|:\s)[\"'`]?([^\s\"'`/@]{6,41})(?!\S)", re.I)
_ALONE = re.compile(r"(?:login|creds|credentials|zugangsdaten|credenziali)\s?[:=]\s?([^\s\"'`]{6,41})", re.I)
_ROOT = re.compile(r"(?:admin|administrator|root|guest|gast)[\"'`]?\s?[/:]\s?[\"'`]?([^\s\"'`]{6,41})", re.I)
_SHORT = re.compile(
    r"(?:u\s?[:=]\s?[^\s,;]{2,40}[,;]?\s{1,3}p\s?[:=]\s?([^\s\"'`]{6,41})|p\s?[:=]\s?([^\s\"'`,;]{6,41})[,;]?\s{1,3}u\s?[:=])",
    re.I,
)
_NET = re.compile(
    rf"(?:wi-?fi|wlan|ssid)(?:{_IS})?\s{{1,3}}[\"'‘’]?([^\s,;:/|\"'‘’]{{3,40}})[\"'‘’]?{_AND}(?:and )?([^\s\"'`,]{{8,63}})",
    re.I,
)
_SAID = r"(?:\s?[:=]|\s(?:is|ist|est|es|è|é|to)\b)?\s{1,2}([^\s\"',;]{8,63})"
_KEY = re.compile(
    rf"(?:wi-?fi|wlan|wpa2?|router)[^\n]{{0,60}}?\b(?:key|code|schlüssel|clé|clave|chiave|chave|sleutel|klucz|kod){_SAID}",
    re.I,
)
_KEY_OF = re.compile(rf"(?:wi-?fi|wlan|wpa2?|router){_SAID}", re.I)
_NAMED_KEY = re.compile(
    r"\b(?:chiave|chave|clave|clé|klucz|kod|código|codice|code|key)(?: (?:del?|do|du|da|the))? \Z", re.I
)
_OWNED = re.compile(
    r"(?:\b(?:wi-?fi|wlan|network|router|guest|sudo|admin|alarm|my|our|his|her|their|mein|unser|mon|notre|ma|mi|nuestra|mia|minha|mijn|ons|onze|moje|nasze|your|ihr|dein|sein|votre|ton|son|tu|su|tua|sua|tuo|suo|jouw|uw|twoje)[ -](?:[^\W\d_]{1,12} )?)\Z",
    re.I,
)
_SET_OFF = re.compile(r"(?:[,|;/]|\b(?:and|und|et|y|e|en|i))\s(?:[^\W\d_]{1,3} )?\Z", re.I)
_NETWORK = re.compile(r"\b(?:wi-?fi|wlan|network)\b", re.I)
_OF = r"(?: (?:for|für|fürs|vom|du|de|del|do|di|van|voor)(?: (?:the|la|le|il|el|o|het|sieci))?)?"
_PLAINLY = re.compile(
    rf"(?:{_WORD})(?P<net>{_OF} (?:wi-?fi|wlan|router)s?)?(?: on [^\W\d_]{{1,12}})?"
    r"(?P<said>\s?[:=]|['’]s\b| is\b| ist\b| lautet\b| est\b| c['’]est\b| es\b| è\b| é\b| to\b| jest\b)?"
    r"(?: (?:just|still|now|simply|nur|noch|jetzt|toujours|ahora|ancora|ainda|nog))? ([^\W\d_]{4,24})(?![\w'’-])",
    re.I,
)
_CASE = re.compile(
    r",? \(?(?:(?:all|alles?|tout|todo|tutto|tudo|in|en) )?(?:one word|lower ?case|klein|minuscules|minúsculas|minuscolo|minúsculo|kleine letters|małymi)",
    re.I,
)
"""How it is to be written."""
_ENDED = re.compile(r"\s?(?:[.,;!)(\n]|$|lol\b|haha|btw\b|thanks|ok\b|enjoy\b|but\b|and\b|please\b|should\b)", re.I)
_SMALL = frozenset(
    "that's thats that this was is ist est es è é to a an ein eine un une una uma een really comme as als como come jako my mein mon partout everywhere überall ovunque"
    " wszędzie jest est-il good strong safe secure weak bad decent sicheres gutes starkes bon sûr segura buena buona sicura boa goed sterk dobre silne the".split()
)
"""Between a password and the word, where somebody asks what it is worth."""
_SAID_OF = frozenset(
    "wrong incorrect correct right fine okay weak strong long short same secret private public unknown known available here there below"
    " above attached needed empty blank hidden visible safe secure insecure simple easy hard complicated complex enough important useless"
    " lost gone reset hashed stored saved leaked stolen broken case sensitive null none true false void string text plain plaintext random"
    " temporary permanent default invalid valid missing what where that this when always never also really very somewhere nowhere"
    " falsch richtig lang kurz sicher unsicher schwach stark gleich geheim bekannt unbekannt leer nötig notwendig pflicht weg nicht noch"
    " immer auch sehr hier dort einfach schwer anders ungültig gültig faux bon court long faible fort vide perdu connu inconnu même simple"
    " secret public incorrecta correcta larga corta débil fuerte segura fácil vacía nula errata corretta lunga corta debole forte sicura"
    " vuota nulla facile errada correta longa curta fraca forte segura vazia nula fácil onjuist juist lang kort zwak sterk veilig leeg"
    " fout goed vergeten verplicht błędne poprawne długie krótkie słabe silne puste proste tajne ważne nieznane dobre złe takie samo"
    " required mandatory optional obligatory obligatoire obligatoria obligatorio obbligatoria obrigatória printed written base fridge"
    " password passwort kennwort contraseña senha wachtwoord hasło username email admin user name field value type input str bytes int char"
    " varchar char object token hash salt podstawa paciencia pazienza essential crucial critical vital changeme redacted confidential manager sharing settings policy anzeigen eingeben ändern teilen"
    " zeigen setzen zurücksetzen speichern merken suchen finden erneuern inclus compris modifier changer cambiar mudar wijzigen zmienić dead".split()
)
_PARTICIPLE = re.compile(
    r".*(?:ed|ing|able|ible|ly|ous|ful|less|ée?|ée?s|(?:ad|id)[oa]s?|at[oa]|ut[oa]|[eia]nt|ial|ical|iert|bar|lich|haft|igt|ane|one|owe)|(?:ge|ver|be|ab|zer)\w+(?:t|en)",
    re.I,
)
"""``changed``, ``vergessen``: what became of it."""
_HOLDS = compile_pattern(
    r"(?i)passwor[dt]|passwörter|kennw[oö]rt|pws\b|logins?\b|contraseñ|mots? de passe|senhas|wachtwoord|has[łe]|credentials|zugangsdaten|identifiants|claves\b"
)
_ITEM = re.compile(
    r"[ \t]*(?:[-*•·]|\d{1,2}[.)])?[ \t]*([^\W\d_][\w .@'’-]{1,40}?)[ \t]?(?::|=|–|—|->|→| -)?[ \t]{1,3}([^\s]{6,41})[ \t]*"
)
_CLEAR = re.compile(r"[\w!#$%&*+?@^~§€£.=-]+")
_SIGN = re.compile(r"[!#$%&?*+^~@§€£]")
_FORM = re.compile(
    r"[^\W\d_]+-?\d+(?:\.\d+)+|(?:iphone|ipad|galaxy|pixel|windows|office|android|python|http|https|sha|aes|rsa|wpa|tls|ssl|oauth|saml|ldap|log4|utf|ipv)\W?[\d.]+\w{0,6}|.*\.(?:\w{2,4})|v?\d+(?:[.:-]\d+)+\w*|\d+[^\W\d_]{1,5}|[^\W\d_]+-?\d{1,2}",
    re.I,
)
"""Names of things that have a number."""
_REFERENCE = re.compile(
    r"(?:po|ticket|order|ref|case|invoice|inv|id|nr|no|issue|bug|pr|job|auftrag|rechnung|commande|pedido)#\d+\w?|[^\W\d_]+\d\.\d",
    re.I,
)
"""``PO#4821``."""
_THING = re.compile(r"(?:iphone|ipad|galaxy|pixel|windows|office|android|python|wireless|bluetooth|airport)", re.I)
_WITHIN = re.compile(r"[a-z]\d[a-z]")
_TOKEN = re.compile(r"\S+")
BETWEEN = 5
"""Words before the word in which one is looked for."""
Judge = Callable[[str], bool]


def passwords(text: str, far: Judge) -> Iterator[Span]:
    """Where they stand. ``far``: whether a word looks like a password though nothing calls it one."""
    for ((at, end),) in _CUE.spans(text):
        high, cue = min(len(text), end + REACH), text[at:end].lower()
        if cue[-1] in ":=":
            if match := _SHORT.match(text, at, high):
                yield from _checked(text, match, match.lastindex or 1, far)
        elif "@" in cue:
            if match := _MAIL.match(text, end - 1, high):
                signed = _SIGN.search(match[1], 1) is not None or _WITHIN.search(match[1]) is not None
                yield from _checked(text, match, 1, far) if signed else ()
        elif cue.startswith(_NETS):
            yield from _of_network(text, at, high, far)
        elif _NAMES.fullmatch(cue):
            yield from _plainly(text, at, high)
            yield from _asked(text, at, far)
        else:
            yield from _of_user(text, at, high, far)
    yield from _listed(text, far)


def _of_user(text: str, at: int, high: int, far: Judge) -> Iterator[Span]:
    if match := _PAIR.match(text, at, high):
        yield from _checked(text, match, 2, far)
    if match := _ALONE.match(text, at, high):
        value = match[1].rstrip(",;:)")
        yield from _checked(text, match, 1, lambda _: far(value) and _SIGN.search(value, 1) is not None)
    if match := _ROOT.match(text, at, high):
        yield from _checked(text, match, 1, lambda value: far(value) or _grown(value))


def _of_network(text: str, at: int, high: int, far: Judge) -> Iterator[Span]:
    if match := _NET.match(text, at, high):
        yield from _checked(text, match, 2, lambda value: far(value) or _grown(value))
    named = _NAMED_KEY.search(text, max(0, at - BEFORE), at)
    if match := (_KEY_OF if named else _KEY).match(text, at, high):
        value = match[1].rstrip(".!?)")
        words = value.count("-") > 1 and value.replace("-", "").isalpha()
        if len(value) >= WPA and _CLEAR.fullmatch(value) and (sum(map(str.isdigit, value)) > 1 or words):
            yield match.start(1), match.start(1) + len(value)


def _low(text: str, at: int) -> int:
    """Where what is read before a place begins: in its line."""
    low = max(0, at - BEFORE)
    return max(low, text.rfind("\n", low, at) + 1)


def _plainly(text: str, at: int, high: int) -> Iterator[Span]:
    """A word that is said to be somebody's password or a network's."""
    match = _PLAINLY.match(text, at, high)
    if match is None:
        return
    start, end = match.span(3)
    value = text[start:end]
    low = _low(text, at)
    network = match["net"] or _NETWORK.search(text, low, at)
    owned = network or match["said"] == " lautet" or _OWNED.search(text, low, at)
    ended = _ENDED.match(text, end) is not None or match["said"] == ":"
    told = _CASE.match(text, end) is not None or (owned and ended)
    said = match["said"] or (network and _SET_OFF.search(text, low, at))
    if told and said and value.lower() not in _SAID_OF and not _PARTICIPLE.fullmatch(value):
        yield start, end


def _asked(text: str, at: int, far: Judge) -> Iterator[Span]:
    """``is Rabbit!1987 a strong password?``"""
    low = _low(text, at)
    words = [m.span() for m in _TOKEN.finditer(text, low, at)][-BETWEEN:]
    for number, (start, end) in enumerate(reversed(words)):
        value = text[start:end].strip("\"'“”„«»`(¿,?")
        if value.lower() in _SMALL:
            continue
        first = text.find(value, start, end)
        if number and far(value) and likely(value):
            yield first, first + len(value)
        return


def _checked(text: str, match: re.Match[str], group: int, far: Judge) -> Iterator[Span]:
    start, end = match.span(group)
    value = text[start:end].rstrip(".!?,;:)")
    if far(value) and (likely(value) or _grown(value)):
        yield start, start + len(value)


def _grown(value: str) -> bool:
    """``blueparrot77``: what people make of a word that shall have digits."""
    letters, digits = sum(map(str.isalpha, value)), sum(map(str.isdigit, value))
    return (
        value.isalnum()
        and value[0].isalpha()
        and letters > WPA - 3
        and digits > 1
        and len(value) >= WPA
        and not _THING.match(value)
    )


def likely(value: str) -> bool:
    """Whether it has the signs of a password, and is no model, version or file."""
    if not SHORTEST <= len(value) <= LONGEST or not _CLEAR.fullmatch(value) or value[-1] == "=" or value[0] in "#@-":
        return False
    if _REFERENCE.fullmatch(value):
        return False
    signed = _SIGN.search(value, 1) is not None and any(map(str.isalpha, value))
    return signed or (sum(map(str.isalpha, value)) > 3 and not _FORM.fullmatch(value))


def _listed(text: str, far: Judge) -> Iterator[Span]:
    """Items of a list beside a line that says what they are."""
    seen = -1
    for match in _HOLDS.finditer(text):
        if match.start() < seen:
            continue
        low, high = _block(text, match.start())
        seen = high
        items: list[Span] = []
        at = low
        for line in text[low:high].split("\n"):
            item = _ITEM.fullmatch(line)
            if item and far(value := item[2].rstrip(",;")) and likely(value):
                items.append((at + item.start(2), at + item.start(2) + len(value)))
            at += len(line) + 1
        if len(items) > 1:  # one is no list
            yield from items


def _block(text: str, at: int) -> Span:
    """The lines around a place, not too far from it."""
    low = high = at
    for _ in range(ABOVE):
        low = max(0, text.rfind("\n", max(0, low - LINE), max(0, low - 1)) + 1)
    for _ in range(BELOW):
        end = text.find("\n", high, high + LINE)
        high = end + 1 if end >= 0 else min(len(text), high + LINE)
    return low, high
