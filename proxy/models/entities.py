"""Which persons, cases and facts of a text are masked in every mention: direct and quasi identifiers of court cases.

As in the text anonymisation benchmark (TAB): an entity counts when all its mentions that have to be masked are, and it
is a direct identifier when its first mention is one. Punctuation and small words may stay; the benchmark skips them by
a tagger, the suite's scorer by this list of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_CHARS = frozenset(" ,.-;:/&()[]–'\" ’“”")
_WORDS = (
    "mr mrs ms no nr about a an the this that these those its his her their our your my any some all both each every no"
    " another such what which of in on at by for with from to into onto upon over under between among through during"
    " before after since until till against without within across around near off out per via as than along towards"
    " toward behind beyond despite except inside outside like unlike throughout and or but nor plus 's ’s not n't up"
    " down"
)
_SMALL = frozenset(_WORDS.split())
_WORD = re.compile(r"[^\W_]+(?:['’]\w+)?|\d+")
Mention = tuple[int, int, bool]
"""Start, end, and whether it has to be masked."""


@dataclass(slots=True)
class _Entity:
    direct: bool
    mentions: list[Mention] = field(default_factory=list)


def recalled(text: str, spans: Sequence[Mapping[str, Any]], covered: bytearray) -> Iterator[tuple[bool, bool]]:
    """``(direct, masked in all mentions)`` of each entity with something to mask. ``covered``: one byte a character."""
    entities: dict[Any, _Entity] = {}
    for number, span in enumerate(spans):
        need = not span.get("nomask")
        entity = entities.setdefault(span.get("ent", number), _Entity(need and not span.get("quasi")))
        entity.mentions.append((span["start"], span["end"], need))
    words = [(m.start(), m.end(), m.group().lower()) for m in _WORD.finditer(text)] if entities else []
    for entity in entities.values():
        if any(need for *_, need in entity.mentions):
            left = (s for s, e, need in entity.mentions if need and not _masked(text, s, e, words, covered))
            yield entity.direct, next(left, None) is None


def _masked(text: str, start: int, end: int, words: Sequence[tuple[int, int, str]], covered: bytearray) -> bool:
    left = {i for i in range(start, end) if not covered[i] and text[i] not in _CHARS}
    if left:
        for a, b, word in words:
            if a < end and b > start and _may_stay(text, a, b, word):
                left.difference_update(range(a, b))
    return not left


def _may_stay(text: str, start: int, end: int, word: str) -> bool:
    """``A.`` is an initial and ``Mr.`` a token that the benchmark does not skip."""
    if word not in _SMALL or (end - start == 1 and text[start].isupper()):
        return False
    return not (word in {"mr", "mrs", "ms"} and text[end : end + 1] == ".")
