"""Candidates: only what the decision allows, in the order of the configuration."""

from __future__ import annotations

import pytest
from egress_support import HandClock, decision, upstream
from hypothesis import given
from hypothesis import strategies as st

from policies.types import Requirements, Zone
from proxy.errors import ConfigError, NotFound
from proxy.health import Breaker
from proxy.ports import Router
from proxy.routing import ModelRouter, labels_hold
from proxy.settings import ModelRoute, UpstreamConfig

UPSTREAMS = {
    "openai": upstream("openai", Zone.CLOUD, "https://eu.example/v1", labels={"region": "eu", "retention": "none"}),
    "other": upstream("other", Zone.CLOUD, "https://us.example/v1", labels={"region": "us"}),
    "sealed": upstream("sealed", Zone.ENCLAVE, "https://sealed.example/v1"),
    "local": upstream("local", Zone.ONPREM, kind="llama", model="smol"),
}
MODELS = {
    "gpt-4o": ModelRoute((("openai", "gpt-4o"), ("other", "*"), ("sealed", "llama"), ("local", "smol")), True),
    "strict": ModelRoute((("openai", "strict"), ("sealed", "llama"), ("local", "smol"))),
    "*": ModelRoute((("openai", "*"),)),
}


def router(
    models: dict[str, ModelRoute] | None = None, upstreams: dict[str, UpstreamConfig] | None = None
) -> tuple[ModelRouter, HandClock]:
    clock = HandClock()
    return ModelRouter(models or MODELS, upstreams or UPSTREAMS, Breaker(clock.monotonic)), clock


def names(r: Router, model: str, *args: object) -> list[str]:
    return [c.upstream for c in r.candidates(model, decision(*args))]  # type: ignore[arg-type]  # test shorthand


def test_all_zones_up_to_the_ceiling_in_configured_order() -> None:
    r, _ = router()
    assert names(r, "gpt-4o", Zone.CLOUD) == ["openai", "other", "sealed", "local"]
    assert names(r, "gpt-4o", Zone.ENCLAVE) == ["sealed", "local"]
    assert names(r, "gpt-4o", Zone.ONPREM) == ["local"]
    assert names(r, "gpt-4o", Zone.BLOCKED) == []


@given(st.sampled_from(list(Zone)), st.sampled_from(["gpt-4o", "strict", "x"]), st.lists(st.sampled_from([*UPSTREAMS])))
def test_no_failure_ever_offers_a_zone_above_the_ceiling(ceiling: Zone, model: str, failed: list[str]) -> None:
    r, _ = router()
    for name in failed:
        r.report(name, ok=False)
    assert all(c.zone <= ceiling for c in r.candidates(model, decision(ceiling)))


def test_without_substitution_only_the_asked_model_may_answer() -> None:
    r, _ = router()
    assert names(r, "strict") == ["openai"]
    assert not r.candidates("strict", decision(Zone.ONPREM))
    assert not r.configured("strict", decision(Zone.ONPREM))


def test_a_star_keeps_the_asked_name() -> None:
    r, _ = router()
    assert [c.model for c in r.candidates("o9-mini", decision())] == ["o9-mini"]
    assert [c.model for c in r.candidates("gpt-4o", decision())] == ["gpt-4o", "gpt-4o", "llama", "smol"]


def test_the_exact_name_comes_before_the_star() -> None:
    r, _ = router()
    assert (r.known("strict"), r.known("anything")) == ("strict", "*")
    assert r.names() == ["gpt-4o", "strict"]


def test_an_unknown_model_is_told_the_configured_names() -> None:
    r, _ = router({"a": MODELS["gpt-4o"], "b": MODELS["gpt-4o"]})
    assert r.known("zzz-secret") is None
    with pytest.raises(NotFound) as e:
        r.candidates("zzz-secret", decision())
    assert "a, b" in e.value.message
    assert "zzz" not in e.value.message


def test_required_labels_must_hold() -> None:
    r, _ = router()
    eu = {Zone.CLOUD: Requirements(labels={"region": frozenset({"eu"})})}
    assert names(r, "gpt-4o", Zone.CLOUD, eu) == ["openai", "sealed", "local"]
    both = {Zone.CLOUD: Requirements(labels={"region": frozenset({"eu"}), "retention": frozenset({"30d"})})}
    assert names(r, "gpt-4o", Zone.CLOUD, both) == ["sealed", "local"]


def test_an_asserted_tee_goes_along_and_makes_no_zone() -> None:
    asserted = upstream("p", Zone.CLOUD, "http://127.0.0.1:9000/v1", labels={"asserted_tee": "privatemode"})
    r, _ = router({"m": ModelRoute((("p", "m"),))}, {"p": asserted})
    assert [(c.zone, c.asserted_tee) for c in r.candidates("m", decision())] == [(Zone.CLOUD, "privatemode")]
    assert r.candidates("m", decision(Zone.ENCLAVE)) == []
    assert all(c.asserted_tee is None for c in router()[0].candidates("gpt-4o", decision()))


def test_requirements_of_one_zone_do_not_touch_another() -> None:
    r, _ = router()
    want = {Zone.ENCLAVE: Requirements(labels={"region": frozenset({"eu"})})}
    assert names(r, "gpt-4o", Zone.CLOUD, want) == ["openai", "other", "local"]


def test_contradicting_or_empty_label_demands_hold_for_nobody() -> None:
    labels = {"region": "eu"}
    assert labels_hold(labels, Requirements())
    assert not labels_hold(labels, Requirements(labels={"region": frozenset({"eu", "us"})}))
    assert not labels_hold(labels, Requirements(labels={"region": frozenset()}))
    assert not labels_hold({}, Requirements(labels={"region": frozenset({"eu"})}))


def test_an_open_breaker_removes_a_candidate_but_not_the_configuration() -> None:
    r, clock = router()
    for _ in range(3):
        r.report("openai", ok=False)
    assert names(r, "strict") == []
    assert r.configured("strict", decision())
    clock.tick(10)
    assert names(r, "strict") == ["openai"], "one probe"
    assert names(r, "strict") == [], "the others wait for it"
    r.report("openai", ok=True)
    assert names(r, "strict") == ["openai"]


def test_a_route_to_nowhere_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        router({"m": ModelRoute((("nowhere", "m"),))})


def test_a_request_reaches_upstreams_of_its_own_dialect_only() -> None:
    upstreams = {**UPSTREAMS, "claude": upstream("claude", Zone.CLOUD, "https://c.example/v1", kind="anthropic")}
    models = {**MODELS, "mixed": ModelRoute((("openai", "mixed"), ("claude", "mixed")))}
    r, _ = router(models, upstreams)
    assert [c.upstream for c in r.candidates("mixed", decision(), "anthropic.messages")] == ["claude"]
    assert [c.upstream for c in r.candidates("mixed", decision(), "openai.chat")] == ["openai"]
    assert r.known("gpt-4o", "anthropic.messages") is None and not r.candidates("mixed", decision(Zone.ONPREM))
