"""Stand-ins: what a value looks like outside. Derived, never stored; the same on every turn and replica.

A stand-in is a label and 13 characters (65 bits) of HMAC-SHA256 over (tenant key, epoch, scope, label, value, counter),
each part with its length before it. The canonical value is the exact surface text, so that restoring gives back exactly
what was replaced; two spellings of one name therefore have two stand-ins. A stand-in that occurs in the input already,
or that another value took, is re-derived with the next counter. This module knows no mapping and must not keep values.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base 32 without i, l, o and u (Crockford): nothing that a reader or a model confuses."""
CHARS = 13
EPOCH = 1
MAX_TRIES = 64

SHORT: Mapping[str, str] = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IP_ADDRESS": "IP",
    "IBAN_CODE": "IBAN",
    "DATE_TIME": "DATE",
    "DATE_OF_BIRTH": "BIRTHDATE",
    "CREDIT_CARD": "CARD",
}
"""Shorter prefixes that models handle well; any other label stands for itself."""


def _parts(*parts: str) -> bytes:
    """Each with its length before it."""
    data = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(d).to_bytes(8, "big") + d for d in data)


class StandInsExhausted(Exception):
    """No free stand-in was found; only possible when the space is forced small."""


class StandIns:
    """Derives stand-ins for one tenant and scope. ``chars`` is lowered by tests only, to force collisions."""

    def __init__(self, key: bytes, scope: str, *, chars: int = CHARS) -> None:
        self._key = key
        self._head = b"sealgate.stand-in.v1" + _parts(str(EPOCH), scope)
        self.chars = chars

    def stand_in(self, label: str, value: str, taken: Callable[[str], bool]) -> str:
        """The stand-in for ``value``: the first derivation that is not ``taken``. Raises StandInsExhausted."""
        prefix = SHORT.get(label, label)
        for counter in range(MAX_TRIES):
            token = f"{prefix}_{self._derive(label, value, counter)}"
            if not taken(token):
                return token
        raise StandInsExhausted

    def digest(self, label: str, value: str, counter: int) -> bytes:
        """32 bytes that depend on every part, and on the scope."""
        return hmac.digest(self._key, self._head + _parts(label, value, str(counter)), "sha256")

    def _derive(self, label: str, value: str, counter: int) -> str:
        number = int.from_bytes(self.digest(label, value, counter)[:16], "big")
        return "".join([ALPHABET[number >> shift & 31] for shift in range(0, 5 * self.chars, 5)])  # five bits a sign
