"""Somebody's health told in passing: a word for an illness, a treatment or a medicine beside a word for somebody.

What a text is about says little of it: a letter to a landlord is correspondence, and tells of dementia in half a
sentence. So the words of ``data/health.txt`` are sought, and one counts where its sentence (or the one before) speaks
of somebody: a relative, whoever is named, he or she, or who writes and says that he has it. Talk of people at large,
of professions, research, animals and figures of speech is none. In the languages of the detectors. Pure, linear.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from redaction.detectors.linear import Span
from redaction.detectors.terms import plain, words
from redaction.spans import met
from redaction.types import Finding

VERSION = "1"
DATA = Path(__file__).resolve().parent / "data" / "health.txt"
STEM = 4
"""Letters by which words are looked up that stand for any ending."""
REACH = 200
"""Code points of a sentence, and before it, that are read to either side of a word."""
NEAR, LARGE = 24, 60
"""Code points before a word that is often something else in which somebody must have it; before any, for talk at large."""
ALONE = 25
"""Code points before a word in a note that has no sentences (``Vascular dementia, type 2, fall risk.``)."""
TRIES = 6
"""Words of ``REACH`` code points that are looked at: a text of nothing else must not take longer than others."""
ENOUGH = 5
"""Places that are shown."""


def _any(*forms: str, behind: str = r"(?!\w)") -> re.Pattern[str]:
    return re.compile(f"(?<!\\w)(?:{'|'.join(forms)}){behind}", re.I)


_SOMEBODY = _any(
    r"he|she|him|his|her|hers|[s]?he['’]s|my|our|mrs|mr|ms|miss|mum|dad|mom|nan|gran|grandpa|grandma|\d{1,3}[- ]?(?:year|yr|month|week)s?[- ]old|\d{1,3} ?(?:yo|y/o)|pt|\w+['’]s",
    r"sein(?:e[mnrs]?)?|ihr(?:e[mnrs]?)?|mein(?:e[mnrs]?)?|unser(?:e[mnrs]?)?|er|ihm|ihn|herrn?|frau|pat|kolleg(?:en?|in)|mama|papa|oma|opa|mieter(?:in)?|bewohner(?:in)?|schwester|bruder|nachbar(?:in)?|(?:der|die) kleine[rn]?",
    r"mon|ma|mes|sa|ses|notre|nos|il|elle|lui|mme|mlle|monsieur|madame|l[ea] patiente?|le locataire|l[ea] salariée?|maman|mamie|papi|papy",
    r"mis?|nuestr[oa]s?|él|ella|señor(?:a|es)?|sra?|don|doña|d[ñn]a|pcte|mamá|papá|abuel[oa]|herman[oa]|hij[oa]s?|espos[oa]|marido|suegr[oa]|cuñad[oa]",
    r"mi[oa]|miei|mie|su[oa]|suoi|nostr[oai]|lei|gli|signora?|sig|mamma|nonn[oa]|figli[oa]|marito|moglie|suocer[oa]|fratello|sorella|ospite",
    r"meus?|minhas?|seus?|suas?|ele|ela|dele|dela|lhe|senhora?|dona|utente|m[ãa]e|pai|avó|avô|filh[oa]s?|irm[ãa]o?|sogr[oa]|colega|vizinh[oa]",
    r"mijn|m['’]n|hij|zij|ze|haar|hem|onze?|mevrouw|meneer|dhr|mw|mevr|moeder|vader|zus|broer|zoon|dochter|collega|buur(?:man|vrouw)",
    r"m[oó]j|moj[aąeę]|moj(?:ej|ego|emu)|jego|jej|jemu|on|ona|nasz[aey]?|pan|pan[aui]|panią|pacjent(?:ka|em|a|ki|kę)?|mam[aęy]|tat[aęy]|babci[aęi]|dziad(?:ek|ka)|mąż|męża|żon[aęy]|syn|syn(?:a|em)|córk[aęi]|brat|brata|siostr[aęy]|teściow[aąe]j?|koleżank[aęi]|kolega|lokator(?:ka)?",
)  # fmt: skip
"""Whoever a sentence speaks of."""
_SOMEONE = _any(
    r"(?:the|this|that|a|another|one) (?:[a-z]+ )?(?:patient|client|tenant|resident|employee|worker|colleague|claimant|applicant|candidate|student|pupil|customer|guest|member|driver|deceased|defendant|plaintiff|insured|man|woman|lady|boy|girl|child|son|daughter|mother|father)",
    r"(?:resident|client|pupil|claimant|employee|driver|patient|partner|husband|wife|son|daughter|uncle|aunt)",
    r"(?:der|die|des|dem|den) (?:patient(?:en|in)?|mandant(?:in)?|klient(?:in)?|mitarbeiter(?:in|s)?|versicherte[rn]?)",
    r"(?:el|la|del|al|il|o|a|do|da|de) (?:paciente|paziente|doente|cliente|trabajador|trabajadora|empleado|empleada|dipendente|lavoratore|colaborador|colaboradora|cliënte?|patiënte?|bewo(?:ner|onster))",
)  # fmt: skip
"""Anyone in a text on illness, somebody in others."""
_BEFORE = r"(?!\w)[^.!?\n]{0,48}$"
_I_HAVE = _any(
    r"(?:i|i['’](?:m|ve|d)|im|we|we['’](?:ve|re))(?: \w+ly| also| still| just| only| now| never| once| even| already| do| did| was| am| were| are)*"
    r" (?:have|had|['’]ve|got|get|am|was|were|suffer\w*|live|lived|struggle\w*|take|took|need(?:ed)?|use|used|carry|developed|caught|lost|survived|beat|tested|underwent|went|came|became|fell|missed|stopped|started|broke|slipped|injured)",
    r"i['’]m|im|i['’]ve|i['’]d|my",
    r"ich|mir|mich|leide|litt|nehme|habe?|hatte|bin|mein(?:e[mnrs]?)?",
    r"je|j['’]ai|j['’]avais|m['’]a|m['’]ont|souffre|suis|étant|prends|mon|ma|mes",
    r"tengo|tuve|tenía|sufro|padezco|estoy|he estado|tomo|soy|mis?|me",
    r"ho|avevo|soffro|prendo|sono|mi|mio|mia|miei|mie",
    r"tenho|tive|sofro|tomo|estou|t[ôo]|tou|peguei|fui|sou|meus?|minhas?",
    r"ik|mij|heb|lijd|slik|ben|mijn",
    r"mam|miałem|miałam|choruję|biorę|jestem|byłam|byłem|leżałem|leżałam|leczę|dostałem|dostałam|u mnie|m[oó]j|moj[aąeę]|mojej",
    behind=_BEFORE,
)  # fmt: skip
"""Who writes says that he has it."""
_HAVE = _any(
    r"has|have|had|diagnosed|suffer(?:s|ing)|surviv(?:ed|es)|gets?|got|is|was|isn['’]t|wasn['’]t|recover(?:ing|ed|s)|treated|treatment|taking|takes|took|admitted|hospitali[sz]ed|sidelined|signed off|off sick|due to|because of|on account of|living with|with|after|from|on",
    r"leide[tn]?|litt|erkrankt|diagnostiziert|diagnose[n]?|wegen|aufgrund|hat|hatte|ist|war|nach|mit|trotz|von|verträgt",
    r"a (?:une?|du|de|des|eu|fait|la|le)|souffre|souffrait|atteinte?|est|était|prend|suite à|à cause|pour|depuis|diagnostiquée?|opérée?|hospitalisée?|traitée?|suivie?|malade",
    r"tiene|tuvo|tenía|sufre|sufrió|padece|les?|está|estado|es|era|toma|operad[oa]|operaron|diagnosticad[oa]|diagnosticaron|ingresad[oa]|debido a|por|tras|con|de baja|enferm[oa]",
    r"ha|aveva|soffre|soffriva|prende|è|stat[oa]|operat[oa]|diagnosticat[oa]|ricoverat[oa]|malat[oa]|affett[oa]|a causa|causa|per|con|dopo|nonostante|trapiantat[oa]|positiv[oa]",
    r"tem|teve|tinha|sofre|sofreu|toma|está|tá|é|fazia|pegou|foi|faz|fez|operad[oa]|diagnosticad[oa]|internad[oa]|por|devido|com|afastad[oa]",
    r"had|heeft|lijdt|leed|slikt|wegens|vanwege|door|opgenomen|geopereerd|gediagnosticeerd|na|met|van",
    r"ma|miała?|choruje|chor[yaą]|cierpi|bierze|jest|był[ay]?|leżała?|po|leczy\w*|zdiagnozowan\w+|wykryto|stwierdzono|przez|dostała?|z|na",
    behind=_BEFORE,
)  # fmt: skip
"""Somebody has it."""
_ITS = _any(
    r"my|his|her|our|\w+['’]s|sein(?:e[mnrs]?)?|ihr(?:e[mnrs]?)?|mein(?:e[mnrs]?)?|mon|ma|mes|son|sa|ses|mis?|sus?|(?:il|la|i|le) (?:mi|su)[aeo]i?|miei|suoi|meus?|minhas?|seus?|suas?|mijn|zijn|haar|m[oó]j|moj[aąeę]|mojej|jego|jej",
    behind=r" (?:[\w-]+ ){0,2}$",
)
_YOURS = _any("your", "their", "ihre[mnr]?", "votre", "vuestr[oa]", "vostr[oa]", "uw", "państwa", behind=r" (?:[\w-]+ ){0,2}$")  # fmt: skip
"""Whose it is, right before the word."""
_SET_OFF = re.compile(r"(?:[(:;|,–—-]|^)\s?(?:[\w.-]+ ){0,2}$")
"""``Netta (cataract op)``, ``Bosun Ardi: hernia``."""
_AT_LARGE = _any(
    r"what (?:is|are|causes?|does|do|happens|helps?|works)|how (?:does|do|is|are|common|to|can)|which|symptoms?|causes?|signs?|prevalence|incidence|risks?|types?|kinds?|stages? of",
    r"treatments? (?:of|for|options)|therapies|research|researchers?|stud(?:y|ies)|trials?|awareness|charity|campaign|fight against|fundraiser|lecture|essay|thesis|article|paper|poster|book|novel|movie|film|series|documentary|chapter|lesson",
    r"homework|assignment|presentation|blog|leaflet|brochure|webinar|conference|course|workshop|speciali[sz](?:e|ed|es|ing) in|expert|speaker|people|persons|patients|adults|children|women|men|someone|somebody|anyone|everyone|those|sufferers|survivors",
    r"cases|rates?|statistics|deaths|prevent(?:s|ion|ing)?|vaccin\w+|screening|cure|market|drugs?|guidelines?|model|dataset|schema|table|column|field|enum|class|function|api",
    r"if|whether|may|might|can|would|could|almost|nearly|fear of|afraid of|gave me|gives? me|giving me|used to|diagnos(?:e|is of|ing)|tests? (?:for|to)",
    r"was (?:ist|sind)|wie (?:wird|kann|häufig|entsteht)|symptome?|ursachen?|behandlung von|menschen|patienten|personen|kinder|betroffene[nr]?|studien?|forschung|aufklärung|vortrag|artikel|buch|roman|referat|impfung|vorbeugung|risiko|statistik|fälle|über|fast|suchen",
    r"qu['’]est-ce|quel(?:le)?s?|symptômes?|causes|traitements? (?:de|du|contre)|personnes|patients|malades|enfants|gens|étude|recherche|article|livre|roman|exposé|campagne|lutte|vaccin|risques?|prévention|cas de|journée|failli|presque",
    r"qué|cuáles|cómo|síntomas?|causas|tratamientos? (?:de|para|contra)|personas|pacientes|gente|niños|estudio|investigación|artículo|libro|novela|campaña|lucha|vacuna|riesgos?|prevención|casos|sobre|casi|economía",
    r"cos['’]è|quali|come si|sintomi|cause|cura (?:del|della|per)|persone|pazienti|gente|bambini|studio|ricerca|articolo|libro|romanzo|campagna|lotta|vaccino|rischi[oa]?|prevenzione|casi|sul|sulla|quasi|caldaia",
    r"o que|quais|como|sintomas?|causas|tratamentos? (?:de|da|do|para)|pessoas|pacientes|doentes|gente|crianças|estudo|pesquisa|artigo|livro|romance|campanha|luta|vacina|riscos?|prevenção|casos|sobre|quase|unidade de",
    r"wat (?:is|zijn)|welke|hoe (?:wordt|kan|vaak)|symptomen|oorzaken|behandeling van|mensen|patiënten|kinderen|onderzoek|artikel|boek|roman|campagne|strijd|vaccin|risico|preventie|gevallen|over|bijna|algemeen",
    r"co to|czym jest|jak (?:się|leczyć)|objaw(?:y|ów|ami)|przyczyn(?:y|ami)?|leczeni[ea]|osób|osoby|ludzi|pacjentów|dzieci|badani[ae]|artykuł|książk[aęi]|powieść|kampani[aei]|walk[aię]|szczepi\w+|ryzyk\w+|profilaktyk\w+|przypadk\w+|prawie|oddział",
)  # fmt: skip
"""Before the word: people at large, what is written about illness, what only might be."""
_THING = re.compile(
    r"['’]?s?[\s/-](?:nurses?|specialists?|doctors?|physicians?|surgeons?|researchers?|research|scientists?|counsell?ors?|advisers?|advocates?|charity|charities|awareness|foundation|society|association|institute|cent(?:re|er)s?|clinics?|hospital|ward|unit|team|service|apps?|dataset|data|model|schema|table|screening|programme|program|prevention|market|drugs?|vaccines?"
    r"|epidemic|pandemic|outbreak|crisis|rates?|cases?|deaths|statistics|symptoms|study|studies|trials?|guidelines?|policy|policies|conference|day|month|week|walk|run|fundraiser|ribbon|training|course|book|lecture|of (?:luck|genius|the (?:brush|pen|clock))|measures|testing|tests?|response|restrictions|relief|era|risk)\b"
    r"|-?(?:forschung|klinik|station|beratung|hilfe|stiftung|verein|patienten|impfung|schwester|spezialist\w*|medikament|wohngruppe)\b"
    r"| (?:to|gegen|aux?|à|al|alle?|ai|a|às?|aos?|voor|na|on) (?:l[aeo]s? |de |die |das |the )?(?:meetings?|mondays?|calls?|work|early|montage?|besprechungen|réunions?|lundis?|tableaux|reuniones|lunes|call|riunioni|lunedì|reuniões|planilhas?|segundas|vergaderingen|maandagen|poniedziałk\w+|spotkania|statusy|seagulls)",
    re.I,
)  # fmt: skip
"""Behind it: what is called after an illness, and figures of speech (``allergic to meetings``)."""
_ANIMAL = _any(
    r"vets?|veterinar\w*|dogs?|cats?|pupp(?:y|ies)|kittens?|horses?|hamsters?|rabbits?|parrots?|cows?|goats?|sheep|chickens?|labrador|terrier|poodle|retriever|spaniel|ships?|roses?|tomatoes?|plants?|trees?|leaves",
    r"hund\w*|katzen?|kater|tierarzt|pferd\w*|chiens?|chats?|vétérinaire|perr[oa]s?|gat[oa]s?|cane|cani|gatt[oi]|cachorr[oa]s?|honden?|katten?|dierenarts|ps[ay]|psem|pies|kot[ay]?|kotka|weterynarz\w*",
)  # fmt: skip
_HELPS = re.compile(r"\b(?:service|assistance|guide|support|hearing)[ -](?:dogs?|animals?)|assistenz|guía|-guia|przewodnik", re.I)  # fmt: skip
_ENDS = re.compile(r"[.!?]+(?=\s|$)|\n")
_OTHERS = re.compile(
    r"patient|versicher|forsch|klinik|arzt|aerzt|schwester|station|hilfe|verein|olog|iat(?:er|r)|eir[oa]s?$|nurs|gesetz"
)
"""In the rest of a word: who cures it, and what is called after it."""
_WORD = re.compile(r"[^\W_]+")
_JOINTS = frozenset(" -’'\u00a0")


class _Entry(NamedTuple):
    words: tuple[str, ...]
    open: bool
    """The last word may go on."""
    capitals: str
    unsure: bool


class Lexicon:
    """The words, looked up by the first of an entry. A line each: ``?`` before what is often something else, ``*``
    behind what may go on; in capitals what counts in capitals only."""

    def __init__(self, source: str) -> None:
        self._plain: dict[str, bool] = {}
        """Most entries: one word, and whether it is often something else."""
        self._more: dict[str, tuple[_Entry, ...]] = {}
        """By the first word, or by its first letters where that may go on."""
        for line in source.splitlines():
            if line and not line.startswith("#"):
                self._add(line.strip())
        self._heads = frozenset(word[:STEM] for held in (self._plain, self._more) for word in held)
        self.digest = hashlib.sha256(source.encode()).hexdigest()[:16]

    def _add(self, said: str) -> None:
        unsure, said = said.startswith("?"), said.removeprefix("?")
        goes_on, said = said.endswith("*"), said.removesuffix("*")
        parts = tuple(word for _, _, word in words(said))
        capitals = said if said.isupper() else ""
        if len(parts) == 1 and not goes_on and not capitals:
            self._plain[parts[0]] = unsure and self._plain.get(parts[0], True)
            return
        stem = goes_on and len(parts) == 1 and len(parts[0]) >= STEM
        key = parts[0][:STEM] if stem else parts[0]
        self._more[key] = (*self._more.get(key, ()), _Entry(parts, goes_on, capitals, unsure))

    def find(self, text: str) -> Iterator[tuple[int, int, bool]]:
        """Places, and whether what stands there is often something else. Of several entries the longest counts."""
        heads, small = self._heads, text.isascii()
        for match in _WORD.finditer(text.lower() if small else text):
            word = match[0] if small else plain(match[0])
            if word[:STEM] not in heads:
                continue
            unsure = self._plain.get(word)
            best = None if unsure is None else (match.end(), unsure)
            more = self._more.get(word, ())
            for entry in (*more, *self._more.get(word[:STEM], ())) if len(word) > STEM else more:
                end = _end(entry, text, match, word)
                if end is not None and (best is None or (end, not entry.unsure) > (best[0], not best[1])):
                    best = end, entry.unsure
            if best is not None:
                yield match.start(), *best


def _end(entry: _Entry, text: str, first: re.Match[str], word: str) -> int | None:
    """Where ``entry`` ends that begins with ``first``; None where it does not stand there."""
    end = first.end()
    for number, wanted in enumerate(entry.words):
        if number:
            match = _WORD.match(text, end + 1) if text[end : end + 1] in _JOINTS else None
            if match is None:
                return None
            word, end = plain(match[0]), match.end()
        last = number == len(entry.words) - 1
        if not (_goes_on(word, wanted) if last and entry.open else word == wanted):
            return None
    return end if not entry.capitals or text[first.start() : end] == entry.capitals else None


def _goes_on(word: str, stem: str) -> bool:
    return word.startswith(stem) and _OTHERS.search(word, len(stem) - 1) is None


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """That of ``data/health.txt``. Raises OSError without it."""
    made = Lexicon(DATA.read_text(encoding="utf-8"))
    plain.cache_clear()  # its words come from texts, not from here
    return made


def told(text: str, findings: Sequence[Finding], at_large: bool = False) -> list[Span]:
    """The first few places where somebody's health is told, none within ``findings``. ``at_large``: the text is about
    nobody as a whole, so "the patient" and "your arthritis" may be anybody's."""
    ends = [0, *(m.end() for m in _ENDS.finditer(text)), len(text)]
    people = sorted(f.start for f in findings if f.label == "PERSON")
    held = sorted((f.start, f.end) for f in findings)
    starts, reaches = [low for low, _ in held], list(accumulate((high for _, high in held), max))
    out: list[Span] = []
    tried: deque[int] = deque([-REACH] * TRIES, TRIES)
    for start, end, unsure in lexicon().find(text):
        if start - tried[0] < REACH or met(start, end, starts, reaches):
            continue
        tried.append(start)
        at = bisect_right(ends, start) - 1
        low, high = max(ends[at], start - REACH), min(ends[min(at + 1, len(ends) - 1)], end + REACH)
        said = _Said(text[low:start], text[end:high], text[max(ends[max(at - 1, 0)], low - REACH) : low])
        before = bisect_right(people, start) - bisect_right(people, max(low - REACH, 0) - 1)
        near = bisect_right(people, high) - bisect_right(people, low - len(said.earlier) - 1)
        if said.of_somebody(unsure, near > 0, before > 0, at_large):
            out.append((start, end))
            if len(out) == ENOUGH:
                break
    return out


class _Said(NamedTuple):
    """What stands around a word."""

    before: str
    after: str
    earlier: str

    def of_somebody(self, unsure: bool, named: bool, named_before: bool, at_large: bool) -> bool:
        """``named``: a person in this sentence or the last; ``named_before``: in the text before."""
        if self._of_nobody():
            return False
        near = self.before[-NEAR:] if unsure else self.before
        if _I_HAVE.search(near) or _ITS.search(self.before):
            return True
        spoken = named or _SOMEBODY.search(self.before) is not None or _SOMEBODY.search(self.earlier) is not None
        someone = not at_large and (spoken or named_before or _SOMEONE.search(self.before) is not None)
        if someone and (_HAVE.search(near) or _YOURS.search(self.before) or _SET_OFF.search(self.before)):
            return True
        if unsure or at_large:
            return spoken and not unsure
        return spoken or (someone and (not named_before or len(self.before.strip()) <= ALONE))

    def _of_nobody(self) -> bool:
        if _THING.match(self.after) or _AT_LARGE.search(self.before[-LARGE:]):
            return True
        around = f"{self.before} {self.after}"
        return _ANIMAL.search(around) is not None and _HELPS.search(around) is None
