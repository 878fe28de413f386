"""Frozen weights in 4 or 8 bits under adapters (QLoRA, arXiv:2305.14314), by bitsandbytes.

Only the linear layers of the language model are quantised: vision tower, mergers, embeddings and the head are small
beside it, and lose more. A trained model is made plain again by writing its quantised weights out as the numbers they
stand for and then adding the adapters: the plain model is the one that was trained, whereas adding the adapters to the
weights from before the quantisation gives a model that nobody has measured.
"""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from wherewise.samples.errors import InputError

_LANGUAGE_STACKS = ("language_model", "text_model")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantization:
    """How frozen weights are stored.

    Attributes:
        bits: 4 or 8.
        grid: Values of the 4-bit grid.
        double: Whether the scales of the 4-bit blocks are quantised as well.
        outliers: Size from which activation columns are multiplied in 16 bits (8 bits); 0 never.
    """

    bits: Literal[4, 8] = 4
    grid: Literal["nf4", "fp4"] = "nf4"
    double: bool = True
    outliers: float = 6.0


def quantization_arguments(model_config: Any, quantization: Quantization, dtype: torch.dtype) -> Any:
    """The configuration that makes transformers quantise a model while it loads.

    Args:
        model_config: The model's own configuration.
        quantization: How.
        dtype: Type that matrix products compute in.

    Raises:
        InputError: bitsandbytes is not installed, or the checkpoint is quantised already.
    """
    import transformers

    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError("quantised weights need bitsandbytes: pip install 'wherewise[quant]', or drop model.quantize")
    if getattr(model_config, "quantization_config", None) is not None:
        raise InputError("the checkpoint is quantised already: give the original model, or drop model.quantize")
    return transformers.BitsAndBytesConfig(
        load_in_4bit=quantization.bits == 4,
        load_in_8bit=quantization.bits == 8,
        bnb_4bit_quant_type=quantization.grid,
        bnb_4bit_use_double_quant=quantization.double,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_threshold=quantization.outliers,
        llm_int8_skip_modules=list(_kept(model_config)),
    )


def _kept(model_config: Any) -> tuple[str, ...]:
    """Names of the modules whose linear layers stay as they are: all but the language model's."""
    import transformers

    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(model_config)
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return tuple(name for name in linear if not any(stack in name.split(".") for stack in _LANGUAGE_STACKS))


def is_quantized(model: nn.Module) -> bool:
    """Whether some weights of a model are stored in few bits."""
    return any(type(parameter).__name__ in ("Params4bit", "Int8Params") for parameter in model.parameters())


def settle(model: nn.Module) -> None:
    """Keep the stored weights as they are from now on.

    On CPUs with AVX512-BF16, bitsandbytes packs 4-bit weights anew for the first forward in evaluation mode, rounds
    their scales to bfloat16 and cannot train on the result: sampling would use other numbers than the loss, and a
    resumed run others than the one that it goes on with. Its messages about 16-bit inputs are one a layer and call.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            object.__setattr__(module, "support_avx512bf16_for_cpu", False)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def true_size(parameter: nn.Parameter) -> int:
    """Number of weights in a parameter; 4-bit ones hold two in a byte."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else int(torch.Size(state.shape).numel())


def dequantize(model: Any, dtype: torch.dtype) -> Any:
    """The model with its quantised weights written out in `dtype`; the given model is used up.

    Args:
        model: A Hugging Face model, without adapters.
        dtype: Type of the plain weights.
    """
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        plain = model.dequantize(dtype=dtype)
    finally:
        transformers_logging.set_verbosity(level)
    for name in ("is_loaded_in_4bit", "is_loaded_in_8bit"):  # peft would take the plain layers for quantised ones
        if name in plain.__dict__:
            delattr(plain, name)
    return plain
