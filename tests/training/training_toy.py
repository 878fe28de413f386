"""Toy samples: a picture of one colour, and the question which one it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import PIL.Image

from wherewise.answers.styles import PromptConfig
from wherewise.models.load import save_model
from wherewise.models.tiny import build_tiny
from wherewise.rewards import RewardConfig
from wherewise.samples import Choice, Image, Sample
from wherewise.training.config import LoraConfig, ModelConfig, OptimConfig
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.sft.config import SFTConfig

COLORS = {"red": (220, 30, 30), "blue": (30, 30, 220)}


def png(color: tuple[int, int, int], size: int = 32) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (size, size), color).save(buffer, "PNG")
    return buffer.getvalue()


def toy_samples(count: int = 12) -> list[Sample]:
    names = list(COLORS)
    samples = []
    for i in range(count):
        name = names[i % 2]
        red, green, blue = COLORS[name]
        samples.append(
            Sample(
                id=f"toy-{i:03d}",
                media=(Image(data=png((red, green + 2 * i, blue)), width=32, height=32),),
                question="Is it red or blue?" if i % 3 else "Red or blue?",
                options=("red", "blue"),
                answer=Choice(letter="AB"[i % 2], text=name),
                task="color",
                group=f"g{i}",
            )
        )
    return samples


PROMPT = PromptConfig(options="none", instruction=False)


def save_tiny(folder: Path, family: str = "qwen3_vl", **sizes: int) -> Path:
    small = {"hidden_size": 32, "layers": 2, "vision_hidden_size": 32, "vision_depth": 2}
    model, processor = build_tiny(family, seed=0, **{**small, **sizes})
    return save_model(model, processor, folder)


def optim_config(optim: str | dict[str, Any]) -> OptimConfig:
    if isinstance(optim, dict):
        return OptimConfig(**optim)
    return OptimConfig(name=optim, lr=3e-3, schedule="linear", warmup=1)


def sft_config(
    model: Path, out: Path, *, lora: bool = False, optim: str | dict[str, Any] = "adamw", **changes: Any
) -> SFTConfig:
    values: dict[str, Any] = {
        "out": out,
        "model": ModelConfig(path=str(model), device="cpu", lora=LoraConfig(r=4, vision=True) if lora else None),
        "prompt": PROMPT,
        "optim": optim_config(optim),
        "steps": 6,
        "batch_size": 4,
        "micro_batch": 3,
        "save_every": 2,
        "log_every": 2,
        "threads": 1,
    }
    return SFTConfig(**{**values, **changes})


def grpo_config(
    model: Path, out: Path, *, lora: bool = False, optim: str | dict[str, Any] = "adamw", **changes: Any
) -> GRPOConfig:
    values: dict[str, Any] = {
        "out": out,
        "model": ModelConfig(path=str(model), device="cpu", lora=LoraConfig(r=4, vision=True) if lora else None),
        "prompt": PROMPT,
        "optim": optim_config(optim),
        "rewards": (RewardConfig(name=f"{Path(__file__).parent / 'training_toy_rewards.py'}:likes_e"),),
        "steps": 6,
        "prompts_per_step": 3,
        "generations": 4,
        "micro_prompts": 2,
        "max_new_tokens": 5,
        "save_every": 2,
        "log_every": 2,
        "threads": 1,
    }
    return GRPOConfig(**{**values, **changes})
