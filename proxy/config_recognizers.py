"""The ``recognizers`` section of ``sealgate.yaml``: whose code, with what, and how much it may cost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from policies.detect import LABEL
from policies.yaml_strict import Path as At
from policies.yaml_strict import Reader
from proxy.settings import RecognizerConfig

AT: At = ("recognizers",)
KEYS = {
    "name", "module", "path", "kwargs", "languages", "entities", "timeout", "tokens", "memory_mb", "min_score",
}  # fmt: skip
MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
LANGUAGE = re.compile(r"[a-z]{2,3}")
ENTITY = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,63}")
MOST = 16
"""Each is a process beside every inspection process."""


def read_recognizers(r: Reader, base: Path) -> tuple[RecognizerConfig, ...]:
    """Problems go to ``r``; paths are relative to ``base``."""
    items = r.get(AT)
    if not r.has(AT):
        return ()
    if not isinstance(items, list) or not 0 < len(items) <= MOST:
        r.problem(AT, f"must be a list of 1 to {MOST} recognizers")
        return ()
    made = tuple(_one(r, (*AT, i), base) for i in range(len(items)))
    names = [m.name for m in made]
    for name in sorted({n for n in names if names.count(n) > 1}):
        r.problem(AT, f"two recognizers are named '{name}'")
    return made


def _one(r: Reader, at: At, base: Path) -> RecognizerConfig:
    entry = r.mapping(at, KEYS, ("module", "entities"))
    module = r.text((*at, "module"))
    if module and not MODULE.fullmatch(module):
        r.problem((*at, "module"), "must be MODULE:CLASS, such as acme.recognizers:BadgeRecognizer")
    name = r.text((*at, "name"), module.partition(":")[2])
    if name and not NAME.fullmatch(name):
        r.problem((*at, "name"), "a name has 1 to 40 letters, digits, '_' or '-'")
    languages = r.texts((*at, "languages"))
    if not all(map(LANGUAGE.fullmatch, languages)):
        r.problem((*at, "languages"), "a language has two or three small letters, such as en")
    return RecognizerConfig(
        name=name,
        module=module,
        path=str((base / r.text((*at, "path"))).absolute()) if "path" in entry else "",
        kwargs=_kwargs(r, (*at, "kwargs")),
        languages=languages,
        entities=_entities(r, (*at, "entities")),
        timeout_s=r.seconds((*at, "timeout"), 2.0),
        tokens=r.integer((*at, "tokens"), 20_000, 1, 1_000_000),
        memory_mb=r.integer((*at, "memory_mb"), 1536, 256, 65_536),
        min_score=r.number((*at, "min_score"), 0.35, 0.0, 1.0),
    )


def _kwargs(r: Reader, at: At) -> dict[str, Any]:
    value = r.mapping(at, None) if r.has(at) else {}
    for name in value:
        if not name.isidentifier() or name == "supported_language":
            r.problem((*at, name), "is no argument here; for the language there is 'languages'")
    return value


def _entities(r: Reader, at: At) -> dict[str, str]:
    """Entities that it gives, and the label of each: a list where they are the same."""
    value = r.get(at)
    pairs = {k: r.text((*at, k)) for k in value} if isinstance(value, dict) else {n: n for n in r.texts(at)}
    if not pairs and r.has(at):
        r.problem(at, "must name an entity")
    for entity, label in pairs.items():
        if not ENTITY.fullmatch(entity):
            r.problem(at, "an entity has letters, digits, '_' or '-'")
        elif label and not LABEL.fullmatch(label):
            r.problem(at, f"'{label}' is no label; write {{{entity}: LABEL}} with capitals, digits or '_'")
    return pairs
