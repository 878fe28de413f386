"""How alike two labels are: exactly equal, by shared words, or by embeddings; one interface, cached and batched."""

from __future__ import annotations

import importlib
import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from wherewise.answers.normal import normalise
from wherewise.answers.overlap import set_f1
from wherewise.rewards.minilm import MiniLM
from wherewise.samples.errors import InputError

Matrix = npt.NDArray[np.float64]

SimilarityName = Literal["exact", "words", "embedding"]
"""Names of the similarities in configs."""

MINILM = "minilm"
"""The packaged all-MiniLM-L6-v2, run in numpy."""

KEPT = 200_000
"""Embeddings kept in memory (300 MB of MiniLM's)."""

MAX_CHARS = 2_000
"""Labels are cut to this many characters before they are compared."""


class LabelSimilarity(Protocol):
    """Compares labels. Pure: the same labels give the same numbers, whatever was asked before."""

    def matrix(self, first: Sequence[str], second: Sequence[str]) -> Matrix:
        """Similarities in [0, 1], shape ``(len(first), len(second))``."""
        ...

    def prepare(self, labels: Sequence[str]) -> None:
        """Do the slow part for many labels at once; calling it changes no result."""
        ...


def clean_label(label: str) -> str:
    """A label as it is compared: underscores are spaces, then `normalise`.

    >>> clean_label("The red_Chair")
    'red chair'
    """
    return normalise(label[:MAX_CHARS].replace("_", " "))


@dataclass(frozen=True, slots=True)
class ExactSimilarity:
    """1 if both labels have the same normal form (and it isn't empty), else 0."""

    def prepare(self, labels: Sequence[str]) -> None:
        """Nothing is slow here."""

    def matrix(self, first: Sequence[str], second: Sequence[str]) -> Matrix:
        """Zeros and ones.

        >>> ExactSimilarity().matrix(["Red_chair", "lamp"], ["the red chair"]).tolist()
        [[1.0], [0.0]]
        """
        a, b = [clean_label(label) for label in first], [clean_label(label) for label in second]
        equal = [[float(x == y and bool(x)) for y in b] for x in a]
        return np.array(equal, dtype=np.float64).reshape(len(a), len(b))


@dataclass(frozen=True, slots=True)
class WordSimilarity:
    """F1 of the two sets of words: free, and enough where both sides describe an event in the same words."""

    def prepare(self, labels: Sequence[str]) -> None:
        """Nothing is slow here."""

    def matrix(self, first: Sequence[str], second: Sequence[str]) -> Matrix:
        """Word-set F1 of all pairs; 0 where a label has no words.

        >>> WordSimilarity().matrix(["a red chair"], ["chair", "lamp"]).round(3).tolist()
        [[0.667, 0.0]]
        """
        a, b = [clean_label(label) for label in first], [clean_label(label) for label in second]
        shared = [[set_f1(x, y) if x and y else 0.0 for y in b] for x in a]
        return np.array(shared, dtype=np.float64).reshape(len(a), len(b))


Encode = Callable[[list[str]], npt.NDArray[np.floating[Any]]]
"""Texts to one embedding each, ``(n, d)``."""


@dataclass(slots=True)
class EmbeddingSimilarity:
    """Cosine of embeddings, clipped at 0; 1 for labels with the same normal form, 0 for an empty label.

    Every label is embedded once; the unseen labels of one call are embedded in one batch. The most recently used `KEPT`
    embeddings stay in memory.

    Attributes:
        encode: The embedding model; called with normalised, distinct, non-empty labels.
        calls: How often it was called.
        encoded: How many labels it was given.
    """

    encode: Encode
    calls: int = 0
    encoded: int = 0
    _kept: OrderedDict[str, npt.NDArray[np.float32]] = field(default_factory=OrderedDict, repr=False)

    def prepare(self, labels: Sequence[str]) -> None:
        """Embed all labels that are not known yet, in one call."""
        self._embed([clean_label(label) for label in labels])

    def matrix(self, first: Sequence[str], second: Sequence[str]) -> Matrix:
        """Cosines of all pairs, clipped to [0, 1]."""
        a, b = [clean_label(label) for label in first], [clean_label(label) for label in second]
        if not a or not b:
            return np.zeros((len(a), len(b)))
        vectors = self._embed([*a, *b])
        left = np.stack([vectors[label] for label in a])
        right = np.stack([vectors[label] for label in b])
        # Sums of products pair by pair: a BLAS product's bits would depend on the matrices' shapes.
        cosines = np.clip(np.einsum("id,jd->ij", left, right, dtype=np.float64, optimize=False), 0.0, 1.0)
        equal = np.array([[bool(x) and x == y for y in b] for x in a])
        real = np.array([bool(x) for x in a])[:, None] & np.array([bool(y) for y in b])[None, :]
        result: Matrix = np.where(equal, 1.0, np.where(real, cosines, 0.0))
        return result

    def forget(self) -> None:
        """Empty the cache."""
        self._kept.clear()

    def _embed(self, labels: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        wanted = dict.fromkeys(labels)
        unseen = [label for label in wanted if label and label not in self._kept]
        found: dict[str, npt.NDArray[np.float32]] = {}
        if unseen:
            raw = np.asarray(self.encode(unseen), dtype=np.float32)
            if raw.ndim != 2 or len(raw) != len(unseen) or not np.isfinite(raw).all():
                raise InputError(
                    f"the embedding model returned shape {raw.shape} for {len(unseen)} labels; "
                    "expected one finite row each"
                )
            lengths = np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
            found.update(zip(unseen, raw / lengths, strict=True))
            self.calls, self.encoded = self.calls + 1, self.encoded + len(unseen)
        for label in wanted:
            if label in self._kept:
                self._kept.move_to_end(label)
                found[label] = self._kept[label]
        nothing = np.zeros(len(next(iter(found.values()))) if found else 1, dtype=np.float32)
        for label in unseen:
            self._kept[label] = found[label]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found | {label: nothing for label in wanted if not label}


def _sentence_transformer(name: str) -> Encode:
    if importlib.util.find_spec("sentence_transformers") is None:
        raise InputError(
            f"the embedding model {name!r} needs sentence-transformers: pip install sentence-transformers, "
            f"or use the model {MINILM!r}, which needs no torch"
        )
    model = importlib.import_module("sentence_transformers").SentenceTransformer(name, device="cpu")

    def encode(texts: list[str]) -> npt.NDArray[np.floating[Any]]:
        return np.asarray(model.encode(texts, show_progress_bar=False), dtype=np.float32)

    return encode


def embedding_similarity(model: str = MINILM) -> EmbeddingSimilarity:
    """The embedding similarity of one model; one instance a process, so that all rewards share its cache.

    Args:
        model: ``minilm``, or another name or folder, which sentence-transformers loads.

    Raises:
        InputError: What the model needs is not installed.
    """
    return _shared(model)


@cache
def _shared(model: str) -> EmbeddingSimilarity:
    return EmbeddingSimilarity(encode=MiniLM.load().encode if model == MINILM else _sentence_transformer(model))


def label_similarity(name: SimilarityName, model: str = MINILM) -> LabelSimilarity:
    """The similarity that a config names; nothing is loaded before the first comparison of ``embedding``.

    >>> label_similarity("exact")
    ExactSimilarity()
    """
    match name:
        case "exact":
            return ExactSimilarity()
        case "words":
            return WordSimilarity()
        case "embedding":
            return embedding_similarity(model)
