"""Step 6: findings and a decision become edits, a restore mapping and counts; then the leak guard looks once more.

Pure. The mapping (stand-in -> value) lives as long as the request. A value keeps one transform in the whole request:
the strictest that any of its findings demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policies.types import TEXT, Decision, Transform, Zone, stricter
from proxy.attachments import DOCUMENT, put_back
from proxy.dialects.address import KINDS as ADDRESS_KINDS
from proxy.dialects.address import Address
from proxy.dialects.base import Dialect, Parsed, Segment, Untransformable
from proxy.ports import Inspected
from proxy.rows import joined
from redaction.joins import SPLIT
from redaction.leakguard import leaks
from redaction.propagation import Memo
from redaction.pseudonym import StandIns
from redaction.spans import Group, resolve
from redaction.transform import PSEUDONYM, Span, Transformer


class Leaky(Exception):
    """The leak guard still found an original in the finished bytes. Carries the view's name only."""

    def __init__(self, view: str) -> None:
        super().__init__(view)
        self.view = view


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The finished body and what is needed to restore and record."""

    body: bytes = field(repr=False)
    mapping: Mapping[str, str] = field(repr=False)
    origins: Mapping[str, frozenset[str]]
    """Stand-in -> where its value stood: system, user, assistant, ``tool:NAME``, other."""
    counts: Mapping[str, Mapping[str, int]]
    changed: bool
    address: Address | None = None
    """Path and query as they may leave, where the request has its own."""


def plan(
    parsed: Parsed, inspected: Inspected, decision: Decision, zone: Zone
) -> list[tuple[Segment, tuple[Group, ...]]]:
    """Non-overlapping places that must change on the way to ``zone``, for each segment that has any.

    A finding that the policy keeps neither widens a place nor has a say in its transform: ``keep`` is the weakest.
    """
    out = []
    for segment, result in inspected.rows(parsed.segments):
        changing = [f for f in result.findings if decision.transform(zone, f.label) is not Transform.KEEP]
        if changing:
            out.append((segment, tuple(resolve(changing))))
    return out


def _strictest(
    planned: Sequence[tuple[Segment, tuple[Group, ...]]], decision: Decision, zone: Zone
) -> dict[str, Transform]:
    table: dict[str, Transform] = {}
    asked: dict[str, Transform] = {}
    for segment, groups in planned:
        for group in groups:
            value = segment.text[group.start : group.end]
            for label in group.labels:
                wanted = asked.get(label) or asked.setdefault(label, decision.transform(zone, label))
                table[value] = stricter(table.get(value, Transform.KEEP), wanted)
    return table


def rewrite(
    dialect: Dialect,
    parsed: Parsed,
    inspected: Inspected,
    decision: Decision,
    zone: Zone,
    model: str,
    stand_ins: StandIns,
    address: Address | None = None,
) -> Rewritten:
    """The request as it may reach ``zone``. Raises Untransformable (a JSON type would change, or an attachment that
    policy does not replace) or Leaky."""
    planned = plan(parsed, inspected, decision, zone)
    table = _strictest(planned, decision, zone)
    transformer = Transformer(stand_ins, [s.text for s, _ in inspected.rows(parsed.segments)])
    edits: dict[tuple[str, str], str] = {}
    for segment, groups in planned:
        spans = [Span(g.start, g.end, g.label, table[segment.text[g.start : g.end]].value) for g in groups]
        if segment.kind == DOCUMENT:  # a document whose text is not at hand, in a large body
            raise Untransformable
        if segment.kind == "number":
            edits[segment.pointer, segment.kind] = _number(transformer, segment.text, spans)
        else:
            edits[segment.pointer, segment.kind] = transformer.apply(segment.text, spans)
    edits = put_back(parsed.segments, inspected.attachments, edits, allowed=decision.attachments == TEXT)
    outer = {place: text for place, text in edits.items() if place[1] in ADDRESS_KINDS}
    body = dialect.render(parsed, {place: text for place, text in edits.items() if place not in outer}, model)
    if address is not None:
        address = address.render(outer)
    if table:
        kept = inspected.read(parsed.segments, but=edits.keys())
        guard(dialect, body, originals(parsed, inspected, decision, zone), address, kept, inspected.memo)
    changed = body != parsed.body or bool(outer)
    origins = _origins(planned, transformer.mapping)
    return Rewritten(body, transformer.mapping, origins, transformer.counts, changed, address)


def _number(transformer: Transformer, lexeme: str, spans: Sequence[Span]) -> str:
    """A number for a number. Raises Untransformable for a transform that is no pseudonym, and for short numbers."""
    made = None
    if all(span.transform == PSEUDONYM for span in spans):
        made = transformer.number(spans[0].label, lexeme)
    if made is None:
        raise Untransformable
    return made


def _origins(
    planned: Sequence[tuple[Segment, tuple[Group, ...]]], mapping: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Every origin of every value that has a stand-in; two spellings of a name are two values."""
    found: dict[str, set[str]] = {}
    for segment, groups in planned:
        for group in groups:
            value = segment.text if segment.kind == "number" else segment.text[group.start : group.end]
            found.setdefault(value, set()).add(segment.origin)
    return {token: frozenset(found[value]) for token, value in mapping.items()}


def values(parsed: Parsed, inspected: Inspected) -> frozenset[str]:
    """Everything sensitive that the request says, whatever happens to it."""
    pairs = inspected.rows(parsed.segments)
    return frozenset(s.text[f.start : f.end] for s, r in pairs for f in r.findings)


def originals(parsed: Parsed, inspected: Inspected, decision: Decision, zone: Zone) -> list[str]:
    """The values that must not be seen any more. The pieces of a split value are none: ``com`` may stand anywhere."""
    out: dict[str, None] = {}
    for segment, result in inspected.rows(parsed.segments):
        whole = [f for f in result.findings if f.detector != SPLIT]
        changing = [f for f in whole if decision.transform(zone, f.label) is not Transform.KEEP]
        out |= dict.fromkeys(segment.text[g.start : g.end] for g in resolve(changing))
    return list(out)


def guard(
    dialect: Dialect,
    body: bytes,
    originals: Sequence[str],
    address: Address | None = None,
    kept: Iterable[Segment] = (),
    memo: Memo | None = None,
) -> None:
    """Searches the finished bytes (every leaf and key, path and query, decoded views and neighbours too) for every
    original. Raises Leaky. ``kept`` is what the documents say that go as they are: their base64 says nothing."""
    segments = [s for s in dialect.parse(body).segments if s.kind != DOCUMENT]
    segments += [*(address.segments() if address is not None else ()), *kept]
    parts = {f"{s.kind}:{s.pointer}": s.text for s in segments}
    for leak in leaks(parts, originals, joined(segments), memo):
        raise Leaky(leak.view)
