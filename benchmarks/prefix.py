"""Time the shared prefix against repeating every prompt, side by side on the same inputs; prints one JSON object.

    python benchmarks/prefix.py --family qwen3_vl --prompts 2 --group 8 --pixels 224 --completion 48

"plain" repeats each prompt and its pictures G times, as trainers commonly do; "sequences" is Hugging Face's own
`num_return_sequences=G`; "shared" is `wherewise.training.grpo.prefix`. The models have random weights: only time and
equality are measured. Every figure is the fastest of `--repeats` runs.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import PIL.Image
import torch

from wherewise.models.batch import PromptBatch, collate
from wherewise.models.forward import vision_tower
from wherewise.models.inputs import encode_prompt, padding_id, vision_token_ids
from wherewise.models.load import fast_patch_embedding
from wherewise.models.tiny import build_tiny
from wherewise.training.grpo.prefix import Completions, completion_logprobs, generate, naive_logprobs, prefill


def arguments() -> argparse.Namespace:
    """Sizes of the model and of the batch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--family", choices=("qwen2_5_vl", "qwen3_vl"), default="qwen3_vl")
    parser.add_argument("--prompts", type=int, default=2, help="different prompts in the batch")
    parser.add_argument("--group", type=int, default=8, help="completions per prompt")
    parser.add_argument("--pixels", type=int, default=224, help="side of the square picture of each prompt")
    parser.add_argument("--completion", type=int, default=48, help="tokens per completion")
    parser.add_argument("--hidden", type=int, default=128, help="width of language model and vision tower")
    parser.add_argument("--layers", type=int, default=4, help="layers of language model and vision tower")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    return parser.parse_args()


def make_batch(processor: Any, options: argparse.Namespace) -> PromptBatch:
    """Prompts of slightly different lengths, one noise picture each."""
    rng = np.random.default_rng(0)
    prompts = []
    for index in range(options.prompts):
        noise = rng.integers(0, 255, (options.pixels, options.pixels, 3), dtype=np.uint8)
        text = "Is the red chair to the left of the blue table?" + " Answer with one word." * (index % 2)
        prompts.append(encode_prompt(processor, text, [PIL.Image.fromarray(noise)], sample_id=str(index)))
    return collate(prompts, pad_id=padding_id(processor), device=options.device)


def fastest(action: Callable[[], Any], options: argparse.Namespace) -> float:
    """Seconds of the fastest run; wall time on an accelerator, CPU time of this process otherwise."""
    on_cpu = options.device == "cpu"
    clock = time.process_time if on_cpu and options.threads == 1 else time.perf_counter
    seconds = []
    for _ in range(options.repeats):
        began = clock()
        action()
        if not on_cpu:
            torch.cuda.synchronize()
        seconds.append(clock() - began)
    return min(seconds)


def main() -> None:
    """Measure and print."""
    options = arguments()
    torch.set_num_threads(options.threads)
    model, processor = build_tiny(
        options.family,
        hidden_size=options.hidden,
        layers=options.layers,
        vision_hidden_size=options.hidden,
        vision_depth=options.layers,
        position_embeddings=256,
        max_pixels=options.pixels**2,
        initializer_range=0.05,
    )
    fast_patch_embedding(model)
    model.to(options.device, getattr(torch, options.dtype))
    batch = make_batch(processor, options)
    banned = (*vision_token_ids(processor), *(processor.tokenizer.convert_tokens_to_ids(t) for t in ("<|im_end|>",)))
    group, length = options.group, options.completion

    encoded = 0

    def count(_module: Any, inputs: Any, keywords: Any, _output: Any) -> None:
        nonlocal encoded
        encoded += len(keywords["grid_thw"])

    vision_tower(model).register_forward_hook(count, with_kwargs=True)

    def hf_generate(inputs: PromptBatch, **more: Any) -> None:
        settings: dict[str, Any] = {"max_new_tokens": length, "min_new_tokens": length, "do_sample": True, "top_k": 0}
        model.generate(**inputs.model_inputs(), suppress_tokens=list(banned), **settings, **more)

    def shared_generate() -> Completions:
        with torch.no_grad():
            prefix = prefill(model, batch)
        return generate(
            model,
            prefix,
            group_size=group,
            max_new_tokens=length,
            temperature=1.0,
            eos_ids=(),
            pad_id=padding_id(processor),
            banned_ids=banned,
            generator=torch.Generator().manual_seed(0),
        )

    completions = shared_generate()
    weights = torch.randn(completions.ids.shape, generator=torch.Generator().manual_seed(1)).to(options.device)
    found: dict[str, tuple[torch.Tensor, dict[str, torch.Tensor]]] = {}

    def update(name: str, score: Callable[[], Any]) -> Callable[[], None]:
        def action() -> None:
            model.zero_grad(set_to_none=True)
            values = score().values
            (values * weights).mean().backward()
            gradients = {key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None}
            found[name] = (values.detach(), gradients)

        return action

    def shared_score() -> Any:
        return completion_logprobs(model, prefill(model, batch), completions, group_size=group, banned_ids=banned)

    def plain_score() -> Any:
        return naive_logprobs(model, batch, completions, group_size=group, banned_ids=banned)

    actions: dict[str, dict[str, Callable[[], Any]]] = {
        "generate": {
            "plain": lambda: hf_generate(batch.repeat(group)),
            "sequences": lambda: hf_generate(batch, num_return_sequences=group),
            "shared": shared_generate,
        },
        "forward_backward": {"plain": update("plain", plain_score), "shared": update("shared", shared_score)},
    }
    seconds: dict[str, dict[str, float]] = {}
    pictures: dict[str, dict[str, int]] = {}
    for phase, ways in actions.items():
        for way, action in ways.items():
            encoded = 0
            seconds.setdefault(phase, {})[way] = round(fastest(action, options), 4)
            pictures.setdefault(phase, {})[way] = encoded // options.repeats
    (plain, reference), (shared, ours) = found["plain"], found["shared"]
    relative = max(float((ours[key] - reference[key]).norm() / reference[key].norm()) for key in reference)
    report = {
        "sizes": {
            **vars(options),
            "prompt_tokens": int(batch.input_ids.shape[1]),
            "patches": 0 if batch.pixel_values is None else len(batch.pixel_values),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
        },
        "machine": {"processor": platform.machine(), "torch": torch.__version__},
        "seconds": seconds,
        "pictures_encoded": pictures,
        "ratio": {
            phase: {f"{way}/shared": round(value / ways["shared"], 2) for way, value in ways.items() if way != "shared"}
            for phase, ways in seconds.items()
        },
        "max_abs_difference_logprob": float((plain - shared).abs().max()),
        "max_relative_difference_gradient": relative,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
