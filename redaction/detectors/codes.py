"""Codes of doors, alarms, safes, cards and telephones as people write them in sentences: data for RE2, in the languages
of ``redaction.detectors.spoken``.

A code is a short number behind the name of what it opens. A few words without a digit may stand between the two (``the
code for the side door has changed, now 5502``), and no end of a sentence.
"""

from __future__ import annotations

import re

from redaction.detectors.linear import SIGNS

_LOCK = (
    r"(?:alarm|gate|door|front door|back door|side door|entry|entrance|access|safe|lock ?box|key ?box|key ?safe|garage|lobby|shed"
    r"|locker|lock|bike lock|padlock|suitcase|unlock|lift|elevator|intercom|keypad|voicemail|lock ?screen|burglar alarm)"
)
_LOCK_DE = r"(?:alarm|tür|haus|haustür|tor|hoftor|tresor|schlüssel(?:kasten|tresor|safe|box)|schloss|zugangs?|zutritts?|safe|garagen?|eingangs?|keller)"
_LOCK_NL = r"(?:alarm|deur|poort|toegangs?|kluis|sleutel(?:kluis|kastje)|voordeur|achterdeur|garage|slot)"
_NUMBERS = r"(?:pin|code|combination|combo|passcode|password)s?"
_EN = (
    rf"{_LOCK}(?:['’]s)?(?: |-)?{_NUMBERS}|{_NUMBERS}(?: (?:for|to|of|at|on|into)(?: \pL{{1,12}}){{1,3}}) {_LOCK}|key ?(?:safe|box|pad|code)|lock ?box"
    r"|(?:one[- ]time|verification|authentication|authenticator|security|2fa|mfa|sms|unlock|backup|recovery|confirmation|activation|atm"
    r"|phone|sim|card|bank card|debit card|credit card|device|screen) (?:pin|passcode|password)"
    r"|(?:one[- ]time|verification|authentication|authenticator|security|2fa|mfa|sms|unlock|backup|recovery|activation|atm) code"
)
_DE = (
    rf"{_LOCK_DE}(?:anlagen?)?[- ]?(?:code|kombination|pin)s?|(?:code|kombination|zahlenkombination|pin)s?"
    rf" (?:für|vom|von|zum|zur|an|am|der|des|beim)(?: (?:den|die|das|dem|der|unsere[nrm]?|meine[nrm]?))? {_LOCK_DE}\pL{{0,12}}"
    r"|geheim(?:zahl|nummer|code)|zahlenkombination|(?:entsperr|freischalt|bestätigungs|sicherheits|verifizierungs|einmal|sms)-?(?:code|pin|passwort)"
)
_FR = (
    r"digicode|(?:code|combinaison)s?(?: (?:du|de la|de l['’]|de|de ma|de mon|de notre|pour le|pour la|d['’]))? ?(?:porte|alarme|portail|portillon|immeuble"
    r"|entrée|accès|coffre(?:-fort)?|cadenas|garage|digicode|boîte à clés|carte(?: bleue| bancaire)?|sécurité|vérification|validation|déverrouillage)"
    r"|code (?:confidentiel|secret|sms|pin)|boîte à clés"
)
_ES = (
    r"(?:c[oó]digo|clave|combinaci[oó]n|pin)s? (?:de |del |de la |de mi |para la |para el )?(?:puerta|alarma|portal|caja fuerte|garaje|cajero|tarjeta|entrada"
    r"|acceso|seguridad|verificaci[oó]n|confirmaci[oó]n|desbloqueo|candado|edificio|m[oó]vil)"
)
_IT = (
    r"(?:codice|combinazione|pin) (?:di |del |della |dell['’]|d['’])?(?:porta|portone|cancello|allarme|cassaforte|garage|accesso|ingresso|sicurezza|verifica"
    r"|sblocco|bancomat|carta|lucchetto|otp|segreto|cellulare)"
)
_PT = (
    r"(?:c[oó]digo|senha|combinaç[aã]o|pin) (?:de |d[ao] |do meu )?(?:porta|port[aã]o|alarme|cofre|pr[eé]dio|garagem|acesso|entrada|segurança"
    r"|verificaç[aã]o|confirmaç[aã]o|desbloqueio|cart[aã]o|multibanco|cadeado|telem[oó]vel|celular)"
)
_NL = (
    rf"(?:{_LOCK_NL}|beveiligings|verificatie|ontgrendel|bevestigings|sms)-?code|code (?:van|voor|op)(?: (?:het|de|mijn|onze))? {_LOCK_NL}\pL{{0,8}}"
    r"|sleutelkluisje|pincode van"
)
_PL = (
    r"(?:kod|kodu|kodem|szyfr|pin)(?: do| dostępu do)? (?:bramy|furtki|drzwi|domofonu|alarmu|sejfu|garażu|karty|klatki|skrytki|kłódki|dostępu"
    r"|weryfikacyjny|autoryzacyjny|odblokowania|sms|pin)"
)
LOCKS = rf"(?:{_EN}|{_DE}|{_FR}|{_ES}|{_IT}|{_PT}|{_NL}|{_PL}|one[- ]time (?:code|password)|otp|puk)"
_SIGNS = f"[{SIGNS}]"
_WORDS = rf"(?:[\pL'’]+(?:{_SIGNS}|\.\.\.){{1,4}}|n[or]\. )"
GAP = rf"{_SIGNS}{{0,6}}(?:(?:…|\.\.\.)\s?)?{_WORDS}{{0,5}}"
_NUMBER = (
    r"([0-9](?: [0-9]){3,7}|[0-9]{3,4} [0-9]{3,4}|[0-9]{2}(?: [0-9]{2}){1,3}|[0-9](?:[0-9*]|-[0-9]){1,9}[0-9]?[#*]?)"
)
_IS = r"(?:is|as|ist|als|est|comme|es|como|è|come|é|to|jako|opens|öffnet|ouvre|abre|apre|opent|otwiera|for|für|at|on|into)"
_OPENED = rf"(?:{_LOCK}|{_LOCK_DE}|{_LOCK_NL}|porte|portail|puerta|portal|porta|portone|cancello|portão|bramę|drzwi)"

CODES = (
    rf"(?i){LOCKS}{GAP}{_NUMBER}",
    rf"(?i)([0-9]{{4,8}}[#*]?)[\"'”’)*_]{{0,2}}\s{_IS}(?:\s[\pL'’]+){{0,3}}\s(?:{LOCKS}|pin|keypad)",
    rf"(?i)(?:code|pin|kod|código|codice)\s([0-9]{{3,8}}[#*]?)\s{_IS}(?:\s[\pL'’]+){{0,2}}\s{_OPENED}",
    r"(?i)(?:digicode|code (?:de la |d['’])?(?:porte|entrée))\s?:?\s{0,2}([0-9A-F]{3,8})",
)
PIN = rf"(?i)(?:p\.i\.n\.|pin(?:[- ]?(?:code|number|nummer|no|nr))?\b\.?){GAP}([0-9]{{4}}(?:[0-9]{{1,4}})?|[0-9](?: [0-9]){{3,5}})"
CARD = (
    rf"(?i)(?:cvv2?|cvc2?|cvn2?|card security code|card verification (?:code|value)|karten-?prüf(?:nummer|ziffer)|prüfziffer"
    rf"|cryptogramme(?: visuel)?){GAP}([0-9]{{3,4}})"
)
TAN = rf"(?i)(?:(?:m|i|sms|push|photo|foto|chip|qr)-?)?tan{_SIGNS}{{0,3}}(?:(?:is|ist|lautet|war){_SIGNS}{{1,3}})?([0-9]{{3}}(?: |-)?[0-9]{{3,5}})"

UNIT = re.compile(
    r"[#*\"'”’)]?(?: |-)?(?:digits?|characters?|chars|letters?|numbers|words?|times|attempts?|tries|minutes?|seconds?|hours?|days?|years?"
    r"|bits?\b|bytes?\b|lines\b|zeilen\b|lignes\b|líneas\b|righe\b|linhas\b|regels\b|linii\b|mm\b|cm\b|kg\b|zeichen|stellen|stellige?[nrs]?|ziffern|mal|chiffres|caractères|dígitos|cifre|caratteri|cijfers|tekens|cyfr|znak(?:i|ów)"
    r"|€|\$|£|%|zł|eur\b|euros?\b|usd\b|dollars?\b|edition)",
    re.I,
)
"""Behind a number that counts something."""
YEAR = re.compile(r"(?:19|20)\d\d")
POSTAL = re.compile(r"pin ?codes?\b", re.I)
"""Six digits behind it are of an address in India."""
MORE = re.compile(r"\s?(?:,|/|&|\s(?:and|or|und|oder|et|ou|y|e|o|en|of|i|lub)\s)\s?([0-9]{3,8}[#*]?)(?!\w)", re.I)
"""A second one."""
