"""Stage one: every visual token learns to say what fills it, in the language model's own words.

The merged vision features are classified by the (normalised) token embeddings of the colour, category and digit words,
so that the language model later finds features that already point at its vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def word_ids(tokenizer: object, words: Sequence[str], *, space: bool) -> Tensor:
    """Token id of each word (with a leading space if `space`). Raises ValueError if a word is not one token."""
    ids = []
    for word in words:
        pieces = tokenizer((" " if space else "") + word, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        if len(pieces) != 1:
            raise ValueError(f"{word!r} is {len(pieces)} tokens; the vocabulary must hold it as one")
        ids.append(pieces[0])
    return torch.tensor(ids)


def sincos_positions_(table: nn.Parameter, amplitude: float = 0.5) -> None:
    """Fills a learned ``[n * n, d]`` position table with 2-D sines and cosines."""
    side, width = math.isqrt(table.shape[0]), table.shape[1]
    frequency = 3.0 / (30 ** (torch.arange(width // 4) / (width // 4)))
    angle = torch.arange(side).float()[:, None] / side * 2 * math.pi * frequency
    wave = torch.cat([angle.sin(), angle.cos()], 1) * amplitude
    rows, columns = wave[:, None].expand(side, side, -1), wave[None].expand(side, side, -1)
    with torch.no_grad():
        table.copy_(torch.cat([rows, columns], -1).reshape(side * side, width))


class TokenHeads(nn.Module):
    """Reads category, colour, position and distance off each merged vision feature."""

    def __init__(self, width: int, embedding: nn.Parameter, words: dict[str, Tensor]) -> None:
        super().__init__()
        self.embedding = embedding
        self.words = words
        self.maps = nn.ModuleDict({k: nn.Linear(width, width, bias=False) for k in ("x", "y", "distance")})
        for m in self.maps.values():
            nn.init.eye_(m.weight)  # type: ignore[arg-type]
        self.object = nn.Linear(width, 1)
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, features: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Loss and accuracies. `features` ``[N, d]``, `targets` ``[N, 5]`` (-1 = unknown)."""
        filled = targets[:, 0].ge(0) | targets[:, 1].ge(0)
        loss = 3.0 * F.binary_cross_entropy_with_logits(self.object(features)[:, 0], filled.float())
        report: dict[str, float] = {}
        inside, truth = features[filled], targets[filled].long()
        for column, name in enumerate(("category", "color", "x", "y", "distance")):
            mapped = self.maps[name](inside) if name in self.maps else inside
            words = self.words["digit" if column >= 2 else name]
            logits = self.scale * F.normalize(mapped, dim=-1) @ F.normalize(self.embedding[words], dim=-1).T
            known = truth[:, column].ge(0)
            if known.any():
                loss = loss + F.cross_entropy(logits[known], truth[known, column])
                report[name] = (logits[known].argmax(-1) == truth[known, column]).float().mean().item()
        return loss, report
