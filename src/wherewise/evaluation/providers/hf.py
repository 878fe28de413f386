"""Replies of a local Hugging Face model: pictures and clips, batches of similar size, greedy or by letter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from wherewise.evaluation.protocol import DEFAULT_FRAMES, Decoding, MediaLimits
from wherewise.evaluation.providers.base import Reply, Request
from wherewise.evaluation.providers.shown import load_clip, shrink
from wherewise.media.errors import MediaError
from wherewise.media.image import image_size, load_image
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
from wherewise.samples import LETTERS, Image, Media


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
        self._loaded = loaded
        self._media = media
        self._decoding = decoding

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
        return cls(loaded, media=media, decoding=decoding, batch_size=batch_size)

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """Similar prompt lengths together, largest first, so that a batch that does not fit in memory fails at once."""
        return sorted(requests, key=lambda request: (-self._size(request), request.sample_id))

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
        """One reply a request, in order."""
        encoded: list[EncodedPrompt | Reply] = [self._encode(request) for request in requests]
        prompts = [item for item in encoded if isinstance(item, EncodedPrompt)]
        if self._decoding.strategy == "letter":
            letters = [r.letters for r, item in zip(requests, encoded, strict=True) if isinstance(item, EncodedPrompt)]
            replies = iter(self._choose(prompts, letters) if prompts else [])
        else:
            replies = iter(self._answer(prompts) if prompts else [])
        return [item if isinstance(item, Reply) else next(replies) for item in encoded]

    def _encode(self, request: Request) -> EncodedPrompt | Reply:
        try:
            media = [self._decode(medium, request) for medium in request.media]
            if self._decoding.strategy == "letter" and not request.letters:
                raise ValueError("not a multiple-choice question; leave it out, or use greedy decoding")
            return encode_prompt(self._loaded.processor, request.text, media, sample_id=request.sample_id)
        except ValueError as error:  # MediaError is one too
            return Reply(text="", error=str(error))

    def _decode(self, medium: Media, request: Request) -> PIL.Image.Image | Clip:
        if isinstance(medium, Image):
            return shrink(load_image(medium, request.root, sample_id=request.sample_id), self._media.max_pixels)
        return load_clip(medium, self._media, request.root, sample_id=request.sample_id)

    @torch.inference_mode()
    def _answer(self, prompts: Sequence[EncodedPrompt]) -> list[Reply]:
        model, processor = self._loaded.model, self._loaded.processor
        batch = collate(prompts, pad_id=padding_id(processor), device=next(model.parameters()).device)
        ends = end_token_ids(processor)
        with watch_vision(model, batch):
            # Plain greedy, whatever the checkpoint's generation config says (Qwen2.5-VL: a repetition penalty).
            output = model.generate(
                **batch.model_inputs(),
                max_new_tokens=self._decoding.max_new_tokens,
                do_sample=False,
                num_beams=1,
                repetition_penalty=1.0,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=list(ends),
                pad_token_id=padding_id(processor),
                suppress_tokens=list(vision_token_ids(processor)),
            )
        rows: list[list[int]] = output[:, batch.input_ids.shape[1] :].tolist()
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
        end = next((position for position, token in enumerate(ids) if token in ends), None)
        kept = ids if end is None else ids[:end]
        text = self._loaded.processor.tokenizer.decode(kept, skip_special_tokens=True)
        return Reply(text=text, truncated=end is None, tokens=len(kept) + (end is not None))


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
