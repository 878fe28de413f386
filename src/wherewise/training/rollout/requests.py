"""A prompt as a chat request to vLLM, and its reply as completions.

The server renders and tokenises the prompt itself; a reply whose prompt tokens are not those of the trainer's own
encoder is refused, because the gradient would belong to another prompt. Pictures go as PNG. Clips go as exactly the
frames that the trainer sees, one PNG each, with their times: no second decoding, no second sampling.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import torch

from wherewise.models.inputs import EncodedPrompt, clip_metadata
from wherewise.samples.errors import InputError
from wherewise.training.data import Medium
from wherewise.training.grpo.prefix import Completions
from wherewise.training.rollout.client import ServerReplyError

BANNED_BIAS = -100
"""Added to the logits of tokens that must not be drawn; the lowest that the API takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How completions are drawn.

    Attributes:
        temperature: Divides the logits.
        top_p: Nucleus.
        max_tokens: Longest completion.
        end_ids: Tokens that end one.
        banned_ids: Tokens that are never drawn.
        pad_id: Fills short rows.
    """

    temperature: float
    top_p: float
    max_tokens: int
    end_ids: tuple[int, ...]
    banned_ids: tuple[int, ...]
    pad_id: int

    def body(self) -> dict[str, Any]:
        """The part of the request that is the same for all prompts."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "max_tokens": self.max_tokens,
            "ignore_eos": True,  # the checkpoint may name more tokens that end a reply than the trainer does
            "stop_token_ids": list(self.end_ids),
            "logit_bias": {str(token): BANNED_BIAS for token in self.banned_ids},
            "logprobs": True,
            "top_logprobs": 0,
            "return_token_ids": True,
        }


def message(text: str, media: Sequence[Medium]) -> dict[str, Any]:
    """The user's turn: pictures and clips, then the text, as `wherewise.models.inputs.prompt_messages` has them."""
    return {"role": "user", "content": [*map(_part, media), {"type": "text", "text": text}]}


def clip_arguments(media: Sequence[Medium], *, sample_id: str) -> dict[str, Any]:
    """Times of the frames of a prompt's clips, for the whole request: vLLM takes them per request, not per clip.

    Raises:
        InputError: Two clips have different times.
    """
    clips = [item for item in media if not isinstance(item, PIL.Image.Image)]
    if not clips:
        return {}
    described = [clip_metadata(clip, sample_id) for clip in clips]
    timing = [{key: value for key, value in one.items() if key not in ("height", "width")} for one in described]
    if any(one != timing[0] for one in timing):
        raise InputError(
            f"sample {sample_id!r}: its clips have frames at different times, and vLLM takes one set of times a "
            "request; use `rollout: hf`, or clips of equal length and rate"
        )
    return {"media_io_kwargs": {"video": {"num_frames": -1, "do_sample_frames": False, **timing[0]}}}


def _part(item: Medium) -> dict[str, Any]:
    if isinstance(item, PIL.Image.Image):
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_png(item.convert('RGB'))}"}}
    frames = ",".join(_png(PIL.Image.fromarray(np.asarray(frame))) for frame in item.array)
    # "video/jpeg" is what vLLM calls a list of frames; each is opened by its content, and PNG loses nothing.
    return {"type": "video_url", "video_url": {"url": f"data:video/jpeg;base64,{frames}"}}


def _png(picture: PIL.Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def check_prompt(prompt: EncodedPrompt, reply: Mapping[str, Any], tokenizer: Any) -> None:
    """Refuse a reply to another prompt than the trainer's.

    Raises:
        ServerReplyError: The server does not say what the prompt's tokens were, or they differ; it shows where.
    """
    theirs = reply.get("prompt_token_ids")
    name = prompt.sample_id
    if theirs is None:
        raise ServerReplyError(
            f"sample {name!r}: the rollout server returned no prompt_token_ids; it must know `return_token_ids` "
            "(vLLM 0.10.2 or newer)"
        )
    ours = prompt.input_ids.tolist()
    if theirs == ours:
        return
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    shown = [tokenizer.decode(ids[max(0, at - 3) : at + 5]) for ids in (ours, theirs)]
    raise ServerReplyError(
        f"sample {name!r}: the server's prompt is not the trainer's: {len(theirs)} tokens against {len(ours)}, "
        f"different from position {at} on ({shown[1]!r} against {shown[0]!r}). Both must have the same chat template, "
        "tokenizer and picture limits: start the server on the very folder that is trained (model.path), with no "
        "--chat-template, --mm-processor-kwargs or --media-io-kwargs of its own"
    )


def completions_of(reply: Mapping[str, Any], generations: int, sampling: Sampling, *, sample_id: str) -> Completions:
    """The completions of one prompt, with the log-probabilities that they were drawn with.

    Raises:
        ServerReplyError: Token ids or log-probabilities are missing, or not one for each other; or a completion ended
            for another reason than an end token or the length.
    """

    def wrong(what: str) -> ServerReplyError:
        return ServerReplyError(f"sample {sample_id!r}: the rollout server's reply {what}")

    choices = sorted(reply.get("choices", ()), key=lambda choice: int(choice["index"]))
    if len(choices) != generations:
        raise wrong(f"has {len(choices)} completions, {generations} were asked for")
    tokens: list[list[int]] = []
    logprobs: list[list[float]] = []
    for choice in choices:
        ids, scores = choice.get("token_ids"), (choice.get("logprobs") or {}).get("content")
        if not ids:
            raise wrong("has a completion without token ids (`return_token_ids`)")
        if scores is None or len(scores) != len(ids):
            raise wrong(f"has {0 if scores is None else len(scores)} log-probabilities for {len(ids)} tokens")
        ended, full = ids[-1] in sampling.end_ids, len(ids) >= sampling.max_tokens
        if not ended and not full:
            raise wrong(
                f"ends after {len(ids)} tokens with {choice.get('finish_reason')!r} ({choice.get('stop_reason')!r}), "
                "neither at an end token nor at max_new_tokens: is the server's --max-model-len too small?"
            )
        if odd := sorted(set(ids).intersection(sampling.banned_ids)):
            raise wrong(f"holds banned tokens {odd[:5]}, which stand for pictures or for nothing")
        tokens.append(ids)
        logprobs.append([float(score["logprob"]) for score in scores])
    drawn = Completions.from_lists(tokens, pad_id=sampling.pad_id, eos_ids=sampling.end_ids)
    for row, values in enumerate(logprobs):
        drawn.logprobs[row, : len(values)] = torch.tensor(values, dtype=torch.float32)
    return drawn
