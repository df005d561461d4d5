"""Every surface × place × spelling × label against one running gate, with a capture of every byte that leaves.

The places come from the vendors' own request types, what must happen there from ``tests/support/wire/surfaces.py``. The
policy of these tests lets everything go to the cloud and nothing as it is, so that no refusal hides a leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest
from wire import document
from wire.capture import found
from wire.cases import all_cases, transports
from wire.evasions import EVERY, SPELLED
from wire.run import Result, run
from wire.surfaces import HOUSE, REPLACED, SURFACES, UNTABLED, Surface, answer
from wire.values import VALUES, Value

from proxy import surfaces as served
from redaction.detectors.patterns import PatternDetector
from redaction.detectors.secret_rules import BLOCKS, TOKENS

DISGUISED = "detectors do not look behind disguises yet"
LATE: Mapping[str, str] = dict.fromkeys(
    (
        "zero-width in all", "full width", "combining marks", "url", "url twice", "html decimal", "html hexadecimal",
        "base64", "base64 in a sentence", "base64 for URLs", "base64 twice", "hexadecimal", "hexadecimal spaced",
        "unicode escapes", "C escapes", "markdown", "zero-width space", "word joiner", "soft hyphen", "bidi override",
        "variation selector", "mathematical digits", "arabic digits", "email: at and dot", "email: brackets",
        "email: round brackets", "email: spaces around", "email: full-width at", "email: cyrillic letters",
        "email: named entity", "email: quoted printable", "email: URL-encoded at", "card: underscores",
        "card: slashes", "card: thin spaces", "card: devanagari digits", "a list of digits",
    ),
    DISGUISED,
)  # fmt: skip
"""What is not found yet, and why: each fails once it is."""
IDS = [s.name for s in SURFACES]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Result]:
    """Everything, once."""
    return run(tmp_path_factory.mktemp("matrix"), all_cases(), answer)


def of(results: Sequence[Result], group: str, surface: Surface | None = None) -> list[Result]:
    found = [r for r in results if r.case.group == group and (surface is None or r.case.surface is surface)]
    assert found
    return found


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


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_every_place_of_the_vendors_request_type_has_a_row_and_every_row_a_place(surface: Surface) -> None:
    assert [p.path for p in surface.places if surface.row(p.path) is None] == []
    used = {surface.row(p.path) for p in surface.places}
    assert [r.path for r in surface.rows if r not in used] == []


def test_every_served_path_has_a_table() -> None:
    routes = {s.route for s in served.table(64)}
    assert routes - {s.path for s in SURFACES} - set(UNTABLED) == set()
    assert set(UNTABLED) <= routes


def test_every_label_that_a_rule_proves_has_a_canary() -> None:
    rules = {r.label for r in PatternDetector()._rules} | {label for label, _, _ in (*TOKENS, *BLOCKS)}
    assert rules - {v.label for v in VALUES} == set()


def test_the_document_says_what_the_tables_say() -> None:
    assert document.FILE.read_text(encoding="utf-8") == document.text(), "stale: make coverage-doc"


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_no_value_leaves_from_any_place(results: Sequence[Result], surface: Surface) -> None:
    none(leaks(of(results, "place", surface)))


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_what_happens_in_each_place_is_what_its_row_says(results: Sequence[Result], surface: Surface) -> None:
    want = {REPLACED: (200, 1), HOUSE: (403, 0)}
    none(r for r in of(results, "place", surface) if (r.status, len(r.sent)) != want[handling(r)])


@pytest.mark.parametrize("surface", SURFACES, ids=IDS)
def test_a_harmless_text_crosses_unchanged_from_every_place(results: Sequence[Result], surface: Surface) -> None:
    none(r for r in of(results, "twin", surface) if handling(r) == REPLACED and not r.unchanged)


@pytest.mark.parametrize("value", VALUES, ids=lambda v: v.name)
def test_no_value_of_any_label_leaves(results: Sequence[Result], value: Value) -> None:
    mine = [r for r in of(results, "label") if r.case.spelling == value.name]
    assert mine
    none(leaks(mine))
    assert {r.status for r in mine} == {200}


@pytest.mark.parametrize("value", VALUES, ids=lambda v: v.name)
def test_the_twin_of_every_label_crosses_unchanged(results: Sequence[Result], value: Value) -> None:
    mine = [r for r in of(results, "label twin") if r.case.spelling == value.name]
    assert mine
    none(r for r in mine if not r.unchanged)


SPELLINGS = [*EVERY, *(f"{v}: {name}" for v, each in SPELLED.items() for name in each)]


def _marked(names: Sequence[str]) -> list[object]:
    return [pytest.param(n, marks=pytest.mark.xfail(reason=LATE[n])) if n in LATE else n for n in names]


@pytest.mark.parametrize("spelling", _marked(SPELLINGS))
def test_no_value_leaves_in_another_spelling(results: Sequence[Result], spelling: str) -> None:
    mine = [r for r in of(results, "spelling") if r.case.spelling == spelling]
    assert mine
    none(leaks(mine))


@pytest.mark.parametrize("spelling", list(EVERY))
def test_harmless_words_in_another_spelling_cross_unchanged(results: Sequence[Result], spelling: str) -> None:
    mine = [r for r in of(results, "spelling twin") if r.case.spelling == spelling]
    assert mine
    none(r for r in mine if not r.unchanged)


@pytest.mark.parametrize("name", _marked(transports()))
def test_no_value_leaves_by_another_way_in(results: Sequence[Result], name: str) -> None:
    mine = [r for r in of(results, "way") if r.case.spelling == name]
    assert mine
    none(leaks(mine))


@pytest.mark.parametrize("name", transports())
def test_a_harmless_request_by_another_way_in_is_served_or_refused_as_the_table_says(
    results: Sequence[Result], name: str
) -> None:
    mine = [r for r in of(results, "way twin") if r.case.spelling == name]
    assert mine
    none(r for r in mine if not r.unchanged and r.code not in r.case.refusals)


def test_the_search_finds_every_value_in_every_spelling() -> None:
    """The negative control: what the search calls clean would be called a leak, had it crossed as the app sent it."""
    said = [c for c in all_cases() if c.values and c.group != "way"]
    assert {c.spelling for c in said if not found(c.request.body, c.values)} == set()
