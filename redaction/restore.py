"""Real values back into text that arrives in any chunking. Theory of operation:

* Only the mapping of this request counts; a stand-in that it does not hold is text like any other, so nobody gets a
  value by naming its stand-in.
* ``redaction.spellings`` says what a stand-in looks like by now. What stands beside it does not matter: models write
  ``_PERSON_…_`` and ``PERSON_…s``, and a text that begins with 65 bits of ours is ours. (A word of the input that
  begins like a stand-in is never chosen as one.)
* The leftmost match counts, then the longest. Text is held back only while it may still become a stand-in. Restored
  values are never looked at again: a value that contains a stand-in is not expanded twice.
* With ``escape`` the text is the inside of JSON strings. Its escapes are units: in ``\\nRP_…`` there is no ``nRP_…``.
* ``around`` is where the text begins: readers join the blocks of one answer, so a link may go on from block to block.
* With ``may`` a value comes back only where it may; else its stand-in stays. ``redaction.surroundings`` says what is a
  link and what is code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from heapq import merge

from redaction.likenesses import Likenesses
from redaction.spellings import CONTEXT, STAND_IN, Hit, Spellings
from redaction.surroundings import Surroundings

May = Callable[[str, bool, bool], bool]
"""(stand-in, in a link, in code) -> whether its value may come back there."""

_JSON = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|(\")", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
NEUTRAL = "0"
"""What the surroundings see of a stand-in: a character that opens and closes nothing."""


def json_escape(value: str) -> str:
    """``value`` as it stands inside a JSON string, without the quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


class Restorer:
    """``feed`` returns what is safe to hand out now, ``close`` the rest; any cut gives the same text and counts.

    ``restored`` counts values that were put back, ``refused`` those that may not come back where they stood; ``seen``
    adds both and stand-ins of ours that were cut short or altered beyond recognition. A key that is no stand-in is a
    realistic surrogate (``redaction.likenesses``); ``inputs``, all texts of the request, say which of its parts mean
    nothing else. With ``tolerant`` also spellings that models make of stand-ins count.
    """

    def __init__(
        self,
        mapping: Mapping[str, str],
        *,
        escape: Callable[[str], str] | None = None,
        tolerant: bool = False,
        may: May | None = None,
        inputs: Iterable[str] = (),
        around: Surroundings | None = None,
    ) -> None:
        self._values = dict(mapping)
        self._escape = escape
        self._may = may
        units, plain = escape is not None, {k: v for k, v in mapping.items() if not STAND_IN.fullmatch(k)}
        self._readers: list[Spellings | Likenesses] = []
        if len(plain) < len(mapping):
            self._readers.append(Spellings(mapping.keys() - plain.keys(), tolerant=tolerant, units=units))
        if plain:
            self._readers.append(Likenesses(plain, inputs=inputs, units=units))
        self._shortest = min((r.shortest for r in self._readers), default=0)
        self._around = around if around is not None else Surroundings() if may is not None else None
        self._held = ""
        self._before = ""
        self.restored = 0
        self.refused = 0
        self.seen = 0

    def feed(self, chunk: str) -> str:
        if not self._values:
            return chunk
        self._held += chunk
        return self._take(final=False)

    def close(self) -> str:
        return self._take(final=True)

    def _take(self, *, final: bool) -> str:
        """Hands out everything up to where a stand-in may still be growing."""
        text = self._before + self._held
        at = pos = len(self._before)
        out: list[str] = []
        stop = len(text) if final else self._grows(text, at)
        for start in self._places(text, at):
            if start >= stop:
                break
            if start < pos:
                continue
            hit = self._at(text, start)
            if hit is None:
                self.seen += any(r.begun(text, start) for r in self._readers)
                pos = start + 1
                continue
            self._read(text[at:start])
            out += [text[at:start], self._back(hit, text[start : hit.end])]
            at = pos = hit.end
            if pos > stop:  # what seemed to grow was the inside of something complete
                stop = self._grows(text, pos)
        self._read(text[at:stop])
        out.append(text[at:stop])
        self._held = text[stop:]
        self._before = text[max(0, stop - CONTEXT) : stop]
        return "".join(out)

    def _places(self, text: str, pos: int) -> Iterable[int]:
        if len(text) - pos < self._shortest:  # most pieces of a stream
            return ()
        places = [r.places(text, pos) for r in self._readers]
        return places[0] if len(places) == 1 else merge(*places)

    def _grows(self, text: str, pos: int) -> int:
        return min([r.grows(text, pos) for r in self._readers])

    def _at(self, text: str, start: int) -> Hit | None:
        hits = [hit for r in self._readers if (hit := r.at(text, start)) is not None]
        return max(hits, key=lambda hit: hit.end, default=None)

    def _back(self, hit: Hit, spelled: str) -> str:
        """The value, or what stood there if it may not come back."""
        self.seen += 1
        link, code = self._around.here() if self._around is not None else (False, False)
        self._read(NEUTRAL)
        if self._may is not None and not self._may(hit.key, link, code):
            self.refused += 1
            return spelled
        self.restored += 1
        value = self._values[hit.key] if hit.value is None else hit.value
        return f"{hit.opened}{self._escape(value) if self._escape else value}{hit.closed}"

    def _read(self, text: str) -> None:
        """Keeps track of links and code; in JSON each string is a text of its own, with its escapes undone."""
        if self._around is None or not text:
            return
        if self._escape is None:
            self._around.feed(text)
            return
        at = 0
        for match in _JSON.finditer(text):
            self._around.feed(text[at : match.start()])
            at = match.end()
            if match[3]:
                self._around.reset()
            else:
                self._around.feed(chr(int(match[1], 16)) if match[1] else _CONTROL.get(match[2], match[2]))
        self._around.feed(text[at:])
