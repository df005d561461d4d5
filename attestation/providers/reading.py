"""Parts of a provider's JSON, read strictly: anything else is Malformed, and no message quotes what came."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation import strictjson
from attestation.tdx.eventlog import APP_COMPOSE, EVENT_LOG, MAX_COMPOSE_BYTES, MAX_LOG_BYTES
from attestation.tdx.quote import MAX_QUOTE_BYTES
from attestation.types import Evidence, Malformed
from attestation.x509 import MAX_CERTIFICATE_BYTES, load_certificate

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
DSTACK_PINNED = frozenset({"mrtd", "rtmr0", "rtmr1", "rtmr2", "compose-hash"})
"""What names a dstack guest's image: its firmware, hardware, kernel and root file system, and what it runs. The first
four alone are of every application on that release of dstack."""


def text(value: object, name: str, most: int = 4096) -> str:
    """Text that can be written as UTF-8. Raises Malformed."""
    if not isinstance(value, str) or len(value) > most:
        raise Malformed(f"{name} must be text of at most {most} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Malformed(f"{name} holds half a surrogate pair") from None
    return value


def hexed(value: object, name: str, size: int | None = None, most: int = MAX_QUOTE_BYTES) -> bytes:
    """Lower-case hex of ``size`` bytes, or of 1 to ``most``. Raises Malformed."""
    if not isinstance(value, str) or not value or len(value) > 2 * (size or most) or not _HEX.fullmatch(value):
        raise Malformed(f"{name} must be lower-case hex of {size or f'at most {most}'} bytes")
    if size is not None and len(value) != 2 * size:
        raise Malformed(f"{name} must have {size} bytes")
    return bytes.fromhex(value)


def mapping(value: object, name: str) -> dict[str, Any]:
    """An object. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed(f"{name} must be a JSON object")
    return value


def unpacked(value: object, name: str, most: int) -> Any:
    """A value, or the JSON text of one: services nest either way. Raises Malformed."""
    return strictjson.load(text(value, name, most).encode(), most, name) if isinstance(value, str) else value


def dumped(value: list[Any], name: str) -> bytes:
    """What was read, as JSON again. Raises Malformed where it is too deep: reading goes deeper than writing."""
    try:
        return json.dumps(value).encode()
    except RecursionError:
        raise Malformed(f"{name} is nested too deep") from None


def spki_sha256(certificate: bytes, most: int = MAX_CERTIFICATE_BYTES) -> bytes:
    """SHA-256 of the key (SPKI, DER) of the certificate that a connection showed. Raises Malformed."""
    key = load_certificate(certificate, most).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def dstack_guest(quote: object, event_log: object, app_compose: object) -> Evidence:
    """A dstack guest's quote (hex), its log (a list, or that as text) and compose file (text). Raises Malformed.

    The log may be missing where MRCONFIGID names the compose file; the file may not: it says what the guest runs.
    """
    compose = text(app_compose, "app_compose", MAX_COMPOSE_BYTES).encode()
    parts = {APP_COMPOSE: compose}
    if isinstance(event_log, list):
        parts[EVENT_LOG] = dumped(event_log, "event_log")
    elif event_log is not None:
        parts[EVENT_LOG] = text(event_log, "event_log", MAX_LOG_BYTES).encode()
    return Evidence("tdx", hexed(quote, "the quote"), parts=parts)
