"""Which values may come back where in an answer, and how much came back: one restorer per channel of an answer.

The matrix is the decision's (``restore:`` in a policy): origin of a value × place in the answer. A value with several
origins comes back where any of them may: whoever said it himself learns nothing from it. (If all had to agree, an
assistant whose system prompt names the user could not greet him; and by typing guesses, a user could learn from what is
not restored what the system prompt holds.) This module decides nothing and keeps no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policies.types import Answers, Decision
from proxy.dialects.base import TextRestorer
from proxy.errors import Misuse
from proxy.respond import Judged, Listening
from redaction.restore import May, Restorer, json_escape

TEXT, CODE, LINK = "text", "code", "link"
TOOL_ARGS, TOOL_INPUT = "tool_args:", "tool_input:"
"""Arguments of a tool as JSON; input of a custom tool as plain text. The policy calls both ``tool_args:NAME``."""
UNKNOWN = frozenset({"other", "logprobs"})
"""Places that nothing is put back into."""


class Passing:
    """A channel that passes as it is."""

    def feed(self, chunk: str) -> str:
        return chunk

    def close(self) -> str:
        return ""


class Restorers:
    """Makes one restorer per channel over the mapping of this request, and counts what came back.

    ``origins``: stand-in -> the origins of its value. Without a decision everything may come back anywhere. With
    ``structured`` the answer's text is JSON (:func:`structured`). ``inputs`` are all texts of the request.
    """

    def __init__(
        self,
        mapping: Mapping[str, str],
        origins: Mapping[str, frozenset[str]] | None = None,
        decision: Decision | None = None,
        *,
        structured: bool = False,
        inputs: Sequence[str] = (),
        listening: Listening | None = None,
    ) -> None:
        self._mapping = mapping
        self._origins = origins or {}
        self._decision = decision
        self._structured = structured
        self._inputs = inputs
        self.listening = listening
        """Where answers are inspected too (``respond``): hears each piece of the answer before this reads it."""
        self._channels = 0
        self._restorers: list[Restorer] = []
        self.made: list[tuple[str, str]] = []
        """(kind, id) of what the upstream holds since this answer."""

    def __call__(self, place: str) -> TextRestorer:
        """See ``RestorerFactory``. Raises Misuse when two readings of one answer differ."""
        if self.listening is None:
            return self._made(place)
        heard = self.listening.heard[self._channels] if self._channels < len(self.listening.heard) else None
        self._channels += 1
        if heard is None or heard.place != place:
            raise Misuse("two readings of one answer differ")
        return Judged(heard, self._made(place))

    def _made(self, place: str) -> TextRestorer:
        if place in UNKNOWN:
            return Passing()
        escaped = place.startswith(TOOL_ARGS) or (self._structured and ":" not in place)
        tolerant = self._decision is None or self._decision.answers >= Answers.TOLERANT
        made = Restorer(
            self._mapping,
            escape=json_escape if escaped else None,
            tolerant=tolerant,
            may=self._may(place),
            inputs=self._inputs,
        )
        self._restorers.append(made)
        return made

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
                inner = [LINK] * (link or place == LINK) + [CODE] * (code and not tool)
                places = [place, *inner] if tool else inner or [TEXT]
                origins = self._origins.get(key, frozenset())
                known[asked] = any(all(decision.may_return(o, p) for p in places) for o in origins)
            return known[asked]

        return may

    def created(self, kind: str, id: str) -> None:
        self.made.append((kind, id))

    def counts(self) -> dict[str, int]:
        """Over all channels so far."""
        made = self._restorers
        back = {
            "restored": sum(r.restored for r in made),
            "seen": sum(r.seen for r in made),
            "refused": sum(r.refused for r in made),
        }
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
    ("generation_config", "response_mime_type"), ("format",),
)  # fmt: skip


def _at(tree: Any, *path: str) -> Any:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree
