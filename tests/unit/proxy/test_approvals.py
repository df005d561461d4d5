"""Approved and denied: strict at the start; later, what is gone or invalid approves nothing."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from attestation.simulator.server import SimulatedEnclave
from proxy.approvals import MAX_DENIED_BYTES, Approvals
from proxy.audit.canonical import plain
from proxy.errors import ConfigError

CLINIC = SimulatedEnclave().expectations_yaml("clinic", dt.date(2027, 1, 1))
CHIP = "ab" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clinic.yaml").write_text(CLINIC)
    return tmp_path


def approvals(folder: Path, production: bool = False) -> Approvals:
    return Approvals(folder, {"clinic"}, production=production)


def changed(made: Approvals, path: Path, text: str | None) -> None:
    """Writes (None: removes) a file, and takes up what is found."""
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    found = made.look()
    assert found is not None
    made.take(found)


def test_what_is_approved_and_denied_is_read_at_the_start(folder: Path) -> None:
    (folder / "denied.txt").write_text(f"# stolen\n\n{CHIP}  # from the rack\n{'cd' * 32}\n")
    made = approvals(folder)
    assert set(made.expectations) == {"clinic"} and made.denied == {CHIP, "cd" * 32}
    assert made.look() is None and not made.failing
    assert plain(made.record()) == made.record()


def test_without_enclaves_no_folder_is_needed() -> None:
    made = Approvals(None, (), production=True)
    assert (made.expectations, made.denied, made.look()) == ({}, frozenset(), None)


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("clinic.yaml", None, "FileNotFoundError"),
        ("clinic.yaml", "", "clinic.yaml:1"),
        ("clinic.yaml", CLINIC.replace("clinic", "bank"), "its name is 'bank'"),
        ("clinic.yaml", CLINIC + "status: unapproved\n", "not approved"),
        ("clinic.yaml", "#" * 70_000, "more than"),
        ("denied.txt", f"{CHIP}\n{CHIP.upper()}\n", "denied.txt:2"),
        ("denied.txt", "ab\n", "denied.txt:1"),
        ("denied.txt", "#" * (MAX_DENIED_BYTES + 1), "more than"),
        ("denied.txt", "\udc80", "UnicodeDecodeError"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_at_the_start(
    folder: Path, file: str, text: str | None, word: str
) -> None:
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=word):
        approvals(folder)


def test_all_problems_are_said_at_once(folder: Path) -> None:
    (folder / "clinic.yaml").write_text("")
    (folder / "denied.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"(?s)clinic\.yaml.*denied\.txt"):
        approvals(folder)


def test_simulated_evidence_is_never_approved_in_production(folder: Path) -> None:
    with pytest.raises(ConfigError, match="allow_simulated"):
        approvals(folder, production=True)
    (folder / "clinic.yaml").write_text(CLINIC.replace("allow_simulated: true", "allow_simulated: false"))
    assert approvals(folder, production=True).expectations


def test_an_enclave_needs_the_folder() -> None:
    with pytest.raises(ConfigError, match="expectations:"):
        Approvals(None, {"clinic"}, production=True)


@pytest.mark.parametrize("text", [None, "", CLINIC + "status: unapproved\n", CLINIC.replace("clinic", "bank")])
def test_an_approval_that_is_taken_away_is_gone_and_can_come_back(folder: Path, text: str | None) -> None:
    made = approvals(folder)
    changed(made, folder / "clinic.yaml", text)
    assert (made.expectations, made.failing) == ({}, {"clinic.yaml"})
    assert made.record()["invalid"] == ["clinic.yaml"]
    changed(made, folder / "clinic.yaml", CLINIC + "# again\n")
    assert set(made.expectations) == {"clinic"} and not made.failing


def test_an_invalid_deny_list_leaves_the_old_one_in_force(folder: Path) -> None:
    (folder / "denied.txt").write_text(CHIP)
    made = approvals(folder)
    changed(made, folder / "denied.txt", "no hex")
    assert (made.denied, made.failing, set(made.expectations)) == ({CHIP}, {"denied.txt"}, {"clinic"})
    changed(made, folder / "denied.txt", "cd" * 48)
    assert (made.denied, made.failing) == ({"cd" * 48}, frozenset())
    changed(made, folder / "denied.txt", None)
    assert made.denied == frozenset(), "whoever removes the list denies nothing"


def test_a_file_of_the_same_size_and_date_is_read_again(folder: Path) -> None:
    """As tools leave it that keep dates."""
    path = folder / "denied.txt"
    path.write_text(f"{'ab' * 32}\n")
    made, before = approvals(folder), path.stat()
    path.write_text(f"{'cd' * 32}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = made.look()
    assert found is not None and found.denied == {"cd" * 32}


def test_a_deny_list_that_leads_nowhere_for_a_moment_denies_as_before(folder: Path) -> None:
    """A link whose target is just being replaced is not a list that was taken away."""
    path, target = folder / "denied.txt", folder / "v1"
    target.write_text(f"{CHIP}\n")
    path.symlink_to(target)
    made = approvals(folder)
    target.unlink()
    found = made.look()
    assert found is not None and found.denied is None
    made.take(found)
    assert made.denied == {CHIP} and made.failing == {"denied.txt"}
    path.unlink()
    found = made.look()
    assert found is not None and found.denied == frozenset()
    path.symlink_to(path)  # a circle: no file can be looked at
    made.take(found)
    found = made.look()
    assert found is not None and found.denied is None
