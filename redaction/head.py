"""The classifier's head: a small linear layer over sentence embeddings, with its thresholds, as reviewable JSON.

The head is trained by ``sealgate models train`` and committed as ``redaction/data/head.json``; the installer
grafts it onto the encoder. This module reads the one file it is given and computes nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HEAD_FILE = Path(__file__).with_name("data") / "head.json"


@dataclass(frozen=True, slots=True)
class Head:
    """``weights`` is classes x width, ``bias`` is classes; softmax scores above ``thresholds`` are reported."""

    classes: tuple[str, ...]
    weights: Any
    bias: Any
    thresholds: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """One line per class, so that a change can be reviewed."""
        rows = [
            json.dumps(
                {
                    "class": name,
                    "threshold": self.thresholds[name],
                    "bias": round(float(self.bias[index]), 5),
                    "weights": [round(float(value), 5) for value in self.weights[index]],
                }
            )
            for index, name in enumerate(self.classes)
        ]
        about = json.dumps(dict(self.about), sort_keys=True)
        body = ",\n  ".join(rows)
        return f'{{"format": 1,\n "about": {about},\n "classes": [\n  {body}\n]}}\n'.encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON form, in hex."""
        return hashlib.sha256(self.to_json()).hexdigest()


def load_head(path: Path = HEAD_FILE) -> Head:
    """Reads a head. Raises OSError, KeyError or ValueError when the file is missing or not a head."""
    raw = json.loads(path.read_bytes())
    if raw["format"] != 1 or not raw["classes"]:
        raise ValueError("not a head of format 1")
    rows = raw["classes"]
    return Head(
        classes=tuple(row["class"] for row in rows),
        weights=np.array([row["weights"] for row in rows], np.float32),
        bias=np.array([row["bias"] for row in rows], np.float32),
        thresholds={row["class"]: float(row["threshold"]) for row in rows},
        about=raw["about"],
    )
