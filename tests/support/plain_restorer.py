"""A tiny reference restorer: exact stand-ins, no word boundaries, holds back the longest possible prefix."""

from __future__ import annotations

import json
from collections.abc import Mapping


class PlainRestorer:
    """Restores exact stand-ins; with ``escape`` the values are written as they stand inside a JSON string."""

    def __init__(self, mapping: Mapping[str, str], *, escape: bool) -> None:
        self._mapping = {k: json.dumps(v, ensure_ascii=False)[1:-1] if escape else v for k, v in mapping.items()}
        self._held = ""

    def feed(self, chunk: str) -> str:
        text, out = self._held + chunk, ""
        while text:
            found = next((k for k in self._mapping if text.startswith(k)), None)
            if found is not None:
                out += self._mapping[found]
                text = text[len(found) :]
            elif any(k.startswith(text) for k in self._mapping):
                break
            else:
                out, text = out + text[0], text[1:]
        self._held = text
        return out

    def close(self) -> str:
        held, self._held = self._held, ""
        return held


class Plain:
    """A RestorerFactory over ``mapping``; notes the places it was asked for and the state it was told of."""

    def __init__(self, mapping: Mapping[str, str], places: list[str] | None = None) -> None:
        self._mapping = mapping
        self.places: list[str] = [] if places is None else places
        self.made: list[tuple[str, str]] = []

    def __call__(self, place: str) -> PlainRestorer:
        self.places.append(place)
        return PlainRestorer(
            {} if place in {"other", "logprobs"} else self._mapping, escape=place.startswith("tool_args:")
        )

    def created(self, kind: str, id: str) -> None:
        self.made.append((kind, id))


factory = Plain
