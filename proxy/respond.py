"""The class ``respond``: what a model writes is inspected before the app reads it. Theory of operation:

* A dialect reads every piece of an answer twice: first with listeners, which note the text of each channel, then, once
  the new sentences were judged, with the channels that hand out. Channels come in the same order both times.
* A sentence is judged with what stands before it in view. A finding that is a value of the request stays (it is the
  app's own), and so do stand-ins, keys of a JSON document that the request names, and what policy keeps on the way to
  the cloud; anything else the model invented or knows of others, and goes the way the cloud table says, but never as a
  stand-in.
* A sentence that could not be judged is withheld. Arguments of tools and answers in JSON are judged as a whole.

Sentences are cut by rules that look at the text only, so any chunking gives the same answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from policies.types import Decision, Transform, Zone
from proxy.dialects.base import Segment, TextRestorer
from proxy.ports import Inspector
from redaction.spellings import Spellings
from redaction.transform import generalize, mask, redact
from redaction.types import GROUPS, Finding, TextResult

SENTENCE = 600
"""Characters after which a sentence is cut at its last space, in code points."""
CONTEXT = 200
"""Characters before a sentence that its detectors may see."""
WITHHELD = "[uninspected]"
_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]*_]{0,3}\s|[\u3002\uff01\uff1f]|\n")
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[^\W\d_]+(?:[\s.,'\u2019-]+[^\W\d_]+)*\.?")
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can write and no worker can read."""
_QUOTE = re.compile(r"\\.|\"", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)(?:"(\s*:)?|\\?\Z)', re.DOTALL)
_NUMBERS = GROUPS["@identifiers"] | GROUPS["@financial"] | {"PHONE_NUMBER"}
"""Labels of what has a digit."""
_BEFORE = frozenset(
    ("account", "acct", "address", "at", "bic", "birth", "born", "call", "card", "cell", "contact", "credit",
     "customer", "date", "dob", "e", "ein", "email", "fax", "from", "iban", "id", "in", "is", "key", "mail", "mobile",
     "mrn", "name", "nhs", "nin", "no", "nr", "number", "of", "on", "or", "and", "passport", "phone", "pin", "ref",
     "reference", "ssn", "swift", "tax", "tel", "telephone", "the", "tin", "to", "token", "user", "username", "vat",
     "was", "with", "your")
)  # fmt: skip
"""Words that say what stands behind them, and those that join."""
_MASKS = {Transform.MASK: mask, Transform.GENERALIZE: generalize}


@dataclass(slots=True)
class Heard:
    """What one channel said. Up to ``judged`` it is known what to hand out: ``edits`` are (start, end, instead)."""

    place: str
    whole: bool
    text: str = field(default="", repr=False)
    closed: bool = False
    judged: int = 0
    edits: list[tuple[int, int, str]] = field(default_factory=list, repr=False)

    def due(self) -> list[tuple[int, int]]:
        """The sentences that are complete by now."""
        out, at = [], self.judged
        while at < len(self.text):
            end = self._end(at)
            if end is None:
                break
            out.append((at, end))
            at = end
        return out

    def _end(self, at: int) -> int | None:
        if self.whole:
            return len(self.text) if self.closed else None
        match = _END.search(self.text, at, at + SENTENCE)
        if match is not None:
            return match.end()
        if len(self.text) - at >= SENTENCE:
            return (self.text.rfind(" ", at, at + SENTENCE) + 1) or at + SENTENCE
        return len(self.text) if self.closed else None


class Listening:
    """Listens to one answer and judges it. ``keys`` are the stand-ins of the request, ``known`` its sensitive values,
    ``names`` its JSON keys; with ``structured`` the answer's text is JSON."""

    def __init__(
        self,
        inspector: Inspector,
        tenant: str,
        decision: Decision,
        keys: Iterable[str],
        known: Iterable[str],
        *,
        structured: bool = False,
        names: Collection[str] = (),
    ) -> None:
        self._inspector = inspector
        self._tenant = tenant
        self._decision = decision
        self._keys = tuple(keys)
        self._structured = structured
        self._names = frozenset(names)
        self._known = {k.casefold() for k in known}
        self._words = {w for k in self._known if _NAME.fullmatch(k) for w in _WORD.findall(k)}
        self.heard: list[Heard] = []
        self._open: list[Heard] = []
        self._listened = 0
        self.masked = 0
        self.withheld = 0

    def __call__(self, place: str) -> TextRestorer:
        """A listener, for the first reading."""
        whole = place.startswith("tool_args:") or (self._structured and place == "text")
        self.heard.append(Heard(place, whole))
        return _Listener(self.heard[-1])

    def created(self, kind: str, id: str) -> None:
        """Noted by the second reading."""

    def within(self, text: str) -> Listening:
        """Everything is listened to."""
        return self

    async def judge(self) -> None:
        """Inspects every sentence that is complete and was not judged yet."""
        self._open += self.heard[self._listened :]
        self._listened = len(self.heard)
        due = [(h, start, end) for h in self._open if h.place != "logprobs" for start, end in h.due()]
        self._open = [h for h in self._open if not h.closed]
        segments: list[Segment] = []
        for heard, start, end in due:
            text = _HALF.sub("\ufffd", heard.text[max(0, start - CONTEXT) : end])
            segments.append(Segment(f"/{len(segments)}", "assistant", text))
        if not segments:
            return
        seen = await self._inspector.inspect(self._tenant, segments, self._decision.inspection)
        for n, (heard, start, end) in enumerate(due):
            self._settle(heard, start, end, seen.results[n])

    def _settle(self, heard: Heard, start: int, end: int, seen: TextResult) -> None:
        heard.judged = end
        if seen.uninspected is not None:
            self.withheld += 1
            text = heard.text[start:end]
            rest = "" if heard.whole else text[len(text.rstrip()) :]
            heard.edits.append((start, end, ("{}" if heard.whole else WITHHELD) + rest))
            return
        first = max(0, start - CONTEXT)
        edits = [e for e in self._edits(heard, heard.text[first:end], seen.findings) if e[1] + first > start]
        self.masked += len(edits)
        heard.edits += [(max(s + first, start), e + first, new) for s, e, new in edits]
        if heard.whole:
            _sound(heard)

    def _edits(self, heard: Heard, text: str, found: Iterable[Finding]) -> list[tuple[int, int, str]]:
        own = list(Spellings(self._keys, tolerant=True, units=heard.whole).spans(text)) if self._keys else []
        if (
            heard.whole
        ):  # detectors of names take keys that stand apart for names; masked, a tool would miss its argument
            own = sorted([*own, *(m.span(1) for m in _STRING.finditer(text) if m[2] and m[1] in self._names)])
        out: list[tuple[int, int, str]] = []
        for f in sorted(found, key=lambda f: (f.start, -f.end)):
            if self._decision.transform(Zone.CLOUD, f.label) is Transform.KEEP or self._is_own(text[f.start : f.end]):
                continue
            for start, end in _without((max(f.start, out[-1][1] if out else 0), f.end), own):
                if _is_rest(f, text[start:end]):
                    continue
                out.append((start, end, self._instead(heard, f.label, text, start, end)))
        return out

    def _is_own(self, value: str) -> bool:
        """Whether the request said it: as it is, or a name of which it has every word."""
        value = value.casefold()
        words = _WORD.findall(value)
        return value in self._known or (bool(words) and all(w.isalpha() and w in self._words for w in words))

    def _instead(self, heard: Heard, label: str, text: str, start: int, end: int) -> str:
        value = text[start:end]
        if heard.whole:
            quoted = sum(m[0] == '"' for m in _QUOTE.finditer(text, 0, start)) % 2
            return redact(label, value) if quoted else re.sub(r"\d+", "0", value)
        return _MASKS.get(self._decision.transform(Zone.CLOUD, label), redact)(label, value)

    def counts(self) -> dict[str, int]:
        return {"masked": self.masked, "withheld": self.withheld}


def _is_rest(f: Finding, value: str) -> bool:
    """Whether it is what a guess took for a value, or took along with a stand-in, and is none: the full stop behind
    it, the word that says what it is (``IBAN IBAN_…``). Only a password may be such a word, or nothing but signs."""
    words = [w.casefold() for w in _WORD.findall(value)]
    beside = len(value) < f.end - f.start
    if _BEFORE.issuperset(words):
        return beside or f.label not in GROUPS["@secrets"]
    return beside and f.label in _NUMBERS and not any(map(str.isdigit, value))


def _without(span: tuple[int, int], holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a span."""
    start, end = span
    out = []
    for a, b in holes:
        if a < end and b > start:
            out.append((start, a))
            start = b
    return [(a, b) for a, b in (*out, (start, end)) if a < b]


def _sound(heard: Heard) -> None:
    """A document that masking broke is withheld: half of a value may hide in what is left."""
    if not heard.edits:
        return
    try:
        json.loads(_apply(heard, 0, len(heard.text)))
    except ValueError:
        heard.edits = [(0, len(heard.text), "{}")]


def _apply(heard: Heard, start: int, end: int) -> str:
    out, at = [], start
    for a, b, new in heard.edits:
        if start <= a < end:
            out += [heard.text[at:a], new]
            at = b
    return "".join([*out, heard.text[at:end]])


class _Listener:
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def feed(self, chunk: str) -> str:
        self._heard.text += chunk
        return chunk

    def close(self) -> str:
        self._heard.closed = True
        return ""


class Judged:
    """The second reading of a channel: hands out what was judged, restored by ``inner``."""

    def __init__(self, heard: Heard, inner: TextRestorer) -> None:
        self._heard = heard
        self._inner = inner
        self._out = 0

    def feed(self, chunk: str) -> str:
        text = _apply(self._heard, self._out, self._heard.judged)
        self._out = self._heard.judged
        return self._inner.feed(text) if self._heard.place != "logprobs" else ""

    def close(self) -> str:
        return self.feed("") + self._inner.close() if self._heard.place != "logprobs" else "null"
