"""One table of settings with units. ``proxy/config.py`` reads ``sealgate.yaml`` into these; nothing else does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from policies.types import Zone

Network = IPv4Network | IPv6Network


SPEAKS: Mapping[str, frozenset[str]] = {
    "openai": frozenset(
        {"openai.chat", "openai.responses", "openai.input_tokens", "openai.completions", "openai.embeddings",
         "openai.moderations", "openai.images", "openai.image_edits", "openai.image_variations", "openai.speech",
         "openai.transcriptions", "openai.translations", "openai.files", "openai.batches",
         "openai.stored_responses", "generic"}
    ),
    "llama": frozenset({"openai.chat"}),
    "anthropic": frozenset({"anthropic.messages", "anthropic.count_tokens", "anthropic.batches", "generic"}),
    "gemini": frozenset({"gemini.generate", "gemini.count_tokens", "gemini.embed"}),
    "ollama": frozenset({"ollama.chat", "ollama.generate", "ollama.embed"}),
    "http": frozenset({"generic"}),
}  # fmt: skip
"""Upstream kind -> the dialects it understands. Nothing is translated. Kind ``http`` is reached by name only."""
WITHOUT_MODEL = frozenset({"openai.files", "openai.batches", "openai.stored_responses", "anthropic.batches"})
"""Dialects whose requests name no model: any upstream that speaks them may serve, or the one that holds the state."""


class Secret:
    """A credential. Its repr and str never show it; ``reveal()`` is called at the door only."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the data plane, with its unit."""

    body_bytes: int = 8 * 1024 * 1024
    form_bytes: int = 27 * 1024 * 1024
    """Largest form with sound or images (OpenAI takes 25 MB of sound). Only few over ``body_bytes`` are in memory."""
    json_depth: int = 64
    segments: int = 20_000
    concurrent_requests: int = 256
    read_timeout_s: float = 30.0
    """An app must finish sending its request within this time."""
    app_idle_s: float = 120.0
    """An app that does not read its stream for this long is cut off."""
    upstream_connect_s: float = 10.0
    upstream_idle_s: float = 300.0
    """Longest silence of an upstream, before or between chunks."""
    answer_bytes: int = 64 * 1024 * 1024
    inspect_deadline_s: float = 20.0
    """Wall time for one request's inspection; what is not done by then is uninspected and its worker is killed."""
    inspect_tokens: int = 100_000
    """Model tokens inspected for one request; text over the budget is uninspected."""
    cache_bytes: int = 128 * 1024 * 1024
    """Memory for what inspection remembers of texts it has seen: spans and hashes, never text."""
    file_bytes: int = 200 * 1024 * 1024
    """Largest file that an app may upload."""
    upload_timeout_s: float = 600.0
    """An app must finish sending a file within this time."""
    state_days: int = 30
    """How long the vault knows a response, a file or a batch."""
    history_days: int = 7
    """How long the words of an answer that was made under a ceiling keep it."""
    shutdown_s: float = 30.0
    """How long a stop waits for running answers."""


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An app, its tenant and the SHA-256 of its key."""

    name: str
    tenant: str
    key_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AttestationConfig:
    """How an enclave proves itself. ``expectations`` names a file of the ``expectations`` folder; ``options`` are the
    provider's own (:mod:`attestation.providers.registry`)."""

    provider: str
    expectations: str
    max_age_s: float = 600.0
    """How long a verification counts."""
    options: Mapping[str, Any] = field(default_factory=dict)
    expose_key: bool = False
    """Whether the upstream's key may go along where only bodies are sealed: whoever ends the TLS reads it then."""
    receipts: str = "auto"
    """What the enclave signs of its answers: ``required`` (no good receipt, no answer), ``recorded``, ``off``; ``auto``
    is required where nothing else shows who wrote an answer (fields sealed to the asker over a TLS that is not the
    enclave's), else recorded."""
    keys: int = 8
    """How many machines with different TLS keys may hold a lease at a time."""
    prewarm: bool = True
    """Whether it is attested at the start and after its expectations changed, before a request asks for it."""


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """A place that can answer. ``url`` is the base including ``/v1``; ``model`` is for kind ``llama``."""

    name: str
    zone: Zone
    kind: str
    url: str | None = None
    key: Secret | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    attestation: AttestationConfig | None = None
    model: str | None = None
    tools: Mapping[str, Zone] = field(default_factory=dict)
    """What this upstream may use or fetch on its own while it answers (``web_search``, ``mcp:HOST``, ``fetch:HOST``)
    and the zone of that; what is not listed may not be asked for."""

    def reach(self, names: Collection[str]) -> Zone | None:
        """The furthest zone that a request gets to with these tools; None where one of them is not listed."""
        zones = [self.zone]
        for name in names:
            zone = self.tools.get(name, self.tools.get(f"{name.partition(':')[0]}:*"))
            if zone is None:
                return None
            zones.append(zone)
        return max(zones)


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """Public model name -> candidates (upstream, model or ``*``), best first."""

    use: tuple[tuple[str, str], ...]
    substitute: bool = False


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Inbound TLS; the files are watched and reloaded."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class RecognizerConfig:
    """A Presidio recognizer of somebody else, by module and class, in processes of its own. ``entities``: what it gives
    -> our label; anything else that it gives is an error."""

    name: str
    module: str
    entities: Mapping[str, str]
    path: str = ""
    """A folder to find the module in, absolute; empty: it is installed."""
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    languages: tuple[str, ...] = ()
    """An instance for each; empty: one, in its own language. Every text goes to all of them."""
    timeout_s: float = 2.0
    """For one text."""
    tokens: int = 20_000
    """Of one text; a longer one is uninspected."""
    memory_mb: int = 1536
    min_score: float = 0.35


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything ``serve`` needs."""

    data: Path
    policy: str
    apps: tuple[AppConfig, ...]
    upstreams: Mapping[str, UpstreamConfig]
    models: Mapping[str, ModelRoute]
    expectations: Path | None = None
    keys_file: Path | None = None
    listen: tuple[str, int] = ("127.0.0.1", 8080)
    admin: tuple[str, int] = ("127.0.0.1", 8081)
    tls: TlsConfig | None = None
    onprem_networks: tuple[Network, ...] = ()
    environment: str = "production"
    workers: int = 2
    """Inspection processes. Each holds its own models (about 300 MB); with one, a long text would block short ones."""
    limits: Limits = Limits()
    recognizers: tuple[RecognizerConfig, ...] = ()
    collateral: Path | None = None
    """The store of what vendors publish; None: revocation by AMD is unknown, and Intel's quotes are refused."""
