"""Labelled training texts: templates filled at random, court cases with their gold labels, and plain texts without any.

``{slot}`` is filled, ``[one|another|]`` is chosen. Labels: see ``SLOTS``. What is no personal data but found by patterns
(e-mail, URL, card) is labelled ``?`` and does not count in training.
"""

from __future__ import annotations

import gzip
import json
import pydoc_data.topics as topics
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from zlib import crc32

from training import fillers, negatives, spoken
from training.fillers import LANGUAGES, Fill
from training.slots import MORE

HERE = Path(__file__).parent
CLASSIFIER = HERE.parent / "redaction" / "data" / "training"
Span = tuple[int, int, str]
SKIP = "?"
SLOTS = {
    "p": "PERSON", "f": "PERSON", "l": "PERSON", "pi": "PERSON", "o": "ORGANIZATION", "h": "ORGANIZATION", "c": "LOCATION",
    "k": "LOCATION", "s": "LOCATION", "a": "ADDRESS", "st": "ADDRESS", "z": "ADDRESS", "d": "DATE_TIME", "my": "DATE_TIME",
    "y": "DATE_TIME", "t": "DATE_TIME", "age": "AGE", "n": "AGE", "nat": "NRP", "rel": "NRP", "sex": "NRP", "j": "PROFESSION",
    "u": "USERNAME", "id": "REFERENCE_NUMBER", "ph": "PHONE_NUMBER", "e": SKIP, "url": SKIP, "m": "PERSON", "np": "PERSON",
    "fam": "PERSON", "hn": "ADDRESS", "po": "ADDRESS", "crt": "ORGANIZATION", "sch": "ORGANIZATION", "dr": "DATE_TIME", "hash": SKIP, "pl": SKIP,
}  # fmt: skip
LABELS = (
    "PERSON",
    "ORGANIZATION",
    "LOCATION",
    "ADDRESS",
    "DATE_TIME",
    "AGE",
    "NRP",
    "PROFESSION",
    "USERNAME",
    "REFERENCE_NUMBER",
    "PHONE_NUMBER",
)
GOLD = {
    "PERSON": "PERSON", "ORG": "ORGANIZATION", "LOCATION": "LOCATION", "ADDRESS": "ADDRESS", "DATE_TIME": "DATE_TIME", "DOB": "DATE_TIME",
    "AGE": "AGE", "NRP": "NRP", "PROFESSION": "PROFESSION", "USERNAME": "USERNAME", "OTHER_ID": "REFERENCE_NUMBER", "PHONE": "PHONE_NUMBER",
}  # fmt: skip
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{([A-Za-z]+)\}|<<([a-z]+)>>")
_OLD = {
    "name": "p",
    "first": "f",
    "last": "l",
    "addr": "a",
    "phone": "ph",
    "email": "e",
    "company": "o",
    "date": "d",
    "city": "c",
    "id": "id",
}


@cache
def templates(name: str) -> tuple[str, ...]:
    lines = (HERE / "templates" / f"{name}.txt").read_text("utf-8").splitlines()
    return tuple(line.replace("\\n", "\n") for line in lines if line.strip())


@cache
def old_templates() -> tuple[str, ...]:
    """What the payload classifier learns from: letters, notes, code and questions in English and German."""
    out = []
    for file in sorted(CLASSIFIER.glob("*.jsonl")):
        out += [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines() if line.strip()]
    return tuple(out)


@cache
def plain(language: str) -> tuple[str, ...]:
    """Sentences nobody is named in: Django's and Sphinx's translations (BSD), Python's help topics (PSF)."""
    import django
    import sphinx

    found: list[str] = []
    roots = [Path(django.__file__).parent, Path(sphinx.__file__).parent]
    for file in sorted(p for root in roots for p in root.glob("**/*.po")):
        parts = set(file.parts)
        if language == "en" and "de" in parts:
            found += _entries(file, "msgid")
        elif parts & {language, language + "_BR", language + "_PT"}:
            found += _entries(file, "msgstr")
    if language == "en":
        for text in topics.topics.values():
            found += [" ".join(p.split()) for p in text.split("\n\n") if len(p) > 60]
    return tuple(s for s in found if len(s) > 15)


def _entries(file: Path, key: str) -> list[str]:
    blocks = re.findall(rf'^{key} ((?:".*"\n?)+)', file.read_text("utf-8"), re.M)
    texts = [
        "".join(json.loads(line) if "\\" not in line else line[1:-1] for line in b.strip().splitlines()) for b in blocks
    ]
    return [t.replace("\\n", " ").replace('\\"', '"') for t in texts if t and "Project-Id" not in t]


SHARES = {
    (False, True): (0.48, 0.54), (False, False): (0.65, 0.72), (True, True): (0.38, 0.56), (True, False): (0.52, 0.74),
}  # fmt: skip
"""Of texts that name nobody, up to where templates and exercises go: by whether there are to be more exercises, and
whether the language is English."""


class Writer:
    """Writes one text after another from one seed. ``exercises``: with three times as many of those."""

    def __init__(self, seed: int, exercises: bool = False) -> None:
        self.r = Random(seed)
        self.exercises = exercises

    def text(self) -> tuple[str, list[Span]]:
        """One text with its spans."""
        r = self.r
        x = r.random()
        if x < 0.12:
            made = self._court()
        else:
            language = r.choices(LANGUAGES, (34, 11, 10, 12, 8, 9, 7, 9))[0]
            made = self._document(language)
        return self._recased(*made)

    def _document(self, language: str) -> tuple[str, list[Span]]:
        r = self.r
        fill = Fill(r, language)
        fill.casual = r.random() < 0.2
        shout = r.choice((0.0, 0.0, 0.0, 0.0, 0.03, 0.1, 0.3))
        harmless = r.random() < 0.1
        pieces: list[tuple[str, list[Span]]] = []
        for _ in range(r.choice((1, 1, 2, 2, 3, 4))):
            pieces.append(self._piece(fill, harmless))
        text, spans = joined(pieces, [r.choice((" ", "\n", "\n\n")) for _ in pieces])
        return (raised(text, spans, shout, r), spans) if shout else (text, spans)

    def _piece(self, fill: Fill, harmless: bool) -> tuple[str, list[Span]]:
        """A part of a document; harmless ones name nobody."""
        r, language = self.r, fill.language
        x = r.random()
        if not harmless and x < 0.60:
            return self._filled(r.choice(templates(language)), fill)
        if not harmless and x < 0.75:
            return self._nonsense(fill)
        if not harmless and x < 0.79 and language == "en":
            return self._filled(r.choice(old_templates()), fill)
        y = r.random()
        wordings, exercises = SHARES[self.exercises, language == "en"]
        if y < wordings:
            return self._filled(r.choice(templates(language + "_neg")), fill, harmless=True)
        if y < exercises:
            return negatives.problem(fill)
        if y < 0.72 and language == "en":
            return negatives.knowledge(fill)
        if y < 0.88 and language == "en":
            return negatives.gloss(fill)
        return " ".join(self._plainly(r.choice(plain(language)), fill) for _ in range(r.randint(1, 5))), []

    def _nonsense(self, fill: Fill) -> tuple[str, list[Span]]:
        """Words in no order, sometimes with a name among them: what is no name in any context, and what is in any."""
        r = self.r
        kinds = ("p", "p", "p", "p", "f", "f", "l", "c", "c", "k", "d", "pi", "h", "crt")
        text, spans = "", []
        for _ in range(r.choice((1, 1, 2, 3))):
            sentence = fill.sentence()
            words = sentence.split(" ")
            at = r.randrange(len(words) + 1) if r.random() < 0.6 else -1
            for number in range(len(words) + 1):
                if number == at:
                    name = r.choice(kinds)
                    before = r.choice(("", "", "", "", "(", '"'))
                    value = self._value(name, fill)
                    spans.append((len(text) + len(before), len(text) + len(before) + len(value), SLOTS[name]))
                    text += (
                        before + value + {"(": ")", '"': '"'}.get(before, r.choice(("", "", "", "'s", ",", ":"))) + " "
                    )
                if number < len(words):
                    text += (words[number].capitalize() if not number and not fill.casual else words[number]) + " "
            text = text[:-1] + r.choice((". ", ". ", "! ", "? ", "\n", " "))
        return text.rstrip(), spans

    def _plainly(self, text: str, fill: Fill) -> str:
        return re.sub(r"%\(?\w*\)?[sd]|\{\w*\}", lambda _: fill.word(), text)

    def _filled(self, template: str, fill: Fill, harmless: bool = False) -> tuple[str, list[Span]]:
        r = self.r
        while _CHOICE.search(template):
            template = _CHOICE.sub(lambda m: r.choice(m[1].split("|")), template, count=1)
        out, spans, at, size = [], [], 0, 0
        for match in _SLOT.finditer(template):
            before = self._noised(template[at : match.start()], fill)
            name = match[1] or _OLD.get(match[2], match[2])
            value = self._value(name, fill)
            if name == "hash" and not before.endswith("#"):
                before += "#"
            out += [before, value]
            start = size + len(before)
            size = start + len(value)
            at = match.end()
            if name in SLOTS and not (harmless and name == "pl" and r.random() < 0.4):
                spans.append((start, size, SLOTS[name]))
        out.append(self._noised(template[at:], fill))
        text = "".join(out)
        return text, with_units(text, spans)

    def _noised(self, text: str, fill: Fill) -> str:
        """Now and then another word in place of a long one, so that no wording is learned by heart."""
        r = self.r
        if r.random() < 0.5:
            return text
        return re.sub(r"(?<![\w@<{])[a-zà-ÿ]{5,}(?![\w}>])", lambda m: fill.word() if r.random() < 0.08 else m[0], text)

    def _value(self, name: str, fill: Fill) -> str:
        r = self.r
        simple = {
            "p": fill.person, "f": fill.first, "l": fill.last, "pi": fill.initials, "o": fill.org, "h": fill.hospital, "c": fill.city,
            "k": fill.country, "s": fill.city, "a": fill.address, "st": fill.street, "z": fill.postcode, "d": fill.date, "my": fill.month_year,
            "y": fill.year, "t": fill.time, "age": fill.age, "n": fill.number_of_years, "nat": fill.nation, "id": fill.code, "u": fill.handle,
            "ph": fill.phone, "D": fill.disease, "A": fill.acronym, "r": fill.term, "K": fill.country, "w": fill.word, "W": fill.title_word, "dw": fill.weekday,
        }  # fmt: skip
        if name in simple:
            return self._inflected(simple[name](), name, fill)
        if name in MORE:
            return self._inflected(MORE[name](fill), name, fill)
        if name == "WW":
            return fill.title_word().upper()
        if name == "T":
            return fill.term().capitalize() if r.random() < 0.7 else r.choice(fillers.DRUGS).capitalize()
        if name == "M":
            return r.choice(fillers.DRUGS) if r.random() < 0.7 else fill.term()
        if name == "U":
            return r.choice(fillers.UNITS)
        if name == "sex":
            return r.choice(fillers.SEXES[fill.language].split())
        if name == "rel":
            return r.choice(fillers.FAITHS[fill.language].split())
        if name == "j":
            return spoken.occupation(r, fill.language, fillers.jobs(fill.language))
        if name == "e":
            return f"{fill.handle()}@{fill.word()}.{r.choice(('com', 'org', 'de', 'fr', 'net'))}"
        if name == "num":
            return r.choice(
                (
                    str(r.randint(2, 60)),
                    str(r.randint(2, 2000)),
                    f"{r.randint(1, 99)}.{r.randint(0, 9)}",
                    f"{r.randint(1, 999)},{r.randint(100, 999)}",
                )
            )
        if name in ("amt", "amount"):
            return r.choice(("€ {:,}", "${:,}", "{:,} EUR", "PLN {:,}", "{:,} euros")).format(r.randint(100, 200_000))
        if name == "ver":
            return f"{r.randint(0, 20)}.{r.randint(0, 20)}" + (f".{r.randint(0, 9)}" if r.random() < 0.5 else "")
        if name in ("hex", "key", "pw"):
            return "".join(r.choice(string.ascii_letters + string.digits) for _ in range(r.choice((8, 16, 32))))
        if name in ("card", "iban"):
            return "".join(r.choice(string.digits) for _ in range(16))
        return fill.word()

    def _inflected(self, value: str, name: str, fill: Fill) -> str:
        """Polish cases for names, roughly; a possessive in English now and then stays outside of this."""
        r = self.r
        if fill.language != "pl" or name not in ("p", "f", "l", "c", "m", "np") or r.random() < 0.5:
            return value
        return " ".join(_polish(w, r) for w in value.split(" "))

    def _recased(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        x = self.r.random()
        other = text.lower() if x < 0.09 else text.upper() if x < 0.12 else text
        if len(other) != len(text):
            return text, spans
        if x >= 0.12 and self.r.random() < 0.04:  # only the names in small letters, as in chats
            chars = list(text)
            for start, end, label in spans:
                if label in ("PERSON", "LOCATION", "ORGANIZATION") and len(text[start:end].lower()) == end - start:
                    chars[start:end] = text[start:end].lower()
            other = "".join(chars)
        return other, spans

    def _court(self) -> tuple[str, list[Span]]:
        """A stretch of a court case; half of the time its names, places and dates are exchanged."""
        r = self.r
        text, spans, language = r.choice(court())
        start = r.randrange(max(1, len(text) - 900))
        start = text.rfind("\n", 0, start) + 1
        end = min(len(text), start + r.choice((400, 900, 1200)))
        inside = [(a - start, b - start, label) for a, b, label in spans if a >= start and b <= end]
        cut = text[start:end]
        return self._exchanged(cut, inside, Fill(r, language)) if r.random() < 0.5 else (cut, inside)

    def _exchanged(self, text: str, spans: list[Span], fill: Fill) -> tuple[str, list[Span]]:
        r, out, done, at, size = self.r, [], [], 0, 0
        makers = {
            "PERSON": (fill.person, fill.initials, fill.last), "LOCATION": (fill.city,), "ORGANIZATION": (fill.org,), "DATE_TIME": (fill.date,),
            "NRP": (fill.nation,), "REFERENCE_NUMBER": (fill.code,),
        }  # fmt: skip
        for start, end, label in spans:
            if start < at:
                continue
            value = text[start:end]
            plain_date = label == "DATE_TIME" and re.fullmatch(r"\d{1,2} \w+ \d{4}", value)
            if label in makers and r.random() < 0.6 and (label != "DATE_TIME" or plain_date) and not value.islower():
                value = r.choice(makers[label])()
            out += [text[at:start], value]
            size += start - at
            done.append((size, size + len(value), label))
            size += len(value)
            at = end
        return "".join([*out, text[at:]]), done


SUITE = Path()


def held_out(name: str) -> bool:
    """A fifth of the court cases is never trained on: what is said of such texts is measured on it."""
    return crc32(name.encode()) % 5 == 0


@cache
def court() -> tuple[tuple[str, list[Span], str], ...]:
    """Labelled court cases (MIT): TAB in English, ECHR in French and Spanish; the parts named train only."""
    out = []
    for name in ("tab_train", "echr_es_train", "echr_fr_train"):
        with gzip.open(SUITE / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                if held_out(row["id"]):
                    continue
                spans = [
                    (s["start"], s["end"], SKIP if s.get("nomask") else GOLD.get(s["label"], SKIP))
                    for s in sorted(row["spans"], key=lambda s: s["start"])
                ]
                out.append((row["text"], spans, row["lang"]))
    return tuple(out)


_PLAIN_WORD = re.compile(r"(?<![\w@#])[a-zà-ÿ]{3,}(?!\w)")


def raised(text: str, spans: list[Span], share: float, r: Random) -> str:
    """Some of the words outside of spans with a capital first letter, or all in capitals: titles, headings, roles."""
    inside = {i for start, end, _ in spans for i in range(start, end)}
    loud = r.random() < 0.3

    def other(match: re.Match[str]) -> str:
        word = match[0]
        if match.start() in inside or r.random() > share or len(word.upper()) != len(word):
            return word
        return word.upper() if loud else word.capitalize()

    return _PLAIN_WORD.sub(other, text)


_UNIT = re.compile(
    r"[ -]?(?:years?[ -]old|years of age|y/o|yo\b|años(?: de edad)?|meses|ans\b|anni|anos|Jahre alt\w*|Jahren?|jährig\w*|-jährige?r?|jaar|lata?\b|letni\w*|l\.)"
)


def with_units(text: str, spans: list[Span]) -> list[Span]:
    """An age with the years that belong to it."""
    out = []
    for start, end, label in spans:
        unit = _UNIT.match(text, end) if label == "AGE" else None
        out.append((start, unit.end() if unit else end, label))
    return out


def joined(pieces: list[tuple[str, list[Span]]], seams: list[str]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for (piece, found), seam in zip(pieces, seams, strict=True):
        spans += [(a + len(text), b + len(text), label) for a, b, label in found]
        text += piece + seam
    return text.rstrip(), spans


def _polish(word: str, r: Random) -> str:
    if len(word) < 4 or not word.isalpha() or word.isupper():
        return word
    if word.endswith(("ski", "cki")):
        return word + r.choice(("ego", "emu", "m"))
    if word.endswith(("ska", "cka")):
        return word[:-1] + r.choice(("iej", "ą"))
    if word.endswith(("sz", "rz", "cz", "ż", "c", "j", "l", "ś", "ń", "ź")):
        soft = {"ś": "si", "ń": "ni", "ź": "zi"}.get(word[-1])
        return (word[:-1] + soft if soft else word) + r.choice(("a", "owi", "em", "u"))
    if word.endswith(("eł", "er", "ec", "el")) and len(word) > 4:
        return word[:-2] + word[-1] + r.choice(("a", "owi", "em", "u"))
    if word.endswith("a"):
        return word[:-1] + r.choice(("y", "ę", "ie", "ą", "i", "o"))
    if word.endswith("ek"):
        return word[:-2] + r.choice(("ka", "kiem", "kowi"))
    if word[-1] not in "aeiouyąę":
        return word + r.choice(("a", "em", "owi", "ie"))
    return word


def texts(seed: int, exercises: bool = False) -> Iterator[tuple[str, list[Span]]]:
    """Texts without end."""
    writer = Writer(seed, exercises)
    while True:
        yield writer.text()
