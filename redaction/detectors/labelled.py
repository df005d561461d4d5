"""What a label or a form of words makes personal: records, cases, references, ages, dates of birth, addresses, names of
accounts, number plates, devices; in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.

No check sum stands behind these, so every pattern needs a word of its own. RE2 only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from redaction.detectors.formats import known_domain
from redaction.detectors.linear import compile_pattern
from redaction.detectors.sweep import Sweep, around_digits
from redaction.types import Finding

NAME = "patterns"
_NUMBER = r"(?:number|num\.?|no\.?|nr\.?|n[°º.]|№|#|id|code|nummer|numer|número|numéro|numero)"
_FAR = r"\s?\.{3,60}\s?|</\w{1,8}>\s{0,8}<\w{1,8}[^<>]{0,40}>|[\"'],\s{0,8}[\"']\w{1,8}[\"']\s?:\s?"
"""Leaders, the next cell, and the value of what is told as name and value."""
_SIGN = rf"(?:[ \t]{{0,24}}\s?[:=#>|][ \t]{{0,24}}|{_FAR})"
_LINK = rf"(?:[ \-_]?{_NUMBER})?(?:_\d{{1,3}})?[\"']?(?:{_SIGN}|\s{{0,3}}(?:is\b|ist\b|es\b|est\b|è\b|é\b|jest\b))?\s{{0,3}}[\"']?"
_MUST = rf"(?:[ \-_]?{_NUMBER}[\"']?(?:{_SIGN})?|(?:_\d{{1,3}})?[\"']?{_SIGN})\s{{0,3}}[\"']?"
"""A number must be announced as one. ``>`` and ``|``: in XML and in rows of key and value."""
_DATE = (
    r"\d{1,4}[./\- ]\d{1,2}[./\- ]\d{2,4}|\d{1,2}(?:\.|er|º|st|nd|rd|th)?[ \-/]?(?:de |of )?\pL{3,10}\.?,?[ \-/](?:de )?\d{2,4}|"
    r"\pL{3,10} \d{1,2}(?:st|nd|rd|th)?, ?\d{4}|(?:19|20)\d{6}|[0-3]\d[01]\d(?:19|20)\d\d"
)
_TILL = rf"(?:_\d{{1,3}})?[\"']?(?:{_FAR})[\"']?|(?:_\d{{1,3}}\b)?[^\d.,;!]{{0,30}}(?:\n[^\d.;!]{{0,30}})?(?:\[?\d{{1,2}}:\d\d(?::\d\d)?\]?[^\d.,;!]{{0,30}})?"
"""Between the words for a date of birth and the date: ``on file is``, or whose answer it is, and when it came."""
_BIRTH = (
    r"(?:d\.?o\.?b\.?|date[ _\-]?of[ _\-]?birth|birth[ _\-]?date|geburtsdatum|date[ _\-]?de[ _\-]?naissance|"
    r"fecha[ _\-]?(?:de[ _\-]?)?nacimiento|f\. ?nacimiento|data[ _\-]?di[ _\-]?nascita|data[ _\-]?de[ _\-]?nascimento|"
    r"geboortedatum|data[ _\-]?urodzenia)"
)
_CODE = r"[A-Z]{0,6}[\-/ ]?\d[\dA-Z\-/.]{3,24}"

_NAMED = (
    ("MEDICAL_RECORD", rf"(?:MRN|medical[ _\-]?record|patient|hospital|chart|NHC|historia(?:[ _]?cl[ií]nica)?|episodio|CIPA|NASS|IPP|"
     rf"dossier patient|Patienten-?|Fall-?|cartella clinica|prontu[áa]rio|processo cl[ií]nico|pati[ëe]nt(?:en)?|"
     rf"(?:karta )?pacjenta){_LINK}([A-Z]{{0,3}}-?\d[\dA-Z\-]{{3,14}}|\d{{2}} \d{{6,10}} \d{{2}})"),
    ("BANK_ACCOUNT", rf"(?:account|acct|a/c|konto|kontonummer|cuenta|compte|conto|conta|rekening|rachun\w+){_LINK}(\d[\d \-]{{5,24}}\d)"),
    ("PASSPORT", rf"(?:passport|reisepass|passeport|pasaporte|passaporto|passaporte|paspoort|paszport\w*){_LINK}([A-Z]{{0,3}}\d[A-Z0-9]{{5,10}})"),
    ("DRIVER_LICENSE", rf"(?:driver[’']?s?'?[ _\-]?licen[cs]e|driving[ _\-]?licen[cs]e|führerschein|permis[ _]?de[ _]?conduire|permiso[ _]?de[ _]?conducir|"
     rf"patente(?: di guida)?|carta de condução|rijbewijs|prawo[ _]?jazdy){_LINK}([A-Z]{{0,5}}\d[A-Z0-9\-]{{4,16}})"),
    ("TAX_ID", rf"(?:tax[ _\-]?id|taxpayer[ _\-]?id){_LINK}([A-Z]{{0,3}}-?\d[\dA-Z/\-]{{6,14}})"),
    ("US_SSN", rf"(?:ssn|social[ _\-]?security){_LINK}(\d{{3}}[ \-]?\d{{2}}[ \-]?\d{{4}})"),
    ("NATIONAL_ID", rf"(?:national[ _\-]?id|identity[ _\-]?card|id[ _\-]?card|personalausweis|carte d'identité|carta d'identità|identiteitskaart|"
     rf"dow[oó]d(?:em|u)? osobist(?:y|ym|ego)|cartão de cidadão){_LINK}([A-Z]{{0,3}} ?\d[\dA-Z\-]{{5,20}})"),
    ("NATIONAL_ID", r"([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D])"),
    ("DATE_OF_BIRTH", rf"{_BIRTH}(?:{_TILL}\b)?({_DATE})"),
    ("DATE_OF_BIRTH", rf"({_DATE}) (?:is|as|ist|als|est|comme|es|como|è|come|to jest|jako) (?:\pL{{1,8}} ){{0,3}}{_BIRTH}"),
    ("DATE_OF_BIRTH", rf"(?:birth ?day|born(?: on)?|geboren am|geb\.|n[ée]e? le|"
     rf"nacid[oa] el|nat[oa] il|nascid[oa] em|"
     rf"geboren op|urodzon[ya]|ur\.)[\"']?\s{{0,3}}[:=>|]?\s{{0,3}}[\"']?({_DATE})"),
    ("AGE", r"(\d{1,3})(?:[ \-](?:years?|yrs?|months?|weeks?|days?)[ \-]old| ?y/?o|-jährige[rnms]?|-year-olds?| Jahre alt| jaar oud)"),
    ("AGE", r"(\d{1,3} (?:años|anos)) (?:de edad|de idade)"),
    ("AGE", r"(?:aged?|im Alter von|âgée?s? de|de edad de|di|de|d'|wieku|leeftijd van) (\d{1,3} ?(?:años|ans|anni|anos|Jahren?|jaar|lat|meses|mois))"),
    ("AGE", r"(?:\bage|edad|alter|âge|età|idade|leeftijd|wiek|aged)[\"']?(?:\s{0,3}[:=]\s{0,3}|\s(?:is|of|ist|von)\s|\s)[\"']?(\d{1,3}(?: ?(?:años|ans|anni|anos|Jahre|years|lat|meses))?)"),
    ("AGE", r"\b(?:I am|I'm|he is|she is|he's|she's|who is|turned|turning|turns?) (\d{1,2})(?:[ ,.;!?]|$)"),
    ("CASE_NUMBER", r"(?:applications?|app\.|case|cause|docket|petition|appeal|proceedings|requêtes?|demandas?|asunto|Beschwerde)[ ,(]{1,3}"
     r"(?:nos?\.?|n[o°º]s?\.?|núms?\.?|Nr\.?)\s{0,2}([A-Z]{0,4}[\-. ]?\d[\dA-Z\-/.]{2,20}\d)"),
    ("CASE_NUMBER", r"\(?(?:nos?\.|n[o°º]s?\.?|núm\.|Nr\.)\s{0,2}(\d{1,6}/\d{2,4})"),
    ("CASE_NUMBER", r"(?:and|et|y|und|,) (\d{3,6}/\d{2})\b"),
    ("CASE_NUMBER", rf"(?:case|file|docket|Aktenzeichen|Az\.?|Geschäftszeichen|expediente|sygn\.(?: akt)?|sygnatur\w+|sprawy|processo|"
     rf"fascicolo|zaaknummer|rolnummer|affaire|R\.?G\.?|autos){_MUST}({_CODE}|[IVX]{{1,5}} [A-Z][A-Za-z]{{0,3}} \d{{1,5}}/\d{{2,4}})"),
    ("CASE_NUMBER", r"\b(\d{1,4} (?:BvR|BvL|BvF|StR|ZR|ZB|AZR|U|O|C|K|Ks|Js|Ls|Cs|F|T|W|S|L|V|A|B|KLs|Ds) \d{1,6}/\d{2})\b"),
    ("CASE_NUMBER", r"\b([IVX]{1,5} [A-Z][A-Za-z]{0,3} \d{1,5}/\d{2,4}|\d{1,2}:\d{2}-[a-z]{2}-\d{3,6}(?:-[A-Z]{2,4}){0,2}|[CT]-\d{1,4}/\d{2})\b"),
    ("REFERENCE_NUMBER", rf"(?:ref(?:erence)?\.?|order|invoice|ticket|booking|claim|policy|contract|customer|client|member(?:ship)?|employee|"
     rf"staff|student|tracking|confirmation|transaction|reservation|subscription|loyalty|badge|permit|certificate|receipt|"
     rf"case|Rechnungs?|Auftrags?|Bestell|Kunden|Vertrags?|Vorgangs?|Mitglieds?|Personal|Matrikel|Sendungs?|facture|commande|dossier|contrat|"
     rf"pedido|factura|contrato|cliente|expediente|póliza|pratica|fattura|ordine|contratto|polizza|fatura|encomenda|apólice|"
     rf"factuur|bestelling|klant|polis|(?:n[°ºo.]{{1,2}}|num[ée]ro) de police|faktur[ay]|umowy|zamówieni[ea]|klienta|polisy){_MUST}({_CODE}|[A-Z]{{2,6}}-[A-Z0-9\-]{{4,20}})"),
    ("LICENSE_PLATE", r"(?:licen[cs]e plate|number ?plate|plates?|car registration|vehicle reg(?:istration|\.)?|kennzeichen|immatricul\w+|"
     r"matr[ií]cula|targa|kenteken|(?:nr|numer\w*|tablic\w*) rej(?:estracyjn\w+|\.))[\"']?(?: (?:number|no\.?|is|ist|es|est|was))?\s{0,2}[:=>|]?\s{0,2}[\"']?"
     r"((?-i:[A-ZÄÖÜ]{1,3}[ \-]?[A-Z]{0,2}[ \-]?\d{1,4}[ \-]?[A-Z]{0,3}|\d{1,4}[ \-]?[A-Z]{2,3}(?:[ \-]?\d{1,2})?))\b"),
    ("DEVICE_ID", r"(?:serial(?: number| no\.?)?|s/n|seriennummer|numéro de série|número de serie|numero di serie|numer seryjny|"
     r"serienummer|VIN|chassis(?: number| no\.?)?|fahrgestellnummer|udid|device[ _]?id|android[ _]?id|iccid|imei)"
     r"[\"']?(?: is| ist)?\s{0,2}[:=#>|]?\s{0,2}[\"']?([A-Z0-9][A-Z0-9\-]{2,20}\d[A-Z0-9\-]{2,20})"),
    ("ADDRESS", r"(P\.? ?O\.? ?Box \d{1,6}|Postfach \d{1,3}(?: ?\d{2,3}){0,2}|Apartado(?: de correos)? \d{2,6}|Apartado Postal \d{2,6})"),
)  # fmt: skip
"""Label and pattern, in any case; group 1 is the finding."""

_CAP = r"\p{Lu}[\pL.'’\-]{0,24}"
_ZIP = r"(?:,?\s{1,2}(?:[A-Z]{1,2}-)?\d{4,5}(?:-\d{3,4})?(?: ?[A-Z]{2})? \p{Lu}[\pL\-]{1,24}(?: \p{Lu}[\pL\-]{1,24}){0,2})?"
_GERMANIC = (
    rf"\b(\d{{1,5}}[A-Za-z]?(?:-\d{{1,4}})? (?:[NSEW]\.? )?(?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|"
    rf"Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Close|Crescent|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|Trl|Row|"
    rf"Gardens|Grove|Mews|Loop|Plaza|Hill|Park|Rise|Walk|View)\b\.?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|Flat|#)\.? ?[\dA-Z\-]{{1,6}})?"
    rf"(?:(?:,|,? ?\n)? {{0,4}}{_CAP}(?: {_CAP}){{0,2}},? (?:[A-Z]{{2}} )?\d{{5}}(?:-\d{{4}})?)?)",
    rf"\b((?:{_CAP}[ \-]){{0,2}}\p{{Lu}}[\pL\-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ufer|damm|steig|chaussee|ring|straat|laan|plein|gracht|kade|gata|gatan|gate|vej|vegen|veien|väg|vägen|katu|utca|"
    rf"singel|dijk|steeg) ?\d{{1,4}}(?: ?[a-zA-Z])?\b{_ZIP})",
    rf"\b((?:(?:PSC|CMR|Unit) \d{{1,5}},? Box \d{{1,5}}|USNS {_CAP}|USS {_CAP}|USCGC {_CAP}),?\s{{1,3}}[AFD]PO,? A[AEP] \d{{5}}(?:-\d{{4}})?)",
    rf"\b((?:\p{{Lu}}[\pL\-]+er )?(?:Straße|Strasse|Str\.|Platz|Allee|Weg|Ring|Damm) \d{{1,4}} ?[a-z]?\b{_ZIP})",
)
_FRENCH = (
    r"\d{1,4}(?: ?(?:bis|ter|quater))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|cours|route|square|passage|villa)"
    r"(?: (?i:de|du|des|la|le|les|l'|d'|saint|sainte|général|docteur|maréchal)){0,3}[ ']"
)
_ROMANCE = (
    r"\b(?i:calle|c/|avda\.?|avenida|av\.|plaza|pza\.?|paseo|pº|camino|carretera|ctra\.?|ronda|travesía|rúa|carrer|passeig|via|viale|piazza|"
    r"piazzale|corso|largo|vicolo|rua|travessa|praça|alameda|estrada)[ .]{1,2}"
)
_POLISH = r"\b(?i:ul\.|al\.|pl\.|os\.|ulica|ulicy|aleja|alei|aleje|osiedle|plac|placu) ?"
_STREET = rf"(?:(?:{_CAP}|de|del|della|delle|dei|di|da|do|dos|das|la|las|los|el|e|y) ){{0,5}}{_CAP}"
_HOUSE = (
    r"(?:,? ?(?:n[.º°]{1,2}|núm\.?|número|no\.?|nr)? ?\d{1,4}(?:[A-Za-z]\b| [A-Z]\b)?"
    r"(?:[,/ \-]{1,2}(?:\d{1,3}[ºª°]?(?:[A-Za-z]\b| [A-Z]\b)?|m\. ?\d{1,3}|lok\. ?\d{1,3}|bajo|piso \d)){0,2})"
)
_ADDRESSES = (
    *_GERMANIC,
    rf"\b({_FRENCH}{_STREET}{_ZIP})",
    rf"({_ROMANCE}{_STREET}{_HOUSE}{_ZIP})",
    rf"({_POLISH}{_STREET}{_HOUSE}{_ZIP})",
    r"\b((?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}))\b",
    r"\b(\d{2}-\d{3} \p{Lu}[\pL\-]{2,24})\b",
    r"\b(\p{Lu}\pL+(?: \p{Lu}\pL+){0,2}, (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|"
    r"T[NX]|UT|V[AT]|W[AIVY]) \d{5}(?:-\d{4})?)\b",
)


_USER = (
    r"(?i)\b(?:user[ _\-]?(?:name|id)|login(?:[ _]?name)?|screen ?name|nick(?:name)?|benutzername|nom d'utilisateur|identifiant|"
    r"nombre de usuario|nome utente|gebruikersnaam|nazwa użytkownika)[\"']?\s{0,3}(?:[:=]|=>|\bis\b)\s{0,3}[\"']?"
    r"([a-z0-9_.+@\\\-]{3,64})"
)
_USER_BESIDE = (
    r"(?is)\b(?:user(?:[ _\-]?(?:name|id))?|login|uid)[\"']?\s{0,3}[:= ]\s{0,3}[\"']?([a-z0-9_.+@\\\-]{3,64})"
    r"[\"']?.{0,90}?\b(?:password|passwd|pwd)\b"
)
_USER_OF = r"(?i)\bpassword for (?:the )?user [\"']([^\"'\s]{2,64})[\"']"
_HANDLE = r"(?:^|[\s(,;:\"'])(@[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_]))(?:$|[\s),;:!?\"'.])"
_NO_USER = frozenset(
    "string none null true false undefined name user username users password and the not required varchar text email "
    "str int integer object admin_user user_name userid user_id id email_address is for or field must required".split()
)
_DECORATORS = frozenset(
    "@property @staticmethod @classmethod @override @test @autowired @param @return @returns @media @import @keyframes @app "
    "@pytest @dataclass @component @injectable @entity @table @column @id @bean @service @controller @restcontroller @input "
    "@output @deprecated @suppresswarnings @nullable @before @after @include @extends @mixin @end @interface @font @charset "
    "@supports @everyone @here @see @throws @author @since @type @types @abstractmethod @cached_property @wraps @click "
    "@login_required @transactional @get @post @requestmapping @pathvariable @requestbody @slf4j @data @getter @setter".split()
)


class Labelled:
    """Finds them."""

    def __init__(self) -> None:
        named = [rf"(?i)(?:\b|_){pattern}(?:\b|$)" for _, pattern in _NAMED]
        self._labels = [*(label for label, _ in _NAMED), *("ADDRESS" for _ in _ADDRESSES)]
        self._sweep = Sweep([*named, *_ADDRESSES], around_digits(60), 1)
        self._users = [compile_pattern(p) for p in (_USER, _USER_BESIDE, _USER_OF)]
        self._handle = compile_pattern(_HANDLE)
        self.digest = hashlib.sha256(repr((named, _ADDRESSES, _USER, _USER_BESIDE, _HANDLE)).encode()).hexdigest()[:16]

    def find(self, text: str) -> Iterator[Finding]:
        for number, start, end in self._sweep.find(text):
            if any(map(str.isdigit, text[start:end])):
                yield Finding(start, end, self._labels[number], 0.8 if number < len(_NAMED) else 0.7, NAME)
        for pattern in self._users:
            for m in pattern.finditer(text):
                value = m.group(1).rstrip(".")
                if value.lower() not in _NO_USER and len(value) > 2:
                    yield Finding(m.start(1), m.start(1) + len(value), "USERNAME", 0.7, NAME)
        if "@" in text:
            for m in self._handle.finditer(text):
                name = m.group(1)[1:]
                if "." in name and known_domain(name):  # "@example.com": where to write to, not to whom
                    continue
                if m.group(1).lower() not in _DECORATORS and not name.isdigit():
                    yield Finding(m.start(1), m.end(1), "USERNAME", 0.6, NAME)
