"""What a request inherits from earlier ones, and what an answer leaves behind for later ones (architecture §2).

* A reference resolves only if this gate saw the state made for the same principal. Then the request goes to the
  upstream that holds it and nowhere else, its facts take in those of the request that made it, and its ceiling is that
  ceiling at most. What was made elsewhere is ``uninspected``; what was made for somebody else is refused.
* An answer that was made under a ceiling below ``cloud`` keeps it: the vault holds a keyed hash of its text, and a
  later request of the tenant that repeats it as an assistant's words inherits what was decided then.

The vault is the only memory. Nothing here decides or sends, and no text is kept beyond the request.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policies.types import Facts, Zone
from proxy.dialects import json_text
from proxy.dialects.base import JOINED, Parsed
from proxy.dialects.json_text import InvalidJson
from proxy.errors import BadRequest
from proxy.facts import join
from proxy.ports import Held, Principal, Vault

ANSWER = "answer"
"""The kind of entry that is a text of an answer."""
SHOWN = "object"
"""The detail that is what lists show of a thing: its own, never that of what it came of."""
AS_JSON = "as_json"
"""The detail of a response that says whether its own request asks for JSON: its text is JSON too when it is fetched."""
SHORT = 64
"""Normalised characters below which an answer is remembered within its conversation only: every "Yes." of a tenant is
not the same one."""
TAPPED = 65_536
"""Characters of one text that are compared; a longer one is known by its beginning."""
TEXTS = 256
"""Texts of one answer that are kept at most; of a request, all are compared."""
ASKED = 10_000
"""Texts that the vault is asked for at a time."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Whose words these are: the principal and the conversation."""

    who: Principal
    conversation: str

    def ids(self, texts: Iterable[str]) -> list[str]:
        """What the vault knows texts by: short ones together with their conversation."""
        plain = [p for p in dict.fromkeys(map(normal, texts)) if p]
        return [p if len(p) >= SHORT else f"{self.who.app}\0{self.conversation}\0{p}" for p in plain]


def normal(text: str) -> str:
    """A text as it is compared: case, white space and compatibility forms do not count. What is no character (half of
    one in an answer, bytes of a picture) comes back from apps as the sign for it, if at all."""
    sound = text[:TAPPED].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(unicodedata.normalize("NFKC", sound).casefold().split())


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a request takes over. ``held`` resolved by reference, ``repeated`` was recognised in its history. ``used``
    is False where what is held is only asked about.
    """

    held: tuple[Held, ...] = ()
    repeated: tuple[Held, ...] = ()
    unresolved: frozenset[str] = frozenset()
    foreign: bool = False
    used: bool = True

    @property
    def upstream(self) -> str | None:
        """The only upstream that may be asked; None for any."""
        return self.held[0].upstream if self.held else None

    @property
    def zone(self) -> Zone:
        """The furthest zone of what is held; the decision must allow it."""
        return max((h.zone for h in self.held), default=Zone.BLOCKED)

    @property
    def scope(self) -> str:
        """What tied the stand-ins of the conversation together; empty where nothing did, or several things."""
        scopes = {h.scope for h in self.held}
        return scopes.pop() if len(scopes) == 1 else ""

    def mapping(self, own: Mapping[str, str]) -> dict[str, str]:
        """Stand-in -> value of earlier turns and this one. One stand-in of two values is nobody's: not guessed."""
        joined: dict[str, str] = {}
        clash: set[str] = set()
        for mapping in (*(h.mapping for h in self.held), own):
            clash |= {k for k, v in mapping.items() if joined.setdefault(k, v) != v}
        return {k: v for k, v in joined.items() if k not in clash}

    def origins(self, own: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Stand-in -> every origin of its value, in earlier turns and this one."""
        joined: dict[str, frozenset[str]] = {}
        for origins in (*(h.origins for h in self.held), own):
            for token, names in origins.items():
                joined[token] = joined.get(token, frozenset()) | names
        return joined

    def heir(self, made: Held) -> Held:
        """What is kept of state that comes of this request. What was only asked about stays as it was decided: its
        ceiling is not that of the question."""
        if not self.held:
            return made
        held = self.held[0]
        kept = {k: v for k, v in held.details.items() if k not in ({SHOWN, AS_JSON} if self.used else {SHOWN})}
        if self.used:
            return replace(made, details={**kept, **made.details})
        return replace(held, mapping=made.mapping, details=kept, origins=made.origins)

    def join(self, facts: Facts) -> Facts:
        """Facts that hold what is inherited."""
        for held in (*(self.held if self.used else ()), *self.repeated):
            facts = join(facts, held.facts, held.ceiling)
        return replace(facts, inherited=Zone.BLOCKED) if self.foreign else facts


class Keeping:
    """Notes durably what one answer leaves behind."""

    def __init__(self, vault: Vault, talk: Talk, held: Held, state: dt.timedelta, history: dt.timedelta) -> None:
        self._vault = vault
        self._talk = talk
        self._held = held
        self._state = state
        self._history = history
        self.taints = held.ceiling < Zone.CLOUD
        """Whether the words of this answer keep a ceiling."""

    async def state(self, made: Sequence[tuple[str, str]]) -> None:
        """The upstream holds ``made`` ((kind, id)) for this principal from now on. Raises VaultUnavailable."""
        for kind in dict.fromkeys(kind for kind, _ in made):
            ids = [id for k, id in made if k == kind]
            await self._vault.put(self._talk.who, kind, ids, self._held, self._state)

    async def answer(self, texts: Sequence[tuple[str, str]]) -> None:
        """The (place, text) pairs of an answer keep its ceiling. Raises VaultUnavailable."""
        arguments = [w for place, text in texts if place.startswith("tool_args:") for w in _leaves(text)]
        words = [*(text for place, text in texts if not place.startswith("tool_args:")), *arguments]
        joined = {p: "".join(t for q, t in texts if q == p) for p, _ in texts if p.startswith(JOINED)}
        words = [*joined.values(), *words]  # apps hand back the blocks of an answer as one text
        ids = self._talk.ids(words[:TEXTS])
        if ids:
            held = replace(self._held, mapping={}, scope="", details={}, origins={})
            await self._vault.put(_tenant(self._talk.who), ANSWER, ids, held, self._history)


class State:
    """References and history over a vault. Without one nothing resolves and nothing is kept."""

    def __init__(self, vault: Vault | None, state: dt.timedelta, history: dt.timedelta) -> None:
        self._vault = vault
        self._state = state
        self._history = history

    async def inherited(self, talk: Talk, parsed: Parsed) -> Inherited:
        """Raises BadRequest where references are held by different upstreams, VaultUnavailable."""
        if self._vault is None:
            return Inherited(unresolved=frozenset(f"reference:{r.kind}" for r in parsed.references))
        repeated = await self._repeated(self._vault, talk, parsed)
        held: list[Held] = []
        unresolved: set[str] = set()
        foreign = False
        for kind in dict.fromkeys(r.kind for r in parsed.references):
            ids = list(dict.fromkeys(r.id for r in parsed.references if r.kind == kind))
            found = await self._vault.get(talk.who, kind, ids)
            held += found.values()
            if missing := [id for id in ids if id not in found]:
                unresolved.add(f"reference:{kind}")
                foreign = foreign or await self._vault.foreign(talk.who, missing)
        if len({h.upstream for h in held}) > 1:
            raise BadRequest("The references of this request are held by different upstreams.", code="references_apart")
        used = any(r.used for r in parsed.references)
        return Inherited(tuple(held), repeated, frozenset(unresolved), foreign, used)

    async def _repeated(self, vault: Vault, talk: Talk, parsed: Parsed) -> tuple[Held, ...]:
        said = [s.text for s in parsed.segments if s.origin == "assistant" and s.kind == "text"]
        said += parsed.said
        if not said:
            return ()
        ids = talk.ids(said)
        found: dict[str, Held] = {}
        for at in range(0, len(ids), ASKED):
            found |= await vault.get(_tenant(talk.who), ANSWER, ids[at : at + ASKED])
        return tuple(found.values())

    def keeping(self, talk: Talk, held: Held) -> Keeping | None:
        """For the answer of one attempt."""
        return None if self._vault is None else Keeping(self._vault, talk, held, self._state, self._history)


def _tenant(who: Principal) -> Principal:
    return Principal(who.tenant, "")


def _leaves(text: str) -> Iterator[str]:
    """The strings of a JSON document, as a dialect walks tool arguments; what is no JSON is one string."""
    try:
        waiting: list[Any] = [json_text.loads_answer(text)]
    except InvalidJson:
        waiting = [text]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, (dict, list)):
            waiting += node.values() if isinstance(node, dict) else node
