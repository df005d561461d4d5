"""Which values may come back where in an answer, and how much came back: one restorer per channel of an answer.

The matrix is the decision's (``restore:`` in a policy): origin of a value × place in the answer. A value with several
origins comes back where any of them may: whoever said it himself learns nothing from it. (If all had to agree, an
assistant whose system prompt names the user could not greet him; and by typing guesses, a user could learn from what is
not restored what the system prompt holds.) This module decides nothing and keeps no text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from policies.types import Answers, Decision
from proxy.dialects.base import JOINED, THOUGHT, TextRestorer
from proxy.errors import Misuse
from proxy.respond import Judged, Listening
from proxy.state import TAPPED, TEXTS, Keeping
from redaction.restore import May, Restorer, json_escape
from redaction.surroundings import Surroundings

TEXT, CODE, LINK = "text", "code", "link"
TOOL_ARGS, TOOL_INPUT = "tool_args:", "tool_input:"
"""Arguments of a tool as JSON; input of a custom tool as plain text. The policy calls both ``tool_args:NAME``."""
UNKNOWN = frozenset({"other", "logprobs"})
"""Places that nothing is put back into."""


STRUCTURED = "structured"
"""The detail of a batch that says whether one of its requests asks for JSON (:func:`structured`)."""
STATE_ID = re.compile(r"[A-Za-z0-9_.:/@+-]{1,512}")
"""What an upstream may call something that it holds; anything else is not remembered and resolves never."""


class Tap:
    """A restorer whose text is also noted, up to ``TAPPED`` characters."""

    def __init__(self, place: str, restorer: TextRestorer) -> None:
        self.place = place
        self._restorer = restorer
        self._parts: list[str] = []
        self._left = TAPPED

    def feed(self, chunk: str) -> str:
        return self._note(self._restorer.feed(chunk))

    def close(self) -> str:
        return self._note(self._restorer.close())

    def _note(self, text: str) -> str:
        if text and self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
        return text

    def text(self) -> str:
        return "".join(self._parts)


class Passing:
    """A channel that passes as it is."""

    def feed(self, chunk: str) -> str:
        return chunk

    def close(self) -> str:
        return ""


class Restorers:
    """Makes one restorer per channel over the mapping of this request, counts what came back, and has ``keeping`` note
    what the answer leaves behind: before the app sees an id, and before it sees the end of the answer.

    ``origins``: stand-in -> the origins of its value. Without a decision everything may come back anywhere. With
    ``structured`` the answer's text is JSON (:func:`structured`). ``inputs`` are all texts of the request.
    """

    def __init__(
        self,
        mapping: Mapping[str, str],
        origins: Mapping[str, frozenset[str]] | None = None,
        decision: Decision | None = None,
        keeping: Keeping | None = None,
        *,
        structured: bool = False,
        inputs: Sequence[str] = (),
        listening: Listening | None = None,
        channels: list[int] | None = None,
    ) -> None:
        self._mapping = mapping
        self._origins = origins or {}
        self._decision = decision
        self._structured = structured
        self._keeping = keeping
        self._inputs = inputs
        self.listening = listening
        """Where answers are inspected too (``respond``): hears each piece of the answer before this reads it."""
        self._channels = [0] if channels is None else channels
        """How many were made, shared with restorers made of these."""
        self._restorers: list[Restorer] = []
        self._taps: list[Tap] = []
        self._around: dict[str, Surroundings] = {}
        self._kept = 0
        self._index: dict[str, list[str]] | None = None
        self._child: Restorers | None = None
        self._gone = Counter[str]()
        self.made: list[tuple[str, str]] = []
        """(kind, id) of what the upstream holds since this answer."""

    def __call__(self, place: str) -> TextRestorer:
        """See ``RestorerFactory``. Raises Misuse when two readings of one answer differ."""
        if self.listening is None:
            return self._made(place)
        number = self._channels[0]
        heard = self.listening.heard[number] if number < len(self.listening.heard) else None
        self._channels[0] += 1
        if heard is None or heard.place.partition(":")[0] != place.partition(":")[0]:  # a tool's name may be restored
            raise Misuse("two readings of one answer differ")
        return Judged(heard, self._made(place))

    def _made(self, place: str) -> TextRestorer:
        if place in UNKNOWN:
            return Passing()
        escaped = place.startswith(TOOL_ARGS) or (self._structured and ":" not in place and not place.endswith(THOUGHT))
        tolerant = self._decision is None or self._decision.answers >= Answers.TOLERANT
        around = self._around.setdefault(place, Surroundings()) if place.startswith(JOINED) else None
        made = Restorer(
            self._mapping,
            escape=json_escape if escaped else None,
            tolerant=tolerant,
            may=self._may(TEXT if around is not None else place),
            inputs=self._inputs,
            around=around,
        )
        self._restorers.append(made)
        if self._keeping is None or not self._keeping.taints or len(self._taps) >= TEXTS:
            return made
        tap = Tap(place, made)
        self._taps.append(tap)
        return tap

    def _may(self, place: str) -> May | None:
        """What the decision says of this place, and of links and code inside it."""
        decision = self._decision
        if decision is None:
            return None
        if place.startswith(TOOL_INPUT):
            place = TOOL_ARGS + place.removeprefix(TOOL_INPUT)
        tool, known = place.startswith(TOOL_ARGS), {}  # type: bool, dict[tuple[str, bool, bool], bool]

        def may(key: str, link: bool, code: bool) -> bool:
            asked = (key, link, code)
            if asked not in known:
                inner = [LINK] * (link or place == LINK) + [CODE] * ((code or place == CODE) and not tool)
                places = [place, *inner] if tool else inner or [TEXT]
                origins = self._origins.get(key, frozenset())
                known[asked] = any(all(decision.may_return(o, p) for p in places) for o in origins)
            return known[asked]

        return may

    def created(self, kind: str, id: str) -> None:
        if STATE_ID.fullmatch(id) and (kind, id) not in self.made:
            self.made.append((kind, id))

    def within(self, text: str) -> Restorers | None:
        """Restorers of the values whose stand-ins can occur in ``text``, or None. Their counts count here; the ones
        made before are done."""
        if self._child is not None:
            self._gone += Counter(self._child.counts())
            self._child = None
        if self._index is None:
            self._index = _by_word(self._mapping)
        known = self._index
        found = {key for word in set(_WORD.findall(text.casefold())) for key in known.get(word, ())}
        if found or self.listening is not None:
            mapping = {key: self._mapping[key] for key in found}
            self._child = Restorers(
                mapping, self._origins, self._decision,
                structured=self._structured, inputs=self._inputs, listening=self.listening, channels=self._channels,
            )  # fmt: skip
        return self._child

    async def keep(self) -> None:
        """Notes durably what the upstream holds by now. Raises VaultUnavailable."""
        fresh = self.made[self._kept :]
        if fresh and self._keeping is not None:
            await self._keeping.state(fresh)
        self._kept += len(fresh)

    async def remember(self) -> None:
        """Notes durably the words of the answer, where they keep a ceiling. Raises VaultUnavailable."""
        taps, self._taps = self._taps, []
        if taps and self._keeping is not None:
            await self._keeping.answer([(t.place, t.text()) for t in taps])

    def counts(self) -> dict[str, int]:
        """Over all channels so far."""
        made = self._restorers
        inner = self._child.counts() if self._child is not None else {}
        own = {
            "restored": sum(r.restored for r in made),
            "seen": sum(r.seen for r in made),
            "refused": sum(r.refused for r in made),
        }
        back = {name: n + self._gone[name] + inner.get(name, 0) for name, n in own.items()}
        return back | (self.listening.counts() if self.listening is not None else {})

    def text(self) -> str:
        """``14/15``, as the ``sealgate-restored`` header says it."""
        counts = self.counts()
        return f"{counts['restored']}/{counts['seen']}"


def structured(tree: Any) -> bool:
    """Whether a request asks for an answer in JSON, in any of the dialects: what comes back is then JSON-escaped."""
    if not isinstance(tree, dict):
        return False
    kinds = [_at(tree, *path) for path in _FORMATS]
    return any(isinstance(k, dict) or (isinstance(k, str) and k in _JSON) for k in kinds)


_JSON = frozenset({"json_object", "json_schema", "json", "application/json"})
_FORMATS = (
    ("response_format", "type"), ("text", "format", "type"), ("output_format", "type"),
    ("output_config", "format", "type"), ("generationConfig", "responseMimeType"),
    ("generation_config", "response_mime_type"), ("generationConfig", "response_mime_type"),
    ("generation_config", "responseMimeType"), ("format",),
)  # fmt: skip


def _at(tree: Any, *path: str) -> Any:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


_WORD = re.compile(r"[^\W_]+")


def _by_word(mapping: Mapping[str, str]) -> dict[str, list[str]]:
    """Stand-ins by the word that the fewest of them have: ``EMAIL_k3f9…`` by ``k3f9…``."""
    words = {key: _WORD.findall(key.casefold()) for key in mapping}
    often = Counter(word for found in words.values() for word in set(found))
    index: dict[str, list[str]] = {}
    for key, found in words.items():
        if found:
            index.setdefault(min(found, key=lambda w: often[w]), []).append(key)
    return index
