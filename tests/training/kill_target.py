"""Run by ``test_kill``: trains in a process of its own, which is then killed.

Arguments: ``sft`` or ``grpo``, the model's folder, the run folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from training_toy import grpo_config, sft_config, toy_samples

from wherewise.training import train_grpo, train_sft

STEPS = 40

if __name__ == "__main__":
    phase, model, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if phase == "sft":
        train_sft(sft_config(model, out, steps=STEPS, save_every=3), samples=toy_samples())
    else:
        train_grpo(
            grpo_config(model, out, steps=STEPS, save_every=3, num_iterations=2, optim="muon"), samples=toy_samples()
        )
