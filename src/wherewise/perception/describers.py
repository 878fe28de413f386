"""Vision-language models that name and describe what a picture shows: Qwen3-VL and its like, Florence-2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from wherewise.perception.hf_models import load_model
from wherewise.perception.results import Box, Picture

TAGS = (
    "List the kinds of things that can be seen in this picture. "
    "Write singular nouns without adjectives, separated by commas, and nothing else."
)
CAPTION = "Describe this picture in one sentence."
THING = "Describe the thing that is not dimmed in at most eight words, beginning with its color."
AROUND = 0.1
"""Share of a box's sides that is shown around it."""
DIMMED = 0.25
"""Brightness of what is around the mask, as a share of the picture's own."""
MOST_TAGS = 40
"""Tags that are used at most."""
_LEADING = re.compile(r"^(?:\d+[.)]|[-*•])\s*|^(?:a|an|the|some)\s+", re.IGNORECASE)


def nouns(text: str) -> list[str]:
    r"""The items of a list as a model writes it, in lower case, each once.

    >>> nouns("1. A dog\n2. the Cup, dog, wine glass.")
    ['dog', 'cup', 'wine glass']
    """
    found: dict[str, None] = {}
    for part in re.split(r"[,;\n]|<[^>]*>", text):
        word = part.strip()
        while (shorter := _LEADING.sub("", word)) != word:
            word = shorter
        word = word.strip(" .\"'").lower()
        if re.fullmatch(r"[a-z][a-z' -]{1,30}", word) and len(word.split()) <= 3:
            found[word] = None
    return list(found)[:MOST_TAGS]


def cut_out(picture: Picture, box: Box, mask: NDArray[np.bool_]) -> Picture:
    """What is shown of one thing: its box with a rim, everything outside the mask dimmed."""
    height, width = picture.shape[:2]
    across, down = AROUND * (box[2] - box[0]), AROUND * (box[3] - box[1])
    left, top = max(0, int(box[0] - across)), max(0, int(box[1] - down))
    right, bottom = min(width, round(box[2] + across)), min(height, round(box[3] + down))
    shown = picture[top : max(top + 1, bottom), left : max(left + 1, right)]
    inside = mask[top : max(top + 1, bottom), left : max(left + 1, right)]
    if not inside.any():
        return shown
    return np.where(inside[..., None], shown, (shown * DIMMED).astype(np.uint8)).astype(np.uint8)


class ChatDescriber:
    """Qwen3-VL or another chat model of `AutoModelForImageTextToText`; decodes greedily.

    Args:
        model: Folder or hub name.
        longest: Most new tokens of a reply.
        device: Torch device.
    """

    def __init__(self, model: str, *, longest: int = 96, device: str = "cpu") -> None:
        self._model, self._processor = load_model(model, "AutoModelForImageTextToText", device)
        self._longest, self._device = longest, device
        self.name = f"{self._model.config.model_type}:{model}:{longest}"

    def _say(self, picture: Picture, prompt: str) -> str:
        import torch

        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        asked = self._processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        given = self._processor(images=[PILImage.fromarray(picture)], text=[asked], return_tensors="pt")
        given = given.to(self._device)
        with torch.inference_mode():
            output = self._model.generate(**given, max_new_tokens=self._longest, do_sample=False)
        new = output[:, given["input_ids"].shape[1] :]
        return str(self._processor.batch_decode(new, skip_special_tokens=True)[0]).strip()

    def tags(self, picture: Picture) -> list[str]:
        """Categories of things in the picture."""
        return nouns(self._say(picture, TAGS))

    def caption(self, picture: Picture) -> str:
        """A sentence about the picture."""
        return self._say(picture, CAPTION)

    def captions(self, picture: Picture, boxes: Sequence[Box], masks: NDArray[np.bool_]) -> list[str]:
        """One text a box, from its cut-out alone."""
        return [self._say(cut_out(picture, box, mask), THING) for box, mask in zip(boxes, masks, strict=True)]


class FlorenceDescriber:
    """Florence-2: its tasks for detection, captions and regions; decodes by beam search as published.

    Args:
        model: Folder or hub name.
        longest: Most new tokens of a reply.
        beams: Beams.
        device: Torch device.
    """

    def __init__(self, model: str, *, longest: int = 256, beams: int = 3, device: str = "cpu") -> None:
        self._model, self._processor = load_model(model, "Florence2ForConditionalGeneration", device)
        self._longest, self._beams, self._device = longest, beams, device
        self.name = f"{self._model.config.model_type}:{model}:{longest}:{beams}"

    def _do(self, picture: Picture, task: str, region: str = "") -> Any:
        import torch

        height, width = picture.shape[:2]
        given = self._processor(images=PILImage.fromarray(picture), text=task + region, return_tensors="pt")
        given = given.to(self._device)
        with torch.inference_mode():
            output = self._model.generate(**given, max_new_tokens=self._longest, num_beams=self._beams, do_sample=False)
        text = self._processor.batch_decode(output, skip_special_tokens=False)[0]
        return self._processor.post_process_generation(text=text, task=task, image_size=(width, height))[task]

    def tags(self, picture: Picture) -> list[str]:
        """Labels of the detection task."""
        return nouns(",".join(self._do(picture, "<OD>")["labels"]))

    def caption(self, picture: Picture) -> str:
        """A few sentences about the picture."""
        return _plain(self._do(picture, "<DETAILED_CAPTION>"))

    def captions(self, picture: Picture, boxes: Sequence[Box], masks: NDArray[np.bool_]) -> list[str]:
        """One text a box; Florence-2 takes regions, so the masks are not looked at."""
        height, width = picture.shape[:2]
        if len(masks) != len(boxes):
            raise ValueError(f"{len(masks)} masks for {len(boxes)} boxes")
        return [_plain(self._do(picture, "<REGION_TO_DESCRIPTION>", location(box, width, height))) for box in boxes]


def location(box: Box, width: int, height: int) -> str:
    """A box as Florence-2's location tokens: thousandths of the picture's sides.

    >>> location((0, 50, 100, 200), 200, 200)
    '<loc_0><loc_250><loc_500><loc_999>'
    """
    shares = box[0] / width, box[1] / height, box[2] / width, box[3] / height
    return "".join(f"<loc_{min(999, max(0, int(share * 1000)))}>" for share in shares)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())
