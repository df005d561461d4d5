"""What people tell of somebody in a few words of a kind: family, belief, orientation, an age in the shorthand of forums,
the plate of a car. In the languages of the detectors, the shorthand in English.

No check stands behind any of it, so each form needs words that say it of somebody. RE2 only, linear.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from redaction.detectors.family import FAMILY
from redaction.detectors.linear import compile_pattern
from redaction.spans import bounded
from redaction.types import Finding

NAME = "patterns"
SCORE = 0.55

_FAITH = (
    r"(?:christian|catholic|protestant|lutheran|baptist|methodist|anglican|presbyterian|evangelical|pentecostal|mormon|mennonite|amish|quaker"
    r"|orthodox(?: christian| jew(?:ish)?)?|jehovah['’]?s witness|muslim|sunni|shia|shi['’]ite|ahmadi|sufi|jew(?:ish)?|hindu|sikh|jain"
    r"|buddhist|bah[aá]['’]?i|zoroastrian|pagan|wiccan|druze|alevi|yazidi|atheist|agnostic|rastafari(?:an)?|scientologist)"
)
_KIN = (
    r"(?:son|daughter|kid|child|baby|toddler|boy|girl|twins?|husband|wife|partner|mother|father|mom|mum|dad|sister|brother|nephew|niece"
    r"|grand(?:son|daughter|mother|father|ma|pa)|aunt|uncle|cousin|fianc[eé]e?|boyfriend|girlfriend|neighbou?r|bf|gf)"
)
_LOVE = r"(?:gay|lesbian|bisexual|pansexual|asexual|transgender|trans(?: (?:man|woman|girl|guy|person))?|non[- ]?binary|queer|intersex)"
_AM = (
    rf"(?:(?:i|we|he|she|they|who|my {_KIN}|(?:my|our|his|her|their) (?:parents|family|wife|folks|kids|children)) ?(?:am|['’]m|are|['’]re|is|['’]s|was|were)"
    r"|im|grew up|was raised|were raised|raised as|came out(?: to \pL+(?: \pL+)?)? as|converted to|identif(?:y|ies) as)"
    r"(?: (?:an?|now|also|both|very|quite|still|openly|a? ?devout|strictly?|practi[cs]ing|born|half|deeply|not|never|a? ?lapsed)){0,3}"
)
_BELIEFS = (
    rf"{_AM} ({_FAITH}s?|{_LOVE})",
    rf"(?:my|our|his|her|their|an?) ((?:devout|strict|practi[cs]ing|lapsed|born[- ]again) {_FAITH}|{_FAITH} (?:faith|upbringing|parents|family|parish))",
    r"(?:religion|faith|religious affiliation|denomination|konfession|religion|religión|religione|religião|geloof|wyznanie)\s{0,2}[:=]\s{0,2}"
    r"([\pL][\pL .-]{2,20}\pL)",
    r"(?:sexual orientation|gender identity)\s{0,2}[:=]\s{0,2}([\pL][\pL -]{1,20}\pL)",
    r"(?:ich bin|bin|ist|er ist|sie ist)(?: (?:sehr|gläubige[rn]?|streng|praktizierende[rn]?|ein|eine))? "
    r"((?:katholisch|evangelisch|protestantisch|orthodox|muslimisch|jüdisch|hinduistisch|buddhistisch|konfessionslos|atheist(?:in)?|muslim(?:in)?"
    r"|moslem(?:in)?|jude|jüdin|christin?|katholikin?|schwul|lesbisch|bisexuell|trans|nichtbinär|queer))",
    r"(?:je suis|suis|est|étais|était)(?: (?:très|un|une))? ((?:catholique|protestante?|évangélique|orthodoxe|musulmane?|juive?|juif|hindoue?"
    r"|bouddhiste|athée|gay|lesbienne|bisexuelle?|homosexuelle?|trans|non[- ]binaire))",
    r"(?:soy|es|somos|eres|era)(?: (?:muy|un|una))? ((?:católic[oa]|evangélic[oa]|protestante|ortodox[oa]|musulm[aá]na?|judí[oa]|hindú|budista"
    r"|ate[oa]|testigo de jehová|mormón|mormona|gay|lesbiana|bisexual|homosexual|trans))",
    r"(?:sono|è|ero|era)(?: (?:molto|un|una))? ((?:cattolic[oa]|evangelic[oa]|protestante|ortodoss[oa]|musulman[oa]|ebre[oa]|induista|buddista|ate[oa]"
    r"|testimone di geova|gay|lesbica|bisessuale|omosessuale|trans))",
    r"(?:sou|é|era|somos)(?: (?:muito|um|uma))? ((?:católic[oa]|evangélic[oa]|protestante|ortodox[oa]|muçulman[oa]|jud(?:eu|ia)|hindu|budista|ateu|ateia"
    r"|espírita|testemunha de jeová|gay|lésbica|bissexual|homossexual|trans))",
    r"(?:ik ben|ben|is|was)(?: (?:erg|een|streng))? ((?:katholiek|protestants?|gereformeerd|hervormd|evangelisch|moslim|moslima|islamitisch|joods|hindoe(?:stáns)?"
    r"|boeddhist(?:isch)?|atheïst|homo(?:seksueel)?|lesbisch|biseksueel|trans|queer))",
    r"(?:jestem|jest|był|była)(?: (?:bardzo|wierzącym|wierzącą))? ((?:katoli(?:kiem|czką|k|czka)|protestant(?:em|ką)|prawosławn[ya]|muzułman(?:inem|ką)|żydem"
    r"|żydówką|ateist(?:ą|ką)|świadkiem jehowy|gejem|lesbijką|biseksualn[ya]|homoseksualn[ya]|trans))",
)
_SPELT = r"(?:four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)"
_AGES = (
    r"(?:^|\n)(?:i['’]?m (?:an? )?)?([1-9]\d ?(?:yo ?|/)?(?:f|m|mtf|ftm|nb|female|male))[,;.) ]",
    rf"(?:i|me|he|she|{_KIN}) ?[(\[]([1-9]\d ?(?:yo ?|/)?(?:f|m|mtf|ftm|nb|female|male))[,;)\]]",
    rf"(?:my|our|his|her|their|the|['’]s|,|:) {_KIN}(?: \p{{Lu}}[\pL'’-]+)? ?[(\[] ?(\d{{1,2}}(?: (?:weeks|wks|months|mos|days))?) ?(?:yo|y/o|f|m|years?)? ?[)\],;]",
    rf"(?:my|our|his|her) {_KIN}(?: \p{{Lu}}[\pL'’-]+)?,? (?:is|turns|turned|just turned|was|aged) (?:now |only |just )?((?:\d{{1,2}}|{_SPELT}))(?:$|[.,;!?)]| and | years| yrs)",
    rf"(?:when|until|since) (?:i|he|she|we|they) (?:was|were|turned) (?:only |just |about |around )?((?:\d{{1,2}}|{_SPELT}))(?:$|[.,;!?)\s])",
    rf"(?:at|from) the age of ((?:\d{{1,2}}|{_SPELT}))",
    rf"(?:she|he)(?: is|['’]s) (?:only |just |now )?({_SPELT})(?:$|[.,;!?)])",
    rf"(?:(?:died|passed(?: away)?|married|widowed|retired|orphaned|diagnosed|pregnant|started|left school) (?:\pL+ ){{0,3}})at ((?:[1-9]\d|{_SPELT}))(?:$|[.,;!?)\s])",
)
_CAR = (
    r"(?i:car|van|truck|lorry|vehicle|pickup|suv|taxi|cab|minibus|motorbike|motorcycle|scooter|moped|trailer|auto|wagen|transporter|lkw|pkw"
    r"|motorrad|anhänger|voiture|camion|camionnette|moto|coche|furgoneta|furgón|camión|macchina|furgone|furgoncino|carro|carrinha"
    r"|bestelbus|wagen|samochód|samochodu|auta|plates?|reg|tag|fiesta|focus|transit|skoda|octavia|fabia|golf|polo|passat|vw|audi|bmw|mercedes|benz|opel"
    r"|astra|corsa|vauxhall|renault|clio|megane|peugeot|citro[eë]n|fiat|punto|panda|seat|ibiza|leon|toyota|corolla|yaris|hilux|prius|honda|civic|jazz"
    r"|nissan|qashqai|micra|mazda|hyundai|kia|volvo|ford|tesla|dacia|duster|sandero|suzuki|swift|mitsubishi|subaru|jeep|land rover|mini|v-class|sprinter)"
)
_PLATE = (
    r"(?:[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|[A-Z]{1,3}[- ][A-Z]{1,2}[- ]?\d{1,4}[EH]?|[A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}|\d{4} ?[B-DF-HJ-NP-TV-Z]{3}"
    r"|[A-Z]{1,3}[- ]\d{2,4}[- ][A-Z]{1,3}(?: [A-Z]{2})?|\d{2}-[A-Z]{2}-\d{2}|[A-Z]{3}[- ]\d{3,4}(?:[- ]?[A-Z]{1,2})?)"
)
_MOTORS = frozenset("CDI CRDI DCI EV GT GTD GTI HDI HP HSE KM KW KWH PHEV PS RS SD SDI TD TDI TFSI TSI V XL".split())
"""What stands at the end of the name of a model."""
_PLATES = (
    rf"{_CAR}(?:[ ,:(-]{{1,2}}[\pL'-]{{1,14}}){{0,2}}?[ ,:(-]{{1,2}}({_PLATE})",
    r"([A-HJ-PR-Y][A-HJ-PR-Y](?:0[2-9]|[12]\d|5[1-9]|6\d|7[0-6]) [A-HJ-PR-Z]{3})",
)
"""Beside a car, and in the form of Great Britain alone: two letters, the half-year, three letters."""

_AWAY = re.compile(r"\b(?:taxi|cab|van|car|truck|auto|wagen) (?:to|for|at|from|nach|pour|para|per|naar) ", re.I)
"""Where a car goes is no plate of it."""

_ROWS: Sequence[tuple[str, str, Sequence[str]]] = (
    *(("NRP", "(?i)", forms) for forms in FAMILY),
    ("NRP", "(?i)", _BELIEFS),
    ("AGE", "(?i)", _AGES),
    ("LICENSE_PLATE", "", _PLATES),
)
"""Label, flags, forms that are sought together: the first group that takes part is the finding."""


class Told:
    """Finds them."""

    def __init__(self) -> None:
        sources = [(label, f"{flags}(?:{'|'.join(forms)})") for label, flags, forms in _ROWS]
        self._patterns = [(label, compile_pattern(source)) for label, source in sources]
        self.digest = hashlib.sha256(repr((SCORE, sources)).encode()).hexdigest()[:16]

    def find(self, text: str) -> Iterator[Finding]:
        for label, pattern in self._patterns:
            for match in pattern.finditer(text):
                start, end = match.span(match.taken)
                whole = bounded(text, match.start(), match.end()) and bounded(text, start, end)
                if whole and not _part(text, start, end) and not _AWAY.search(text, match.start(), start):
                    yield Finding(start, end, label, SCORE, NAME)


def _part(text: str, start: int, end: int) -> bool:
    """Whether it is a part of a longer word (``trans-parent``), or the name of a model of car."""
    joined = text[end : end + 1] == "-" and text[end + 1 : end + 2].isalpha()
    return joined or text[start:end].rsplit(maxsplit=1)[-1] in _MOTORS
