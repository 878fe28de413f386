"""Tiny models of the other families, real classes and real processors, built from nothing and offline.

Beside `wherewise.models.tiny` (Qwen2.5-VL, Qwen3-VL). They have random weights and a small tokenizer with each family's
own control tokens; the language models are those that the published checkpoints have (Llama for Idefics3 and SmolVLM,
Qwen2 for InternVL and LLaVA-OneVision).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch

from wherewise.models.tiny import CHAT_TEMPLATE, build_processor, build_tiny, build_tokenizer
from wherewise.models.torchvision_shim import ensure_torchvision

OtherFamily = Literal["qwen2_vl", "idefics3", "smolvlm", "internvl", "llava_onevision"]

_IMAGE_SIDE = 64
_PATCH = 16
_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


def build_tiny_family(family: str, *, seed: int = 0, initializer_range: float = 0.1) -> tuple[Any, Any]:
    """A tiny model of a family and its processor.

    Args:
        family: A ``model_type``: `OtherFamily`, ``qwen2_5_vl`` or ``qwen3_vl``.
        seed: Of the weights.
        initializer_range: Standard deviation of the random weights.

    Returns:
        The model (float32, CPU, eval mode) and the processor. The global random state is left as it was.

    Raises:
        ValueError: There is no such family here.
    """
    if family in ("qwen2_5_vl", "qwen3_vl"):
        return build_tiny(family, seed=seed, initializer_range=initializer_range)  # type: ignore[arg-type]
    if family not in _BUILDERS:
        raise ValueError(f"no tiny {family!r}; there are {', '.join(['qwen2_5_vl', 'qwen3_vl', *_BUILDERS])}")
    ensure_torchvision()
    make, processor = _BUILDERS[family](initializer_range)
    tokenizer = processor.tokenizer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make().float()
        for name, parameter in model.named_parameters():  # some towers ignore initializer_range
            if parameter.ndim > 1 and "norm" not in name:
                parameter.data.normal_(0.0, initializer_range)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.eval(), processor


def _tokenizer(picture: str, *more: str) -> Any:
    """The tiny tokenizer with further control tokens, and pictures written as the family writes them."""
    tokenizer = build_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(more)}, replace_extra_special_tokens=False)
    tokenizer.chat_template = CHAT_TEMPLATE.replace(_PICTURE, picture)
    return tokenizer


def _language(tokenizer: Any, initializer_range: float) -> dict[str, Any]:
    return {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "initializer_range": initializer_range,
        "tie_word_embeddings": True,
    }


def _tower(initializer_range: float, **changes: Any) -> dict[str, Any]:
    return {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": _IMAGE_SIDE,
        "patch_size": _PATCH,
        "initializer_range": initializer_range,
        **changes,
    }


def _qwen2_vl(initializer_range: float) -> tuple[Callable[[], Any], Any]:
    import transformers

    tokenizer = build_tokenizer()
    borrowed = build_processor("qwen2_5_vl", tokenizer)
    processor = transformers.Qwen2VLProcessor(
        image_processor=borrowed.image_processor,
        tokenizer=tokenizer,
        video_processor=borrowed.video_processor,
        chat_template=tokenizer.chat_template,
    )
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}
    tokens = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{word}|>")
        for name, word in (
            ("image", "image_pad"),
            ("video", "video_pad"),
            ("vision_start", "vision_start"),
            ("vision_end", "vision_end"),
        )
    }
    config = transformers.Qwen2VLConfig(
        text_config=_language(tokenizer, initializer_range) | {"rope_parameters": rope},
        vision_config={
            "depth": 2,
            "embed_dim": 64,
            "hidden_size": 64,
            "num_heads": 4,
            "mlp_ratio": 2,
            "patch_size": 16,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        tie_word_embeddings=True,
        **tokens,
    )
    return lambda: transformers.Qwen2VLForConditionalGeneration(config), processor


def _idefics3(initializer_range: float) -> tuple[Callable[[], Any], Any]:
    import transformers

    rows = [f"<row_{i}_col_{j}>" for i in range(1, 7) for j in range(1, 7)]
    tokenizer = _tokenizer(
        "<image>", "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *rows
    )
    processor = transformers.Idefics3Processor(
        image_processor=transformers.Idefics3ImageProcessor(
            size={"longest_edge": 2 * _IMAGE_SIDE}, max_image_size={"longest_edge": _IMAGE_SIDE}
        ),
        tokenizer=tokenizer,
        image_seq_len=(_IMAGE_SIDE // _PATCH // 2) ** 2,
        chat_template=tokenizer.chat_template,
    )
    config = transformers.Idefics3Config(
        text_config=_language(tokenizer, initializer_range) | {"model_type": "llama"},
        vision_config=_tower(initializer_range),
        image_token_id=processor.image_token_id,
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    return lambda: transformers.Idefics3ForConditionalGeneration(config), processor


def _smolvlm(initializer_range: float) -> tuple[Callable[[], Any], Any]:
    import transformers

    rows = [f"<row_{i}_col_{j}>" for i in range(1, 7) for j in range(1, 7)]
    tokenizer = _tokenizer(
        "<image>", "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", "<video>", *rows
    )
    sizes = {"size": {"longest_edge": 2 * _IMAGE_SIDE}, "max_image_size": {"longest_edge": _IMAGE_SIDE}}
    processor = transformers.SmolVLMProcessor(
        image_processor=transformers.SmolVLMImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=transformers.SmolVLMVideoProcessor(**sizes),
        image_seq_len=(_IMAGE_SIDE // _PATCH // 2) ** 2,
        chat_template=tokenizer.chat_template,
    )
    config = transformers.SmolVLMConfig(
        text_config=_language(tokenizer, initializer_range) | {"model_type": "llama"},
        vision_config=_tower(initializer_range),
        image_token_id=processor.image_token_id,
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    return lambda: transformers.SmolVLMForConditionalGeneration(config), processor


def _internvl(initializer_range: float) -> tuple[Callable[[], Any], Any]:
    import transformers

    tokenizer = _tokenizer("<IMG_CONTEXT>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>")
    for role, token in (
        ("start_image_token", "<img>"),
        ("end_image_token", "</img>"),
        ("context_image_token", "<IMG_CONTEXT>"),
        ("video_token", "<video>"),
    ):
        tokenizer._set_model_specific_special_tokens({role: token})
    side = {"height": _IMAGE_SIDE, "width": _IMAGE_SIDE}
    processor = transformers.InternVLProcessor(
        image_processor=transformers.GotOcr2ImageProcessor(size=side, crop_to_patches=True, max_patches=4),
        tokenizer=tokenizer,
        video_processor=transformers.InternVLVideoProcessor(size=side),
        image_seq_length=(_IMAGE_SIDE // _PATCH // 2) ** 2,
        chat_template=tokenizer.chat_template,
    )
    config = transformers.InternVLConfig(
        text_config=_language(tokenizer, initializer_range) | {"model_type": "qwen2"},
        vision_config=_tower(initializer_range, image_size=[_IMAGE_SIDE, _IMAGE_SIDE], patch_size=[_PATCH, _PATCH]),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=(_IMAGE_SIDE // _PATCH // 2) ** 2,
        tie_word_embeddings=True,
    )
    return lambda: transformers.InternVLForConditionalGeneration(config), processor


def _llava_onevision(initializer_range: float) -> tuple[Callable[[], Any], Any]:
    import transformers

    tokenizer = _tokenizer("<image>", "<image>", "<video>")
    side = {"height": _IMAGE_SIDE, "width": _IMAGE_SIDE}
    grids = [[_IMAGE_SIDE * i, _IMAGE_SIDE * j] for i in (1, 2) for j in (1, 2)]
    processor = transformers.LlavaOnevisionProcessor(
        image_processor=transformers.LlavaOnevisionImageProcessor(size=side, image_grid_pinpoints=grids),
        tokenizer=tokenizer,
        video_processor=transformers.LlavaOnevisionVideoProcessor(size=side),
        num_image_tokens=(_IMAGE_SIDE // _PATCH) ** 2,
        vision_feature_select_strategy="full",
        chat_template=tokenizer.chat_template,
    )
    config = transformers.LlavaOnevisionConfig(
        text_config=_language(tokenizer, initializer_range) | {"model_type": "qwen2"},
        vision_config=_tower(initializer_range, model_type="siglip_vision_model", vision_use_head=False),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=grids,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        tie_word_embeddings=True,
    )
    return lambda: transformers.LlavaOnevisionForConditionalGeneration(config), processor


_BUILDERS: dict[str, Callable[[float], tuple[Callable[[], Any], Any]]] = {
    "qwen2_vl": _qwen2_vl,
    "idefics3": _idefics3,
    "smolvlm": _smolvlm,
    "internvl": _internvl,
    "llava_onevision": _llava_onevision,
}

TINY_FAMILIES: tuple[str, ...] = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", *list(_BUILDERS)[1:])
"""Every family that has a tiny model, by ``model_type``."""
