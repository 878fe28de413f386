"""Rewards: pure functions of (completion, sample, prompt) that return a `Score`; mixtures of them are data.

>>> rewards = build_rewards([RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.1)])
>>> [config.name for config in rewards.configs]
['accuracy', 'format']
"""

from wherewise.rewards.base import Completion, GroupReward, Reward
from wherewise.rewards.config import REGISTRY, RewardConfig, Rewards, build_reward, build_rewards
from wherewise.rewards.score import Score

__all__ = [
    "REGISTRY",
    "Completion",
    "GroupReward",
    "Reward",
    "RewardConfig",
    "Rewards",
    "Score",
    "build_reward",
    "build_rewards",
]
