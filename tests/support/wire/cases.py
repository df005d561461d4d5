"""The cases of the matrix, made from the tables of surfaces, values and spellings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import brotli
from wire.evasions import EVERY, HARMLESS, SPELLED
from wire.run import Case
from wire.shapes import Place, fill
from wire.surfaces import SURFACES
from wire.tables import FIRST, JSON, REST, Request, Surface, to_json
from wire.values import CARD, MAIL, VALUES

BOTH = f"Please note {MAIL.value} and the card {CARD.value} for later."
TWIN = f"Please note {HARMLESS} for later."
EVERY_LABEL = "every label"
LARGE = 30
"""Places of a surface from which on each label has a request of its own."""
SAID = "Please note {} and the card {} for later."
HALVES = (MAIL.value[:14], MAIL.value[14:])
HALF_TWINS = ("the green gar", "den fence")
WORST = ("zero-width in all", "full width", "base64 in a sentence", "JSON in JSON")
"""Spellings that are tried in one place of every row."""


def all_cases() -> list[Case]:
    """Every place × two values. Every label × one place of each large surface; all labels in one text of the others.
    Every spelling × one place of each surface, the worst × one place of each row. Every other way in × each surface.

    A surface that is read as another one: one place of each row × two values, the worst spellings × one place.
    """
    out: list[Case] = []
    for surface in SURFACES:
        out += in_places(surface)
        if surface.row(surface.plain) in surface.one_per_row():
            out += _labels(surface)
            out += _spelled(surface)
            out += _ways(surface)
    return out


def in_places(surface: Surface) -> Iterator[Case]:
    """An e-mail address and a card in every place, and harmless words."""
    for place in surface.tried():
        yield from _pair("place", surface, place, "plain", (BOTH, TWIN), (MAIL.value, CARD.value))


def _pair(
    group: str, surface: Surface, place: Place, name: str, texts: tuple[str, str], values: tuple[str, ...]
) -> Iterator[Case]:
    """A text with values, and its harmless twin."""
    odd = place.refusals
    yield Case(group, surface, place.path, name, surface.says(place, texts[0]), values, refusals=odd)
    yield Case(f"{group} twin", surface, place.path, name, surface.says(place, texts[1]), text=texts[1], refusals=odd)


def _labels(surface: Surface) -> Iterator[Case]:
    """Every label in one place."""
    place = surface.place(surface.plain)
    if surface.like or len(surface.places) < LARGE:
        texts = "\n".join(v.text() for v in VALUES), "\n".join(v.text(v.twin) for v in VALUES)
        yield from _pair("label", surface, place, EVERY_LABEL, texts, tuple(v.value for v in VALUES))
        return
    for value in VALUES:
        yield from _pair("label", surface, place, value.name, (value.text(), value.text(value.twin)), (value.value,))


def _spelled(surface: Surface) -> Iterator[Case]:
    """Every spelling in one place, the worst in one place of each row that takes any text."""
    plain = surface.place(surface.plain)
    rest = [p for p in surface.one_per_row().values() if not (p is plain or p.binary or surface.like)]
    for name, make in EVERY.items():
        if surface.like and name not in WORST:
            continue
        texts = SAID.format(make(MAIL.value), make(CARD.value)), f"Please note {make(HARMLESS)} for later."
        for place in (plain, *(rest if name in WORST else ())):
            yield from _pair("spelling", surface, place, name, texts, (MAIL.value, CARD.value))
    for value in () if surface.like else (MAIL, CARD):
        for name, text in SPELLED[value.name].items():
            said = surface.says(plain, value.text(text))
            yield Case("spelling", surface, plain.path, f"{value.name}: {name}", said, (value.value,))


# -- other ways in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """``make(surface, text)`` is a request with the text somewhere; ``refusals`` are codes a harmless one may get."""

    make: Callable[[Surface, str], Request]
    refusals: frozenset[str] = frozenset()
    texts: tuple[str, str] = (BOTH, TWIN)
    values: tuple[str, ...] = (MAIL.value, CARD.value)


def _plain(surface: Surface, text: str, **more: Any) -> Request:
    place = surface.place(surface.plain)
    return surface.made({**fill(place.body, text), **more}) if more else surface.says(place, text)


def _coded(coding: str, make: Callable[[bytes], bytes], kind: Mapping[str, str] = JSON) -> Callable[..., Request]:
    def request(surface: Surface, text: str) -> Request:
        plain = _plain(surface, text)
        headers = {**kind, "content-encoding": coding} if coding else kind
        return replace(plain, headers=headers, coding=make)

    return request


def _field(make: Callable[[str], dict[str, Any]]) -> Callable[[Surface, str], Request]:
    return lambda surface, text: _plain(surface, "hello", **make(text))


def _source(change: Callable[[bytes, str], bytes]) -> Callable[[Surface, str], Request]:
    """A body whose JSON source is changed: ``change(body of a harmless request, text)``."""
    return lambda surface, text: _changed(_plain(surface, "hello"), lambda body: change(body, text))


def _changed(request: Request, change: Callable[[bytes], bytes]) -> Request:
    return replace(request, body=change(request.body))


def _header(name: str) -> Callable[[Surface, str], Request]:
    def request(surface: Surface, text: str) -> Request:
        plain = _plain(surface, "hello")
        return replace(plain, headers={**plain.headers, name: text})

    return request


def _query(surface: Surface, text: str) -> Request:
    plain = _plain(surface, "hello")
    return replace(plain, path=f"{plain.path}{'&' if '?' in plain.path else '?'}note={text}")


def _path(surface: Surface, text: str) -> Request:
    plain = _plain(surface, "hello")
    path, mark, query = plain.path.partition("?")
    return replace(plain, path=f"{path}/{text}{mark}{query}")


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(c):04x}" for c in text).encode()


def _member(source: bytes) -> Callable[[bytes, str], bytes]:
    """Adds a member to the end of a body; ``TEXT`` in it is the text as a JSON string."""
    return lambda body, text: body[:-1] + b", " + source.replace(b"TEXT", json.dumps(text).encode()) + b"}"


MAIL_ONLY: Mapping[str, Any] = {"texts": (MAIL.value, "the-green-fence"), "values": (MAIL.value,)}
DIGITS: Mapping[str, Any] = {"texts": (CARD.value, "19443703570741501"), "values": (CARD.value,)}
"""The twin is a number that no kind of number allows; a number alone in its place needs no word beside it."""
UNREAD = frozenset({"invalid_json", "duplicate_key", "invalid_encoding"})
WAYS: Mapping[str, Way] = {
    "an unknown field": Way(_field(lambda t: {"x_note": t})),
    "an unknown field, deep": Way(_field(lambda t: {"x_note": {"a": [{"b": [t]}]}})),
    "an unknown key": Way(_field(lambda t: {"x_note": {t: 1}})),
    "a number": Way(_field(lambda t: {"x_note": int(t)}), **DIGITS),
    "a number as a fraction": Way(_source(lambda b, t: b[:-1] + f', "x_note": {t}.0}}'.encode()), **DIGITS),
    "a list of digits": Way(_field(lambda t: {"x_note": list(t)}), **DIGITS),
    "JSON in JSON in JSON": Way(_field(lambda t: {"x_note": json.dumps({"a": json.dumps({"b": json.dumps([t])})})})),
    "escapes in the JSON source": Way(_source(lambda b, t: b.replace(b'"hello"', b'"' + _escaped(t) + b'"'))),
    "escaped keys in the JSON source": Way(_source(lambda b, t: b[:-1] + b', "' + _escaped(t) + b'": 1}')),
    "a key twice, value first": Way(_source(_member(b'"x": TEXT, "x": 1')), UNREAD),
    "a key twice, value last": Way(_source(_member(b'"x": 1, "x": TEXT')), UNREAD),
    "after the end": Way(_source(lambda b, t: b + json.dumps(t).encode()), UNREAD),
    "a comment": Way(_source(lambda b, t: b"/* " + t.encode() + b" */" + b), UNREAD),
    "a byte order mark": Way(_coded("", lambda b: b"\xef\xbb\xbf" + b), UNREAD),
    "UTF-16": Way(_coded("", lambda b: b.decode().encode("utf-16")), UNREAD),
    "UTF-16 without a mark": Way(_coded("", lambda b: b.decode().encode("utf-16-le")), UNREAD),
    "UTF-32": Way(_coded("", lambda b: b.decode().encode("utf-32")), UNREAD),
    "UTF-7 in a charset": Way(_coded("", bytes, {"content-type": "application/json; charset=utf-7"})),
    "text/plain": Way(_coded("", bytes, {"content-type": "text/plain"}), frozenset({"unsupported_content_type"})),
    "a form": Way(
        _coded("", bytes, {"content-type": "application/x-www-form-urlencoded"}),
        frozenset({"unsupported_content_type"}),
    ),
    "no content type": Way(_coded("", bytes, {}), frozenset({"unsupported_content_type"})),
    "gzip": Way(_coded("gzip", gzip.compress)),
    "deflate": Way(_coded("deflate", zlib.compress)),
    "brotli": Way(_coded("br", brotli.compress)),
    "a coding that lies": Way(_coded("gzip", bytes), frozenset({"invalid_compression"})),
    "an unknown coding": Way(_coded("x-rot13", bytes), frozenset({"unsupported_encoding"})),
    "the model's name": Way(_field(lambda t: {"model": f"case-0/{t}"}), **MAIL_ONLY),
}
"""For a body that is one JSON object, and names the model."""
ANYWHERE: Mapping[str, Way] = {
    "a header": Way(_header("x-note")),
    "the user agent": Way(_header("user-agent")),
    "a cookie": Way(_header("cookie")),
    "an SDK's header": Way(_header("x-stainless-runtime")),
    "an organisation's header": Way(_header("openai-organization")),
    "a conversation's header": Way(_header("sealgate-conversation")),
    "a trace header": Way(_header("traceparent")),
    "the query": Way(_query, frozenset({"unexpected_query"}), **MAIL_ONLY),
    "the path": Way(_path, frozenset({"path_not_served", "unsupported_content_type"}), **MAIL_ONLY),
}
"""For every surface."""


def transports() -> list[str]:
    return [*WAYS, *ANYWHERE, *(f"in two pieces {name}" for name in SPLITS)]


SPLITS = tuple(dict.fromkeys(name for s in SURFACES for name in s.splits))


def _ways(surface: Surface) -> Iterator[Case]:
    """Every other way in; of a surface that shares its dialect with another those that no dialect sees."""
    bodies = WAYS if surface.json and not surface.like else {}
    for name, way in {**bodies, **ANYWHERE}.items():
        if name == "the model's name" and not surface.named:
            continue
        bad, good = (way.make(surface, text) for text in way.texts)
        yield Case("way", surface, "", name, bad, way.values, refusals=way.refusals)
        yield Case("way twin", surface, "", name, good, refusals=way.refusals, text="hello")
    for name, part in surface.splits.items():
        title = f"in two pieces {name}"
        for group, halves in (("way", HALVES), ("way twin", HALF_TWINS)):
            made = surface.made(_filled(part, halves))
            yield Case(group, surface, "", title, made, halves if group == "way" else (), whole=False)


def _filled(part: Any, halves: tuple[str, str]) -> Any:
    return json.loads(to_json(part).decode().replace(FIRST, halves[0]).replace(REST, halves[1]))
