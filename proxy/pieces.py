"""The nine steps for what is too large for memory: judged piece by piece, decided as a whole, sent as a whole.

Every piece (a line, a block of text) is parsed and inspected once; pieces and findings wait in an encrypted spool. The
facts are those of all pieces together, so the decision is the meet over them. Only then is anything rewritten, into
another spool, recorded and sent. A value is looked for within its piece, and across the borders of a text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from policies.decide import decide, demanded, meet
from policies.types import Facts, Inspection
from proxy import facts as facts_
from proxy.call import Call
from proxy.dialects.base import Dialect, Parsed, Segment, Untransformable
from proxy.dialects.lines import Line
from proxy.errors import BadRequest, NotFound
from proxy.flow import ANY, RELOADED, Decided, Flow
from proxy.outbound import Outbound
from proxy.ports import Candidate, Held, Inspected, Reply
from proxy.restorers import STRUCTURED, Restorers, structured
from proxy.rewrite import Rewritten, rewrite
from proxy.spool import Frames, Spool
from proxy.state import Inherited
from redaction.joins import NAMED, SPLIT, TAIL
from redaction.spans import OWN
from redaction.types import Classification, Finding, Sensitivity, TextResult


@dataclass(frozen=True, slots=True)
class Cargo:
    """What is to be sent: ``pieces()`` gives it anew each time. ``head`` and ``tail`` stand around it on the wire,
    ``between`` between two pieces. ``named``: every piece is a request, and all are for one model. ``unread`` is the
    reason why no piece can be read. ``details`` are kept with the state that comes of it.
    ``flows``: the pieces are one text, in which a value may run from one into the next."""

    pieces: Callable[[], Iterator[bytes]] = field(repr=False)
    dialect: Dialect
    content_type: str
    head: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    between: bytes = b""
    named: bool = False
    unread: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    flows: bool = False


@dataclass(frozen=True, slots=True)
class Loaded(Decided):
    """As ``Decided``, with the pieces and where they wait."""

    cargo: Cargo = field(kw_only=True)
    frames: Frames = field(kw_only=True, repr=False)
    stack: contextlib.ExitStack = field(kw_only=True, repr=False)
    folder: Path = field(kw_only=True)


@dataclass(slots=True)
class _Judged:
    """What all pieces together are, as far as they were looked at."""

    facts: Facts | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    looks: set[str] = field(default_factory=set)
    """What patterns and terms of the policy's own the pieces were inspected for."""
    model: str = ""
    inner: str = ""
    size: int = 0
    held: list[Held] = field(default_factory=list, repr=False)
    foreign: bool = False
    reaches: set[str] = field(default_factory=set)
    structured: bool = False

    def inherited(self) -> Inherited:
        if len({h.upstream for h in self.held}) > 1:
            raise BadRequest("The references of this file are held by different upstreams.", code="references_apart")
        return Inherited(tuple(self.held), foreign=self.foreign)


class PieceFlow(Flow):
    """``send`` is ``Flow.run`` for a cargo."""

    async def send(self, call: Call, dialect: Dialect, cargo: Cargo, folder: Path) -> Reply:
        """``dialect`` is that of the answer; spools are made in ``folder``. Raises SealgateError; a refusal is recorded
        before it is raised."""
        started = self._clock.monotonic()
        with contextlib.ExitStack() as stack:
            frames = Frames(stack.enter_context(Spool(folder)))
            judged = await self._judge(call, dialect, cargo, frames)
            frames.spool.seal()
            facts = judged.facts or self._facts(call, Parsed(dialect.name, "", False, b"", None, ()), _NOTHING, "-")
            policy = self._policy()
            unsure = judged.looks - {policy.detect.digest}
            reloaded = facts.uninspected | {RELOADED} if unsure else facts.uninspected
            facts = replace(facts, endpoint=dialect.name, size=judged.size, uninspected=reloaded)
            decision = decide(policy, facts)  # 4
            if judged.inner:
                decision = meet(decision, decide(policy, replace(facts, endpoint=judged.inner)))
            reaches = frozenset(judged.reaches)
            parsed = Parsed(dialect.name, judged.model, False, b"", None, (), scope="app", reaches=reaches)
            inspected = Inspected((), Classification(facts.sensitivity), judged.digests)
            cargo = replace(cargo, details={**cargo.details, STRUCTURED: judged.structured})
            common = self._common(call, parsed, inspected, facts, decision)
            loaded = Loaded(
                call, dialect, parsed, inspected, facts, decision, common, started, judged.inherited(),
                cargo=cargo, frames=frames, stack=stack, folder=folder,
            )  # fmt: skip
            return await self._attempts(loaded)

    async def _judge(self, call: Call, dialect: Dialect, cargo: Cargo, frames: Frames) -> _Judged:
        """Steps 2 and 3 for every piece. Raises BadRequest with the number of the piece, NotFound for its model."""
        judged = _Judged()
        route = "" if cargo.named else self._router.known("", dialect.name)
        if route is None:
            raise NotFound("No upstream here holds files.", code="model_not_found")
        async for number, piece, read, seen in self._looked_at(call, dialect, cargo):
            judged.size += len(piece)
            frames.put(piece)
            parsed = read
            if parsed is None or seen is None:
                frames.put(b"")
                continue
            if not cargo.named:
                parsed = replace(parsed, reaches=frozenset())  # data: nobody is asked for anything
            if cargo.named and not judged.model:
                route, parsed = await self._route(call, dialect, parsed)
                judged.model, judged.inner = parsed.model, parsed.dialect
            if cargo.named and (parsed.model, parsed.dialect) != (judged.model, judged.inner):
                raise BadRequest(f"Line {number}: a batch is for one model and one path.", code="invalid_batch")
            await self._add(judged, call, parsed, seen, route or "")
            frames.put(_pack(seen))
        return judged

    async def _looked_at(self, call: Call, dialect: Dialect, cargo: Cargo) -> AsyncIterator[_Looked]:
        """Every piece with what was found in it; nothing for a blank one. As closely as the policy demands of the
        whole and of the piece."""
        held: _Looked | None = None
        tenant = call.tenant
        for number, piece in enumerate(cargo.pieces(), 1):
            parsed = _parsed(cargo, piece, number) if piece.strip() else None
            seen = None
            if parsed is not None:
                depth = self._depth(call, dialect.name, parsed.dialect)
                seen = await self._look(tenant, parsed.segments, depth)
            looked: _Looked = (number, piece, parsed, seen)
            if not cargo.flows:
                yield looked
                continue
            if held is not None:
                looked, held = await self._across(tenant, held, looked)
                yield held
            held = looked
        if held is not None:
            yield held

    async def _across(self, tenant: str, one: _Looked, next: _Looked) -> tuple[_Looked, _Looked]:
        """The next piece and this one, with what runs from one into the other."""
        if one[3] is None or next[3] is None or one[2] is None or next[2] is None:
            return next, one
        before, after = one[2].segments[-1].text, next[2].segments[0].text
        tail, head = before[-TAIL:], after[:TAIL]
        both = (Segment("/0/text", "user", tail), Segment("/1/text", "user", head))
        left, right = (await self._look(tenant, both, one[3].inspection)).results
        moved = [replace(f, start=f.start + len(before) - len(tail), end=f.end + len(before) - len(tail))
                 for f in left.findings if f.detector == SPLIT]  # fmt: skip
        new = [f for f in right.findings if f.detector == SPLIT or f.start <= NAMED]
        return (*next[:3], _more(next[3], new, right)), (*one[:3], _more(one[3], moved, left))

    def _depth(self, call: Call, *endpoints: str) -> Inspection:
        policy = self._policy()
        return max(demanded(policy, call.app, call.tenant, e) for e in endpoints)

    async def _route(self, call: Call, dialect: Dialect, parsed: Parsed) -> tuple[str, Parsed]:
        """The configured name that serves the model of a batch."""
        route = self._router.known(parsed.model, dialect.name)
        if route is None or self._router.known(parsed.model, parsed.dialect) is None:
            raise NotFound("No such model here for batches.", code="model_not_found")
        if route != ANY:
            return route, parsed
        return route, await self._named(call.tenant, parsed, self._depth(call, dialect.name, parsed.dialect))

    async def _add(self, judged: _Judged, call: Call, parsed: Parsed, seen: Inspected, route: str) -> None:
        """Facts of one more piece, with what it refers to or repeats."""
        inherited = await self._state.inherited(self._talk(call, parsed), parsed)
        parsed = replace(parsed, uninspected=parsed.uninspected | inherited.unresolved)
        facts = inherited.join(self._facts(call, parsed, seen, route))
        judged.facts = facts if judged.facts is None else facts_.join(judged.facts, facts, facts.inherited)
        judged.held += [h for h in inherited.held if h not in judged.held]
        judged.foreign = judged.foreign or inherited.foreign
        judged.reaches |= parsed.reaches
        judged.structured |= isinstance(parsed.tree, Line) and structured(parsed.tree.inner.tree)
        judged.digests = seen.digests
        judged.looks.add(seen.digests.get(OWN, ""))

    def _facts(self, call: Call, parsed: Parsed, seen: Inspected, route: str) -> Facts:
        return facts_.build(parsed, seen, call.app, call.tenant, route, self._clock.now().date())

    async def _outgoing(self, d: Decided, at: Candidate) -> tuple[Rewritten, Outbound]:
        """Step 6 for every piece. Raises Untransformable or Leaky; the whole is then not for this zone."""
        if not isinstance(d, Loaded):
            return await super()._outgoing(d, at)
        cargo, out = d.cargo, d.stack.enter_context(Spool(d.folder))
        stand_ins = self._stand_ins(d)
        mapping: dict[str, str] = {}
        origins: dict[str, frozenset[str]] = {}
        counts: dict[str, dict[str, int]] = {}
        out.write(cargo.head)
        frames = iter(d.frames)
        for number, (piece, results) in enumerate(zip(frames, frames, strict=True)):
            out.write(cargo.between if number else b"")
            if not results:
                out.write(piece)
                continue
            parsed = cargo.dialect.parse(piece)
            model = at.model if cargo.named else parsed.model
            seen = Inspected(_unpack(results), Classification(Sensitivity.PUBLIC), {})
            ready = rewrite(cargo.dialect, parsed, seen, d.decision, at.zone, model, stand_ins)
            if any(mapping.setdefault(k, v) != v for k, v in ready.mapping.items()):
                raise Untransformable  # two values with one stand-in: it could not be restored
            for token, names in ready.origins.items():
                origins[token] = origins.get(token, frozenset()) | names
            _count(counts, ready.counts)
            out.write(ready.body)
            await asyncio.sleep(0)
        out.write(cargo.tail)
        out.seal()
        headers = (*(h for h in d.call.headers if h[0] != "content-type"), ("content-type", cargo.content_type))
        return (
            Rewritten(b"", mapping, origins, counts, changed=bool(counts)),
            Outbound(at.upstream, "POST", d.call.path, headers=headers, large=out),
        )

    def _restorers(self, d: Decided, at: Candidate, ready: Rewritten) -> Restorers:
        if not isinstance(d, Loaded):
            return super()._restorers(d, at, ready)
        mapping, origins = d.inherited.mapping(ready.mapping), d.inherited.origins(ready.origins)
        details = d.cargo.details
        held = Held(at.upstream, at.zone, d.decision.ceiling, d.facts, self._scope(d), mapping, details, origins)
        return Restorers(mapping, origins, d.decision, self._state.keeping(self._talk(d.call, d.parsed), held))


_Looked = tuple[int, bytes, Parsed | None, Inspected | None]


def _more(seen: Inspected, findings: Sequence[Finding], near: TextResult) -> Inspected:
    """``seen``, of one text, with what was found near its border."""
    (old,) = seen.results
    new = replace(old, findings=(*old.findings, *findings), uninspected=old.uninspected or near.uninspected)
    return replace(seen, results=(new,))


_NOTHING = Inspected((), Classification(Sensitivity.PUBLIC), {})


def _parsed(cargo: Cargo, piece: bytes, number: int) -> Parsed:
    try:
        parsed = cargo.dialect.parse(piece)
    except BadRequest as e:
        raise BadRequest(f"Line {number}: {e.message}", code=e.code) from None
    if cargo.unread:
        return replace(parsed, uninspected=parsed.uninspected | {cargo.unread}, content=frozenset({"file"}))
    return parsed


def _count(into: dict[str, dict[str, int]], more: Mapping[str, Mapping[str, int]]) -> None:
    for label, by in more.items():
        counts = into.setdefault(label, {})
        for transform, n in by.items():
            counts[transform] = counts.get(transform, 0) + n


def _pack(seen: Inspected) -> bytes:
    """Results without text: spans and reasons."""
    return orjson.dumps(
        [[[[f.start, f.end, f.label, f.score, f.detector] for f in r.findings], r.uninspected] for r in seen.results]
    )


def _unpack(data: bytes) -> tuple[TextResult, ...]:
    public = Classification(Sensitivity.PUBLIC)
    return tuple(
        TextResult(tuple(Finding(*f) for f in findings), public, reason) for findings, reason in orjson.loads(data)
    )
