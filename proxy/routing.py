"""Which upstreams may be tried for a request, best first (architecture §3 step 5).

Pure selection over configured names: it never contacts an upstream, and every filter only removes candidates, so
nothing here can offer a zone above the decision's ceiling.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from attestation.providers.privatemode import ASSERTED
from policies.types import Decision, Requirements, Zone
from proxy.errors import ConfigError, NotFound
from proxy.health import Breaker
from proxy.ports import Candidate
from proxy.settings import SPEAKS, WITHOUT_MODEL, ModelRoute, UpstreamConfig

Reaches = Collection[str]
NOTHING: Reaches = frozenset()
CHAT = "openai.chat"
HTTP = "http"
"""The kind of upstream that any path may be sent to, by its name."""
ANY = "*"
"""As a public name: every model that has no entry of its own. As an upstream's model: the name the app asked for."""


class ModelRouter:
    """Implements :class:`proxy.ports.Router` over the ``models`` and ``upstreams`` of ``sealgate.yaml``."""

    def __init__(
        self, models: Mapping[str, ModelRoute], upstreams: Mapping[str, UpstreamConfig], breaker: Breaker
    ) -> None:
        for name, route in models.items():
            for upstream, _ in route.use:
                if upstream not in upstreams:
                    raise ConfigError(f"models.{name}: there is no upstream named {upstream!r}")
        self._models = models
        self._upstreams = upstreams
        self._breaker = breaker

    def names(self, dialect: str = "") -> list[str]:
        """The configured public names, without ``*``; those that are served in ``dialect`` only, where it is given."""
        return [n for n in self._models if n != ANY and (not dialect or self.known(n, dialect) is not None)]

    def known(self, model: str, dialect: str = CHAT, only: str | None = None) -> str | None:
        """The configured mapping key that serves ``model`` in this dialect, or None. With ``only``: ``u/NAME`` where an
        upstream of kind ``http`` has that name."""
        if only is not None:
            config = self._upstreams.get(only)
            return f"u/{only}" if config is not None and config.kind == HTTP else None
        if dialect in WITHOUT_MODEL and not model:
            return dialect if any(dialect in SPEAKS[u.kind] for u in self._upstreams.values()) else None
        key = model if model in self._models else ANY
        if key not in self._models:
            return None
        speaks = any(dialect in SPEAKS[self._upstreams[name].kind] for name, _ in self._models[key].use)
        return key if speaks else None

    def candidates(
        self, model: str, decision: Decision, dialect: str = CHAT, only: str | None = None, reaches: Reaches = NOTHING
    ) -> Sequence[Candidate]:
        """Within the ceiling, with labels that hold and a breaker that lets it pass, best first. Raises NotFound."""
        offered = [
            c for c in self._matching(model, decision, dialect, only, reaches) if self._breaker.allows(c.upstream)
        ]
        for upstream in {c.upstream for c in offered}:
            self._breaker.probe(upstream)
        return offered

    def configured(
        self, model: str, decision: Decision, dialect: str = CHAT, only: str | None = None, reaches: Reaches = NOTHING
    ) -> bool:
        """Whether any candidate would do if everything were healthy; if not, policy refuses rather than health."""
        return any(True for _ in self._matching(model, decision, dialect, only, reaches))

    def reachable(self, model: str, dialect: str, only: str | None, reaches: Reaches) -> bool:
        """Whether any candidate, whatever its zone, may use all of ``reaches``."""
        key = self.known(model, dialect, only)
        route = self._models.get(key or "")
        uses = [only] if only is not None else [name for name, _ in route.use] if route is not None else []
        return any(self._upstreams[name].reach(reaches) is not None for name in uses)

    def report(self, upstream: str, ok: bool) -> None:
        """Feeds the breaker."""
        self._breaker.report(upstream, ok)

    def _matching(
        self, model: str, decision: Decision, dialect: str, only: str | None, reaches: Reaches
    ) -> Iterator[Candidate]:
        key = self.known(model, dialect, only)
        if key is None:
            raise NotFound(f"No such model here. Configured: {', '.join(self.names())}.", code="model_not_found")
        if dialect in WITHOUT_MODEL and not model:
            yield from self._holders(decision, dialect)
            return
        route = ModelRoute(((only, ANY),)) if only is not None else self._models[key]
        for upstream, named in route.use:
            config = self._upstreams[upstream]
            real = model if named == ANY else named
            zone = config.reach(reaches)
            if zone is None or not Zone.BLOCKED < zone <= decision.ceiling or dialect not in SPEAKS[config.kind]:
                continue
            if real != model and not route.substitute:
                continue
            wanted = (decision.requirements.get(z, Requirements()) for z in {config.zone, zone})
            if all(labels_hold(config.labels, want) for want in wanted):
                yield Candidate(upstream, real, zone, route.substitute, config.labels.get(ASSERTED))

    def _holders(self, decision: Decision, dialect: str) -> Iterator[Candidate]:
        """Upstreams that hold state of a dialect whose requests name no model, in the order of the configuration."""
        for name, config in self._upstreams.items():
            if not Zone.BLOCKED < config.zone <= decision.ceiling or dialect not in SPEAKS[config.kind]:
                continue
            if labels_hold(config.labels, decision.requirements.get(config.zone, Requirements())):
                yield Candidate(name, "-", config.zone, False, config.labels.get(ASSERTED))


def labels_hold(labels: Mapping[str, str], want: Requirements) -> bool:
    """Whether an upstream's labels hold every pair that the decision's rules add up to.

    Two rules that demand different values of one key cannot both hold; neither can a key without any value.
    """
    return all(values == {labels.get(key)} for key, values in want.labels.items())
