"""Requests sealed to an attested key and their answers opened: a wire around a wire (attestation.md §5.1, §5.2).

For upstreams whose TLS may end outside the enclave. What is sealed is the finished request, after the leak guard and
the record; the receipt at the door covers the plain bytes. Rules:

* Nothing leaves in the clear but method, path and headers, and of these only words of the protocol.
* What cannot be sealed whole is not sent (NotSealable); there is no way to send without sealing.
* An answer counts when it opens. One that comes in the clear is never read as an answer nor shown, whatever its
  status: anybody on the way may have written it. Its status alone is believed, as a failure.
* An answer that was cut is an error at its end.
* The upstream's credential is a header and therefore in the clear: where TLS ends who knows where, it goes along only
  where the configuration says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attestation.sealing import Fault
from proxy.errors import NotSealable, UpstreamError
from proxy.outbound import Outbound
from proxy.upstreams.features import FEATURES
from proxy.upstreams.lease import AttestationRefused

EVENTS, LINES = "text/event-stream", "application/x-ndjson"
VERIFIED_ONLY = {"aci_verified": True}
"""An aggregator may serve from nothing but what it verified (private-ai-gateway ``spec/aci.md`` §5.3)."""
PATHS = frozenset(
    {"/chat/completions", "/completions", "/embeddings", "/moderations", "/responses", "/responses/compact",
     "/responses/input_tokens", "/messages", "/messages/count_tokens", "/images/generations", "/images/edits",
     "/images/variations", "/audio/transcriptions", "/audio/translations", "/chat", "/generate", "/embed"}
)  # fmt: skip
"""Paths that say nothing about what is sent. All others hold names or ids, or have answers without an end."""
OLLAMA = frozenset({"/chat", "/generate"})
"""Ollama's paths whose answers come in lines."""
NAMED = re.compile(
    r"/models/(?:[A-Za-z0-9._~:-]|%2F){1,128}:"
    r"(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)"
)
"""Gemini's paths. They name the upstream's model: that of the configuration, or the app's own word where ``models`` has
``*``; as with fields that are sealed one by one it is a word, and stays in the clear."""
HEADERS: Mapping[str, re.Pattern[str]] = {
    "content-type": re.compile("application/json|multipart/form-data; boundary=sealgate-[0-9a-f]{32}"),
    "anthropic-version": re.compile("2023-0[16]-01"),
}
"""What headers may say in the clear, beside lists of features: the protocol's versions, and a boundary that the gate
drew. Whatever an app may choose would be in the clear, too."""
_NUMBERS = frozenset({"openai-processing-ms", "retry-after", "retry-after-ms"})
CODES = {
    Fault.UNSEALED: "answer_unsealed",
    Fault.TRUNCATED: "answer_truncated",
    Fault.AUTHENTICITY: "answer_not_authentic",
    Fault.FRAME: "answer_malformed",
    Fault.SEQUENCE: "answer_not_authentic",
}
"""What a fault of an answer is called in records and to the app."""


def broken(upstream: str, fault: Fault) -> UpstreamError:
    """An answer that does not count, in our words."""
    code = CODES.get(fault, "answer_broken")
    return UpstreamError(f"{upstream}: its sealed answer failed ({fault.value})", code=code)


def unsealed(upstream: str, status: int) -> UpstreamError:
    """An answer in the clear. Its body is dropped unread."""
    if 200 <= status < 300:
        return broken(upstream, Fault.UNSEALED)
    return UpstreamError(f"{upstream} answered {status}, in the clear", code=f"upstream_{status}")


def head(upstream: str, out: Outbound) -> tuple[tuple[str, str], ...]:
    """The headers of ``out`` as they may stand in the clear. Raises NotSealable for a path, query or header that says
    more than the protocol's words, and for a request without a body: to that no key is bound (EHBP SPEC.md §7.4)."""
    named = NAMED.fullmatch(out.path)
    events = named is not None and named[1] == STREAMED
    wrong = [
        name
        for name, bad in (
            ("request.path", (out.path not in PATHS and named is None) or out.method != "POST"),
            ("request.query", out.query not in ({"alt=sse"} if events else {"", "beta=true"})),
            ("request.headers", not all(_plain(k, v) for k, v in out.headers if k != "accept")),
            ("request.body", not out.size),
            ("body.candidates", events and candidates(out) is None),
        )
        if bad
    ]
    if wrong:
        raise NotSealable(upstream, tuple(wrong), SEVERAL if wrong == ["body.candidates"] else "")
    streamed = LINES if out.path in OLLAMA else EVENTS
    accept = ("accept", streamed if out.stream else "application/json")
    return (*((k, _sorted(v) if k == BETAS else v) for k, v in out.headers if k != "accept"), accept)


BETAS = "anthropic-beta"
STREAMED = "streamGenerateContent"
SEVERAL = "a stream has 1 to 8 candidates, said once, in a body of ordinary size; else ask without streaming"
_CANDIDATES = re.compile(rb'"candidate(?:Count|_count)"\s*:\s*(?:([1-8])\s*[,}])?')


def candidates(out: Outbound) -> int | None:
    """How many candidates are asked for: of several that stream, one could be cut off unseen. None where that is not
    plain: the word stands there twice, or with anything but a small number. Inside a text its quotes are escaped."""
    if out.large is not None:
        return None
    found = [match[1] for match in _CANDIDATES.finditer(out.body)]
    if len(found) > 1 or None in found:
        return None
    return int(found[0]) if found else 1


def _sorted(features: str) -> str:
    """Each once, in one order."""
    return ",".join(sorted(set(features.split(","))))


def _plain(name: str, value: str) -> bool:
    if name == BETAS:
        return set(value.split(",")) <= FEATURES
    pattern = HEADERS.get(name)
    return pattern is not None and pattern.fullmatch(value) is not None


def returned(headers: tuple[tuple[str, str], ...], kind: str) -> dict[str, str]:
    """Of an answer's headers, which nobody sealed, only numbers: words of whoever is on the way reach no app."""
    told = {k.lower(): v for k, v in headers if k.lower() in _NUMBERS and re.fullmatch("[0-9]{1,9}", v, re.ASCII)}
    return {**told, "content-type": kind}


def media_type(headers: tuple[tuple[str, str], ...]) -> str:
    values = [v for k, v in headers if k.lower() == "content-type"]
    return values[0].partition(";")[0].strip().lower() if len(values) == 1 else ""


def refuse_exposed(upstream: str, *, withheld: bool) -> None:
    """Raises AttestationRefused where the upstream wants a credential that may not stand in the clear."""
    if withheld:
        raise AttestationRefused(upstream, ("credential.in-clear",))
