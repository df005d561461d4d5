"""The breaker with a clock that is set by hand."""

from __future__ import annotations

from egress_support import HandClock

from proxy.health import FAILURES, OPEN_S, Breaker


def opened() -> tuple[Breaker, HandClock]:
    clock = HandClock()
    breaker = Breaker(clock.monotonic)
    for _ in range(FAILURES):
        breaker.report("a", ok=False)
    return breaker, clock


def test_three_failures_in_a_row_open_it_and_others_are_untouched() -> None:
    breaker = Breaker(HandClock().monotonic)
    for _ in range(FAILURES - 1):
        breaker.report("a", ok=False)
    assert breaker.allows("a")
    breaker.report("a", ok=False)
    assert not breaker.allows("a")
    assert breaker.allows("b")


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(HandClock().monotonic)
    for _ in range(FAILURES):
        breaker.report("a", ok=False)
        breaker.report("a", ok=True)
    breaker.report("a", ok=False)
    assert breaker.allows("a")


def test_it_stays_open_for_its_time_and_then_lets_one_probe_through() -> None:
    breaker, clock = opened()
    clock.tick(OPEN_S - 0.1)
    assert not breaker.allows("a")
    clock.tick(0.1)
    assert breaker.allows("a")
    breaker.probe("a")
    assert not breaker.allows("a")


def test_a_failed_probe_opens_it_again_at_once() -> None:
    breaker, clock = opened()
    clock.tick(OPEN_S)
    breaker.probe("a")
    breaker.report("a", ok=False)
    clock.tick(OPEN_S - 0.1)
    assert not breaker.allows("a")


def test_a_probe_that_never_reports_does_not_close_it_for_ever() -> None:
    breaker, clock = opened()
    clock.tick(OPEN_S)
    breaker.probe("a")
    clock.tick(OPEN_S)
    assert breaker.allows("a")


def test_its_state_has_a_word() -> None:
    breaker, clock = opened()
    breaker.report("b", ok=True)
    assert breaker.status() == {"a": "open", "b": "ok"}
    clock.tick(OPEN_S)
    assert breaker.status()["a"] == "half_open"
