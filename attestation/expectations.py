"""Approved measurement files: YAML text in, :class:`Expectations` out.

Compliance edits these files, so errors name lines. Strict: unknown, missing, empty or repeated keys, aliases and tags
are errors, and all problems are reported together. It reads text only; which file that is, is the caller's business.

    name: clinic-enclave
    tees: [sev-snp]
    measurements:
      release-2026-11: 0a1b…            # 96 lower-case hex digits, SHA-384 of the launched guest
    minimum_tcb: {bootloader: 10, snp: 23, microcode: 84}
    approved_by: privacy@clinic.example
    approved_until: 2027-03-31
    allow_simulated: false              # optional
    vmpl: [0]                           # optional

An image with several registers (a TD, a VM with a TPM) names them: ``release: {mrtd: …, rtmr1: …, rtmr2: …}``. Optional
besides: ``tcb_allow`` and ``advisories_allow`` (lists), ``facts`` (statement -> list of values), ``max_age`` (seconds),
``status: unapproved`` (refused: a person must approve), ``waive`` (check -> reason, approved_by, until), and instead of
measurements ``unpinned`` with reason, approved_by and until. A file that ``attest fetch`` wrote says ``fetched_from``
(the endpoint that showed the measurements) and then needs ``source``: where they come from otherwise.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

import yaml

from attestation.types import WAIVABLE, AttestationError, Expectations, Unpinned
from attestation.validate import NEEDS_MINIMUM, REQUIRED_REGISTERS

MAX_FILE_BYTES = 64 * 1024
MEASUREMENT_BYTES: Mapping[str, int] = {
    "sev-snp": 48, "nitro": 48, "tdx": 48, "sgx": 32, "azure-snp": 48, "azure-tdx": 48,
    "maa-sgx": 32, "maa-sevsnpvm": 48, "maa-tdxvm": 48, "google-cs": 32, "ita-tdx": 48, "ita-sgx": 32,
}  # fmt: skip
"""TEE that can be verified -> bytes of its first measurement. GPUs are none: they prove no enclave by themselves."""
_SNP = frozenset({"fmc", "bootloader", "tee", "snp", "microcode"})
_SGX = frozenset({"pcesvn", "isvsvn"})
TCB_COMPONENTS: Mapping[str, frozenset[str]] = {
    "sev-snp": _SNP, "azure-snp": _SNP, "maa-sevsnpvm": _SNP - {"fmc"}, "tdx": frozenset({"pcesvn"}),
    "azure-tdx": frozenset({"pcesvn"}), "sgx": _SGX, "maa-sgx": frozenset({"isvsvn", "isvprodid"}),
    "ita-sgx": frozenset({"isvsvn"}), "nitro": frozenset(), "google-cs": frozenset(), "ita-tdx": frozenset(),
    "maa-tdxvm": frozenset(),
}  # fmt: skip
_REQUIRED = ("name", "tees", "approved_by", "approved_until")
_OPTIONAL = ("measurements", "minimum_tcb", "allow_simulated", "vmpl", "tcb_allow", "advisories_allow", "facts",
             "max_age", "unpinned", "waive", "status", "source", "fetched_from")  # fmt: skip
_URL = re.compile(r"https://([A-Za-z0-9.:\[\]-]+)(?:/[\x21-\x7e]*)?")
_TEXT = re.compile(r"\s*\S.{0,499}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_HEX = re.compile(r"[0-9a-f]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"\d{1,3}")
_SECONDS = re.compile(r"[1-9]\d{0,6}")


class BadExpectations(AttestationError):
    """The file cannot be used; ``problems`` holds one ``source:line: text`` each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_expectations(text: str, *, source: str = "expectations") -> Expectations:
    """Raises BadExpectations with every problem found; ``source`` is the file's name for its lines."""
    reader = _Reader(source)
    root = reader.document(text)
    fields = reader.mapping(root, "the file")
    for key in [k for k in fields if k not in _REQUIRED + _OPTIONAL]:
        reader.problem(fields.pop(key), f"unknown key; known are {', '.join(_REQUIRED + _OPTIONAL)}")
    for key in _REQUIRED:
        if key not in fields:
            reader.problem(root, f"{key} is missing")
    if ("measurements" in fields) == ("unpinned" in fields):
        reader.problem(root, "measurements is missing" if "unpinned" not in fields else "unpinned has no measurements")
    if "status" in fields:
        reader.problem(fields["status"], "these expectations are not approved: name an approver, remove this line")
    want = reader.expectations(fields)
    if want is None or reader.problems:
        raise BadExpectations(tuple(reader.problems))
    return want


def revision(want: Expectations) -> bytes:
    """SHA-256 over everything that ``want`` demands: whatever was proven under another revision is not proven."""
    return hashlib.sha256(json.dumps(_plain(want), sort_keys=True).encode()).digest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {k.hex() if isinstance(k, bytes) else k: _plain(v) for k, v in value.items()}
    if isinstance(value, Set):
        return sorted(map(_plain, value))
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, dt.date) else value


class _Reader:
    """Collects problems; a value that could not be read is None until the end, and never reaches Expectations."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.problems: list[str] = []

    def problem(self, node: yaml.Node | None, text: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.problems.append(f"{self._source}:{line}: {text}")

    def document(self, text: str) -> yaml.Node | None:
        """The one document of ``text``. Raises BadExpectations when it is no YAML, so that nothing else can be said."""
        if len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
            raise BadExpectations((f"{self._source}:1: the file has more than {MAX_FILE_BYTES} bytes",))
        try:
            for token in yaml.scan(text, Loader=yaml.SafeLoader):
                if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
                    line = token.start_mark.line + 1
                    raise BadExpectations((f"{self._source}:{line}: anchors, aliases and tags are not allowed",))
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as e:
            line = e.problem_mark.line + 1 if e.problem_mark is not None else 1
            raise BadExpectations((f"{self._source}:{line}: this is not YAML of one document",)) from None
        except (yaml.YAMLError, RecursionError):
            raise BadExpectations((f"{self._source}:1: this is not YAML of one document",)) from None

    def mapping(self, node: yaml.Node | None, name: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self.problem(node, f"{name} must be a mapping and must not be empty")
            return {}
        out: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                self.problem(key, f"a key of {name} must be text")
            elif key.value in out:
                self.problem(key, f"a key of {name} is there twice")
            else:
                out[key.value] = value
        return out

    def items(self, node: yaml.Node, name: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.problem(node, f"{name} must be a list and must not be empty")
            return []
        return list(node.value)

    def scalar(self, node: yaml.Node, name: str, shape: re.Pattern[str], want: str) -> str | None:
        if isinstance(node, yaml.ScalarNode) and shape.fullmatch(node.value):
            return str(node.value)
        self.problem(node, f"{name} must be {want}")
        return None

    def integer(self, node: yaml.Node, name: str, most: int) -> int | None:
        text = self.scalar(node, name, _INTEGER, f"a number of 0..{most}")
        if text is None:
            return None
        if int(text) > most:
            self.problem(node, f"{name} must be a number of 0..{most}")
        return int(text)

    def expectations(self, fields: Mapping[str, yaml.Node]) -> Expectations | None:
        """None while a required key is missing."""
        if any(key not in fields for key in _REQUIRED):
            return None
        name = self.scalar(fields["name"], "name", _NAME, "lower-case letters, digits and -_.")
        tees = self.tees(fields["tees"])
        approver = self.scalar(fields["approved_by"], "approved_by", re.compile(r"\s*\S.{0,199}"), "a person's address")
        until = self.date(fields["approved_until"])
        levels = [self.integer(n, "vmpl", 3) for n in self.items(fields["vmpl"], "vmpl")] if "vmpl" in fields else [0]
        single, registers = self.images(fields["measurements"], tees) if "measurements" in fields else ({}, {})
        minimum = self.minimum(fields["minimum_tcb"], tees) if "minimum_tcb" in fields else {}
        if "minimum_tcb" not in fields and tees & NEEDS_MINIMUM:
            self.problem(None, "minimum_tcb is missing")
        simulated = self.flag(fields["allow_simulated"]) if "allow_simulated" in fields else False
        extra = self.extras(fields)
        if name is None or approver is None or until is None:
            return None
        vmpl = frozenset(level for level in levels if level is not None)
        return Expectations(name, tees, single, minimum, approver.strip(), until, simulated, vmpl, registers, **extra)

    def extras(self, fields: Mapping[str, yaml.Node]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key in ("tcb_allow", "advisories_allow"):
            if key in fields:
                out[key] = self.texts(fields[key], key)
        if "facts" in fields:
            out["facts"] = {k: self.texts(v, k) for k, v in self.mapping(fields["facts"], "facts").items()}
        if "max_age" in fields:
            out["max_age_s"] = int(self.scalar(fields["max_age"], "max_age", _SECONDS, "seconds, from 1") or 0)
        if "unpinned" in fields:
            out["unpinned"] = self.unpinned(fields["unpinned"])
        out |= self.origin(fields)
        if "waive" in fields:
            out["waive"] = {k: self.waiver(k, v) for k, v in self.mapping(fields["waive"], "waive").items()}
        return out

    def origin(self, fields: Mapping[str, yaml.Node]) -> dict[str, str]:
        """Where the measurements come from. An endpoint cannot vouch for itself."""
        url = match = None
        if "fetched_from" in fields:
            url = self.scalar(fields["fetched_from"], "fetched_from", _URL, "the https URL that was asked")
            match = _URL.fullmatch(url) if url is not None else None
            if "source" not in fields:
                text = "fetched measurements need a source: a build or a release that somebody checked"
                self.problem(fields["fetched_from"], text)
        want = "where the measurements come from other than the endpoint: a build, a signed release"
        source = self.scalar(fields["source"], "source", _TEXT, want) if "source" in fields else None
        if source is not None and match is not None and match[1].partition(":")[0].lower() in source.lower():
            self.problem(fields["source"], "the endpoint itself is no source of what it should be")
        return {"source": (source or "").strip(), "fetched_from": url or ""}

    def waiver(self, name: str, node: yaml.Node) -> Unpinned | None:
        if name not in WAIVABLE:
            self.problem(node, f"checks that can be waived are {', '.join(sorted(WAIVABLE))}")
        return self.unpinned(node, "a waiver")

    def texts(self, node: yaml.Node, name: str) -> frozenset[str]:
        found = [self.scalar(n, f"a value of {name}", _TEXT, "text") for n in self.items(node, name)]
        return frozenset(text for text in found if text is not None)

    def unpinned(self, node: yaml.Node, name: str = "unpinned") -> Unpinned | None:
        parts = self.mapping(node, name)
        if set(parts) != {"reason", "approved_by", "until"}:
            self.problem(node, f"{name} needs exactly reason, approved_by and until")
            return None
        reason = self.scalar(parts["reason"], "reason", _TEXT, "text")
        approver = self.scalar(parts["approved_by"], "approved_by", _TEXT, "a person's address")
        until = self.date(parts["until"])
        return Unpinned(reason, approver, until) if reason and approver and until else None

    def tees(self, node: yaml.Node) -> frozenset[str]:
        names = [self.scalar(n, "a tee", _NAME, "the name of a TEE") for n in self.items(node, "tees")]
        if any(n is not None and n not in MEASUREMENT_BYTES for n in names):
            self.problem(node, f"tees that can be verified are {', '.join(MEASUREMENT_BYTES)}")
        return frozenset(n for n in names if n in MEASUREMENT_BYTES and n is not None)

    def images(self, node: yaml.Node, tees: frozenset[str]) -> tuple[dict[bytes, str], dict[str, dict[str, bytes]]]:
        """Approved images: those with one measurement by it, those with several registers by name."""
        single: dict[bytes, str] = {}
        several: dict[str, dict[str, bytes]] = {}
        sizes = {MEASUREMENT_BYTES[t] for t in tees}
        several_only = bool(tees) and all(len(REQUIRED_REGISTERS[t]) > 1 for t in tees)
        for name, value in self.mapping(node, "measurements").items():
            if isinstance(value, yaml.MappingNode):
                several[name] = self.registers(value, tees)
            elif (digest := self.digest(value, sizes)) is not None:
                if several_only:
                    self.problem(value, f"an image of {', '.join(sorted(tees))} is named by its registers")
                elif digest in single:
                    self.problem(value, "this measurement is there twice")
                single[digest] = name
        return single, several

    def registers(self, node: yaml.Node, tees: frozenset[str]) -> dict[str, bytes]:
        out: dict[str, bytes] = {}
        for name, value in self.mapping(node, "registers").items():
            if (digest := self.digest(value, {20, 32, 48})) is not None:
                out[name] = digest
        for tee in tees:
            if missing := REQUIRED_REGISTERS[tee] - set(out):
                self.problem(node, f"an image of {tee} names at least {', '.join(sorted(missing))} too")
        return out

    def digest(self, node: yaml.Node, sizes: set[int]) -> bytes | None:
        text = self.scalar(node, "a measurement", _HEX, "lower-case hex")
        if text is not None and len(text) not in {2 * s for s in sizes}:
            self.problem(node, f"a measurement has {sorted(2 * s for s in sizes)} hex digits here")
            return None
        return bytes.fromhex(text) if text is not None else None

    def minimum(self, node: yaml.Node, tees: frozenset[str]) -> dict[str, int]:
        known = frozenset[str]().union(*(TCB_COMPONENTS[t] for t in tees))
        out: dict[str, int] = {}
        for name, value in self.mapping(node, "minimum_tcb").items():
            if name not in known:
                self.problem(value, f"a TCB component is one of {', '.join(sorted(known))}")
            elif (number := self.integer(value, "a TCB component", 255)) is not None:
                out[name] = number
        return out

    def date(self, node: yaml.Node) -> dt.date | None:
        text = self.scalar(node, "approved_until", _DATE, "a date like 2027-03-31")
        try:
            return dt.date.fromisoformat(text) if text is not None else None
        except ValueError:
            self.problem(node, "approved_until must be a date like 2027-03-31")
            return None

    def flag(self, node: yaml.Node) -> bool:
        return self.scalar(node, "allow_simulated", re.compile("true|false"), "true or false") == "true"
