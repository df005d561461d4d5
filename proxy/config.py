"""``sealgate.yaml`` into :class:`proxy.settings.Settings`: strict, every problem with file and line, nothing guessed.

Paths are relative to the file. Secrets are references: ``${ENV}`` or ``file:PATH``; a literal app key or upstream key
in the file works too, but ``key_sha256`` is what ``sealgate apps add`` writes.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path

from attestation.providers import registry
from attestation.providers.privatemode import ASSERTED
from policies.types import Zone
from policies.yaml_strict import Path as YamlPath
from policies.yaml_strict import Reader, YamlProblems, parse
from proxy.auth import digest
from proxy.config_recognizers import read_recognizers
from proxy.dialects.provider_tools import HOST, REMOTE, TOOLS
from proxy.errors import ConfigError
from proxy.settings import (
    SPEAKS,
    AppConfig,
    AttestationConfig,
    Limits,
    ModelRoute,
    Network,
    Secret,
    Settings,
    TlsConfig,
    UpstreamConfig,
)
from proxy.upstreams.remote import asks_problem

TOP = frozenset(
    {
        "listen", "admin", "data", "policy", "apps", "onprem_networks", "upstreams", "expectations", "models", "tls",
        "keys", "environment", "workers", "limits", "recognizers", "collateral",
    }
)  # fmt: skip
LATER = frozenset({"oidc", "store", "cache", "quotas", "exports", "console"})
"""Keys that a later release fills; refused by name so that nobody believes in them."""
KINDS = frozenset(SPEAKS)
RECEIPTS = frozenset({"auto", "required", "recorded", "off"})
ZONES = {"onprem": Zone.ONPREM, "enclave": Zone.ENCLAVE, "cloud": Zone.CLOUD}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
_ENV = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load_settings(path: Path, env: Mapping[str, str] | None = None) -> Settings:
    """Reads a configuration file. Raises ConfigError with every problem, one ``file:line: message`` a line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot read the configuration ({type(e).__name__})") from None
    try:
        return _Config(text, path, os.environ if env is None else env).settings()
    except YamlProblems as e:
        raise ConfigError(str(e)) from None


def embedded(data: Path, app_key: str) -> Settings:
    """The defaults of ``serve`` without a file: the embedded model only, one app, everything on loopback."""
    return Settings(
        data=data,
        policy="builtin:default",
        apps=(AppConfig("default", "default", digest(app_key)),),
        upstreams={"local": UpstreamConfig("local", Zone.ONPREM, "llama", model="smollm2-135m")},
        models={
            "smollm2-135m": ModelRoute((("local", "smollm2-135m"),)),
            "*": ModelRoute((("local", "smollm2-135m"),), substitute=True),
        },
        onprem_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    )


class _Config:
    def __init__(self, text: str, path: Path, env: Mapping[str, str]) -> None:
        self.base = path.parent
        self.env = env
        self.r = Reader(parse(text, str(path)))

    def settings(self) -> Settings:
        r = self.r
        top = r.get(()) if isinstance(r.get(()), dict) else {}
        for key in sorted(LATER & set(top)):
            r.problem((key,), "not yet: this release has no such setting")
        r.mapping((), TOP | LATER, required=("apps", "upstreams", "models"))
        upstreams = self._upstreams()
        settings = Settings(
            data=self._path(("data",), "var"),
            policy=r.text(("policy",), "builtin:default"),
            apps=self._apps(),
            upstreams=upstreams,
            models=self._models(upstreams),
            expectations=self._path(("expectations",), "enclaves") if r.has(("expectations",)) else None,
            keys_file=self._keys(),
            listen=self._address(("listen",), "127.0.0.1:8080"),
            admin=self._address(("admin",), "127.0.0.1:8081"),
            tls=self._tls(),
            onprem_networks=self._networks(),
            environment=r.choice(("environment",), {"production", "development"}, "production"),
            workers=r.integer(("workers",), 2, 1, 64),
            limits=self._limits(),
            recognizers=read_recognizers(r, self.base),
            collateral=self._path(("collateral",), "collateral") if r.has(("collateral",)) else None,
        )
        r.done()
        return settings

    def _path(self, at: YamlPath, default: str) -> Path:
        return self.base / self.r.text(at, default)

    def _keys(self) -> Path | None:
        if not self.r.has(("keys",)):
            return None
        self.r.mapping(("keys",), {"file"}, required=("file",))
        value = self.r.text(("keys", "file"))
        credentials = self.env.get("CREDENTIALS_DIRECTORY", "")  # systemd's LoadCredential=
        return self.base / value.replace("${CREDENTIALS_DIRECTORY}", credentials)

    def _secret(self, at: YamlPath) -> str | None:
        """A secret by reference. Its value never enters a message."""
        value = self.r.text(at)
        match = _ENV.fullmatch(value)
        if match is not None:
            found = self.env.get(match[1])
            if not found:
                self.r.problem(at, f"the environment variable {match[1]} is not set")
            return found or None
        if value.startswith("file:"):
            try:
                return (self.base / value.removeprefix("file:")).read_text("utf-8").strip() or None
            except (OSError, UnicodeDecodeError):
                self.r.problem(at, "the file of this secret cannot be read")
                return None
        return value or None

    def _apps(self) -> tuple[AppConfig, ...]:
        items = self.r.get(("apps",))
        if not isinstance(items, list) or not items:
            self.r.problem(("apps",), "must be a list of at least one app")
            return ()
        apps = [self._app(("apps", i)) for i in range(len(items))]
        names = [a.name for a in apps if a is not None]
        for name in {n for n in names if names.count(n) > 1}:
            self.r.problem(("apps",), f"two apps are named '{name}'")
        return tuple(a for a in apps if a is not None)

    def _app(self, at: YamlPath) -> AppConfig | None:
        r = self.r
        entry = r.mapping(at, {"name", "tenant", "key", "key_sha256"}, required=("name", "tenant"))
        name, tenant = self._name((*at, "name")), self._name((*at, "tenant"))
        if ("key" in entry) == ("key_sha256" in entry):
            r.problem(at, "give either 'key' or 'key_sha256'")
            return None
        if "key" in entry:
            key = self._secret((*at, "key"))
            if key is not None and len(key) < 16:
                r.problem((*at, "key"), "an app key has at least 16 characters; `sealgate apps add NAME` makes one")
            return AppConfig(name, tenant, digest(key)) if key else None
        value = r.text((*at, "key_sha256"))
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            r.problem((*at, "key_sha256"), "must be 64 lower-case hex digits")
            return None
        return AppConfig(name, tenant, bytes.fromhex(value))

    def _name(self, at: YamlPath) -> str:
        value = self.r.text(at)
        if value and not NAME.fullmatch(value):
            self.r.problem(at, "a name has 1 to 64 letters, digits, '_', '.' or '-'")
        return value

    def _upstreams(self) -> dict[str, UpstreamConfig]:
        names = self.r.mapping(("upstreams",), None)
        return {name: self._upstream(name) for name in names}

    def _upstream(self, name: str) -> UpstreamConfig:
        r, at = self.r, ("upstreams", name)
        if not NAME.fullmatch(name):
            r.problem(at, "a name has 1 to 64 letters, digits, '_', '.' or '-'")
        allowed = {"zone", "kind", "url", "key", "labels", "attestation", "model", "tools"}
        entry = r.mapping(at, allowed, required=("zone", "kind"))
        zone = ZONES[r.choice((*at, "zone"), ZONES, "cloud")]
        kind = r.choice((*at, "kind"), KINDS, "openai")
        if kind == "llama" and (zone is not Zone.ONPREM or "model" not in entry or "url" in entry):
            r.problem(at, "kind 'llama' is the embedded model: zone onprem, with 'model' and without 'url'")
        if kind != "llama" and "url" not in entry:
            r.problem(at, "'url' is missing")
        if (zone is Zone.ENCLAVE) != ("attestation" in entry):
            r.problem(at, "zone 'enclave' needs 'attestation', and only that zone has it")
        return UpstreamConfig(
            name, zone, kind,
            url=r.text((*at, "url")) or None,
            key=Secret(value) if "key" in entry and (value := self._secret((*at, "key"))) else None,
            labels=self._labels((*at, "labels"), zone) if "labels" in entry else {},
            attestation=self._attestation((*at, "attestation")) if "attestation" in entry else None,
            model=r.text((*at, "model")) or None,
            tools=self._tools((*at, "tools")) if "tools" in entry else {},
        )  # fmt: skip

    def _labels(self, at: YamlPath, zone: Zone) -> dict[str, str]:
        labels = {k: self.r.text((*at, k)) for k in self.r.mapping(at, None)}
        if ASSERTED in labels:
            self._name((*at, ASSERTED))  # it enters records
            if zone is Zone.ENCLAVE:
                self.r.problem((*at, ASSERTED), "zone 'enclave' is proven, not asserted: leave this label out")
        return labels

    def _tools(self, at: YamlPath) -> dict[str, Zone]:
        out = {}
        for name in self.r.mapping(at, None):
            kind, colon, host = name.partition(":")
            known = name in TOOLS or (colon and kind in REMOTE and (host == "*" or HOST.fullmatch(host)))
            if not known:
                self.r.problem((*at, name), f"must be one of {', '.join(sorted(TOOLS))}, mcp:HOST or fetch:HOST")
            out[name] = ZONES[self.r.choice((*at, name), ZONES, "cloud")]
        return out

    def _attestation(self, at: YamlPath) -> AttestationConfig:
        own = {"provider", "expectations", "max_age", "expose_key", "receipts", "keys", "prewarm"}
        entry = self.r.mapping(at, None, required=("provider", "expectations"))
        proof = AttestationConfig(
            self.r.text((*at, "provider")),
            self._name((*at, "expectations")),
            self.r.seconds((*at, "max_age"), 600.0),
            {name: value for name, value in entry.items() if name not in own},
            expose_key=self.r.boolean((*at, "expose_key"), default=False),
            receipts=self.r.choice((*at, "receipts"), RECEIPTS, "auto"),
            keys=self.r.integer((*at, "keys"), 8, 1, 64),
            prewarm=self.r.boolean((*at, "prewarm"), default=True),
        )
        if proof.provider:
            self._provider(at, proof)
        return proof

    def _provider(self, at: YamlPath, proof: AttestationConfig) -> None:
        try:
            asks = registry.make(proof.provider, proof.options).asks(bytes(32))
        except registry.UnknownKind as e:
            self.r.problem((*at, "provider"), str(e))
        except registry.BadOption as e:
            self.r.problem((*at, *e.place), str(e))
        else:
            if problem := asks_problem(asks):
                self.r.problem(at, problem)

    def _models(self, upstreams: Mapping[str, UpstreamConfig]) -> dict[str, ModelRoute]:
        out = {}
        for name in self.r.mapping(("models",), None):
            at = ("models", name)
            self.r.mapping(at, {"use", "substitute"}, required=("use",))
            if name != "*" and not MODEL.fullmatch(name):
                self.r.problem(at, "a model name has 1 to 128 letters, digits or any of _ . : / @ + -")
            pairs = []
            for use in self.r.texts((*at, "use")):
                upstream, slash, model = use.partition("/")
                if not slash or not model or upstream not in upstreams:
                    self.r.problem((*at, "use"), f"'{use}' must be UPSTREAM/MODEL with a configured upstream")
                elif model != "*" and not MODEL.fullmatch(model):
                    self.r.problem((*at, "use"), f"'{use}' does not name a model")
                else:
                    pairs.append((upstream, model))
            out[name] = ModelRoute(tuple(pairs), self.r.boolean((*at, "substitute"), default=False))
        return out

    def _address(self, at: YamlPath, default: str) -> tuple[str, int]:
        value = self.r.text(at, default)
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            self.r.problem(at, "must be HOST:PORT")
            return "127.0.0.1", 0
        return host.strip("[]"), int(port)

    def _tls(self) -> TlsConfig | None:
        if not self.r.has(("tls",)):
            return None
        self.r.mapping(("tls",), {"certificate", "key"}, required=("certificate", "key"))
        return TlsConfig(self._path(("tls", "certificate"), ""), self._path(("tls", "key"), ""))

    def _networks(self) -> tuple[Network, ...]:
        if not self.r.has(("onprem_networks",)):
            return (ipaddress.ip_network("127.0.0.0/8"),)
        out: list[Network] = []
        for text in self.r.texts(("onprem_networks",)):
            try:
                network = ipaddress.ip_network(text)
            except ValueError:
                self.r.problem(("onprem_networks",), f"'{text}' is not a network such as 10.20.0.0/16")
                continue
            if network.prefixlen == 0:
                self.r.problem(("onprem_networks",), f"'{text}' is everywhere, not on premise")
            out.append(network)
        return tuple(out)

    def _limits(self) -> Limits:
        if not self.r.has(("limits",)):
            return Limits()
        fields = Limits.__dataclass_fields__
        values: dict[str, float | int] = {}
        for name in self.r.mapping(("limits",), fields):
            if name not in fields:
                continue
            default = getattr(Limits(), name)
            at = ("limits", name)
            if isinstance(default, int):
                values[name] = self.r.integer(at, default, 1, 2**40)
            else:
                values[name] = self.r.number(at, default, 0.05, 86_400.0)
        return Limits(**values)  # type: ignore[arg-type]  # names and kinds come from the dataclass itself
