"""Strict YAML with line numbers, for policies and configuration alike. Reads text, never files.

Refused: duplicate keys, anchors, aliases, merge keys, tags, several documents, empty documents, keys that are not
strings, lone surrogates (no answer could hold them). Only ``true`` and ``false`` are booleans; ``no``, ``on``, dates
and octal-looking numbers stay strings. Whatever the text, the only exception is YamlProblems: a running gate reads its
policy again, and what it cannot read may not end the task that does so.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml
from yaml.reader import ReaderError

Path = tuple[str | int, ...]

# Bounded: int() refuses thousands of digits, float() makes infinity of them. Longer ones stay text.
_INT = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    source: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.message}"


class YamlProblems(Exception):
    """Everything that is wrong with a file, as ``file:line: message`` lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: p.line))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values and the line of each of them."""

    source: str
    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at ``path``, or of the nearest parent that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Builder:
    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[Path, int] = {}

    def fail(self, node: yaml.Node, message: str) -> NoReturn:
        raise YamlProblems([Problem(self.source, node.start_mark.line + 1, message)])

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if len(path) > MAX_DEPTH:
            self.fail(node, f"more than {MAX_DEPTH} levels deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        if _SURROGATE.search(node.value):
            self.fail(node, "half of a surrogate pair is no text")
        return scalar(node.value) if node.style is None else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(key_node, "a key must be plain text")
            key = key_node.value
            if key == "<<" and key_node.style is None:
                self.fail(key_node, "merge keys (<<) are not allowed")
            if _SURROGATE.search(key):
                self.fail(key_node, "half of a surrogate pair is no text")
            if key in out:
                self.fail(key_node, f"'{key}' is given twice")
            out[key] = self.build(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return out


def scalar(text: str) -> Any:
    """A plain scalar: null, true, false, decimal numbers; everything else is the text itself."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def parse(text: str, source: str) -> Document:
    """Reads one strict YAML document. Raises YamlProblems."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise YamlProblems(
                    [Problem(source, line, "anchors and aliases (& and *) are not allowed; quote a '*'")]
                )
            if getattr(event, "tag", None) is not None:
                raise YamlProblems([Problem(source, line, "tags (!) are not allowed")])
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark is not None else 1
        hint = "; quote a '*'" if e.context == "while scanning an alias" else ""
        raise YamlProblems([Problem(source, line, f"not readable as YAML: {e.problem}{hint}")]) from None
    except ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise YamlProblems([Problem(source, line, "a control character is no text")]) from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        # PyYAML lets the last two through: "\UFFFFFFFF", a %YAML version of thousands of digits.
        raise YamlProblems([Problem(source, 1, "not readable as YAML")]) from None
    if not nodes or nodes[0] is None:
        raise YamlProblems([Problem(source, 1, "the file is empty")])
    if len(nodes) > 1:
        second = nodes[1].start_mark
        raise YamlProblems([Problem(source, second.line + 1 if second else 1, "one document only")])
    builder = _Builder(source)
    return Document(source, builder.build(nodes[0], ()), builder.lines)


class Reader:
    """Typed access to a document that collects problems instead of stopping at the first.

    Every method takes the path of a value and returns it, or a harmless default after noting a problem; ``done()``
    raises YamlProblems when there was any.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str) -> None:
        where = ".".join(str(p) for p in path)
        text = f"{where}: {message}" if where else message
        self.problems.append(Problem(self.document.source, self.document.line(path), text))

    def done(self) -> None:
        if self.problems:
            raise YamlProblems(self.problems)

    def get(self, path: Path) -> Any:
        """The raw value, or None where there is none."""
        value = self.document.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def has(self, path: Path) -> bool:
        return path in self.document.lines

    def mapping(self, path: Path, allowed: Collection[str] | None, required: Collection[str] = ()) -> dict[str, Any]:
        """A mapping whose keys are all ``allowed`` (None: any) and include the ``required`` ones."""
        value = self.get(path)
        if not isinstance(value, dict):
            self.problem(path, "must be a mapping (key: value)")
            return {}
        for key in value:
            if allowed is not None and key not in allowed:
                self.problem((*path, key), f"unknown key{suggest(key, allowed)}")
        for key in required:
            if key not in value:
                self.problem(path, f"'{key}' is missing")
        return value

    def text(self, path: Path, default: str = "") -> str:
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        if isinstance(value, str) and value.strip():
            return value
        self.problem(path, "must be text")
        return default

    def integer(self, path: Path, default: int, low: int, high: int) -> int:
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(path, f"must be a whole number from {low} to {high}")
            return default
        return value

    def number(self, path: Path, default: float, low: float, high: float) -> float:
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self.problem(path, f"must be a number from {low:g} to {high:g}")
            return default
        return float(value)

    def boolean(self, path: Path, default: bool) -> bool:
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        if not isinstance(value, bool):
            self.problem(path, "must be true or false")
            return default
        return value

    def choice(self, path: Path, allowed: Collection[str], default: str) -> str:
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        if not isinstance(value, str) or value not in allowed:
            hint = suggest(value, allowed) if isinstance(value, str) else ""
            self.problem(path, f"must be one of: {', '.join(sorted(allowed))}{hint}")
            return default
        return value

    def texts(self, path: Path) -> tuple[str, ...]:
        """Text, or a list of it."""
        value = self.get(path)
        if value is None and not self.has(path):
            return ()
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(i, str) and i.strip() for i in items):
            self.problem(path, "must be text or a list of texts")
            return ()
        return tuple(items)

    def seconds(self, path: Path, default: float) -> float:
        """A duration such as ``500ms``, ``30s``, ``10m``, ``2h`` or ``7d``."""
        value = self.get(path)
        if value is None and not self.has(path):
            return default
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None or int(match[1]) == 0:
            self.problem(path, "must be a duration such as 30s, 10m or 2h")
            return default
        return int(match[1]) * _SECONDS[match[2]]


def suggest(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` when something similar is known."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
