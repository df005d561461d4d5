"""How the detectors run ONNX graphs: on the processor, in so many threads, none of which waits by spinning."""

from __future__ import annotations

from collections.abc import Sequence

import onnxruntime


def session(model: bytes, threads: int, *, without: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """``without``: optimizers of ONNX Runtime that are switched off."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without)
    )
