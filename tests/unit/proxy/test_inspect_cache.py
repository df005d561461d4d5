"""What inspection remembers: one tenant's, of one look by these detectors; bounded; never a text or a value."""

from __future__ import annotations

import pytest

from proxy.dialects.base import Segment
from proxy.inspect_cache import SpanCache
from redaction.propagation import Seen, propagate
from redaction.types import Classification, Finding, Sensitivity, TextResult

PUBLIC = Classification(Sensitivity.PUBLIC)
CLEAN = TextResult((), PUBLIC, None)
FOUND = TextResult((Finding(5, 21, "EMAIL_ADDRESS", 1.0, "patterns"),), PUBLIC, None)
TEXT = "mail jane@example.org"


def cache(entries: int = 100, size: int = 10**6) -> SpanCache:
    return SpanCache(b"k" * 32, entries, size)


@pytest.mark.parametrize(
    ("tenant", "depth", "digests"),
    [("other", "full", ("a", "b")), ("t", "fast", ("a", "b")), ("t", "full", ("a", "c")), ("t", "full", ("ab",))],
)
def test_a_shelf_knows_nothing_of_another_tenant_look_or_detector(
    tenant: str, depth: str, digests: tuple[str, ...]
) -> None:
    held = cache()
    own, other = held.shelf("t", "full", ("a", "b")), held.shelf(tenant, depth, digests)
    own.remember(TEXT, FOUND)
    own.remember_all(own.request([Segment("/a", "user", TEXT)]), [FOUND])
    own.note(TEXT, Seen(frozenset({1}), ()))
    assert own.result(TEXT) == FOUND and own.seen(TEXT) is not None
    assert other.result(TEXT) is None and other.seen(TEXT) is None
    assert other.results(other.request([Segment("/a", "user", TEXT)])) is None
    assert own.mark("jane") != other.mark("jane")


def test_the_order_of_detectors_does_not_matter_and_another_key_opens_nothing() -> None:
    held = cache()
    held.shelf("t", "full", ("a", "b")).remember(TEXT, FOUND)
    assert held.shelf("t", "full", ("b", "a")).result(TEXT) == FOUND
    assert SpanCache(b"z" * 32, 9, 9).shelf("t", "full", ()).mark("x") != held.shelf("t", "full", ()).mark("x")


def test_what_nobody_could_judge_is_not_remembered() -> None:
    shelf = cache().shelf("t", "full", ())
    late = TextResult((), PUBLIC, "deadline")
    shelf.remember(TEXT, late)
    shelf.remember_all(b"request", [CLEAN, late])
    assert shelf.result(TEXT) is None and shelf.results(b"request") is None


@pytest.mark.parametrize(
    "changed",
    [
        ("/b", "user", TEXT, "text"),
        ("/a", "tool:x", TEXT, "text"),
        ("/a", "user", "x", "text"),
        ("/a", "user", TEXT, "key"),
    ],
)
def test_a_request_is_known_by_all_that_its_results_depend_on(changed: tuple[str, str, str, str]) -> None:
    shelf = cache().shelf("t", "full", ())
    assert shelf.request([Segment(*changed)]) != shelf.request([Segment("/a", "user", TEXT)])
    both = [Segment("/a", "user", "xy"), Segment("/a", "user", "z")]
    assert shelf.request(both) != shelf.request([Segment("/a", "user", "x"), Segment("/a", "user", "yz")])


def test_it_holds_no_text_and_no_value() -> None:
    held = cache()
    shelf = held.shelf("t", "full", ())
    texts = [TEXT, f"again {TEXT.upper()} and +49 40 555 01234"]
    propagate(texts, [FOUND, CLEAN], memo=shelf)
    shelf.remember(TEXT, FOUND)
    shown = repr(held._held).lower() + repr(held).lower()
    assert len(held) == 3 and "jane" not in shown and "example" not in shown


def test_it_is_bounded_in_entries_and_in_bytes_and_the_oldest_goes_first() -> None:
    held = cache(entries=3)
    for key in b"abcd":
        held.put(bytes([key]), key, 10)
    assert [held.get(bytes([key])) for key in b"abcd"] == [None, *b"bcd"]
    held = cache(size=100)
    for key in b"abc":
        held.put(bytes([key]), key, 40)
    assert [held.get(bytes([key])) for key in b"abc"] == [None, *b"bc"]
    held.get(b"b")
    held.put(b"d", 1, 40)
    assert held.get(b"c") is None and held.get(b"b") is not None, "what was asked for last stays"
    held.put(b"d", 1, 1_000)
    assert len(held) == 0, "what does not fit is not kept"


def test_what_counts_is_what_is_held() -> None:
    held = cache(size=1_000)
    for _ in range(50):
        held.put(b"a", 1, 400)
        held.put(b"b", 2, 500)
    assert held.get(b"a") == 1 and held.get(b"b") == 2
