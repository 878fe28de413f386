"""Stage two: the language model learns to read the vision features: captions, look-ups both ways, and questions.

Several sequences are trained per picture; the vision tower runs once and its features are handed to all of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wherewise.answers.coordinates import CODECS, claims_of, write_claims
from wherewise.samples import Sample, SceneGraph, answer_text


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question about a picture and the reply to learn."""

    prompt: str
    reply: str


def _with_focus(graph: SceneGraph, ids: Sequence[str]) -> SceneGraph:
    return SceneGraph(width=graph.width, height=graph.height, objects=graph.objects, focus=tuple(ids))


def caption_turn(graph: SceneGraph, rng: random.Random) -> Turn:
    """All objects in random order, so that every place must be looked up by name."""
    ids = [item.id for item in graph.objects]
    rng.shuffle(ids)
    claims = claims_of(_with_focus(graph, ids), CODECS["tenths"])
    return Turn(prompt="Describe the picture.", reply=f"<scene>{write_claims(claims)}</scene>")


def lookup_turn(graph: SceneGraph, rng: random.Random, strangers: Sequence[str] = ()) -> Turn:
    """Where one to three named objects are.

    Args:
        graph: What is in the picture; at least one object.
        rng: Random state.
        strangers: Names of things that are not in the picture; if any, half of the turns ask for one of them (reply
            ``none``) or for all objects of one category.
    """
    draw = rng.random() if strangers else 1.0
    if draw < 0.25:
        return Turn(prompt=f"Where is the {rng.choice(strangers)}?", reply="<scene>none</scene>")
    if draw < 0.5:
        category = dict(rng.choice(graph.objects).attributes)["category"]
        ids = [item.id for item in graph.objects if dict(item.attributes)["category"] == category]
        claims = claims_of(_with_focus(graph, ids), CODECS["tenths"])
        return Turn(prompt=f"Where are the {category}s?", reply=f"<scene>{write_claims(claims)}</scene>")
    ids = rng.sample([item.id for item in graph.objects], rng.randint(1, min(3, len(graph.objects))))
    claims = claims_of(_with_focus(graph, ids), CODECS["tenths"])
    names = " and ".join(f"the {claim.label}" for claim in claims)
    verb = "is" if len(claims) == 1 else "are"
    return Turn(prompt=f"Where {verb} {names}?", reply=f"<scene>{write_claims(claims)}</scene>")


class Layout(StrEnum):
    """Where a question finds the places written down."""

    BEFORE = "before"
    """All objects of the picture in random order, then the question."""
    AFTER = "after"
    """The question, then all objects in random order."""
    NAMED = "named"
    """The question, then only the objects that it rests on."""


def reading_turn(sample: Sample, rng: random.Random, layout: Layout = Layout.BEFORE) -> Turn:
    """A question with the places of its objects already written down: what is left is to compare them."""
    graph = sample.evidence
    assert isinstance(graph, SceneGraph)
    ids = list(graph.focus) if layout is Layout.NAMED else [item.id for item in graph.objects]
    if layout is not Layout.NAMED:
        rng.shuffle(ids)
    places = write_claims(claims_of(_with_focus(graph, ids), CODECS["tenths"]))
    reply = f"<answer>{answer_text(sample.answer)}</answer>"
    first, second = (places, sample.question) if layout is Layout.BEFORE else (sample.question, places)
    return Turn(prompt=f"{first}\n{second}", reply=reply)


def _template(processor: Any, picture: bool) -> tuple[str, str]:
    """The chat template's text before and after a prompt."""
    marker = "QUESTION"
    content = [{"type": "image"}] * picture + [{"type": "text", "text": marker}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    head, tail = text.split(marker)
    return head, tail


class TurnEncoder:
    """Turns text into token ids with the picture's placeholders in place. All pictures have the same size."""

    def __init__(self, processor: Any, image_tokens: int) -> None:
        self.tokenizer = processor.tokenizer
        self.image_tokens = image_tokens
        self.pad = self.tokenizer.pad_token_id
        self.end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")
        self.image = self.tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self.around = {picture: _template(processor, picture) for picture in (True, False)}

    def encode(self, turn: Turn, *, picture: bool = True) -> tuple[list[int], list[int]]:
        """Prompt ids (placeholders expanded) and reply ids (with the end token)."""
        ids: list[int] = []
        head, tail = self.around[picture]
        for token in self.tokenizer(head + turn.prompt + tail, add_special_tokens=False)["input_ids"]:
            ids.extend([token] * (self.image_tokens if token == self.image else 1))
        reply = self.tokenizer(turn.reply, add_special_tokens=False)["input_ids"]
        return ids, [*reply, self.end]

    def batch(self, turns: Sequence[Turn], *, picture: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """Right-padded ids, mask and labels (-100 on everything but the reply), each ``[N, L]``."""
        pairs = [self.encode(turn, picture=picture) for turn in turns]
        length = max(len(p) + len(r) for p, r in pairs)
        ids = torch.full((len(pairs), length), self.pad)
        labels = torch.full((len(pairs), length), -100)
        mask = torch.zeros((len(pairs), length), dtype=torch.long)
        for row, (prompt, reply) in enumerate(pairs):
            end = len(prompt) + len(reply)
            ids[row, :end] = torch.tensor(prompt + reply)
            labels[row, len(prompt) : end] = torch.tensor(reply)
            mask[row, :end] = 1
        return ids, mask, labels


def reply_loss(
    model: Any,
    features: Tensor,
    deepstack: Sequence[Tensor],
    grid: Tensor,
    batch: tuple[Tensor, Tensor, Tensor],
    turns: int,
) -> Tensor:
    """Cross-entropy of the replies.

    Args:
        model: The whole Qwen3-VL.
        features: ``[pictures, tokens, d]``.
        deepstack: The same shape for each DeepStack layer.
        grid: ``[pictures, 3]``.
        batch: Ids, mask, labels of ``pictures * turns`` sequences, the turns of a picture next to each other.
        turns: Sequences per picture.
    """
    ids, mask, labels = batch
    inner = model.model
    image = ids == model.config.image_token_id
    flat = features.repeat_interleave(turns, 0).flatten(0, 1)
    embeds = inner.get_input_embeddings()(ids).masked_scatter(image[..., None], flat)
    positions, _ = inner.get_rope_index(
        ids, image.long(), image_grid_thw=grid.repeat_interleave(turns, 0), attention_mask=mask
    )
    hidden = inner.language_model(
        inputs_embeds=embeds,
        attention_mask=mask,
        position_ids=positions,
        visual_pos_masks=image,
        deepstack_visual_embeds=[level.repeat_interleave(turns, 0).flatten(0, 1) for level in deepstack],
        use_cache=False,
    ).last_hidden_state
    known = labels[:, 1:] != -100
    logits = model.lm_head(hidden[:, :-1][known])
    return F.cross_entropy(logits, labels[:, 1:][known])


def text_logits(model: Any, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Logits ``[N, V]`` and labels ``[N]`` of the reply tokens of sequences without a picture."""
    ids, mask, labels = batch
    hidden = model.model.language_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    known = labels[:, 1:] != -100
    return model.lm_head(hidden[:, :-1][known]), labels[:, 1:][known]


def to_patches(pictures: Sequence[np.ndarray], patch: int, merge: int, temporal: int) -> Tensor:
    """Qwen's patch layout of equal-sized pictures: ``[N * patches, 3 * temporal * patch * patch]``, values -1..1."""
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    count, channels, height, width = x.shape
    rows, columns = height // patch // merge, width // patch // merge
    x = x.reshape(count, channels, rows, merge, patch, columns, merge, patch).permute(0, 2, 5, 3, 6, 1, 4, 7)
    x = x[:, :, :, :, :, :, None].expand(-1, -1, -1, -1, -1, -1, temporal, -1, -1)
    return x.reshape(count * rows * columns * merge * merge, channels * temporal * patch * patch)
