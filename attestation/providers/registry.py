"""Providers by name: ``attestation: {provider: KIND, OPTION: ...}`` of an upstream -> its :class:`Provider`. Pure.

A provider declares its options as keyword parameters of its factory (of a dataclass: its fields), with types and
defaults. Nothing else is taken: an unknown option, a missing one and a value of another type are errors with their
place. What a value means is the factory's business; it raises ValueError.

Types that an option may have: ``str``, ``int``, ``float``, ``bool``, ``bytes`` (lower-case hex), ``Literal``, an enum,
``X | None``, ``tuple[X, ...]`` and ``frozenset[X]`` (a list), ``Mapping[str, X]`` and a dataclass (a mapping).
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union

from attestation.providers import privatemode
from attestation.providers.aci import Aci
from attestation.providers.azure import AzureProvider
from attestation.providers.base import Provider
from attestation.providers.dstack import Dstack
from attestation.providers.gcp import GcpProvider
from attestation.providers.generic import GenericProvider
from attestation.providers.nitro import NitroProvider
from attestation.providers.ratls import RaTlsProvider
from attestation.providers.sealgate import SealgateProvider
from attestation.providers.tinfoil import Tinfoil

KINDS: Mapping[str, Callable[..., Provider]] = {
    "sealgate-snp": SealgateProvider,
    Tinfoil.kind: Tinfoil,
    "dstack": Dstack,
    "aci": Aci,
    "nitro": NitroProvider,
    "ratls": RaTlsProvider,
    "azure": AzureProvider,
    "gcp": GcpProvider,
    "generic": GenericProvider,
}
"""Name in the configuration -> factory. One line per provider."""

NO_ENCLAVES: Mapping[str, str] = {privatemode.KIND: privatemode.WHY_NO_ENCLAVE}
"""Name -> why it cannot be zone ``enclave`` (its keys are not proven to this process), so that it is explained."""

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_NO_DEFAULT = inspect.Parameter.empty


class UnknownKind(ValueError):
    """No provider of that name makes an enclave; the message names those that do."""


class BadOption(ValueError):
    """``place``: the keys below ``attestation:`` that lead to what is wrong; empty when it is no single option."""

    def __init__(self, place: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.place = place


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One declared option. ``type`` is the annotation; ``default`` means nothing where it is ``required``."""

    name: str
    type: Any
    required: bool
    default: Any = None


def known_kinds() -> str:
    """For messages."""
    return ", ".join(sorted(KINDS))


def declared(factory: Callable[..., object]) -> tuple[Option, ...]:
    """The options of a factory. Raises TypeError for one that this module could not read: a bug of ours."""
    hints = typing.get_type_hints(inspect.getattr_static(factory, "__init__") if isinstance(factory, type) else factory)
    out = []
    for p in inspect.signature(factory).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY) or p.name not in hints:
            raise TypeError("an option is a keyword parameter with a type")
        out.append(Option(p.name, hints[p.name], p.default is _NO_DEFAULT, p.default))
    return tuple(out)


def options_of(kind: str) -> tuple[Option, ...]:
    """Raises UnknownKind."""
    return declared(_factory(kind))


def make(kind: str, options: Mapping[str, Any]) -> Provider:
    """The provider. Raises UnknownKind or BadOption, both kinds of ValueError."""
    made: Provider = _built(_factory(kind), options, ())
    return made


def _factory(kind: str) -> Callable[..., Provider]:
    if kind in NO_ENCLAVES:
        raise UnknownKind(f"'{kind}' cannot be zone 'enclave': {NO_ENCLAVES[kind]}")
    if kind not in KINDS:
        raise UnknownKind(f"known providers are {known_kinds()}")
    return KINDS[kind]


def _built(factory: Callable[..., Any], given: object, place: tuple[str | int, ...]) -> Any:
    known = {o.name: o for o in declared(factory)}
    if not isinstance(given, Mapping):
        raise BadOption(place, "must be a mapping (key: value)")
    for name in given:
        if name not in known:
            raise BadOption((*place, name), f"unknown option; known are {', '.join(known) or 'none'}")
    for option in known.values():
        if option.required and option.name not in given:
            raise BadOption(place, f"'{option.name}' is missing")
    values = {name: _value(value, known[name].type, (*place, name)) for name, value in given.items()}
    try:
        return factory(**values)
    except BadOption:
        raise
    except ValueError as e:  # the factory's own word about what a value means
        raise BadOption(place, str(e)) from None


def _value(value: object, want: Any, place: tuple[str | int, ...]) -> Any:
    """``value`` as the declared type. Raises BadOption; TypeError for a type that no option can have."""
    origin, inner = typing.get_origin(want), typing.get_args(want)
    if origin in (Union, types.UnionType):
        (want,) = (t for t in inner if t is not type(None))  # X | None: null itself is never written
        return _value(value, want, place)
    if origin is Literal:
        return _one_of(value, inner, place)
    if origin in (tuple, frozenset):
        if not isinstance(value, list) or not value:
            raise BadOption(place, "must be a list of at least one")
        return origin(_value(v, inner[0], (*place, i)) for i, v in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping) or not value:
            raise BadOption(place, "must be a mapping of at least one key")
        return {k: _value(v, inner[1], (*place, k)) for k, v in value.items()}
    if dataclasses.is_dataclass(want) and isinstance(want, type):
        return _built(want, value, place)
    if isinstance(want, type) and issubclass(want, enum.Enum):
        return want(_one_of(value, tuple(m.value for m in want), place))
    return _scalar(value, want, place)


def _one_of(value: object, allowed: tuple[Any, ...], place: tuple[str | int, ...]) -> Any:
    if not any(type(value) is type(a) and value == a for a in allowed):
        raise BadOption(place, f"must be one of: {', '.join(map(str, allowed))}")
    return value


def _scalar(value: object, want: Any, place: tuple[str | int, ...]) -> Any:
    if want is bool and isinstance(value, bool):
        return value
    if want is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if want is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if want is str and isinstance(value, str) and value.strip():
        return value
    if want is bytes and isinstance(value, str) and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    if want not in _WORDS:
        raise TypeError("no option has this type")
    raise BadOption(place, f"must be {_WORDS[want]}")


_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    bytes: "lower-case hex digits",
}
