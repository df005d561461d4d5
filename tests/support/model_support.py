"""Where tests find the local models: SEALGATE_MODELS, else var/models of this checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def models_or_skip(*names: str) -> Path:
    """The models folder, when every named bundle is there; otherwise the test is skipped with the reason."""
    folder = Path(os.environ.get("SEALGATE_MODELS") or ROOT / "var" / "models")
    for name in names:
        if not (folder / name / "manifest.json").is_file():
            pytest.skip(f"local model {name} is not installed in {folder}; run `sealgate models install`")
    return folder
