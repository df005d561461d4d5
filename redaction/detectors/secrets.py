"""Credentials by structure: provider token formats, private keys, connection strings, and assigned passwords with entropy.

RE2 only, so the time is linear in the text whatever it holds. A finding covers the secret itself, not its name.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

VERSION = "1"

# (label, score, pattern); group 1 is the secret where there is one.
_TOKENS: tuple[tuple[str, float, str], ...] = (
    ("API_KEY", 0.95, r"\b((?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16})\b"),
    ("API_KEY", 0.95, r"\b(AIza[0-9A-Za-z_\-]{35})"),
    ("API_KEY", 0.95, r"\b(ya29\.[0-9A-Za-z_\-]{20,})"),
    ("API_KEY", 0.95, r"\b((?:ghp|gho|ghu|ghs|ghr)_[0-9A-Za-z]{30,255})\b"),
    ("API_KEY", 0.95, r"\b(github_pat_[0-9A-Za-z_]{22,255})\b"),
    ("API_KEY", 0.95, r"\b(gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[0-9A-Za-z_\-]{20,})"),
    ("API_KEY", 0.95, r"\b(xox[abeoprs]-[0-9A-Za-z\-]{10,})"),
    ("API_KEY", 0.9, r"(https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})"),
    ("API_KEY", 0.95, r"\b((?:sk|rk|pk|whsec)_(?:live_|test_)?[0-9a-zA-Z]{16,})\b"),
    ("API_KEY", 0.95, r"\b(sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-|or-v1-)?[A-Za-z0-9_\-]{20,})"),
    ("API_KEY", 0.95, r"\b(sg-[A-Za-z0-9_\-]{40,})"),
    ("API_KEY", 0.95, r"\b(SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64})"),
    ("API_KEY", 0.95, r"\b(hf_[A-Za-z0-9]{30,})\b"),
    ("API_KEY", 0.95, r"\b(npm_[A-Za-z0-9]{36})\b"),
    ("API_KEY", 0.95, r"\b(pypi-[A-Za-z0-9_\-]{50,})"),
    ("API_KEY", 0.95, r"\b(dop_v1_[a-f0-9]{64})\b"),
    ("API_KEY", 0.95, r"\b((?:hv[sb]|s)\.[A-Za-z0-9_\-]{24,})"),
    ("API_KEY", 0.95, r"\b(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})\b"),
    ("API_KEY", 0.95, r"\b(dapi[a-h0-9]{32})\b"),
    ("API_KEY", 0.95, r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58})\b"),
    ("API_KEY", 0.95, r"\b(key-[0-9a-f]{32})\b"),
    ("API_KEY", 0.95, r"\b((?:AC|SK)[0-9a-f]{32})\b"),
    ("API_KEY", 0.95, r"\b(\d{8,10}:AA[0-9A-Za-z_\-]{32,})"),
    ("API_KEY", 0.95, r"\b(EAA[A-Za-z0-9]{60,})\b"),
    ("API_KEY", 0.95, r"\b(lin_api_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{40,})\b"),
    ("API_KEY", 0.95, r"\b(NRAK-[A-Z0-9]{27}|PMAK-[A-Za-z0-9\-]{50,}|figd_[A-Za-z0-9_\-]{30,}|pat-(?:na|eu)1-[a-f0-9\-]{36})"),
    ("API_KEY", 0.9, r"\b(ey[JI][A-Za-z0-9_\-]{8,}\.ey[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,})"),
    ("PRIVATE_KEY", 1.0, r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\,:\-]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)"),
    ("PRIVATE_KEY", 0.9, r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\\\r\n]{0,1000})"),
    ("CONNECTION_STRING", 0.95, r"(?i)\b([a-z][a-z0-9+.\-]{1,30}://[^\s:@/\"'<>]{0,100}:[^\s@/\"'<>]{2,200}@[^\s\"'<>]+)"),
    ("CONNECTION_STRING", 0.95, r"(?i)\b((?:Server|Data Source|AccountName|DefaultEndpointsProtocol|Endpoint)=[^\n\"']{3,300}(?:Password|Pwd|AccountKey|SharedAccessKey)=[^\s;\"']{3,200})"),
    ("API_KEY", 0.9, r"(?i)(?:[?&;]sig=)([A-Za-z0-9%+/=]{30,})"),
    ("SECRET", 0.85, r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=\-]{16,})"),
    ("SECRET", 0.8, r"(?i)\bbearer\s+([A-Za-z0-9._~+/=\-]{24,})"),
)  # fmt: skip

_NAME = (
    r"(?i)(?:^|[^a-z0-9])((?:[a-z0-9]{1,20}[_.\-]){0,4}"
    r"(?:api[_\-]?key|apikey|secret[_\-]?key|secret|access[_\-]?token|auth[_\-]?token|token|client[_\-]?secret|"
    r"private[_\-]?key|access[_\-]?key|encryption[_\-]?key|signing[_\-]?key|credential|credentials|auth[_\-]?key)"
    r"(?:[_.\-][a-z0-9]{1,20}){0,2})[\"']?\s{0,4}(?::=|=>|[:=])\s{0,4}[\"'\x60]?([^\s\"'\x60,;<>(){}\[\]]{8,200})"
)
_ASSIGNED = (
    r"(?i)(?:^|[^a-z0-9])(?:[a-z0-9]{1,20}[_.\-]){0,4}(?:password|passwd|passwort|passphrase|pwd|contraseña|mot de passe|kennwort|pass)"
    r"[\"']?\s{0,4}(?::=|=>|[:=]|\bis\b|\bist\b|\bes\b)\s{0,4}[\"'\x60]?([^\s\"'\x60,;<>(){}\[\]]{4,128})"
)
_PLACEHOLDERS = ("xxx", "***", "...", "your", "example", "changeme", "placeholder", "dummy", "none", "null", "true", "false",
                 "env", "redacted", "secret", "password", "token", "string", "$", "%", "os.", "process.", "config")  # fmt: skip


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _random(value: str) -> bool:
    """Whether an assigned value looks generated: mixed character kinds and high entropy, not a word or a path."""
    kinds = sum((any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value)))
    return kinds >= 2 and any(c.isdigit() for c in value) and entropy(value) >= 3.0 and "/" not in value[:-8]


def _placeholder(value: str) -> bool:
    lower = value.lower()
    return any(word in lower for word in _PLACEHOLDERS)


class SecretsDetector:
    """Implements ``Detector``."""

    name = "secrets"

    def __init__(self) -> None:
        self._tokens = [(label, score, compile_pattern(p)) for label, score, p in _TOKENS]
        self._named: Any = compile_pattern(_NAME)
        self._password: Any = compile_pattern(_ASSIGNED)
        source = repr((VERSION, _TOKENS, _NAME, _ASSIGNED, _PLACEHOLDERS))
        self.digest = hashlib.sha256(source.encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        return (*self._formats(text), *self._assigned(text))

    def _formats(self, text: str) -> Iterator[Finding]:
        for label, score, pattern in self._tokens:
            for m in pattern.finditer(text):
                if not (label == "CONNECTION_STRING" and _template(m.group(1))):
                    yield Finding(m.start(1), m.end(1), label, score, "secrets")

    def _assigned(self, text: str) -> Iterator[Finding]:
        for m in self._named.finditer(text):
            value = m.group(2)
            if _random(value) and not _placeholder(value):
                yield Finding(m.start(2), m.end(2), "SECRET", 0.75, "secrets")
        for m in self._password.finditer(text):
            value = m.group(1).rstrip(".!?")
            strong = any(c.isdigit() for c in value) or any(not c.isalnum() for c in value)
            if value and strong and not _placeholder(value) and entropy(value) >= 2.0:
                yield Finding(m.start(1), m.start(1) + len(value), "PASSWORD", 0.7, "secrets")


def _template(value: str) -> bool:
    """``postgres://${USER}:${PASSWORD}@host`` names no secret."""
    password = value.split("://", 1)[-1].split("@", 1)[0].rpartition(":")[2]
    return password.startswith(("$", "{", "%", "<", "*")) or password.lower() in {
        "password",
        "pass",
        "pwd",
        "secret",
        "xxx",
    }
