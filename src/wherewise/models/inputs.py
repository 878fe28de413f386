"""From a question and its pictures to the tensors a model reads.

`encode_prompt` runs the processor once per prompt and checks that every placeholder token has a vision feature. Batches
of encoded prompts are in `wherewise.models.batch`, re-exported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol, cast

import numpy as np
import PIL.Image
import torch

from wherewise.models.batch import IGNORED_LABEL, EncodedPrompt, PromptBatch, collate, collate_with_targets

__all__ = [
    "IGNORED_LABEL",
    "Clip",
    "EncodedPrompt",
    "PromptBatch",
    "collate",
    "collate_with_targets",
    "encode_prompt",
    "encode_target",
    "end_token_ids",
    "padding_id",
    "prompt_messages",
    "vision_token_ids",
]

_VISION_TOKENS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
_TILE_TOKENS = (
    *("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<video>"),
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    *("<IMG_CONTEXT>", "<img>", "</img>"),
)
_TILE_OUTPUTS = {"pixel_values", "pixel_attention_mask", "image_sizes", "batch_num_images"}
_KNOWN_OUTPUTS = {
    "input_ids",
    "attention_mask",
    "mm_token_type_ids",
    "pixel_values",
    "image_grid_thw",
    "pixel_values_videos",
    "video_grid_thw",
    "second_per_grid_ts",
}
_TIME_BASE = 1000  # frame times are handed to the processor as whole milliseconds


class Clip(Protocol):
    """Decoded frames of a video, as `wherewise.media.video.Frames` holds them."""

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """Frames, uint8 RGB [T, H, W, 3]."""

    @property
    def times(self) -> Sequence[float]:
        """Time of each frame in seconds from the start of the file [T]."""


def vision_token_ids(processor: Any) -> tuple[int, ...]:
    """Ids that stand for vision in the prompt (placeholders, start, end): never sampled, never labels.

    A sampled placeholder makes the next forward look for picture features that do not exist.

    Args:
        processor: A Hugging Face multimodal processor.

    Returns:
        Sorted ids.

    Raises:
        ValueError: The processor knows no vision token.
    """
    vocabulary = processor.tokenizer.get_vocab()
    found = {vocabulary[token] for token in (*_VISION_TOKENS, *_TILE_TOKENS) if token in vocabulary}
    for name in ("image_token_id", "video_token_id"):
        value = getattr(processor, name, None)
        if isinstance(value, int):
            found.add(value)
    if not found:
        raise ValueError(f"{type(processor).__name__} has no vision tokens: is it the processor of a vision model?")
    return tuple(sorted(found))


def end_token_ids(processor: Any) -> tuple[int, ...]:
    """Ids that end an answer: the tokenizer's end-of-sequence token and ``<|im_end|>`` where it exists."""
    tokenizer = processor.tokenizer
    found = {tokenizer.eos_token_id}
    if "<|im_end|>" in tokenizer.get_vocab():
        found.add(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    return tuple(sorted(token for token in found if token is not None))


def padding_id(processor: Any) -> int:
    """Id that fills short rows.

    Raises:
        ValueError: The tokenizer has no padding token.
    """
    pad = processor.tokenizer.pad_token_id
    if pad is None:
        raise ValueError("the tokenizer has no padding token; set `processor.tokenizer.pad_token`")
    return int(pad)


def prompt_messages(
    text: str, media: Sequence[PIL.Image.Image | Clip], *, system: str | None = None
) -> list[dict[str, Any]]:
    """The chat messages of one prompt: an optional system turn, then pictures and clips before the question."""
    parts: list[dict[str, Any]] = [
        {"type": "image"} if isinstance(item, PIL.Image.Image) else {"type": "video"} for item in media
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": system}]})
    return messages


def encode_prompt(
    processor: Any,
    text: str,
    media: Sequence[PIL.Image.Image | Clip],
    *,
    sample_id: str,
    system: str | None = None,
) -> EncodedPrompt:
    """Run the processor on one prompt.

    Args:
        processor: A Hugging Face multimodal processor with a chat template.
        text: The question with its instruction, as the user says it. May not hold control tokens.
        media: Pictures and clips in order; they come before the text.
        sample_id: Named in errors.
        system: Text of a system turn, if any.

    Returns:
        The tensors of this prompt, on the CPU.

    Raises:
        ValueError: Control tokens in the text, a clip of fewer than two frames, placeholders without features.
    """
    _refuse_control_tokens(processor, text, sample_id)
    if system is not None:
        _refuse_control_tokens(processor, system, sample_id)
    rendered = processor.apply_chat_template(
        prompt_messages(text, media, system=system), tokenize=False, add_generation_prompt=True
    )
    images = [item.convert("RGB") for item in media if isinstance(item, PIL.Image.Image)]
    clips = [item for item in media if not isinstance(item, PIL.Image.Image)]
    arguments: dict[str, Any] = {"text": [rendered], "return_tensors": "pt"}
    grids = hasattr(processor.image_processor, "merge_size")
    if images:
        arguments["images"] = images if grids else [images]
    if clips and not grids:
        raise ValueError(
            f"sample {sample_id!r}: {type(processor).__name__} gets no clips from wherewise; use a Qwen-VL model, "
            "or give frames as images"
        )
    if clips:
        arguments["videos"] = [_frames(clip, sample_id) for clip in clips]
        arguments["videos_kwargs"] = {
            "do_sample_frames": False,
            "video_metadata": [clip_metadata(clip, sample_id) for clip in clips],
        }
    outputs = dict(processor(**arguments))
    outputs.pop("video_metadata", None)
    known = _KNOWN_OUTPUTS if grids else _TILE_OUTPUTS | {"input_ids", "attention_mask", "mm_token_type_ids"}
    if unknown := sorted(set(outputs) - known):
        raise ValueError(
            f"sample {sample_id!r}: {type(processor).__name__} returns {', '.join(unknown)}, which wherewise does not "
            "carry; use a model of one of the families in wherewise.models.families"
        )
    ids = outputs["input_ids"][0]
    if not grids:
        return _tiled(processor, outputs, len(images), sample_id)
    kinds = outputs.get("mm_token_type_ids")
    seconds = outputs.get("second_per_grid_ts")
    prompt = EncodedPrompt(
        sample_id=sample_id,
        input_ids=ids.long(),
        mm_token_type_ids=torch.zeros_like(ids) if kinds is None else torch.as_tensor(kinds)[0].long(),
        pixel_values=outputs.get("pixel_values"),
        image_grid_thw=outputs.get("image_grid_thw"),
        pixel_values_videos=outputs.get("pixel_values_videos"),
        video_grid_thw=outputs.get("video_grid_thw"),
        second_per_grid_ts=None if seconds is None else torch.as_tensor(seconds, dtype=torch.float32),
    )
    _check_counts(processor, prompt, len(images), len(clips))
    return prompt


def _tiled(processor: Any, outputs: dict[str, Any], images: int, sample_id: str) -> EncodedPrompt:
    """The prompt of a family that cuts pictures into tiles."""
    ids = outputs["input_ids"][0].long()
    places = (ids == processor.image_token_id).long()
    if bool(places.any()) != bool(images):
        raise ValueError(
            f"sample {sample_id!r}: {images} images given, {int(places.sum())} placeholder tokens in the prompt; "
            "the chat template dropped them"
        )
    tiles = {name: torch.as_tensor(outputs[name]) for name in sorted(_TILE_OUTPUTS & set(outputs))}
    return EncodedPrompt(sample_id=sample_id, input_ids=ids, mm_token_type_ids=places, tiles=tiles, images=images)


def encode_target(processor: Any, text: str, *, sample_id: str) -> list[int]:
    """Token ids of an assistant turn to learn, its end token included.

    Raises:
        ValueError: The text holds a control token.
    """
    _refuse_control_tokens(processor, text, sample_id)
    ids = list(processor.tokenizer(text, add_special_tokens=False)["input_ids"])
    return [*ids, int(processor.tokenizer.eos_token_id)]


def _refuse_control_tokens(processor: Any, text: str, sample_id: str) -> None:
    found = [token for token in processor.tokenizer.all_special_tokens if token and token in text]
    if found:
        raise ValueError(
            f"sample {sample_id!r}: the text holds the control token {found[0]!r}, which the model would obey; "
            "remove it from the question"
        )


def _frames(clip: Clip, sample_id: str) -> np.ndarray[Any, Any]:
    array = np.asarray(clip.array)
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise ValueError(
            f"sample {sample_id!r}: a clip must be uint8 [T, H, W, 3], got {array.dtype} {list(array.shape)}"
        )
    if len(array) < 2:
        raise ValueError(f"sample {sample_id!r}: a clip needs at least 2 frames; pass a single frame as an image")
    if len(clip.times) != len(array):
        raise ValueError(f"sample {sample_id!r}: {len(array)} frames but {len(clip.times)} frame times")
    return array


def clip_metadata(clip: Clip, sample_id: str) -> dict[str, Any]:
    """Frame times as the processors take them: indices on a time base of milliseconds.

    Qwen3-VL writes ``indices / fps`` into the prompt; Qwen2.5-VL spaces temporal positions by the mean sampling rate,
    ``len(indices) / total_num_frames * fps``.
    """
    times = [float(time) for time in clip.times]
    spacing = (times[-1] - times[0]) / (len(times) - 1)
    if any(late <= early for early, late in pairwise(times)):
        raise ValueError(f"sample {sample_id!r}: frame times must increase, got {times}")
    return {
        "fps": float(_TIME_BASE),
        "frames_indices": [round(time * _TIME_BASE) for time in times],
        "total_num_frames": max(1, round(spacing * len(times) * _TIME_BASE)),
        "duration": spacing * len(times),
        "height": int(clip.array.shape[1]),
        "width": int(clip.array.shape[2]),
    }


def _check_counts(processor: Any, prompt: EncodedPrompt, images: int, clips: int) -> None:
    for kind, name, wanted, grid, part in (
        (1, "image", images, prompt.image_grid_thw, getattr(processor, "image_processor", None)),
        (2, "video", clips, prompt.video_grid_thw, getattr(processor, "video_processor", None)),
    ):
        have = 0 if grid is None else len(grid)
        if have != wanted:
            raise ValueError(f"sample {prompt.sample_id!r}: {wanted} {name}s given, {have} encoded")
        tokens = int((prompt.mm_token_type_ids == kind).sum())
        features = 0 if grid is None else int(grid.prod(-1).sum()) // cast(Any, part).merge_size ** 2
        if tokens != features:
            raise ValueError(
                f"sample {prompt.sample_id!r}: {tokens} {name} placeholder tokens but {features} {name} features; "
                "the prompt was cut, or the chat template and the processor disagree"
            )
