"""Tools of a Responses request: definitions, choices, and formats of structured answers.

Functions, custom tools and shells in the app's own place are called by the app. Everything else the provider uses on
its own: it is named in ``walk.reaches``, and every text of it is walked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.dialects import provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.openai_tools import TOOL_NAME, as_list, as_object, as_text
from proxy.dialects.walk import Walk

Reader = Callable[[str, Any], None]

CLIENT = frozenset({"function", "custom", "local_shell", "apply_patch"})
PROVIDER = frozenset(
    {"web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "file_search",
     "code_interpreter", "image_generation", "mcp", "computer", "computer_use", "computer_use_preview", "shell",
     "tool_search", "programmatic_tool_calling"}
)  # fmt: skip
KINDS = CLIENT | PROVIDER | {"namespace", "allowed_tools"}
MODES = frozenset({"none", "auto", "required"})
CALLERS = frozenset({"direct", "programmatic"})
FORMATS = frozenset({"text", "json_object", "json_schema", "grammar"})
GRAMMARS = frozenset({"lark", "regex"})
HELD = {
    "vector_store_ids": "vector_store", "file_ids": "file", "file_id": "file", "container_id": "container",
    "skill_id": "skill",
}  # fmt: skip
"""Members of a provider's tool that name state it holds, and its kind."""
MEMBERS = (
    "filters", "max_num_results", "ranking_options", "ranker", "score_threshold", "search_context_size",
    "user_location", "city", "country", "region", "timezone", "allowed_domains", "external_web_access", "environment",
    "display_height", "display_width", "server_label", "server_url", "server_description", "authorization",
    "require_approval", "always", "never", "read_only", "tool_names", "allowed_tools", "name", "description",
    "network_policy", "memory_limit", "skills", "version", "source", "media_type", "action", "background",
    "input_fidelity", "input_image_mask", "image_url", "model", "moderation", "output_compression", "output_format",
    "partial_images", "quality", "size", "key", "value", "hybrid_search", "embedding_weight", "text_weight",
    "execution", "defer_loading", "complexity", "frame_count", "frame_duration_ms", "svg", "reasoning", "effort",
    "connector_id", "tunnel_id",
)  # fmt: skip
"""Other members of a provider's tool; what they hold is walked."""


class ResponseTools:
    """Reads everything about tools into ``walk``."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def definitions(self, at: str, node: Any) -> None:
        for i, raw in enumerate(as_list(at, node)):
            self._tool(self._walk.at(at, str(i)), as_object(f"{at}/{i}", raw))

    def _tool(self, at: str, tool: dict[str, Any]) -> None:
        kind = as_text(f"{at}/type", tool.get("type"))
        if kind not in CLIENT and kind != "namespace" and not _at_home(kind, tool):
            self._walk.reaches.add(_reach(kind, tool))
        if kind not in {"function", "custom", "namespace"}:
            self._walk.tools.add(kind if kind in KINDS else "unknown")
            self._provided(at, tool)
            return
        self._walk.fields(
            at, "system", tool,
            {"type": self._words(KINDS), "name": self._defined if kind != "namespace" else None, "description": None,
             "parameters": self._schema, "output_schema": self._schema, "strict": None, "async": None,
             "defer_loading": None, "allowed_callers": self._callers, "format": self.form,
             **({"tools": self.definitions} if kind == "namespace" else {})},
        )  # fmt: skip

    def _provided(self, at: str, node: Any) -> None:
        """A tool of a provider: its references are noted, every text is walked."""
        if isinstance(node, dict):
            known: dict[str, Reader | None] = dict.fromkeys(MEMBERS, self._provided)
            known |= {name: self._held(kind) for name, kind in HELD.items()}
            known |= {"type": self._words(KINDS), "container": self._container, "parameters": self._schema}
            known |= {"allowed_callers": self._callers, "image_url": self._fetched}
            self._walk.fields(at, "system", node, known)
        elif isinstance(node, list):
            for i, inner in enumerate(node):
                self._provided(self._walk.at(at, str(i)), inner)
        elif isinstance(node, str):
            self._walk.text(at, "system", node)
        else:
            self._walk.setting(at, "system", node)

    def _fetched(self, at: str, node: Any) -> None:
        self._walk.free(at, "system", node)
        if isinstance(node, str) and provider_tools.is_url(node):
            self._walk.reaches.add(provider_tools.remote("fetch", node))

    def _container(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            self._held("container")(at, node)
        else:
            self._provided(at, node)

    def _held(self, kind: str) -> Reader:
        def read(at: str, node: Any) -> None:
            self._walk.free(at, "system", node)
            named = node if isinstance(node, list) else [node]
            self._walk.references += [Reference(kind, n) for n in named if isinstance(n, str)]

        return read

    def _defined(self, at: str, node: Any) -> None:
        name = as_text(at, node)
        self._walk.tools.add(name if TOOL_NAME.fullmatch(name) else "unknown")
        self._walk.text(at, "system", name)

    def _schema(self, at: str, node: Any) -> None:
        self._walk.schema(at, "system", node)

    def _callers(self, at: str, node: Any) -> None:
        for i, word in enumerate(node if isinstance(node, list) else ()):
            self._walk.enum(self._walk.at(at, str(i)), "system", word, CALLERS)
        if not isinstance(node, list):
            self._walk.free(at, "system", node)

    def _words(self, allowed: frozenset[str]) -> Reader:
        return lambda at, node: self._walk.enum(at, "system", node, allowed)

    def choice(self, at: str, node: Any) -> None:
        """A word, or which tools."""
        if isinstance(node, str):
            self._walk.enum(at, "system", node, MODES)
            return
        known: dict[str, Reader | None] = {
            "type": self._words(KINDS), "mode": self._words(MODES), "name": None, "server_label": None,
            "tools": self._choices,
        }  # fmt: skip
        self._walk.fields(at, "system", as_object(at, node), known)

    def _choices(self, at: str, node: Any) -> None:
        for i, tool in enumerate(as_list(at, node)):
            self.choice(self._walk.at(at, str(i)), tool)

    def form(self, at: str, node: Any) -> None:
        """A format: of a custom tool's input, or of the answer."""
        if node is None:
            return
        known: dict[str, Reader | None] = {
            "type": self._words(FORMATS), "name": None, "description": None, "strict": None, "definition": None,
            "syntax": self._words(GRAMMARS), "schema": self._schema,
        }  # fmt: skip
        self._walk.fields(at, "system", as_object(at, node), known)


def _reach(kind: str, tool: dict[str, Any]) -> str:
    """What the provider uses: of a remote server its host, where it is said."""
    return provider_tools.remote("mcp", tool.get("server_url")) if kind == "mcp" else provider_tools.tool(kind)


def _at_home(kind: str, tool: dict[str, Any]) -> bool:
    """A shell of the app's own, or a search that the app does."""
    environment = tool.get("environment")
    if kind == "shell":
        return isinstance(environment, dict) and environment.get("type") == "local"
    return kind == "tool_search" and tool.get("execution") == "client"
