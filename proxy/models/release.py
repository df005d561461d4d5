"""Bundles of this project's own models: weights, word lists, cards and figures in one file that anybody can check.

A bundle is an uncompressed tar: ``manifest.json``, then ``manifest.sig`` if it is signed, then every file that the
manifest lists, by name. No clock, user or order of a folder shows in it: the same files make the same bytes. The
manifest has the SHA-256 and the size of every file; the signature is Ed25519 over the manifest.

Reading fails closed. Nothing is written before everything was read and checked; a name that the manifest lacks, a link,
a folder, a path that could leave, a byte missing or one too many: all are refused. No texts or addresses here.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from proxy.errors import ConfigError

FORMAT = 1
MANIFEST, SIGNATURE, STATE = "manifest.json", "manifest.sig", "installed.json"
LARGEST = 256 << 20
"""Bytes of all files of a bundle together."""
_DOMAIN = b"sealgate-models-1\0"
_NAME = re.compile(r"[a-z0-9_]+(?:/[A-Za-z0-9_]+)*\.[a-z0-9]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Release:
    """A bundle whose every byte was checked against its manifest."""

    serial: int
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    raw: bytes
    """The manifest as it was signed."""
    signer: str
    """SHA-256 of the public key that signed it and was asked for; empty when none was."""


def pack(files: Mapping[str, bytes], about: Mapping[str, Any], serial: int, key: Ed25519PrivateKey | None) -> bytes:
    """The bundle. The same arguments give the same bytes. Raises ConfigError for names a bundle may not have."""
    listed = {name: {"sha256": _digest(data), "size": len(data)} for name, data in sorted(files.items())}
    manifest = {"format": FORMAT, "serial": serial, "about": dict(about), "files": listed}
    raw = (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    _checked(raw)
    return _archive(raw, key.sign(_DOMAIN + raw) if key else None, files)


def _archive(raw: bytes, signature: bytes | None, files: Mapping[str, bytes]) -> bytes:
    head = {MANIFEST: raw} | ({SIGNATURE: signature} if signature is not None else {})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in (*head.items(), *sorted(files.items())):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def read(path: Path, key: Ed25519PublicKey | None) -> Release:
    """Checks everything. With ``key`` an unsigned bundle is refused. Raises ConfigError with one line."""
    entries = _entries(path)
    raw, signature = entries.pop(MANIFEST, b""), entries.pop(SIGNATURE, None)
    if key is not None:
        _verify(key, signature, raw)
    manifest = _checked(raw)
    listed = manifest["files"]
    if set(entries) != set(listed):
        raise ConfigError(f"models: {path.name} does not hold exactly the files of its manifest; nothing was installed")
    for name, data in entries.items():
        if len(data) != listed[name]["size"] or _digest(data) != listed[name]["sha256"]:
            raise ConfigError(f"models: {name} in {path.name} was changed; nothing was installed")
    if not _same(path, _archive(raw, signature, entries)):
        raise ConfigError(f"models: {path.name} holds more than its files; nothing was installed")
    return Release(manifest["serial"], manifest, entries, raw, fingerprint(key) if key else "")


def private_key(path: Path) -> Ed25519PrivateKey:
    """An unencrypted PEM file. Raises ConfigError; the message holds nothing of the file."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"models: {path} holds no Ed25519 private key (PEM, without a passphrase)")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """A PEM file. Raises ConfigError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"models: {path} holds no Ed25519 public key (PEM)")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    return _digest(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _verify(key: Ed25519PublicKey, signature: bytes | None, raw: bytes) -> None:
    if signature is None:
        raise ConfigError("models: the bundle is not signed; nothing was installed")
    try:
        key.verify(signature, _DOMAIN + raw)
    except InvalidSignature:
        raise ConfigError("models: the bundle is not signed by this key; nothing was installed") from None


def _entries(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        if path.stat().st_size > LARGEST + (1 << 20):
            raise ConfigError(f"models: {path.name} is larger than {LARGEST >> 20} MB")
        with tarfile.open(path, mode="r:") as archive:
            for name, data in _members(archive):
                if name in found:
                    raise ConfigError(f"models: {path.name} holds a file twice; nothing was installed")
                found[name] = data
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError):
        raise ConfigError(f"models: {path.name} is no whole bundle; nothing was installed") from None
    return found


def _same(path: Path, made: bytes) -> bool:
    try:
        return path.read_bytes() == made
    except OSError:
        return False


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for entry in archive:
        if entry.type != tarfile.REGTYPE or not _NAME.fullmatch(entry.name):  # no sparse ones, which grow
            raise ConfigError("models: the bundle holds something that is no file of a model; nothing was installed")
        stream = archive.extractfile(entry)
        data = stream.read(entry.size) if stream is not None else b""
        if len(data) != entry.size:
            raise tarfile.ReadError("truncated")
        yield entry.name, data


def _checked(raw: bytes) -> Mapping[str, Any]:
    """The manifest, if it is one of this format. Raises ConfigError."""
    manifest: Any = None
    try:
        manifest = json.loads(raw)
        files = manifest["files"]
        right = (
            manifest["format"] == FORMAT
            and type(manifest["serial"]) is int
            and manifest["serial"] > 0
            and isinstance(manifest["about"], dict)
            and bool(files)
            and all(_NAME.fullmatch(name) and name not in {MANIFEST, SIGNATURE, STATE} for name in files)
            and all(type(f["size"]) is int and _DIGEST.fullmatch(f["sha256"]) for f in files.values())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        right = False
    if not right:
        raise ConfigError("models: the bundle has no manifest of this format; nothing was installed")
    return manifest  # type: ignore[no-any-return]  # checked above


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
