"""``config show`` finds what would keep the gate from starting: files of approved enclaves as well."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from attestation.simulator.server import SimulatedEnclave
from proxy.cli import cli
from proxy.errors import ConfigError

APPROVED = SimulatedEnclave().expectations_yaml("clinic", dt.date(2099, 1, 1)).replace("allow_simulated: true\n", "")
CONFIG = """
apps: [{name: a, tenant: t, key_sha256: "%s"}]
upstreams:
  sealed:
    zone: enclave
    kind: openai
    url: https://inference.example/v1
    attestation: {provider: sealgate-snp, expectations: clinic, max_age: 5m}
models: {"*": {use: sealed/*}}
expectations: enclaves
""" % ("ab" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "enclaves").mkdir()
    (tmp_path / "enclaves" / "clinic.yaml").write_text(APPROVED)
    (tmp_path / "sealgate.yaml").write_text(CONFIG)
    return tmp_path


def show(folder: Path) -> dict[str, object]:
    done = CliRunner().invoke(cli, ["config", "show", "--json", "--config", str(folder / "sealgate.yaml")])
    if done.exception is not None:
        raise done.exception
    found: dict[str, object] = json.loads(done.output)
    return found


def test_it_says_how_an_enclave_proves_itself_and_who_approved(folder: Path) -> None:
    assert show(folder)["enclaves"] == {
        "sealed": {"provider": "sealgate-snp", "options": {}, "max_age_s": 300.0,
                   "keys": 8, "prewarm": True, "expectations": "clinic",
                   "approved_by": "demo", "approved_until": "2099-01-01", "any_image": False},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("enclaves/clinic.yaml", "", "clinic.yaml:1"),
        ("enclaves/clinic.yaml", APPROVED.replace("clinic", "bank"), "its name is 'bank'"),
        ("enclaves/clinic.yaml", APPROVED + "allow_simulated: true\n", "allow_simulated"),
        ("enclaves/denied.txt", "x", "denied.txt:1"),
        ("sealgate.yaml", CONFIG.replace("expectations: enclaves\n", ""), "needs `expectations:`"),
    ],
)
def test_what_cannot_be_used_is_an_error(folder: Path, file: str, text: str, word: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ConfigError, match=word):
        show(folder)
