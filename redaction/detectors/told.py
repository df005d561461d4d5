"""What people tell of somebody in a few words of a kind: family, belief, orientation, an age in the shorthand of forums,
the plate of a car. In the languages of the detectors, the shorthand in English.

No check stands behind any of it, so each form needs words that say it of somebody. RE2 only, linear.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from redaction.detectors.family import FAMILY
from redaction.detectors.linear import SET_OFF, SIGNS, compile_pattern, loose
from redaction.spans import bounded
from redaction.types import Finding

NAME = "patterns"
SCORE = 0.55

_FAITH = (
    r"(?:(?:roman |greek |russian )?catholic|christian|protestant|lutheran|baptist|methodist|anglican|episcopalian|presbyterian|evangelical|pentecostal|mormon"
    r"|mennonite|amish|quaker|(?:greek |russian |serbian |romanian |eastern )?orthodox(?: christian| jew(?:ish)?)?|jehovah['’]?s witness(?:es)?"
    r"|(?:seventh[- ]day )?adventist|copt(?:ic)?|maronite|(?:sunni |shia |shi['’]a )?muslim|sunni|shia|shi['’]?(?:a|ite)|ahmadi(?:yya)?|alawite|sufi|jew(?:ish)?|hindu"
    r"|sikh|jain|buddhist|bah[aá]['’]?i|zoroastrian|pagan|wiccan|druze|alevi|yazidi|atheist|agnostic|rastafari(?:an)?|scientologist|taoist|shinto)"
)
_FAITHS = (
    r"(?:(?:römisch-|griechisch-|russisch-)?(?:katholisch|orthodox)|evangelisch|protestantisch|muslimisch|jüdisch|hinduistisch|buddhistisch|alevitisch|sunnitisch"
    r"|schiitisch|jesidisch|konfessionslos|freikirchlich|neuapostolisch|(?:atheist|agnostiker|muslim|moslem|buddhist|hindu|christ|katholik|protestant)(?:in|innen|en|e|s)?"
    r"|jude[n]?|jüdin|zeug(?:e|in|en) jehovas|catholiques?|protestante?s?|évangéliques?|orthodoxes?|chrétien(?:ne)?s?|musulmane?s?|juive?s?|juif|juifs|hindoue?s?"
    r"|bouddhistes?|athées?|témoins? de jéhovah|católic[oa]s?|evangélic[oa]s?|protestantes?|ortodox[oa]s?|cristian[oa]s?|musulm[aá]n(?:es|as?)?|judí[oa]s?|hindúe?s?"
    r"|budistas?|ate[oa]s?|testigos? de jehová|mormón|mormona|cattolic[oaihe]{1,2}|evangelic[oaihe]{1,2}|protestanti|ortodoss[oaie]|musulman[oaie]|ebre[oaie]|ebrei|cristian[ie]|induist[aie]"
    r"|buddist[aie]|atei|testimon[ei] di geova|muçulman[oa]s?|jud(?:eus?|ias?)|hindus?|ateus?|ateias?|espíritas?|umbandistas?|cristãos?|cristãs?|testemunhas? de jeová"
    r"|katholiek|protestants|gereformeerd|hervormd|moslims?|moslima|islamitisch|joods|hindoe(?:stáns)?|boeddhist(?:isch)?|atheïst|christelijk|christen"
    r"|jehova['’]?s getuige|katoli(?:kiem|czką|kami|k|czka|cy)|ewangeli(?:kiem|czką|k|czka)|protestant(?:em|ką)|prawosławn[yae]|muzułman(?:inem|ką|ami)|żydem|żydówką|żydami"
    r"|ateist(?:ą|ką)|buddyst(?:ą|ką)|świadk(?:iem|ami) jehowy)"
)
"""In the other languages."""
_KIN = (
    r"(?:son|daughter|kid|child|baby|toddler|boy|girl|twins?|husband|wife|partner|mother|father|mom|mum|dad|sister|brother|nephew|niece"
    r"|grand(?:son|daughter|mother|father|ma|pa)|aunt|uncle|cousin|fianc[eé]e?|boyfriend|girlfriend|neighbou?r|bf|gf)"
)
_LOVE = r"(?:gay|lesbian|bi|bi-?sexual|homosexual|pansexual|asexual|transgender|trans(?:sexual)?(?: (?:man|woman|girl|guy|person))?|non[- ]?binary|queer|intersex)"
_LOVES = (
    r"(?:schwul|lesbisch|bi|bisexuell|homosexuell|trans|transsexuell|nichtbinär|queer|gay|lesbiennes?|bisexuel(?:le)?s?|homo(?:sexuel(?:le)?)?s?|non[- ]binaire"
    r"|lesbianas?|bisexual(?:es)?|homosexual(?:es)?|lesbic(?:a|he)|bisessual[ei]|omosessual[ei]|lésbicas?|bissexua(?:l|is)|homossexua(?:l|is)|homoseksueel|biseksueel"
    r"|gejem|gejami|lesbijką|biseksualn[ya]|homoseksualn[ya])"
)
_ANY_OF = rf"(?:{_FAITH}|{_FAITHS}|{_LOVE}|{_LOVES})"
_HOW = r"(?:[ ,]{1,2}(?:an?|now|also|both|very|quite|still|openly|a? ?devout|strictly?|practi[cs]ing|born|half|deeply|not|never|always|like|a? ?lapsed|married and)){0,3},?"
_AM = (
    rf"(?:(?:i|we|he|she|they|who|my {_KIN}|(?:my|our|his|her|their)(?:,? [\pL'’-]{{2,}},?){{1,3}})\s{{0,3}}(?:am|['’]m|are|['’]re|is|['’]s|was|were|(?:has|have|['’]ve) (?:always |never )?been"
    r"|became|become)|im|grew up|was raised|were raised|raised as|came out(?: to \pL+(?: \pL+)?)? as|converted to|identif(?:y|ies) as|and always was,?)"
    rf"{_HOW}"
)
_FIELD = rf"[\"'*_]{{0,3}}\s{{0,3}}[:=][{SIGNS}]{{0,6}}"
_NEXT = r"[\"'*_]{0,3}(?:\s{0,3}[|\t>]\s{0,3}|\s[-–—]\s|\s(?:is|ist|est|es|è|é|jest)\s)[\"'“*_]{0,3}"
_RELIGION = r"(?:religion|faith|religious affiliation|denomination|konfession|religionszugehörigkeit|glaube|confession|religión|religione|religião|geloof|religie|wyznanie|religia)"
_ORIENTATION = (
    r"(?:sexual[ _]orientation|gender[ _]identity|sexuelle orientierung|orientation sexuelle|orientación sexual|orientamento sessuale|orientação sexual"
    r"|seksuele (?:geaardheid|oriëntatie)|orientacja seksualna)"
)
_BELIEFS = (
    rf"{_AM}{SET_OFF}({_FAITH}s?|{_LOVE})",
    rf"(?:my|our|his|her|their|an?) ((?:devout|strict|practi[cs]ing|lapsed|born[- ]again) {_FAITH}|{_FAITH} (?:faith|upbringing|parents|family|parish|home|household|background))",
    rf"(?:being|as)(?: an?)? ({_FAITH}|{_LOVE})(?: (?:man|woman|person|girl|boy|guy|teenager|couple|parent|mother|father)|,? (?:i|myself|my)|(?: and \pL+)? at work)",
    r"(?-i:\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+)?) (?:is|was)(?: (?:openly|also|now))? ((?:gay|lesbian|bisexual|transgender|trans|non-?binary|queer))",
    rf"{_RELIGION}{_FIELD}([\pL][\pL .'’-]{{2,24}}\pL)",
    rf"{_ORIENTATION}{_FIELD}([\pL][\pL -]{{1,24}}\pL)",
    rf"(?:{_RELIGION}|{_ORIENTATION}){_NEXT}({_ANY_OF})",
    r"(?:ich bin|bin|bist|ist|sind|war|waren|wurden?)(?: (?:sehr|gläubige[rn]?|gläubig und|streng|praktizierende[rn]?|ein|eine|als|nicht|auch)){0,2}"
    rf"{SET_OFF}({_FAITHS}|{_LOVES})",
    rf"(?:weil|dass|da|ob|wenn|obwohl) \pL{{2,12}} ({_FAITHS}|{_LOVES}) (?:bin|ist|sind|war|waren)",
    rf"(?:je suis|suis|est|étais|était|sommes|étions|étant|devenue?|en tant que)(?: (?:très|un|une|pas|aussi)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES})",
    rf"(?:soy|es|somos|eres|era|éramos|me hice|criad[oa])(?: (?:muy|un|una|no|también)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES}|gay|trans)",
    rf"(?:sono|è|e['’]|ero|era|siamo|eravamo|diventat[oa])(?: (?:molto|un|una|anche)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES}|gay|trans)",
    rf"(?:sou|é|era|somos|éramos|tornei|virei|criad[oa])(?: (?:muito|um|uma|também)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES}|gay|trans)",
    rf"(?:ik ben|ben|is|was|zijn|waren|opgevoed als)(?: (?:erg|een|streng|ook)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES}|evangelisch|homo|trans|queer)",
    rf"(?:jestem|jest|był|była|byłem|byłam|jesteśmy|zostałem|zostałam)(?: (?:bardzo|wierzącym|wierzącą|też)){{0,2}}{SET_OFF}({_FAITHS}|{_LOVES}|trans)",
)
_SPELT = r"(?:four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)"
_YEARS = rf"[*_\"“„«\x60]{{0,3}}(\d{{1,2}}|{_SPELT})"
_KIDS = r"(?:kids|children|sons|daughters|boys|girls|twins|nephews|nieces|grand(?:kids|children))"
_AGES = (
    r"(?:^|\n)(?:i['’]?m (?:an? )?)?([1-9]\d ?(?:yo ?|/)?(?:f|m|mtf|ftm|nb|female|male))[,;.) ]",
    rf"(?:i|me|he|she|him|{_KIN}) ?[(\[]([1-9]\d ?(?:yo ?|/)?(?:f|m|mtf|ftm|nb|female|male))[,;)\]]",
    rf"(?:my|our|his|her|their|the|['’]s|,|:) {_KIN}(?: \p{{Lu}}[\pL'’-]+)? ?[(\[] ?(\d{{1,2}}(?: (?:weeks|wks|months|mos|days))?) ?(?:yo|y/o|f|m|years?)? ?[)\],;]",
    rf"(?:my|our|his|her|their) {_KIN}(?: \p{{Lu}}[\pL'’-]+)?(?:,? (?:is|turns|turned|just turned|was|aged)|['’]s|,) (?:now |only |just |aged )?{_YEARS}(?:$|[.,;!?)\s*_\"”“\x60])",
    rf"(?:when|until|since) (?:i|he|she|we|they) (?:was|were|turned) (?:only |just |about |around )?{_YEARS}(?:$|[.,;!?)\s*_\"”“\x60])",
    rf"(?:i|he|she|we) (?:was|were) (?:only |just |about |around )?{_YEARS}[*_\"”“\x60]{{0,3}} (?:when|then|at the time|back then)",
    rf"(?:i am|i['’]m|im|he is|she is|he['’]s|she['’]s|who is|who['’]s|turned|turning) (?:only |just |now |nearly )?{_YEARS}(?:$|[,.;!?)](?:$|[\s)\"']))",
    rf"(?:at|from) the age of {_YEARS}",
    r"my (\d{1,2}) ?(?:y\.? ?/?o\.?|yr|yrs|mo) ",
    r"(?:my|our|his|her|their) (\d{1,2}(?:st|nd|rd|th)) birthday",
    r"age[\"'*_]{0,3}(?:\s{0,3}[|\t]\s{0,3}|\s[-–—]\s)[\"'*_]{0,3}(\d{1,3})(?:$|[\"'*_\s|,.;])",
    rf"(?:my|our|his|her|their|two|three) {_KIDS}(?:,| are| aged| ages| \() ?(?:both |aged )?{_YEARS}(?:[,; &)]|$)",
    rf"(?:(?:died|passed(?: away)?|married|widowed|retired|orphaned|diagnosed|pregnant|started|left school) (?:\pL+ ){{0,3}})at ((?:[1-9]\d|{_SPELT}))(?:$|[.,;!?)\s*_\"”“\x60])",
)
_SECOND_AGE = (
    rf"(?:my|our|his|her|their|two|three) {_KIDS}(?:,| are| aged| ages| \() ?\d{{1,2}}(?:, \d{{1,2}}){{0,3}}(?:,? (?:and|&) |, ){_YEARS}(?:$|[.,;!?)\s*_\"”“\x60])",
)
_COUNTED = re.compile(
    r"\s?(?:hours?|hrs?|minutes?|mins?|seconds?|feet|foot|ft|inch(?:es)?|cm|m\b|km|miles?|kg|lbs?|pounds|stone|%|percent|o['’]clock|am\b|pm\b|days? (?:late|early|ago)|times"
    r"|points?|degrees|blocks|steps|streets|houses|weeks? (?:late|pregnant|along)|of\b|to\b|in\b|out of\b|/)",
    re.I,
)
"""Behind a number that is no age."""
_CAR = (
    r"(?i:car|van|truck|lorry|vehicle|pickup|suv|taxi|cab|minibus|motorbike|motorcycle|scooter|moped|trailer|auto|wagen|transporter|lkw|pkw"
    r"|motorrad|anhänger|voiture|camion|camionnette|moto|coche|furgoneta|furgón|camión|macchina|furgone|furgoncino|carro|carrinha"
    r"|bestelbus|wagen|samochód|samochodu|auta|pojazd|fahrzeug|kfz|véhicule|vehículo|veículo|plates?|reg|registered|tag|fiesta|focus|transit|skoda|octavia|fabia|golf|polo|passat|vw|audi|bmw|mercedes|benz|opel"
    r"|astra|corsa|vauxhall|renault|clio|megane|peugeot|citro[eë]n|fiat|punto|panda|seat|ibiza|leon|toyota|corolla|yaris|hilux|prius|honda|civic|jazz"
    r"|nissan|qashqai|micra|mazda|hyundai|kia|volvo|ford|tesla|dacia|duster|sandero|suzuki|swift|mitsubishi|subaru|jeep|land rover|mini|v-class|sprinter)"
)
_PLATE = (
    r"(?:[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2}[- ]?\d{1,4}[EH]?|[A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}|\d{4}[ -]?[B-DF-HJ-NP-TV-Z]{3}"
    r"|[A-Z]{1,3}[- ]\d{2,4}[- ][A-Z]{1,3}(?: [A-Z]{2})?|\d{1,2}-[A-Z]{2,3}-\d{1,2}|[A-Z]{2}-\d{2}-\d{2}|[A-Z]{3}[- ]\d{3,4}(?:[- ]?[A-Z]{1,2})?|[A-Z]{3}\d[A-Z]\d{2}"
    r"|\d[A-Z]{3}\d{3}|\d{1,4} [A-Z]{2,3} \d{2})"
)
_POLISH_PLATE = r"(?:[A-Z]{1,3} ?\d[0-9A-Z]{3,4})"
_MOTORS = frozenset("CDI CRDI DCI EV GT GTD GTI HDI HP HSE KM KW KWH PHEV PS RS SD SDI TD TDI TFSI TSI V XL".split())
"""What stands at the end of the name of a model."""
_P = rf"(?:[{SIGNS}]{{1,5}}|\s?(?:…|\.\.\.)\s?)"
_PLATES = (
    rf"{_CAR}(?:['’]s)?(?:{_P}(?:[\pL'’.-]+|\d)){{0,2}}?{_P}({_PLATE})",
    rf"({_PLATE})[\"'”)\]*,]{{0,2}} (?:is|was|\()? ?(?i:my|our|his|her|their|mein|unser|ma|mi|il mio|o meu|mijn|mój)(?: \pL{{1,10}})? {_CAR}",
    rf"(?i:samochód|samochodu|auto|rejestracyjn\w{{1,3}}|rej\.|tablic\w{{0,2}}|rejestracj\w{{1,2}})(?i:(?:{_P}(?:to|o|numerze|nr))?){_P}({_POLISH_PLATE})",
    r"([A-HJ-PR-Y][A-HJ-PR-Y](?:0[2-9]|[12]\d|5[1-9]|6\d|7[0-6]) [A-HJ-PR-Z]{3})",
)
"""Beside a car, and in the form of Great Britain alone: two letters, the half-year, three letters."""
_NAMED_PLATES = (
    rf"(?:(?:licen[cs]e |number ?)?plates?|reg(?:istration)?|kennzeichen|nummernschild|immatriculée?|plaque(?: d['’]immatriculation)?|matr[ií]cula|placas?|targa(?:ta)?|kenteken)"
    rf"(?: (?:no|number|mark|plate|nr)\.?|\.)?{_P}(?:(?:is|was|ist|lautet|est|es|è|é|as|number|no\.?|nr\.?){_P})?({_PLATE})",
)
"""In small letters as well, where a word says that it is one."""

_AWAY = re.compile(r"\b(?:taxi|cab|van|car|truck|auto|wagen) (?:to|for|at|from|nach|pour|para|per|naar) ", re.I)
"""Where a car goes is no plate of it."""

_ROWS: Sequence[tuple[str, str, Sequence[str]]] = (
    *(("NRP", "(?i)", forms) for forms in FAMILY),
    ("NRP", "(?i)", [f"{form}(?:$|\\PL)" for form in _BELIEFS]),  # whole words: one may begin another
    ("AGE", "(?i)", _AGES),
    ("AGE", "(?i)", _SECOND_AGE),
    ("LICENSE_PLATE", "", _PLATES),
    ("LICENSE_PLATE", "(?i)", _NAMED_PLATES),
)
"""Label, flags, forms that are sought together: the first group that takes part is the finding."""


class Told:
    """Finds them."""

    def __init__(self) -> None:
        sources = [(label, f"{flags}(?:{'|'.join(forms)})") for label, flags, forms in _ROWS]
        self._patterns = [(label, compile_pattern(loose(source))) for label, source in sources]
        self.digest = hashlib.sha256(repr((SCORE, sources)).encode()).hexdigest()[:16]

    def find(self, text: str) -> Iterator[Finding]:
        for label, pattern in self._patterns:
            for match in pattern.finditer(text):
                start, end = match.span(match.taken)
                whole = bounded(text, match.start(), match.end()) and bounded(text, start, end)
                counted = label == "AGE" and _COUNTED.match(text, end) is not None
                if (
                    whole
                    and not counted
                    and not _part(text, start, end)
                    and not _AWAY.search(text, match.start(), start)
                ):
                    yield Finding(start, end, label, SCORE, NAME)


def _part(text: str, start: int, end: int) -> bool:
    """Whether it is a part of a longer word (``trans-parent``), or the name of a model of car."""
    joined = text[end : end + 1] == "-" and text[end + 1 : end + 2].isalpha()
    return joined or text[start:end].rsplit(maxsplit=1)[-1] in _MOTORS
