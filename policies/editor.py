"""The JSON Schema that editors use for policy files, made from the same tables that the loader checks with.

``policies/schema.json`` is this, written down; a test holds the two together.
"""

from __future__ import annotations

import json
from typing import Any

from policies.detect import LABEL
from policies.detect import NAME as DETECT_NAME
from policies.load import (
    ANSWERS,
    ATTACHMENTS,
    CONTENT,
    IDENTITY,
    INSPECTIONS,
    LEVELS,
    ORIGIN,
    PLACE,
    SCOPES,
    STAND_INS,
    TRANSFORMS,
    ZONES,
)  # fmt: skip
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


LABEL_FORM: dict[str, Any] = {"type": "string", "pattern": f"^{LABEL.pattern}$"}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
DATE: dict[str, Any] = {"type": "string", "format": "date"}
WHEN: dict[str, Any] = {"$ref": "#/$defs/condition"}


def _label(known: list[str]) -> dict[str, Any]:
    """A known name, which editors offer, or one of the policy's own."""
    return {"anyOf": [_enum(known), LABEL_FORM]}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


def _detect() -> dict[str, Any]:
    name = {"type": "string", "pattern": f"^{DETECT_NAME.pattern}$"}
    given = {"name": name, "label": _label([*LABELS]), "score": {"type": "number", "minimum": 0.05, "maximum": 1}}
    words = {"terms": _some(TEXT), "file": TEXT}
    more = {"context": _some(TEXT), "validator": TEXT, "examples": _some(TEXT), "counterexamples": _some(TEXT)}
    return _object(
        {
            "labels": _some(LABEL_FORM),
            "patterns": _list(_object({**given, "regex": TEXT, **more}, ("name", "label", "regex"))),
            "terms": _list(_object({**given, **words}, ("name", "label"))),
            "allow": _list(_object({"name": name, **words, "labels": _some(_label([*LABELS, *GROUPS]))}, ("name",))),
        }
    )


def _identity() -> dict[str, Any]:
    return {key: _some(TEXT) for key in sorted(IDENTITY)}


def _condition() -> dict[str, Any]:
    parts = {"type": "array", "items": WHEN, "minItems": 1}
    return _object(
        {
            **_identity(),
            "labels": _some(_label([*LABELS, *GROUPS])),
            "min_score": {"type": "number", "minimum": 0, "maximum": 1},
            "categories": _some(_enum(CATEGORIES)),
            "sensitivity": _enum(LEVELS),
            "tags": _some(TEXT),
            "content": _some(_enum(CONTENT)),
            "tools": _some(TEXT),
            "model": _some(TEXT),
            "uninspected": {"const": True},
            "any": parts,
            "all": parts,
        }
    )


def _table() -> dict[str, Any]:
    names = _label([*LABELS, *GROUPS, "*"])
    return {"type": "object", "propertyNames": names, "additionalProperties": _enum(TRANSFORMS)}


def _restore() -> dict[str, Any]:
    place = {"type": "string", "pattern": f"^(?:{PLACE.pattern})$"}
    places = {"anyOf": [place, {"type": "array", "items": place}]}
    names = {"pattern": f"^(?:{ORIGIN.pattern})$"}
    return {"type": "object", "propertyNames": names, "additionalProperties": places, "minProperties": 1}


def _rule() -> dict[str, Any]:
    pairs = {"type": "object", "additionalProperties": _some(TEXT)}
    require = {"expectations": _some(TEXT), "max_age": TEXT, "cloud": pairs, "enclave": pairs, "onprem": pairs}
    unless = {**_identity(), "at_most": _enum(ZONES), "reason": TEXT, "until": DATE}
    return _object(
        {
            "id": TEXT,
            "because": TEXT,
            "when": WHEN,
            "at_most": _enum(ZONES),
            "require": _object(require),
            "transforms": _table(),
            "transforms_enclave": _table(),
            "restore": _restore(),
            "answers": _enum(ANSWERS),
            "inspection": {"const": "full"},
            "unless": _object(unless, ("at_most", "reason", "until")),
            "review_by": DATE,
        },
        ("id", "because", "when"),
    )


def _defaults() -> dict[str, Any]:
    whole = {**_table(), "required": ["*"]}
    by_app = {"type": "object", "additionalProperties": _enum(INSPECTIONS), "required": ["*"]}
    return _object(
        {
            "sensitivity": _object(dict.fromkeys(sorted(LEVELS), _enum(ZONES)), tuple(LEVELS)),
            "uninspected": _enum(set(ZONES) - {"cloud"}),
            "transforms": whole,
            "transforms_enclave": whole,
            "scope": _enum(SCOPES),
            "stand_ins": _enum(STAND_INS),
            "attachments": _enum(ATTACHMENTS),
            "restore": _restore(),
            "answers": _enum(ANSWERS),
            "inspection": {"anyOf": [_enum(INSPECTIONS), by_app]},
        },
        ("sensitivity", "uninspected", "transforms", "transforms_enclave"),
    )


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    top = _object(
        {
            "version": {"const": 1},
            "name": TEXT,
            "owner": TEXT,
            "description": TEXT,
            "defaults": _defaults(),
            "detect": _detect(),
            "rules": {"type": "array", "items": _rule()},
        },
        ("version", "name", "owner", "defaults"),
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sealgate policy"}
    return {**head, **top, "$defs": {"condition": _condition()}}


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"
