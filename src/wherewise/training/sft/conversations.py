"""What supervised fine-tuning learns from: one question and its reply, or several about the same media in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wherewise.answers.styles import render_prompt
from wherewise.models.inputs import (
    IGNORED_LABEL,
    EncodedPrompt,
    PromptBatch,
    collate_with_targets,
    encode_target,
    padding_id,
    vision_token_ids,
)
from wherewise.samples import Sample
from wherewise.samples.errors import InputError
from wherewise.training.data import Encoder


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Conversation:
    """A prompt with media, and what follows: replies, and between them further questions.

    Attributes:
        prompt: Media and the first question.
        ids: Tokens after the prompt [T].
        learnt: Which of them are a reply's, its end token included [T].
    """

    prompt: EncodedPrompt
    ids: tuple[int, ...]
    learnt: tuple[bool, ...]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return self.prompt.length + len(self.ids)

    @property
    def labels(self) -> int:
        """Tokens that are learnt."""
        return sum(self.learnt)


def conversations_of(samples: Sequence[Sample], turns: int) -> list[tuple[int, ...]]:
    """Indices of samples that make a conversation: up to `turns` of the same group and media, in their order.

    >>> conversations_of([], 4)
    []
    """
    if turns == 1:
        return [(i,) for i in range(len(samples))]
    found: list[list[int]] = []
    open_ones: dict[Any, list[int]] = {}
    for i, sample in enumerate(samples):
        key = (sample.group, sample.media)
        last = open_ones.get(key)
        if last is None or len(last) == turns:
            last = open_ones[key] = []
            found.append(last)
        last.append(i)
    return [tuple(indices) for indices in found]


def encode_conversation(encoder: Encoder, samples: Sequence[Sample]) -> Conversation:
    """Prompt, replies and further questions as the model's chat template lays them out.

    Args:
        encoder: Renders and encodes.
        samples: One a turn; their media are the same and stand in the first.

    Raises:
        ValueError: A text holds a control token, or a target cannot be rendered.
        InputError: The chat template cannot be continued after a reply.
    """
    prompt = encoder.encode(samples[0])
    ids: list[int] = []
    learnt: list[bool] = []
    for turn, sample in enumerate(samples):
        if turn:
            text = render_prompt(sample, encoder.prompt)
            encode_target(encoder.processor, text, sample_id=sample.id)  # refuses control tokens in the question
            between = next_turn_ids(encoder.processor, text)
            ids += between
            learnt += [False] * len(between)
        reply = encode_target(encoder.processor, encoder.target(sample, prompt), sample_id=sample.id)
        ids += reply
        learnt += [True] * len(reply)
    return Conversation(prompt=prompt, ids=tuple(ids), learnt=tuple(learnt))


def next_turn_ids(processor: Any, text: str) -> list[int]:
    """Tokens between a reply's end token and the next reply: the end of the turn, a question, and the reply's header.

    Raises:
        InputError: The template writes a reply otherwise than its start, its text and the end token.
    """

    def turn(role: str, said: str) -> dict[str, Any]:
        return {"role": role, "content": [{"type": "text", "text": said}]}

    def render(messages: list[dict[str, Any]]) -> str:
        return str(processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    start = render([turn("user", "q")]) + "r" + processor.tokenizer.eos_token
    whole = render([turn("user", "q"), turn("assistant", "r"), turn("user", text)])
    if not whole.startswith(start):
        raise InputError(
            "the model's chat template does not write a reply as its text and the end token: it cannot be trained on "
            "conversations; set `turns: 1`"
        )
    return list(processor.tokenizer(whole[len(start) :], add_special_tokens=False)["input_ids"])


def collate_conversations(
    conversations: Sequence[Conversation], processor: Any, device: torch.device | str = "cpu"
) -> tuple[PromptBatch, Tensor]:
    """A left-padded batch [B, L] and its labels [B, L]: the replies' tokens, `IGNORED_LABEL` elsewhere."""
    batch, labels = collate_with_targets(
        [c.prompt for c in conversations],
        [c.ids for c in conversations],
        pad_id=padding_id(processor),
        device=device,
        banned_ids=vision_token_ids(processor),
    )
    for row, conversation in enumerate(conversations):
        if not all(conversation.learnt):
            learnt = torch.tensor(conversation.learnt, device=labels.device)
            tail = labels[row, -len(conversation.ids) :]
            tail[~learnt] = IGNORED_LABEL
    return batch, labels


def micro_batches(lengths: Sequence[int], most: int, tokens: int | None, *, packed: bool = False) -> list[list[int]]:
    """Split a batch into backward passes.

    Args:
        lengths: Tokens of each item.
        most: Most items of a pass.
        tokens: Most tokens of a pass, padding included; items of like length go together then. None: any number, and
            the items stay in their order. An item that is longer by itself gets a pass of its own: nothing is cut.
        packed: Whether the items of a pass lie in one row, without padding.

    Returns:
        Indices of the items of each pass.

    >>> micro_batches([5, 90, 6, 80, 7], 4, None)
    [[0, 1, 2, 3], [4]]
    >>> micro_batches([5, 90, 6, 80, 7], 4, 100)
    [[1], [3], [4, 2, 0]]
    >>> micro_batches([5, 90, 6, 80, 7], 4, 100, packed=True)
    [[1], [3, 4, 2, 0]]
    """
    if tokens is None:
        return [list(range(start, min(start + most, len(lengths)))) for start in range(0, len(lengths), most)]
    passes: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        last = passes[-1] if passes else None
        if last is not None and len(last) < most:
            filled = sum(lengths[i] for i in last) if packed else len(last) * lengths[last[0]]
            if filled + (lengths[index] if packed else lengths[last[0]]) <= tokens:
                last.append(index)
                continue
        passes.append([index])
    return passes
