"""The container and the unit are hardened, hold no secret, and call commands that exist. No container engine needed."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from proxy.cli import cli

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "sealgate.service"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
EXPOSURE = 20
"""``systemd-analyze security`` counts tenths of points; 100 is unconfined, under 20 is "OK"."""


def instructions() -> list[tuple[str, str]]:
    """(INSTRUCTION, arguments) with continuation lines joined and comments dropped."""
    lines = [line for line in DOCKERFILE.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(w.upper(), rest.strip()) for w, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def final_stage() -> list[tuple[str, str]]:
    every = instructions()
    last = max(i for i, (word, _) in enumerate(every) if word == "FROM")
    return every[last:]


def service() -> dict[str, list[str]]:
    """The keys of [Service]; systemd allows a key more than once."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in UNIT.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif "=" in line and not line.startswith("#") and section == "[Service]":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def check_command(words: list[str]) -> None:
    """``words`` after the executable are a command of ours with options it has."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    known = {o for p in command.params for o in p.opts}
    assert {w for w in words if w.startswith("-")} <= known


def test_the_image_runs_as_a_user_without_rights() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1]), "a number, so that an orchestrator can check it"
    after = [word for word, _ in final_stage()[[w for w, _ in final_stage()].index("USER") + 1 :]]
    assert not {"RUN", "COPY", "ADD", "USER"} & set(after)


def test_the_image_starts_isolated_from_its_working_directory() -> None:
    (entry,) = [rest for word, rest in final_stage() if word == "ENTRYPOINT"]
    (arguments,) = [rest for word, rest in final_stage() if word == "CMD"]
    assert entry.startswith("["), "the exec form: signals reach the gate"
    words = re.findall(r'"([^"]*)"', entry)
    assert words[:3] == ["/opt/sealgate/bin/python", "-I", "/opt/sealgate/bin/sealgate"]
    check_command(re.findall(r'"([^"]*)"', arguments))


def test_the_image_is_made_for_a_read_only_root() -> None:
    env = " ".join(rest for word, rest in final_stage() if word == "ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in env
    assert "SEALGATE_MODELS=/opt/sealgate/" in env
    assert [rest for word, rest in final_stage() if word == "VOLUME"] == ['["/var/lib/sealgate"]']


def test_the_base_of_the_image_is_pinned() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert all(re.fullmatch(r"[\w./-]+:(?!latest)[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?", b) for b in bases)
    assert len(set(bases)) == 1, "built on what it runs on"


def test_the_image_holds_no_secret_and_not_the_whole_checkout() -> None:
    copied = [rest.split()[:-1] for word, rest in instructions() if word in {"COPY", "ADD"}]
    sources = {s for words in copied for s in words if not s.startswith("--")}
    assert sources <= {
        "pyproject.toml", "README.md", "CHANGELOG.md", "proxy", "policies", "redaction", "attestation", "/opt/sealgate",
    }  # fmt: skip
    given = " ".join(rest for word, rest in instructions() if word in {"ENV", "ARG", "LABEL"})
    assert not re.search(r"(?i)(key|token|secret|passw)", given)
    assert not [word for word, _ in instructions() if word == "ADD"]


def test_the_image_has_no_compiler_and_builds_for_other_processors() -> None:
    installed = " ".join(rest for word, rest in final_stage() if word == "RUN")
    assert not re.search(r"\b(gcc|g\+\+|make|git)\b", installed)
    assert "-DGGML_NATIVE=OFF" in DOCKERFILE.read_text("utf-8")


def test_the_units_command_exists_and_is_isolated() -> None:
    (start,) = service()["ExecStart"]
    words = shlex.split(start)
    assert words[:3] == ["/opt/sealgate/bin/python", "-I", "/opt/sealgate/bin/sealgate"]
    check_command(words[3:])
    assert service()["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_unit_is_hardened() -> None:
    want = {
        "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "PrivateDevices": "yes", "PrivateUsers": "yes", "ProtectKernelTunables": "yes",
        "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes", "ProtectControlGroups": "yes",
        "ProtectProc": "invisible", "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "RestrictSUIDSGID": "yes",
        "LockPersonality": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "UMask": "0077",
        "SystemCallArchitectures": "native", "LimitCORE": "0",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    }  # fmt: skip
    assert {k: service().get(k) for k in want} == {k: [v] for k, v in want.items()}
    assert any(v.startswith("@system-service") for v in service()["SystemCallFilter"])


def test_the_units_master_key_is_a_credential_outside_the_data_directory() -> None:
    (credential,) = service()["LoadCredential"]
    assert credential.startswith("master.key:/etc/")
    assert service()["StateDirectory"] == ["sealgate"]
    assert not re.search(r"(?i)(key|token|secret|passw)", " ".join(service().get("Environment", [])))


def test_a_stop_of_the_unit_outlasts_running_answers() -> None:
    from proxy.settings import Limits

    assert int(service()["TimeoutStopSec"][0]) > Limits().shutdown_s


def test_systemd_reads_the_unit_without_a_complaint(tmp_path: Path) -> None:
    said = _analyze(tmp_path, "verify", "--recursive-errors=no")
    ours = [line for line in said.splitlines() if "sealgate" in line and "/opt/sealgate/bin" not in line]
    assert ours == []


def test_systemd_rates_the_unit_as_confined(tmp_path: Path) -> None:
    said = _analyze(tmp_path, "security", "--offline=yes", "--no-pager")
    rate = re.search(r"exposure level for \S+: ([\d.]+)", said)
    if rate is None:
        pytest.skip("this systemd-analyze cannot rate a unit offline")
    assert float(rate[1]) * 10 < EXPOSURE, said


def _analyze(folder: Path, *command: str) -> str:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = folder / UNIT.name
    shutil.copy(UNIT, unit)
    done = subprocess.run([tool, *command, str(unit)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_the_unit_file_is_well_formed() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read(UNIT)
    assert parser.sections() == ["Unit", "Service", "Install"]
