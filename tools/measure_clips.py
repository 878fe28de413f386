"""Does a model read clips? Accuracy on the frames in order, out of order, and without any.

    python tools/measure_clips.py MODEL DATASET --split test

Greedy replies to the same questions three ways; intervals are Wilson's, differences are compared question by question
(exact McNemar test). A model that tells the order of frames loses its lead when they are shuffled; one that guesses
from the wording keeps it without any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from wherewise.answers.styles import PromptConfig, render_prompt
from wherewise.evaluation.statistics import mcnemar_exact, wilson
from wherewise.models.inputs import EncodedPrompt, collate, encode_prompt, end_token_ids, padding_id, vision_token_ids
from wherewise.models.load import LoadedModel, load_model
from wherewise.rewards import Completion, RewardConfig, build_reward
from wherewise.samples import Sample
from wherewise.samples.store import read_dataset
from wherewise.training.config import FramesConfig
from wherewise.training.data import Encoder
from wherewise.training.grpo.prefix import generate, prefill

BATCH = 16
"""Prompts at a time."""


@torch.no_grad()
def replies(loaded: LoadedModel, prompts: Sequence[EncodedPrompt], max_new_tokens: int) -> list[str]:
    """Greedy replies to some prompts."""
    processor, found = loaded.processor, []
    ends = set(end_token_ids(processor))
    for start in range(0, len(prompts), BATCH):
        batch = collate(prompts[start : start + BATCH], pad_id=padding_id(processor))
        drawn = generate(
            loaded.model,
            prefill(loaded.model, batch),
            group_size=1,
            max_new_tokens=max_new_tokens,
            temperature=0.0,
            eos_ids=end_token_ids(processor),
            pad_id=padding_id(processor),
            banned_ids=vision_token_ids(processor),
            generator=torch.Generator(),
        )
        for tokens in drawn.token_lists():
            found.append(processor.tokenizer.decode([t for t in tokens if t not in ends]))
    return found


def measure(
    loaded: LoadedModel,
    samples: Sequence[Sample],
    prompt: PromptConfig,
    encode: Callable[[Sample], EncodedPrompt],
    max_new_tokens: int,
) -> list[bool]:
    """Which questions are answered rightly."""
    accuracy = build_reward(RewardConfig(name="accuracy"))
    texts = replies(loaded, [encode(sample) for sample in samples], max_new_tokens)
    scores = [accuracy(Completion(text=t), s, prompt).value for t, s in zip(texts, samples, strict=True)]
    return [score == 1.0 for score in scores]


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--max-new-tokens", type=int, default=16)
    arguments = parser.parse_args()
    prompt = PromptConfig(style="direct", options="none", instruction=False)
    loaded = load_model(arguments.model, dtype="float32", device="cpu", attn="sdpa")
    loaded.model.eval()
    frames = FramesConfig(fps=2, max_frames=6)
    samples = list(read_dataset(arguments.dataset, splits=[arguments.split], limit=arguments.limit))
    encoder = Encoder(processor=loaded.processor, prompt=prompt, root=arguments.dataset, frames=frames, budget=1 << 20)
    ways: dict[str, Callable[[Sample], EncodedPrompt]] = {
        "in order": encoder.encode,
        "shuffled": lambda sample: encoder.encode_shuffled(sample, "measure"),
        "blind": lambda sample: encode_prompt(loaded.processor, render_prompt(sample, prompt), (), sample_id=sample.id),
    }
    right = {name: measure(loaded, samples, prompt, way, arguments.max_new_tokens) for name, way in ways.items()}
    report: dict[str, object] = {"model": arguments.model, "questions": len(samples)}
    for name, hits in right.items():
        interval = wilson(sum(hits), len(hits))
        tasks = {
            task: round(sum(own) / len(own), 4)
            for task in sorted({s.task for s in samples})
            for own in [[hit for hit, s in zip(hits, samples, strict=True) if s.task == task]]
        }
        report[name] = {
            "accuracy": round(sum(hits) / len(hits), 4),
            "interval": [round(interval.low, 4), round(interval.high, 4)],
            "tasks": tasks,
            "p_against_in_order": None if name == "in order" else mcnemar_exact(right["in order"], hits),
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
