"""The store: what it calls a problem, and that it cannot fetch."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from model_support import models_or_skip

from proxy.errors import ConfigError
from proxy.models import store
from proxy.models.catalog import BUNDLES, SMOLLM2


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake spacy-en bundle with correct hashes."""
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    bundle = next(item for item in BUNDLES if item.name == "spacy-en")
    folder = tmp_path / "models" / bundle.name
    for name in bundle.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    files = {name: store.file_sha256(folder / name) for name in bundle.files}
    (folder / "manifest.json").write_text(json.dumps({"recipe": store.recipe_digest(bundle), "files": files}))
    return folder


def test_an_untouched_bundle_is_given_out(installed: Path) -> None:
    assert store.require(installed.parents[1], "spacy-en") == installed


def test_a_changed_file_is_a_problem(installed: Path) -> None:
    (installed / "ner/model").write_text("x")
    with pytest.raises(ConfigError, match=r"ner/model was changed; run `sealgate models install`"):
        store.require(installed.parents[1], "spacy-en")


def test_an_added_file_is_a_problem(installed: Path) -> None:
    (installed / "evil.py").write_text("x")
    with pytest.raises(ConfigError, match="does not belong"):
        store.require(installed.parents[1], "spacy-en")


def test_a_link_is_a_problem(installed: Path) -> None:
    copy = installed.parents[1] / "copy"
    (installed / "LICENSE").rename(copy)
    (installed / "LICENSE").symlink_to(copy)
    with pytest.raises(ConfigError, match="is a link"):
        store.require(installed.parents[1], "spacy-en")


def test_a_missing_file_is_a_problem(installed: Path) -> None:
    (installed / "config.cfg").unlink()
    with pytest.raises(ConfigError, match=r"config\.cfg is missing"):
        store.require(installed.parents[1], "spacy-en")


def test_a_manifest_of_another_release_is_a_problem(installed: Path) -> None:
    manifest = json.loads((installed / "manifest.json").read_text())
    (installed / "manifest.json").write_text(json.dumps({**manifest, "recipe": "other"}))
    with pytest.raises(ConfigError, match="another release"):
        store.require(installed.parents[1], "spacy-en")


def test_a_rewritten_manifest_does_not_beat_the_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    folder = tmp_path / "models" / "smollm2"
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"evil")
    files = {"model.gguf": store.file_sha256(folder / "model.gguf")}
    (folder / "manifest.json").write_text(json.dumps({"recipe": store.recipe_digest(SMOLLM2), "files": files}))
    with pytest.raises(ConfigError, match="not the pinned file"):
        store.require(tmp_path, "smollm2")


def test_nothing_installed_is_one_problem_per_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    assert store.verify(tmp_path) == [f"{bundle.name}: not installed" for bundle in BUNDLES]
    assert store.digests(tmp_path) == {}


def test_an_unknown_bundle_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="known: rampart"):
        store.require(tmp_path, "gpt-9")


def test_the_real_models_are_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = models_or_skip(*(bundle.name for bundle in BUNDLES))
    monkeypatch.setenv("SEALGATE_MODELS", str(folder))
    assert store.verify(Path("unused")) == []
    assert set(store.digests(Path("unused"))) == {bundle.name for bundle in BUNDLES}


def test_the_store_has_no_code_that_fetches_or_runs() -> None:
    tree = ast.parse(Path(store.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"subprocess", "socket", "urllib.request", "aiohttp", "proxy.models.install"}


def test_every_wheel_is_pinned_and_every_bundle_names_licence_and_author() -> None:
    for bundle in BUNDLES:
        assert bundle.licence and bundle.attribution and bundle.purpose
        for wheel in bundle.wheels:
            assert len(wheel.sha256) == 64 and wheel.version and wheel.size > 0
