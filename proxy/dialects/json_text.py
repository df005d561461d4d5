"""Strict JSON for untrusted requests, kept so that it can be written again faithfully.

Refused with BadRequest (never quoting the text): bad UTF-8, BOM, duplicate keys, NaN and Infinity, lone surrogates,
depth over the limit, a top level that is not an object. Number lexemes (``1.0``, ``1e5``, ``-0``) and key order stay.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any

from proxy.errors import BadRequest

MAX_DEPTH = 64
# Possessive, and an unterminated string swallows the rest: every input is scanned once.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _constant(_: str) -> Any:
    raise BadRequest("NaN and Infinity are not JSON.", code="invalid_json")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise BadRequest("A JSON object has the same key twice.", code="duplicate_key")
    return out


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=Number, parse_int=Number, parse_constant=_constant)


def decode(body: bytes) -> str:
    """Bytes to text. Raises BadRequest."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.", code="invalid_encoding") from None
    if text.startswith("\ufeff"):
        raise BadRequest("The body starts with a byte order mark.", code="invalid_encoding")
    return text


def parse_text(text: str, max_depth: int = MAX_DEPTH) -> Any:
    """Any JSON value. Raises BadRequest."""
    if _depth(text) > max_depth:
        raise BadRequest(f"The JSON is nested more than {max_depth} levels deep.", code="too_deep")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as e:
        raise BadRequest(f"The body is not JSON (line {e.lineno}, column {e.colno}).", code="invalid_json") from None
    except RecursionError:
        raise BadRequest("The JSON is nested too deep.", code="too_deep") from None
    if "\\u" in text and _lone_surrogate(value):
        raise BadRequest("A JSON string holds half a surrogate pair.", code="invalid_encoding")
    return value


def parse(body: bytes, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """A request body: an object. Raises BadRequest."""
    value = parse_text(decode(body), max_depth)
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", code="invalid_json")
    return value


def _depth(text: str) -> int:
    """The deepest nesting, found without recursion, so that no input can exhaust the stack."""
    depth = deepest = 0
    for match in _STRUCTURE.finditer(text):
        char = match[0]
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _lone_surrogate(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_lone_surrogate(k) or _lone_surrogate(v) for k, v in value.items())
    if isinstance(value, list):
        return any(map(_lone_surrogate, value))
    return isinstance(value, str) and _SURROGATE.search(value) is not None


def serialize_text(value: Any) -> str:
    """Compact JSON; numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring(k)}:{serialize_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(serialize_text, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def serialize(value: Any) -> bytes:
    """As :func:`serialize_text`, in UTF-8."""
    return serialize_text(value).encode()
