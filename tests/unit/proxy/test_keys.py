"""The master key file and what is derived from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.keys import Keys, load, load_or_create


def test_a_created_file_is_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "k" / "master.key"
    first = load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path).purpose("audit") == first.purpose("audit")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_or_create(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(path)


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 33, "é" * 64])
def test_a_malformed_key_file_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError) as e:
        load(path)
    assert not text or text not in e.value.message


def test_every_purpose_and_tenant_has_its_own_key() -> None:
    keys = Keys(bytes(32))
    seen = {keys.purpose(p, t) for p in ("audit", "stand-in", "audits") for t in ("", "a", "b", "ab")}
    assert len(seen) == 12
    assert keys.purpose("a", "bc") != keys.purpose("ab", "c")


def test_another_master_gives_other_keys_and_the_repr_shows_none() -> None:
    assert Keys(bytes(32)).purpose("audit") != Keys(b"\x01" * 32).purpose("audit")
    assert repr(Keys(bytes(32))) == "Keys(***)"
