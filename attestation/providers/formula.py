"""What a signed field must hold, written down as a formula over what we know ourselves.

    sha256(spki) + nonce                  the TLS key's SHA-256, then our nonce
    sha512('ratls-cert:' + spki)          a tag and the key, hashed
    sha256(spki) + key                    the TLS key's SHA-256, then the body key that the endpoint claims
    hex(sha256(spki + nonce))             as text, for tokens

Names: ``nonce`` (the bytes that were asked with), ``spki`` (the TLS key, DER), ``certificate`` (DER), ``key`` (the
claimed body key). Functions: ``sha256``, ``sha384``, ``sha512``, ``hex``, ``base64``, ``base64url`` (without padding);
constants: ``'text'``, ``bytes(0a1b)`` (hex), ``zeros(32)``; ``+`` puts one behind the other. Evidence is never looked
at here: a value that is computed from what it proves would prove nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAX_TEXT, MAX_DEPTH, MAX_PARTS, MAX_ZEROS = 1000, 4, 8, 1024
NAMES = frozenset({"nonce", "spki", "certificate", "key"})
KEYS = frozenset({"spki", "certificate", "key"})
"""Names that tie a field to a channel."""
_FUNCTIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "sha256": lambda b: hashlib.sha256(b).digest(),
    "sha384": lambda b: hashlib.sha384(b).digest(),
    "sha512": lambda b: hashlib.sha512(b).digest(),
    "hex": lambda b: b.hex().encode(),
    "base64": base64.b64encode,
    "base64url": lambda b: base64.urlsafe_b64encode(b).rstrip(b"="),
}
_TOKEN = re.compile(
    r"\s*(?:bytes\(((?:[0-9a-f]{2})+)\)|zeros\(([1-9]\d{0,3})\)|'([ -&(-~]+)'|([a-z][a-z0-9]*)|([()+]))"
)
_FIELD = re.compile(r"([a-z0-9_]+)(@(?:0|[1-9]\d{0,3}))?")


@dataclass(frozen=True, slots=True)
class Known:
    """What formulas may be made of. ``key`` is empty where the endpoint claims none."""

    nonce: bytes = field(repr=False)
    spki: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Formula:
    """``parts``: a name, a constant, or a function with its own parts."""

    parts: tuple[str | bytes | tuple[str, Formula], ...]

    @property
    def uses(self) -> frozenset[str]:
        """Names in it, at any depth."""
        out: set[str] = set()
        for part in self.parts:
            if isinstance(part, str):
                out.add(part)
            elif isinstance(part, tuple):
                out |= part[1].uses
        return frozenset(out)

    def value(self, known: Known) -> bytes:
        """The bytes that the field must hold."""
        return b"".join(_value(part, known) for part in self.parts)


def _value(part: str | bytes | tuple[str, Formula], known: Known) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, tuple):
        return _FUNCTIONS[part[0]](part[1].value(known))
    return {"nonce": known.nonce, "spki": known.spki, "certificate": known.certificate, "key": known.key}[part]


@functools.lru_cache(maxsize=64)  # a few texts of the configuration, read at every attestation
def parse(text: str) -> Formula:
    """Raises ValueError for an empty formula, an unknown word, or one that is too long or too deep."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"a formula has at most {MAX_TEXT} characters")
    tokens: list[str | bytes] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError("a formula is made of names, functions, constants and +")
        tokens.append(_constant(found) or found[4] or found[5])
        at = found.end()
    formula, rest = _sum(tokens, 0)
    if rest:
        raise ValueError("a formula ends where something else follows")
    return formula


def _constant(found: re.Match[str]) -> bytes | None:
    if found[1]:
        return bytes.fromhex(found[1])
    if found[2]:
        if int(found[2]) > MAX_ZEROS:
            raise ValueError(f"a formula has at most {MAX_ZEROS} zeros in a row")
        return bytes(int(found[2]))
    return found[3].encode() if found[3] else None


def _sum(tokens: list[str | bytes], depth: int) -> tuple[Formula, list[str | bytes]]:
    """Parts joined by ``+``, and what follows them."""
    if depth > MAX_DEPTH:
        raise ValueError(f"a formula is nested at most {MAX_DEPTH} deep")
    parts = []
    while True:
        part, tokens = _part(tokens, depth)
        parts.append(part)
        if tokens[:1] != ["+"]:
            break
        tokens = tokens[1:]
    if len(parts) > MAX_PARTS:
        raise ValueError(f"a formula has at most {MAX_PARTS} parts in a row")
    return Formula(tuple(parts)), tokens


def _part(tokens: list[str | bytes], depth: int) -> tuple[str | bytes | tuple[str, Formula], list[str | bytes]]:
    head, rest = (tokens[0], tokens[1:]) if tokens else ("", [])
    if isinstance(head, bytes) or head in NAMES:
        return head, rest
    if head in _FUNCTIONS and rest[:1] == ["("]:
        inside, rest = _sum(rest[1:], depth + 1)
        if rest[:1] == [")"]:
            return (head, inside), rest[1:]
    raise ValueError(f"a part of a formula is {', '.join(sorted(NAMES))}, a constant, or one of "
                     f"{', '.join(_FUNCTIONS)} with its parts in brackets")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """Signed field (``name`` or ``name@offset``) -> what it must hold. Names a key of the channel, or it is none."""

    fields: Mapping[str, Formula]

    @property
    def uses(self) -> frozenset[str]:
        return frozenset[str]().union(*(f.uses for f in self.fields.values()))

    def values(self, known: Known) -> dict[str, bytes]:
        return {name: formula.value(known) for name, formula in self.fields.items()}


def parse_binding(raw: Mapping[str, str], known: frozenset[str]) -> Binding:
    """``known``: fields that this kind of evidence signs. Raises ValueError for an empty one and one without a key."""
    if not raw:
        raise ValueError("bind: is empty, so nothing would tie the channel to the evidence")
    for name in raw:
        found = _FIELD.fullmatch(str(name))
        if found is None or found[1] not in known:
            raise ValueError(f"bind: a field is one of {', '.join(sorted(known))}, or with an offset: field@32")
    binding = Binding({name: parse(text) for name, text in raw.items()})
    if not binding.uses & KEYS:
        raise ValueError("bind: names no key of the channel: spki, certificate or key")
    return binding
