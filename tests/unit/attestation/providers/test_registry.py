"""Options of a provider are what it declares, of the types that it declares, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import pytest

from attestation.providers import registry
from attestation.providers.registry import BadOption, UnknownKind, declared, make, options_of
from attestation.providers.sealgate import SealgateProvider


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Bind:
    field: Literal["user_data", "public_key"]
    offset: int = 0


@dataclass(frozen=True)
class Everything:
    path: str
    many: tuple[str, ...] = ()
    some: frozenset[int] = frozenset()
    named: Mapping[str, bytes] = field(default_factory=dict)
    colour: Colour = Colour.RED
    bind: Bind | None = None
    strict: bool = True
    share: float = 0.5

    def __post_init__(self):
        if not self.path.startswith("/"):
            raise ValueError("path begins with a slash")


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    monkeypatch.setattr(registry, "KINDS", {"all": Everything})
    monkeypatch.setattr(registry, "NO_ENCLAVES", {"sidecar": "it says so itself"})


def test_every_declared_type_is_read():
    given = {"path": "/a", "many": ["a", "b"], "some": [1, 2], "named": {"x": "00ff"}, "colour": "red",
             "bind": {"field": "user_data"}, "strict": False, "share": 1}  # fmt: skip
    assert make("all", given) == Everything(
        "/a", ("a", "b"), frozenset({1, 2}), {"x": b"\0\xff"}, Colour.RED, Bind("user_data"), False, 1.0
    )
    assert make("all", {"path": "/a"}) == Everything("/a")
    assert [(o.name, o.required) for o in options_of("all")][:2] == [("path", True), ("many", False)]


BAD = {
    "unknown": ({"path": "/a", "pth": "/b"}, ("pth",)),
    "missing": ({}, ()),
    "no text": ({"path": 1}, ("path",)),
    "blank": ({"path": " "}, ("path",)),
    "its own word": ({"path": "a"}, ()),
    "null": ({"path": None}, ("path",)),
    "null for what may be absent": ({"path": "/a", "bind": None}, ("bind",)),
    "text for a list": ({"path": "/a", "many": "a"}, ("many",)),
    "an empty list": ({"path": "/a", "many": []}, ("many",)),
    "one of a list": ({"path": "/a", "many": ["a", 1]}, ("many", 1)),
    "a boolean for a number": ({"path": "/a", "some": [True]}, ("some", 0)),
    "a number for a boolean": ({"path": "/a", "strict": 0}, ("strict",)),
    "text for a boolean": ({"path": "/a", "strict": "no"}, ("strict",)),
    "upper-case hex": ({"path": "/a", "named": {"x": "00FF"}}, ("named", "x")),
    "an empty mapping": ({"path": "/a", "named": {}}, ("named",)),
    "no such word": ({"path": "/a", "colour": "blue"}, ("colour",)),
    "inside": ({"path": "/a", "bind": {"field": "nonce"}}, ("bind", "field")),
    "unknown inside": ({"path": "/a", "bind": {"field": "user_data", "x": 1}}, ("bind", "x")),
    "missing inside": ({"path": "/a", "bind": {"offset": 1}}, ("bind",)),
    "text for a mapping": ({"path": "/a", "bind": "user_data"}, ("bind",)),
}


@pytest.mark.parametrize("which", BAD)
def test_whatever_else_is_refused_with_its_place(which):
    given, place = BAD[which]
    with pytest.raises(BadOption) as e:
        make("all", given)
    assert e.value.place == place


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(UnknownKind, match="known providers are all"):
        make("trust-me", {})


def test_what_cannot_be_an_enclave_is_explained():
    with pytest.raises(UnknownKind, match="cannot be zone 'enclave': it says so itself"):
        make("sidecar", {})


def test_a_factory_that_takes_anything_is_a_bug():
    def anything(**options: str) -> None: ...

    def untyped(option="x") -> None: ...  # type: ignore[no-untyped-def]

    for factory in (anything, untyped):
        with pytest.raises(TypeError):
            declared(factory)


def test_every_kind_of_the_table_declares_options_that_can_be_read(monkeypatch):
    monkeypatch.undo()
    assert registry.KINDS["sealgate-snp"] is SealgateProvider and not set(registry.KINDS) & set(registry.NO_ENCLAVES)
    for kind in registry.KINDS:
        for option in options_of(kind):
            assert option.name not in {"provider", "expectations", "max_age"}, "those are the upstream's own"
            with pytest.raises(BadOption):
                registry._value(object(), option.type, (option.name,))
        if not any(option.required for option in options_of(kind)):
            assert make(kind, {}).kind == kind
