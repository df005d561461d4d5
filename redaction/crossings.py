"""Where a place is said by two streets: "the corner of Alma Road and 5th Street" is one address. Pure, linear.

Detectors find the streets, seldom both, and what stands around them tells the rest: an announcement of a crossing, and
that one of the two is found as an address or is called a street.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

SCORE = 0.7
"""Of a crossing whose streets no detector found: as other addresses by their form."""
MOST = 8
"""Parts of one street's name."""
_LINKS = r"(?:(?:de|du|des|la|le|les|el|los|las|del|della|dei|di|da|do|dos|das|a|o|the|den|der|van|von) |[ld]['’])"
_ANNOUNCED = compile_pattern(
    r"(?i)(?:^|[^\pL\pN])((?:(?:the )?(?:street |(?:north|south|east|west|ne|nw|se|sw)[ \-]?(?:east|west)? ?)?"
    r"(?:corner|intersection|junction) of|cnr(?: of)?|(?:the )?corner(?: where)?|"
    r"(?:an der |der )?(?:Ecke|Kreuzung)(?: von)?|(?:en )?(?:la )?esquina(?: de| con)?|"
    r"(?:en )?el cruce de|(?:à )?l['’]angle(?: de| du| des)?|(?:au )?(?:coin|croisement)(?: de| du| des)?|"
    r"(?:all['’])?(?:angolo|incrocio)(?: di| tra| fra| con)?|(?:op )?(?:de )?(?:hoek|kruising)(?: van)?|"
    r"(?:na )?(?:esquina|cruzamento) d[aeo]s?|(?:na )?(?:rogu|skrzyżowaniu)|(?:u )?zbiegu|róg)"
    rf"[ \n])({_LINKS}{{0,2}})"
)
"""What says that two streets follow; group 2: articles and the like before the first."""
_AND = re.compile(r"(?: (?:and|&|und|et|y|con|e|en|i|com a) | ?/ ?)")
_ENDED = re.compile(r"(?<= )(?:and|und|et|y|e|en|i)$")
_WORD = r"(?:[^\W\d_a-z][\w.'’-]{0,40}|\d{1,5}(?:st|nd|rd|th)?)"
_WORDS = re.compile(rf"{_WORD}(?: {_WORD}){{0,2}}")
_TYPES = (
    r"(?:rue|avenue|av\.|boulevard|bd|place|quai|cours|route|calle|avenida|avda\.|plaza|paseo|camino|carrer|via|viale|"
    r"piazza|corso|largo|vicolo|rua|travessa|praça|alameda|ulic[ay]|ul\.|al\.|alei|aleja)"
)
_STREET = rf"(?:{_TYPES} {_LINKS}{{0,2}})?{_WORD}(?: {_LINKS}{{0,2}}{_WORD})"
_JOINT = rf"(?: ?,? (?:(?i:and|und|et|y|con|e|en|i|com|with|meets)|&) {_LINKS}{{0,2}}| ?[/&] ?| - )"
_BOTH = re.compile(rf"(?P<one>{_STREET}{{0,3}}?){_JOINT}(?P<other>{_STREET}{{0,2}})(?<![.'’-])")
_CALLED = re.compile(
    r"(?i)\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|place|square|terrace|way|highway|hwy|"
    r"parkway|pkwy|trail|broadway)\b|(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer|straat|laan|plein|gracht|kade)"
    rf"(?:\W|$)|\b{_TYPES} "
)
"""What streets are called in eight languages."""
_PARTS = frozenset({"ADDRESS", "LOCATION", "PERSON", "ORGANIZATION"})


def crossings(text: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    """One more finding for each crossing that is announced, from the announcement to the end of the other street."""
    parts: dict[int, int] = {}
    streets: dict[int, list[Finding]] = {}
    for f in findings:
        if f.label in _PARTS:
            parts[f.start] = max(parts.get(f.start, 0), f.end)
        if f.label == "ADDRESS":
            streets.setdefault(f.start, []).append(f)
    starts = sorted(streets)
    ends = list(accumulate((max(f.end for f in streets[at]) for at in starts), max))
    for said in _ANNOUNCED.finditer(text):
        start, both = said.start(1), _BOTH.match(text, said.end())
        found = [f for at in {said.start(2), said.end()} for f in streets.get(at, ())]
        for f in found:
            end = _other(text, f.end, parts)
            joined = both is not None and both.end("one") <= f.end <= both.start("other")
            yield replace(f, start=start, end=max(end, both.end()) if both and joined else end)
        if found or both is None:
            continue
        before = bisect_left(starts, both.end())
        known = before > 0 and ends[before - 1] > both.start()
        if known or _CALLED.search(both["one"]) or _CALLED.search(both["other"]):
            yield Finding(start, both.end(), "ADDRESS", SCORE, "patterns")


def _other(text: str, end: int, parts: dict[int, int]) -> int:
    """Where the other street ends; ``end`` if there is none."""
    ended = _ENDED.search(text, max(0, end - 5), end)
    joint = _AND.match(text, ended.start() - 1 if ended else end)
    if joint is None:
        return end
    at = joint.end()
    if at not in parts:
        words = _WORDS.match(text, at)
        return words.end() if words else end
    for _ in range(MOST):  # "Leokadia" a person, "Trail" an address
        end = parts[at]
        at = end + 1
        if text[end:at] != " " or at not in parts:
            break
    return end
