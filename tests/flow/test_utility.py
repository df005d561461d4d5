"""A real local model behind the gate answers as it would without: a floor under ``python -m benchmarks.utility``.

Questions, stand-ins and sampling are fixed. What differs is the machine's arithmetic, so the floor is well below what
was measured (docs/evidence.md).
"""

from __future__ import annotations

import pytest
from model_support import models_or_skip

from benchmarks.utility import kept, measure

FLOOR = 0.3
"""Of the right answers, the share that stays right with realistic stand-ins."""


async def test_most_right_answers_stay_right_behind_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    models = models_or_skip("smollm2", "rampart", "spacy-en")
    monkeypatch.setenv("SEALGATE_MODELS", str(models))
    outcomes = await measure(6, "realistic")
    assert all(o.redacted for o in outcomes), "a question went out as it was"
    assert sum(o.plain for o in outcomes) >= 12, "the model alone answers too little for a comparison"
    assert kept(outcomes) >= FLOOR
