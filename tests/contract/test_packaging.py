"""The wheel holds the four packages and nothing else, their names belong to us, and a replaced file is found.

The plain names clash with other distributions, which pip overwrites without a word (ADR 0001): these are its guards.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("proxy", "policies", "redaction", "attestation")


def tracked() -> set[str]:
    """Files of the four folders as git knows them, staged ones included; new files of a work in progress are not."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs a git checkout: the wheel is compared with the tracked files")
    listed = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline from a copy of the tracked files, so that nobody's scratch file gets in."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed here; it is in the [dev] extra")
    tree = tmp_path_factory.mktemp("source")
    for name in {*tracked(), "pyproject.toml", "README.md", "CHANGELOG.md"}:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    for stray in ("tests/test_x.py", "deploy/x", "docs/x.md", "benchmarks/x.py", "var/models/x"):
        (tree / stray).parent.mkdir(parents=True, exist_ok=True)
        (tree / stray).write_text("")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tree / "dist")]
    done = subprocess.run(build, cwd=tree, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = (tree / "dist").glob("*.whl")
    return made


def unpacked(wheel: Path, at: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(at)
    return at


def foreign_files(site: Path) -> list[str]:
    """What the self-check of an installed copy says."""
    code = "from proxy.selfcheck import foreign_files; import proxy; print(proxy.__file__); print(*foreign_files())"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", code], cwd=site, env=env, capture_output=True, text=True, check=True
    )
    where, said = done.stdout.splitlines()
    assert Path(where).is_relative_to(site), "the copy under test was not the one that ran"
    return said.split()


def owners(*site: Path) -> dict[str, set[str]]:
    """Which distributions claim our names, here or in ``site``. An editable install claims nothing."""
    found: dict[str, set[str]] = {name: set() for name in PACKAGES}
    for dist in metadata.distributions(path=[str(p) for p in site]) if site else metadata.distributions():
        for row in (dist.read_text("RECORD") or "").splitlines():
            if (top := row.split("/", 1)[0]) in found:
                found[top].add(dist.metadata["Name"])
    return found


def test_the_four_names_belong_to_this_distribution_only() -> None:
    metadata.distribution("sealgate")
    assert all(names <= {"sealgate"} for names in owners().values())
    for name in PACKAGES:
        assert set(metadata.packages_distributions().get(name, ())) <= {"sealgate"}
        (where,) = importlib.import_module(name).__path__
        assert Path(where) == ROOT / name, "tests must run on this checkout"


def test_another_owner_of_a_name_is_seen(wheel: Path, tmp_path: Path) -> None:
    site = unpacked(wheel, tmp_path)
    assert owners(site) == {name: {"sealgate"} for name in PACKAGES}
    other = site / "proxy_py-2.4.10.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: proxy.py\nVersion: 2.4.10\n")
    (other / "RECORD").write_text("proxy/__init__.py,,\n")
    assert owners(site)["proxy"] == {"sealgate", "proxy.py"}


def test_the_command_is_the_only_way_to_start() -> None:
    (script,) = [e for e in metadata.distribution("sealgate").entry_points if e.group == "console_scripts"]
    assert (script.name, script.value) == ("sealgate", "proxy.cli:main")


def test_the_wheel_holds_exactly_the_tracked_files_of_the_four_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
    assert names == tracked()
    assert {Path(n).suffix for n in names} >= {".py", ".yaml", ".pem", ".json", ".jsonl"}


def test_an_untouched_wheel_passes_the_self_check(wheel: Path, tmp_path: Path) -> None:
    assert foreign_files(unpacked(wheel, tmp_path)) == []


def test_the_self_check_finds_replaced_and_missing_files(wheel: Path, tmp_path: Path) -> None:
    site = unpacked(wheel, tmp_path)
    (site / "proxy" / "flow.py").write_text("# another distribution's file\n")
    (site / "policies" / "default.yaml").unlink()
    with (site / "attestation" / "roots" / "amd_milan_ark.pem").open("a") as root:
        root.write("\n")
    wrong = ["attestation/roots/amd_milan_ark.pem", "policies/default.yaml", "proxy/flow.py"]
    assert sorted(foreign_files(site)) == wrong
