"""Wide lists: names of census offices, and the words, definitions and famous people of WordNet.

``data/names.json.gz``: surnames borne by 100 people or more in the United States by the origin that most bearers name
(Census 2010, public domain), first names by the same groups (Tzioumis 2018, CC0), first names given 40 times or more in
the United States since 1930 (Social Security Administration, public domain) and borne by 150 people or more in Brazil
(IBGE 2010). WordNet 3.1 is read from ``WORDNET``, a folder of its database files (WordNet licence, Princeton).
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
WORDNET = Path()
GROUPS = ("white", "black", "api", "native", "hispanic")
_THINGS = {"act": 4, "animal": 5, "artifact": 6, "attribute": 7, "body": 8, "cognition": 9, "communication": 10, "event": 11, "feeling": 12, "food": 13, "object": 17,
           "phenomenon": 19, "plant": 20, "possession": 21, "process": 22, "quantity": 23, "shape": 25, "state": 26, "substance": 27}  # fmt: skip


@cache
def held() -> dict[str, dict[str, list[str]] | list[str]]:
    return dict(json.loads(gzip.decompress((HERE / "data" / "names.json.gz").read_bytes())))


def cased(name: str, r: Random) -> str:
    """As it is written: most with one capital letter, Mc and O with two at times."""
    for start in ("mc", "mac", "de", "la", "van", "o"):
        rest = name[len(start) :]
        if name.startswith(start) and len(rest) > 3:
            if start == "mc" or (start == "mac" and r.random() < 0.3):
                return start.capitalize() + rest.capitalize()
            if start == "o" and len(rest) > 4 and rest[0] not in "aeiourlswmtnbdgkv" and r.random() < 0.5:
                return "O'" + rest.capitalize()
            if start in ("de", "la", "van") and r.random() < 0.06:
                return start.capitalize() + rest.capitalize()
    return name.capitalize()


def group(r: Random) -> str:
    return r.choice(("white", "white", "black", "black", "api", "api", "hispanic", "native"))


def first(r: Random, origin: str) -> str:
    names = held()
    x = r.random()
    by_group = names["first"]
    assert isinstance(by_group, dict)
    if x < 0.45:
        pool: list[str] = by_group[origin]
    else:
        wide = names["first_br" if origin == "hispanic" and x < 0.8 else "first_us"]
        assert isinstance(wide, list)
        pool = wide
        if r.random() < 0.4:  # the more common ones stand first
            pool = wide[:6000]
    return cased(r.choice(pool), r)


def last(r: Random, origin: str) -> str:
    by_group = held()["surnames"]
    assert isinstance(by_group, dict)
    return cased(r.choice(by_group[origin]), r)


@cache
def _lines() -> tuple[str, ...]:
    out: list[str] = []
    for part in ("noun", "verb", "adj", "adv"):
        text = (WORDNET / f"data.{part}").read_text("utf-8")
        out += [line for line in text.splitlines() if not line.startswith("  ")]
    return tuple(out)


def _lemmas(line: str) -> list[str]:
    fields = line.split(" ")
    return [fields[4 + 2 * i].split("(")[0] for i in range(int(fields[3], 16))]


@cache
def words() -> frozenset[str]:
    """English words in small letters with their regular forms."""
    out: set[str] = set()
    for line in _lines():
        for lemma in _lemmas(line):
            if not (lemma.isascii() and lemma.isalpha() and lemma.islower() and len(lemma) > 2):
                continue
            out.add(lemma)
            kind = line.split(" ")[2]
            if kind in "nv":
                out.add(_plural(lemma))
            if kind == "v":
                stem = lemma[:-1] if lemma.endswith("e") else lemma
                past = lemma[:-1] + "ied" if re.search("[^aeiou]y$", lemma) else stem + "ed"
                out |= {stem + "ing", past}
    return frozenset(out)


def _plural(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search("(s|x|z|ch|sh)$", word) else "s")


@cache
def things(kind: str = "") -> tuple[str, ...]:
    """Names of things in small letters, of one kind or of all."""
    wanted = {_THINGS[kind]} if kind else set(_THINGS.values())
    out: set[str] = set()
    for line in _lines():
        fields = line.split(" ", 4)
        if fields[2] == "n" and int(fields[1]) in wanted:
            out |= {
                x.replace("_", " ")
                for x in _lemmas(line)
                if x.islower() and x.replace("_", "").replace("-", "").isalpha()
            }
    return tuple(sorted(out))


@cache
def famous() -> tuple[str, ...]:
    """People of history and books that a dictionary knows."""
    out: set[str] = set()
    for line in _lines():
        fields = line.split(" ", 4)
        if fields[2] == "n" and int(fields[1]) == 18 and " @i " in line:
            out |= {x.replace("_", " ") for x in _lemmas(line) if x[0].isupper() and len(x) > 3}
    return tuple(sorted(out))


@cache
def glosses() -> tuple[str, ...]:
    """Definitions and example sentences."""
    out = []
    for line in _lines():
        gloss = line.split(" | ", 1)[1].strip()
        out.append(gloss)
        out += re.findall(r'"([^"]{25,})"', gloss)
    return tuple(out)
