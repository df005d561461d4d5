"""What may be said to an upstream, as pure rules: base URLs, paths, queries, methods and headers.

The door applies these rules to every send, whoever built the request; nothing here connects anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from attestation.providers.base import Ask
from policies.types import Zone
from proxy.errors import ConfigError, Misuse
from proxy.outbound import Outbound
from proxy.ports import Candidate
from proxy.settings import UpstreamConfig

METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
SENT_HEADERS = frozenset({"accept", "anthropic-beta", "anthropic-version", "content-type"})
"""Headers of an app's request that may travel on. Everything else stays: SDK fingerprints, cookies, addresses, keys."""
RETURNED_HEADERS = frozenset(
    {"content-type", "openai-processing-ms", "request-id", "retry-after", "retry-after-ms", "x-request-id"}
)
"""Headers of an upstream's answer that the gate looks at, beside ``x-ratelimit-*``. No cookies, no redirects."""

BETA = re.compile(
    r"(?!(?:[a-z-]*+[0-9]){5}[a-z0-9-]*-20\d\d-?\d\d-?\d\d\Z)"
    r"[a-z0-9]{1,24}(?:-[a-z0-9]{1,24}){0,6}-20\d\d(?:-\d\d-\d\d|\d{4})",
    re.ASCII,
)
"""One feature of ``anthropic-beta``: words with four digits at most, and a date. No room for a number that counts."""

_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_BASE = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$'()*+,;:@/?=&-]|%[0-9A-Fa-f]{2})*")
_VALUE = re.compile(r"[\x20-\x7e]*")

ASKS = 8
"""Most questions of one attestation."""
ASKED_BYTES = 4096
"""Most bytes of one question, path and body: room for a nonce and a key, not for a payload."""
EVIDENCE_BYTES = 8 * 1024 * 1024
"""Most bytes that all answers of one attestation may have together."""


def outbound(
    candidate: Candidate,
    path: str,
    body: bytes,
    *,
    headers: Iterable[tuple[str, str]] = (),
    method: str = "POST",
    stream: bool = False,
) -> Outbound:
    """The request for ``candidate``, with those of the app's ``headers`` that may travel on."""
    kept = {k.lower(): v for k, v in headers if k.lower() in SENT_HEADERS and _VALUE.fullmatch(v)}
    if body:
        kept.setdefault("content-type", "application/json")
    return Outbound(candidate.upstream, method, path, headers=tuple(sorted(kept.items())), body=body, stream=stream)


def check(out: Outbound) -> None:
    """Raises Misuse unless every part of ``out`` stays below the upstream's base URL and inside the allow-lists."""
    if out.method not in METHODS:
        raise Misuse("this method does not leave the gate")
    if out.method == "GET" and out.size:
        raise Misuse("a GET carries no body")
    if out.body and out.large is not None:
        raise Misuse("one request, one body")
    if not _PATH.fullmatch(out.path) or any(_climbs(part) for part in out.path[1:].split("/")):
        raise Misuse("this path does not stay below the upstream's base URL")
    if not _QUERY.fullmatch(out.query):
        raise Misuse("this query is not plain")
    names = [name for name, _ in out.headers]
    if not SENT_HEADERS.issuperset(names) or len(set(names)) != len(names):
        raise Misuse("a header is not on the allow-list")
    if not all(_VALUE.fullmatch(value) for _, value in out.headers):
        raise Misuse("a header value is not printable ASCII")


def asks_problem(asks: Sequence[Ask]) -> str | None:
    """Why these may not be asked over the control door, or None. Paths are plain and stay on the upstream's origin.

    No question at all is allowed: some evidence is in the certificate that a connection shows.
    """
    if len(asks) > ASKS or len({ask.name for ask in asks}) != len(asks):
        return f"an attestation asks at most {ASKS} questions, of different names"
    for ask in asks:
        path, _, query = ask.path.partition("?")
        if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query) or any(_climbs(p) for p in path[1:].split("/")):
            return "a question's path is absolute, plain and within the upstream's origin"
        if len(ask.path) + len(ask.post or b"") > ASKED_BYTES:
            return f"a question has at most {ASKED_BYTES} bytes"
        if ask.max_bytes <= 0:
            return "an answer may have at least one byte"
    if sum(ask.max_bytes for ask in asks) > EVIDENCE_BYTES:
        return f"the answers have at most {EVIDENCE_BYTES} bytes together"
    return None


def _climbs(part: str) -> bool:
    plain = unquote(part)
    return plain in {".", ".."} or "/" in plain or "\\" in plain


def base_url(upstream: UpstreamConfig) -> str:
    """The checked base URL without a trailing slash. Raises ConfigError."""
    try:
        url = urlsplit(upstream.url or "")
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
        url = urlsplit("")
    path = url.path.rstrip("/")
    if not usable or url.query or url.fragment or "@" in url.netloc or (path and not _BASE.fullmatch(path)):
        raise ConfigError(
            f"upstreams.{upstream.name}.url: needs an http(s) URL without user, query or fragment, such as https://host/v1"
        )
    if upstream.zone is Zone.ENCLAVE and url.scheme != "https":
        raise ConfigError(f"upstreams.{upstream.name}.url: an enclave is reached over https only")
    return f"{url.scheme}://{url.netloc}{path}"


def origin(upstream: UpstreamConfig) -> str:
    """Scheme, host and port of the base URL. Raises ConfigError."""
    url = urlsplit(base_url(upstream))
    return f"{url.scheme}://{url.netloc}"


def returned(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The answer's headers that the gate looks at, with lower-case names; values that are no plain text are dropped."""
    lower = ((k.lower(), v) for k, v in headers if _VALUE.fullmatch(v))
    return {k: v for k, v in lower if k in RETURNED_HEADERS or k.startswith("x-ratelimit-")}
