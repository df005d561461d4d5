"""The index of the store as bytes: strict JSON in one form, with a digest over itself, so that damage shows.

The digest is no protection against somebody who may write the folder: signed pieces are checked again whenever they are
read, but the floors and the key sets are as trustworthy as the configuration beside them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Any

from attestation import strictjson
from attestation.collateral.pieces import KEY, Entry, Floor, Index, Kind, Name, Trust
from attestation.types import Malformed

FORMAT = "sealgate-collateral/1"
MAX_INDEX_BYTES = 4 * 1024 * 1024
MAX_ENTRIES = 4096
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENTRY = {"kind", "key", "sha256", "size", "fetched_at", "issued", "next_update", "number", "trust"}
_FLOOR = {"kind", "key", "number", "issued"}


def encode(index: Index) -> bytes:
    """The same bytes for the same content."""
    body = {
        "format": FORMAT,
        "entries": [_entry(index.entries[name]) for name in sorted(index.entries)],
        "floors": [
            {"kind": kind.value, "key": key, "number": floor.number, "issued": time_text(floor.issued)}
            for (kind, key), floor in sorted(index.floors.items())
        ],
    }
    return _text({**body, "sha256": hashlib.sha256(_text(body)).hexdigest()})


def decode(raw: bytes) -> Index:
    """Raises Malformed for anything but an index as :func:`encode` writes it."""
    body = strictjson.load_object(raw, MAX_INDEX_BYTES, "the index")
    if body.get("format") != FORMAT:
        raise Malformed("this is not an index of this format")
    if set(body) != {"format", "entries", "floors", "sha256"}:
        raise Malformed("the index lacks a part, or has one that is not known")
    entries = [_read_entry(row) for row in _rows(body["entries"], _ENTRY)]
    floors = [_read_floor(row) for row in _rows(body["floors"], _FLOOR)]
    index = Index({e.name: e for e in entries}, dict(floors))
    if encode(index) != raw:  # its digest included, and no name twice
        raise Malformed("the index is damaged: it is not what was written")
    return index


def time_text(when: dt.datetime) -> str:
    return when.astimezone(dt.UTC).strftime(_TIME)


def read_time(text: object) -> dt.datetime:
    """Raises Malformed."""
    try:
        return dt.datetime.strptime(str(text), _TIME).replace(tzinfo=dt.UTC)
    except ValueError:
        raise Malformed("a time of the index cannot be read") from None


def _text(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"


def _entry(e: Entry) -> dict[str, Any]:
    return {
        "kind": e.kind.value, "key": e.key, "sha256": e.sha256, "size": e.size, "trust": e.trust.value,
        "fetched_at": time_text(e.fetched_at), "issued": time_text(e.issued), "number": e.number,
        "next_update": time_text(e.next_update) if e.next_update is not None else None,
    }  # fmt: skip


def _rows(value: object, keys: set[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise Malformed(f"the index has lists of at most {MAX_ENTRIES} rows")
    if not all(isinstance(row, dict) and set(row) == keys for row in value):
        raise Malformed("a row of the index lacks a field, or has one that is not known")
    return value


def _name(row: dict[str, Any]) -> Name:
    if row["kind"] not in {k.value for k in Kind} or not isinstance(row["key"], str) or not KEY.fullmatch(row["key"]):
        raise Malformed("a row of the index names no known piece")
    return Kind(row["kind"]), row["key"]


def _read_entry(row: dict[str, Any]) -> Entry:
    kind, key = _name(row)
    number, until = row["number"], row["next_update"]
    if not _DIGEST.fullmatch(str(row["sha256"])) or row["trust"] not in {t.value for t in Trust}:
        raise Malformed("a row of the index has no digest, or no known trust")
    return Entry(kind, key, row["sha256"], _count(row["size"]), read_time(row["fetched_at"]), read_time(row["issued"]),
                 read_time(until) if until is not None else None, _count(number) if number is not None else None,
                 Trust(row["trust"]))  # fmt: skip


def _read_floor(row: dict[str, Any]) -> tuple[Name, Floor]:
    return _name(row), Floor(_count(row["number"]), read_time(row["issued"]))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**160:
        raise Malformed("a number of the index is none")
    return value
