"""Credentials by structure: provider token formats, private keys, connection strings, and assigned passwords with entropy.

RE2 only, so the time is linear in the text whatever it holds. A finding covers the secret itself, not its name.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

VERSION = "2"

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

_WORD = r"(?:key|secret|token|credentials?|private|access|auth)"
_VALUE = r"(?:\"([^\"\n]{4,200})\"|'([^'\n]{4,200})'|([^\s\"'\x60,;<>]{4,200}))"
_NAMED = rf"(?i){_WORD}s?[0-9]{{0,3}}(?:[_.\-][a-z0-9]{{1,20}}){{0,2}}[\"']?\s{{0,4}}(?::=|=>|[:=])\s{{0,4}}{_VALUE}"
_SAID = rf"(?i){_WORD}[\"']?(?:[ \t]{{1,3}}(?:is[ \t])?|[.\-])[\"']?([a-z0-9_+/=.\-]{{16,200}})"
_PREFIXED = r"\b([A-Za-z]{2,8}[_\-](?:[A-Za-z0-9]{2,6}[_\-])?[A-Za-z0-9]{24,200})\b"
"""``sgp_…``, ``xkeysib-…``: how most providers write their tokens today."""
_PASSWORD = (
    r"(?i)(?:password|passwd|passwort|passphrase|pwd|contraseña|mot de passe|kennwort|(?:^|[^a-z])pass)"
    rf"[\"']?\s{{0,4}}(?::=|=>|[:=]|\bis\b|\bist\b|\bes\b|\best\b)\s{{0,4}}{_VALUE}"
)
_PLACEHOLDERS = ("xxxx", "****", "...", "your", "example", "changeme", "change_me", "placeholder", "dummy", "redacted")
_NOT_A_VALUE = ("$", "{", "%", "<", "*", "(", "[", "os.", "process.", "env.", "config.", "settings.", "self.", "/")
_CALL = re.compile(r"[A-Za-z_][\w.]*\((?!.*\)\w)|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+$|[a-z]+://")
"""An expression of a program (``getenv(...)``, ``settings.token``) or an address, which hold no secret themselves."""


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _random(value: str, least: float = 3.0) -> bool:
    """Whether an assigned value looks generated: letters and digits with high entropy, not a word or a path."""
    letters = any(c.isalpha() for c in value)
    return letters and any(c.isdigit() for c in value) and entropy(value) >= least and "/" not in value[:-8]


def _generated(value: str) -> bool:
    return len(value) >= 8 and _random(value)


def _said(value: str) -> bool:
    return _random(value, 3.2) and not value.lower().startswith("sha")


def _strong(value: str) -> bool:
    """Whether an assigned word is a password: people's passwords have a digit or a symbol, and vary."""
    return any(not c.isalpha() and not c.isspace() for c in value) and entropy(value) >= 2.0


def _placeholder(value: str) -> bool:
    lower = value.lower()
    return value.startswith(_NOT_A_VALUE) or bool(_CALL.match(value)) or any(w in lower for w in _PLACEHOLDERS)


def _value(match: Any) -> tuple[int, str]:
    """Where the value of an assignment starts, and the value without the punctuation of the sentence around it."""
    group = next(g for g in range(1, match.re.groups + 1) if match.group(g) is not None)
    value = str(match.group(group))
    return match.start(group), value if group < 3 and match.re.groups == 3 else value.rstrip(".!?)]}:\\")


class SecretsDetector:
    """Implements ``Detector``."""

    name = "secrets"

    def __init__(self) -> None:
        self._tokens = [(label, score, compile_pattern(p)) for label, score, p in _TOKENS]
        self._assignments = [
            ("SECRET", 0.75, compile_pattern(_NAMED), _generated),
            ("SECRET", 0.7, compile_pattern(_SAID), _said),
            ("API_KEY", 0.7, compile_pattern(_PREFIXED), _said),
            ("PASSWORD", 0.7, compile_pattern(_PASSWORD), _strong),
        ]
        source = repr((VERSION, _TOKENS, _NAMED, _SAID, _PREFIXED, _PASSWORD, _PLACEHOLDERS, _NOT_A_VALUE))
        self.digest = hashlib.sha256(source.encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        return (*self._formats(text), *self._assigned(text))

    def _formats(self, text: str) -> Iterator[Finding]:
        for label, score, pattern in self._tokens:
            for m in pattern.finditer(text):
                if not (label == "CONNECTION_STRING" and _template(m.group(1))):
                    yield Finding(m.start(1), m.end(1), label, score, "secrets")

    def _assigned(self, text: str) -> Iterator[Finding]:
        for label, score, pattern, judge in self._assignments:
            for m in pattern.finditer(text):
                start, value = _value(m)
                if value and not _placeholder(value) and judge(value):
                    yield Finding(start, start + len(value), label, score, self.name)


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
