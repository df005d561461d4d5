"""The trained student as one int8 ONNX graph: int8 table with a scale per row, int8 products, exact float sums.

The scales of activations are fixed, from what training texts made of them, so that what a token is called depends on
its neighbours alone and never on what else stands in the same window.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.model import Student

ZERO = np.uint8(128)


class _Graph:
    def __init__(self, ranges: dict[int, float]) -> None:
        self.nodes: list[Any] = []
        self.held: list[Any] = []
        self.ranges = ranges

    def const(self, value: Any) -> str:
        name = f"c{len(self.held)}"
        self.held.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def small(self, x: str, layer: nn.Linear) -> str:
        """``x`` in 8 bits by the fixed scale of what ``layer`` reads; 0 is 128."""
        return self.op("QuantizeLinear", x, self.const(self._scale(layer)), self.const(ZERO))

    def product(self, small: str, layer: nn.Linear, out: str = "") -> str:
        """What :meth:`small` gave times weights in 8 bits with a scale per output, plus the bias.

        Weights in 7 bits and a sign: processors without instructions for it add two products in 16 bits and cut off what
        does not fit, so that one model would judge differently on different machines.
        """
        weight = layer.weight.detach().numpy().T.astype(np.float32)
        scales = np.maximum(np.abs(weight).max(0), 1e-8) / 63
        scale, zero, none = self.const(self._scale(layer)), self.const(ZERO), self.const(np.int8(0))
        whole = self.const(np.round(weight / scales).astype(np.int8))
        factors, bias = self.const(scales.astype(np.float32)), self.const(layer.bias.detach().numpy())
        args = (small, whole, scale, factors, zero, none, bias)
        return self.op("MatMulIntegerToFloat", *args, out=out, domain="com.microsoft")

    def linear(self, x: str, layer: nn.Linear, out: str = "") -> str:
        return self.product(self.small(x, layer), layer, out)

    def _scale(self, layer: nn.Linear) -> Any:
        return np.float32(self.ranges[id(layer)] / 127)

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        scale, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        return self.op("LayerNormalization", x, self.const(scale), self.const(bias), axis=-1, epsilon=1e-5)


def ranges(student: Student, batches: Iterable[tuple[torch.Tensor, ...]], count: int = 40) -> dict[int, float]:
    """Largest input that each linear layer sees, but for one value in ten thousand."""
    seen: dict[int, float] = {}

    def watch(layer: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        values = inputs[0].abs().flatten()[::7]
        high = float(torch.kthvalue(values, max(1, int(len(values) * 0.9999))).values)
        seen[id(layer)] = max(seen.get(id(layer), 0.0), high)

    hooks = [m.register_forward_hook(watch) for m in student.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for _, (rows, index, gaps, mask, _tags) in zip(range(count), batches, strict=False):
            student(rows, index, gaps, mask)
    for hook in hooks:
        hook.remove()
    return seen


def export(student: Student, seen: dict[int, float], file: Path) -> None:
    """Writes the graph. Its inputs: ``rows`` [distinct, parts], ``index`` and ``gaps`` [tokens]; output ``logits``."""
    g = _Graph(seen)
    table = student.table.weight.detach().numpy()
    scale = np.maximum(np.abs(table).max(1), 1e-8) / 127
    whole = g.const(np.round(table / scale[:, None]).astype(np.int8))
    rows = g.op("Cast", g.op("Gather", whole, "rows", axis=0), to=TensorProto.FLOAT)
    scales = g.op("Gather", g.const(scale.astype(np.float32)[:, None]), "rows", axis=0)
    summed = g.op("ReduceSum", g.op("Mul", rows, scales), g.const(np.array([1])), keepdims=0)
    distinct = g.linear(summed, student.enter)
    gap = g.op("Gather", g.const(student.gap.weight.detach().numpy()), "gaps", axis=0)
    x = g.op("Add", g.op("Gather", distinct, "index", axis=0), gap)
    first, last = g.const(np.array([0])), g.const(np.array([np.iinfo(np.int64).max]))
    for block in student.blocks:
        h, d = g.small(g.norm(x, block.norm), block.up), block.dilation  # in 8 bits before it is there three times
        padded = g.op("Pad", h, g.const(np.array([d, 0, d, 0])), g.const(ZERO))
        before = g.op("Slice", padded, first, g.const(np.array([-2 * d])), first)
        after = g.op("Slice", padded, g.const(np.array([2 * d])), last, first)
        near = g.op("Concat", before, h, after, axis=1)
        x = g.op("Add", x, g.linear(g.op("Relu", g.product(near, block.up)), block.down))
    g.linear(g.norm(x, student.norm), student.leave, out="logits")
    inputs = [
        helper.make_tensor_value_info("rows", TensorProto.INT32, ["distinct", "parts"]),
        helper.make_tensor_value_info("index", TensorProto.INT64, ["tokens"]),
        helper.make_tensor_value_info("gaps", TensorProto.INT64, ["tokens"]),
    ]
    output = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["tokens", student.shape.labels])]
    graph = helper.make_graph(g.nodes, "student", inputs, output, g.held)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
