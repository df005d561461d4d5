"""How the detectors run ONNX graphs: on the processor, in so many threads, none of which waits by spinning; and what
comes of a graph that computes nonsense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from redaction.types import DetectorFailed


def session(model: bytes, threads: int, *, without: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """``without``: optimizers of ONNX Runtime that are switched off."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without)
    )


def finite(scores: Any, detector: str) -> Any:
    """``scores``, all of them numbers. Raises DetectorFailed (``numbers``): NaN is above no threshold, so a model that
    says it would call every text clean."""
    if not np.isfinite(scores).all():
        raise DetectorFailed(detector, "numbers")
    return scores
