"""The student: a table of token parts, their sum as a token, and dilated convolutions over neighbours. PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network. It sees ``sum(dilations)`` tokens to each side and nothing farther."""

    rows: int
    labels: int
    table: int = 96
    width: int = 160
    inner: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 1)


class Block(nn.Module):
    """Three tokens at a distance -> the token in the middle."""

    def __init__(self, width: int, inner: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(3 * width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` is [texts, tokens, width]; ``mask`` is 0 beyond the end of a text."""
        h = self.norm(x) * mask
        d = self.dilation
        empty = h.new_zeros(h.shape[0], d, h.shape[2])
        before = torch.cat((empty, h[:, :-d]), 1) if h.shape[1] > d else torch.zeros_like(h)
        after = torch.cat((h[:, d:], empty), 1) if h.shape[1] > d else torch.zeros_like(h)
        return x + self.down(torch.relu(self.up(torch.cat((before, h, after), 2))))


class Student(nn.Module):
    """Token labels from rows of the table."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.table = nn.EmbeddingBag(shape.rows, shape.table, mode="sum", padding_idx=0, sparse=True)
        nn.init.normal_(self.table.weight, std=0.08)
        with torch.no_grad():
            self.table.weight[0] = 0
        self.gap = nn.Embedding(4, shape.width)
        self.enter = nn.Linear(shape.table, shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, shape.inner, d) for d in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)
        self.leave = nn.Linear(shape.width, shape.labels)
        self.drop = nn.Dropout(0.1)

    def forward(self, rows: Tensor, index: Tensor, gaps: Tensor, mask: Tensor) -> Tensor:
        """``rows`` [distinct, parts]; ``index``, ``gaps`` [texts, tokens]; ``mask`` [texts, tokens, 1] -> logits."""
        distinct = self.enter(self.table(rows))
        x = self.drop(distinct[index] + self.gap(gaps)) * mask
        for block in self.blocks:
            x = block(x, mask)
        logits: Tensor = self.leave(self.drop(self.norm(x)))
        return logits
