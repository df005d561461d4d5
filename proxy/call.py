"""An admitted request on its way in, and what would leave of it: pure values, made once each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import quote

from proxy.dialects.address import Address
from proxy.dialects.base import Parsed
from proxy.dialects.references import of_address
from proxy.outbound import Outbound
from proxy.ports import Candidate
from proxy.rewrite import Rewritten


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request: who asks (authenticated), for what, and the complete body.

    ``path`` is the upstream's, where ``{model}`` stands for its model. ``model`` and ``stream`` are set where the path
    says them instead of the body. ``address`` is the app's own path and query, where the dialect does not know them;
    ``upstream`` is set where the app names it (``/u/NAME/…``).
    """

    request_id: str
    app: str
    tenant: str
    path: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    conversation: str | None = field(default=None, repr=False)
    method: str = "POST"
    route: str = ""
    """What records say instead of ``path``, where that names something (``/files/:id``)."""
    query: str = field(default="", repr=False)
    model: str | None = field(default=None, repr=False)
    stream: bool | None = None
    address: Address | None = None
    upstream: str | None = None

    def complete(self, parsed: Parsed) -> Parsed:
        """``parsed`` with what the path says, and with the address as segments. Raises BadRequest."""
        if self.model is not None:
            parsed = replace(parsed, model=self.model)
        if self.stream is not None:
            parsed = replace(parsed, stream=self.stream)
        if self.address is not None:
            outer = self.address.segments()
            named = (*parsed.references, *of_address(self.method, outer))
            parsed = replace(parsed, segments=(*parsed.segments, *outer), references=named)
        return parsed


def outbound(call: Call, at: Candidate, ready: Rewritten, *, stream: bool) -> Outbound:
    """The request for one candidate."""
    path = call.path.replace("{model}", quote(at.model, safe="-._~:"))
    query = call.query
    if ready.address is not None:
        path, query = ready.address.path, ready.address.query
    return Outbound(at.upstream, call.method, path, query=query, body=ready.body, stream=stream, headers=call.headers)
