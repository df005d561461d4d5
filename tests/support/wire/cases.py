"""The cases of the matrix, made from the tables of surfaces, values and spellings."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import brotli
from wire.evasions import EVERY, HARMLESS, SPELLED, spellings, twins
from wire.run import JSON, Case, Request
from wire.shapes import Place, fill
from wire.surfaces import FIRST, OWNED, REST, SURFACES, Surface
from wire.values import CARD, MAIL, VALUES

BOTH = f"Please note {MAIL.value} and the card {CARD.value} for later."
TWIN = f"Please note {HARMLESS} for later."
HALVES = (MAIL.value[:14], MAIL.value[14:])


def all_cases() -> list[Case]:
    out: list[Case] = []
    for surface in SURFACES:
        out += _in_places(surface)
        out += _labels(surface)
        out += _spelled(surface)
        out += _ways(surface)
    return out


def _request(surface: Surface, place: Place, text: str) -> Request:
    return _json(surface, fill(place.body, text))


def _json(surface: Surface, part: Any) -> Request:
    return Request(surface.path, _bytes(surface.body(part)))


def _bytes(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _in_places(surface: Surface) -> Iterator[Case]:
    """An e-mail address and a card in every place, and harmless words."""
    for place in surface.places:
        row = surface.row(place.path)
        if row is None or row.handling == OWNED:
            continue
        values = (MAIL.value, CARD.value)
        yield Case("place", surface, place.path, "plain", _request(surface, place, BOTH), values)
        yield Case("twin", surface, place.path, "plain", _request(surface, place, TWIN))


def _labels(surface: Surface) -> Iterator[Case]:
    """Every label in one place."""
    place = next(p for p in surface.places if p.path == surface.plain)
    for value in VALUES:
        said = _request(surface, place, value.text())
        twin = _request(surface, place, value.text(value.twin))
        yield Case("label", surface, place.path, value.name, said, (value.value,))
        yield Case("label twin", surface, place.path, value.name, twin)


def _spelled(surface: Surface) -> Iterator[Case]:
    """Every spelling in one place of each row."""
    for place in surface.one_per_row().values():
        for value in (MAIL, CARD):
            for name, text in spellings(value).items():
                group = name if name in EVERY else f"{value.name}: {name}"
                yield Case("spelling", surface, place.path, group, _request(surface, place, text), (value.value,))
        for name, text in twins().items():
            yield Case("spelling twin", surface, place.path, name, _request(surface, place, text))


# -- other ways in --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """``make(surface, text)`` is a request with the text somewhere; ``refusals`` are codes a harmless one may get."""

    make: Callable[[Surface, str], Request]
    refusals: frozenset[str] = frozenset()
    texts: tuple[str, str] = (BOTH, TWIN)
    values: tuple[str, ...] = (MAIL.value, CARD.value)


def _plain(surface: Surface, text: str, **more: Any) -> Request:
    place = next(p for p in surface.places if p.path == surface.plain)
    return _json(surface, {**fill(place.body, text), **more})


def _coded(coding: str, make: Callable[[bytes], bytes], kind: Mapping[str, str] = JSON) -> Callable[..., Request]:
    def request(surface: Surface, text: str) -> Request:
        plain = _plain(surface, text)
        headers = {**kind, "content-encoding": coding} if coding else kind
        return Request(plain.path, plain.body, headers, make)

    return request


def _field(make: Callable[[str], dict[str, Any]]) -> Callable[[Surface, str], Request]:
    return lambda surface, text: _plain(surface, "hello", **make(text))


def _source(change: Callable[[bytes, str], bytes]) -> Callable[[Surface, str], Request]:
    """A body whose JSON source is changed: ``change(body of a harmless request, text)``."""
    return lambda surface, text: Request(surface.path, change(_plain(surface, "hello").body, text))


def _header(name: str) -> Callable[[Surface, str], Request]:
    def request(surface: Surface, text: str) -> Request:
        return Request(surface.path, _plain(surface, "hello").body, {**JSON, name: text})

    return request


def _at(path: str) -> Callable[[Surface, str], Request]:
    def request(surface: Surface, text: str) -> Request:
        return Request(surface.path + path.format(text), _plain(surface, "hello").body)

    return request


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(c):04x}" for c in text).encode()


def _member(source: bytes) -> Callable[[bytes, str], bytes]:
    """Adds a member to the end of a body; ``TEXT`` in it is the text as a JSON string."""
    return lambda body, text: body[:-1] + b", " + source.replace(b"TEXT", json.dumps(text).encode()) + b"}"


MAIL_ONLY: Mapping[str, Any] = {"texts": (MAIL.value, "the-green-fence"), "values": (MAIL.value,)}
DIGITS: Mapping[str, Any] = {"texts": (CARD.value, CARD.twin), "values": (CARD.value,)}
UNREAD = frozenset({"invalid_json", "duplicate_key", "invalid_encoding"})
WAYS: Mapping[str, Way] = {
    "an unknown field": Way(_field(lambda t: {"x_note": t})),
    "an unknown field, deep": Way(_field(lambda t: {"x_note": {"a": [{"b": [t]}]}})),
    "an unknown key": Way(_field(lambda t: {"x_note": {t: 1}})),
    "a number": Way(_field(lambda t: {"x_note": int(t)}), **DIGITS),
    "a number as a fraction": Way(_source(lambda b, t: b[:-1] + f', "x_note": {t}.0}}'.encode()), **DIGITS),
    "a list of digits": Way(_field(lambda t: {"x_note": [int(c) for c in t]}), **DIGITS),
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
    "a header": Way(_header("x-note")),
    "the user agent": Way(_header("user-agent")),
    "a cookie": Way(_header("cookie")),
    "an SDK's header": Way(_header("x-stainless-runtime")),
    "an organisation's header": Way(_header("openai-organization")),
    "a conversation's header": Way(_header("sealgate-conversation")),
    "a trace header": Way(_header("traceparent")),
    "the query": Way(_at("?note={}"), frozenset({"unexpected_query"}), **MAIL_ONLY),
    "the path": Way(_at("/{}"), frozenset({"path_not_served"}), **MAIL_ONLY),
    "the model's name": Way(_field(lambda t: {"model": f"case-0/{t}"}), **MAIL_ONLY),
}
"""What is the same for every surface."""


def transports() -> list[str]:
    return [*WAYS, *(f"in two pieces {name}" for name in SPLITS)]


SPLITS = tuple(dict.fromkeys(name for s in SURFACES for name in s.splits))


def _ways(surface: Surface) -> Iterator[Case]:
    for name, way in WAYS.items():
        bad, good = (way.make(surface, text) for text in way.texts)
        yield Case("way", surface, "", name, bad, way.values, refusals=way.refusals)
        yield Case("way twin", surface, "", name, good, refusals=way.refusals)
    for name, part in surface.splits.items():
        name = f"in two pieces {name}"
        yield Case("way", surface, "", name, _pieces(surface, part, HALVES), HALVES, whole=False)
        yield Case("way twin", surface, "", name, _pieces(surface, part, ("the green gar", "den fence")))


def _pieces(surface: Surface, part: Any, halves: tuple[str, str]) -> Request:
    body = _bytes(surface.body(part)).decode()
    return Request(surface.path, body.replace(FIRST, halves[0]).replace(REST, halves[1]).encode())


__all__ = ["SPELLED", "WAYS", "Case", "Way", "all_cases", "transports"]
