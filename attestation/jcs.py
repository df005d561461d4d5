"""JSON Canonicalization Scheme (RFC 8785) for what attested documents hold: objects, lists, text, integers, true,
false, null.

Fractions are refused: they would need JavaScript's number formatting, and no document that we hash has any.
"""

from __future__ import annotations

import json
from typing import Any

from attestation.types import Malformed

_MAX_INTEGER = 2**53 - 1


def canonical(value: Any) -> bytes:
    """The one spelling of ``value``. Raises Malformed for what has none."""
    try:
        return "".join(_write(value)).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        raise Malformed("JSON: half a surrogate pair, or too deep") from None


def _write(value: Any) -> list[str]:
    match value:
        case None | True | False | str():
            return [json.dumps(value, ensure_ascii=False)]
        case int() if abs(value) <= _MAX_INTEGER:
            return [str(value)]
        case list():
            return ["[", *_joined([_write(v) for v in value]), "]"]
        case dict() if all(isinstance(k, str) for k in value):
            keys = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))  # §3.2.3: by UTF-16 unit
            return ["{", *_joined([[*_write(k), ":", *_write(value[k])] for k in keys]), "}"]
        case _:
            raise Malformed("JSON: a value that has no canonical form here")


def _joined(pieces: list[list[str]]) -> list[str]:
    return [text for i, piece in enumerate(pieces) for text in ([",", *piece] if i else piece)]
