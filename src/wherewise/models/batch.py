"""Encoded prompts and batches of them.

`collate` left-pads prompts of different lengths into a `PromptBatch`; `collate_with_targets` appends the tokens to
learn and marks only those as labels. Vision tensors are not padded: the patches of all pictures of a batch lie one
after another, in prompt order, as the Qwen-VL families expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

IGNORED_LABEL = -100
"""Label of a position that is not learned (the value `torch.nn.functional.cross_entropy` ignores)."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EncodedPrompt:
    """One prompt, ready for the model; all tensors on the CPU.

    Attributes:
        sample_id: Which sample it belongs to; named in every error.
        input_ids: Token ids, int64 [P].
        mm_token_type_ids: 0 text, 1 image placeholder, 2 video placeholder, int64 [P].
        pixel_values: Patches of the images, float32 [patches, values per patch], or None.
        image_grid_thw: Patch grid (time, height, width) of each image, int64 [images, 3], or None.
        pixel_values_videos: Patches of the videos, float32 [patches, values per patch], or None.
        video_grid_thw: Patch grid (time, height, width) of each video, int64 [videos, 3], or None.
        second_per_grid_ts: Seconds between temporal patches of each video (Qwen2.5-VL), float32 [videos], or None.
        tiles: What families that cut pictures into tiles want instead of patches and grids, by the name of the
            forward's argument: `pixel_values`, and masks and sizes beside it. Rows of the first axis belong together
            with those of the same prompt; other axes may differ in length from prompt to prompt.
        images: Pictures of the prompt, for such families.
    """

    sample_id: str
    input_ids: Tensor
    mm_token_type_ids: Tensor
    pixel_values: Tensor | None = None
    image_grid_thw: Tensor | None = None
    pixel_values_videos: Tensor | None = None
    video_grid_thw: Tensor | None = None
    second_per_grid_ts: Tensor | None = None
    tiles: Mapping[str, Tensor] = field(default_factory=dict)
    images: int = 0

    @property
    def length(self) -> int:
        """Number of tokens, placeholders included."""
        return int(self.input_ids.shape[0])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PromptBatch:
    """Prompts of a batch, left-padded, on one device.

    Attributes:
        sample_ids: One id per row.
        input_ids: Token ids, int64 [B, P].
        attention_mask: 1 for tokens, 0 for padding, int64 [B, P].
        mm_token_type_ids: 0 text and padding, 1 image placeholder, 2 video placeholder, int64 [B, P].
        image_counts: Images in each row [B].
        video_counts: Videos in each row [B].
        pixel_values: Patches of all images in row order, or None.
        image_grid_thw: Patch grids of all images, int64 [images, 3], or None.
        pixel_values_videos: Patches of all videos in row order, or None.
        video_grid_thw: Patch grids of all videos, int64 [videos, 3], or None.
        second_per_grid_ts: Seconds between temporal patches of all videos, float32 [videos], or None.
        tiles: As in `EncodedPrompt`, of all prompts one after another, filled up with zeros to the longest.
        tile_counts: Rows of each prompt in each of `tiles`.
    """

    sample_ids: tuple[str, ...]
    input_ids: Tensor
    attention_mask: Tensor
    mm_token_type_ids: Tensor
    image_counts: tuple[int, ...]
    video_counts: tuple[int, ...]
    pixel_values: Tensor | None = None
    image_grid_thw: Tensor | None = None
    pixel_values_videos: Tensor | None = None
    video_grid_thw: Tensor | None = None
    second_per_grid_ts: Tensor | None = None
    tiles: Mapping[str, Tensor] = field(default_factory=dict)
    tile_counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.sample_ids)

    def model_inputs(self) -> dict[str, Tensor]:
        """Keyword arguments for a Hugging Face forward or `generate`: the tensors that are there."""
        pairs = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        found = {name: value for name, value in pairs if isinstance(value, Tensor)}
        if self.tiles:
            del found["mm_token_type_ids"]  # the placeholders, told from the ids; these families do not take it
        return found | dict(self.tiles)

    @property
    def images(self) -> Tensor | None:
        """Pixels of the pictures in whatever form the family takes them, or None."""
        return self.tiles.get("pixel_values") if self.tiles else self.pixel_values

    def to(self, device: torch.device | str) -> PromptBatch:
        """The same batch on another device."""
        pairs = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        moved: dict[str, Any] = {name: value.to(device) for name, value in pairs if isinstance(value, Tensor)}
        return replace(self, **moved, tiles={name: value.to(device) for name, value in self.tiles.items()})

    def repeat(self, times: int) -> PromptBatch:
        """Every row `times` times in a row, its pictures too: what encoding each completion by itself costs."""
        images = row_pieces(self.pixel_values, self.image_grid_thw, self.image_counts)
        videos = row_pieces(self.pixel_values_videos, self.video_grid_thw, self.video_counts)
        seconds = None
        if self.second_per_grid_ts is not None:
            pieces = torch.split(self.second_per_grid_ts, list(self.video_counts))
            seconds = torch.cat([piece for piece in pieces for _ in range(times)])
        return PromptBatch(
            sample_ids=_interleave(self.sample_ids, times),
            input_ids=self.input_ids.repeat_interleave(times, 0),
            attention_mask=self.attention_mask.repeat_interleave(times, 0),
            mm_token_type_ids=self.mm_token_type_ids.repeat_interleave(times, 0),
            image_counts=_interleave(self.image_counts, times),
            video_counts=_interleave(self.video_counts, times),
            pixel_values=_repeat_pieces(images, 0, times),
            image_grid_thw=_repeat_pieces(images, 1, times),
            pixel_values_videos=_repeat_pieces(videos, 0, times),
            video_grid_thw=_repeat_pieces(videos, 1, times),
            second_per_grid_ts=seconds,
            tiles={
                name: torch.cat(
                    [piece for piece in torch.split(value, list(self.tile_counts[name])) for _ in range(times)]
                )
                for name, value in self.tiles.items()
            },
            tile_counts={name: _interleave(counts, times) for name, counts in self.tile_counts.items()},
        )


def collate(prompts: Sequence[EncodedPrompt], *, pad_id: int, device: torch.device | str = "cpu") -> PromptBatch:
    """Left-pad prompts into one batch.

    Args:
        prompts: At least one prompt.
        pad_id: Fills the left of short rows.
        device: Where the tensors go.

    Raises:
        ValueError: No prompts, or only some of the videos carry `second_per_grid_ts`.
    """
    if not prompts:
        raise ValueError("collate needs at least one prompt")
    width = max(prompt.length for prompt in prompts)
    ids = torch.full((len(prompts), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    kinds = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - prompt.length :] = prompt.input_ids
        mask[row, width - prompt.length :] = 1
        kinds[row, width - prompt.length :] = prompt.mm_token_type_ids
    batch = PromptBatch(
        sample_ids=tuple(prompt.sample_id for prompt in prompts),
        input_ids=ids,
        attention_mask=mask,
        mm_token_type_ids=kinds,
        image_counts=tuple(p.images if p.image_grid_thw is None else len(p.image_grid_thw) for p in prompts),
        video_counts=tuple(0 if p.video_grid_thw is None else len(p.video_grid_thw) for p in prompts),
        pixel_values=_concatenate([prompt.pixel_values for prompt in prompts]),
        image_grid_thw=_concatenate([prompt.image_grid_thw for prompt in prompts]),
        pixel_values_videos=_concatenate([prompt.pixel_values_videos for prompt in prompts]),
        video_grid_thw=_concatenate([prompt.video_grid_thw for prompt in prompts]),
        second_per_grid_ts=_concatenate([prompt.second_per_grid_ts for prompt in prompts]),
        **_join_tiles(prompts),
    )
    if batch.second_per_grid_ts is not None and len(batch.second_per_grid_ts) != sum(batch.video_counts):
        raise ValueError("some videos of the batch carry `second_per_grid_ts` and some do not; encode them alike")
    return batch.to(device)


def collate_with_targets(
    prompts: Sequence[EncodedPrompt],
    target_ids: Sequence[Sequence[int]],
    *,
    pad_id: int,
    device: torch.device | str = "cpu",
    banned_ids: Sequence[int] = (),
) -> tuple[PromptBatch, Tensor]:
    """Append to each prompt the tokens to learn; only those are labels.

    Args:
        prompts: One prompt per row.
        target_ids: The assistant's tokens of each row, its end token included.
        pad_id: Fills the left of short rows.
        device: Where the tensors go.
        banned_ids: Ids that may not be learned (`vision_token_ids`).

    Returns:
        The batch [B, L] and its labels [B, L], `IGNORED_LABEL` on prompt, padding and vision tokens. A label stands at
        its own position: the model predicts it from the position before.

    Raises:
        ValueError: Lengths differ, or a target is empty or holds a banned id.
    """
    if len(prompts) != len(target_ids):
        raise ValueError(f"{len(prompts)} prompts but {len(target_ids)} targets")
    banned = set(banned_ids)
    joined: list[EncodedPrompt] = []
    for prompt, target in zip(prompts, target_ids, strict=True):
        if not target:
            raise ValueError(f"sample {prompt.sample_id!r}: nothing to learn, the target has no tokens")
        if hit := banned.intersection(target):
            raise ValueError(f"sample {prompt.sample_id!r}: the target holds vision token ids {sorted(hit)}")
        tokens = torch.tensor(list(target), dtype=torch.long)
        joined.append(
            replace(
                prompt,
                input_ids=torch.cat([prompt.input_ids, tokens]),
                mm_token_type_ids=torch.cat([prompt.mm_token_type_ids, torch.zeros_like(tokens)]),
            )
        )
    batch = collate(joined, pad_id=pad_id)
    labels = torch.full_like(batch.input_ids, IGNORED_LABEL)
    for row, target in enumerate(target_ids):
        labels[row, -len(target) :] = torch.tensor(list(target), dtype=torch.long)
    return batch.to(device), labels.to(device)


def _concatenate(tensors: Sequence[Tensor | None]) -> Tensor | None:
    present = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(present) if present else None


def _join_tiles(prompts: Sequence[EncodedPrompt]) -> dict[str, Any]:
    names = sorted({name for prompt in prompts for name in prompt.tiles})
    joined, counts = {}, {}
    for name in names:
        parts = [prompt.tiles[name] for prompt in prompts if name in prompt.tiles]
        shape = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].ndim)]
        filled = []
        for part in parts:
            padding = [n for axis in reversed(range(len(shape))) for n in (0, shape[axis] - part.shape[axis + 1])]
            filled.append(torch.nn.functional.pad(part, padding))
        joined[name] = torch.cat(filled)
        counts[name] = tuple(len(prompt.tiles[name]) if name in prompt.tiles else 0 for prompt in prompts)
    return {"tiles": joined, "tile_counts": counts}


def row_pieces(values: Tensor | None, grid: Tensor | None, counts: Sequence[int]) -> list[tuple[Tensor, Tensor]] | None:
    """Patches and grids of a batch split by row, or None where there are none."""
    if values is None or grid is None:
        return None
    grids = torch.split(grid, list(counts))
    patches = torch.split(values, [int(rows.prod(-1).sum()) for rows in grids])
    return list(zip(patches, grids, strict=True))


def _repeat_pieces(pieces: list[tuple[Tensor, Tensor]] | None, which: int, times: int) -> Tensor | None:
    if pieces is None:
        return None
    return torch.cat([piece[which] for piece in pieces for _ in range(times)])


def _interleave(values: Sequence[_Item], times: int) -> tuple[_Item, ...]:
    return tuple(value for value in values for _ in range(times))
