"""JSON as apps write it: read strictly, written back without changing a number's spelling or the order of keys.

Two parsers that disagree about one document are a hole in a gate, so whatever JSON parsers disagree about (duplicate
keys, NaN, byte order marks, lone surrogates, deep nesting) is refused here. Numbers stay lexemes: ``1.0``, ``1e5`` and
``-0`` leave as they came. Errors carry an enum-like reason and never a piece of the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from proxy.errors import BadRequest

MAX_DEPTH = 64
"""Levels of nested arrays and objects."""

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""RFC 8259 §6."""

_STRING = r'"(?:[^"\\]++|\\.)*+"?'
"""A string or the unterminated rest; possessive, so that no input makes it slow."""
_BRACKETS = re.compile(_STRING + r"|[\[{\]}]", re.DOTALL)
_TOKENS = re.compile(_STRING + r"|[\[{\]},:]", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

REASONS: Mapping[str, tuple[str, str]] = {
    "encoding": ("invalid_encoding", "The body must be UTF-8 without a byte order mark."),
    "syntax": ("invalid_json", "The body is not valid JSON"),
    "duplicate_key": ("duplicate_key", "The JSON body has an object with the same key twice."),
    "constant": ("invalid_json", "NaN and Infinity are not JSON numbers."),
    "surrogate": ("invalid_encoding", "The JSON body has a string with an unpaired surrogate."),
    "depth": ("too_deep", "The JSON body is nested too deeply."),
    "top_level": ("invalid_json", "The JSON body must be an object."),
}
"""Reason -> (error code, message)."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was spelled."""

    lexeme: str

    def __repr__(self) -> str:
        return "Number(...)"


class InvalidJson(ValueError):
    """``reason`` is a key of ``REASONS``; ``at`` is (line, column) of a syntax error. ``syntax`` alone means that no
    parser would read this as JSON."""

    def __init__(self, reason: str, at: tuple[int, int] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


def parse(body: bytes, *, max_depth: int = MAX_DEPTH, any_top: bool = False) -> Any:
    """The tree of a request body: dict, list, str, Number, bool, None. Raises BadRequest.

    ``any_top`` allows a document that is not an object.
    """
    try:
        tree = loads(decode(body), max_depth=max_depth)
    except InvalidJson as e:
        raise _bad(e) from None
    if not any_top and not isinstance(tree, dict):
        raise _bad(InvalidJson("top_level"))
    return tree


def _bad(error: InvalidJson) -> BadRequest:
    code, message = REASONS[error.reason]
    if error.reason == "syntax":
        message += f" (line {error.at[0]}, column {error.at[1]})." if error.at else "."
    return BadRequest(message, code=code)


def decode(body: bytes) -> str:
    """UTF-8 text without a byte order mark. Raises InvalidJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJson("encoding") from None
    if text.startswith("\ufeff") or "\0" in text:
        raise InvalidJson("encoding")
    return text


def loads(text: str, *, max_depth: int = MAX_DEPTH) -> Any:
    """Strict tree of one JSON text. Raises InvalidJson, the depth before anything is built."""
    _check_depth(text, max_depth)
    tree = _decode_with(text, _unique)
    if _SURROGATE.search(text):
        try:
            serialize_text(tree).encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidJson("surrogate") from None
    return tree


def loads_answer(text: str, *, max_depth: int = 2 * MAX_DEPTH) -> Any:
    """Tree of what an upstream wrote: the last of duplicate keys counts, surrogates pass. Raises InvalidJson."""
    _check_depth(text, max_depth)
    return _decode_with(text, dict)


def _decode_with(text: str, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> Any:
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as e:
        raise InvalidJson("syntax", (e.lineno, e.colno)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidJson("duplicate_key")
    return made


def _constant(_: str) -> Any:
    raise InvalidJson("constant")


def _check_depth(text: str, limit: int) -> None:
    if text.count("[") + text.count("{") <= limit:  # wherever they stand, they cannot be nested deeper
        return
    depth = 0
    for match in _BRACKETS.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > limit:
                raise InvalidJson("depth")
        elif first in "]}":
            depth -= 1


def serialize(tree: Any) -> bytes:
    """Compact UTF-8; numbers as they were spelled. What UTF-8 cannot carry is escaped."""
    try:
        return serialize_text(tree).encode("utf-8")
    except UnicodeEncodeError:
        return serialize_text(tree, ascii_only=True).encode("ascii")


def serialize_text(tree: Any, *, ascii_only: bool = False) -> str:
    """As :func:`serialize`, as text."""
    out: list[str] = []
    _write(tree, out, encode_basestring_ascii if ascii_only else encode_basestring)
    return "".join(out)


def _write(node: Any, out: list[str], quote: Callable[[str], str]) -> None:
    if isinstance(node, str):
        out.append(quote(node))
    elif isinstance(node, Number):
        out.append(node.lexeme)
    elif isinstance(node, dict):
        lead = "{"
        for key, value in node.items():
            out.append(f"{lead}{quote(key)}:")
            _write(value, out, quote)
            lead = ","
        out.append("}" if node else "{}")
    elif isinstance(node, list):
        lead = "["
        for value in node:
            out.append(lead)
            _write(value, out, quote)
            lead = ","
        out.append("]" if node else "[]")
    elif isinstance(node, (bool, type(None), int)):
        out.append(json.dumps(node))
    else:
        raise AssertionError("not a JSON tree")  # our own bug; no value in the message


def splice_member(body: bytes, key: str, value: str) -> bytes:
    """A valid document whose top-level string member ``key`` is replaced; every other byte stays. Raises KeyError."""
    text = body.decode("utf-8")
    start, end = _member_span(text, key)
    return (text[:start] + encode_basestring(value) + text[end:]).encode("utf-8")


def _member_span(text: str, key: str) -> tuple[int, int]:
    """Where the string value of a top-level member stands, quotes included."""
    depth, found, last = 0, False, ""
    for match in _TOKENS.finditer(text):
        lead = match[0][0]
        if lead == '"':
            if found:
                return match.span()
            last = match[0]
        elif depth == 1 and lead == ":":
            found = json.loads(last) == key
        elif lead in "[{":
            depth += 1
        elif lead in "]}":
            depth -= 1
    raise KeyError("no such string member")
