"""Every surface × place × spelling × label against one running gate, with a capture of every byte that leaves.

The places come from the vendors' own request types, what must happen there from ``tests/support/wire/surfaces*.py``.
The policy of these tests lets everything go to the cloud and nothing as it is, so that no refusal hides a leak. What is
crossed with what, and what is not, is said in ``wire.cases.all_cases``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import pytest
from openai.types.chat import completion_create_params
from wire import document
from wire.capture import found
from wire.cases import EVERY_LABEL, all_cases, transports
from wire.evasions import EVERY, SPELLED
from wire.run import Ran, Result, run
from wire.surfaces import SURFACES, UNTABLED, answer
from wire.tables import DROPPED, HOUSE, LOCAL, REFUSED, REPLACED, Surface
from wire.values import VALUES

from redaction.detectors.patterns import PatternDetector
from redaction.detectors.secret_rules import BLOCKS, TOKENS

IDS = [s.name for s in SURFACES]
WANT = {REPLACED: ({200}, 1), HOUSE: ({403}, 0), REFUSED: ({400, 404}, 0), DROPPED: ({200}, 1), LOCAL: ({200}, 0)}
"""Handling -> statuses, and how many requests cross."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Everything, once."""
    return run(tmp_path_factory.mktemp("matrix"), all_cases(), answer)


@pytest.fixture(scope="module")
def results(ran: Ran) -> Sequence[Result]:
    return ran.results


def of(results: Sequence[Result], group: str, spelling: str = "") -> list[Result]:
    mine = [r for r in results if r.case.group == group and spelling in {"", r.case.spelling}]
    assert mine
    return mine


def on(results: Sequence[Result], surface: Surface) -> list[Result]:
    return [r for r in results if r.case.surface is surface]


def handling(result: Result) -> str:
    row = result.case.surface.row(result.case.place)
    assert row is not None
    return row.handling


def none(results: Iterable[Result]) -> None:
    """Fails with the number of results and the first few: a diff of thousands would take minutes."""
    wrong = list(results)
    if wrong:
        pytest.fail("\n".join([f"{len(wrong)} cases", *map(str, wrong[:5])]), pytrace=False)


def leaks(results: Sequence[Result]) -> Iterator[Result]:
    return (r for r in results if r.leaked)


def without_row(surface: Surface) -> list[str]:
    return [p.path for p in surface.places if surface.row(p.path) is None]


# -- the tables


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_every_place_of_the_vendors_request_type_has_a_row(surface: Surface) -> None:
    assert without_row(surface) == []


def test_every_row_has_a_place() -> None:
    """Of a table that several surfaces share, in one of them."""
    used = {s.row(p.path) for s in SURFACES for p in s.places}
    assert [(s.name, r.path) for s in SURFACES for r in s.rows if r not in used] == []


def test_a_field_that_a_new_release_brings_has_no_row() -> None:
    class Newer(completion_create_params.CompletionCreateParamsNonStreaming, total=False):  # type: ignore[misc]
        whispered_to: str

    chat = next(s for s in SURFACES if s.name == "OpenAI chat completions")
    assert without_row(dataclasses.replace(chat, request=Newer)) == ["whispered_to"]


def untabled(routes: frozenset[tuple[str, str]]) -> set[tuple[str, str]]:
    known = {r for s in SURFACES for r in (s.routes or (("POST", s.route),))}
    return {(verb, path) for verb, path in routes if (verb, path) not in known and (verb, path) not in UNTABLED}


def test_every_served_route_has_a_table_and_every_table_a_route(ran: Ran) -> None:
    assert untabled(ran.routes) == set()
    assert {r for s in SURFACES for r in (s.routes or (("POST", s.route),))} | set(UNTABLED) <= ran.routes
    assert untabled(ran.routes | {("POST", "/v1/whispers")}) == {("POST", "/v1/whispers")}


def test_every_label_that_a_rule_proves_has_a_canary() -> None:
    patterns = PatternDetector()
    rules = {r.label for r in patterns.rules} | {k.label for k in patterns.numbers.kinds}
    assert (rules | {label for label, _, _ in (*TOKENS, *BLOCKS)}) - {v.label for v in VALUES} == set()


def test_the_document_says_what_the_tables_say() -> None:
    assert document.FILE.read_text(encoding="utf-8") == document.text(), "stale: make coverage-doc"


# -- places


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_no_value_leaves_from_any_place(results: Sequence[Result], surface: Surface) -> None:
    none(leaks(of(on(results, surface), "place")))


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_what_happens_in_each_place_is_what_its_row_says(results: Sequence[Result], surface: Surface) -> None:
    def as_said(r: Result) -> bool:
        statuses, sent = WANT[handling(r)]
        return r.status in statuses and len(r.sent) == sent

    mine = on(results, surface)
    none(r for r in (*of(mine, "place"), *of(mine, "place twin")) if not as_said(r))


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_a_harmless_text_crosses_unchanged_from_every_place(results: Sequence[Result], surface: Surface) -> None:
    none(r for r in of(on(results, surface), "place twin") if handling(r) == REPLACED and not r.unchanged)


# -- labels, spellings, ways in


LABELS = [pytest.param(name, id=name) for name in (*(v.name for v in VALUES), EVERY_LABEL)]


@pytest.mark.parametrize("name", LABELS)
def test_no_value_of_any_label_leaves(results: Sequence[Result], name: str) -> None:
    mine = of(results, "label", name)
    none(leaks(mine))
    none(r for r in mine if r.status != 200)


@pytest.mark.parametrize("name", LABELS)
def test_the_twin_of_every_label_crosses_unchanged(results: Sequence[Result], name: str) -> None:
    none(r for r in of(results, "label twin", name) if not r.unchanged)


@pytest.mark.parametrize("spelling", [*EVERY, *(f"{v}: {name}" for v, each in SPELLED.items() for name in each)])
def test_no_value_leaves_in_another_spelling(results: Sequence[Result], spelling: str) -> None:
    mine = of(results, "spelling", spelling)
    none(leaks(mine))
    none(r for r in mine if r.status != 200 and r.code not in r.case.refusals)


@pytest.mark.parametrize("spelling", list(EVERY))
def test_harmless_words_in_another_spelling_cross_unchanged(results: Sequence[Result], spelling: str) -> None:
    none(r for r in of(results, "spelling twin", spelling) if not r.unchanged and r.code not in r.case.refusals)


@pytest.mark.parametrize("name", transports())
def test_no_value_leaves_by_another_way_in(results: Sequence[Result], name: str) -> None:
    none(leaks(of(results, "way", name)))


@pytest.mark.parametrize("name", transports())
def test_a_harmless_request_by_another_way_in_is_served_or_refused_as_the_table_says(
    results: Sequence[Result], name: str
) -> None:
    none(r for r in of(results, "way twin", name) if not r.unchanged and r.code not in r.case.refusals)


def test_the_search_finds_every_value_in_every_spelling() -> None:
    """The negative control: what the search calls clean would be called a leak, had it crossed as the app sent it."""
    said = [c for c in all_cases() if c.values and c.group in {"label", "spelling"} and not c.surface.like]
    missed = (c for c in said if not found(c.request.path.encode() + b" " + c.request.body, c.values))
    assert {(c.surface.name, c.place, c.spelling) for c in missed} == set()
