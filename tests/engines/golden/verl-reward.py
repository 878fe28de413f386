"""The rewards of this run for verl; the mixture is in rewards.json."""

from pathlib import Path

from wherewise.engines.remote_reward import verl_compute_score

compute_score = verl_compute_score(Path(__file__).with_name("rewards.json"))
