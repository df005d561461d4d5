"""JSON as evidence has it: UTF-8, each key once, no NaN or infinity, bounded (attestation.md §2.1 C3)."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from attestation.types import Malformed

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def load(raw: bytes, most: int, name: str = "the document") -> Any:
    """Any JSON value of at most ``most`` bytes. Raises Malformed, naming ``name``."""
    if len(raw) > most:
        raise Malformed(f"{name} has more than {most} bytes")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed(f"{name} is not JSON") from None


def load_object(raw: bytes, most: int, name: str = "the document") -> dict[str, Any]:
    """As :func:`load`, for an object."""
    body = load(raw, most, name)
    if not isinstance(body, dict):
        raise Malformed(f"{name} is not a JSON object")
    return body


def raw_members(raw: bytes, most: int, name: str = "the document") -> dict[str, bytes]:
    """An object's members as the bytes that stand there: what was hashed or signed is never written anew.

    Raises Malformed as :func:`load_object`.
    """
    load_object(raw, most, name)  # from here on it is known to be an object with each key once
    text = raw.decode("utf-8")
    out: dict[str, bytes] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, at = _DECODER.raw_decode(text, start)
        out[key] = text[start:at].encode()
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    return out


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Malformed("JSON: a key is there twice")
    return dict(pairs)


def _no_constant(_: str) -> NoReturn:
    raise Malformed("JSON: a number that JSON does not have")
