"""Reads a vendor SDK's own request type and lists every place in it where text can stand, each with a valid request.

A place is named by its path: ``messages[user].content[text].text``; the word in brackets is what tells the members of
a union apart. ``.*`` is a free value of an object and ``.(key)`` its key. Nothing is listed by hand, so that a field
that a new release of the SDK brings is a new place here, without a row in the tables, and fails a test.
"""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pydantic
import typing_extensions as te

TEXT = "\ue000"
"""Stands in a request where the text of a case goes."""
MARKS = ("role", "type", "object")
"""Fields whose constant value tells the members of a union apart."""
PLAIN = "x"
"""What a text field holds that has to be there and is not the place in question."""


@dataclass(frozen=True)
class Place:
    """A place for text: its path, and a request (or a part of one) that holds :data:`TEXT` there and only there."""

    path: str
    body: Any
    binary: bool = False
    """Whether the place takes bytes in base64, which are no text."""
    base64: bool = False
    """Whether the place takes a text in base64."""
    refusals: frozenset[str] = frozenset()
    """Codes that spellings may be refused with which this place cannot hold (a backslash in the name of a file)."""


def places(request: Any, path: str = "", seen: tuple[Any, ...] = ()) -> Iterator[Place]:
    """Every place of a type. Literals, numbers and flags are no places; a type inside itself is entered once."""
    kind = _bare(request)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        yield Place(path, TEXT)
    elif kind is bytes:
        yield Place(f"{path} (bytes)", TEXT, binary=True)
    elif kind in (object, Any) or kind is dict:
        yield Place(f"{path}.*", {"note": TEXT})
        yield Place(f"{path}.(key)", {TEXT: "x"})
    elif _is_object(kind):
        if kind not in seen:
            yield from _members(kind, path, (*seen, kind))
    elif origin in (typing.Union, types.UnionType):
        yield from _choices(args, path, seen)
    elif _is_map(origin):
        for place in places(args[1], f"{path}.*", seen):
            yield replace(place, path=place.path.replace(".*.*", ".*"), body={"note": place.body})
        yield Place(f"{path}.(key)", {TEXT: least(args[1])})
    elif _is_list(origin):
        for place in places(args[0], f"{path}[]", seen):
            yield replace(place, body=[place.body])


def _choices(args: tuple[Any, ...], path: str, seen: tuple[Any, ...]) -> Iterator[Place]:
    known: set[str] = set()
    for arg in args:
        word = _mark(_bare(arg))
        inner = f"{path.removesuffix('[]')}[{word}]" if word else path
        for place in places(arg, inner, seen):
            if place.path not in known:  # the same path twice: two spellings of one thing
                known.add(place.path)
                yield place


def _members(kind: Any, path: str, seen: tuple[Any, ...]) -> Iterator[Place]:
    word = _mark(kind)
    if word and path.endswith("[]"):
        path = f"{path[:-2]}[{word}]"
    needed = least(kind)
    for name, (hint, _) in _fields(kind).items():
        for place in places(hint, f"{path}.{name}" if path else name, seen):
            yield replace(place, body={**needed, name: place.body})


def least(hint: Any) -> Any:
    """The smallest valid value of a type."""
    kind = _bare(hint)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if _is_object(kind):
        return {name: least(hint) for name, (hint, needed) in _fields(kind).items() if needed}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    if origin is typing.Literal:
        return args[0]
    if origin in (typing.Union, types.UnionType):
        return least(min(args, key=_weight))
    if _is_map(origin) or kind in (dict, object, Any):
        return {}
    if _is_list(origin):
        return [least(args[0])]
    return {str: PLAIN, int: 1, float: 1.0, bool: True, type(None): None}.get(kind, PLAIN)


ANSWERS = frozenset({"openai", "anthropic"})
"""SDKs whose pydantic models are answers: where a request takes one back, a TypedDict beside it says the same."""


def _is_object(kind: Any) -> bool:
    if te.is_typeddict(kind):
        return True
    is_model = isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)
    return is_model and kind.__module__.partition(".")[0] not in ANSWERS


def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Name on the wire -> (type, whether it has to be there)."""
    if te.is_typeddict(kind):
        hints = te.get_type_hints(kind, include_extras=True)
        return {name: (hint, _required(kind, name, hint)) for name, hint in hints.items()}
    return {f.alias or name: (f.annotation, f.is_required()) for name, f in kind.model_fields.items()}


def _required(kind: Any, name: str, hint: Any) -> bool:
    """Said in the annotation, which the class itself does not see where annotations are strings."""
    origin = typing.get_origin(hint)
    if origin in (te.Required, typing.Required, te.NotRequired, typing.NotRequired):
        return origin in (te.Required, typing.Required)
    return name in kind.__required_keys__


def _weight(arg: Any) -> int:
    """Text is the smallest member of a union, null comes last."""
    kind = _bare(arg)
    return {str: 0, int: 1, float: 1, bool: 1, type(None): 9}.get(kind, 3 if _is_object(kind) else 2)


def _mark(kind: Any) -> str:
    """The constant that tells a member of a union apart; empty where there is none."""
    if not te.is_typeddict(kind):
        return ""
    hints = te.get_type_hints(kind, include_extras=False)
    for name in MARKS:
        hint = _bare(hints[name]) if name in hints else None
        if typing.get_origin(hint) is typing.Literal:
            return str(typing.get_args(hint)[0])
    return ""


def _bare(hint: Any) -> Any:
    """A type without Required, NotRequired, Annotated and the name of an alias."""
    while True:
        origin = typing.get_origin(hint)
        if origin in (te.Required, te.NotRequired, te.Annotated, typing.Required, typing.NotRequired, typing.Annotated):
            hint = typing.get_args(hint)[0]
        elif isinstance(hint, (te.TypeAliasType, typing.NewType)):
            hint = getattr(hint, "__value__", None) or hint.__supertype__
        else:
            return hint


def _is_map(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_list(origin: Any) -> bool:
    if not isinstance(origin, type) or issubclass(origin, (Mapping, tuple, type)):
        return False
    return issubclass(origin, collections.abc.Iterable)


def fill(body: Any, text: str) -> Any:
    """A request with ``text`` in its place."""
    return _filled(body, lambda s: s.replace(TEXT, text))


def _filled(node: Any, put: Callable[[str], str]) -> Any:
    if isinstance(node, str):
        return put(node)
    if isinstance(node, dict):
        return {put(k): _filled(v, put) for k, v in node.items()}
    if isinstance(node, list):
        return [_filled(v, put) for v in node]
    return node


__all__ = ["TEXT", "Place", "fill", "least", "places"]
