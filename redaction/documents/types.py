"""The words of reading documents: pieces of text, what could not be read, and the budget that a reading spends.

Nothing here holds a reason that quotes a document: reasons are words of a fixed list.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost, the documents inside it included."""

    bytes: int = 8 * 1024 * 1024
    inflated: int = 48 * 1024 * 1024
    """Bytes of all its parts once they are unpacked."""
    chars: int = 2_000_000
    """Characters of text and markup that are handed on."""
    parts: int = 5_000
    """Members of a package, objects of a PDF (times ten), parts of a message."""
    nodes: int = 1_000_000
    """Elements of XML and HTML, operations on PDF pages."""
    pages: int = 300
    depth: int = 64
    """Elements within elements."""
    nested: int = 4
    """Documents within documents."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a document. ``prose`` is what people write and read; the rest (names of styles, addresses of
    links, markup) is technical: guessing at names in it finds fonts."""

    text: str = field(repr=False)
    prose: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. Unless ``complete``, something in it was not, and ``reason`` says what came first."""

    texts: tuple[Piece, ...]
    kind: str
    complete: bool
    reason: str | None = None


class Unreadable(Exception):
    """Reading cannot go on. Its message is a reason: one word, never text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Reading:
    """What one reading has found and what it may still spend. Spending more raises Unreadable('budget')."""

    limits: Limits
    pieces: list[Piece] = field(default_factory=list, repr=False)
    reasons: list[str] = field(default_factory=list)
    level: int = 0
    """How deep inside other documents the one that is being read lies."""
    chars: int = 0
    inflated: int = 0
    parts: int = 0
    nodes: int = 0

    def prose(self, text: str) -> None:
        """Text that people write and read."""
        self._add(text, prose=True)

    def technical(self, text: str) -> None:
        """Markup, names and addresses."""
        self._add(text, prose=False)

    def _add(self, text: str, *, prose: bool) -> None:
        text = text.strip()
        if text:
            try:
                text.encode()
            except UnicodeEncodeError:  # half of a surrogate pair: no reader agrees with another on what it says
                self.missing("encoding")
                text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            self.chars += len(text)
            if self.chars > self.limits.chars:
                raise Unreadable("budget")
            self.pieces.append(Piece(text, prose))

    def missing(self, reason: str) -> None:
        """Something here cannot be read."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def inflate(self, size: int) -> None:
        """``size`` more bytes came out of a compressed part."""
        self.inflated += size
        if self.inflated > self.limits.inflated:
            raise Unreadable("budget")

    @property
    def inflatable(self) -> int:
        """Bytes that may still be unpacked."""
        return self.limits.inflated - self.inflated

    def part(self, count: int = 1) -> None:
        """One more part."""
        self.parts += count
        if self.parts > self.limits.parts:
            raise Unreadable("budget")

    def node(self, count: int = 1) -> None:
        """One more element or operation."""
        self.nodes += count
        if self.nodes > self.limits.nodes:
            raise Unreadable("budget")
