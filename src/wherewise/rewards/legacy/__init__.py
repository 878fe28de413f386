"""The five seeds' rewards exactly as their published code computes them, quirks included; for comparison, not for use.

What is wrong with each stands in its docstring and in ``docs/legacy_rewards.md``; the corrected ones are in
`wherewise.rewards`. A legacy reward scores rows of the published inputs:

>>> score = LEGACY["legacy.spatial_r1_mra"].score_row(
...     {"completion": "<answer>a total of 4</answer>", "ground_truth": "4"}
... )
>>> score.value, score.parts["read"]
(0.0, 1.0)
"""

from __future__ import annotations

from typing import Any

from wherewise.rewards.legacy import (
    dora,
    groups,
    r1v,
    reinforcesight,
    spatial_r1,
    spatial_r1_map,
    spatial_thinker,
    video_r2,
)
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row

__all__ = ["LEGACY", "LegacyReward", "Params", "Row"]

_MODULES = (spatial_thinker, r1v, video_r2, spatial_r1, spatial_r1_map, dora, reinforcesight, groups)

LEGACY: dict[str, LegacyReward[Any, Any]] = {entry.name: entry for module in _MODULES for entry in module.REWARDS}
"""All legacy rewards by name."""
