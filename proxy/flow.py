"""The nine steps of one request, as one async function over ports. Theory of operation:

* Nothing is sent unless its intent is durable (no record, no egress), and the receipt fits exactly these bytes.
* Every attempt repeats route, transform, record and send under the same decision: no failure of anything moves a
  payload to a less trusted zone.
* Whatever cannot be judged counts as regulated; whatever cannot be replaced or still leaks makes a zone unusable.
* The end of every attempt is recorded, however it ends: also when the app goes away in the middle of a stream.

This module never opens a connection, a file or a log and holds no payload beyond the request.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from policies.decide import decide, demanded
from policies.facts import facts_to_json
from policies.schema import Policy, tool_names
from policies.types import Answers, Decision, Facts, Inspection, Requirements, Zone
from proxy import facts as facts_
from proxy.answers import Ending, Sending, forward_json, forward_raw, forward_stream
from proxy.audit.record import Common, Intent, Refusal
from proxy.call import Call, outbound
from proxy.dialects.base import Dialect, Parsed, Segment, Untransformable
from proxy.errors import (
    AttestationFailed,
    Busy,
    Misuse,
    NotFound,
    NotSealable,
    Refused,
    SealgateError,
    Unavailable,
    UpstreamError,
)
from proxy.outbound import Outbound
from proxy.ports import (
    AuditStore,
    Candidate,
    Clock,
    Door,
    Held,
    Inspected,
    Inspector,
    Principal,
    Reply,
    Router,
)
from proxy.respond import Listening
from proxy.restorers import STRUCTURED, Restorers, structured
from proxy.rewrite import Leaky, Rewritten, rewrite, values
from proxy.state import AS_JSON, Inherited, State, Talk
from proxy.tasks import aside
from redaction.pseudonym import StandIns
from redaction.spans import GUESSING, OWN
from redaction.surrogates import Surrogates
from redaction.types import Classification, Sensitivity, TextResult

RETRYABLE = frozenset({401, 403, 408, 429, 500, 502, 503, 504, 529})
"""Upstream answers after which the next candidate is tried: its fault or its credentials', not the payload's."""
STREAMS = frozenset({"text/event-stream", "application/x-ndjson"})
"""Content types of answers that arrive in pieces."""
RELOADED = "detectors:reloaded"
"""Why a text is uninspected where it was not inspected for what the policy looks for."""
ANY = "*"
"""The route of models that the app names itself."""
ASIDE_BYTES = 40_000
"""What is done with a larger body is done in a thread: the event loop serves others meanwhile."""
MODEL_NAME = re.compile(r"[A-Za-z0-9@][A-Za-z0-9_.:/@+-]{0,127}")


@dataclass(frozen=True, slots=True)
class Decided:
    """Everything that is known once step 4 is done."""

    call: Call
    dialect: Dialect
    parsed: Parsed = field(repr=False)
    inspected: Inspected = field(repr=False)
    facts: Facts
    decision: Decision
    common: Common
    started: float
    inherited: Inherited = field(default_factory=Inherited, repr=False)


class Flow:
    """The nine steps. ``purpose(name, tenant)`` derives keys; ``policy()`` is the policy in force."""

    def __init__(
        self,
        *,
        policy: Callable[[], Policy],
        inspector: Inspector,
        router: Router,
        store: AuditStore,
        door: Door,
        clock: Clock,
        purpose: Callable[[str, str], bytes],
        state: State | None = None,
    ) -> None:
        self._policy = policy
        self._inspector = inspector
        self._router = router
        self._store = store
        self._door = door
        self._clock = clock
        self._purpose = purpose
        self._state = state or State(None, dt.timedelta(0), dt.timedelta(0))

    async def run(self, call: Call, dialect: Dialect) -> Reply:
        """Steps 2 to 9 (the server did step 1). Raises SealgateError; a refusal is recorded before it is raised."""
        started = self._clock.monotonic()
        much = len(call.body) > ASIDE_BYTES
        parsed = call.complete(await aside(much, dialect.parse, call.body))  # 2
        route = self._router.known(parsed.model, dialect.name, call.upstream)
        if route is None:
            raise NotFound("No such model here; GET /v1/models lists the configured ones.", code="model_not_found")
        inspection = demanded(self._policy(), call.app, call.tenant, parsed.dialect)
        if route == ANY:
            parsed = await self._named(call.tenant, parsed, inspection)
        inherited = await self._state.inherited(self._talk(call, parsed), parsed)
        if inherited.unresolved:
            parsed = replace(parsed, uninspected=parsed.uninspected | inherited.unresolved)
        inspected = await self._look(call.tenant, parsed.segments, inspection)  # 3
        today = self._clock.now().date()
        facts = await aside(much, facts_.build, parsed, inspected, call.app, call.tenant, route, today)
        facts = inherited.join(facts)
        decision = decide(self._policy(), facts)  # 4
        common = self._common(call, parsed, inspected, facts, decision)
        decided = Decided(call, dialect, parsed, inspected, facts, decision, common, started, inherited)
        return await self._attempts(decided)

    async def _look(self, tenant: str, segments: Sequence[Segment], inspection: Inspection) -> Inspected:
        """Step 3 by the patterns and terms of the policy in force: where that changed meanwhile, what only the new one
        looks for may not pass."""
        seen = await self._inspector.inspect(tenant, segments, inspection)
        if seen.digests.get(OWN, "") != self._policy().detect.digest:
            seen = await self._inspector.inspect(tenant, segments, inspection)
        if seen.digests.get(OWN, "") == self._policy().detect.digest:
            return seen
        unknown = TextResult((), Classification(Sensitivity.REGULATED), RELOADED)
        return replace(seen, results=(unknown,) * len(segments), attachments={})

    async def _named(self, tenant: str, parsed: Parsed, inspection: Inspection) -> Parsed:
        """Behind ``*`` the app's own word for the model travels on: it must be a name and no value. Raises NotFound."""
        segment = Segment("/model", "other", parsed.model)
        seen = (await self._look(tenant, (segment,), inspection)).results[0]
        if not MODEL_NAME.fullmatch(parsed.model) or any(f.detector not in GUESSING for f in seen.findings):
            raise NotFound("This is not the name of a model.", code="model_not_found")
        return parsed if seen.uninspected is None else replace(parsed, uninspected=parsed.uninspected | {"model_name"})

    async def _attempts(self, d: Decided) -> Reply:
        if d.decision.ceiling is Zone.BLOCKED or d.inherited.zone > d.decision.ceiling:
            raise await self._refused(d)
        if d.parsed.reaches:
            await self._reach(d)
        offered = self._router.candidates(d.parsed.model, d.decision, d.dialect.name, d.call.upstream, d.parsed.reaches)
        candidates = [c for c in offered if d.inherited.upstream in {None, c.upstream}]
        failures: list[SealgateError] = []
        unusable: set[Zone] = set()
        for candidate in candidates:  # 5
            if candidate.zone in unusable:
                continue
            if candidate.zone > d.decision.ceiling:
                raise AssertionError("the router offered a zone above the ceiling")
            try:
                return await self._attempt(d, candidate)
            except (Untransformable, Leaky) as e:
                unusable.add(candidate.zone)
                reason = "untransformable" if isinstance(e, Untransformable) else f"leak_guard:{e.view}"
                await self._record_refusal(d, candidate, "transform_failed", (reason,))
            except AttestationFailed as e:
                failures.append(e)
                await self._record_refusal(d, candidate, e.code, tuple(getattr(e, "failures", ())))
            except UpstreamError as e:
                self._router.report(candidate.upstream, ok=False)
                failures.append(e)
            except Busy as e:
                failures.append(e)
        raise await self._exhausted(d, failures, any_candidate=bool(candidates), fits=not unusable)

    async def _attempt(self, d: Decided, candidate: Candidate) -> Reply:
        want = d.decision.requirements.get(Zone.ENCLAVE, Requirements())  # only enclaves are prepared
        lease = await self._door.prepare(candidate, want)
        if lease is None and candidate.zone is Zone.ENCLAVE:
            raise Misuse("an enclave without a lease")
        ready, out = await self._outgoing(d, candidate)  # 6
        action = _action(candidate.zone, ready)
        intent = Intent(
            d.common, action, candidate.zone.word, candidate.upstream, self._recorded_model(d, candidate), ready.counts,
            lease.record() if lease is not None else None, await self._mac(out), out.size,
            candidate.asserted_tee,
        )  # fmt: skip
        receipt = await self._store.begin(intent, out.digest())  # 7
        headers = {
            "sealgate-request-id": d.call.request_id,
            "sealgate-action": action,
            "sealgate-zone": candidate.zone.word,
            "sealgate-upstream": candidate.upstream,
            "sealgate-policy": d.decision.revision,
        }
        sending = self._door.send(receipt, out)  # 8
        ending = Ending(self._store, self._clock, receipt, d.started, sending)
        try:
            reply = await self._answer(d, candidate, sending, ending, self._restorers(d, candidate, ready), headers)
        except BaseException as e:
            await ending.failed(e)
            raise
        self._router.report(candidate.upstream, ok=True)
        return reply

    def _restorers(self, d: Decided, at: Candidate, ready: Rewritten) -> Restorers:
        """Values of this request and of what it refers to come back; what the answer leaves behind is kept."""
        mapping, origins = d.inherited.mapping(ready.mapping), d.inherited.origins(ready.origins)
        own = {AS_JSON: True} if structured(d.parsed.tree) else {}
        own |= getattr(d.dialect, "details", {})
        made = Held(at.upstream, at.zone, d.decision.ceiling, d.facts, self._scope(d), mapping, own, origins)
        keeping = self._state.keeping(self._talk(d.call, d.parsed), d.inherited.heir(made))
        back = d.decision
        if not d.inherited.used:  # what comes back was judged when it was made, not by a question that holds no content
            back = decide(self._policy(), replace(d.inherited, used=True).join(d.facts))
        formats = (STRUCTURED,) if d.inherited.used else (STRUCTURED, AS_JSON)
        as_json = AS_JSON in own or any(h.details.get(name) for h in d.inherited.held for name in formats)
        listening = None
        if back.answers is Answers.RESPOND:
            known = values(d.parsed, d.inspected) | frozenset(mapping.values())
            names = {s.text for s in d.parsed.segments if s.kind == "key"}
            listening = Listening(self._inspector, d.call.tenant, back, mapping, known, structured=as_json, names=names)
        return Restorers(
            mapping, origins, back, keeping,
            structured=as_json, inputs=[s.text for s in d.parsed.segments], listening=listening,
        )  # fmt: skip

    def _stand_ins(self, d: Decided) -> StandIns:
        make = Surrogates if d.decision.stand_ins == "realistic" else StandIns
        return make(self._purpose("stand-in", d.call.tenant), self._scope(d))

    async def _outgoing(self, d: Decided, at: Candidate) -> tuple[Rewritten, Outbound]:
        """What would leave. Raises Untransformable or Leaky."""
        stand_ins = self._stand_ins(d)
        what = (d.dialect, d.parsed, d.inspected, d.decision, at.zone, at.model, stand_ins, d.call.address)
        ready = await aside(len(d.parsed.body) > ASIDE_BYTES, rewrite, *what)
        return ready, outbound(d.call, at, ready, stream=d.parsed.stream)

    async def _answer(
        self, d: Decided, at: Candidate, sending: Sending, ending: Ending, restorers: Restorers, headers: dict[str, str]
    ) -> Reply:
        """Steps 8 and 9. Whoever calls it ends the attempt if it raises; else the reply does."""
        answer = await sending.__aenter__()
        ending.status, ending.settle = answer.status, answer.settle
        if answer.status in RETRYABLE:
            raise UpstreamError(f"{at.upstream} answered {answer.status}", code=f"upstream_{answer.status}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        flowing = kind in STREAMS or (getattr(d.dialect, "flowing", False) and answer.status < 400)  # or a download
        forward = forward_stream if flowing else forward_json  # 9
        if d.dialect.opaque and answer.status < 400 and not (flowing or _is_json(kind)):
            forward = forward_raw
        reply = await forward(d.dialect, answer, restorers, ending, headers)
        return replace(reply, raw=reply.raw or (flowing and kind not in STREAMS))  # in a file nothing can be said

    @staticmethod
    def _talk(call: Call, parsed: Parsed) -> Talk:
        return Talk(Principal(call.tenant, call.app), call.conversation or parsed.first_user)

    def _scope(self, d: Decided) -> str:
        """What ties stand-ins together (architecture §3): the named conversation, else its first user message."""
        if d.decision.scope == "request":
            return f"request:{d.call.request_id}"
        if d.inherited.scope:
            return d.inherited.scope
        if "app" in {d.parsed.scope, d.decision.scope}:
            return f"app:{d.call.app}"
        if d.call.conversation is not None:
            return f"conversation:{d.call.app}:{d.call.conversation}"
        if d.parsed.first_user:
            key = self._purpose("scope", d.call.tenant)
            tag = hmac.digest(key, f"{d.call.app}\0{d.parsed.first_user}".encode(), hashlib.sha256)
            return f"first:{tag.hex()}"
        return f"request:{d.call.request_id}"

    async def _mac(self, out: Outbound) -> str:
        mac = hmac.new(self._purpose("body-mac", ""), out.body, hashlib.sha256)
        if out.large is not None:
            async for chunk in out.large.chunks():
                mac.update(chunk)
        return mac.hexdigest()

    def _common(self, call: Call, parsed: Parsed, seen: Inspected, facts: Facts, decision: Decision) -> Common:
        return Common(
            request_id=call.request_id,
            tenant=call.tenant,
            app=call.app,
            user_hash=None,
            dialect=parsed.dialect,
            route=call.route or call.path.replace("{model}", "*"),
            model=facts.model,
            sensitivity=facts.sensitivity.word,
            categories=facts.categories,
            facts=self._recorded(facts),
            rules=tuple(r.id for r in decision.reasons),
            policy_revision=decision.revision,
            digests=seen.digests,
        )

    def _recorded(self, facts: Facts) -> dict[str, object]:
        """Facts for a record: tool names that the policy does not mention come from the app and are hashed."""
        out = facts_to_json(facts)
        known = tool_names(self._policy())
        out["tools"] = sorted(t if t in known else self._hashed(facts.tenant, t) for t in facts.tools)
        return out

    def _recorded_model(self, d: Decided, at: Candidate) -> str:
        """The upstream's model for a record: a configured name, or a keyed hash of the one that came from the app."""
        from_app = at.model == d.parsed.model and (d.facts.model == ANY or d.call.upstream is not None)
        return self._hashed(d.call.tenant, at.model) if from_app else at.model

    def _hashed(self, tenant: str, name: str) -> str:
        return "h-" + hmac.digest(self._purpose("names", tenant), name.encode(), hashlib.sha256).hex()[:16]

    async def _reach(self, d: Decided) -> None:
        """What a provider would use on its own must be listed. Raises Refused, on record."""
        if self._router.reachable(d.parsed.model, d.dialect.name, d.call.upstream, d.parsed.reaches):
            return
        kinds = sorted({name.partition(":")[0] for name in d.parsed.reaches})
        await self._record_refusal(d, None, "tool_not_allowed", tuple(kinds))
        raise Refused(
            f"No upstream may use this on its own: {', '.join(kinds)}. An operator lists such tools under `tools`.",
            code="tool_not_allowed",
        )

    async def _record_refusal(self, d: Decided, at: Candidate | None, code: str, reasons: tuple[str, ...]) -> None:
        zone = at.zone.word if at is not None else d.decision.ceiling.word
        await self._store.refuse(Refusal(d.common, code, zone, at.upstream if at else None, reasons))

    async def _refused(self, d: Decided) -> Refused:
        binding = d.decision.binding()
        await self._record_refusal(d, None, "policy_refused", tuple(r.id for r in binding))
        because = "; ".join(r.because for r in binding) or "no upstream is allowed for this content"
        return Refused(f"{because} [{', '.join(r.id for r in binding)}]")

    async def _exhausted(
        self, d: Decided, failures: list[SealgateError], *, any_candidate: bool, fits: bool
    ) -> SealgateError:
        """Nothing within the ceiling answered: say why, and record it. ``fits``: no zone was unusable."""
        if not failures and not fits:  # asking again would change nothing
            await self._record_refusal(d, None, "transform_failed", ())
            return Refused("A value in this request cannot be replaced where it stands.", code="transform_failed")
        if (
            not failures
            and not any_candidate
            and not self._router.configured(
                d.parsed.model, d.decision, d.dialect.name, d.call.upstream, d.parsed.reaches
            )
        ):
            return await self._refused(d)
        failed = [f for f in failures if isinstance(f, AttestationFailed)]
        code = failed[0].code if failed else "unavailable"
        busy = [f for f in failures if isinstance(f, Busy)]
        await self._record_refusal(d, None, busy[0].code if busy else code, tuple(sorted({f.code for f in failures})))
        if busy:
            return busy[0]
        if failures and all(isinstance(f, NotSealable) for f in failures):  # asking again would change nothing
            return failures[0]
        if failed:
            return AttestationFailed("No enclave within the policy's ceiling could prove itself.", retry_after_s=5)
        return Unavailable("No upstream within the policy's ceiling can answer now.", retry_after_s=5)


def _action(zone: Zone, ready: Rewritten) -> str:
    """The first that is true of blocked > local > enclave > redacted > allowed (architecture §5)."""
    if zone is Zone.ONPREM:
        return "local"
    if zone is Zone.ENCLAVE:
        return "enclave"
    return "redacted" if ready.counts else "allowed"


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
