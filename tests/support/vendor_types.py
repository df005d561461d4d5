"""The vendors' own request types, taken at their word, for the stand-ins: what the SDK does not know is refused.

The types of the SDKs are made for annotations: as they are, a validator lets unknown members pass, reads lists of
messages only when somebody iterates over them, and turns "5" into 5. :func:`strict` closes all three.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

Check = Callable[[bytes], "Wrong | None"]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a vendor has against a request; the last of ``where`` is the member's name."""

    where: tuple[str, ...]
    why: str
    unknown: bool
    """It is a member that the vendor does not have."""

    def __str__(self) -> str:
        return f"{'.'.join(self.where)}: {self.why}"

    def openai(self) -> dict[str, Any]:
        """The body of OpenAI's 400."""
        said = f"Unrecognized request argument supplied: {self.where[-1]}" if self.unknown else f"Invalid value: {self}"
        code = "unknown_parameter" if self.unknown else "invalid_type"
        return {"error": {"message": said, "type": "invalid_request_error", "param": self.where[-1], "code": code}}

    def anthropic(self) -> dict[str, Any]:
        """The body of Anthropic's 400."""
        error = {"type": "invalid_request_error", "message": str(self)}
        return {"type": "error", "error": error, "request_id": "req_strict"}

    def google(self) -> dict[str, Any]:
        """The body of Google's 400."""
        name = f'Unknown name "{self.where[-1]}": Cannot find field.' if self.unknown else str(self)
        message = f"Invalid JSON payload received. {name}"
        return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def strict(params: Any) -> Check:
    """A check of raw JSON bodies against ``params``, a TypedDict of an SDK or a union of such."""

    @functools.cache
    def validator() -> SchemaValidator:  # the large ones take a third of a second: only where a test needs them
        return SchemaValidator(_closed(TypeAdapter(params).core_schema))

    def check(raw: bytes) -> Wrong | None:
        try:
            validator().validate_json(raw, strict=True)
        except ValidationError as e:
            return wrong(e)
        return None

    return check


def wrong(error: ValidationError) -> Wrong:
    """The first thing that is wrong, an unknown member before others. Of a union every variant complains."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    unknown = [e for e in found if e["type"] == "extra_forbidden"]
    first = (unknown or found)[0]
    return Wrong(tuple(map(str, first["loc"])) or ("",), first["msg"], bool(unknown))


def _closed(schema: Any) -> Any:
    """The same schema with every object closed and every lazy list read at once."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_closed, schema))
    if not isinstance(schema, dict):
        return schema
    made = {name: value if name == "metadata" else _closed(value) for name, value in schema.items()}
    if made.get("type") == "typed-dict" and "extras_schema" not in made:
        made["extra_behavior"] = "forbid"
    if made.get("type") == "generator":
        made["type"] = "list"
    return made
