"""Real Qwen-VL models and processors, tiny, built from nothing and offline.

The tests run on them, and the shipped starter is one of them with trained weights: the same classes, processors,
special tokens and prompt layout as the full-size models, so that everything that runs on a starter runs on Qwen2.5-VL
or Qwen3-VL too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch

from wherewise.models.torchvision_shim import ensure_torchvision

TinyFamily = Literal["qwen2_5_vl", "qwen3_vl"]

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Qwen's control tokens, in Qwen's order."""

TAG_TOKENS = ("<think>", "</think>", "<answer>", "</answer>", "<scene>", "</scene>")
"""Tags of the answer styles: one token each, kept when text is decoded."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}
{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif part['type'] == 'video' -%}
{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{%- else -%}
{{- part['text'] -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""
"""Turns as Qwen lays them out, without a system turn of its own."""

_TEXT = (
    "user assistant system",
    "Is the red chair to the left of the blue table? Answer with one word: yes or no.",
    "How many green lamps are in the room? Answer with a number. 0 1 2 3 4 5 6 7 8 9 10",
    "Which object is closer to the camera, the sofa or the plant? Think first, then give the final answer.",
    "The white bed is behind the yellow desk, above the small shelf and below the large window.",
    "Options: A. left B. right C. front D. behind. Answer with the letter of the option.",
    "In what order do the objects appear in the video? First the door, second the clock, third the cup.",
)


def build_tokenizer(texts: Iterable[str] = _TEXT, *, vocab_size: int = 512) -> Any:
    """A byte-level BPE tokenizer of Qwen's kind: any text can be written, common words are short.

    Args:
        texts: What the merges are learned from. The same texts give the same tokenizer.
        vocab_size: Most tokens before the control and tag tokens; at least the 256 bytes.

    Returns:
        A `Qwen2Tokenizer` with `SPECIAL_TOKENS`, `TAG_TOKENS` and `CHAT_TEMPLATE`, padding on the left.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.NFC()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in learned["merges"]],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=4096,
        padding_side="left",
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in TAG_TOKENS])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def build_processor(
    family: TinyFamily,
    tokenizer: Any,
    *,
    patch_size: int = 16,
    min_pixels: int = 32 * 32,
    max_pixels: int = 512 * 512,
    video_max_pixels: int | None = None,
) -> Any:
    """The family's own processor over a given tokenizer.

    Args:
        family: Which processor class.
        tokenizer: From `build_tokenizer`, or any Qwen tokenizer with a chat template.
        patch_size: Pixels per side of a vision patch; a token covers 2 x 2 of them.
        min_pixels: Smallest picture after resizing, height x width.
        max_pixels: Largest picture after resizing, height x width.
        video_max_pixels: Largest clip after resizing; Qwen3-VL counts all frames together, Qwen2.5-VL each frame. By
            default 8 frames of `max_pixels`, or one.

    Returns:
        A `Qwen2_5_VLProcessor` or `Qwen3VLProcessor` that never samples frames by itself.
    """
    ensure_torchvision()
    import transformers

    common: dict[str, Any] = {"patch_size": patch_size, "merge_size": 2, "temporal_patch_size": 2}
    if family == "qwen3_vl":
        common |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        processor_class, clip_class = transformers.Qwen3VLProcessor, transformers.Qwen3VLVideoProcessor
        clip_pixels = video_max_pixels or 8 * max_pixels
    elif family == "qwen2_5_vl":
        processor_class, clip_class = transformers.Qwen2_5_VLProcessor, transformers.Qwen2VLVideoProcessor
        clip_pixels = video_max_pixels or max_pixels
    else:
        raise ValueError(f"unknown family {family!r}; known: qwen2_5_vl, qwen3_vl")
    images = transformers.Qwen2VLImageProcessor(
        size={"shortest_edge": min_pixels, "longest_edge": max_pixels}, **common
    )
    clips = clip_class(
        size={"shortest_edge": min_pixels, "longest_edge": clip_pixels},
        do_sample_frames=False,
        cap_pixels_per_frame=False,
        **common,
    )
    return processor_class(
        image_processor=images, tokenizer=tokenizer, video_processor=clips, chat_template=tokenizer.chat_template
    )


def build_tiny(
    family: TinyFamily,
    *,
    tokenizer: Any = None,
    seed: int = 0,
    hidden_size: int = 64,
    layers: int = 3,
    heads: int = 4,
    kv_heads: int = 2,
    mlp_size: int | None = None,
    vision_hidden_size: int = 64,
    vision_depth: int = 3,
    vision_heads: int = 4,
    vision_mlp_size: int | None = None,
    patch_size: int = 16,
    position_embeddings: int = 64,
    deepstack_layers: Sequence[int] = (0, 1),
    window_patches: int = 4,
    max_length: int = 4096,
    min_pixels: int = 32 * 32,
    max_pixels: int = 512 * 512,
    video_max_pixels: int | None = None,
    initializer_range: float = 0.02,
    tie_embeddings: bool = True,
) -> tuple[Any, Any]:
    """A tiny model of a real family with random weights, and its processor.

    Args:
        family: `qwen2_5_vl` or `qwen3_vl`.
        tokenizer: Defaults to `build_tokenizer()`.
        seed: Of the weights.
        hidden_size: Width of the language model; a multiple of 2 x heads.
        layers: Layers of the language model.
        heads: Attention heads of the language model.
        kv_heads: Key-value heads; divides `heads`.
        mlp_size: Width of the language model's MLP; 3 x `hidden_size` by default.
        vision_hidden_size: Width of the vision tower; a multiple of 4 x vision_heads.
        vision_depth: Layers of the vision tower.
        vision_heads: Attention heads of the vision tower.
        vision_mlp_size: Width of the tower's MLP; 2 x `vision_hidden_size` by default.
        patch_size: Pixels per side of a patch.
        position_embeddings: Learned positions of the tower, a square number (Qwen3-VL).
        deepstack_layers: Tower layers whose features enter the first language layers (Qwen3-VL).
        window_patches: Side of an attention window in patches, even (Qwen2.5-VL; every other layer is windowed).
        max_length: Longest sequence in tokens.
        min_pixels: Smallest picture after resizing.
        max_pixels: Largest picture after resizing.
        video_max_pixels: Largest clip after resizing (`build_processor`).
        initializer_range: Standard deviation of the random weights.
        tie_embeddings: Whether input embedding and output head are one matrix.

    Returns:
        The model (float32, CPU, eval mode) and the processor. The global random state is left as it was.
    """
    ensure_torchvision()
    import transformers

    tokenizer = build_tokenizer() if tokenizer is None else tokenizer
    processor = build_processor(
        family,
        tokenizer,
        patch_size=patch_size,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        video_max_pixels=video_max_pixels,
    )
    end, pad = (int(tokenizer.convert_tokens_to_ids(token)) for token in ("<|im_end|>", "<|endoftext|>"))
    half = hidden_size // heads // 2
    side = 3 * half // 8
    rope: dict[str, Any] = {
        "rope_type": "default",
        "rope_theta": 10_000.0,
        "mrope_section": [half - 2 * side, side, side],
    }
    text: dict[str, Any] = {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": hidden_size,
        "intermediate_size": mlp_size or 3 * hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": max_length,
        "rope_parameters": rope,
        "pad_token_id": pad,
        "initializer_range": initializer_range,
        "tie_word_embeddings": tie_embeddings,
    }
    vision: dict[str, Any] = {
        "depth": vision_depth,
        "hidden_size": vision_hidden_size,
        "intermediate_size": vision_mlp_size or 2 * vision_hidden_size,
        "num_heads": vision_heads,
        "out_hidden_size": hidden_size,
        "patch_size": patch_size,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "initializer_range": initializer_range,
    }
    if family == "qwen3_vl":
        rope["mrope_interleaved"] = True
        text["head_dim"] = hidden_size // heads
        vision |= {
            "num_position_embeddings": position_embeddings,
            "deepstack_visual_indexes": list(deepstack_layers),
            "hidden_act": "gelu_pytorch_tanh",
        }
        config_class, model_class = transformers.Qwen3VLConfig, transformers.Qwen3VLForConditionalGeneration
    else:
        text |= {"bos_token_id": None, "eos_token_id": end}
        vision |= {
            "window_size": window_patches * patch_size,
            "fullatt_block_indexes": [index for index in range(vision_depth) if index % 2 == 1],
            "tokens_per_second": 2,
        }
        config_class, model_class = transformers.Qwen2_5_VLConfig, transformers.Qwen2_5_VLForConditionalGeneration
    config = config_class(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=tie_embeddings,
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=tokenizer.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=tokenizer.convert_tokens_to_ids("<|vision_end|>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(config).float().eval()
    model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = pad
    return model, processor
