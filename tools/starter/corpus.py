"""The starter's vocabulary: a small byte-level BPE of Qwen's kind, trained on the words that it will meet, then frozen.

Frozen, because a retrained tokenizer would renumber the ids and make the shipped weights nonsense.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from wherewise.models.tiny import build_tokenizer
from wherewise.scenes.simulate.furniture import load_catalogue

CATEGORIES = (
    "chair",
    "table",
    "sofa",
    "bed",
    "bookcase",
    "fridge",
    "plant",
    "piano",
    "toilet",
    "ball",
    "barrel",
    "guitar",
)
"""Furniture that the starter can name: one token each."""

COLORS = ("red", "green", "blue", "yellow", "orange", "purple", "black", "white")
"""Colours that the starter can name: one token each."""

SENTENCES = (
    "Is there a {a} in the picture?",
    "Is there an {a} in the picture?",
    "How many {c}s are there in the picture?",
    "How many {c}s can you see?",
    "Is the {a} to the left or to the right of the {b}?",
    "Is the {a} above or below the {b} in the picture?",
    "Is the {a} in front of or behind the {b}?",
    "Which is closer to the camera, the {a} or the {b}?",
    "Which is farther from the camera, the {a} or the {b}?",
    "Which is closer to the {d}, the {a} or the {b}?",
    "Which is farther from the {d}, the {a} or the {b}?",
    "Which is larger, the {a} or the {b}?",
    "Which is smaller, the {a} or the {b}?",
    "Which appears first in the video, the {a} or the {b}?",
    "Which appears last in the video, the {a} or the {b}?",
    "Where is the {a}?",
    "Describe the picture.",
    "The {a} is further left in the picture than the {b}.",
    "The {a} is nearer to the camera and hides a part of the {b}.",
    "left right above below in front of behind closer farther larger smaller yes no none first last before after",
    "Think first, then answer. Answer with the option's letter only. Select from the following choices. "
    "(A) (B) (C) (D)",
    "Reason inside, then write the answer: a number, a word or a short phrase. One of the options, word for word.",
    "{a} (3,5,4); {b} (7,2,9); {d} (0,1,6)",
)


def sentences(seed: int, count: int) -> Iterator[str]:
    """Text to train the vocabulary on; known words come often, with and without a space before them."""
    rng = random.Random(seed)
    others = [word for word in load_catalogue().categories() if word not in CATEGORIES]
    for _ in range(count):
        names = [f"{rng.choice(COLORS)} {rng.choice(CATEGORIES)}" for _ in range(3)]
        if rng.random() < 0.1:
            names[0] = rng.choice(others)
        text = rng.choice(SENTENCES).format(a=names[0], b=names[1], d=names[2], c=rng.choice(CATEGORIES))
        yield text
        yield f"<answer>{rng.choice(COLORS)} {rng.choice(CATEGORIES)}</answer>"


def make_tokenizer(folder: Path) -> Any:
    """The frozen tokenizer in `folder`, or a new one if there is none."""
    if (folder / "tokenizer.json").exists():
        return AutoTokenizer.from_pretrained(folder)
    return build_tokenizer(list(sentences(0, 6000)), vocab_size=1024)
