"""sealgate.yaml: every mistake in one go with file and line; secrets by reference; nothing weakened by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.types import Zone
from proxy.auth import digest, new_key
from proxy.commands.config import describe
from proxy.config import embedded, load_settings
from proxy.errors import ConfigError

KEY = new_key()
GOOD = f"""apps:
  - {{name: crm, tenant: sales, key_sha256: {digest(KEY).hex()}}}
upstreams:
  local: {{zone: onprem, kind: llama, model: smollm2-135m}}
  openai: {{zone: cloud, kind: openai, url: "https://api.example/v1", key: "${{CLOUD_KEY}}", labels: {{region: eu}}}}
  sealed:
    zone: enclave
    kind: openai
    url: https://enclave.example/v1
    attestation: {{provider: sealgate-snp, expectations: clinic, max_age: 5m}}
models:
  gpt-4o: {{use: [openai/gpt-4o, sealed/llama, local/smollm2-135m], substitute: true}}
  "*": {{use: ["openai/*"]}}
"""
ENV = {"CLOUD_KEY": "sk-cloud-secret-value"}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sealgate.yaml"
    path.write_text(text)
    return path


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as e:
        load_settings(write(tmp_path, text), ENV)
    return e.value.message


def test_a_good_file_means_what_it_says(tmp_path: Path) -> None:
    s = load_settings(write(tmp_path, GOOD), ENV)
    assert s.upstreams["sealed"].zone is Zone.ENCLAVE
    assert s.upstreams["sealed"].attestation is not None and s.upstreams["sealed"].attestation.max_age_s == 300.0
    assert s.models["gpt-4o"].use == (("openai", "gpt-4o"), ("sealed", "llama"), ("local", "smollm2-135m"))
    assert s.models["*"].substitute is False
    assert s.data == tmp_path / "var" and s.listen == ("127.0.0.1", 8080)
    assert s.environment == "production" and [str(n) for n in s.onprem_networks] == ["127.0.0.0/8"]


def test_how_many_machines_hold_leases_and_whether_they_are_attested_ahead(tmp_path: Path) -> None:
    plain = load_settings(write(tmp_path, GOOD), ENV).upstreams["sealed"].attestation
    assert plain is not None and (plain.keys, plain.prewarm, plain.options) == (8, True, {})
    text = GOOD.replace("max_age: 5m", "max_age: 5m, keys: 3, prewarm: false")
    said = load_settings(write(tmp_path, text), ENV).upstreams["sealed"].attestation
    assert said is not None and (said.keys, said.prewarm, said.options) == (3, False, {})
    for bad in ("keys: 0", "keys: 65", "keys: many", "prewarm: 1"):
        assert "sealgate.yaml:10:" in problems(tmp_path, GOOD.replace("max_age: 5m", bad))


def test_privatemode_is_explained_and_is_a_cloud_with_a_label(tmp_path: Path) -> None:
    text = problems(tmp_path, GOOD.replace("provider: sealgate-snp", "provider: privatemode"))
    assert text.count("sealgate.yaml:10:") == text.count("\n") + 1 == 1
    assert "'privatemode' cannot be zone 'enclave'" in text
    assert "zone 'cloud'" in text and "docs/attestation/privatemode.md" in text
    s = load_settings(write(tmp_path, GOOD.replace("{region: eu}", "{asserted_tee: privatemode}")), ENV)
    assert s.upstreams["openai"].zone is Zone.CLOUD
    doors = {d["upstream"]: d["tee"] for d in describe(s)["doors"]}
    assert doors == {
        "local": None,
        "openai": "asserted by privatemode, not proven to this gate",
        "sealed": "to be proven (sealgate-snp)",
    }


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    s = load_settings(write(tmp_path, GOOD), ENV)
    assert ENV["CLOUD_KEY"] not in repr(s) and KEY not in repr(s) and digest(KEY).hex() not in repr(s)
    assert s.upstreams["openai"].key is not None and s.upstreams["openai"].key.reveal() == ENV["CLOUD_KEY"]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("apps:", "aps:", "did you mean 'apps'"),
        ("name: crm", "name: 'c r m'", "a name has"),
        ("key_sha256: ", "key_sha256: zz", "64 lower-case hex"),
        ("zone: onprem", "zone: home", "must be one of"),
        ("kind: llama, model: smollm2-135m", "kind: llama", "embedded model"),
        ("zone: onprem, kind: llama", "zone: cloud, kind: llama", "embedded model"),
        ('url: "https://api.example/v1", ', "", "'url' is missing"),
        ("    attestation: {provider: sealgate-snp, expectations: clinic, max_age: 5m}\n", "", "needs 'attestation'"),
        ("provider: sealgate-snp", "provider: privatemode", "labels: {asserted_tee: privatemode}"),
        ("labels: {region: eu}", "labels: {asserted_tee: 'p m'}", "a name has"),
        ("    kind: openai\n", "    kind: openai\n    labels: {asserted_tee: x}\n", "is proven, not asserted"),
        ("provider: sealgate-snp", "provider: trust-me", "known providers are"),
        ("provider: sealgate-snp", "provider: [sealgate-snp]", "must be text"),
        ("provider: sealgate-snp", "provider: tinfoil, gpus: 0, require_gpu: true", "require_gpu contradicts gpus: 0"),
        ("provider: sealgate-snp", "provider: tinfoil, gpus: eight", "attestation.gpus: must be a whole number"),
        ("provider: sealgate-snp", "provider: tinfoil, v2: true", "attestation.v2: unknown option; known are allow_v2"),
        ("max_age: 5m", "max_age: 5m, verify: false", "attestation.verify: unknown option; known are none"),
        ("expectations: clinic, ", "", "'expectations' is missing"),
        ("expectations: clinic, ", 'expectations: "", ', "must be text"),
        ("max_age: 5m", "max_age: 5", "duration"),
        ("openai/gpt-4o", "nowhere/gpt-4o", "configured upstream"),
        ("substitute: true", "substitute: maybe", "true or false"),
        ("${CLOUD_KEY}", "${OTHER_KEY}", "OTHER_KEY is not set"),
        ("apps:", "oidc: {}\napps:", "not yet"),
        ("apps:", "listen: localhost\napps:", "HOST:PORT"),
        ("apps:", "onprem_networks: [0.0.0.0/0]\napps:", "everywhere"),
        ("apps:", "onprem_networks: [10.0.0.1/8]\napps:", "not a network"),
        ("apps:", "limits: {body_bytes: 0}\napps:", "whole number"),
        ("apps:", "limits: {bodybytes: 5}\napps:", "did you mean 'body_bytes'"),
        ("apps:", "environment: test\napps:", "must be one of"),
        ("apps:", "tls: {certificate: a}\napps:", "'key' is missing"),
        ("apps:", "workers: 0\napps:", "whole number"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, word: str) -> None:
    text = problems(tmp_path, GOOD.replace(old, new, 1))
    assert word in text
    assert "sealgate.yaml:" in text
    assert ENV["CLOUD_KEY"] not in text


def test_a_short_key_and_two_keys_for_one_app_are_refused(tmp_path: Path) -> None:
    line = GOOD.splitlines()[1]
    assert "16 characters" in problems(tmp_path, GOOD.replace(line, "  - {name: crm, tenant: t, key: short}"))
    assert "either" in problems(tmp_path, GOOD.replace("tenant: sales,", f"tenant: sales, key: {KEY},"))
    assert "two apps" in problems(tmp_path, GOOD.replace(line, f"{line}\n{line}"))


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "cloud.key").write_text("from-a-file\n")
    s = load_settings(write(tmp_path, GOOD.replace("${CLOUD_KEY}", "file:cloud.key")), {})
    assert s.upstreams["openai"].key is not None and s.upstreams["openai"].key.reveal() == "from-a-file"
    assert "cannot be read" in problems(tmp_path, GOOD.replace("${CLOUD_KEY}", "file:nothing.key"))


def test_a_missing_or_binary_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load_settings(tmp_path / "nothing.yaml", {})
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings(path, {})


def test_the_embedded_defaults_never_leave_the_machine(tmp_path: Path) -> None:
    s = embedded(tmp_path, KEY)
    assert {u.zone for u in s.upstreams.values()} == {Zone.ONPREM}
    assert s.listen[0] == s.admin[0] == "127.0.0.1"


def test_the_example_for_container_and_systemd_is_valid() -> None:
    path = Path(__file__).parents[3] / "deploy" / "sealgate.example.yaml"
    s = load_settings(path, {"OPENAI_API_KEY": "sk-example"})
    assert s.tls is not None and s.keys_file is not None
    assert not s.keys_file.is_relative_to(s.data), "keys lie outside the data directory"
