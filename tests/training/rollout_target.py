"""Run by ``test_rollout_server`` under torchrun: a toy run on a server. Arguments: model, folder, URL, ``overlap``."""

from __future__ import annotations

import sys
from pathlib import Path

from training_toy import grpo_config, toy_samples

from wherewise.training import train_grpo

if __name__ == "__main__":
    model, out, url, *options = sys.argv[1:]
    block = {"engine": "vllm", "url": url, "overlap": "overlap" in options}
    config = grpo_config(
        Path(model),
        Path(out),
        lora=True,
        rollout=block,
        sampler_correction="token_truncate",
        steps=2,
        prompts_per_step=4,
        save_every=None,
        rollouts={"every": 1},
    )
    train_grpo(config, samples=toy_samples())
