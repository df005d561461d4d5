"""The policy in force, and its hot reload: an invalid file never replaces a valid policy.

``builtin:default`` names the policy that ships with the product; anything else is a path.
"""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path

from policies.load import load
from policies.schema import Policy
from policies.yaml_strict import YamlProblems
from proxy.errors import ConfigError

log = logging.getLogger("sealgate")

BUILTIN = "builtin:"


def locate(name: str, base: Path) -> Path:
    """The file behind a policy setting. Raises ConfigError for an unknown built-in."""
    if not name.startswith(BUILTIN):
        return base / name
    short = name.removeprefix(BUILTIN)
    path = Path(str(resources.files("policies"))) / f"{short}.yaml"
    if not short.isidentifier() or not path.is_file():
        raise ConfigError(f"there is no built-in policy named '{short}'; 'builtin:default' is")
    return path


Stamps = tuple[tuple[Path, tuple[int, int] | None], ...]


class PolicyFile:
    """Holds the policy, and looks at its file and the lists of terms that it names again when asked to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Stamps = ()
        self.failing = False
        """Whether the file on disk is invalid while an older policy is in force."""
        self._policy = self._read()

    def current(self) -> Policy:
        return self._policy

    def _read(self) -> Policy:
        stamps = [(self._path, _stamp(self._path))]

        def listed(name: str) -> str:
            path = self._path.parent / name
            stamps.append((path, _stamp(path)))  # before it is read: a change meanwhile is seen the next time
            return path.read_text("utf-8")

        try:
            return load(self._path.read_text("utf-8"), str(self._path), listed)
        except YamlProblems as e:
            raise ConfigError(str(e)) from None
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError(f"{self._path}: cannot read the policy ({type(e).__name__})") from None
        finally:
            self._seen = tuple(stamps)

    def look(self) -> Policy | ConfigError | None:
        """What the files say now; None where they have not changed. Takes time (a list may be long), changes nothing
        that is in force."""
        if all(_stamp(path) == seen for path, seen in self._seen):
            return None
        try:
            return self._read()
        except ConfigError as e:
            return e

    def take(self, found: Policy | ConfigError | None) -> str | None:
        """What :meth:`look` found comes in force. None when nothing changed; else ``policy_reloaded`` or
        ``policy_invalid`` (the old one stays, loudly)."""
        if found is None:
            return None
        if isinstance(found, ConfigError):
            self.failing = True
            log.error(
                "the new policy is invalid; revision %s stays in force:\n%s", self._policy.revision, found.message
            )
            return "policy_invalid"
        self._policy = found
        self.failing = False
        log.warning("policy %s revision %s is in force", self._policy.name, self._policy.revision)
        return "policy_reloaded"

    def reload(self) -> str | None:
        """Both."""
        return self.take(self.look())


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
