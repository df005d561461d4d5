"""The trained encoder as one ONNX graph with int8 products: queries, keys and values of a layer in one of them.

Weights have 7 bits (``reduce_range``): sums of 8-bit products are cut off on processors without VNNI, and findings
would differ by the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

HEADS = 12


class _Graph:
    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = {name: value.float().numpy() for name, value in state.items()}
        self.nodes: list[Any] = []
        self.held: list[Any] = []

    def const(self, value: Any) -> str:
        name = f"c{len(self.held)}"
        self.held.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def rows(self, table: Any, at: str) -> str:
        """Rows of a table of 8 bits with a scale each: only those that are asked for become floats."""
        scales = np.maximum(np.abs(table).max(1, keepdims=True) / 127, 1e-9)
        small = np.rint(table / scales).astype(np.int8)
        held = self.op("Cast", self.op("Gather", self.const(small), at), to=TensorProto.FLOAT)
        return self.op("Mul", held, self.op("Gather", self.const(scales.astype(np.float32)), at))

    def linear(self, x: str, matrix: Any, bias: Any, out: str = "") -> str:
        return self.op("Add", self.op("MatMul", x, self.const(matrix)), self.const(bias), out=out)

    def norm(self, x: str, name: str) -> str:
        parts = (self.const(self.state[f"{name}.{w}"]) for w in ("weight", "bias"))
        return self.op("LayerNormalization", x, *parts, epsilon=1e-12)

    def dense(self, x: str, name: str, out: str = "") -> str:
        return self.linear(x, self.state[f"{name}.weight"].T, self.state[f"{name}.bias"], out)

    def layer(self, x: str, name: str) -> str:
        seen = self.attention(x, name)
        x = self.norm(self.op("Add", self.dense(seen, f"{name}.o"), x), f"{name}.n1")
        inner = self.dense(x, f"{name}.up")
        share = self.op("Erf", self.op("Div", inner, self.const(np.float32(2**0.5))))
        gelu = self.op("Mul", inner, self.op("Add", share, self.const(np.float32(1))))
        gelu = self.op("Mul", gelu, self.const(np.float32(0.5)))
        return self.norm(self.op("Add", self.dense(gelu, f"{name}.down"), x), f"{name}.n2")

    def attention(self, x: str, name: str) -> str:
        """One operator of ONNX Runtime (com.microsoft, 1), a sixth faster than its parts in the standard's operators."""
        matrices, biases = ([self.state[f"{name}.{p}.{part}"] for p in "qkv"] for part in ("weight", "bias"))
        all_ = self.linear(x, np.concatenate(matrices).T, np.concatenate(biases))
        parts = [f"{all_}.{p}" for p in "qkv"]
        self.nodes.append(helper.make_node("Split", [all_], parts, name=f"{all_}.split", axis=-1, num_outputs=3))
        return self.op("MultiHeadAttention", *parts, domain="com.microsoft", num_heads=HEADS)


def export(state: Mapping[str, Any], target: Path) -> None:
    """Writes ``ids [batch, pieces] int64, marks [batch, pieces, MARKS] float`` to ``logits``: every piece counts, so the
    texts of a batch must be of one length."""
    g = _Graph(state)
    first = g.const(np.array([0], np.int64))
    size = g.op("Shape", "ids", start=1, end=2)
    places = g.op("Slice", g.const(g.state["pos.weight"] + g.state["typ.weight"][0]), first, size, first)
    x = g.op("Add", g.rows(g.state["word.weight"], "ids"), places)
    x = g.norm(g.op("Add", x, g.op("MatMul", "marks", g.const(g.state["feat.weight"].T))), "n0")
    for number in range(sum(name.endswith(".q.bias") for name in g.state)):
        x = g.layer(x, f"layers.{number}")
    g.dense(x, "head", out="logits")
    value = helper.make_tensor_value_info
    inputs = [
        value("ids", TensorProto.INT64, ["batch", "pieces"]),
        value("marks", TensorProto.FLOAT, ["batch", "pieces", g.state["feat.weight"].shape[1]]),
    ]
    outputs = [value("logits", TensorProto.FLOAT, ["batch", "pieces", len(g.state["head.bias"])])]
    graph = helper.make_graph(g.nodes, "encoder", inputs, outputs, g.held)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)], ir_version=9
    )
    onnx.checker.check_model(model)
    whole = target.with_name("fp32.onnx")
    onnx.save(model, str(whole))
    quantize_dynamic(
        str(whole), str(target), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
        op_types_to_quantize=["MatMul"], extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )  # fmt: skip
    whole.unlink()
