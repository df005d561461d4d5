"""App key to app, in constant time. No decision beyond that."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from proxy.errors import Unauthorized
from proxy.settings import AppConfig

PREFIX = "sg-"


def new_key() -> str:
    """A fresh app key: ``sg-`` and 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """What is stored of a key: its SHA-256 (keys carry 256 random bits, so no stretching is needed)."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def presented(headers: Mapping[str, str], in_url: str = "") -> str | None:
    """The key an app presents: ``Authorization: Bearer`` as OpenAI's SDKs send it, ``x-api-key`` as Anthropic's
    and ``x-goog-api-key`` as Google's do; else ``in_url``, where the API has its keys there."""
    value = headers.get("Authorization", "")
    scheme, _, key = value.partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    found = (headers.get(name, "").strip() for name in ("x-api-key", "x-goog-api-key"))
    return next((key for key in found if key), None) or in_url.strip() or None


def authenticate(apps: Sequence[AppConfig], headers: Mapping[str, str], in_url: str = "") -> AppConfig:
    """The app that owns the presented key. Every app is compared, so timing tells nothing. Raises Unauthorized."""
    key = presented(headers, in_url)
    if key is None:
        raise Unauthorized(
            "No app key: send it as 'Authorization: Bearer <app key>', not in the URL.", code="missing_api_key"
        )
    want = digest(key)
    found: AppConfig | None = None
    for app in apps:
        if hmac.compare_digest(app.key_sha256, want):
            found = app
    if found is None:
        raise Unauthorized("This app key is not known to the gate; `sealgate apps add NAME` makes one.")
    return found
