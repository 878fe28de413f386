"""Replies of a local Hugging Face model: pictures and clips, batches of similar size, greedy or by letter.

While the model answers a batch, a thread reads and encodes the next one. Where questions share a picture or a clip,
they are asked one after the other; it is decoded once and, by the Qwen-VL families, seen once by the vision tower.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from wherewise.evaluation.protocol import DEFAULT_FRAMES, Decoding, MediaLimits
from wherewise.evaluation.providers.base import Reply, Request
from wherewise.evaluation.providers.greedy import greedy_replies
from wherewise.evaluation.providers.shown import check_seen, load_clip, shrink
from wherewise.media.errors import MediaError
from wherewise.media.image import image_size, load_image
from wherewise.models.features import FeatureCache, can_keep_features, tower_is_frozen
from wherewise.models.forward import watch_vision
from wherewise.models.inputs import (
    Clip,
    EncodedPrompt,
    collate,
    encode_prompt,
    end_token_ids,
    padding_id,
    vision_token_ids,
)
from wherewise.models.load import LoadedModel, Precision, load_model
from wherewise.samples import LETTERS, Image, Media, Video

_FEATURE_BYTES = 512 << 20  # features of media that several questions share
_CLIPS_KEPT = 2  # decoded media kept for the next question about them


class HfProvider:
    """Asks a model in this process.

    A sample whose picture cannot be read, or whose text holds control tokens, fails with the reason and the others go
    on; anything wrong with the model itself ends the run.

    Args:
        loaded: Model and processor.
        media: What the model sees.
        decoding: How replies are made, and the longest one.
        batch_size: Samples a batch.
    """

    def __init__(self, loaded: LoadedModel, *, media: MediaLimits, decoding: Decoding, batch_size: int = 16) -> None:
        self.name = f"hf:{loaded.name}"
        self.batch_size = batch_size
        self.fingerprint = model_fingerprint(loaded)
        self.features = FeatureCache(budget=_FEATURE_BYTES)
        self._loaded = loaded
        self._media = media
        self._decoding = decoding
        self._decoded: OrderedDict[str, PIL.Image.Image | Clip] = OrderedDict()
        self._shared: frozenset[str] = frozenset()

    @classmethod
    def load(
        cls,
        path_or_name: str | Path,
        *,
        media: MediaLimits,
        decoding: Decoding,
        batch_size: int = 16,
        dtype: Precision = "auto",
        device: str = "auto",
    ) -> HfProvider:
        """Load a model folder, a Hub name or ``starter``."""
        loaded = load_model(path_or_name, dtype=dtype, device=device)
        loaded.model.requires_grad_(False)
        return cls(loaded, media=media, decoding=decoding, batch_size=batch_size)

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """Similar prompt lengths together, largest first, so that a batch that does not fit in memory fails at once.

        Questions that show the same media go together, where the longest of them would stand.
        """
        sizes = {request.sample_id: self._size(request) for request in requests}
        media = {request.sample_id: tuple(_key(medium, request) for medium in request.media) for request in requests}
        largest: dict[tuple[str, ...], int] = {}
        for name, shown in media.items():
            largest[shown] = max(sizes[name], largest.get(shown, 0))

        def place(request: Request) -> tuple[int, tuple[str, ...], int, str]:
            name = request.sample_id
            shown = media[name]
            return (-largest[shown], shown, -sizes[name], name) if shown else (-sizes[name], (), 0, name)

        return sorted(requests, key=place)

    def stream(self, requests: Sequence[Request]) -> Generator[list[tuple[Request, Reply]], None, None]:
        """Batches of requests with their replies, in order; the next batch is encoded while the model answers one."""
        batches = [requests[start : start + self.batch_size] for start in range(0, len(requests), self.batch_size)]
        self._shared = _shared(requests)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode") as reader:
            coming = reader.submit(self._encode_all, batches[0]) if batches else None
            for batch, following in zip(batches, [*batches[1:], None], strict=True):
                assert coming is not None
                encoded = coming.result()
                coming = None if following is None else reader.submit(self._encode_all, following)
                yield list(zip(batch, self._reply_all(batch, encoded), strict=True))

    def _size(self, request: Request) -> int:
        """Rough length of the prompt: characters plus pixels / 256."""
        size = len(request.text)
        for medium in request.media:
            if isinstance(medium, Image):
                size += self._pixels(medium, request) // 256
            else:
                size += (self._media.frames or DEFAULT_FRAMES) * 256
        return size

    def _pixels(self, image: Image, request: Request) -> int:
        try:
            width, height = image_size(image, request.root, sample_id=request.sample_id)
        except MediaError:
            return 0  # `generate` reports it
        return min(width * height, self._media.max_pixels or width * height)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order, in one batch."""
        self._shared = _shared(requests)
        return self._reply_all(requests, self._encode_all(requests))

    def _encode_all(self, requests: Sequence[Request]) -> list[EncodedPrompt | Reply]:
        return [self._encode(request) for request in requests]

    def _reply_all(self, requests: Sequence[Request], encoded: Sequence[EncodedPrompt | Reply]) -> list[Reply]:
        prompts = [item for item in encoded if isinstance(item, EncodedPrompt)]
        with self._seen_once():
            if self._decoding.strategy == "letter":
                pairs = zip(requests, encoded, strict=True)
                letters = [request.letters for request, item in pairs if isinstance(item, EncodedPrompt)]
                replies = iter(self._choose(prompts, letters) if prompts else [])
            else:
                replies = iter(self._answer(prompts) if prompts else [])
        return [item if isinstance(item, Reply) else next(replies) for item in encoded]

    def _seen_once(self) -> AbstractContextManager[None]:
        """Keep what the vision tower says of a medium, if questions share media and the tower allows it."""
        model = self._loaded.model
        if self._shared and can_keep_features(model) and tower_is_frozen(model):
            return self.features.installed(model)
        return nullcontext()

    def _encode(self, request: Request) -> EncodedPrompt | Reply:
        try:
            media = [self._decode(medium, request) for medium in request.media]
            if self._decoding.strategy == "letter" and not request.letters:
                raise ValueError("not a multiple-choice question; leave it out, or use greedy decoding")
            prompt = encode_prompt(self._loaded.processor, request.text, media, sample_id=request.sample_id)
            clips = [
                (shown.array.shape[1:3], medium)
                for shown, medium in zip(media, request.media, strict=True)
                if isinstance(medium, Video) and not isinstance(shown, PIL.Image.Image)
            ]
            part = getattr(self._loaded.processor, "video_processor", None)
            check_seen(self._media, clips, prompt.video_grid_thw, getattr(part, "patch_size", 0), request.sample_id)
            return prompt
        except ValueError as error:  # MediaError is one too
            return Reply(text="", error=str(error))

    def _decode(self, medium: Media, request: Request) -> PIL.Image.Image | Clip:
        key = _key(medium, request)
        if key in self._decoded:
            self._decoded.move_to_end(key)
            return self._decoded[key]
        decoded: PIL.Image.Image | Clip
        if isinstance(medium, Image):
            decoded = shrink(load_image(medium, request.root, sample_id=request.sample_id), self._media.max_pixels)
        else:
            decoded = load_clip(medium, self._media, request.root, sample_id=request.sample_id)
        if key in self._shared:
            self._decoded[key] = decoded
            if len(self._decoded) > _CLIPS_KEPT:
                self._decoded.popitem(last=False)
        return decoded

    def _answer(self, prompts: Sequence[EncodedPrompt]) -> list[Reply]:
        model, processor = self._loaded.model, self._loaded.processor
        batch = collate(prompts, pad_id=padding_id(processor), device=next(model.parameters()).device)
        ends = end_token_ids(processor)
        with watch_vision(model, batch):
            rows = greedy_replies(
                model,
                batch,
                max_new_tokens=self._decoding.max_new_tokens,
                end_ids=ends,
                pad_id=padding_id(processor),
                banned_ids=vision_token_ids(processor),
            )
        return [self._reply(row, ends) for row in rows]

    @torch.inference_mode()
    def _choose(self, prompts: Sequence[EncodedPrompt], letters: Sequence[int]) -> list[Reply]:
        """The likeliest of each question's letters as the first token of the reply; the earlier one at a tie."""
        model, processor = self._loaded.model, self._loaded.processor
        batch = collate(prompts, pad_id=padding_id(processor), device=next(model.parameters()).device)
        with watch_vision(model, batch):
            logits = model(**batch.model_inputs(), use_cache=False, logits_to_keep=1).logits[:, -1].float()
        tokens = [processor.tokenizer.encode(letter, add_special_tokens=False)[0] for letter in LETTERS[: max(letters)]]
        chosen = [int(row[tokens[:count]].argmax()) for row, count in zip(logits, letters, strict=True)]
        return [Reply(text=LETTERS[index], tokens=1) for index in chosen]

    def _reply(self, ids: list[int], ends: tuple[int, ...]) -> Reply:
        ended = ids[-1] in ends
        text = self._loaded.processor.tokenizer.decode(ids[:-1] if ended else ids, skip_special_tokens=True)
        return Reply(text=text, truncated=not ended, tokens=len(ids))


def _key(medium: Media, request: Request) -> str:
    """What tells media of a run apart: their bytes, or where they lie and which part of them is meant."""
    if medium.data is None:
        return f"{request.root}/{medium!r}"
    return f"{hashlib.sha256(medium.data).hexdigest()}/{replace(medium, data=None, path='data')!r}"


def _shared(requests: Sequence[Request]) -> frozenset[str]:
    """Media that several of the requests show."""
    counts = Counter(_key(medium, request) for request in requests for medium in request.media)
    return frozenset(key for key, count in counts.items() if count > 1)


def model_fingerprint(loaded: LoadedModel) -> str:
    """sha256 of all weights as loaded, the configuration, the vocabulary and the chat template."""
    digest = hashlib.sha256()
    for name, tensor in sorted(loaded.model.state_dict().items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    processor: Any = loaded.processor
    digest.update(str(sorted(processor.tokenizer.get_vocab().items())).encode())
    digest.update(str(processor.chat_template).encode())
    for part in ("image_processor", "video_processor"):
        if (settings := getattr(processor, part, None)) is not None:
            digest.update(settings.to_json_string().encode())
    return digest.hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
