"""What all Gemini messages share: two spellings of each field, lenient lists and numbers, schemas, base64 texts.

The API reads ``inlineData`` and ``inline_data`` alike, one object where a list is meant, and integers in strings
(ProtoJSON). What readers of a document may disagree about (both spellings of one field) is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.dialects import pointers
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import as_object, bad
from proxy.dialects.walk import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_NUMBERS, SCHEMA_ONE, SCHEMA_TEXTS, SCHEMA_TYPES, Walk
from proxy.errors import BadRequest

Reader = Callable[[str, Any], None]

TYPES = SCHEMA_TYPES | {word.upper() for word in SCHEMA_TYPES} | {"TYPE_UNSPECIFIED"}
_MAPS = SCHEMA_MAPS | {"defs"}
_TEXTS = SCHEMA_TEXTS | {"propertyOrdering", "ref"}
_SHORT = re.compile(r"-?[0-9]{1,6}")
_URL_SAFE = str.maketrans("-_", "+/")


def camel(key: str) -> str:
    """The name a field has in JSON, for both of its spellings."""
    if "_" not in key[1:]:
        return key
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def member(node: Mapping[str, Any], name: str) -> Any:
    """A field in either spelling, or None."""
    return next((value for key, value in node.items() if camel(key) == name), None)


def fields(walk: Walk, at: str, origin: str, node: Any, known: Mapping[str, Reader | None]) -> None:
    """An object with known fields, as ``Walk.fields``. Raises BadRequest for both spellings of one field."""
    seen: set[str] = set()
    for key, value in as_object(at, node).items():
        name = camel(key)
        if name not in known:
            walk.member(at, origin, key, value)
            continue
        if name in seen:
            raise BadRequest(f"{at}/{name}: given twice, in two spellings.", code="duplicate_key")
        seen.add(name)
        read = known[name] or (lambda p, v: walk.free(p, origin, v))
        if value is not None:
            read(walk.at(at, pointers.escape(key)), value)


def many(walk: Walk, at: str, node: Any) -> Iterator[tuple[str, Any]]:
    """The items of a list; an object alone stands for a list of one."""
    if isinstance(node, dict):
        yield at, node
    elif isinstance(node, list):
        for i, item in enumerate(node):
            yield walk.at(at, str(i)), item
    else:
        raise bad(at, "a list")


def number(walk: Walk, at: str, node: Any) -> None:
    """A number, or one in a string. A short one needs no look."""
    if not isinstance(node, (Number, str)):
        raise bad(at, "a number")
    if not (isinstance(node, str) and _SHORT.fullmatch(node)):
        walk.setting(at, "other", node)


def flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")


def schema(walk: Walk, at: str, origin: str, node: Any) -> None:
    """The API's own subset of OpenAPI: as ``Walk.schema``, with types in capitals and both spellings of its words."""
    if not isinstance(node, dict):
        walk.free(at, origin, node)
        return
    for key, value in node.items():
        name, below = camel(key), walk.at(at, pointers.escape(key))
        if (name in _MAPS and isinstance(value, dict)) or (name in SCHEMA_LISTS and isinstance(value, list)):
            _schemas(walk, below, origin, value)
        elif name in SCHEMA_ONE:
            schema(walk, below, origin, value)
        elif name == "type":
            walk.enum(below, origin, value, TYPES)
        elif name in SCHEMA_NUMBERS and isinstance(value, (Number, str)):
            number(walk, below, value)
        elif name in _TEXTS:
            walk.free(below, origin, value)
        else:
            walk.member(at, origin, key, value)


def _schemas(walk: Walk, at: str, origin: str, node: dict[str, Any] | list[Any]) -> None:
    """Named schemas, or a list of them."""
    for name, sub in node.items() if isinstance(node, dict) else enumerate(node):
        below = walk.at(at, pointers.escape(str(name)))
        if isinstance(name, str):
            walk.key(below, origin, name)
        schema(walk, below, origin, sub)


def decoded(data: str) -> bytes | None:
    """The bytes of base64 in either alphabet, padded or not; None for anything else."""
    plain = data.rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def decoded_text(data: str) -> str | None:
    """The UTF-8 text in base64; None where there is none."""
    raw = decoded(data)
    try:
        return None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def continuation(token: str) -> str:
    """What a continuation token is known by; the token itself may be long."""
    return "sha256:" + hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def encoded(text: str) -> str:
    """Text as base64, as the API takes it."""
    return base64.b64encode(text.encode("utf-8")).decode("ascii")
