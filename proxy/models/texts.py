"""Training texts of the payload classifier: the committed templates, filled in, and a labelled suite on disk.

Everything is drawn from a seeded generator, so the same templates and seed give the same texts. Values filled
in are invented. This module reads files only and trains nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redaction
from proxy.errors import ConfigError

TEMPLATES = Path(redaction.__file__).parent / "data" / "training"

SUITE_CATEGORIES: Mapping[str, str] = {
    "general": "general", "math": "general", "medical_knowledge": "general", "support": "general",
    "meeting": "internal", "legal": "legal", "source_code": "source_code", "phi": "health",
    "credentials": "credentials", "pci": "financial",
}  # fmt: skip
"""Category of the suite -> ours. ``pii`` has none: it is about identifiers, which detectors find."""

TRAINABLE = (
    "abachaa/MTS-Dialog", "abachaa/MedQuAD", "PolyAI-LDN/task-specific-datasets", "openai/human-eval",
    "mongodb/kingfisher", "praetorian-inc/noseyparker", "HazyResearch/legalbench:tasks/cuad_",
    "HazyResearch/legalbench:tasks/contract_nli_", "HazyResearch/legalbench:tasks/maud_",
)  # fmt: skip
"""Sources whose licence allows weights trained on them to be shipped. Others are for evaluation only."""

WORDS: Mapping[str, Sequence[str]] = json.loads((TEMPLATES / "words.json").read_text("utf-8"))
"""Names and places that fill the slots."""

_SLOT = re.compile(r"<<([a-z]+)>>")

_NEUTRAL: Mapping[str, str] = {
    "name": "Alex", "first": "Alex", "last": "Alex", "email": "an email address", "phone": "a phone number",
    "addr": "an address", "iban": "a number", "card": "a number", "id": "a number", "key": "a value",
    "pw": "a value", "host": "a host",
}  # fmt: skip

_BEFORE = (
    "Summarise the following:\n\n", "Please rewrite this so that it is clearer:\n\n", "Translate this into German:\n\n",
    "What does this mean?\n\n", "Can you check this for mistakes?\n\n", "Explain this to me:\n", "Context:\n",
    "Here is what I got, help me with it.\n\n",
)  # fmt: skip
_AFTER = (
    "\n\nReply in two sentences.", "\n\nWhat do you think?", "\n\nMake it shorter.", "\n\nAnswer in bullet points.",
    "\n\nThanks!",
)  # fmt: skip

_LEAST_CUT = 160
"""Characters of the shortest text that is cut; a piece of a shorter one says too little."""
_TYPOS = 0.02

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled text; ``source`` tells where it comes from, ``kind`` is the label of that source."""

    text: str
    category: str
    source: str
    kind: str
    group: int = -1
    """Number of the template, so that cross-validation never tests on a sibling of a training text."""


def templates(folder: Path = TEMPLATES) -> list[tuple[str, str]]:
    """(category, template) of every committed line, in a fixed order."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            found.append((row["category"], row["text"]))
    return found


def expand(pairs: Sequence[tuple[str, str]], seed: int) -> list[Sample]:
    """Each template as neutral text, with values, inside chat instructions, and worn: wrapped, mistyped or cut."""
    rng = random.Random(seed)  # noqa: S311 - variety of texts, not secrecy
    samples = []
    for group, (category, template) in enumerate(pairs):
        texts = [fill(template, rng, neutral=True), fill(template, rng)]
        for _ in range(2):
            before, after = rng.choice(_BEFORE), rng.choice(_AFTER)
            inner = fill(template, rng, neutral=rng.random() < 0.5)
            texts.append(rng.choice((before + inner, inner + after, f'{before}"""\n{inner}\n"""')))
        texts.append(_worn(fill(template, rng, neutral=rng.random() < 0.5), rng))
        samples += [Sample(text, category, "self-made", category, group) for text in dict.fromkeys(texts)]
    return samples


def fill(template: str, rng: random.Random, *, neutral: bool = False) -> str:
    """``template`` with its ``<<slots>>`` filled in."""
    return _SLOT.sub(lambda match: _value(match[1], rng, neutral=neutral), template)


def _worn(text: str, rng: random.Random) -> str:
    """``text`` as it comes out of forms, web pages, quick fingers and buffers that end too early."""
    way = rng.choice(("json", "html", "quoted", "typed", "cut"))
    if way == "json":
        return json.dumps({rng.choice(("text", "content", "body", "message")): text}, ensure_ascii=rng.random() < 0.5)
    if way == "html":
        return "<p>" + html.escape(text, quote=False).replace("\n", "<br>") + "</p>"
    if way == "quoted":
        return "> " + text.replace("\n", "\n> ")
    if way == "cut" and len(text) > _LEAST_CUT:
        size = rng.randint(_LEAST_CUT // 2, len(text))
        start = rng.randint(0, len(text) - size)
        return text[start : start + size]
    return "".join(_mistyped(letter, rng) for letter in text)


def _mistyped(letter: str, rng: random.Random) -> str:
    if not letter.isalpha() or rng.random() > _TYPOS:
        return letter
    return rng.choice(("", letter * 2, rng.choice("abcdefghijklmnopqrstuvwxyz")))


def _value(slot: str, rng: random.Random, *, neutral: bool) -> str:
    if neutral and slot in _NEUTRAL:
        return _NEUTRAL[slot]
    first, last, city = rng.choice(WORDS["first"]), rng.choice(WORDS["last"]), rng.choice(WORDS["cities"])
    month = rng.choice(WORDS["months"])
    digits = "".join(rng.choices("0123456789", k=20))
    values = {
        "first": first,
        "last": last,
        "name": f"{first} {last}",
        "city": city,
        "company": rng.choice(WORDS["companies"]),
        "addr": f"{rng.choice(WORDS['streets'])} {digits[:2]}, {digits[2:7]} {city}",
        "phone": rng.choice((f"+49 30 {digits[:7]}", f"({digits[:3]}) 555-{digits[3:7]}", f"07{digits[:9]}")),
        "email": f"{first}.{last}@example.{rng.choice(('com', 'org', 'de'))}".lower(),
        "iban": rng.choice(("DE", "GB", "FR"))
        + digits[:2]
        + "".join(f" {digits[at : at + 4]}" for at in (2, 6, 10, 14)),
        "card": f"4{digits[:3]} {digits[3:7]} {digits[7:11]} {digits[11:15]}",
        "amount": rng.choice((f"${digits[:2]},{digits[2:5]}.00", f"{digits[:3]}.{digits[3:5]} EUR", f"£{digits[:4]}")),
        "date": rng.choice((f"1{digits[0]} {month} 20{digits[2:4]}", f"20{digits[:2]}-0{digits[2]}-1{digits[3]}")),
        "id": rng.choice((digits[:8], f"{rng.choice(_ALPHABET[:24])}{digits[:6]}", f"{digits[:4]}-{digits[4:8]}")),
        "key": "".join(rng.choices(_ALPHABET, k=rng.choice((20, 32, 40)))),
        "pw": "".join(rng.choices(_ALPHABET + "!#$%", k=10)),
        "disease": rng.choice(WORDS["diseases"]),
        "host": f"{rng.choice(('db', 'api', 'git', 'build'))}.{rng.choice(('internal', 'corp', 'prod'))}.example",
    }
    return values[slot]


def suite(folder: Path) -> list[Sample]:
    """The labelled suite ``sensitivity_dev.jsonl.gz``. Raises ConfigError when it is not there."""
    path = folder / "sensitivity_dev.jsonl.gz"
    if not path.is_file():
        raise ConfigError(f"models: {path} does not exist; --suite takes the folder of the evaluation sets")
    return list(_rows(path))


def _rows(path: Path) -> Iterator[Sample]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            yield Sample(row["text"], SUITE_CATEGORIES.get(row["category"], ""), row["source"], row["category"])


def may_train(sample: Sample) -> bool:
    """Whether weights trained on this sample may be shipped."""
    return bool(sample.category) and sample.source.startswith(TRAINABLE)


def data_digest(samples: Sequence[Sample]) -> str:
    """SHA-256 of texts and labels, to tie a head to what it was trained on."""
    whole = hashlib.sha256()
    for sample in samples:
        whole.update(json.dumps([sample.category, sample.text]).encode())
    return whole.hexdigest()
