"""Writes ``docs/coverage.md`` from the tables: ``make coverage-doc``. A test says when the page is stale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wire.cases import ANYWHERE, SPLITS, WAYS, WORST
from wire.evasions import EVERY, SPELLED
from wire.surfaces import SURFACES, UNTABLED
from wire.tables import Row, Surface
from wire.values import VALUES

FILE = Path(__file__).parents[3] / "docs" / "coverage.md"
HEAD = """\
# Coverage

What of a request is looked at, and what comes back as it was. This page is written from the tables that the wire matrix
(`tests/contract/test_wire_matrix.py`) drives through one running gate, against a socket that keeps every byte that
arrives: `make coverage-doc`. The places are read from the vendors' own request types; a field or a route without a row
fails the build.

* **inspected, replaced**: what policy wants replaced leaves as a stand-in; a harmless text leaves with its own bytes.
* **not inspected: on premise only**: nobody here can read it, so it goes where policy lets uninspected content go,
  which is never the cloud. Its texts are looked at all the same.
* **set by the gate**, **refused**, **never leaves**: as the words say.

In a path, `[word]` is the member of a union, `[*]` any of them, `.~` any JSON with its keys and numbers, `.**` whatever
is below, `(bytes)` data in base64. A path is the end of a place's path, or all of it after `/`.
"""
OUT = """\
## Out of scope

Ciphers and codes (ROT13, Morse, base32, base85, uuencode, UTF-7), three encodings one in another, reversed text, digits
as words, ASCII letters for similar ones (`O` for `0`), compressed data in base64, bytes in variation selectors and
other steganography, values whose pieces stand in different fields or with text between them, and text in images and
sound (uninspected; there is no OCR). What identifies a person without an identifier is not found. More in
[limitations](limitations.md).
"""


def text() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for s in SURFACES for line in _surface(s)), *_values(), *_evasions(), OUT])


def _surface(surface: Surface) -> Iterator[str]:
    routes = surface.routes or (("POST", surface.route),)
    yield f"## {surface.name}\n"
    yield ", ".join(f"`{verb} {route}`" for verb, route in routes) + "\n"
    if surface.sdk:
        yield f"{len(surface.places)} places in {surface.sdk}.\n"
    if surface.like:
        yield f"Read as {surface.like}, where every place is tried; here one of each row is.\n"
    yield from _rows(surface)
    yield "| comes back | how |\n|---|---|"
    yield from (f"| {place} | {how} |" for place, how in surface.back)
    yield ""


def _rows(surface: Surface) -> Iterator[str]:
    """The rows with a place here, but those that the surface it is read as has too."""
    other = next((s for s in SURFACES if s.name == surface.like), None)
    known = {other.row(p.path) for p in other.places} if other is not None else set()
    used = {surface.row(p.path) for p in surface.places} - known
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in surface.rows:
        if row in used:
            groups.setdefault((row.handling, row.note), []).append(row)
    if not groups:
        return
    yield "| where | what happens |\n|---|---|"
    for (handling, note), rows in groups.items():
        yield f"| {_paths(rows)} | {handling}{f': {note}' if note else ''} |"
    if surface.json:
        yield "| any other member, and its name | inspected, replaced |"
    yield ""


def _paths(rows: Sequence[Row]) -> str:
    return ", ".join(f"`{r.path}`" for r in rows)


def _values() -> Iterator[str]:
    labels = dict.fromkeys(v.label for v in VALUES)
    yield "## Values\n"
    yield f"{len(VALUES)} canaries of {len(labels)} labels, each with a harmless twin of the same look:"
    yield ", ".join(f"`{label}`" for label in labels) + ".\n"


def _evasions() -> Iterator[str]:
    yield "## Spellings and ways in\n"
    yield "Every spelling, in one place of each surface that has a reader of its own: " + _words(EVERY) + "."
    yield from (f"Of a {name} also: {_words(known)}." for name, known in SPELLED.items())
    yield f"In one place of every row, and of every other surface: {_words(WORST)}.\n"
    yield f"On every surface with a JSON body: {_words(WAYS)}."
    yield f"One value in two pieces: {_words(SPLITS)}."
    yield f"On every surface: {_words(ANYWHERE)}.\n"
    if UNTABLED:
        yield "## Routes without a table\n"
        yield from (f"* `{verb} {route}`: {why}" for (verb, route), why in UNTABLED.items())
    yield ""


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
