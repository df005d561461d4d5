"""Imports of a library without libraries that it imports and that we do not use from there. Pure.

Presidio's packages import spaCy and thinc, which take half of the time that a process needs to start and a fifth of its
memory, for classes that only Presidio's engine needs. The gate has no such engine: it uses recognizers and operators.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Inside, importing one of ``packages`` gives names that stand for nothing; whoever calls one later gets an error.
    Afterwards they are imported as ever. One that is loaded already stays."""
    finder = _Nothing(frozenset(packages) - sys.modules.keys())
    sys.meta_path.insert(0, finder)
    _Unused.importing = True
    try:
        yield
    finally:
        _Unused.importing = False
        sys.meta_path.remove(finder)
        for name in [n for n, m in sys.modules.items() if isinstance(m, _Module)]:
            del sys.modules[name]


class _Unused(type):
    """A class that stands for nothing: while importing it may be named, extended and decorate."""

    importing = False

    def __call__(cls, *args: object, **kwargs: object) -> object:
        if not _Unused.importing:
            raise RuntimeError(f"{cls.__module__}.{cls.__name__} was imported without its library")
        return cls

    def __getattr__(cls, name: str) -> type:
        return _unused(name, f"{cls.__module__}.{cls.__name__}")


def _unused(name: str, module: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Unused(name, (), {"__module__": module})


class _Module(ModuleType):
    def __getattr__(self, name: str) -> type:
        return _unused(name, self.__name__)


class _Nothing(MetaPathFinder, Loader):
    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        own = fullname.partition(".")[0] in self._packages
        return ModuleSpec(fullname, self, is_package=True) if own else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""
