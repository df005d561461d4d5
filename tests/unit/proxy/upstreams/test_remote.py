"""The rules of what may be said to an upstream."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from egress_support import chat, upstream

from policies.types import Zone
from proxy.errors import ConfigError, Misuse
from proxy.outbound import Outbound
from proxy.ports import Candidate
from proxy.upstreams.remote import base_url, check, origin, outbound, returned

CANDIDATE = Candidate("cloud", "m", Zone.CLOUD, False)


def test_only_listed_headers_of_the_app_travel_on() -> None:
    sent = [
        ("Accept", "text/event-stream"),
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer app-key"),
        ("User-Agent", "OpenAI/Python"),
        ("X-Stainless-OS", "Linux"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "10.1.1.1"),
        ("OpenAI-Organization", "org-1"),
    ]
    out = outbound(CANDIDATE, "/chat/completions", b"{}", headers=sent, stream=True)
    assert out.headers == (("accept", "text/event-stream"), ("content-type", "application/json"))
    assert (out.upstream, out.method, out.path, out.stream) == ("cloud", "POST", "/chat/completions", True)
    check(out)


def test_a_header_value_that_could_split_the_request_is_dropped() -> None:
    out = outbound(CANDIDATE, "/chat/completions", b"{}", headers=[("accept", "a\r\nx: y")])
    assert out.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize(
    "path",
    [
        "", "chat", "//evil.example/v1", "/..", "/../admin", "/a/../b", "/a/./b", "/a//b", "/a/", "/%2e%2e/admin",
        "/a%2fb", "/a\\b", "/a?b=c", "/a#b", "/a b", "/ä", "/a\n", "http://evil.example/", "/\x00",
    ],
)  # fmt: skip
def test_a_path_that_might_leave_the_base_url_is_refused(path: str) -> None:
    with pytest.raises(Misuse):
        check(dataclasses.replace(chat(), path=path))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "TRACE"},
        {"method": "CONNECT"},
        {"method": "get"},
        {"query": "a=b#c"},
        {"query": "a b"},
        {"query": "a=b\r\nx"},
        {"headers": (("authorization", "Bearer x"),)},
        {"headers": (("host", "evil.example"),)},
        {"headers": (("Accept", "*/*"),)},
        {"headers": (("accept", "a"), ("accept", "b"))},
        {"headers": (("accept", "a\r\nb: c"),)},
        {"headers": (("accept", "ä"),)},
    ],
)
def test_what_is_not_on_a_list_is_refused(change: dict[str, Any]) -> None:
    check(chat())
    with pytest.raises(Misuse):
        check(dataclasses.replace(chat(), **change))


def test_a_get_carries_nothing() -> None:
    check(Outbound("cloud", "GET", "/models"))
    with pytest.raises(Misuse):
        check(Outbound("cloud", "GET", "/models", body=b"x"))


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("https://api.example/v1", "https://api.example/v1"),
        ("https://api.example/v1/", "https://api.example/v1"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("https://[::1]:8443/a/b", "https://[::1]:8443/a/b"),
    ],
)
def test_a_base_url_is_kept_without_its_last_slash(url: str, want: str) -> None:
    assert base_url(upstream(url=url)) == want


@pytest.mark.parametrize(
    "url",
    [
        None, "", "api.example/v1", "ftp://a/v1", "https://", "https://user:pw@a/v1", "https://a/v1?k=1", "https://a/#x",
        "https://a:99999/", "https://a:0/", "https://a/%2e%2e", "https://[::1/v1", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_unusable_base_url_stops_the_start(url: str | None) -> None:
    with pytest.raises(ConfigError, match=r"upstreams\.cloud\.url"):
        base_url(upstream(url=url))


def test_an_enclave_is_reached_over_https_only() -> None:
    with pytest.raises(ConfigError, match="https only"):
        base_url(upstream(zone=Zone.ENCLAVE, url="http://127.0.0.1/v1"))


def test_the_origin_has_no_path() -> None:
    assert origin(upstream(url="https://api.example:8443/v1")) == "https://api.example:8443"


def test_only_listed_headers_of_an_answer_are_seen() -> None:
    got = returned([("Content-Type", "a"), ("Set-Cookie", "b"), ("X-RateLimit-Reset", "1"), ("Location", "/x")])
    assert got == {"content-type": "a", "x-ratelimit-reset": "1"}


def test_a_header_of_an_answer_that_is_no_plain_text_is_dropped() -> None:
    odd = b"\xff".decode("utf-8", "surrogateescape")
    got = returned([("x-request-id", odd), ("Content-Type", "a\nb"), ("retry-after", "5")])
    assert got == {"retry-after": "5"}
