"""What people have approved, and what they have withdrawn: the files of the ``expectations`` folder, and their reload.

``NAME.yaml`` says what an enclave must be (:mod:`attestation.expectations`); ``denied.txt``, if there is one, lists
chips, measurements and keys that nobody may use any more, one in lower-case hex a line. At the start every problem is
an error. Later, a file that is gone or invalid approves nothing: whoever takes an approval away means it. An invalid
deny-list leaves the old one in force.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attestation.expectations import MAX_FILE_BYTES, BadExpectations, load_expectations, revision
from attestation.types import Expectations
from proxy.errors import ConfigError

log = logging.getLogger("sealgate")

DENIED = "denied.txt"
MAX_DENIED_BYTES = 1024 * 1024
_ENTRY = re.compile(r"(?:[0-9a-f]{2}){8,64}")
"""8 bytes (a chip of the newest kind) to 64."""
_Stamp = tuple[int, ...] | None
"""None: there is no such file. Whoever sets a file's date back does not set its change time."""
_UNREADABLE = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The files as they are: ``denied`` is None where the list is invalid."""

    stamps: Mapping[Path, _Stamp]
    expectations: Mapping[str, Expectations]
    denied: frozenset[str] | None
    problems: Mapping[str, str] = field(default_factory=dict)
    """File name -> what is wrong with it."""


class Approvals:
    """Expectations by name, and the deny-list. ``production`` refuses files that allow simulated evidence.

    Raises ConfigError for files that cannot be used, with every problem.
    """

    def __init__(self, folder: Path | None, names: Collection[str], *, production: bool) -> None:
        if names and folder is None:
            raise ConfigError("an enclave upstream needs `expectations:`, the folder of approved measurement files")
        self._folder = folder or Path()
        self._names = sorted(names)
        self._production = production
        self.expectations: Mapping[str, Expectations] = {}
        self.denied: frozenset[str] = frozenset()
        self.failing: frozenset[str] = frozenset()
        """Names of files that are invalid now."""
        found = self._read()
        if found.problems:
            raise ConfigError("\n".join(found.problems.values()))
        self._accept(found)

    def look(self) -> Found | None:
        """What the files say now; None where they have not changed. Changes nothing that is in force."""
        return None if self._stamps() == self._seen else self._read()

    def take(self, found: Found) -> None:
        """What :meth:`look` found comes in force."""
        self._accept(found)
        for text in found.problems.values():
            log.error("what cannot be read approves nothing:\n%s", text)

    def record(self) -> dict[str, object]:
        """For a control record: which revision of what is in force, and what is invalid."""
        digest = hashlib.sha256("\n".join(sorted(self.denied)).encode()).hexdigest()
        revisions = {name: revision(want).hex() for name, want in self.expectations.items()}
        return {"expectations": revisions, "invalid": sorted(self.failing), "denied": len(self.denied),
                "denied_sha256": digest}  # fmt: skip

    def _accept(self, found: Found) -> None:
        self._seen = found.stamps
        self.expectations = found.expectations
        if found.denied is not None:
            self.denied = found.denied
        self.failing = frozenset(found.problems)

    def _files(self) -> list[Path]:
        return [self._folder / f"{name}.yaml" for name in self._names] + [self._folder / DENIED] * bool(self._names)

    def _stamps(self) -> Mapping[Path, _Stamp]:
        return {path: _stamp(path) for path in self._files()}

    def _read(self) -> Found:
        stamps = self._stamps()  # before they are read: a change meanwhile is seen the next time
        expectations: dict[str, Expectations] = {}
        problems: dict[str, str] = {}
        for name in self._names:
            path = self._folder / f"{name}.yaml"
            try:
                expectations[name] = self._expected(path, name)
            except ConfigError as e:
                problems[path.name] = e.message
        denied: frozenset[str] | None = frozenset()
        if stamps.get(self._folder / DENIED) is not None:
            try:
                denied = _denied(self._folder / DENIED)
            except ConfigError as e:
                denied, problems[DENIED] = None, e.message
        return Found(stamps, expectations, denied, problems)

    def _expected(self, path: Path, name: str) -> Expectations:
        try:
            want = load_expectations(_text(path, MAX_FILE_BYTES), source=str(path))
        except BadExpectations as e:
            raise ConfigError("\n".join(e.problems)) from None
        if want.name != name:
            raise ConfigError(f"{path}: it says that its name is '{want.name}'")
        if want.allow_simulated and self._production:
            raise ConfigError(f"{path}: allow_simulated proves nothing and needs `environment: development`")
        return want


def _denied(path: Path) -> frozenset[str]:
    lines = [line.partition("#")[0].strip() for line in _text(path, MAX_DENIED_BYTES).splitlines()]
    for number, line in enumerate(lines, 1):
        if line and not _ENTRY.fullmatch(line):
            raise ConfigError(f"{path}:{number}: a chip, measurement or key is 8 to 64 bytes in lower-case hex")
    return frozenset(filter(None, lines))


def _text(path: Path, most: int) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise ConfigError(f"{path}: the file has more than {most} bytes")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot read the expectations ({type(e).__name__})") from None


def _stamp(path: Path) -> _Stamp:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return _UNREADABLE if path.is_symlink() else None
    except OSError:
        return _UNREADABLE
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size
