"""A bundle that is not exactly what was published is refused, and nothing is written."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from proxy.commands import bundles
from proxy.commands.models import models
from proxy.errors import ConfigError
from proxy.inspect_worker import chosen
from proxy.models import own, release

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
FILES = {name: name.encode() * 50 for name in own.SHIPPED}


def bundle(
    folder: Path, serial: int = 7, key: Ed25519PrivateKey | None = KEY, files: Mapping[str, bytes] = FILES
) -> Path:
    path = folder / f"b{serial}.tar"
    path.write_bytes(release.pack(files, {"measured": "2026-01-02"}, serial, key))
    return path


def again(path: Path, change: Mapping[str, bytes], *, kind: bytes = tarfile.REGTYPE) -> Path:
    """The bundle with members changed or added, in an archive that is otherwise right."""
    with tarfile.open(path) as archive:
        held = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in (held | dict(change)).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            if name in change and kind != tarfile.REGTYPE:
                entry.type, entry.size, entry.linkname = kind, 0, "/etc/passwd"
            archive.addfile(entry, io.BytesIO(data))
    return path


def untouched(folder: Path) -> bool:
    return not any(p.name.startswith((own.NAME, f".{own.NAME}")) for p in folder.rglob("*"))


def refused(path: Path, models_: Path, key: Ed25519PrivateKey | None = KEY) -> str:
    with pytest.raises(ConfigError) as caught:
        own.install(models_, release.read(path, key.public_key() if key else None))
    return caught.value.message


def test_the_same_files_make_the_same_bytes_and_come_back(tmp_path: Path) -> None:
    backwards = dict(reversed(list(FILES.items())))
    assert release.pack(FILES, {}, 1, KEY) == release.pack(backwards, {}, 1, KEY)
    made = release.read(bundle(tmp_path), KEY.public_key())
    assert (made.serial, dict(made.files)) == (7, FILES)
    assert made.signer == release.fingerprint(KEY.public_key())
    assert release.read(bundle(tmp_path, key=None), None).signer == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topics.npy": b"other"}, "was changed"),
        ({"topics.npy": FILES["topics.npy"][:-1] + b"x"}, "was changed"),
        ({"student/more.onnx": b"x"}, "exactly the files"),
        ({"../outside.onnx": b"x"}, "no file of a model"),
        ({"/tmp/outside.onnx": b"x"}, "no file of a model"),
        ({"student/../../outside.onnx": b"x"}, "no file of a model"),
        ({"student\\outside.onnx": b"x"}, "no file of a model"),
        ({"manifest.json": b"{}"}, "not signed by this key"),
        ({"manifest.sig": b"0" * 64}, "not signed by this key"),
    ],
)
def test_what_was_tampered_with_is_refused(tmp_path: Path, change: Mapping[str, bytes], said: str) -> None:
    path = again(bundle(tmp_path), change)
    assert said in refused(path, tmp_path / "models")
    assert untouched(tmp_path / "models") and not (tmp_path / "outside.onnx").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_folders_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = again(bundle(tmp_path), {"topics.npy": b""}, kind=kind)
    assert "no file of a model" in refused(path, tmp_path / "models") and untouched(tmp_path / "models")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = bundle(tmp_path).read_bytes()
    ends = len(whole) - 2 * tarfile.BLOCKSIZE  # the end mark of the archive and its padding hold nothing
    cut = tmp_path / "cut.tar"
    last = whole.rindex(FILES["vocab.txt"]) + len(FILES["vocab.txt"])
    for size in [*range(0, last, 331), last - 1]:
        cut.write_bytes(whole[:size])
        with pytest.raises(ConfigError):
            release.read(cut, None)
    assert last < ends


def test_bytes_that_no_hash_covers_are_refused(tmp_path: Path) -> None:
    whole = bundle(tmp_path).read_bytes()
    mode = bytearray(whole)
    mode[100:108] = b"0004777\0"
    mode[148:156] = b"%06o\0 " % sum(bytes(mode[:148]) + b" " * 8 + bytes(mode[156:512]))
    for number, changed in enumerate((whole + b"x" * 512, bytes(mode), whole[:-512])):
        path = tmp_path / f"changed{number}.tar"
        path.write_bytes(changed)
        assert "more than its files" in refused(path, tmp_path / "models")
    assert untouched(tmp_path / "models")


def test_a_sparse_file_that_grows_when_read_is_refused_at_once(tmp_path: Path) -> None:
    head = bytearray(tarfile.TarInfo("big.bin").tobuf(tarfile.GNU_FORMAT)[:512])
    head[156:157], head[386:410], head[483:495] = b"S", b"%011o\0%011o\0" % (0, 0), b"%011o\0" % (4 << 30)
    head[148:156] = b"%06o\0 " % sum(bytes(head[:148]) + b" " * 8 + bytes(head[156:]))
    path = tmp_path / "sparse.tar"
    path.write_bytes(bytes(head) + bundle(tmp_path).read_bytes())
    assert "no file of a model" in refused(path, tmp_path / "models")


def test_a_file_named_as_what_installing_writes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        release.pack({**FILES, release.STATE: b"{}"}, {}, 7, KEY)


def test_an_installation_that_was_broken_off_is_not_taken_for_none(tmp_path: Path) -> None:
    own.install(tmp_path, release.read(bundle(tmp_path, 9), KEY.public_key()))
    (tmp_path / own.NAME).rename(tmp_path / own.PREVIOUS)
    with pytest.raises(ConfigError, match="broken off"):
        own.folder(tmp_path)
    with pytest.raises(ConfigError, match="serial 7"):
        own.install(tmp_path, release.read(bundle(tmp_path, 7), KEY.public_key()))
    assert own.rollback(tmp_path) == 9 and own.folder(tmp_path) == tmp_path / own.NAME


def test_a_file_twice_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    with tarfile.open(path, "a") as archive:
        entry = tarfile.TarInfo("topics.npy")
        entry.size = len(FILES["topics.npy"])
        archive.addfile(entry, io.BytesIO(FILES["topics.npy"]))
    assert "twice" in refused(path, tmp_path / "models")


def test_another_key_and_no_signature_are_refused_where_a_key_is_asked_for(tmp_path: Path) -> None:
    assert "not signed by this key" in refused(bundle(tmp_path, key=OTHER), tmp_path / "models")
    assert "not signed;" in refused(bundle(tmp_path, key=None), tmp_path / "models")
    assert untouched(tmp_path / "models")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"files": {}}', b"[" * 100_000, b'{"format": 1, "serial": true, "files": {}}']
)
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = again(bundle(tmp_path, key=None), {"manifest.json": raw})
    assert "no manifest of this format" in refused(path, tmp_path / "models", None)


def test_an_older_bundle_is_refused_and_rollback_goes_back_one(tmp_path: Path) -> None:
    for serial in (7, 9):
        own.install(tmp_path, release.read(bundle(tmp_path, serial), KEY.public_key()))
    assert "serial 8" in refused(bundle(tmp_path, 8), tmp_path)
    assert own.state(tmp_path / own.NAME)["serial"] == 9
    assert own.rollback(tmp_path) == 7 and own.folder(tmp_path) == tmp_path / own.NAME
    assert own.rollback(tmp_path) == 0 and own.folder(tmp_path) is None
    with pytest.raises(ConfigError, match="no bundle is installed"):
        own.rollback(tmp_path)


def test_what_was_signed_is_not_followed_by_what_is_not(tmp_path: Path) -> None:
    own.install(tmp_path, release.read(bundle(tmp_path), KEY.public_key()))
    assert "same with --key" in refused(bundle(tmp_path, 9, None), tmp_path, None)
    assert "same with --key" in refused(bundle(tmp_path, 9, OTHER), tmp_path, OTHER)
    assert own.state(tmp_path / own.NAME)["serial"] == 7


def test_an_installed_bundle_that_was_changed_stops_the_start(tmp_path: Path) -> None:
    own.install(tmp_path, release.read(bundle(tmp_path), KEY.public_key()))
    good = own.folder(tmp_path)
    assert good is not None and own.folder(None) is None
    for name, data in (("topics.npy", b"x"), ("student/extra.onnx", b"x"), (release.STATE, b"[]")):
        before = (good / name).read_bytes() if (good / name).exists() else None
        (good / name).write_bytes(data)
        with pytest.raises(ConfigError):
            own.folder(tmp_path)
        (good / name).unlink() if before is None else (good / name).write_bytes(before)
    (good / "vocab.txt").unlink()
    with pytest.raises(ConfigError):
        own.folder(tmp_path)
    assert "remove" in refused(_without_state(tmp_path), tmp_path)


def _without_state(models_: Path) -> Path:
    (models_ / own.NAME / release.STATE).unlink()
    return bundle(models_, 9)


def test_detectors_read_the_installed_bundle_and_no_other_files(tmp_path: Path) -> None:
    real = {name: (own.PACKAGE / name).read_bytes() for name in own.SHIPPED}
    own.install(tmp_path, release.read(bundle(tmp_path, files=real), None))
    assert [d.name for d in chosen(tmp_path, ("student",))] == ["student"]
    (tmp_path / own.NAME / "topics.npy").write_bytes(b"x")
    with pytest.raises(ConfigError, match="was changed"):
        chosen(tmp_path, ("student",))


def test_a_bundle_without_the_weights_is_refused(tmp_path: Path) -> None:
    few = {k: v for k, v in FILES.items() if not k.startswith("student/")}
    assert "lacks student" in refused(bundle(tmp_path, files=few), tmp_path)


def _keys(folder: Path) -> tuple[Path, Path]:
    private, public = folder / "key.pem", folder / "pub.pem"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_publish_verify_install_and_rollback_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    private, public = _keys(tmp_path)
    (tmp_path / "docs").mkdir()
    for name in own.CARDS:
        (tmp_path / name).write_text("card")
    from redaction.detectors.encoder import EncoderDetector
    from redaction.detectors.student import StudentDetector

    student = StudentDetector()
    digests = {"fast": {"student": student.digest}, "full": {"encoder": EncoderDetector(student).digest}}
    monkeypatch.setattr(bundles, "ROOT", tmp_path)
    run = CliRunner().invoke
    for other in ({**digests, "full": {"encoder": "other"}}, {**digests, "fast": {"student": "other"}}):
        (tmp_path / "docs/detection.json").write_text(json.dumps({"date": "2026-01-02", "digests": other}))
        refused = run(models, ["publish", "--out", str(tmp_path / "out"), "--key", str(private)])
        assert refused.exit_code == 1 and "measured with other weights" in refused.output
    (tmp_path / "docs/detection.json").write_text(json.dumps({"date": "2026-01-02", "digests": digests}))
    published = run(models, ["publish", "--out", str(tmp_path / "out"), "--key", str(private)])
    assert published.exit_code == 0, published.output
    path = str(tmp_path / "out" / "sealgate-models-20260102.tar")
    first = Path(path).read_bytes()
    assert run(models, ["publish", "--out", str(tmp_path / "out"), "--key", str(private)]).exit_code == 0
    assert Path(path).read_bytes() == first
    verified = run(models, ["verify", path, "--key", str(public)])
    assert verified.exit_code == 0 and "cards/attribution.txt" in verified.output and "signed by" in verified.output
    data = ["--data", str(tmp_path / "var")]
    assert run(models, ["install", *data, "--bundle", path, "--key", str(public)]).exit_code == 0
    used = own.folder(tmp_path / "var" / "models")
    assert (
        used is not None
        and (used / "student/model.onnx").read_bytes() == (own.PACKAGE / "student/model.onnx").read_bytes()
    )
    assert "files of this release" in run(models, ["rollback", *data]).output
    again(Path(path), {"topics.npy": b"x"})
    assert run(models, ["verify", path, "--key", str(public)]).exit_code == 2


@pytest.mark.parametrize("what", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_one_line_that_quotes_nothing(tmp_path: Path, what: bytes) -> None:
    (tmp_path / "k").write_bytes(what)
    for load in (release.private_key, release.public_key):
        with pytest.raises(ConfigError, match=r"holds no Ed25519") as caught:
            load(tmp_path / "k")
        assert "AAAA" not in caught.value.message


def test_training_the_student_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundles, "NEEDS", ("json", "surely_not_there"))
    result = CliRunner().invoke(models, ["train", "--part", "student", "--suite", str(tmp_path)])
    assert result.exit_code == 1 and "surely_not_there" in result.output and "train-student" in result.output
    monkeypatch.setattr(bundles, "NEEDS", ())
    assert "--suite" in CliRunner().invoke(models, ["train", "--part", "student"]).output
    assert "--wordnet" in CliRunner().invoke(models, ["train", "--part", "student", "--suite", str(tmp_path)]).output
    monkeypatch.setattr(bundles, "ROOT", tmp_path)
    assert "checkout" in CliRunner().invoke(models, ["train", "--part", "student"]).output


def test_steps_of_the_training_move_the_bar_and_its_error_is_told(tmp_path: Path) -> None:
    import sys

    seen: list[tuple[int, int]] = []
    code = "print('x'); print('step 100  loss 1'); print('step 200  loss 1')"
    bundles._follow([sys.executable, "-c", code], 150, lambda *at: seen.append(at))
    assert seen == [(100, 150), (150, 150)]
    with pytest.raises(ConfigError, match="ended with an error: boom"):
        bundles._follow([sys.executable, "-c", "print('boom'); exit(3)"], 1, lambda *_: None)
