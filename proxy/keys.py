"""Keys of the gate: one master secret in a file outside the data directory, one derived key per purpose and tenant.

The file holds 32 random bytes in hex. It must be readable by its owner only: ``load`` refuses anything else.
Whoever loses it loses the link between stand-ins and past conversations, never a record.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.errors import ConfigError

EPOCH = 1
"""Rotated by a later release; part of every derivation so that epochs never share a key."""
HELD = 4_096
"""Derived keys that are kept beside the master; a request needs some ten of them."""


class Keys:
    """Derives keys by HKDF-SHA256 (RFC 5869) from the master secret. The repr shows nothing."""

    __slots__ = ("_made", "_master")

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise ConfigError("the master key must be 32 bytes (64 hex digits)")
        self._master = master
        self._made: dict[tuple[str, str], bytes] = {}

    def purpose(self, name: str, tenant: str = "") -> bytes:
        """A 32-byte key for one purpose (``audit``, ``stand-in``, ``cache``, …) and tenant."""
        made = self._made.get((name, tenant))
        if made is None:
            parts = (name.encode(), tenant.encode(), str(EPOCH).encode())
            info = b"".join(len(p).to_bytes(4, "big") + p for p in (b"sealgate.keys.v1", *parts))
            made = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(self._master)
            if len(self._made) < HELD:
                self._made[name, tenant] = made
        return made

    def __repr__(self) -> str:
        return "Keys(***)"


def load(path: Path) -> Keys:
    """Reads the master key file. Raises ConfigError when it is missing, malformed or readable by others."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot read the key file ({type(e).__name__})") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: the key file is readable by others; run: chmod 600 {path}")
    try:
        return Keys(bytes.fromhex(text))
    except ValueError:
        raise ConfigError(f"{path}: the key file must hold 64 hex digits") from None


def load_or_create(path: Path) -> Keys:
    """As :func:`load`; a missing file is created with a new random key and mode 0600."""
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "w") as f:
                f.write(secrets.token_hex(32) + "\n")
        except FileExistsError:
            pass
        except OSError as e:
            raise ConfigError(f"{path}: cannot create the key file ({e.strerror}); set `keys: {{file: …}}`") from None
    return load(path)
