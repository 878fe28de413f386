"""Does a mixture of rewards pay for nothing? Adversarial replies, tried before any training.

>>> from wherewise.answers.styles import PromptConfig
>>> from wherewise.rewards import RewardConfig, build_rewards
>>> "wrong_sentence" in audit(build_rewards([RewardConfig(name="legacy.spatial_r1_mca")]), PromptConfig()).holes
True
"""

from __future__ import annotations

from wherewise.rewards.audit.attacks import ATTACKS
from wherewise.rewards.audit.evidence import FORGERIES
from wherewise.rewards.audit.fair import FAIR
from wherewise.rewards.audit.fixtures import FIXTURES
from wherewise.rewards.audit.run import AuditReport, Check, Finding, audit

__all__ = ["ATTACKS", "FAIR", "FIXTURES", "FORGERIES", "AuditReport", "Check", "Finding", "audit"]
