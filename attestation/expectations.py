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
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import yaml

from attestation.types import AttestationError, Expectations

MAX_FILE_BYTES = 64 * 1024
MEASUREMENT_BYTES: Mapping[str, int] = {"sev-snp": 48}
"""TEE that can be verified -> bytes of its measurement."""
TCB_COMPONENTS: Mapping[str, frozenset[str]] = {"sev-snp": frozenset({"fmc", "bootloader", "tee", "snp", "microcode"})}
_REQUIRED = ("name", "tees", "measurements", "minimum_tcb", "approved_by", "approved_until")
_OPTIONAL = ("allow_simulated", "vmpl")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_HEX = re.compile(r"[0-9a-f]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"\d{1,3}")


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
    want = reader.expectations(fields)
    if want is None or reader.problems:
        raise BadExpectations(tuple(reader.problems))
    return want


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
        measurements = self.measurements(fields["measurements"], tees)
        minimum = self.minimum(fields["minimum_tcb"], tees)
        simulated = self.flag(fields["allow_simulated"]) if "allow_simulated" in fields else False
        if name is None or approver is None or until is None:
            return None
        vmpl = frozenset(level for level in levels if level is not None)
        return Expectations(name, tees, measurements, minimum, approver.strip(), until, simulated, vmpl)

    def tees(self, node: yaml.Node) -> frozenset[str]:
        names = [self.scalar(n, "a tee", _NAME, "the name of a TEE") for n in self.items(node, "tees")]
        if any(n is not None and n not in MEASUREMENT_BYTES for n in names):
            self.problem(node, f"tees that can be verified are {', '.join(MEASUREMENT_BYTES)}")
        return frozenset(n for n in names if n in MEASUREMENT_BYTES and n is not None)

    def measurements(self, node: yaml.Node, tees: frozenset[str]) -> dict[bytes, str]:
        out: dict[bytes, str] = {}
        sizes = {2 * MEASUREMENT_BYTES[t] for t in tees}
        for name, value in self.mapping(node, "measurements").items():
            digest = self.scalar(value, "a measurement", _HEX, "lower-case hex")
            if digest is not None and len(digest) not in sizes:
                self.problem(value, f"a measurement has {sorted(sizes)} hex digits here")
            elif digest is not None and bytes.fromhex(digest) in out:
                self.problem(value, "this measurement is there twice")
            elif digest is not None:
                out[bytes.fromhex(digest)] = name
        return out

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
