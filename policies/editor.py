"""The JSON Schema that editors use for policy files, made from the same tables that the loader checks with.

``policies/schema.json`` is this, written down; a test holds the two together.
"""

from __future__ import annotations

import json
from typing import Any

from policies.load import CONTENT, IDENTITY, LEVELS, SCOPES, TRANSFORMS, ZONES
from redaction.types import CATEGORIES, GROUPS, LABELS


def _enum(values: Any) -> dict[str, Any]:
    return {"enum": sorted(values)}


def _some(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": sorted(required)} if required else {}),
    }


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    text = {"type": "string", "minLength": 1}
    zone, transform = _enum(ZONES), _enum(TRANSFORMS)
    label = _enum([*LABELS, *GROUPS])
    table = {"type": "object", "propertyNames": _enum([*LABELS, *GROUPS, "*"]), "additionalProperties": transform}
    whole = {**table, "required": ["*"]}
    identity = {key: _some(text) for key in sorted(IDENTITY)}
    date = {"type": "string", "format": "date"}
    parts = {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1}
    condition = _object(
        {
            **identity,
            "labels": _some(label),
            "min_score": {"type": "number", "minimum": 0, "maximum": 1},
            "categories": _some(_enum(CATEGORIES)),
            "sensitivity": _enum(LEVELS),
            "tags": _some(text),
            "content": _some(_enum(CONTENT)),
            "tools": _some(text),
            "model": _some(text),
            "uninspected": {"const": True},
            "any": parts,
            "all": parts,
        }
    )
    pairs = {"type": "object", "additionalProperties": _some(text)}
    require = _object({"expectations": _some(text), "max_age": text, "cloud": pairs, "enclave": pairs, "onprem": pairs})
    unless = _object({**identity, "at_most": zone, "reason": text, "until": date}, ("at_most", "reason", "until"))
    rule = _object(
        {
            "id": text,
            "because": text,
            "when": {"$ref": "#/$defs/condition"},
            "at_most": zone,
            "require": require,
            "transforms": table,
            "transforms_enclave": table,
            "unless": unless,
            "review_by": date,
        },
        ("id", "because", "when"),
    )
    levels = _object(dict.fromkeys(sorted(LEVELS), zone), tuple(LEVELS))
    defaults = _object(
        {
            "sensitivity": levels,
            "uninspected": _enum(set(ZONES) - {"cloud"}),
            "transforms": whole,
            "transforms_enclave": whole,
            "scope": _enum(SCOPES),
        },
        ("sensitivity", "uninspected", "transforms", "transforms_enclave"),
    )
    top = _object(
        {
            "version": {"const": 1},
            "name": text,
            "owner": text,
            "description": text,
            "defaults": defaults,
            "rules": {"type": "array", "items": rule},
        },
        ("version", "name", "owner", "defaults"),
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sealgate policy"}
    return {**head, **top, "$defs": {"condition": condition}}


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"
